"""Stops for tyres and repairs. The races are in `f1_results.py`."""

from s2p_assets.columns import Row, Text, Whole, code, text, whole
from s2p_assets.spreadsheet.contract import Workbook


class PitStop(Row):
    """One stop of one car in a race, from the race office's database."""

    race_id: Text = code(says="The race", refers_to="races.race_id")
    driver_id: Text = code(says="The driver", refers_to="drivers.driver_id")
    stop: Whole = whole(says="Which stop of the car it was", ge=1)
    lap: Whole = whole(says="In which lap", ge=0)
    time: Text = text(says="The time of day")
    duration: Text = text(says="How long it took, as ss.fff or m:ss.fff")
    milliseconds: Whole = whole(says="The same in milliseconds", ge=0)


pit_stops = Workbook(
    rows=PitStop,
    found_at="f1/**/pit*stop*.*",
    owner="race-office@example.com",
    key=(
        "race_id",
        "driver_id",
        "stop",
    ),
    blanks=("\\N",),
)
