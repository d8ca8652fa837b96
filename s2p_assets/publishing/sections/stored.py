"""Stored tables as sections read them: the rows, and the names of table and columns by which numbers are traced.

What is shown of them belongs to the sections. The defaults of the fields are column names, never those of a table.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from s2p_assets.publishing.report import Basis, Field, How, ReportColumn


@dataclass(frozen=True)
class StoredTable:
    """Rows of a stored table. `table`: its name, as the report's parameter has it."""

    table: str
    rows: pd.DataFrame

    def source(self, column: str, where: Mapping[str, Any] | None = None, aggregation: How = "sum") -> Basis:
        """The stored values of a column in the rows whose columns have the values of `where`; without it in all."""
        return Basis(f"{self.table}.{column}", where or {}, aggregation)


@dataclass(frozen=True)
class SalesTable(StoredTable):
    """Sales: one row per item and `week`, a Monday. The fields name columns; `stocked_out` is true in short weeks."""

    item: str = "sku"
    units: str = "units"
    revenue: str = "revenue"
    price: str = "unit_price"
    stocked_out: str = "censored"

    @classmethod
    def of_known_weeks(cls, table: str, rows: pd.DataFrame, **columns: str) -> "SalesTable":
        """The rows whose week is known, their weeks as timestamps."""
        known = rows[rows["week"].notna()]
        return cls(table, known.assign(week=pd.to_datetime(known["week"])), **columns)


@dataclass(frozen=True)
class ItemTable(StoredTable):
    """What an item is called and costs: one row per item. `noun`: how a reader calls one ("SKU").

    `valid_from`: the day from which a row holds, where a table keeps more than one row an item.
    """

    item: str = "sku"
    label: str = "description"
    cost: str = "item_cost"
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


@dataclass(frozen=True)
class StockTable(StoredTable):
    """Stock: one row per item, with the units on hand and the day of the count behind them."""

    item: str = "sku"
    on_hand: str = "on_hand"
    counted_on: str = "counted_on"


def item_columns(item: str, label: str, noun: str) -> tuple[ReportColumn, ReportColumn]:
    """The columns with which a table of items begins: the code, under a heading made of `noun`, and the label."""
    return ReportColumn(item, noun[:1].upper() + noun[1:], "code"), ReportColumn(label, "Description")


def same_row(*columns: str) -> dict[str, Any]:
    """A `where` for the stored rows that have the values of a report's own row in these columns."""
    return {column: Field(column) for column in columns}


def known_sum(values: "pd.Series[Any]") -> float | None:
    """The sum of the known values; None when none is known."""
    total = values.astype("float64").sum(min_count=1)
    return None if pd.isna(total) else float(total)
