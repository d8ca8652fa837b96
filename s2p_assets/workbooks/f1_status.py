"""The ways in which a race can end for a car. Which car finished how is in `f1_results.py`."""

from s2p_assets.columns import Row, Text, code, text
from s2p_assets.spreadsheet.contract import Workbook


class FinishStatus(Row):
    """One way in which a race can end for a car, from the race office's database."""

    status_id: Text = code(says="Its number")
    status: Text = text(says="In words: finished, a lap behind, engine …")


status = Workbook(
    rows=FinishStatus,
    found_at="f1/**/status*.*",
    owner="race-office@example.com",
    key=("status_id",),
    blanks=("\\N",),
)
