"""The teams that build the cars. Their results are in `f1_results.py`."""

from s2p_assets import Code, Row, Text, Workbook, column


class Constructor(Row):
    """One team, from the race office's database."""

    constructor_id: Code = column(description="The team's number")
    constructor_ref: Code = column(description="A short name")
    name: Text = column(description="What it is called")
    nationality: Text = column(description="Where it is from")


constructors = Workbook(
    rows=Constructor,
    path="f1/**/constructors*.*",
    owner="race-office@example.com",
    key=("constructor_id",),
    na_values=("\\N",),
    ignores=("url",),
)
