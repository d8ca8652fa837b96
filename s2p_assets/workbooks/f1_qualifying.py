"""Qualifying: laps driven for the places on the grid. The grid itself is in `f1_results.py`."""

from s2p_assets import Code, Integer, Row, Text, Workbook, column

LAP_TIME = r"^\d+:\d\d\.\d+$"


class Qualifying(Row):
    """One driver in the qualifying of one race, from the race office's database."""

    qualify_id: Code = column(description="Its number")
    race_id: Code = column(description="The race", references="races.race_id")
    driver_id: Code = column(description="The driver", references="drivers.driver_id")
    constructor_id: Code = column(description="The team", references="constructors.constructor_id")
    car_number: Code = column("Number", description="The number on the car", nullable=True)
    position: Integer = column(description="Place reached", ge=1)
    q1: Text = column(description="Best lap of the first part, as m:ss.fff", nullable=True, str_matches=LAP_TIME)
    q2: Text = column(description="Best lap of the second part, as m:ss.fff", nullable=True, str_matches=LAP_TIME)
    q3: Text = column(description="Best lap of the third part, as m:ss.fff", nullable=True, str_matches=LAP_TIME)


qualifying = Workbook(
    rows=Qualifying,
    path="f1/**/qualifying*.*",
    owner="race-office@example.com",
    key=("qualify_id",),
    na_values=("\\N",),
)
