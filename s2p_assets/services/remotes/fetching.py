"""One look at a remote folder: what is new or changed there is fetched, what is gone there is taken away here.

Nothing is taken for gone by a listing that failed or was cut short. What is fetched lies in the home, where the look
at the share finds it. Putting marked copies there is `returning.py`'s.
"""

import contextlib
import datetime as dt
import hashlib
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

import psycopg

from s2p_assets.contracts.errors import MendableError
from s2p_assets.fetching.logins import login_of, read_logins
from s2p_assets.fetching.opening import open_remote, shown_address
from s2p_assets.fetching.remote_files import (
    RemoteAway,
    RemoteEntry,
    RemoteFiles,
    RemoteListing,
    RemoteRefused,
    copy_bounded,
    list_remote,
    shown_name,
    too_large,
)
from s2p_assets.remote_folder import SHARE_ITSELF, RemoteFolder
from s2p_assets.services.context import Context
from s2p_assets.services.remotes.returning import put_own_files
from s2p_assets.services.share import remotes_of
from s2p_assets.settings import Settings
from s2p_assets.spreadsheet.not_workbooks import READABLE_WHEN_NAMED, name_suffix
from s2p_assets.spreadsheet.share import OWN_FOLDERS, is_ignored_name, is_looked_at, is_spreadsheet
from s2p_assets.warehouse.files import remotes
from s2p_assets.warehouse.files.remotes import FetchedFile, RemoteLook
from s2p_assets.warehouse.server.advisory_locks import held_by_session

SETTLING_SECONDS = 2.0
UNSURE_SECONDS = 3600.0
"""A file of which its server says neither size, time nor ETag is fetched this often."""
MEGABYTE = 1 << 20


class NoSuchRemote(MendableError):
    """There is no remote folder of that name."""


@dataclass
class FetchResult:
    """What one look at a remote folder did. `problem`: why it is away; `notes`: what was left out."""

    name: str
    place: str
    state: remotes.RemoteState = "fetched"
    problem: str | None = None
    fetched: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    unchanged: int = 0
    put: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def every_remote(ctx: Context) -> list[RemoteFolder]:
    """The remote folders of the installation, the share itself first where it is one."""
    share = ctx.settings.remote_share
    return [*([share] if share else []), *remotes_of(ctx)]


def remote_named(ctx: Context, name: str) -> RemoteFolder:
    """Raises NoSuchRemote."""
    known = {one.name: one for one in every_remote(ctx)}
    if name not in known:
        raise NoSuchRemote(f"there is no remote folder {name!r}; there are {', '.join(known) or 'none'}")
    return known[name]


def place_of_remote(settings: Settings, remote: RemoteFolder) -> Path:
    """Where on this computer its files lie."""
    return settings.share if remote.name == SHARE_ITSELF else settings.remote_copies / remote.name


def fetch_remote(ctx: Context, remote: RemoteFolder) -> FetchResult:
    """Look at a remote folder once, and remember how that ended. Raises DatabaseUnreachable.

    Where another process is looking at it, nothing is done.
    """
    done = FetchResult(remote.name, shown_address(remote.url))
    with ctx.warehouse.connect() as connection, held_by_session(connection, f"remote {remote.name}") as is_ours:
        if not is_ours:
            done.notes.append("another process is fetching from it")
            return done
        try:
            login = login_of(read_logins(ctx.settings.remotes), remote)
            with contextlib.closing(open_remote(remote.url, login)) as there:
                _Fetch(ctx, connection, remote, there, done).run()
        except (MendableError, OSError) as problem:
            done.state, done.problem = "away", _one_line(problem)
        looked = RemoteLook(remote.name, done.place, done.state, done.problem, done.notes)
        files = len(remotes.fetched_files(connection, remote.name))
        remotes.note_remote_look(connection, replace(looked, files=files))
    return done


def _one_line(problem: Exception) -> str:
    if isinstance(problem, OSError):
        return f"{problem.filename}: {problem.strerror}" if problem.filename else problem.strerror or "a file failed"
    return str(problem)


