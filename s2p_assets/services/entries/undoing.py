"""An entry taken back, or a correction released: what that will do, and the doing of it.

Corrections that end by themselves are in `standing.py`.
"""

import datetime as dt
import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import psycopg

from s2p_assets.contracts.values import as_json
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.services.context import Context
from s2p_assets.services.entries.checks import still_referred_to
from s2p_assets.services.entries.rewriting import rewrite_entry
from s2p_assets.services.entries.rows import (
    QUESTION,
    EntryFinding,
    NotEnterable,
    RowChanged,
    enterable,
    parsed_key,
    plain_reason,
    refuse,
)
from s2p_assets.services.entries.showing import require_results, show_on_share
from s2p_assets.services.entries.telling import find_entry
from s2p_assets.services.errors import NotFound
from s2p_assets.spreadsheet.sandbox import Sandbox
from s2p_assets.warehouse.files import entries, withdrawal
from s2p_assets.warehouse.files.archive import ArchivedFile
from s2p_assets.warehouse.files.entries import Entry, EntryRow, entry_version
from s2p_assets.warehouse.server.advisory_locks import advisory_lock
from s2p_assets.warehouse.tables.current_rows import CurrentRow, rows_with_keys, rows_without


@dataclass(frozen=True, slots=True)
class UndoneRow:
    """A row of an entry that is taken back: what is shown now, and what is shown then, None for no row.

    `says`: the same in a sentence; `changes`: column → (now, then).
    """

    number: int
    action: str
    key: dict[str, Any]
    now: dict[str, Any] | None
    then: dict[str, Any] | None
    changes: dict[str, tuple[Any, Any]]
    says: str


@dataclass(frozen=True, slots=True)
class Undoing:
    """What taking back an entry does, or did. `version`: of what was looked at; another one when something changed.

    `questions`: why somebody should be sure.
    """

    name: str
    workbook: str
    kind: str
    made_by: str
    made_at: dt.datetime
    reason: str
    rows: list[UndoneRow]
    questions: list[EntryFinding]
    version: str


@dataclass(frozen=True, slots=True)
class UndoTerms:
    """Who takes an entry back, and why. `numbers`: only these of its rows. `version`: of the look before, if any.

    `sure`: also where there is a question.
    """

    by: str
    reason: str
    numbers: Collection[int] | None = None
    version: str | None = None
    sure: bool = False


def preview_undo(ctx: Context, workbook: str, name: str, numbers: Collection[int] | None = None) -> Undoing:
    """What taking back an entry, or some of its rows, will do; nothing is done. Raises NotFound."""
    with ctx.warehouse.reading() as connection:
        entry, rows = _to_take_back(connection, workbook, name, numbers)
        return _undoing(ctx, connection, entry, rows)


def undo(ctx: Context, reader: Sandbox, workbook: str, name: str, terms: UndoTerms) -> Undoing:
    """Take back an entry or a correction: the rows beneath are shown again. What it did is returned.

    Raises NotFound; RowChanged where it is not what was looked at; EntryRefused where somebody should be sure.
    """
    return _take_back(ctx, reader, workbook, name, terms, "undone")


def release(ctx: Context, reader: Sandbox, workbook: str, name: str, terms: UndoTerms) -> Undoing:
    """End a correction, as it is not needed any more: from now on files say again what is in its rows.

    Raises as `undo` does, and NotEnterable for an entry, which holds nothing.
    """
    return _take_back(ctx, reader, workbook, name, terms, "released")


def _to_take_back(
    connection: psycopg.Connection, workbook: str, name: str, numbers: Collection[int] | None
) -> tuple[Entry, list[EntryRow]]:
    entry = find_entry(connection, workbook, name)
    rows = [row for row in entry.standing if numbers is None or row.number in numbers]
    if not rows:
        last = max(
            (row for row in entry.rows if row.ended_at), key=lambda row: row.ended_at or entry.made_at, default=None
        )
        how = f"; it was {last.ended_how} on {last.ended_at:%Y-%m-%d %H:%M} UTC" if last else ""
        raise NotFound(f"{name}: no such row of it stands any more{how}")
    return entry, rows


