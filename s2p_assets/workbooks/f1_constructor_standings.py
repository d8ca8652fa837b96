"""The teams' championship after each race. Results are in `f1_results.py`."""

from s2p_assets.columns import Number, Row, Text, Whole, code, number, whole
from s2p_assets.spreadsheet.contract import Workbook


class ConstructorStanding(Row):
    """One team in the championship after one race, from the race office's database."""

    constructor_standings_id: Text = code(says="Its number")
    race_id: Text = code(says="The race", refers_to="races.race_id")
    constructor_id: Text = code(says="The team", refers_to="constructors.constructor_id")
    points: Number = number(says="Points of the season so far", ge=0, known="after")
    position: Whole = whole(says="The place in the championship", optional=True, ge=1, known="after")
    position_text: Text = code(says="The same, or why there is none", optional=True, known="after")
    wins: Whole = whole(says="Races won so far", ge=0, known="after")


constructor_standings = Workbook(
    rows=ConstructorStanding,
    found_at="f1/**/constructor*standing*.*",
    owner="race-office@example.com",
    key=("constructor_standings_id",),
    blanks=("\\N",),
)
