"""A stored value walked back to the cells under it, as `s2p trace` prints it.

How rows are found is the warehouse's; what the numbers of a report are made of, its edition says.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from s2p_assets.catalog.catalog import Catalog, key_of
from s2p_assets.contracts.report import NumberSource, Report
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.publishing.editions.saved_numbers import (
    NumberNotFound,
    ReportNumber,
    edition_made_at,
    find_number,
    read_saved_numbers,
    saved_of,
)
from s2p_assets.services.context import Context
from s2p_assets.services.numbers_files import numbers_file
from s2p_assets.settings import Settings
from s2p_assets.warehouse.tables.changed_since import rows_changed_since, stored_since
from s2p_assets.warehouse.trace.file_rows import FileRow
from s2p_assets.warehouse.trace.ledger_views import LEDGER_VIEWS
from s2p_assets.warehouse.trace.traced_rows import NoRows, NotTraceable, SourceRows, TableLocator, TraceSources
from s2p_assets.warehouse.trace.tracer import Tracer

if TYPE_CHECKING:
    from s2p_assets.services.as_of import Progress
    from s2p_assets.warehouse.warehouse import Warehouse


def lineage_sources(catalog: Catalog) -> TraceSources:
    """Everything that is stored in tables, and what the ledger says of the inside of files, by (domain, thing).

    A trace ends at the rows of dbt's models, as their own select alone knows what lies under them.
    """
    stored = [*catalog.dbt_models.values(), *catalog.stored()]
    return {(one.domain, one.name): one for one in stored} | dict(LEDGER_VIEWS)


def trace_table(
    ctx: Context,
    name: str,
    where: Mapping[str, str],
    columns: Sequence[str],
    *,
    most: int | None,
) -> SourceRows:
    """The rows of a table with these values, down to their cells. Raises NotTraceable."""
    domain, _, table = name.partition("_")
    with _connected(ctx.warehouse) as connection:
        tracer = Tracer(connection, lineage_sources(ctx.catalog), ctx.settings.archive)
        return tracer.trace((domain, table), where, columns, most=most)


@contextmanager
def _connected(warehouse: Warehouse) -> Iterator[psycopg.Connection]:
    """A connection for queries so short that to start parallel workers for them costs more than it saves."""
    with warehouse.reading() as connection:
        connection.execute("set max_parallel_workers_per_gather = 0")
        yield connection


@dataclass(frozen=True)
class TracedNumber:
    """A number of a report's edition, and the stored rows that it was made from.

    `known_at`: set where the rows are those that were known at that moment, because others stand today; `today`:
    what lies under the number now, as (table, rows, their sum), for each of `under`. `notices`: what could not be had
    as it was then.
    """

    report: str
    edition: str
    number: ReportNumber
    under: tuple[SourceRows, ...]
    known_at: dt.datetime | None = None
    today: tuple[tuple[str, int, float | None], ...] = ()
    notices: tuple[str, ...] = ()


def trace_number(
    ctx: Context,
    name: str,
    wanted: str,
    *,
    edition: str | None = None,
    as_of: str | None = None,
    most: int | None,
    progress: Progress = lambda _: None,
) -> TracedNumber:
    """A number of an edition, by default the newest, down to its cells; of an edition made again with `as_of`.

    Where what lies under the report changed since the edition was made, what was known then is made again and
    traced. Raises NotTraceable, and NotFound for what cannot be had as it was.
    """
    report = ctx.catalog.reports[name]
    if as_of is not None:
        from s2p_assets.services.as_of import parse_as_of

        return _trace_as_of(ctx, report, wanted, None, parse_as_of(as_of), most, progress)
    if at_once := trace_as_it_stands(ctx, name, wanted, edition=edition, most=most):
        return at_once
    saved = _saved(ctx.settings, report, edition)
    return _trace_as_of(ctx, report, wanted, saved, edition_made_at(saved), most, progress)


def trace_as_it_stands(
    ctx: Context, name: str, wanted: str, *, edition: str | None = None, most: int | None
) -> TracedNumber | None:
    """As `trace_number`, at once; None where what lies under the report changed, so that it has to be made again."""
    report = ctx.catalog.reports[name]
    saved = _saved(ctx.settings, report, edition)
    found = _number(saved, wanted)
    with _connected(ctx.warehouse) as connection:
        if _changed_since(connection, ctx.catalog, report, edition_made_at(saved)):
            return None
        return TracedNumber(name, saved.stem, found, _NumberTracer(connection, ctx, report, most).sources(found))


def _number(saved: Path, wanted: str) -> ReportNumber:
    try:
        found = find_number(saved, wanted)
    except NumberNotFound as error:
        raise NotTraceable(str(error)) from error
    if not found.sources:
        raise NotTraceable(f"{wanted} ({found.label}) is no number that was made from stored values")
    return found


@dataclass(frozen=True)
class _NumberTracer:
    """What lies under numbers of a report, in the tables that `connection` and `locate_table` lead to.

    `most`: how many rows of a source are followed, those with the largest values; None for all.
    """

    connection: psycopg.Connection
    ctx: Context
    report: Report
    most: int | None
    locate_table: TableLocator = sql.Identifier

    def sources(self, number: ReportNumber) -> tuple[SourceRows, ...]:
        """The rows under a number, for each thing that it was made from."""
        cache: dict[tuple[Any, ...], SourceRows] = {}
        archive, declared = self.ctx.settings.archive, lineage_sources(self.ctx.catalog)
        tracer = Tracer(self.connection, declared, archive, self.locate_table, cache)
        return tuple(self._source(tracer, number, source) for source in number.sources)

    def _source(self, tracer: Tracer, number: ReportNumber, source: NumberSource) -> SourceRows:
        place, column = _place_of(self.report, source)
        try:
            return tracer.trace(place, source.where, (column,), most=self.most, how=source.aggregation)
        except NoRows:
            if number.value != 0:
                raise
            return SourceRows(".".join(place), (column,), 0, None, ())  # of nothing there are no rows

    def totals(self, number: ReportNumber) -> Iterator[tuple[str, int, float | None]]:
        """(table, rows, their sum) for each thing that a number was made from."""
        for source in number.sources:
            try:
                (rows,) = replace(self, most=1).sources(replace(number, sources=(source,)))
            except NotTraceable:
                place, _ = _place_of(self.report, source)
                yield ".".join(place), 0, None
            else:
                yield rows.table, rows.count, rows.total


def _place_of(report: Report, source: NumberSource) -> tuple[tuple[str, str], str]:
    name, _, column = str(source.column).rpartition(".")
    domain, _, rest = name.rpartition("__")
    return (domain or report.domain, rest), column


def _changed_since(connection: psycopg.Connection, catalog: Catalog, report: Report, as_of: dt.datetime) -> bool:
    """Whether anything under the report has come, gone or become something else since."""
    below = [catalog.by_key[key] for key in catalog.upstream(key_of(report))]
    if rows_changed_since(connection, [one.full_name for one in below if isinstance(one, Workbook)], as_of):
        return True
    made = [(one.domain, one.name) for one in below if not isinstance(one, Workbook)]
    return stored_since(connection, made, as_of)


def _trace_as_of(
    ctx: Context,
    report: Report,
    wanted: str,
    saved: Path | None,
    as_of: dt.datetime,
    most: int | None,
    progress: Progress,
) -> TracedNumber:
    """The number traced in what was known at `as_of`; of the edition that was `saved`, or of one made again."""
    from s2p_assets.publishing.editions.saving_numbers import changed_numbers, save_numbers
    from s2p_assets.services.as_of import open_as_of
    from s2p_assets.warehouse.tables.restored_places import as_of_table

    with open_as_of(ctx, as_of, progress) as known:
        document = known.document(report)
        published = _number(saved, wanted) if saved else None
        with tempfile.TemporaryDirectory(prefix="s2p-trace-") as folder:
            again = Path(folder) / f"{document.as_of.isoformat()}.json"
            save_numbers(document, again, made_at=as_of)
            if saved is None:
                published = _number(again, wanted)
            same = saved is None or wanted.upper() not in changed_numbers(read_saved_numbers(saved), document)
        assert published is not None
        notices = list(known.notices)
        if not same:
            notices.append(
                f"made again from what was known then, {published.id} is not {format_value(published.value)}"
            )
        progress("following it to the cells")
        under = _NumberTracer(known.connection, ctx, report, most, as_of_table).sources(published)
        edition = saved.stem if saved else document.as_of.isoformat()
        today = tuple(_NumberTracer(known.connection, ctx, report, most).totals(published))
        return TracedNumber(report.full_name, edition, published, under, as_of, today, tuple(notices))


def _saved(settings: Settings, report: Report, edition: str | None) -> Path:
    folder = numbers_file(settings, report, dt.date.min).parent
    kept = sorted(file.stem for file in folder.glob("*.json"))
    if not kept:
        raise NotTraceable(f"{report.full_name} has no edition yet; run s2p run")
    chosen = saved_of(folder, edition)
    if chosen is None:
        raise NotTraceable(f"{report.full_name} has no edition of {edition}; it has {', '.join(kept)}")
    return chosen


def format_value(value: Any) -> str:
    """A value as a person writes it."""
    if value is None:
        return "nothing"
    if isinstance(value, float):
        return f"{value:,.4f}".rstrip("0").rstrip(".")
    return str(value)


def person_lines(file: FileRow, values: Mapping[str, Any]) -> Iterator[str]:
    """Who handed in a file; or who entered a row, when and why, and the cells of the file that it overrides."""
    if file.handed_in_by and file.handed_in_at:
        yield f"handed in by {file.handed_in_by} on {file.handed_in_at.astimezone():%Y-%m-%d %H:%M}"
    entered = file.entered
    if entered is None:
        return
    what = "corrected" if entered.kind == "correction" else {"withdraw": "withdrawn"}.get(entered.action, "entered")
    yield f"{what} by {entered.by} on {entered.at.astimezone():%Y-%m-%d %H:%M}: {entered.reason}"
    if over := entered.over:
        shown = {name: cell for name, cell in over.cells.items() if name in values}
        given = ", ".join(
            f"{cell} = {format_value(entered.before.get(name))}"
            for name, cell in shown.items()
            if name in entered.columns
        )
        kept = ", ".join(
            f"{cell} = {format_value(values[name])}" for name, cell in shown.items() if name not in entered.columns
        )
        place = " › ".join(filter(None, (over.path, over.sheet)))
        said = [f"over {place} › {given}"] if given else []
        said += [f"what stayed is from {place} › {kept}"] if kept else []
        yield from said or [f"over {place} › row {over.row}"]
        yield from person_lines(over, {name: entered.before.get(name) for name in values})
