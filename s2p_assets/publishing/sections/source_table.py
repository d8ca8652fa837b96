"""A stored table as section builders take it: its rows, and the name by which numbers made from them are traced.

How a number is walked back to its cells belongs to the warehouse.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import pandas as pd

from s2p_assets.contracts.report import Aggregation, Chart, NumberSource, ReportColumn, Section


@dataclass(frozen=True)
class SourceTable:
    """Rows of a stored table, perhaps selected or with further columns.

    `name`: the table's name, as a report's parameter has it (`demand`, or `retail__demand` of another domain).
    `key`: the columns that name a row, where single rows are shown.
    """

    name: str
    rows: pd.DataFrame
    key: tuple[str, ...] = ()

    def with_rows(self, rows: pd.DataFrame) -> Self:
        """The same table with some of its rows, or with further columns."""
        return replace(self, rows=rows)

    def lineage(self, column: str, where: Mapping[str, Any] | None = None, how: Aggregation = "sum") -> NumberSource:
        """What a number was made from: a column of this table, in the rows that have the values of `where`."""
        return NumberSource(f"{self.name}.{column}", where or {}, how)


def listing(
    table: SourceTable,
    title: str,
    description: str,
    columns: Sequence[ReportColumn],
    *,
    chart: Chart | None = None,
    when_empty: str = Section.when_empty,
    says: str = "",
) -> Section:
    """A section that shows rows of a table as they are, each number traced by the table's key to its own row."""
    rows = table.rows.reset_index(drop=True)
    return Section(
        title, description, rows, tuple(columns), chart, when_empty, table=table.name, key=table.key, says=says
    )
