"""The calendar: which race is held where and when. Results are in `f1_results.py`."""

from s2p_assets.columns import Day, Row, Text, Whole, code, day, text, whole
from s2p_assets.spreadsheet.contract import Workbook


class Race(Row):
    """One race of a season, from the race office's calendar; coming races too."""

    race_id: Text = code(says="The race's number")
    year: Whole = whole("Year", "Season", says="The season", ge=1950, le=2100)
    round: Whole = whole(says="Which race of the season it is", ge=1)
    circuit_id: Text = code(says="Where it is held", refers_to="circuits.circuit_id")
    name: Text = text(says="What it is called")
    race_day: Day = day("Date", "Race day", says="The day it is held on", written=("%Y-%m-%d", "%m/%d/%Y"))
    start_time: Text = text("Time", "Start time", says="When it starts, in world time", optional=True)


races = Workbook(
    rows=Race,
    found_at="f1/**/races*.*",
    owner="race-office@example.com",
    key=("race_id",),
    blanks=("\\N",),
    ignores=(
        "url",
        "fp1_date",
        "fp1_time",
        "fp2_date",
        "fp2_time",
        "fp3_date",
        "fp3_time",
        "quali_date",
        "quali_time",
        "sprint_date",
        "sprint_time",
    ),
)
