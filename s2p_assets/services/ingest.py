"""From the share to rows that are ready to be stored: the order in which a file is kept, recognised, read, returned.

Knows no Dagster. Reading, archiving and storing are the tools' work.
"""

import hashlib
import logging
import os
import time
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import psycopg

from s2p_assets.contracts.entered import EntryKind, as_entered
from s2p_assets.contracts.findings import ReadResult
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.services.context import Context
from s2p_assets.services.entries.showing import put_right
from s2p_assets.services.header_aliases import known_aliases
from s2p_assets.services.ingested_file import Ingest, IngestedFile, hold_reading
from s2p_assets.services.kept_aliases import read_by_aliases
from s2p_assets.services.layout_history import LayoutHistory
from s2p_assets.services.logs import log_event
from s2p_assets.services.share import found_files, look_at_share, require_share, share_changes_of
from s2p_assets.services.spans import past_span
from s2p_assets.settings import Settings
from s2p_assets.spreadsheet.foreign_keys import REFERENCE_RULE
from s2p_assets.spreadsheet.returned.copies import write_returned
from s2p_assets.spreadsheet.returned.returned_files import returned_copies
from s2p_assets.spreadsheet.sandbox import Sandbox
from s2p_assets.spreadsheet.share import ShareScan
from s2p_assets.warehouse.files import decisions, ledger, recognition, versions
from s2p_assets.warehouse.files.archive import ArchivedFile, FileForbidden, FileGone, FileStillChanging, archive_file
from s2p_assets.warehouse.files.change_record import change_sentence
from s2p_assets.warehouse.files.copy_names import originals_of
from s2p_assets.warehouse.files.entries import kept_entries
from s2p_assets.warehouse.files.ledger import LedgerEntry
from s2p_assets.warehouse.files.load import LoadResult, load_files
from s2p_assets.warehouse.files.recognition import Recognition
from s2p_assets.warehouse.files.review import review_files
from s2p_assets.warehouse.files.share_changes import FileStat
from s2p_assets.warehouse.tables import store
from s2p_assets.warehouse.tables.references import files_to_read_again, referenced_values
from s2p_assets.warehouse.tables.workbook_tables import ensure_workbook_table

SETTLING_SECONDS = 2.0
SAY_EVERY_SECONDS = 1.0

Progress = Callable[[str], None]


class _ToRead(NamedTuple):
    """A file to be read: its path on the share, its copy, the kinds of workbook that may claim it.

    `entered`: of what a person entered, as what.
    """

    path: str
    kept: ArchivedFile
    rivals: list[Workbook]
    entered: EntryKind | None = None


def waiting_files(connection: psycopg.Connection, workbook: Workbook, now: ShareScan) -> list[FileStat]:
    """The files of a look that the ledger does not know as they are."""
    return share_changes_of(connection, workbook, now).to_read


def is_to_be_gone_over(connection: psycopg.Connection, workbook: Workbook, now: ShareScan) -> bool:
    """Whether a look finds something to do: files that the ledger does not know as they are, or a person's decision."""
    waits = waiting_files(connection, workbook, now)
    return bool(waits) or decisions.is_decided(connection, workbook.full_name)


def ingest(
    ctx: Context,
    workbook: Workbook,
    reader: Sandbox,
    *,
    again: Iterable[str] = (),
    run_id: str | None = None,
    progress: Progress,
) -> Ingest:
    """Look at the share, keep and read what is new or changed, and send back what is wrong.

    `again`: paths to read although nothing about them changed; so are files that were sent back for a reference to
    what is there by now. A file that still grows or vanishes is left for the
    next look. Raises ShareMissing and DiskFull; the tables are as before then.
    """
    now = look_at_share(ctx)
    with ctx.warehouse.connect() as connection:
        ensure_workbook_table(connection, workbook)
        desk = _Ingestion(ctx, workbook, connection, reader, run_id, progress, decisions.database_clock_ns(connection))
        put_right(ctx.settings, connection, workbook, now)
        decision = share_changes_of(connection, workbook, now)
        versions.mark_gone(connection, workbook, decision.gone)
        if decision.gone or decisions.is_decided(connection, workbook.full_name):
            decisions.take_decisions(connection, workbook.full_name)
            decision = replace(
                share_changes_of(connection, workbook, now), gone=decision.gone
            )  # held files are asked again
        there = referenced_values(connection, workbook)
        forced = {*again, *files_to_read_again(connection, workbook, there, REFERENCE_RULE)}
        files = _at_rest(decision.to_read, ctx.settings)
        files += [file for file in found_files(workbook, now) if file.path in forced and file not in decision.to_read]
        taken, to_read = desk.keep(_originals_first(files, found_files(workbook, now)), forced)
        begun_ns = time.time_ns()
        for one in desk.read(to_read):
            taken.append(one)
            _tell(one, workbook, run_id, begun_ns)
            begun_ns = time.time_ns()
        version = store.workbook_version(connection, workbook)
    return Ingest(workbook.full_name, _version(version, taken), taken, decision.gone)


