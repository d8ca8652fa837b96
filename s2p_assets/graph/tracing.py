"""A stored value walked back to the cells under it, as `s2p trace` prints it.

How rows are found is the warehouse's; what the numbers of a report are made of, its edition says.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from s2p_assets.graph.house import House
from s2p_assets.graph.resources import Warehouse
from s2p_assets.settings import Settings
from s2p_assets.warehouse.trace import FileRow, Group, Origin, Source, Sources, trace


def sources_of_house(house: House) -> Sources:
    """Everything that is stored in tables, by (domain, thing)."""
    stored: list[Source] = [*house.workbooks.values(), *house.tables.values(), *house.features.values()]
    return {(one.domain, one.thing): one for one in stored}


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
    domain, _, thing = name.replace(".", "_", 1).partition("_")
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


def trace_lines(group: Group, *, hint: str = "--all shows all") -> Iterator[tuple[int, str]]:
    """(depth, line) for each thing that a person reads: from the rows asked for down to the cells, then the files."""
    yield from _group(group, 0, hint)
    files = dict.fromkeys(_files(group))
    yield 0, ""
    yield 0, f"{len(files):,} file{'' if len(files) == 1 else 's'}"
    for file in sorted(files):
        yield from ((depth, line) for depth, line in enumerate(file, start=1) if line)


def _group(group: Group, depth: int, hint: str) -> Iterator[tuple[int, str]]:
    if depth:
        yield depth, _heading(group)
    for row in group.rows:
        yield from _origin(row, group, depth + 1 if depth else 0, hint)
    if group.count > len(group.rows):
        yield depth + 1, f"… and {group.count - len(group.rows):,} more; {hint}"


def _heading(group: Group) -> str:
    rows = f"{group.count:,} row{'' if group.count == 1 else 's'}"
    total = "" if group.total is None else f", together {said(group.total)}"
    return f"{group.table} ({', '.join(group.columns)}): {rows}{total}"


def _origin(row: Origin, group: Group, depth: int, hint: str) -> Iterator[tuple[int, str]]:
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
