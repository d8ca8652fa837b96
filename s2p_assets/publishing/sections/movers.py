"""What sells more or less than a few weeks before, and the likely reason of it.

Totals and comparisons of whole weeks belong to `weekly_sales`. Frames have a column `week`, a Monday.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from s2p_assets.contracts.report import NumberSource, ReportColumn, Section
from s2p_assets.publishing.document.wording import pluralize
from s2p_assets.publishing.sections.findings import first_of
from s2p_assets.publishing.sections.period_comparison import compare_spans, largest_gains, largest_losses
from s2p_assets.publishing.sections.trade_tables import ItemTable, SalesTable, same_row
from s2p_assets.publishing.sections.weeks import SPAN, WEEK, YEAR

ROWS_OF_MOVERS = 10
PRICE_MOVED = 0.02
SEASON_MOVED = 0.1
REASON = "The reason is the first of stock, price and season that the data speak for; a dash means that none does."


@dataclass(frozen=True)
class Moves:
    """What moved between the last weeks and as many before: `rows` as of `period_comparison.compare_spans`.

    `now`, `before`: the Mondays of the last weeks, and of those before. `weeks`: how many weeks of sales there are.
    """

    rows: pd.DataFrame
    now: list[pd.Timestamp]
    before: list[pd.Timestamp]
    weeks: int


def moves(rows: pd.DataFrame, week: pd.Timestamp, *, by: str, value: str) -> Moves:
    """What moved up to `week`, over four weeks or, where there are fewer than eight, half of what there is."""
    weeks = int((week - rows["week"].min()) / WEEK) + 1 if len(rows) else 0
    span = min(SPAN, weeks // 2)
    now, before = ([week - n * WEEK for n in range(start, start + span)] for start in (0, span))
    return Moves(compare_spans(rows, by=by, period="week", value=value, now=now, before=before), now, before, weeks)


def item_movers(sales: SalesTable, week: pd.Timestamp, items: ItemTable) -> tuple[Section, Section]:
    """The items that sell more, and those that sell less, each by its label."""
    moved = moves(sales.rows, week, by=sales.item, value=sales.units)
    return mover_sections(_labelled(moved, items), items=items, source=_units(sales))


def item_movers_with_reasons(sales: SalesTable, week: pd.Timestamp, items: ItemTable) -> tuple[Section, Section]:
    """The items that sell more, and those that sell less, with their price, their weeks out of stock and a reason."""
    moved = moves(sales.rows, week, by=sales.item, value=sales.units)
    here = same_row(sales.item)
    price = tuple(
        sales.lineage(sales.price, here | {"week": tuple(weeks)}, "mean") for weeks in (moved.now, moved.before)
    )
    out = sales.lineage(sales.stocked_out, here | {"week": tuple(moved.now), sales.stocked_out: True}, "rows")
    return mover_sections(
        _labelled(replace(moved, rows=with_reasons(moved, sales)), items),
        items=items,
        source=_units(sales),
        more_columns=(
            ReportColumn("price_change", "Price", "percent", sources=price),
            ReportColumn("weeks_out", "Weeks out of stock", "integer", highlight_above=0, sources=(out,)),
            ReportColumn("reason", "Likely reason", sources=()),
        ),
        description=REASON,
    )


def _labelled(moved: Moves, items: ItemTable) -> Moves:
    return replace(moved, rows=moved.rows.assign(**{items.label: moved.rows[items.item].map(items.labels)}))


def _units(sales: SalesTable) -> NumberSource:
    return sales.lineage(sales.units, same_row(sales.item))


def mover_sections(
    moved: Moves,
    *,
    items: ItemTable,
    source: NumberSource,
    more_columns: Sequence[ReportColumn] = (),
    description: str = "",
) -> tuple[Section, Section]:
    """What sells more than before, and what sells less. `more_columns`: columns after the comparison.

    `source`: the column that was added up, in the rows that belong to a row of the report, of any week.
    """
    span = len(moved.now)
    now, before = (
        NumberSource(source.column, {**source.where, "week": tuple(weeks)}) for weeks in (moved.now, moved.before)
    )
    columns = (
        *items.named,
        ReportColumn("now", f"Last {pluralize(span, 'week')}", "integer", sources=(now,)),
        ReportColumn("before", f"{pluralize(span, 'week')} before", "integer", sources=(before,)),
        ReportColumn("difference", "Difference", "integer", sources=(now, before)),
        ReportColumn("change", "Change", "percent", sources=(now, before)),
        *more_columns,
    )
    one_week = "There is only one week of sales, so nothing can be compared yet."
    empty = f"No {items.noun} did." if span else one_week if moved.weeks else "No sales are in the data yet."
    weeks = pluralize(span, "week")
    explained = f"Units of the last {weeks} against the {weeks} before. {description}".strip() if span else ""
    parts = {
        "Selling more than before": largest_gains(moved.rows, ROWS_OF_MOVERS),
        "Selling less than before": largest_losses(moved.rows, ROWS_OF_MOVERS),
    }
    more, less = (
        Section(title, explained, frame, columns, when_empty=empty, says=_moved_most(frame, items))
        for title, frame in parts.items()
    )
    return more, less


def _moved_most(frame: pd.DataFrame, items: ItemTable) -> str:
    if frame.empty:
        return ""
    difference = round(float(frame["difference"].iloc[0]))
    return first_of(frame, items.label, f"{pluralize(abs(difference), 'unit')} {'less' if difference < 0 else 'more'}")


def with_reasons(moved: Moves, sales: SalesTable) -> pd.DataFrame:
    """The rows of `moved` with price_change, weeks_out, and a plain word of why it moved; none where no cause is seen.

    new: nothing was sold before. stock-out and back in stock: more or fewer weeks out of stock than before.
    price: it moved against the units by over 2 %. season: the same weeks a year earlier moved the same way.
    """
    items = moved.rows[sales.item]
    known = sales.rows[sales.rows[sales.item].isin(items)]
    spans = {"now": moved.now, "before": moved.before}
    parts = {name: known[known["week"].isin(weeks)].groupby(sales.item) for name, weeks in spans.items()}
    out = {name: items.map(part[sales.stocked_out].sum()).fillna(0).astype("float64") for name, part in parts.items()}
    price = {name: items.map(part[sales.price].mean()).astype("float64") for name, part in parts.items()}
    price_change = (price["now"] / price["before"] - 1).where(price["before"] > 0)
    season = _year_earlier(moved, known, sales)
    first = min(moved.before, default=pd.Timestamp.max)
    gained = moved.rows["difference"] > 0
    holds = {
        "new": gained & (moved.rows["before"] == 0) & ~items.isin(known.loc[known["week"] < first, sales.item]),
        "stock-out": ~gained & (out["now"] > out["before"]),
        "back in stock": gained & (out["now"] < out["before"]),
        "price": (price_change.abs() > PRICE_MOVED) & ((price_change < 0) == gained),
        "season": (season.abs() > SEASON_MOVED) & ((season > 0) == gained),
    }
    reason = pd.Series(None, index=items.index, dtype=object)
    for word, is_so in reversed(holds.items()):
        reason = reason.mask(is_so.fillna(False), word)
    return moved.rows.assign(price_change=price_change, weeks_out=out["now"], reason=reason)


def _year_earlier(moved: Moves, known: pd.DataFrame, sales: SalesTable) -> "pd.Series[Any]":
    """How the units of the same weeks a year earlier changed, aligned with the rows of `moved`."""
    now, before = (
        moved.rows[sales.item]
        .map(
            known[known["week"].isin([week - YEAR for week in weeks])].groupby(sales.item)[sales.units].sum(min_count=1)
        )
        .astype("float64")
        for weeks in (moved.now, moved.before)
    )
    return (now / before - 1).where(before > 0)
