"""Results of sprints, the short races on the day before. Races are in `f1_results.py`."""

from s2p_assets import Code, Frame, Integer, Number, Row, Series, Text, Workbook, column, row_rule


class SprintResult(Row):
    """One car in one sprint and how it finished, from the race office's database."""

    result_id: Code = column(description="Its number")
    race_id: Code = column(description="The race", references="races.race_id")
    driver_id: Code = column(description="The driver", references="drivers.driver_id")
    constructor_id: Code = column(description="The team", references="constructors.constructor_id")
    car_number: Code = column("Number", description="The number on the car", nullable=True)
    grid: Integer = column(description="The place on the grid; 0 from the pit lane", ge=0)
    position: Integer = column(
        description="The place in the end; none for a car that is not classified", nullable=True, ge=1
    )
    position_text: Code = column(description="The same, or why there is none: R retired, D disqualified …")
    position_order: Integer = column(
        description="The place in the list, those that are not classified at its end", ge=1
    )
    points: Number = column(description="Points won", ge=0)
    laps: Integer = column(description="Laps driven", ge=0)
    time: Text = column(description="Time of the first, distance of the others", nullable=True)
    milliseconds: Integer = column(description="The whole time", nullable=True, ge=0)
    fastest_lap: Integer = column(description="The number of the fastest lap", nullable=True, ge=0)
    rank: Integer = column(description="The place by fastest laps", nullable=True, ge=0)
    fastest_lap_time: Text = column(description="The fastest lap, as m:ss.fff", nullable=True)
    status_id: Code = column(description="How it ended", references="status.status_id")

    @row_rule("a car that is classified has a place, any other has none", at="position", severity="notice")
    def only_the_classified_have_a_place(cls, rows: Frame) -> Series:
        return rows["position_text"].str.isdigit() == rows["position"].notna()


sprint_results = Workbook(
    rows=SprintResult,
    path="f1/**/sprint*.*",
    owner="race-office@example.com",
    key=("result_id",),
    na_values=("\\N",),
)
