"""Rows that a person enters, written as one small workbook, read as every workbook is, and stored at once.

What may be sent is in `rows.py`; taking an entry back, in `undoing.py`.
"""

import datetime as dt
import os
import secrets
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
import pyarrow

from s2p_assets.contracts.entered import (
    ENTERED_SHEET,
    WITHDRAWN_SHEET,
    EntryKind,
    as_entered,
    entry_path,
)
from s2p_assets.contracts.findings import ReadResult
from s2p_assets.contracts.values import as_json
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.services.context import Context
from s2p_assets.services.entries.checks import between_rows, not_unique, questions_about
from s2p_assets.services.entries.rows import (
    QUESTION,
    DraftRow,
    EntryFinding,
    EntryRefused,
    RowChange,
    RowChanged,
    draft_rows,
    find_bases,
    findings_of,
    plain_reason,
    refuse,
    stale_rows,
)
from s2p_assets.services.entries.showing import require_results, show_on_share
from s2p_assets.services.ingested_file import IngestedFile
from s2p_assets.spreadsheet.entry_workbook import EntryNote, write_entry_workbook
from s2p_assets.spreadsheet.reading_desk import FileToWrite
from s2p_assets.spreadsheet.sandbox import ReadingProcessDied, Sandbox
from s2p_assets.warehouse.files import decisions, entries, ledger
from s2p_assets.warehouse.files.archive import ArchivedFile, archive_file
from s2p_assets.warehouse.files.change_record import change_record, change_sentence
from s2p_assets.warehouse.files.entries import Entry, EntryRow
from s2p_assets.warehouse.files.ledger import LedgerEntry
from s2p_assets.warehouse.files.load import load_files
from s2p_assets.warehouse.server.advisory_locks import advisory_lock
from s2p_assets.warehouse.tables.current_rows import newest_of_keys, row_etag, rows_with_keys
from s2p_assets.warehouse.tables.references import values_referred_to
from s2p_assets.warehouse.tables.workbook_tables import ensure_workbook_table

NANOSECONDS = 10**9


@dataclass(frozen=True, slots=True)
class EntryTerms:
    """Who enters rows, why, and as what. `sure`: also where there is a question about what they change."""

    by: str
    reason: str
    kind: EntryKind = "entry"
    sure: bool = False


@dataclass(frozen=True, slots=True)
class RecordedRow:
    """A row as it is stored now. `etag`: its version, None for one that was withdrawn."""

    number: int
    action: str
    key: dict[str, Any]
    values: dict[str, Any]
    etag: str | None


@dataclass(frozen=True, slots=True)
class Recorded:
    """What was entered: by which name it is asked for, what it changed in words, and what is worth knowing.

    `unchanged`: the numbers of rows that said what was stored already.
    """

    name: str
    path: str
    workbook: str
    kind: EntryKind
    made_by: str
    made_at: dt.datetime
    reason: str
    says: str
    rows: list[RecordedRow]
    unchanged: list[int]
    notices: list[EntryFinding]


@dataclass(frozen=True, slots=True)
class Made:
    """Who enters something, when and why, and where it is kept."""

    path: str
    kind: EntryKind
    by: str
    at: dt.datetime
    reason: str


def record(
    ctx: Context,
    reader: Sandbox,
    workbook: Workbook,
    changes: Sequence[RowChange],
    terms: EntryTerms,
) -> Recorded:
    """Store rows that a person adds, changes and withdraws, all or none of them, under the workbook's contract.

    Raises EntryRefused with every finding, EtagMissing, RowChanged and ShareMissing; nothing is stored then. A process
    that is killed has stored all of it or nothing.

    >>> change = RowChange("change", {"msrp": 5.5}, {"sku": "0001", "effective_date": "2026-03-01"}, etag)
    >>> record(ctx, reader, prices, [change], EntryTerms("ann@example.com", "a slip in the price list"))
    """
    require_results(ctx.settings)
    with ctx.warehouse.connect() as connection:
        ensure_workbook_table(connection, workbook)
    with ctx.warehouse.writing() as connection:
        drafts, unchanged = draft_rows(connection, workbook, changes)
        made = _made(connection, workbook, terms)
        kept, reading = read_drafts(ctx, reader, connection, workbook, drafts, made)
        notices = findings_of(reading.findings, drafts, workbook)
        refuse([*notices, *_unlike(reading, drafts, workbook)])
        recording = _Recording(connection, workbook, changes, drafts, made, _read_rows(reading))
        doubts = between_rows(connection, ctx.catalog, workbook, drafts, recording.read)
        entry, asked = _reviewed(connection, workbook, entry_in_ledger(workbook, made, kept, reading), reading)
        questions = [*doubts, *asked]
        refuse([one for one in questions if not (terms.sure and one.rule == QUESTION)])
        loaded, rows = recording.store(entry, reading.rows)
    show_on_share(ctx.settings, made.path, kept)
    said = [one for one in (*notices, *questions) if one.severity == "notice" or terms.sure]
    return _told(made, workbook, change_sentence(entry.changes), loaded, rows, unchanged, said)


