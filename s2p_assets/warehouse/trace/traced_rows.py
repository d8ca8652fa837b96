"""The result of a trace: traced rows, the rows of each source under them, and what cannot be traced.

Rows are found by `tracer.py`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from psycopg import sql

from s2p_assets.contracts.errors import MendableError
from s2p_assets.contracts.lineage import LineageRules
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.warehouse.tables.table_declaration import TableDeclaration
from s2p_assets.warehouse.trace.file_rows import FileRow


class LineageDeclaration(TableDeclaration, Protocol):
    """A table that declares which rows of its sources lie under its own."""

    @property
    def lineage(self) -> LineageRules: ...


TraceSource = Workbook | LineageDeclaration
TraceSources = Mapping[tuple[str, str], TraceSource]
"""(domain, thing) → what is declared there: workbooks, tables and feature sets."""
TableLocator = Callable[[str, str], sql.Identifier]
"""Where the table of (domain, thing) is: `sql.Identifier` for today's."""


class NotTraceable(MendableError, LookupError):
    """There is no such table, column or row; one line that says what there is."""


class NoRows(NotTraceable):
    """No row has the values asked for."""


@dataclass(frozen=True, slots=True)
class TracedRow:
    """A stored row, its values in the columns that are traced, and what lies under it.

    `weight`: the part of the row's quantity that went into the row above it. `file`: set for a workbook's row.
    """

    table: str
    key: dict[str, Any]
    values: dict[str, Any]
    weight: float = 1.0
    file: FileRow | None = None
    under: "tuple[SourceRows, ...]" = ()


@dataclass(frozen=True, slots=True)
class SourceRows:
    """The rows of one source that lie under a row.

    `count`: all of them, of which `rows` are shown, the largest first. `total`: the sum of what they give, where
    one column of quantities is traced. `inexact`: why these may not be exactly the rows; empty where they are.
    """

    table: str
    columns: tuple[str, ...]
    count: int
    total: float | None
    rows: tuple[TracedRow, ...]
    inexact: str = ""
