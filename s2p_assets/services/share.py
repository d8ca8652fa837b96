"""A look at the share drive: its files by kind of workbook, those of the look before included.

The look itself is the spreadsheet room's.
"""

import errno
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psycopg

from s2p_assets.contracts.workbook import Workbook
from s2p_assets.remote_folder import MAIL_FOLDER, REMOTE_FOLDER, SHARE_ITSELF, RemoteFolder
from s2p_assets.services.context import Context
from s2p_assets.settings import Settings
from s2p_assets.spreadsheet.share import ShareMissing, ShareScan, scan_entries, scan_share
from s2p_assets.warehouse.files import share_changes, summaries
from s2p_assets.warehouse.files.share_changes import FileStat, ShareChanges
from s2p_assets.warehouse.server.unreachable import DatabaseUnreachable
from s2p_assets.warehouse.tables.contract_versions import contract_version

_never_fetched: set[Path] = set()
"""Folders that are not there, and of which nothing was loaded: nothing will be until they are there."""


def look_at_share(ctx: Context) -> ShareScan:
    """What lies on the share. Raises ShareMissing, also for a bare folder where files were.

    Where a drive is not mounted, its mount point is such a folder; every file would count as gone.
    """
    settings = ctx.settings
    if settings.remote_share and not settings.share.is_dir():
        raise ShareMissing(f"nothing was fetched from {settings.remote_share.url} yet; s2p fetch says why")
    elsewhere = {f"{REMOTE_FOLDER}/{one.name}": settings.remote_copies / one.name for one in remotes_of(ctx)}
    elsewhere[MAIL_FOLDER] = settings.mailed
    _require_fetched(ctx, elsewhere)
    now = scan_share(settings.share, list(ctx.catalog.workbooks.values()), elsewhere=elsewhere)
    found = now.unclaimed or any(now.files.values())
    if not found and not os.listdir(ctx.settings.share):
        with ctx.warehouse.connect() as connection:
            known = summaries.count_current_files(connection)
        if known:
            raise ShareMissing(
                f"{ctx.settings.share} is bare, though {known:,} files were there; connect the drive, "
                "or put a folder there if everything was taken away on purpose"
            )
    return replace(now, entered=scan_entries(ctx.settings.entries))


def remotes_of(ctx: Context) -> list[RemoteFolder]:
    """The remote folders besides the share itself: those of `S2P_SHARE`, and those that workbooks declare."""
    found = {one.name: one for one in ctx.settings.remote_shares if one.name != SHARE_ITSELF}
    for workbook in ctx.catalog.workbooks.values():
        own = workbook.remote_folder
        if own and own.url:
            found.setdefault(own.name, own)
    return list(found.values())


def _require_fetched(ctx: Context, elsewhere: Mapping[str, Path]) -> None:
    """What was fetched once lies here still; else all of it would count as gone. Raises ShareMissing."""
    for prefix, folder in elsewhere.items():
        if folder.is_dir():
            _never_fetched.discard(folder)
            continue
        if folder in _never_fetched:
            continue
        known = 0
        with suppress(DatabaseUnreachable), ctx.warehouse.connect() as connection:
            known = summaries.count_current_files(connection, f"{prefix}/")
            _never_fetched.add(folder)
        if known:
            _never_fetched.discard(folder)
            again = "s2p fetch fetches it again" if prefix != MAIL_FOLDER else "bring it back from the backup"
            raise ShareMissing(f"{folder} is not there, though {known:,} files were; {again}")


def require_share(settings: Settings) -> None:
    """Before something is written there: a drive that was disconnected must not be made anew as a local folder.

    Raises FileNotFoundError.
    """
    if not settings.share.is_dir():
        raise FileNotFoundError(errno.ENOENT, "the share is not there any more", str(settings.share))


def found_files(workbook: Workbook, now: ShareScan) -> list[FileStat]:
    """The files of a look that a kind of workbook may claim."""
    return [FileStat(file.relative, file.size, file.mtime_ns) for file in now.files[workbook.full_name]]


def share_changes_by_name(
    connection: psycopg.Connection, workbooks: Iterable[Workbook], now: ShareScan
) -> dict[str, ShareChanges]:
    """`share_changes_of` for several kinds of workbook, by their full names."""
    by_name = {workbook.full_name: workbook for workbook in workbooks}
    return {
        name: share_changes.find_share_changes(known, found_files(by_name[name], now), contract_version(by_name[name]))
        for name, known in share_changes.known_files_of_all(connection, by_name.values()).items()
    }


def share_changes_of(connection: psycopg.Connection, workbook: Workbook, now: ShareScan) -> ShareChanges:
    """Which files of a look are to be read, and which are gone since the ledger was last written."""
    known = share_changes.known_files(connection, workbook)
    return share_changes.find_share_changes(known, found_files(workbook, now), contract_version(workbook))
