"""A stored value walked back to the cells under it, as `s2p trace` prints it.

How rows are found is the warehouse's; what the numbers of a report are made of, its edition says.
"""

import datetime as dt
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from s2p_assets.graph.house import House, key_of
from s2p_assets.graph.past import Progress, at_moment, end_of
from s2p_assets.graph.published import numbers_file
from s2p_assets.graph.resources import Warehouse
from s2p_assets.publishing.numbers import (
    NoSuchNumber,
    Number,
    content_of,
    differences,
    made_when,
    number,
    save_numbers,
)
from s2p_assets.publishing.report import Basis, Report
from s2p_assets.settings import Settings
from s2p_assets.spreadsheet.contract import Workbook
from s2p_assets.warehouse import past, store
from s2p_assets.warehouse.ledger_views import LEDGER_VIEWS
from s2p_assets.warehouse.trace_files import FileRow
from s2p_assets.warehouse.traced_rows import Group, NoRows, NotTraceable, Origin, Places, Sources
from s2p_assets.warehouse.tracer import Tracer


def sources_of_house(house: House) -> Sources:
    """Everything that is stored in tables, and what the ledger says of the inside of files, by (domain, thing)."""
    return {(one.domain, one.thing): one for one in house.stored()} | dict(LEDGER_VIEWS)


def trace_table(
    settings: Settings,
    house: House,
    warehouse: Warehouse,
    name: str,
    where: Mapping[str, str],
    columns: Sequence[str],
    *,
    most: int | None,
) -> Group:
    """The rows of a table with these values, down to their cells. Raises NotTraceable."""
    domain, _, thing = name.partition("_")
    with _connected(warehouse) as connection:
        tracer = Tracer(connection, sources_of_house(house), settings.archive)
        return tracer.trace((domain, thing), where, columns, most=most)


@contextmanager
def _connected(warehouse: Warehouse) -> Iterator[psycopg.Connection]:
    """A connection for queries so short that to start parallel workers for them costs more than it saves."""
    with warehouse.connect() as connection:
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
    number: Number
    under: tuple[Group, ...]
    known_at: dt.datetime | None = None
    today: tuple[tuple[str, int, float | None], ...] = ()
    notices: tuple[str, ...] = ()