def _undoing(ctx: Context, connection: psycopg.Connection, entry: Entry, rows: Sequence[EntryRow]) -> Undoing:
    workbook = enterable(ctx, entry.workbook)
    now, then = _beside(connection, workbook, entry, rows)
    told = [_undone(row, one, other) for row, one, other in zip(rows, now, then, strict=True)]
    leaving = [
        (row.number, one.values) for row, one, other in zip(rows, now, then, strict=True) if one and other is None
    ]
    return Undoing(
        name=entry.name,
        workbook=entry.workbook,
        kind=entry.kind,
        made_by=entry.made_by,
        made_at=entry.made_at,
        reason=entry.reason,
        rows=told,
        questions=list(still_referred_to(connection, ctx.catalog, workbook, leaving)),
        version=_version_of(told, now, then),
    )


def _beside(
    connection: psycopg.Connection, workbook: Workbook, entry: Entry, rows: Sequence[EntryRow]
) -> tuple[list[CurrentRow | None], list[CurrentRow | None]]:
    """The rows shown now and those shown without the entry."""
    file = entry_version(connection, entry.path)
    if workbook.key:
        keys = [parsed_key(workbook, row.key) for row in rows]
        return rows_with_keys(connection, workbook, keys), rows_without(
            connection, workbook, keys, file.id if file else 0
        )
    own = [CurrentRow(row.after, file.id if file else 0, row.sheet, row.row, entry.path, 0, entry.kind) for row in rows]
    now = [one if row.action == "add" else None for row, one in zip(rows, own, strict=True)]
    then = [None if row.action == "add" else one for row, one in zip(rows, own, strict=True)]
    return now, then


def _undone(row: EntryRow, now: CurrentRow | None, then: CurrentRow | None) -> UndoneRow:
    shown, coming = (
        None if one is None else {name: as_json(value) for name, value in one.values.items()} for one in (now, then)
    )
    changes = (
        {name: (shown[name], coming[name]) for name in shown if shown[name] != coming[name]} if shown and coming else {}
    )
    return UndoneRow(row.number, row.action, row.key, shown, coming, changes, _says(row, now, then, changes))


def _says(row: EntryRow, now: CurrentRow | None, then: CurrentRow | None, changes: dict[str, tuple[Any, Any]]) -> str:
    which = ", ".join(str(value) for value in (row.key or row.after).values())
    if now is not None and now.path != row.path:
        return f"{which}: nothing changes, as {now.path} says what is shown"
    if then is None:
        return f"{which}: the row is shown no more" if now else f"{which}: nothing changes, there is no such row"
    source = f"{then.path} › {then.sheet} › row {then.row}"
    if now is None:
        return f"{which}: the row is shown again, as {source} has it"
    said = ", ".join(f"{name} {was} → {becomes}" for name, (was, becomes) in changes.items())
    return f"{which}: {said or 'the same values'}, as in {source}"


def _version_of(told: Sequence[UndoneRow], now: Sequence[CurrentRow | None], then: Sequence[CurrentRow | None]) -> str:
    places = [row.number for row in told], [one and one.etag for one in now], [one and one.etag for one in then]
    return f'"{hashlib.sha256(repr(places).encode()).hexdigest()[:24]}"'


def _take_back(
    ctx: Context,
    reader: Sandbox,
    workbook: str,
    name: str,
    terms: UndoTerms,
    how: Literal["undone", "released"],
) -> Undoing:
    reason = plain_reason(terms.reason)
    require_results(ctx.settings)
    with ctx.warehouse.writing() as connection, connection.transaction():
        advisory_lock(connection, workbook)
        entry, rows = _to_take_back(connection, workbook, name, terms.numbers)
        if how == "released" and entry.kind != "correction":
            raise NotEnterable(f"{name} is no correction, and holds nothing; undo it, or enter what is right")
        done = _undoing(ctx, connection, entry, rows)
        if terms.version and terms.version.removeprefix("W/").strip('"') != done.version.strip('"'):
            raise RowChanged({})
        refuse([one for one in done.questions if not (terms.sure and one.rule == QUESTION)])
        entries.end_rows(connection, rows, how, by=terms.by, why=reason)
        kept = take_out(ctx, reader, connection, entry, {row.number for row in rows})
    show_on_share(ctx.settings, entry.path, kept)
    return done


def take_out(
    ctx: Context, reader: Sandbox, connection: psycopg.Connection, entry: Entry, numbers: Collection[int]
) -> ArchivedFile | None:
    """Withdraw these rows of an entry; the new version of its workbook, or None where no row of it is left.

    Needs the workbook's lock.
    """
    rest = [row for row in entry.standing if row.number not in numbers]
    if rest:
        return rewrite_entry(ctx, reader, connection, entry, rest)
    withdrawal.withdraw_file(connection, entry.path)
    return None
