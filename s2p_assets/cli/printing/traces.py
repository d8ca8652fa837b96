"""A traced number as a person at a terminal reads it: (depth, line) for each step down to the cells, then the files.

How rows are found belongs to the service.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from s2p_assets.services.trace import TracedNumber, format_value, person_lines
from s2p_assets.warehouse.trace.file_rows import FileRow
from s2p_assets.warehouse.trace.traced_rows import SourceRows, TracedRow

EVENT_SHOWN = 500


def number_lines(traced: TracedNumber) -> Iterator[tuple[int, str]]:
    """The number as it was published, what has changed since, then what lies under it."""
    yield (
        0,
        f"{traced.report} of {traced.edition}, {traced.number.id}: {traced.number.label} = "
        f"{format_value(traced.number.value)}",
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
            summed = "" if total is None else f", together {format_value(total)}"
            yield f"Today other rows lie under it: {table} has {rows:,}{summed}."
    yield from traced.notices


def trace_lines(group: SourceRows, *, hint: str = "--all shows all") -> Iterator[tuple[int, str]]:
    """(depth, line) for each thing that a person reads: from the rows asked for down to the cells, then the files."""
    yield from _group(group, 0, hint, headed=False)
    yield from _named(dict.fromkeys(_files(group)))


def _named(files: Iterable[tuple[str, str]]) -> Iterator[tuple[int, str]]:
    files = list(files)
    yield 0, ""
    yield 0, f"{len(files):,} file{'' if len(files) == 1 else 's'}"
    for file in sorted(files):
        yield from ((depth, line) for depth, line in enumerate(file, start=1) if line)


def _group(group: SourceRows, depth: int, hint: str, *, headed: bool = True) -> Iterator[tuple[int, str]]:
    if headed:
        yield depth, _heading(group)
    if group.inexact:
        yield depth + 1, f"not exactly these: {group.inexact}; they are the rows with the same key"
    for row in group.rows:
        yield from _origin(row, depth + headed, hint)
    if group.count > len(group.rows):
        yield depth + 1, f"… and {group.count - len(group.rows):,} more; {hint}"


def _heading(group: SourceRows) -> str:
    rows = f"{group.count:,} row{'' if group.count == 1 else 's'}"
    total = "" if group.total is None else f", together {format_value(group.total)}"
    return f"{group.table} ({', '.join(group.columns)}): {rows}{total}"


def _origin(row: TracedRow, depth: int, hint: str) -> Iterator[tuple[int, str]]:
    if row.file:
        yield depth, f"{_cells(row, row.file)}{_share(row)}"
        yield from ((depth + 1, line) for line in person_lines(row.file, row.values))
        if row.file.event is not None:
            yield depth + 1, f"the event: {row.file.event[:EVENT_SHOWN]}"
        return
    key = " ".join(f"{name}={format_value(value)}" for name, value in row.key.items())
    values = ", ".join(f"{name} = {format_value(value)}" for name, value in row.values.items())
    yield depth, f"{row.table} {key}: {values}{_share(row)}"
    for under in row.under:
        yield from _group(under, depth + 1, hint)


def _share(row: TracedRow) -> str:
    return "" if row.weight == 1 else f"   counted × {row.weight:.4g}"


def _cells(row: TracedRow, file: FileRow) -> str:
    values = {name: value for name, value in row.values.items() if file.row or value is not None}
    cells = ", ".join(_value(file, name, value) for name, value in values.items())
    older = f"   superseded by {file.superseded_by}" if file.superseded_by else ""
    offset = f"offset {file.row}" if file.event is not None else ""
    return " › ".join(filter(None, (file.path, file.sheet, offset, cells))) + older


def _value(file: FileRow, name: str, value: Any) -> str:
    if name in file.cells:
        return f"{file.cells[name]} = {format_value(value)}"
    from_name = " (from its name)" if file.row and not file.entered else ""
    return f"{name} = {format_value(value)}{from_name}"


def _files(group: SourceRows) -> Iterator[tuple[str, str]]:
    """Path, and what is known of the file, for every row below."""
    for row in group.rows:
        if file := row.file:
            run = f" by run {file.run_id[:8]}" if file.run_id else ""
            loaded = f"loaded {file.loaded_at.astimezone():%Y-%m-%d %H:%M}{run}, " if file.loaded_at else ""
            kept = f"SHA-256 {file.sha256[:12]}…, original kept as {file.archived}"
            yield file.path, f"{loaded}{'a day of events, which are kept' if file.event is not None else kept}"
        for under in row.under:
            yield from _files(under)
