"""Which files on the share changed since the last look, by path, size and time alone.

Comparing bytes belongs to `recognition.py`; looking at the share, to the spreadsheet room.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import LiteralString, NamedTuple

import psycopg

from s2p_assets.contracts.workbook import Workbook
from s2p_assets.warehouse.files.ledger import ORIGINAL_NOT_LOADED, FileStatus, LedgerFile, ledger_path
from s2p_assets.warehouse.tables.own_tables import ensure_own_tables


class FileStat(NamedTuple):
    """A file on the share as `stat` sees it; `path` relative to the share."""

    path: str
    size: int
    mtime_ns: int


class FileState(NamedTuple):
    """As much of a `LedgerFile` as decides whether the file on the share needs to be read."""

    path: str
    size: int
    mtime_ns: int
    contract_version: str
    status: FileStatus
    original_not_loaded: bool
    entered: str | None = None


@dataclass(frozen=True, slots=True)
class ShareChanges:
    """`to_read`: files to be hashed and perhaps read, oldest first. `gone`: paths no longer on the share."""

    to_read: list[FileStat]
    gone: list[str]
    unchanged: int


def known_files(conn: psycopg.Connection, workbook: Workbook) -> dict[str, FileState]:
    """`latest_versions` as far as `find_share_changes` needs it: a quarter of the time where files are many."""
    return known_files_of_all(conn, [workbook])[workbook.full_name]


def known_files_of_all(conn: psycopg.Connection, workbooks: Iterable[Workbook]) -> dict[str, dict[str, FileState]]:
    """The same of several kinds of workbook, asked for at once."""
    ensure_own_tables(conn)
    known: dict[str, dict[str, FileState]] = {workbook.full_name: {} for workbook in workbooks}
    query: LiteralString = (
        f"select f.workbook, f.path, f.size, f.mtime_ns, f.contract_version, f.status, {ORIGINAL_NOT_LOADED}, f.entered"
    )
    where = " from s2p.files f where f.workbook = any(%s) and f.status <> 'replaced' order by f.path"
    for workbook, *state in conn.execute(query + where, (list(known),)).fetchall():
        known[workbook][state[0]] = FileState(*state)
    return known


def find_share_changes(
    known: Mapping[str, LedgerFile | FileState], found: Iterable[FileStat], version: str
) -> ShareChanges:
    """Which of the files found on the share need to be read.

    Those with a new path, another size or time, another contract than `version`, back from being gone, or a copy
    of a file whose rows are no longer loaded. A forgotten file needs it only when it changed. What people entered is
    known by what s2p wrote itself, whatever lies on the share: it is read again for another contract alone.
    """
    to_read, seen, unchanged = [], set(), 0
    for file in found:
        path = ledger_path(file.path)
        seen.add(path)
        if _needs_reading(known.get(path), file, version):
            to_read.append(file)
        else:
            unchanged += 1
    for path, state in known.items():
        if state.entered and state.status == "current" and state.contract_version != version:
            to_read.append(FileStat(path, state.size, state.mtime_ns))
    gone = [path for path, state in known.items() if not (path in seen or state.entered or state.status == "gone")]
    return ShareChanges(sorted(to_read, key=lambda file: (file.mtime_ns, file.path)), gone, unchanged)


def _needs_reading(known: LedgerFile | FileState | None, file: FileStat, version: str) -> bool:
    if known is None or known.status == "gone" or (known.size, known.mtime_ns) != (file.size, file.mtime_ns):
        return True
    return known.status == "current" and (known.contract_version != version or known.original_not_loaded)
