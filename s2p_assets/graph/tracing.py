"""A stored value walked back to the cells under it, as `s2p trace` prints it.

How rows are found is the warehouse's; what the numbers of a report are made of, its edition says.
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from s2p_assets.graph.house import House
from s2p_assets.graph.io_managers import numbers_file
from s2p_assets.graph.resources import Warehouse
from s2p_assets.publishing.numbers import NoSuchNumber, Number, number
from s2p_assets.publishing.report import Report
from s2p_assets.settings import Settings
from s2p_assets.warehouse.trace import FileRow, Group, NotTraceable, Origin, Sources, trace


def sources_of_house(house: House) -> Sources:
    """Everything that is stored in tables, by (domain, thing)."""
    return {(one.domain, one.thing): one for one in house.stored()}


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
    with warehouse.connect() as connection:
        return trace(
            connection,
            sources_of_house(house),
            (domain, thing),
            where,
            columns,
            most=most,
            archive=settings.archive,
        )


@dataclass(frozen=True)
class TracedNumber:
    """A number of a report's edition, and the stored rows that it was made from."""

    report: str
    edition: str
    number: Number
    under: tuple[Group, ...]


def trace_number(
    settings: Settings,
    house: House,
    warehouse: Warehouse,
    name: str,
    wanted: str,
    *,
    edition: str | None,
    most: int | None,
) -> TracedNumber:
    """A number of an edition, by default the newest, down to its cells. Raises NotTraceable."""
    report = house.reports[name]
    saved = _saved(settings, report, edition)
    try:
        found = number(saved, wanted)
    except NoSuchNumber as error:
        raise NotTraceable(str(error)) from error
    if not found.of:
        raise NotTraceable(f"{wanted} ({found.label}) is no number that was made from stored values")
    groups = []
    with warehouse.connect() as connection:
        for basis in found.of:
            thing, _, column = str(basis.column).rpartition(".")
            domain, _, rest = thing.rpartition("__")
            place = (domain or report.domain, rest)
            groups.append(
                trace(
                    connection,
                    sources_of_house(house),
                    place,
                    basis.where,
                    (column,),
                    most=most,
                    archive=settings.archive,
                )
            )
    return TracedNumber(name, saved.stem, found, tuple(groups))


def _saved(settings: Settings, report: Report, edition: str | None) -> Path:
    kept = sorted(numbers_file(settings, report, dt.date.min).parent.glob("*.json"))
    if not kept:
        raise NotTraceable(f"{report.name} has no edition yet; run s2p run")
    chosen = [file for file in kept if file.stem == edition] if edition else kept[-1:]
    if not chosen:
        raise NotTraceable(f"{report.name} has no edition of {edition}; it has {', '.join(file.stem for file in kept)}")
    return chosen[0]


def number_lines(traced: TracedNumber) -> Iterator[tuple[int, str]]:
    """The number as it was published, then what lies under it."""
    yield (
        0,
        f"{traced.report} of {traced.edition}, {traced.number.id}: {traced.number.label} = {said(traced.number.value)}",
    )
    for group in traced.under:
        yield from _group(group, 1, "--all shows all")
    yield from _named(dict.fromkeys(file for group in traced.under for file in _files(group)))


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
    return "" if row.share == 1 else f"   counted × {said(round(row.share, 4))}"


def _cells(row: Origin, file: FileRow) -> str:
    cells = ", ".join(
        f"{file.cells[name]} = {said(value)}" if name in file.cells else f"{name} = {said(value)} (from its name)"
        for name, value in row.values.items()
    )
    older = f"   superseded by {file.superseded_by}" if file.superseded_by else ""
    return f"{file.path} › {file.sheet} › {cells}{older}"


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
