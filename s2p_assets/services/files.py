"""Files as people and programs hand them in: checked, put on the share, and what became of them.

How a file is read is the spreadsheet room's; decisions about held and gone ones are in `held_files.py`.
"""

import hashlib
import os
import shutil
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from psycopg.rows import dict_row

from s2p_assets.catalog.paths import matching_contracts
from s2p_assets.contracts.errors import MendableError
from s2p_assets.contracts.findings import ReadResult
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.services.check import find_contract, read_with_references
from s2p_assets.services.context import Context
from s2p_assets.services.errors import NotFound
from s2p_assets.services.remotes.handing_in import hand_to_remote_share
from s2p_assets.services.share import require_share
from s2p_assets.spreadsheet.book import SPREADSHEET_SUFFIXES
from s2p_assets.spreadsheet.limits import WorkbookUnreadable, detect_file_format
from s2p_assets.spreadsheet.not_workbooks import READABLE_WHEN_NAMED
from s2p_assets.spreadsheet.returned.returned_files import returned_copies
from s2p_assets.spreadsheet.sandbox import Sandbox
from s2p_assets.warehouse.files.ledger import ledger_path

NOT_IN_NAMES = frozenset('<>:"|?*\\')
LONGEST_NAME = 180
Sees = Callable[[str], bool]
FIELDS = (
    "f.id, f.workbook, f.path, f.verdict, f.status, f.owner, f.rows_read, f.rows_accepted, f.rows_returned,"
    " f.rows_held, f.error, f.questions, f.sha256, f.size, f.first_seen, f.loaded_at, f.is_loaded"
)


class FileRefused(MendableError):
    """A file that cannot be put on the share; one line that says why and what to do. `taken`: its place is."""

    def __init__(self, message: str, *, taken: bool = False) -> None:
        super().__init__(message)
        self.taken = taken


@dataclass(frozen=True)
class HandedIn:
    """A file that now lies on the share, and the kinds of workbook that may claim it."""

    path: str
    sha256: str
    size: int
    claimed_by: list[str]


def name_without_folders(name: str) -> str:
    """The name of a file as somebody sent it, without its folders. Raises FileRefused."""
    return _part(PurePosixPath(name.replace("\\", "/")).name)


def check_upload(ctx: Context, reader: Sandbox, file: Path, name: str, contract: str | None, sees: Sees) -> ReadResult:
    """The reading of an uploaded file as the share drive would read it; nothing is stored. Raises NotFound."""
    known = [book for book in ctx.catalog.workbooks.values() if sees(book.full_name)]
    if contract is not None:
        known = [book for book in known if book.full_name == contract]
        if not known:
            find_contract(ctx.settings, contract)
            raise NotFound(f"no workbook contract {contract!r} is yours to use")
    reading = read_with_references(ctx.settings, reader, file, known, display_name=name, with_rows=False)
    reading.file = Path(name)
    return reading


def place_for_upload(ctx: Context, path: str, sees: Sees) -> tuple[str, list[Workbook]]:
    """Where on the share a file goes, and who may claim it there. Raises FileRefused."""
    parts = [_part(part) for part in path.strip("/").split("/")]
    relative = "/".join(parts)
    if parts[0].lower().startswith("s2p-"):
        raise FileRefused(f"{parts[0]}/ is a folder of s2p's own; put the file beside it")
    suffix = PurePosixPath(relative).suffix.lower()
    claiming = list(matching_contracts(relative, list(ctx.catalog.workbooks.values())))
    if suffix not in SPREADSHEET_SUFFIXES and not (claiming and suffix in READABLE_WHEN_NAMED):
        raise FileRefused(f"{relative}: {suffix or 'a file without a suffix'} is no workbook; save it as .xlsx")
    if not claiming or not all(sees(book.full_name) for book in claiming):
        paths = sorted(
            {pattern for book in ctx.catalog.workbooks.values() if sees(book.full_name) for pattern in book.patterns}
        )
        raise FileRefused(
            f"{relative}: no kind of workbook of yours lies there; they lie at {', '.join(paths) or 'none'}"
        )
    return relative, claiming


def put_on_share(ctx: Context, spooled: Path, path: str, *, replace: bool, by: str, sees: Sees) -> HandedIn:
    """Put an uploaded file on the share, whole or not at all; the next look takes it.

    Raises FileRefused for a place that is none or is taken, and for what no reader may open.
    """
    relative, claiming = place_for_upload(ctx, path, sees)
    try:
        detect_file_format(spooled)
    except WorkbookUnreadable as error:
        raise FileRefused(f"{relative}: {error}") from None
    require_share(ctx.settings)
    target = ctx.settings.share / relative
    share = ctx.settings.share.resolve()
    existing = next(parent for parent in (target, *target.parents) if parent.exists())
    if not existing.resolve().is_relative_to(share):
        raise FileRefused(f"{relative}: a link on the share leads elsewhere; name another place")
    with spooled.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        shutil.copyfile(spooled, beside)
        if not replace and target.exists():
            raise _taken(relative)
        hand_to_remote_share(ctx, beside, relative)
        _into_place(beside, target, relative, replace=replace)
    finally:
        beside.unlink(missing_ok=True)
    with ctx.warehouse.writing() as connection:
        connection.execute(
            "insert into s2p.handed_in (path, sha256, handed_in_by) values (%s, %s, %s)"
            " on conflict (path, sha256) do update set handed_in_by = excluded.handed_in_by, handed_in_at = now()",
            (ledger_path(relative), sha256, by),
        )
    return HandedIn(relative, sha256, target.stat().st_size, [book.full_name for book in claiming])


