"""The calendar: which race is held where and when. Results are in `f1_results.py`."""

from s2p_assets import Code, Date, Integer, Row, Text, Workbook, column


class Race(Row):
    """One race of a season, from the race office's calendar; coming races too."""

    race_id: Code = column(description="The race's number")
    year: Integer = column("Year", "Season", description="The season", ge=1950, le=2100)
    round: Integer = column(description="Which race of the season it is", ge=1)
    circuit_id: Code = column(description="Where it is held", references="circuits.circuit_id")
    name: Text = column(description="What it is called")
    race_day: Date = column("Date", "Race day", description="The day it is held on", formats=("%Y-%m-%d", "%m/%d/%Y"))
    start_time: Text = column("Time", "Start time", description="When it starts, in world time", nullable=True)


races = Workbook(
    rows=Race,
    path="f1/**/races*.*",
    owner="race-office@example.com",
    key=("race_id",),
    na_values=("\\N",),
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