@dataclass
class _Fetch:
    ctx: Context
    connection: psycopg.Connection
    remote: RemoteFolder
    there: RemoteFiles
    done: FetchResult

    def __post_init__(self) -> None:
        self.here = place_of_remote(self.ctx.settings, self.remote)
        self.known = remotes.fetched_files(self.connection, self.remote.name)
        self.most_bytes = self.ctx.settings.remote_file_mb * MEGABYTE

    def run(self) -> None:
        """Raises RemoteAway; what was fetched until then stays."""
        listing = self._listing()
        if listing.is_complete and not listing.files and self.known:
            raise RemoteAway(
                f"{self.there.place}: it is bare, though {len(self.known):,} files were there; if everything was taken "
                "away on purpose, put a workbook there, or forget its files"
            )
        self.here.mkdir(parents=True, exist_ok=True)
        self.done.notes = listing.notes
        self.done.state = "fetched" if listing.is_complete else "partly"
        if listing.is_complete:
            self._take_away(self.known.keys() - listing.files.keys())
        changed = [one for path, one in sorted(listing.files.items()) if not self._lies_here(path, one)]
        self.done.unchanged = len(listing.files) - len(changed)
        for entry in self._at_rest(changed):
            self._fetch(entry)
        self.done.put, problem = put_own_files(self.ctx, self.connection, self.remote, self.there)
        remotes.note_returning(self.connection, self.remote.name, problem)

    def _listing(self) -> RemoteListing:
        found = list_remote(self.there, is_looked_at, is_ignored_name, OWN_FOLDERS)
        found.files = {path: replace(one, path=path) for path, one in found.files.items()}
        return found

    def _lies_here(self, path: str, entry: RemoteEntry) -> bool:
        """Whether the content there is that which was fetched and still lies here."""
        known = self.known.get(path)
        if known is None or not self._is_kept(known):
            return False
        if entry.version == (None, None, None):
            return (dt.datetime.now(dt.UTC) - known.fetched_at).total_seconds() < UNSURE_SECONDS
        was = RemoteEntry(path, size=known.size, modified_ns=known.modified_ns, etag=known.etag)
        return entry.is_version_of(was)

    def _is_kept(self, known: FetchedFile) -> bool:
        try:
            state = os.lstat(self.here / known.path)
        except OSError:
            return False
        return (state.st_size, state.st_mtime_ns) == (known.kept_size, known.kept_ns)

    def _at_rest(self, changed: list[RemoteEntry]) -> list[RemoteEntry]:
        """Those that a second look finds as they were: nobody is writing them."""
        if not changed:
            return []
        time.sleep(SETTLING_SECONDS)
        now = self._listing().files
        return [one for one in changed if (again := now.get(one.path)) and again.version == one.version]

    def _fetch(self, entry: RemoteEntry) -> None:
        """Fetch one file; what cannot be had of it is noted. Raises RemoteAway."""
        self._require_room(entry.size or 0)
        try:
            if _is_readable(entry.path):
                self._take(entry)
            else:
                self._stand_for(entry)
        except RemoteRefused as problem:
            self.done.notes.append(f"{shown_name(entry.path)}: {problem}")
        except (NotADirectoryError, IsADirectoryError, FileExistsError):
            self.done.notes.append(f"{shown_name(entry.path)}: a file and a folder of one name; rename one of them")

    def _take(self, entry: RemoteEntry) -> None:
        if (entry.size or 0) > self.most_bytes:
            raise RemoteRefused(too_large(self.most_bytes))
        with self._draft() as draft:
            size = copy_bounded(self.there.read(entry.path), draft, self.most_bytes)
            now = self.there.look_at(entry.path)
            if now.version != entry.version or size != (now.size if now.size is not None else size):
                raise RemoteRefused("it was still being written; it is fetched when it has come to rest")
            self._keep(entry, draft, size)

    def _stand_for(self, entry: RemoteEntry) -> None:
        """Of what no workbook can be only the name matters: an empty file says that it is there."""
        with self._draft() as draft:
            draft.touch()
            self._keep(entry, draft, 0)

    def _keep(self, entry: RemoteEntry, draft: Path, size: int) -> None:
        with draft.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            os.fsync(file.fileno())
        target, known, now_ns = self.here / entry.path, self.known.get(entry.path), time.time_ns()
        kept_ns = min(entry.modified_ns or now_ns, now_ns)
        if known and known.sha256 != sha256 and (known.kept_size, known.kept_ns) == (size, kept_ns):
            kept_ns = now_ns  # other bytes of the same size and time: the look would else take them for the same
        if known and known.sha256 == sha256 and self._is_kept(known):
            kept_ns = known.kept_ns  # the same bytes, touched
        else:
            os.utime(draft, ns=(kept_ns, kept_ns))
            target.parent.mkdir(parents=True, exist_ok=True)
            draft.replace(target)
            kept_ns = target.stat().st_mtime_ns
            self.done.fetched.append(entry.path)
        fetched = FetchedFile(entry.path, *entry.version, sha256, size, kept_ns, dt.datetime.now(dt.UTC))
        remotes.note_fetched(self.connection, self.remote.name, fetched)

    @contextlib.contextmanager
    def _draft(self) -> Iterator[Path]:
        folder = self.ctx.settings.remote_copies / ".incoming"
        folder.mkdir(parents=True, exist_ok=True)
        draft = folder / f"{os.getpid()}-{secrets.token_hex(6)}"
        try:
            yield draft
        finally:
            draft.unlink(missing_ok=True)

    def _take_away(self, paths: set[str]) -> None:
        """What is there no more; the archive keeps it."""
        for path in sorted(paths):
            place = self.here / path
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                place.unlink()
            for folder in PurePosixPath(path).parents:
                with contextlib.suppress(OSError):
                    if folder.parts:
                        (self.here / folder).rmdir()
            self.done.gone.append(path)
        remotes.forget_fetched(self.connection, self.remote.name, paths)

    def _require_room(self, size: int) -> None:
        settings = self.ctx.settings
        free = shutil.disk_usage(settings.home).free - size
        if free < settings.disk_free_mb * MEGABYTE:
            raise RemoteAway(
                f"{self.there.place}: not fetched on, as the disk of {settings.home} would have less than "
                f"{settings.disk_free_mb:,} MB free; make room there"
            )


def _is_readable(path: str) -> bool:
    return is_spreadsheet(path) or name_suffix(path) in READABLE_WHEN_NAMED
