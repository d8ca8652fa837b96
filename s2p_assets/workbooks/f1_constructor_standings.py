"""The teams' championship after each race. Results are in `f1_results.py`."""

from s2p_assets import Code, Integer, Number, Row, Workbook, column


class ConstructorStanding(Row):
    """One team in the championship after one race, from the race office's database."""

    constructor_standings_id: Code = column(description="Its number")
    race_id: Code = column(description="The race", references="races.race_id")
    constructor_id: Code = column(description="The team", references="constructors.constructor_id")
    points: Number = column(description="Points of the season so far", ge=0, available="after_outcome")
    position: Integer = column(
        description="The place in the championship", nullable=True, ge=1, available="after_outcome"
    )
    position_text: Code = column(description="The same, or why there is none", nullable=True, available="after_outcome")
    wins: Integer = column(description="Races won so far", ge=0, available="after_outcome")


constructor_standings = Workbook(
    rows=ConstructorStanding,
    path="f1/**/constructor*standing*.*",
    owner="race-office@example.com",
    key=("constructor_standings_id",),
    na_values=("\\N",),
)
