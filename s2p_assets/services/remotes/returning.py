"""What s2p wrote for people whose files lie elsewhere, put where they see it: `s2p-returned/` in the remote folder.

Where nothing can be written, the marked copy is on the screen and in the message.
"""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import psycopg

from s2p_assets.fetching.remote_files import RemoteFiles, RemoteRefused
from s2p_assets.remote_folder import REMOTE_FOLDER, SHARE_ITSELF, RemoteFolder
from s2p_assets.services.context import Context
from s2p_assets.settings import Settings
from s2p_assets.spreadsheet.share import is_ignored_name
from s2p_assets.warehouse.files import remotes
from s2p_assets.warehouse.files.remotes import PutCopy


def put_own_files(
    ctx: Context, connection: psycopg.Connection, remote: RemoteFolder, there: RemoteFiles
) -> tuple[list[str], str | None]:
    """Put there what is new of marked copies, and of reports where it is the share; take away what is settled.

    What was put, and what keeps it from that. Raises RemoteAway.
    """
    here = dict(_own_files(ctx.settings, remote))
    known = remotes.put_copies(connection, remote.name)
    due = {path: file for path, file in here.items() if _as_put(path, file) != known.get(path)}
    settled = known.keys() - here.keys()
    if not due and not settled:
        return [], None
    if there.is_read_only:
        return [], "nothing can be written there"
    put = []
    try:
        for path in sorted(settled):
            there.remove(path)
            remotes.forget_put(connection, remote.name, path)
        for path, file in sorted(due.items()):
            if (copy := _as_put(path, file)) is None:
                continue
            there.put(path, file)
            remotes.note_put(connection, remote.name, copy)
            put.append(path)
    except RemoteRefused as problem:
        return put, str(problem)
    return put, None


def _own_files(settings: Settings, remote: RemoteFolder) -> Iterator[tuple[str, Path]]:
    """By its path there, every file that s2p wrote for the people of a remote folder."""
    if remote.name == SHARE_ITSELF:
        yield from _files_below(settings.reports, settings.reports.name, frozenset())
        yield from _files_below(settings.returned, settings.returned.name, frozenset({REMOTE_FOLDER}))
    else:
        yield from _files_below(settings.returned / REMOTE_FOLDER / remote.name, settings.returned.name, frozenset())


def _files_below(folder: Path, name: str, skip: frozenset[str]) -> Iterator[tuple[str, Path]]:
    for file in sorted(folder.rglob("*")) if folder.is_dir() else ():
        inside = file.relative_to(folder)
        if inside.parts[0] not in skip and not any(map(is_ignored_name, inside.parts)) and file.is_file():
            yield str(PurePosixPath(name, inside.as_posix())), file


def _as_put(path: str, file: Path) -> PutCopy | None:
    try:
        state = file.stat()
    except OSError:  # settled meanwhile
        return None
    return PutCopy(path, state.st_size, state.st_mtime_ns)