def _tell(file: IngestedFile, workbook: Workbook, run_id: str | None, begun_ns: int) -> None:
    """A line of the log and a span for each file that was read."""
    if file.problem:
        log_event("file", f"{file.path}: {file.problem}", level=logging.WARNING, path=file.path, run_id=run_id)
        return
    if not file.claimed or not file.entry:
        return
    entry, says = (
        file.entry,
        f"{file.verdict} {file.path}: {file.entry.rows_accepted:,} of {file.entry.rows_read:,} rows",
    )
    facts: dict[str, Any] = {
        "path": file.path,
        "verdict": file.verdict,
        "workbook": workbook.full_name,
        "rows": entry.rows_read,
    }
    log_event("file", says, **facts, rows_accepted=entry.rows_accepted, sha256=entry.sha256, run_id=run_id)
    past_span("file", begun_ns, **facts)


def _version(stored: str, taken: list[IngestedFile]) -> str:
    """A version of what is stored together with what is about to be."""
    new = [f"{one.path}:{one.entry.sha256}" for one in taken if one.entry]
    return hashlib.sha256("\n".join([stored, *sorted(new)]).encode()).hexdigest()[:32]


def _at_rest(files: list[FileStat], settings: Settings) -> list[FileStat]:
    """The files whose size and time stand still; one that changed a moment ago is looked at twice."""
    newest = time.time_ns() - int(SETTLING_SECONDS * 1e9)
    young = [file for file in files if file.mtime_ns > newest]
    if not young:
        return files
    time.sleep(SETTLING_SECONDS)
    return [file for file in files if file not in young or _as_found(file, settings)]


def _originals_first(files: list[FileStat], found: list[FileStat]) -> list[FileStat]:
    """The files, those whose names are of copies after the others: of the same bytes the original is loaded."""
    there = {file.path for file in found}
    return sorted(files, key=lambda file: not originals_of(file.path).keys().isdisjoint(there))


def _as_found(file: FileStat, settings: Settings) -> bool:
    try:
        now = os.lstat(settings.place_of(file.path))
    except OSError:
        return False
    return (now.st_size, now.st_mtime_ns) == (file.size, file.mtime_ns)