def trace_number(
    settings: Settings,
    house: House,
    warehouse: Warehouse,
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
    report = house.reports[name]
    if as_of is not None:
        return _as_known(settings, house, warehouse, report, wanted, None, end_of(as_of), most, progress)
    saved = _saved(settings, report, edition)
    found = _number(saved, wanted)
    made_at = made_when(saved)
    with _connected(warehouse) as connection:
        if not _changed_since(connection, house, report, made_at):
            groups = _groups(connection, settings, house, report, found, most)
            return TracedNumber(name, saved.stem, found, groups)
    return _as_known(settings, house, warehouse, report, wanted, saved, made_at, most, progress)


def _number(saved: Path, wanted: str) -> Number:
    try:
        found = number(saved, wanted)
    except NoSuchNumber as error:
        raise NotTraceable(str(error)) from error
    if not found.of:
        raise NotTraceable(f"{wanted} ({found.label}) is no number that was made from stored values")
    return found


def _groups(
    connection: psycopg.Connection,
    settings: Settings,
    house: House,
    report: Report,
    found: Number,
    most: int | None,
    places: Places = sql.Identifier,
) -> tuple[Group, ...]:
    """What lies under a number, for each thing that it was made from."""
    known: dict[tuple[Any, ...], Group] = {}
    return tuple(
        _group_of(connection, settings, house, report, found, basis, most, places, known) for basis in found.of
    )


def _group_of(
    connection: psycopg.Connection,
    settings: Settings,
    house: House,
    report: Report,
    found: Number,
    basis: Basis,
    most: int | None,
    places: Places,
    known: dict[tuple[Any, ...], Group],
) -> Group:
    place, column = _place_of(report, basis)
    try:
        tracer = Tracer(connection, sources_of_house(house), settings.archive, places, known)
        return tracer.trace(place, basis.where, (column,), most=most, how=basis.how)
    except NoRows:
        if found.value != 0:
            raise
        return Group(".".join(place), (column,), 0, None, ())  # of nothing there are no rows


def _place_of(report: Report, basis: Basis) -> tuple[tuple[str, str], str]:
    thing, _, column = str(basis.column).rpartition(".")
    domain, _, rest = thing.rpartition("__")
    return (domain or report.domain, rest), column


def _changed_since(connection: psycopg.Connection, house: House, report: Report, moment: dt.datetime) -> bool:
    """Whether anything under the report has come, gone or become something else since."""
    below = [house.by_key[key] for key in house.under(key_of(report))]
    if past.changed_since(connection, [one.name for one in below if isinstance(one, Workbook)], moment):
        return True
    made = [(one.domain, one.thing) for one in below if not isinstance(one, Workbook)]
    return store.stored_since(connection, made, moment)


def _as_known(
    settings: Settings,
    house: House,
    warehouse: Warehouse,
    report: Report,
    wanted: str,
    saved: Path | None,
    moment: dt.datetime,
    most: int | None,
    progress: Progress,
) -> TracedNumber:
    """The number traced in what was known at `moment`; of the edition that was `saved`, or of one made again."""
    with at_moment(settings, house, warehouse, moment, progress) as known:
        document = known.document(report)
        published = _number(saved, wanted) if saved else None
        with tempfile.TemporaryDirectory(prefix="s2p-trace-") as folder:
            again = Path(folder) / f"{document.as_of.isoformat()}.json"
            save_numbers(document, again, made_at=moment)
            if saved is None:
                published = _number(again, wanted)
            same = saved is None or wanted.upper() not in differences(content_of(saved), document)
        assert published is not None
        notices = list(known.notices)
        if not same:
            notices.append(f"made again from what was known then, {published.id} is not {said(published.value)}")
        progress("following it to the cells")
        groups = _groups(known.connection, settings, house, report, published, most, past.place_then)
        edition = saved.stem if saved else document.as_of.isoformat()
        today = tuple(_today(known.connection, settings, house, report, published))
        return TracedNumber(report.name, edition, published, groups, moment, today, tuple(notices))


def _today(
    connection: psycopg.Connection, settings: Settings, house: House, report: Report, found: Number
) -> Iterator[tuple[str, int, float | None]]:
    for basis in found.of:
        place, _ = _place_of(report, basis)
        try:
            (group,) = _groups(connection, settings, house, report, replace(found, of=(basis,)), 1)
        except NotTraceable:
            yield ".".join(place), 0, None
        else:
            yield group.table, group.count, group.total


def _saved(settings: Settings, report: Report, edition: str | None) -> Path:
    kept = sorted(numbers_file(settings, report, dt.date.min).parent.glob("*.json"))
    if not kept:
        raise NotTraceable(f"{report.name} has no edition yet; run s2p run")
    chosen = [file for file in kept if file.stem == edition] if edition else kept[-1:]
    if not chosen:
        raise NotTraceable(f"{report.name} has no edition of {edition}; it has {', '.join(file.stem for file in kept)}")
    return chosen[0]


def number_lines(traced: TracedNumber) -> Iterator[tuple[int, str]]:
    """The number as it was published, what has changed since, then what lies under it."""
    yield (
        0,
        f"{traced.report} of {traced.edition}, {traced.number.id}: {traced.number.label} = {said(traced.number.value)}",
    )
    yield from ((1, line) for line in _changes(traced))
    for group in traced.under:
        yield from _group(group, 1, "--all shows all")
    yield from _named(dict.fromkeys(file for group in traced.under for file in _files(group)))


def _changes(traced: TracedNumber) -> Iterator[str]:
    if traced.known_at is None:
        return
    when = f"{traced.known_at.astimezone():%Y-%m-%d %H:%M}"
    yield f"What lies under it has changed since; below is what was known on {when}."
    for group, (table, rows, total) in zip(traced.under, traced.today, strict=True):
        if (rows, total) != (group.count, group.total):
            summed = "" if total is None else f", together {said(total)}"
            yield f"Today other rows lie under it: {table} has {rows:,}{summed}."
    yield from traced.notices


def trace_lines(group: Group, *, hint: str = "--all shows all") -> Iterator[tuple[int, str]]:
    """(depth, line) for each thing that a person reads: from the rows asked for down to the cells, then the files."""
    yield from _group(group, 0, hint, headed=False)
    yield from _named(dict.fromkeys(_files(group)))


def _named(files: Iterable[tuple[str, str]]) -> Iterator[tuple[int, str]]:
    files = list(files)
    yield 0, ""
    yield 0, f"{len(files):,} file{'' if len(files) == 1 else 's'}"
    for file in sorted(files):
        yield from ((depth, line) for depth, line in enumerate(file, start=1) if line)


def _group(group: Group, depth: int, hint: str, *, headed: bool = True) -> Iterator[tuple[int, str]]:
    if headed:
        yield depth, _heading(group)
    for row in group.rows:
        yield from _origin(row, depth + headed, hint)
    if group.count > len(group.rows):
        yield depth + 1, f"… and {group.count - len(group.rows):,} more; {hint}"


def _heading(group: Group) -> str:
    rows = f"{group.count:,} row{'' if group.count == 1 else 's'}"
    total = "" if group.total is None else f", together {said(group.total)}"
    return f"{group.table} ({', '.join(group.columns)}): {rows}{total}"


def _origin(row: Origin, depth: int, hint: str) -> Iterator[tuple[int, str]]:
    if row.file:
        yield depth, f"{_cells(row, row.file)}{_share(row)}"
        return
    key = " ".join(f"{name}={said(value)}" for name, value in row.key.items())
    values = ", ".join(f"{name} = {said(value)}" for name, value in row.values.items())
    yield depth, f"{row.table} {key}: {values}{_share(row)}"
    for under in row.under:
        yield from _group(under, depth + 1, hint)


def _share(row: Origin) -> str:
    return "" if row.share == 1 else f"   counted × {row.share:.4g}"


def _cells(row: Origin, file: FileRow) -> str:
    told = {name: value for name, value in row.values.items() if file.row or value is not None}
    cells = ", ".join(_value(file, name, value) for name, value in told.items())
    older = f"   superseded by {file.superseded_by}" if file.superseded_by else ""
    return " › ".join(filter(None, (file.path, file.sheet, cells))) + older


def _value(file: FileRow, name: str, value: Any) -> str:
    if name in file.cells:
        return f"{file.cells[name]} = {said(value)}"
    return f"{name} = {said(value)}{' (from its name)' if file.row else ''}"


def _files(group: Group) -> Iterator[tuple[str, str]]:
    """Path, and what is known of the file, for every row below."""
    for row in group.rows:
        if file := row.file:
            run = f" by run {file.run_id[:8]}" if file.run_id else ""
            loaded = f"loaded {file.loaded_at.astimezone():%Y-%m-%d %H:%M}{run}, " if file.loaded_at else ""
            yield file.path, f"{loaded}SHA-256 {file.sha256[:12]}…, original kept as {file.archived}"
        for under in row.under:
            yield from _files(under)


def said(value: Any) -> str:
    """A value as a person writes it."""
    if value is None:
        return "nothing"
    if isinstance(value, float):
        return f"{value:,.4f}".rstrip("0").rstrip(".")
    return str(value)
