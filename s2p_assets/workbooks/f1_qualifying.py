"""Qualifying: laps driven for the places on the grid. The grid itself is in `f1_results.py`."""

from s2p_assets.columns import Row, Text, Whole, code, text, whole
from s2p_assets.spreadsheet.contract import Workbook

LAP_TIME = r"^\d+:\d\d\.\d+$"


class Qualifying(Row):
    """One driver in the qualifying of one race, from the race office's database."""

    qualify_id: Text = code(says="Its number")
    race_id: Text = code(says="The race", refers_to="races.race_id")
    driver_id: Text = code(says="The driver", refers_to="drivers.driver_id")
    constructor_id: Text = code(says="The team", refers_to="constructors.constructor_id")
    car_number: Text = code("Number", says="The number on the car", optional=True)
    position: Whole = whole(says="Place reached", ge=1)
    q1: Text = text(says="Best lap of the first part, as m:ss.fff", optional=True, str_matches=LAP_TIME)
    q2: Text = text(says="Best lap of the second part, as m:ss.fff", optional=True, str_matches=LAP_TIME)
    q3: Text = text(says="Best lap of the third part, as m:ss.fff", optional=True, str_matches=LAP_TIME)


qualifying = Workbook(
    rows=Qualifying,
    found_at="f1/**/qualifying*.*",
    owner="race-office@example.com",
    key=("qualify_id",),
    blanks=("\\N",),
)
