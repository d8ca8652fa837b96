"""The ways in which a race can end for a car. Which car finished how is in `f1_results.py`."""

from s2p_assets import Code, Row, Text, Workbook, column


class FinishStatus(Row):
    """One way in which a race can end for a car, from the race office's database."""

    status_id: Code = column(description="Its number")
    status: Text = column(description="In words: finished, a lap behind, engine …")


status = Workbook(
    rows=FinishStatus,
    path="f1/**/status*.*",
    owner="race-office@example.com",
    key=("status_id",),
    na_values=("\\N",),
)
