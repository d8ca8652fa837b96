"""From the share to rows that are ready to be stored: the order in which a file is kept, recognised, read, returned.

Knows no Dagster. Reading, archiving and storing are the tools' work.
"""

import hashlib
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import psycopg
import pyarrow
import pyarrow.ipc

from s2p_assets.graph.deliveries import Deliveries
from s2p_assets.graph.drive import look_at_share, require_share
from s2p_assets.graph.house import House
from s2p_assets.graph.resources import Warehouse
from s2p_assets.settings import Settings
from s2p_assets.spreadsheet.contract import Workbook
from s2p_assets.spreadsheet.findings import Finding, Reading, values_in
from s2p_assets.spreadsheet.returned import returned_copies, write_returned
from s2p_assets.spreadsheet.sandbox import Sandbox
from s2p_assets.spreadsheet.share import Look
from s2p_assets.warehouse import ledger, store
from s2p_assets.warehouse.archive import FileForbidden, FileGone, FileStillChanging, Kept, keep
from s2p_assets.warehouse.ledger import Decision, Entry, Found, Known
from s2p_assets.warehouse.load import Loaded, load_files
from s2p_assets.warehouse.schema import contract_version, ensure_workbook_table

INTAKE = "intake.arrow"
WHOLE = b"intake"
SETTLING_SECONDS = 2.0
SAY_EVERY_SECONDS = 1.0

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Taken:
    """One file that was looked at because the ledger called it new or changed.

    `known`: the ledger recognised its bytes, nothing was read. `claimed`: it holds rows of this kind of workbook,
    or of none; false when another kind claims it. `copy`: the marked copy for its owner.
    """

    path: str
    entry: Entry | None
    rows: pyarrow.Table | None = None
    known: Known | None = None
    claimed: bool = True
    stored: str | None = None
    copy: str | None = None
    problem: str | None = None

    @property
    def verdict(self) -> str:
        if self.known:
            return self.known
        return self.entry.verdict if self.entry else "unreadable"

    @property
    def lost(self) -> str:
        """Which sum does not come out, in one line; empty when nothing is lost.

        Rows and non-empty cells in are those handed on, returned and declared ignored. What is handed on is counted
        anew in the rows themselves.
        """
        if self.entry is None:
            return ""
        entry, cells = self.entry, self.entry.cells
        rows = self.rows.num_rows if self.rows is not None else 0
        if rows + entry.rows_returned != entry.rows_read or rows != entry.rows_accepted:
            return f"{entry.rows_read:,} rows read, {rows:,} handed on, {entry.rows_returned:,} returned"
        handed_on = values_in(self.rows) - cells.get("named", 0) + cells.get("blank", 0)
        read, returned, ignored = (cells.get(name, 0) for name in ("read", "returned", "ignored"))
        if read != handed_on + returned + ignored or handed_on != cells.get("loaded", 0):
            return f"{read:,} cells read, {handed_on:,} handed on, {returned:,} returned, {ignored:,} ignored"
        return ""

    @property
    def needs_its_owner(self) -> bool:
        return self.verdict in ("partly", "returned", "unreadable")

    @property
    def why(self) -> str:
        """The first thing that is wrong, in one line."""
        if self.entry is None:
            return self.problem or ""
        if self.entry.error:
            return self.entry.error
        lines = [say(self.path, finding) for finding in self.entry.findings if finding.severity == "reject"]
        more = f" (and {len(lines) - 1} more)" if len(lines) > 1 else ""
        return (lines[0] + more) if lines else ""


