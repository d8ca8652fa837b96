"""Results of sprints, the short races on the day before. Races are in `f1_results.py`."""

import pandas as pd

from s2p_assets.columns import Number, Row, Text, Whole, code, number, row_rule, text, whole
from s2p_assets.spreadsheet.contract import Workbook


class SprintResult(Row):
    """One car in one sprint and how it finished, from the race office's database."""

    result_id: Text = code(says="Its number")
    race_id: Text = code(says="The race", refers_to="races.race_id")
    driver_id: Text = code(says="The driver", refers_to="drivers.driver_id")
    constructor_id: Text = code(says="The team", refers_to="constructors.constructor_id")
    car_number: Text = code("Number", says="The number on the car", optional=True)
    grid: Whole = whole(says="The place on the grid; 0 from the pit lane", ge=0)
    position: Whole = whole(says="The place in the end; none for a car that is not classified", optional=True, ge=1)
    position_text: Text = code(says="The same, or why there is none: R retired, D disqualified …")
    position_order: Whole = whole(says="The place in the list, those that are not classified at its end", ge=1)
    points: Number = number(says="Points won", ge=0)
    laps: Whole = whole(says="Laps driven", ge=0)
    time: Text = text(says="Time of the first, distance of the others", optional=True)
    milliseconds: Whole = whole(says="The whole time", optional=True, ge=0)
    fastest_lap: Whole = whole(says="The number of the fastest lap", optional=True, ge=0)
    rank: Whole = whole(says="The place by fastest laps", optional=True, ge=0)
    fastest_lap_time: Text = text(says="The fastest lap, as m:ss.fff", optional=True)
    status_id: Text = code(says="How it ended", refers_to="status.status_id")

    @row_rule("a car that is classified has a place, any other has none", at="position", severity="notice")
    def only_the_classified_have_a_place(cls, rows: pd.DataFrame) -> "pd.Series[bool]":
        return rows["position_text"].str.isdigit() == rows["position"].notna()


sprint_results = Workbook(
    rows=SprintResult,
    found_at="f1/**/sprint*.*",
    owner="race-office@example.com",
    key=("result_id",),
    blanks=("\\N",),
)
