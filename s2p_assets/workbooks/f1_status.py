"""How a race can end for a car. Which car ended how is in `f1_results.py`."""

from s2p_assets.columns import Row, Text, code, text
from s2p_assets.spreadsheet.contract import Workbook


class Status(Row):
    """A way in which a race ends for a car."""

    status_id: Text = code(says="Its number")
    status: Text = text(says="In words: finished, a lap behind, engine …")


status = Workbook(
    rows=Status,
    found_at="f1/**/status*.*",
    owner="race-office@example.com",
    key=("status_id",),
    blanks=("\\N",),
)
