"""The ledger of files: what it records of every version of every file, and how its records are read.

Writing it belongs to `versions.py`; reading files, to the spreadsheet room.
"""

import datetime as dt
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, LiteralString

import psycopg
from psycopg.rows import class_row

from s2p_assets.contracts.entered import EntryKind
from s2p_assets.contracts.findings import Finding, ReadResult
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.warehouse.files.archive import ArchivedFile
from s2p_assets.warehouse.tables.contract_versions import contract_version
from s2p_assets.warehouse.tables.own_tables import ensure_own_tables

FileVerdict = Literal["accepted", "partly", "returned", "held", "duplicate"]
FileStatus = Literal["current", "replaced", "gone", "forgotten"]


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """What is to be recorded of one version of a file; see the columns of `s2p.files`.

    `looked_ns`: when the look began that it was read in, by the database's clock, Unix time in ns. `entered`: of what
    a person entered, as what; None for a file that somebody dropped.
    """

    path: str
    sha256: str
    size: int
    mtime_ns: int
    contract_version: str
    verdict: FileVerdict
    owner: str
    rows_read: int = 0
    rows_accepted: int = 0
    rows_returned: int = 0
    findings: Sequence[Finding] = ()
    headers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    column_letters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    cells: Mapping[str, int] = field(default_factory=dict)
    rows_by_sheet: Mapping[str, int] = field(default_factory=dict)
    error: str | None = None
    run_id: str | None = None
    archived: str | None = None
    rows_held: int = 0
    questions: Sequence[str] = ()
    changes: Mapping[str, Any] = field(default_factory=dict)
    saved_ns: int | None = None
    looked_ns: int | None = None
    entered: EntryKind | None = None

    @property
    def as_of_ns(self) -> int:
        """When its content was last saved: of two files that hold a key, the newer by this wins."""
        return self.mtime_ns if self.saved_ns is None else self.saved_ns


@dataclass(frozen=True, slots=True)
class LedgerFile:
    """One version of a file as the ledger knows it.

    `status` is the state of the path, `verdict` the verdict on the bytes, `is_loaded` whether their rows are
    in the table. A path whose newer version was returned keeps the rows of the version before.
    """

    id: int
    workbook: str
    path: str
    sha256: str
    size: int
    mtime_ns: int
    contract_version: str
    verdict: FileVerdict
    status: FileStatus
    is_loaded: bool
    duplicate_of: int | None
    original_not_loaded: bool
    replaced_by: int | None
    rows_read: int
    rows_accepted: int
    rows_returned: int
    error: str | None
    owner: str
    run_id: str | None
    archived: str | None
    first_seen: dt.datetime
    loaded_at: dt.datetime | None
    confirmed_at: dt.datetime | None
    entered: EntryKind | None


ORIGINAL_NOT_LOADED: LiteralString = (
    "f.verdict = 'duplicate' and not exists (select 1 from s2p.files o where o.id = f.duplicate_of and o.is_loaded)"
)
SELECT_LEDGER_FILE: LiteralString = f"""
select f.id, f.workbook, f.path, f.sha256, f.size, f.mtime_ns, f.contract_version, f.verdict, f.status, f.is_loaded,
    f.duplicate_of, {ORIGINAL_NOT_LOADED} as original_not_loaded,
    f.replaced_by, f.rows_read, f.rows_accepted, f.rows_returned, f.error, f.owner, f.run_id, f.archived,
    f.first_seen, f.loaded_at, f.confirmed_at, f.entered
from s2p.files f
"""  # noqa: S608  made of constants


def share_path(path: Path, share: Path) -> str:
    """`path` as the ledger writes it: relative to the share, with slashes, NFC; bytes that are no text escaped."""
    return ledger_path(path.relative_to(share).as_posix())


def ledger_path(path: str) -> str:
    plain = path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return unicodedata.normalize("NFC", plain)


def ledger_entry(
    reading: ReadResult, kept: ArchivedFile, path: str, workbook: Workbook, run_id: str | None = None
) -> LedgerEntry:
    """What the ledger records of a file that was read; `path` as `share_path` gives it."""
    return LedgerEntry(
        path=path,
        sha256=kept.sha256,
        size=kept.size,
        mtime_ns=kept.mtime_ns,
        contract_version=contract_version(workbook),
        verdict=reading.verdict,
        owner=workbook.owner,
        rows_read=reading.rows_read,
        rows_accepted=reading.rows_accepted,
        rows_returned=reading.rows_returned,
        findings=reading.findings,
        headers=reading.headers,
        column_letters=reading.column_letters,
        cells=reading.cells,
        rows_by_sheet=_rows_by_sheet(reading),
        error=reading.error,
        run_id=run_id,
        archived=kept.archived,
        saved_ns=kept.saved_ns,
    )


def _rows_by_sheet(reading: ReadResult) -> dict[str, int]:
    if reading.rows is None or not reading.rows.num_rows:
        return {}
    counted = reading.rows.column("_sheet").value_counts()
    return {count["values"]: count["counts"] for count in counted.to_pylist()}


def latest_versions(conn: psycopg.Connection, workbook: Workbook) -> dict[str, LedgerFile]:
    """The newest version of every path that this kind of workbook was ever found at."""
    ensure_own_tables(conn)
    where = "where f.workbook = %s and f.status <> 'replaced' order by f.path"
    return {file.path: file for file in ledger_files(conn, where, (workbook.full_name,))}


def ledger_files(conn: psycopg.Connection, where: LiteralString, values: tuple[Any, ...]) -> list[LedgerFile]:
    with conn.cursor(row_factory=class_row(LedgerFile)) as cursor:
        return cursor.execute(SELECT_LEDGER_FILE + where, values).fetchall()
