"""Which files on the share changed since the last look, by path, size and time alone.

Comparing bytes belongs to `recognition.py`; looking at the share, to the spreadsheet room.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import LiteralString, NamedTuple

import psycopg

from s2p_assets.spreadsheet.contract import Workbook
from s2p_assets.warehouse.ledger import ORPHANED, LedgerFile, Status, ledger_path
from s2p_assets.warehouse.own_tables import prepare


class Found(NamedTuple):
    """A file on the share as `stat` sees it; `path` relative to the share."""

    path: str
    size: int
    mtime_ns: int


class Seen(NamedTuple):
    """As much of a `LedgerFile` as decides whether the file on the share needs to be read."""

    path: str
    size: int
    mtime_ns: int
    contract_version: str
    status: Status
    orphaned: bool


@dataclass(frozen=True, slots=True)
class Decision:
    """`to_read`: files to be hashed and perhaps read, oldest first. `gone`: paths no longer on the share."""

    look: list[Found]
    gone: list[str]
    unchanged: int


def last_seen(conn: psycopg.Connection, workbook: Workbook) -> dict[str, Seen]:
    """`latest_versions` as far as `find_share_changes` needs it: a quarter of the time where files are many."""
    prepare(conn)
    query: LiteralString = f"select f.path, f.size, f.mtime_ns, f.contract_version, f.status, {ORPHANED}"
    where = " from s2p.files f where f.workbook = %s and f.status <> 'replaced' order by f.path"
    return {row[0]: Seen(*row) for row in conn.execute(query + where, (workbook.name,)).fetchall()}


def decide(known: Mapping[str, LedgerFile | Seen], found: Iterable[Found], version: str) -> Decision:
    """Which of the files found on the share need to be read.

    Those with a new path, another size or time, another contract than `version`, back from being gone, or a copy
    of a file whose rows are no longer loaded. A forgotten file needs it only when it changed.
    """
    to_read, seen, unchanged = [], set(), 0
    for file in found:
        path = ledger_path(file.path)
        seen.add(path)
        if _needs_reading(known.get(path), file, version):
            to_read.append(file)
        else:
            unchanged += 1
    gone = [path for path, file in known.items() if path not in seen and file.status != "gone"]
    return Decision(sorted(to_read, key=lambda file: (file.mtime_ns, file.path)), gone, unchanged)


def _needs_reading(known: LedgerFile | Seen | None, file: Found, version: str) -> bool:
    if known is None or known.status == "gone" or (known.size, known.mtime_ns) != (file.size, file.mtime_ns):
        return True
    return known.status == "current" and (known.contract_version != version or known.orphaned)
