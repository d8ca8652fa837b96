"""The drivers' championship after each race. Results are in `f1_results.py`."""

from s2p_assets.columns import Number, Row, Text, Whole, code, number, whole
from s2p_assets.spreadsheet.contract import Workbook


class DriverStanding(Row):
    """One driver in the championship after one race, from the race office's database."""

    driver_standings_id: Text = code(says="Its number")
    race_id: Text = code(says="The race", refers_to="races.race_id")
    driver_id: Text = code(says="The driver", refers_to="drivers.driver_id")
    points: Number = number(says="Points of the season so far", ge=0, known="after")
    position: Whole = whole(says="The place in the championship", optional=True, ge=1, known="after")
    position_text: Text = code(says="The same, or why there is none", optional=True, known="after")
    wins: Whole = whole(says="Races won so far", ge=0, known="after")


driver_standings = Workbook(
    rows=DriverStanding,
    found_at="f1/**/driver*standing*.*",
    owner="race-office@example.com",
    key=("driver_standings_id",),
    blanks=("\\N",),
)
