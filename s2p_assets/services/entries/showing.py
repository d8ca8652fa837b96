"""The workbooks of entries as they lie on the share for people to see; what counts is the archive's copy of each.

Which entries there are is in the database.
"""

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg

from s2p_assets.contracts.workbook import Workbook
from s2p_assets.settings import Settings
from s2p_assets.spreadsheet.share import SharedFile, ShareMissing, ShareScan
from s2p_assets.warehouse.files.archive import ArchivedFile
from s2p_assets.warehouse.files.entries import ShownEntry, kept_entries, shown_entries

FOREIGN = (
    "It lies in the folder of what people entered, which s2p writes itself; nothing in it is read. Enter its rows on "
    "the screen, or put a workbook where its kind belongs."
)


def require_results(settings: Settings) -> None:
    """Before something is written there. Raises ShareMissing."""
    if not settings.results.is_dir():
        raise ShareMissing(f"{settings.results} is not there; connect the drive, then enter it again")


def show_on_share(settings: Settings, path: str, kept: ArchivedFile | None) -> None:
    """Show the workbook of an entry on the share, whole or not at all; None: show it no more.

    A share that is away just now is no reason to lose what is stored: the next look puts it right.
    """
    target = settings.entries.parent / path
    with suppress(OSError):
        if kept is None:
            target.unlink(missing_ok=True)
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        with _beside(target) as draft:
            shutil.copyfile(kept.stored, draft)
            os.utime(draft, ns=(kept.mtime_ns, kept.mtime_ns))
            draft.replace(target)


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    draft = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        yield draft
    finally:
        draft.unlink(missing_ok=True)


def put_right(settings: Settings, connection: psycopg.Connection, workbook: Workbook, now: ShareScan) -> None:
    """Show what is in force and is not there, as after a killed process; take away what was undone.

    A file that somebody changed by hand stays as it is, and is told.
    """
    kept = kept_entries(connection, workbook, settings.archive)
    lying = {file.relative: file for file in now.entered.get(workbook.full_name, ())}
    for path, (copy, _) in kept.items():
        if path not in lying:
            show_on_share(settings, path, copy)
    ended = shown_entries(connection, [path for path in lying if path not in kept])
    for path, own in ended.items():
        if _is_as_written(settings, lying[path], own):
            show_on_share(settings, path, None)


def foreign_files(settings: Settings, connection: psycopg.Connection, now: ShareScan) -> list[SharedFile]:
    """The files in the folder of entries that s2p did not write, or that somebody changed since."""
    lying = [file for files in now.entered.values() for file in files]
    own = shown_entries(connection, [file.relative for file in lying])
    return [file for file in lying if not _is_as_written(settings, file, own.get(file.relative))]


def _is_as_written(settings: Settings, file: SharedFile, own: ShownEntry | None) -> bool:
    """Whether nobody changed it; drives that keep no exact dates are asked for its bytes."""
    if own is None or file.size != own.size:
        return False
    try:
        content = None if file.mtime_ns == own.mtime_ns else (settings.entries.parent / file.relative).read_bytes()
    except OSError:
        return True
    return content is None or hashlib.sha256(content).hexdigest() == own.sha256
