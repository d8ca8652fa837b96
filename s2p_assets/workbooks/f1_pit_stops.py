"""Stops for tyres and repairs. The races are in `f1_results.py`."""

from s2p_assets import Code, Integer, Row, Text, Workbook, column


class PitStop(Row):
    """One stop of one car in a race, from the race office's database."""

    race_id: Code = column(description="The race", references="races.race_id")
    driver_id: Code = column(description="The driver", references="drivers.driver_id")
    stop: Integer = column(description="Which stop of the car it was", ge=1)
    lap: Integer = column(description="In which lap", ge=0)
    time: Text = column(description="The time of day")
    duration: Text = column(description="How long it took, as ss.fff or m:ss.fff")
    milliseconds: Integer = column(description="The same in milliseconds", ge=0)


pit_stops = Workbook(
    rows=PitStop,
    path="f1/**/pit*stop*.*",
    owner="race-office@example.com",
    key=(
        "race_id",
        "driver_id",
        "stop",
    ),
    na_values=("\\N",),
)
