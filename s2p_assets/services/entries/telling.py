"""What people entered, as it is told: entries with what they changed, and the history of a row and of one cell."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import psycopg

from s2p_assets.contracts.entered import EntryKind
from s2p_assets.contracts.values import as_json
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.services.context import Context
from s2p_assets.services.entries.rows import parsed_key
from s2p_assets.services.errors import NotFound
from s2p_assets.warehouse.files import entries
from s2p_assets.warehouse.files.entries import Entry, EntryRow
from s2p_assets.warehouse.tables.current_rows import rows_of_key

Sees = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class RowEvent:
    """One thing that befell a row: a file said something, or a person did.

    `what`: `file`, `add`, `change`, `withdraw`, `undone`, `released` or `lapsed`. `by`: the person, or the owner of the
    file; `why`: the reason, for a file nothing. `changes`: column → (before, after). `counts`: whether what it says is
    shown now. `entry`: by which name an entry is asked for.
    """

    at: dt.datetime
    what: str
    by: str | None
    why: str | None
    path: str | None
    sheet: str | None
    row: int | None
    values: dict[str, Any] | None
    changes: dict[str, tuple[Any, Any]]
    counts: bool
    entry: str | None = None
    kind: EntryKind | None = None


def entries_of(
    ctx: Context,
    sees: Sees,
    *,
    workbook: str | None = None,
    kind: EntryKind | None = None,
    is_standing: bool | None = None,
    most: int = 200,
) -> list[dict[str, Any]]:
    """What was entered, the newest first, as JSON: person, time, reason, and for each row what it changed."""
    seen = [name for name in ctx.catalog.workbooks if sees(name) and workbook in (None, name)]
    with ctx.warehouse.reading() as connection:
        found = entries.find_entries(connection, workbooks=seen, kind=kind, is_standing=is_standing, most=most)
    return [entry_as_json(entry) for entry in found]


def entry_as_json(entry: Entry) -> dict[str, Any]:
    """An entry with its rows; `is_standing`: whether any of them has not ended."""
    about = {name: value for name, value in asdict(entry).items() if name != "rows"}
    rows = [asdict(row) | {"changes": _changes(row)} for row in entry.rows]
    for row in rows:
        del row["path"]
    return {"name": entry.name, **about, "is_standing": bool(entry.standing), "rows": rows}


def entry_named(ctx: Context, workbook: str, name: str) -> Entry:
    """An entry by its name. Raises NotFound."""
    with ctx.warehouse.reading() as connection:
        return find_entry(connection, workbook, name)


def find_entry(connection: psycopg.Connection, workbook: str, name: str) -> Entry:
    """The same in a connection that is open. Raises NotFound."""
    found = entries.find_entries(connection, workbooks=[workbook], names=[name], most=1)
    if not found:
        raise NotFound(f"nothing was entered in {workbook} that is called {name[:80]!r}")
    return found[0]


def workbook_of_entry(ctx: Context, name: str) -> str:
    """The kind of workbook that an entry is of. Raises NotFound."""
    with ctx.warehouse.reading() as connection:
        found = entries.find_entries(connection, names=[name], most=1)
    if not found:
        raise NotFound(f"nothing was entered that is called {name[:80]!r}; `s2p entries list` lists what was")
    return found[0].workbook


def row_changes(ctx: Context, workbook: Workbook, key: Mapping[str, Any]) -> list[RowEvent]:
    """Who said what of a row, and when and why, the newest first: people, and the files that hold it now.

    Raises EntryRefused for what is no key of this kind of workbook.
    """
    values = parsed_key(workbook, key)
    with ctx.warehouse.reading() as connection:
        asked = {name: as_json(value) for name, value in values.items()}
        entered = entries.find_entries(connection, workbooks=[workbook.full_name], key=asked)
        held = rows_of_key(connection, workbook, values)
    counting = {(one.row.path, one.row.sheet, one.row.row) for one in held if one.counts}
    events = [
        event for entry in entered for row in entry.rows if row.key == asked for event in _events(entry, row, counting)
    ]
    for one in held:
        if one.row.entered is None:
            shown = {name: as_json(value) for name, value in one.row.values.items()}
            events.append(
                RowEvent(
                    dt.datetime.fromtimestamp(one.row.as_of_ns / 1e9, dt.UTC),
                    "file",
                    one.handed_in_by or one.owner,
                    None,
                    *(one.row.path, one.row.sheet, one.row.row),
                    shown,
                    {},
                    one.counts,
                )
            )
    return sorted(events, key=lambda event: event.at, reverse=True)


def cell_changes(ctx: Context, workbook: Workbook, key: Mapping[str, Any], column: str) -> list[RowEvent]:
    """The history of one cell: of a row's, the events that are about this column. Raises NotFound for no column."""
    if column not in {one.name for one in workbook.columns}:
        names = ", ".join(one.name for one in workbook.columns)
        raise NotFound(f"{workbook.full_name} has no column {column[:80]!r}; it has {names}")
    return [
        event
        for event in row_changes(ctx, workbook, key)
        if event.what in ("file", "add", "withdraw") or column in event.changes
    ]


def _events(entry: Entry, row: EntryRow, counting: set[tuple[str, str, int]]) -> list[RowEvent]:
    place = (row.path, row.sheet, row.row)
    counts = row.ended_at is None and place in counting
    who = (entry.name, entry.kind)
    said = (entry.made_at, row.action, entry.made_by, entry.reason)
    found = [RowEvent(*said, *place, row.after, _changes(row), counts, *who)]
    if row.ended_at is not None:
        back = {name: (after, before) for name, (before, after) in _changes(row).items()}
        ended = (row.ended_at, str(row.ended_how), row.ended_by, row.ended_why)
        found.append(RowEvent(*ended, *place, row.before, back, False, *who))
    return found


def _changes(row: EntryRow) -> dict[str, tuple[Any, Any]]:
    before = row.before or {}
    if row.action == "withdraw":
        return {name: (value, None) for name, value in before.items() if value is not None}
    return {name: (before.get(name), row.after.get(name)) for name in row.columns}