def _into_place(beside: Path, target: Path, relative: str, *, replace: bool) -> None:
    if replace:
        beside.replace(target)
        return
    try:
        os.link(beside, target)  # fails where somebody was quicker, which a look beforehand would not
    except FileExistsError:
        raise _taken(relative) from None
    except OSError:  # a drive without links
        if target.exists():
            raise FileRefused(f"{relative} is there already; send it with replace=true", taken=True) from None
        beside.replace(target)


def _taken(relative: str) -> FileRefused:
    return FileRefused(f"{relative} is there already; send it with replace=true, or under another name", taken=True)


def list_files(
    ctx: Context, sees: Sees, *, workbook: str | None, verdict: str | None, limit: int
) -> list[dict[str, Any]]:
    """The newest version of every file that s2p saw, the latest first, of workbooks that somebody sees."""
    shown = [name for name in ctx.catalog.workbooks if sees(name) and workbook in (None, name)]
    query = (
        f"select {FIELDS}, h.handed_in_by, h.handed_in_at from s2p.files f"
        " left join s2p.handed_in h on h.path = f.path and h.sha256 = f.sha256"
        " where f.status <> 'replaced' and f.workbook = any(%s) and (%s::text is null or f.verdict = %s)"
        " order by f.first_seen desc, f.id desc limit %s"
    )
    with ctx.warehouse.reading() as connection, connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, (shown, verdict, verdict, limit)).fetchall()


def file_verdict(ctx: Context, path: str, sees: Sees) -> dict[str, Any]:
    """What became of the file at a path: its verdict and every finding; `waiting` before s2p looked at its bytes.

    Raises NotFound.
    """
    place = ledger_path(path)
    query = (
        f"select {FIELDS}, f.findings, h.handed_in_by, h.handed_in_at from s2p.files f"
        " left join s2p.handed_in h on h.path = f.path and h.sha256 = f.sha256"
        " where f.path = %s and f.status <> 'replaced' order by f.first_seen desc limit 1"
    )
    newest = (
        "select path, sha256, handed_in_by, handed_in_at from s2p.handed_in where path = %s order by handed_in_at desc"
    )
    with ctx.warehouse.reading() as connection, connection.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(query, (place,)).fetchone()
        sent = cursor.execute(f"{newest} limit 1", (place,)).fetchone()
    claimed = [book.full_name for book in matching_contracts(path, list(ctx.catalog.workbooks.values()))]
    books = [found["workbook"]] if found else claimed
    if not (found or sent) or not books or not all(sees(name) for name in books):
        raise NotFound(f"{path[:200]}: s2p has seen no such file; /api/v1/files lists those it has")
    if sent and (found is None or (sent["sha256"] != found["sha256"] and sent["handed_in_at"] > found["first_seen"])):
        return sent | {"verdict": "waiting", "workbook": None, "findings": [], "marked_copy": False}
    assert found is not None
    return found | {"marked_copy": marked_copy(ctx, path) is not None}


def marked_copy(ctx: Context, path: str) -> Path | None:
    """The copy in which the bad cells of a file are marked."""
    copies = returned_copies(ctx.settings.returned / path)
    return copies[0] if copies else None


def workbook_of(ctx: Context, path: str, sees: Sees) -> str:
    """The kind of workbook that a known file is. Raises NotFound, also for one that is kept to others."""
    with ctx.warehouse.reading() as connection:
        query = (
            "select workbook from s2p.files where path = %s and status <> 'replaced' order by first_seen desc limit 1"
        )
        row = connection.execute(query, (ledger_path(path),)).fetchone()
    if row is None or not sees(row[0]):
        raise NotFound(f"{path[:200]}: s2p has seen no such file; /api/v1/files lists those it has")
    return str(row[0])


def _part(part: str) -> str:
    name = unicodedata.normalize("NFC", part)
    if not name.strip(" .") or name != name.strip() or len(name.encode()) > LONGEST_NAME:
        raise FileRefused(f"{part[:80]!r} is no name for a file or folder")
    if any(mark in NOT_IN_NAMES or not mark.isprintable() for mark in name) or name.startswith((".", "~$")):
        raise FileRefused(f"{part[:80]!r} is no name that every computer can have; take letters, digits, - and _")
    return name