def _made(connection: psycopg.Connection, workbook: Workbook, terms: EntryTerms) -> Made:
    reason = plain_reason(terms.reason)
    at = dt.datetime.fromtimestamp(decisions.database_clock_ns(connection) / NANOSECONDS, dt.UTC)
    name = f"{at:%Y-%m-%d-%H%M%S}-{secrets.token_hex(4)}"
    return Made(entry_path(workbook.full_name, name), terms.kind, terms.by, at, reason)


def read_drafts(
    ctx: Context,
    reader: Sandbox,
    connection: psycopg.Connection,
    workbook: Workbook,
    drafts: Sequence[DraftRow],
    made: Made,
) -> tuple[ArchivedFile, ReadResult]:
    """The rows written as a workbook, kept in the archive, and read as a file on the share is."""
    contract, settings = as_entered(workbook), ctx.settings
    settings.spool.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="entry-", dir=settings.spool) as folder:
        file = Path(folder) / Path(made.path).name
        entered, withdrawn = (
            [draft.values for draft in drafts if draft.sheet == sheet] for sheet in (ENTERED_SHEET, WITHDRAWN_SHEET)
        )
        note = _note(workbook, drafts, made)
        try:
            reader.run(write_entry_workbook, FileToWrite(file), contract, entered, withdrawn, note, made.at)
        except ReadingProcessDied as died:
            raise EntryRefused([EntryFinding(None, None, None, "unreadable", str(died))]) from died
        as_of_ns = int(made.at.timestamp() * NANOSECONDS)
        os.utime(file, ns=(as_of_ns, as_of_ns))
        known = {workbook.full_name: values_referred_to(connection, workbook, [draft.values for draft in drafts])}
        reading = reader.read(file, [contract], display_name=made.path, reference_values=known)
        kept = archive_file(file, settings.archive)
    return replace(kept, saved_ns=None), reading


def _note(workbook: Workbook, drafts: Sequence[DraftRow], made: Made) -> EntryNote:
    lines = [
        ("Entered in", workbook.full_name),
        ("By", made.by),
        ("At", made.at.isoformat(timespec="seconds")),
        ("Reason", made.reason),
        ("Kind", made.kind),
    ]
    rows = [
        [
            f"{draft.sheet} {draft.row}",
            draft.action,
            ", ".join(sorted(draft.given)),
            "" if draft.base is None else f"{draft.base.path} › {draft.base.sheet} › row {draft.base.row}",
        ]
        for draft in drafts
    ]
    return EntryNote(lines, ("Row", "What", "Columns given", "Made on"), rows)


def entry_in_ledger(workbook: Workbook, made: Made, kept: ArchivedFile, reading: ReadResult) -> LedgerEntry:
    """What the ledger records of the workbook of an entry. Raises RuntimeError when cells were lost on the way."""
    entry = replace(ledger.ledger_entry(reading, kept, made.path, workbook), entered=made.kind)
    if lost := IngestedFile(made.path, entry, reading.rows).lost:
        raise RuntimeError(f"{made.path}: {lost}")
    return entry


def _read_rows(reading: ReadResult) -> dict[tuple[str, int], dict[str, Any]]:
    """Sheet and row → the values as they were read."""
    rows = reading.rows.to_pylist() if reading.rows is not None else []
    return {(row.pop("_sheet"), row.pop("_row")): row for row in rows}


def _unlike(reading: ReadResult, drafts: Sequence[DraftRow], workbook: Workbook) -> list[EntryFinding]:
    """What was not read as it is meant: a row that is none to the reader, a value that changed and nobody gave."""
    if reading.error:
        return [EntryFinding(None, None, None, "unreadable", reading.error)]
    if any(one.severity == "reject" for one in reading.findings):
        return []
    read, found = _read_rows(reading), list[EntryFinding]()
    for draft in drafts:
        row = read.get((draft.sheet, draft.row))
        if row is None:
            found.append(EntryFinding(draft.number, None, None, "row", "this is read as no row; fill in more of it"))
            continue
        found += [
            EntryFinding(draft.number, name, str(draft.values[name]), "unlike", f"what is stored is read as {value!r}")
            for name, value in row.items()
            if draft.base is not None and name not in draft.given and as_json(value) != as_json(draft.values[name])
        ]
        found += [
            EntryFinding(
                draft.number, name, str(row[name]), "key", "a key is not changed; withdraw the row, and add another"
            )
            for name in workbook.key
            if draft.base is not None and as_json(row[name]) != as_json(draft.base.values[name])
        ]
    return found


def _reviewed(
    connection: psycopg.Connection, workbook: Workbook, entry: LedgerEntry, reading: ReadResult
) -> tuple[LedgerEntry, list[EntryFinding]]:
    """The entry with what it changes, and what is asked about that, as of a file that is dropped."""
    assert reading.rows is not None
    sheets = reading.rows.column("_sheet").to_pylist()
    entered = reading.rows.filter(pyarrow.array([sheet == ENTERED_SHEET for sheet in sheets]))
    plan, asked = questions_about(connection, workbook, entry, entered)
    changes = change_record(workbook, replace(plan, withdrawn=sheets.count(WITHDRAWN_SHEET))) if plan else {}
    return replace(entry, changes=changes), asked


