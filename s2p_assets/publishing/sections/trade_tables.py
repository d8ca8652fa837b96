"""Tables of sales, items and stock as sections read them: which of their columns plays which part.

What is shown of them belongs to the sections. The defaults of the fields are column names, never those of a table.
"""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from s2p_assets.contracts.report import ReportColumn, RowValue
from s2p_assets.publishing.sections.period_comparison import totals_by_period
from s2p_assets.publishing.sections.source_table import SourceTable


@dataclass(frozen=True, kw_only=True)
class SalesTable(SourceTable):
    """Sales: one row per item and `week`, a Monday. The fields name columns; `stocked_out` is true in short weeks."""

    item: str
    units: str = "units"
    revenue: str = "revenue"
    price: str = "unit_price"
    stocked_out: str = "censored"

    @classmethod
    def of_known_weeks(cls, name: str, rows: pd.DataFrame, **columns: Any) -> "SalesTable":
        """The rows whose week is known, their weeks as timestamps."""
        known = rows[rows["week"].notna()]
        return cls(name, known.assign(week=pd.to_datetime(known["week"])), **columns)

    def weekly_units(self) -> "pd.Series[Any]":
        """The units of all items together by week, in order; a week in which none are known is missing."""
        return totals_by_period(self.rows, period="week", value=self.units)


@dataclass(frozen=True, kw_only=True)
class ItemTable(SourceTable):
    """What an item is called and costs: one row per item. `noun`: how a reader calls one ("SKU").

    `valid_from`: the day from which a row holds, where a table keeps more than one row an item.
    """

    item: str
    label: str = "description"
    cost: str
    valid_from: str = "valid_from"
    noun: str = "SKU"

    @property
    def named(self) -> tuple[ReportColumn, ReportColumn]:
        """The columns with which a table of items begins."""
        return item_columns(self.item, self.label, self.noun)

    @property
    def labels(self) -> "pd.Series[Any]":
        """What each item is called, by item."""
        return self.rows.set_index(self.item)[self.label]


@dataclass(frozen=True, kw_only=True)
class StockTable(SourceTable):
    """Stock: one row per item, with the units on hand and the day of the count behind them."""

    item: str
    on_hand: str = "on_hand"
    counted_on: str = "counted_on"


def item_columns(item: str, label: str, noun: str) -> tuple[ReportColumn, ReportColumn]:
    """The columns with which a table of items begins: the code, under a heading made of `noun`, and the label."""
    return ReportColumn(item, noun[:1].upper() + noun[1:], "code"), ReportColumn(label, "Description")


def same_row(*columns: str) -> dict[str, Any]:
    """A `where` for the stored rows that have the values of a report's own row in these columns."""
    return {column: RowValue(column) for column in columns}


def known_sum(values: "pd.Series[Any]") -> float | None:
    """The sum of the known values; None when none is known."""
    total = values.astype("float64").sum(min_count=1)
    return None if pd.isna(total) else float(total)