@dataclass(frozen=True)
class Intake:
    """What one look took from the share for one kind of workbook; what the sheet asset hands on."""

    workbook: str
    version: str
    taken: list[Taken] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)

    @property
    def entries(self) -> list[Entry]:
        return [taken.entry for taken in self.taken if taken.entry]

    @property
    def rows_read(self) -> int:
        return sum(entry.rows_read for entry in self.entries)

    @property
    def rows_accepted(self) -> int:
        return sum(entry.rows_accepted for entry in self.entries)

    @property
    def rows_returned(self) -> int:
        return sum(entry.rows_returned for entry in self.entries)

    def cells(self, what: str) -> int:
        """Non-empty cells over all files: `read`, `loaded`, `returned` or `ignored`."""
        return sum(entry.cells.get(what, 0) for entry in self.entries)

    def write(self, folder: Path) -> None:
        """Keep rows and entries as one Arrow file, renamed into its place when whole; several processes may."""
        folder.mkdir(parents=True, exist_ok=True)
        held = [taken.rows for taken in self.taken if taken.rows is not None]
        taken = [
            {
                "path": one.path,
                "entry": asdict(one.entry) if one.entry else None,
                "rows": one.rows.num_rows if one.rows is not None else None,
                "known": one.known,
                "claimed": one.claimed,
            }
            for one in self.taken
        ]
        whole = {"workbook": self.workbook, "version": self.version, "gone": self.gone, "taken": taken}
        rows = pyarrow.concat_tables(held) if held else pyarrow.table({})
        rows = rows.replace_schema_metadata({WHOLE: json.dumps(whole)})
        handle, beside = tempfile.mkstemp(suffix=".tmp", dir=folder)
        try:
            with os.fdopen(handle, "wb") as file, pyarrow.ipc.new_file(file, rows.schema) as writer:
                writer.write_table(rows)
            Path(beside).replace(folder / INTAKE)
        except OSError as error:
            raise OSError(error.errno, error.strerror or str(error), str(folder)) from error
        finally:
            Path(beside).unlink(missing_ok=True)

    @classmethod
    def read(cls, folder: Path) -> "Intake":
        """What `write` kept, without the paths of copies."""
        with pyarrow.memory_map(str(folder / INTAKE)) as source:
            rows = pyarrow.ipc.open_file(source).read_all()
        whole = json.loads(rows.schema.metadata[WHOLE])
        rows = rows.replace_schema_metadata(None)
        start, taken = 0, []
        for one in whole["taken"]:
            held = None
            if one["rows"] is not None:
                held, start = rows.slice(start, one["rows"]), start + one["rows"]
            entry = one["entry"] and Entry(
                **(one["entry"] | {"findings": [Finding(**finding) for finding in one["entry"]["findings"]]})
            )
            taken.append(Taken(one["path"], entry, held, one["known"], one["claimed"]))
        return cls(whole["workbook"], whole["version"], taken, whole["gone"])


def say(path: str, finding: Finding) -> str:
    """`Prices.xlsx › March › C5: 'n/a' is not a price`."""
    return " › ".join(filter(None, (Path(path).name, finding.sheet, finding.cell))) + f": {finding.message}"


def _found(workbook: Workbook, now: Look) -> list[Found]:
    return [Found(file.relative, file.size, file.mtime_ns) for file in now.files[workbook.name]]


def waiting_files(connection: psycopg.Connection, workbook: Workbook, now: Look) -> list[Found]:
    """The files of a look that the ledger does not know as they are."""
    return _decide(connection, workbook, now).look


def _decide(connection: psycopg.Connection, workbook: Workbook, now: Look) -> Decision:
    return ledger.decide(ledger.standing(connection, workbook), _found(workbook, now), contract_version(workbook))


def take(
    house: House,
    workbook: Workbook,
    settings: Settings,
    warehouse: Warehouse,
    reader: Sandbox,
    *,
    again: Iterable[str] = (),
    run_id: str | None = None,
    progress: Progress,
) -> Intake:
    """Look at the share, keep and read what is new or changed, and send back what is wrong.

    `again`: paths to read although nothing about them changed. A file that still grows or vanishes is left for the
    next look. Raises ShareMissing and DiskFull; the tables are as before then.
    """
    now = look_at_share(settings, house, warehouse)
    with warehouse.connect() as connection:
        ensure_workbook_table(connection, workbook)
        decision = _decide(connection, workbook, now)
        ledger.mark_gone(connection, workbook, decision.gone)
        forced = set(again)
        files = _at_rest(decision.look, settings.share)
        files += [file for file in _found(workbook, now) if file.path in forced and file not in decision.look]
        taken, unread = [], []
        for file in files:
            one, kept = _keep(connection, workbook, file, settings, run_id, recognise=file.path not in forced)
            if one:
                taken.append(one)
            elif kept:
                unread.append((file.path, kept))
        taken += _read(connection, house, workbook, settings, reader, unread, run_id, progress)
        version = store.workbook_version(connection, workbook)
    new = [f"{one.path}:{one.entry.sha256}" for one in taken if one.entry]
    digest = hashlib.sha256("\n".join([version, *sorted(new)]).encode()).hexdigest()[:32]
    return Intake(workbook.name, digest, taken, decision.gone)