@dataclass(frozen=True)
class _Recording:
    """What is about to be stored, once it was read and found good. `read`: sheet and row → the values as read."""

    connection: psycopg.Connection
    workbook: Workbook
    changes: Sequence[RowChange]
    drafts: Sequence[DraftRow]
    made: Made
    read: dict[tuple[str, int], dict[str, Any]]

    def store(self, entry: LedgerEntry, rows: pyarrow.Table | None) -> tuple[int, list[EntryRow]]:
        """All of it in one transaction, in which nobody else changes rows of this kind: its ledger id, and its rows."""
        workbook, made = self.workbook, self.made
        with self.connection.transaction():
            advisory_lock(self.connection, workbook.full_name)
            self._require_same()
            dated = replace(entry, saved_ns=max(entry.as_of_ns, self._newest() + 1))
            written = [_entry_row(workbook, draft, self._as_read(draft), made.path) for draft in self.drafts]
            whole = Entry(made.path, workbook.full_name, made.kind, made.reason, made.by, made.at, tuple(written))
            entries.insert_entry(self.connection, whole)
            (loaded,) = load_files(self.connection, workbook, [(dated, rows)])
            if loaded.outcome != "loaded":
                raise EntryRefused([EntryFinding(None, None, None, "database", loaded.error or loaded.outcome)])
            decisions.note_decision(self.connection, workbook.full_name)
        return loaded.file_id, written

    def _as_read(self, draft: DraftRow) -> dict[str, Any]:
        return self.read[draft.sheet, draft.row]

    def _require_same(self) -> None:
        """The rows are still those that were looked at. Raises RowChanged and EntryRefused."""
        bases = find_bases(self.connection, self.workbook, self.changes)
        if stale := stale_rows(self.changes, bases):
            raise RowChanged({number: bases[number] for number in stale})
        refuse(list(not_unique(self.connection, self.workbook, self.drafts, self.read)))
        added = [draft for draft in self.drafts if draft.action == "add"] if self.workbook.key else []
        there = rows_with_keys(self.connection, self.workbook, [self._as_read(draft) for draft in added])
        message = "this row is there already, from {0.path} › {0.sheet} › row {0.row}; change that one"
        refuse(
            [
                EntryFinding(draft.number, self.workbook.key[0], None, "exists", message.format(row))
                for draft, row in zip(added, there, strict=True)
                if row is not None
            ]
        )

    def _newest(self) -> int:
        """When the newest file was written that holds one of the keys, Unix time in ns: an entry is newer than that.

        Raises EntryRefused for what would give way to a correction at once.
        """
        if not self.workbook.key:
            return 0
        held = newest_of_keys(self.connection, self.workbook, [self._as_read(draft) for draft in self.drafts])
        message = "a correction holds this row; release that, or enter this as a correction too"
        refuse(
            [
                EntryFinding(draft.number, None, None, "corrected", message)
                for draft, (_, is_corrected) in zip(self.drafts, held, strict=True)
                if is_corrected and self.made.kind == "entry"
            ]
        )
        return max(as_of_ns for as_of_ns, _ in held)


def _told(
    made: Made,
    workbook: Workbook,
    says: str,
    file: int,
    rows: Sequence[EntryRow],
    unchanged: list[int],
    notices: list[EntryFinding],
) -> Recorded:
    return Recorded(
        name=Path(made.path).stem,
        path=made.path,
        workbook=workbook.full_name,
        kind=made.kind,
        made_by=made.by,
        made_at=made.at,
        reason=made.reason,
        says=says,
        rows=[
            RecordedRow(
                number=row.number,
                action=row.action,
                key=row.key,
                values=row.after,
                etag=None if row.action == "withdraw" else row_etag(file, row.sheet, row.row),
            )
            for row in rows
        ],
        unchanged=unchanged,
        notices=notices,
    )


def _entry_row(workbook: Workbook, draft: DraftRow, read: dict[str, Any], path: str) -> EntryRow:
    after = {name: as_json(value) for name, value in read.items()}
    before = None if draft.base is None else {name: as_json(value) for name, value in draft.base.values.items()}
    if draft.action == "change" and before is not None:
        columns = [name for name in after if after[name] != before[name]]
    else:
        columns = [name for name in after if after[name] is not None]
    return EntryRow(
        path=path,
        number=draft.number,
        action=draft.action,
        key={name: after[name] for name in workbook.key},
        columns=columns,
        before=before,
        after=after,
        base_file=draft.base.file if draft.base else None,
        base_sheet=draft.base.sheet if draft.base else None,
        base_row=draft.base.row if draft.base else None,
        sheet=draft.sheet,
        row=draft.row,
    )
