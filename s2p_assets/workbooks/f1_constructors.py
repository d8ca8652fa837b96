"""The teams that build the cars. Their results are in `f1_results.py`."""

from s2p_assets.columns import Row, Text, code, text
from s2p_assets.spreadsheet.contract import Workbook


class Constructor(Row):
    """One team, from the race office's database."""

    constructor_id: Text = code(says="The team's number")
    constructor_ref: Text = code(says="A short name")
    name: Text = text(says="What it is called")
    nationality: Text = text(says="Where it is from")


constructors = Workbook(
    rows=Constructor,
    found_at="f1/**/constructors*.*",
    owner="race-office@example.com",
    key=("constructor_id",),
    blanks=("\\N",),
    ignores=("url",),
)