def _at_rest(files: list[Found], share: Path) -> list[Found]:
    """The files whose size and time stand still; one that changed a moment ago is looked at twice."""
    newest = time.time_ns() - int(SETTLING_SECONDS * 1e9)
    young = [file for file in files if file.mtime_ns > newest]
    if not young:
        return files
    time.sleep(SETTLING_SECONDS)
    return [file for file in files if file not in young or _as_found(file, share)]


def _as_found(file: Found, share: Path) -> bool:
    try:
        now = os.lstat(share / file.path)
    except OSError:
        return False
    return (now.st_size, now.st_mtime_ns) == (file.size, file.mtime_ns)


def _keep(
    connection: psycopg.Connection,
    workbook: Workbook,
    file: Found,
    settings: Settings,
    run_id: str | None,
    *,
    recognise: bool,
) -> tuple[Taken | None, Kept | None]:
    """Copy a file to the archive; a Taken when that settles what becomes of it, or its copy when it is to be read."""
    try:
        kept = keep(settings.share / file.path, settings.archive)
    except (FileStillChanging, FileGone):
        return None, None
    except FileForbidden as problem:
        return Taken(file.path, None, problem=str(problem)), None
    known = ledger.recognise(connection, workbook, file.path, kept, run_id) if recognise else None
    return (Taken(file.path, None, known=known, stored=str(kept.stored)) if known else None), kept


def _read(
    connection: psycopg.Connection,
    house: House,
    workbook: Workbook,
    settings: Settings,
    reader: Sandbox,
    files: list[tuple[str, Kept]],
    run_id: str | None,
    progress: Progress,
) -> Iterator[Taken]:
    rivals = house.rivals_of(workbook)
    deliveries = Deliveries(connection, workbook, [kept.mtime_ns for _, kept in files])
    jobs = ((kept.stored, rivals(path), path) for path, kept in files)
    readings = reader.read_many(jobs, others=list(house.workbooks.values()))
    said = 0.0
    for number, ((path, kept), reading) in enumerate(zip(files, readings, strict=True), start=1):
        if time.monotonic() - said > SAY_EVERY_SECONDS:
            progress(f"{workbook.name}: {number} of {len(files)} files, {Path(path).name}")
            said = time.monotonic()
        deliveries.compare(reading, path, kept.mtime_ns)
        yield _settle(workbook, settings, reader, path, kept, reading, run_id, rivals(path))


def _settle(
    workbook: Workbook,
    settings: Settings,
    reader: Sandbox,
    path: str,
    kept: Kept,
    reading: Reading,
    run_id: str | None,
    rivals: list[Workbook],
) -> Taken:
    """The ledger's entry for a file that was read, with the marked copy if there is something to mend."""
    if reading.workbook not in (workbook.name, None) or (reading.workbook is None and rivals[0] is not workbook):
        nothing = Reading(file=reading.file, workbook=workbook.name, verdict="accepted")
        return Taken(path, ledger.entry_of(nothing, kept, path, workbook, run_id), claimed=False)
    entry = ledger.entry_of(reading, kept, path, workbook, run_id)
    try:
        written = _answer_owner(workbook, settings, reader, path, kept, reading)
    except OSError as error:
        problem = f"{error.filename or settings.returned / path}: {error.strerror}, so that the owner of {path}"
        return Taken(path, None, problem=f"{problem} would not learn of it; close the marked copy, or let s2p write")
    return Taken(path, entry, reading.rows, stored=str(kept.stored), copy=str(written) if written else None)


def _answer_owner(
    workbook: Workbook, settings: Settings, reader: Sandbox, path: str, kept: Kept, reading: Reading
) -> Path | None:
    """Write the marked copy of a file with something to mend, or withdraw that of a good one."""
    require_share(settings)
    copy = settings.returned / path
    if reading.verdict == "accepted":
        for outdated in returned_copies(copy):
            outdated.unlink()
        return None
    return write_returned(kept.stored, reading, copy, name=Path(path).name, owner=workbook.owner, sandbox=reader)


def store_intake(connection: psycopg.Connection, workbook: Workbook, intake: Intake, run_id: str) -> list[Loaded]:
    """Put what was taken into the table and the ledger, in one transaction."""
    files = [(replace(one.entry, run_id=run_id), one.rows) for one in intake.taken if one.entry]
    return load_files(connection, workbook, files) if files else []
