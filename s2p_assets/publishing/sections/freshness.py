"""A section on how fresh each kind of workbook is: when it last came, and how much later than usual that is.

What became of the files is in `deliveries`.
"""

import pandas as pd

from s2p_assets.contracts.report import Chart, ReportColumn, RowValue, Section
from s2p_assets.publishing.document.wording import format_number, pluralize
from s2p_assets.publishing.sections.deliveries import TAKEN, Deliveries

DAYS_TOO_LATE = 7
ROWS = {"rows_read": "Rows read", "rows_accepted": "Rows taken", "rows_returned": "Rows returned"}


def freshness_by_kind(deliveries: Deliveries) -> Section:
    """One row per kind of workbook; the one that was silent longest comes first."""
    rows, of_kind = _by_kind(deliveries), {"workbook": RowValue("workbook")}
    where = of_kind | {"status": "current"}
    dates = (deliveries.table.lineage("saved_at", of_kind | {"verdict": TAKEN}, "rows"),)
    late = rows[rows["late_days"] > DAYS_TOO_LATE].sort_values("late_days", ascending=False)
    longest = f"{late['kind'].iloc[0]} by {pluralize(int(late['late_days'].iloc[0]), 'day')}" if len(late) else ""
    return Section(
        title="How fresh each kind of workbook is",
        says=f"{format_number(len(late))} late, {longest}" if len(late) else "none is late" if len(rows) else "",
        description="The files on the share, by kind; newest is the day on which the newest file that was taken was "
        "saved. Late is how much longer than usual nothing new came.",
        frame=rows.sort_values(["newest", "workbook"], na_position="first").reset_index(drop=True),
        columns=(
            ReportColumn("kind", "Kind of workbook"),
            ReportColumn("newest", "Newest", "date", sources=dates),
            ReportColumn("days_since", "Days since", "integer", sources=dates),
            ReportColumn("usual_days", "Usual pause, days", "number", sources=dates),
            ReportColumn("late_days", "Days late", "number", highlight_above=DAYS_TOO_LATE, sources=dates),
            ReportColumn("files", "Files", "integer", sources=(deliveries.count_basis(where),)),
            *(
                ReportColumn(name, title, "integer", sources=(deliveries.table.lineage(name, where),))
                for name, title in ROWS.items()
            ),
        ),
        chart=Chart(
            "bar", "kind", ("rows_accepted", "rows_returned"), "Rows taken and returned", frame=rows, format="integer"
        ),
    )


def _by_kind(deliveries: Deliveries) -> pd.DataFrame:
    """The current files and their rows by workbook, with the newest day, the days since, the usual pause and lateness.

    usual_days: the median of the days between files that were taken; missing where there was one alone.
    """
    accepted = deliveries.files[deliveries.files["verdict"].isin(TAKEN)]
    sums = {name: (name, "sum") for name in ROWS}
    rows = deliveries.current.groupby(["workbook", "kind"]).agg(files=("path", "size"), **sums).reset_index()
    rows["newest"] = pd.to_datetime(rows["workbook"].map(accepted.groupby("workbook")["saved_on"].max()))
    rows["days_since"] = (deliveries.last_day - rows["newest"]).dt.days
    days = accepted.drop_duplicates(["workbook", "saved_on"]).sort_values("saved_on")
    pauses = days.groupby("workbook")["saved_on"].diff().dt.days
    rows["usual_days"] = rows["workbook"].map(pauses.groupby(days["workbook"]).median()).astype("float64")
    rows["late_days"] = (rows["days_since"] - rows["usual_days"]).clip(lower=0)
    return rows
