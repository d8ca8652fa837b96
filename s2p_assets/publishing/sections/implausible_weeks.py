"""Sections on what is odd in sales themselves: weeks that are no guide to the future, and channels that are late.

How either is found belongs to the learning room.
"""

from collections.abc import Iterator

import pandas as pd

from s2p_assets.contracts.report import ReportColumn, Section
from s2p_assets.publishing.document.wording import format_date, format_number, pluralize
from s2p_assets.publishing.sections.source_table import SourceTable, listing
from s2p_assets.publishing.sections.trade_tables import SalesTable
from s2p_assets.publishing.sections.weeks import WEEK

WEEKS_LISTED = 13


def implausible_weeks(sales: SalesTable, week: pd.Timestamp, *, noun: str, words: str) -> Iterator[Section]:
    """The implausible weeks of the last quarter, the newest and largest first; no section where there are none.

    `words`: the workbook in which a person may say what is right of a week.
    """
    rows = sales.rows
    if "one_off" not in rows:
        return
    rows = rows[rows["one_off"].fillna(False).astype(bool) & rows["week"].gt(week - WEEKS_LISTED * WEEK)]
    rows = rows[rows["week"] <= week].sort_values(["week", sales.units], ascending=False)
    if rows.empty:
        return
    yield listing(
        SourceTable(sales.name, rows, key=(sales.item, "week")),
        "Weeks that are no guide to the future",
        f"Units beyond what the {noun}'s own past and its group make plausible, or called a one-off. They count as "
        f"they are in sales, and as the last column says in forecasts. Say one_off or keep in the workbook {words}.",
        (
            ReportColumn(sales.item, noun, sources=()),
            ReportColumn("week", "Week of", "date", sources=()),
            ReportColumn(sales.units, "Units sold", "integer"),
            ReportColumn("plausible_units", "Counts as, in forecasts", "number"),
        ),
    )


def late_source_notes(coverage: pd.DataFrame | None, *, completed_units: float = 0.0) -> Iterator[str]:
    """A note on each source of sales that is late, and on what is done about it; as of `source_coverage`."""
    if coverage is None:
        return
    late = coverage[coverage["treatment"] != "current"]
    columns = (late["source"], pd.to_datetime(late["known_until"]), late["weeks_behind"], late["treatment"])
    for source, known_until, weeks_behind, treatment in zip(*columns, strict=True):
        until = f"{str(source).capitalize()} sales are known until {format_date(known_until)} only"
        if treatment == "closed":
            yield f"{until}. As nothing came for a quarter they are taken as ended, and count as 0 since."
        elif treatment == "held":
            behind = pluralize(int(weeks_behind), "later week")
            yield f"{until}. The {behind} that others cover already are held open until they come."
        else:
            units = format_number(round(completed_units))
            yield f"{until}. The weeks since are completed by an estimate: {units} units are not counted but estimated."


def undelivered_notes(demand: pd.DataFrame, week: pd.Timestamp, *, item: str, noun: str) -> Iterator[str]:
    """A note on each week of the last quarter that looks undelivered: how few sold, and what that counts as."""
    if "undelivered" not in demand:
        return
    weeks = pd.to_datetime(demand["week"])
    missing = demand["undelivered"].astype(bool) & (weeks > week - pd.Timedelta(weeks=13))
    for monday in sorted(weeks[missing].unique()):
        rows = demand[weeks == monday]
        sold = f"{int((rows['units'] > 0).sum())} of {pluralize(rows[item].nunique(), noun)}"
        yield (
            f"The week of {format_date(monday)} looks undelivered: only {sold} sold anything. It counts as unknown in "
            "forecasts; drop its files, or nothing if that is how it was."
        )