@dataclass(frozen=True)
class _Ingestion:
    """What is at hand while the files of one kind of workbook are taken."""

    ctx: Context
    workbook: Workbook
    connection: psycopg.Connection
    reader: Sandbox
    run_id: str | None
    progress: Progress
    looked_ns: int

    def keep(self, files: Iterable[FileStat], forced: Container[str]) -> tuple[list[IngestedFile], list[_ToRead]]:
        """Copy files to the archive: those of which that settles what becomes, and those to be read."""
        rivals = self.ctx.catalog.claimants_of(self.workbook)
        taken: list[IngestedFile] = []
        to_read: list[_ToRead] = []
        entered = kept_entries(self.connection, self.workbook, self.ctx.settings.archive)
        for file in files:
            if file.path in entered:
                kept, kind = entered[file.path]
                to_read.append(_ToRead(file.path, kept, [as_entered(self.workbook)], kind))
                continue
            try:
                kept = archive_file(self.ctx.settings.place_of(file.path), self.ctx.settings.archive)
            except (FileStillChanging, FileGone):
                continue
            except FileForbidden as problem:
                taken.append(IngestedFile(file.path, None, problem=str(problem)))
                continue
            if file.path not in forced and (known := self._known(file.path, kept)):
                taken.append(IngestedFile(file.path, None, known=known, stored=str(kept.stored)))
            else:
                to_read.append(_ToRead(file.path, kept, rivals(file.path)))
        return taken, to_read

    def _known(self, path: str, kept: ArchivedFile) -> Recognition | None:
        return recognition.recognise_file(self.connection, self.workbook, path, kept, self.run_id)

    def read(self, files: list[_ToRead]) -> Iterator[IngestedFile]:
        """Read files, several at a time; tell each what changed in its layout and answer its owner."""
        known_headers = known_aliases(self.ctx.settings, self.connection)
        (as_read,) = read_by_aliases([self.workbook], known_headers)
        deliveries = LayoutHistory(self.connection, as_read, [file.kept.as_of_ns for file in files])
        jobs = ((file.kept.stored, read_by_aliases(file.rivals, known_headers), file.path) for file in files)
        claiming = {rival.full_name: rival for file in files for rival in file.rivals}
        known = {name: referenced_values(self.connection, rival) for name, rival in claiming.items()}
        every = read_by_aliases(self.ctx.catalog.workbooks.values(), known_headers)
        readings = self.reader.read_many(jobs, others=every, reference_values=known)
        said, read = 0.0, list[tuple[_ToRead, ReadResult]]()
        for number, (file, reading) in enumerate(zip(files, readings, strict=True), start=1):
            if time.monotonic() - said > SAY_EVERY_SECONDS:
                self.progress(f"{self.workbook.full_name}: {number} of {len(files)} files, {Path(file.path).name}")
                said = time.monotonic()
            if not file.entered:
                deliveries.compare(reading, file.path, file.kept.as_of_ns)
            read.append((file, reading))
        ours = [reading if self._is_ours(file, reading) else self._nothing(reading) for file, reading in read]
        entries = [(self._entry(file, reading), reading.rows) for (file, _), reading in zip(read, ours, strict=True)]
        reviewed = {entry.path: entry for entry, _ in review_files(self.connection, self.workbook, entries)}
        for (file, reading), own in zip(read, ours, strict=True):
            yield self._settle(file, own, reviewed[file.path], claimed=own is reading)

    def _nothing(self, reading: ReadResult) -> ReadResult:
        """What this kind of workbook has of a file that another kind claims: no rows, where it may have had some."""
        return ReadResult(file=reading.file, workbook=self.workbook.full_name, verdict="accepted")

    def _settle(self, file: _ToRead, reading: ReadResult, entry: LedgerEntry, *, claimed: bool) -> IngestedFile:
        """What became of a file that was read, with the marked copy if there is something to mend or to decide.

        `entry`: its entry as reviewed; `claimed`: whether it is ours.
        """
        if not claimed:
            return IngestedFile(file.path, entry, claimed=entry.verdict == "held")
        reading.changes = change_sentence(entry.changes)
        if entry.verdict == "held":
            hold_reading(reading, entry)
        try:
            written = self._answer_owner(file, reading)
        except OSError as error:
            place = error.filename or self.ctx.settings.returned / file.path
            problem = f"{place}: {error.strerror}, so that the owner of {file.path} would not learn of it"
            return IngestedFile(file.path, None, problem=f"{problem}; close the marked copy, or let s2p write")
        copy = str(written) if written else None
        return IngestedFile(file.path, entry, reading.rows, stored=str(file.kept.stored), copy=copy)

    def _is_ours(self, file: _ToRead, reading: ReadResult) -> bool:
        """Whether this kind of workbook answers for the file: it claims it, or is the first that could have."""
        claimed = reading.workbook or file.rivals[0].full_name
        return claimed == self.workbook.full_name

    def _entry(self, file: _ToRead, reading: ReadResult) -> LedgerEntry:
        entry = ledger.ledger_entry(reading, file.kept, file.path, self.workbook, self.run_id)
        return replace(entry, looked_ns=self.looked_ns, entered=file.entered)

    def _answer_owner(self, file: _ToRead, reading: ReadResult) -> Path | None:
        """Write the marked copy of a file with something to mend, or withdraw that of a good one."""
        require_share(self.ctx.settings)
        copy = self.ctx.settings.returned / file.path
        if reading.verdict == "accepted":
            for outdated in returned_copies(copy):
                outdated.unlink()
            return None
        name, owner = Path(file.path).name, self.workbook.owner
        return write_returned(file.kept.stored, reading, copy, name=name, owner=owner, sandbox=self.reader)


def store_ingest(connection: psycopg.Connection, workbook: Workbook, intake: Ingest, run_id: str) -> list[LoadResult]:
    """Put what was taken into the table and the ledger, in one transaction."""
    files = [(replace(one.entry, run_id=run_id), one.rows) for one in intake.files if one.entry]
    return load_files(connection, workbook, files) if files else []
