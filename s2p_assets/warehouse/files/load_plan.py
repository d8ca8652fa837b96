"""The plan of a load: what a file would change in its workbook's table; and the terms in which it is worked out.

Working it out belongs to `plan.py`, `row_comparison.py` and `amount_changes.py`.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from psycopg import sql

from s2p_assets.contracts.columns import Column
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.warehouse.files.ledger import LedgerFile
from s2p_assets.warehouse.files.recognition import Recognition
from s2p_assets.warehouse.tables.keys import key_expressions

MAX_EXAMPLES = 3
PLANNED_ROWS = sql.Identifier("pg_temp", "planned")
COMPARED_ROWS = sql.Identifier("pg_temp", "compared")


@dataclass(frozen=True, slots=True)
class ExampleRow:
    """One row: its key (all its values in a workbook without a key), and column → (old value, new value).

    `file`: the path of the other file that the row is about.
    """

    key: dict[str, Any]
    changes: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    file: str | None = None


@dataclass(frozen=True, slots=True)
class AmountChange:
    """How the amounts of one money column move.

    `up`, `down`: how many; `mean_up`, `mean_down`: by which share of the old amount on average, 0.05 for 5 %,
    None where none moves or the old amounts are 0; `biggest`: the one that moves by the largest share.
    """

    column: str
    up: int
    down: int
    mean_up: float | None
    mean_down: float | None
    biggest: ExampleRow


class Repeated(NamedTuple):
    """Rows of a stretch of days that another file holds as well, which would count twice."""

    rows: int
    first: dt.date
    last: dt.date


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """What dropping a file would do to what the table shows.

    `path`: where on the share, as far as is known. `replaces`: the file whose place it takes; `namesakes`: paths of
    others with its name. `known`: its bytes are known, as `recognise_file` says, by the file `known_as`; no row
    would be loaded then. `new + changed + unchanged + giving_way` are the rows of the file: `giving_way` rows would
    be superseded at once by newer files, see `gives_way_to`, by path. `supersedes`: the rows of other files that
    would be superseded by it, by path, among the changed and unchanged. `withdrawn`: rows that would be withdrawn with
    the version before; of these, `shown_again` would show the row of an older file. `columns`: how many of the changed
    rows change in which column. `examples`: at most three rows for each of these words.
    `overlapping`: by path, how many rows tell of days that rows of another file tell of as well, by other periods.
    `repeated`: by path, how many of the rows in common are of a stretch of days that both hold nearly alike, and its
    first and last day; of a kind of workbook with a column of days and without a key.
    `rows_before`: the rows that the file shows now. Of these, `settled` counts by column the values that come again,
    `restated` those of them that change. `overwritten`: rows of other files that get other values, by path, among
    `supersedes`; `common`: by path, how many rows of the file another file without a key holds too.
    `largest`: the changes of numbers that are largest by their share of the old one, one for each column.
    """

    path: str
    replaces: LedgerFile | None = None
    namesakes: tuple[str, ...] = ()
    known: Recognition | None = None
    known_as: LedgerFile | None = None
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    giving_way: int = 0
    withdrawn: int = 0
    shown_again: int = 0
    columns: dict[str, int] = field(default_factory=dict)
    supersedes: dict[str, int] = field(default_factory=dict)
    gives_way_to: dict[str, int] = field(default_factory=dict)
    moves: tuple[AmountChange, ...] = ()
    examples: dict[str, list[ExampleRow]] = field(default_factory=dict)
    rows_before: int = 0
    settled: dict[str, int] = field(default_factory=dict)
    restated: dict[str, int] = field(default_factory=dict)
    overwritten: dict[str, int] = field(default_factory=dict)
    common: dict[str, int] = field(default_factory=dict)
    repeated: dict[str, Repeated] = field(default_factory=dict)
    overlapping: dict[str, int] = field(default_factory=dict)
    largest: tuple[ExampleRow, ...] = ()

    @property
    def rows_in_file(self) -> int:
        return self.new + self.changed + self.unchanged + self.giving_way


@dataclass(frozen=True, slots=True)
class PlannedPath:
    """Where the file would lie, and which ledger files would lose their rows by it, unless a copy keeps them."""

    path: str
    replaces: LedgerFile | None
    namesakes: tuple[str, ...]
    withdrawn_files: list[int]
    copies: dict[int, str]


def value_columns(workbook: Workbook) -> list[Column]:
    return [column for column in workbook.columns if column.name not in workbook.key]


def equal_keys(workbook: Workbook, key: Sequence[str], one: str, other: str) -> sql.Composed:
    terms = (key_expressions(workbook.columns, key, alias) for alias in (one, other))
    return sql.SQL(" and ").join(sql.SQL("{} = {}").format(a, b) for a, b in zip(*terms, strict=True))


def fields_of(row: str, names: Sequence[str]) -> list[sql.Composable]:
    return [sql.SQL("({}).{}").format(sql.Identifier(row), sql.Identifier(name)) for name in names]
