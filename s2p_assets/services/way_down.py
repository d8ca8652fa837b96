"""A number's way down in words for people: what each step is, its rows, and the files at its end, as far as one sees.

How rows are found is `trace.py`'s; how the way is drawn belongs to the screen.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from s2p_assets.catalog.catalog import Catalog, Readable, key_of
from s2p_assets.catalog.paths import kinds_at
from s2p_assets.contracts.columns import Column
from s2p_assets.contracts.dbt_model import DbtModel
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.services.threshold_alerts import entity_columns, measured_columns, short_description
from s2p_assets.services.trace import format_value, person_lines
from s2p_assets.warehouse.trace.file_rows import FileRow
from s2p_assets.warehouse.trace.ledger_views import LEDGER_VIEWS
from s2p_assets.warehouse.trace.traced_rows import SourceRows, TracedRow

Sees = Callable[[str], bool]
LONGEST_WORDS = 40


@dataclass(frozen=True)
class StepRow:
    """A row on the way: `named` by its key, its values as (what it is, value); `weight` is its part, where not whole.

    `people`: who handed in its file, or entered it, when and why. `watch`: the table, the row and the column that an
    alert could watch; None where none could.
    """

    named: str
    values: tuple[tuple[str, str], ...]
    weight: str = ""
    file: FileRow | None = None
    people: tuple[str, ...] = ()
    under: "tuple[Step, ...]" = ()
    watch: dict[str, Any] | None = None


@dataclass(frozen=True)
class Step:
    """The rows of one table under a number or a row. `hidden`: it is kept to others, so that nothing is said of it."""

    title: str
    table: str = ""
    what: str = ""
    count: int = 0
    total: str = ""
    rows: tuple[StepRow, ...] = ()
    hidden: bool = False
    is_file: bool = False

    @property
    def more(self) -> int:
        """Rows that are not shown."""
        return self.count - len(self.rows)


@dataclass(frozen=True)
class WayDown:
    """The steps under a number, for somebody who sees what `sees` says."""

    catalog: Catalog
    sees: Sees

    def steps(self, groups: Sequence[SourceRows]) -> tuple[Step, ...]:
        return tuple(self._step(group) for group in groups)

    def _step(self, group: SourceRows) -> Step:
        name = group.table.replace(".", "_", 1)
        if not self.sees(name):
            return Step("Kept to others", hidden=True)
        declared = self._declared(name)
        shown = [row for row in group.rows if self._may_show(row)]
        columns = _columns(declared)
        return Step(
            title=_plain(group.table) + (" (perhaps not exactly these rows)" if group.inexact else ""),
            table=name if isinstance(declared, Workbook) or declared else "",
            what=_column_words(columns, group.columns[0]) if len(group.columns) == 1 else "",
            count=group.count - (len(group.rows) - len(shown)),
            total=format_value(group.total) if group.total is not None and group.count > 1 else "",
            rows=tuple(self._row(row, declared, columns) for row in shown),
            is_file=isinstance(declared, Workbook),
        )

    def _row(self, row: TracedRow, declared: Readable | None, columns: dict[str, Column]) -> StepRow:
        return StepRow(
            named=", ".join(format_value(value) for value in row.key.values()),
            values=tuple((_column_words(columns, name), _written(value)) for name, value in row.values.items()),
            weight="" if row.weight == 1 else f"{row.weight:.1%} of it",
            file=row.file,
            people=tuple(person_lines(row.file, row.values)) if row.file else (),
            under=self.steps(row.under),
            watch=_watch(declared, row),
        )

    def _may_show(self, row: TracedRow) -> bool:
        """A row of a file, or of what the ledger says of one, is for who sees all that is read from it."""
        known = {**row.key, **row.values}
        paths = [str(known["path"])] if known.get("path") else []
        paths += [row.file.path] if row.file else []
        books = list(self.catalog.workbooks.values())
        claimed = [name for path in paths for name in kinds_at(path, books)]
        named = [str(known["workbook"])] if known.get("workbook") in self.catalog.workbooks else []
        return all(self.sees(one) for one in (*claimed, *named))

    def _declared(self, name: str) -> Readable | None:
        return next((one for one in self.catalog.readable() if one.full_name == name), None)


def hides_below(catalog: Catalog, report: str, sees: Sees) -> bool:
    """Whether anything that a report is made from is kept to others: what is said of its files is then not for them."""
    below = [catalog.by_key[key] for key in catalog.upstream(key_of(catalog.reports[report]))]
    return not all(sees(one.full_name) for one in below)


def file_rows_of(steps: Sequence[Step]) -> Iterator[FileRow]:
    """The rows of files at the ends of a way, those that are met first first."""
    for step in steps:
        for row in step.rows:
            if row.file:
                yield row.file
            yield from file_rows_of(row.under)


def _watch(declared: Readable | None, row: TracedRow) -> dict[str, Any] | None:
    """What an alert on the first quantity of the row would watch; none of a file's own rows, which stay as they are."""
    if declared is None or isinstance(declared, Workbook | DbtModel) or len(row.values) != 1:
        return None
    (name,) = row.values
    entity = {one.name: row.key.get(one.name) for one in entity_columns(declared)}
    if None in entity.values() or name not in {one.name for one in measured_columns(declared)}:
        return None
    return {"table": declared.full_name, "column": name, "entity": {key: str(value) for key, value in entity.items()}}


def _columns(declared: Readable | None) -> dict[str, Column]:
    views = [view for view in LEDGER_VIEWS.values() if declared is None]
    return {one.name: one for source in ([declared] if declared else views) for one in source.columns}


def _column_words(columns: dict[str, Column], name: str) -> str:
    """What a column is; of a long description what stands before its first comma."""
    words = short_description(columns[name]) if name in columns else name.replace("_", " ")
    return words if len(words) <= LONGEST_WORDS else words.partition(",")[0]


def _written(value: Any) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else format_value(value)


def _plain(table: str) -> str:
    """`retail.demand_forecast` → `Demand forecast`."""
    words = table.partition(".")[2].replace("_", " ")
    return words[:1].upper() + words[1:]
