"""A new version of an entry's workbook, with fewer rows or with what is beneath them now.

Who entered it, and when, stays. Recording an entry is in `recording.py`.
"""

from collections.abc import Sequence
from dataclasses import replace

import psycopg

from s2p_assets.contracts.entered import ENTERED_SHEET, WITHDRAWN_SHEET
from s2p_assets.services.context import Context
from s2p_assets.services.entries.recording import Made, entry_in_ledger, read_drafts
from s2p_assets.services.entries.rows import DraftRow, EntryFinding, EntryRefused, findings_of, refuse
from s2p_assets.spreadsheet.entry_workbook import HEADER_ROW
from s2p_assets.spreadsheet.sandbox import Sandbox
from s2p_assets.warehouse.files import decisions, entries
from s2p_assets.warehouse.files.archive import ArchivedFile
from s2p_assets.warehouse.files.entries import Entry, EntryRow, entry_version
from s2p_assets.warehouse.files.load import load_files


def rewrite_entry(
    ctx: Context, reader: Sandbox, connection: psycopg.Connection, entry: Entry, rows: Sequence[EntryRow]
) -> ArchivedFile:
    """Load a version of the entry's workbook that holds these rows alone; the copy that is to be shown.

    Needs the workbook's lock. Raises EntryRefused where the contract does not take them, as they are, any more.
    """
    workbook = ctx.catalog.workbooks[entry.workbook]
    before = entry_version(connection, entry.path)
    if before is None:
        raise EntryRefused([EntryFinding(None, None, None, "gone", f"{entry.name} is not in force any more")])
    placed = _placed(rows)
    drafts = [
        DraftRow(row.number, row.action, dict(row.after), frozenset(row.columns), None, row.sheet, row.row)
        for row in placed
    ]
    made = Made(entry.path, entry.kind, entry.made_by, entry.made_at, entry.reason)
    kept, reading = read_drafts(ctx, reader, connection, workbook, drafts, made)
    found = findings_of(reading.findings, drafts, workbook)
    refuse([*found, *([EntryFinding(None, None, None, "unreadable", reading.error)] if reading.error else [])])
    ledger_entry = entry_in_ledger(workbook, made, kept, reading)
    (loaded,) = load_files(connection, workbook, [(replace(ledger_entry, saved_ns=before.as_of_ns), reading.rows)])
    if loaded.outcome not in ("loaded", "unchanged"):
        raise EntryRefused([EntryFinding(None, None, None, "database", loaded.error or loaded.outcome)])
    entries.place_rows(connection, placed)
    decisions.note_decision(connection, workbook.full_name)
    return kept


def _placed(rows: Sequence[EntryRow]) -> list[EntryRow]:
    """The rows where they stand when these are all that there are."""
    places = {ENTERED_SHEET: HEADER_ROW, WITHDRAWN_SHEET: HEADER_ROW}
    placed = []
    for row in sorted(rows, key=lambda row: row.number):
        places[row.sheet] += 1
        placed.append(replace(row, row=places[row.sheet]))
    return placed
