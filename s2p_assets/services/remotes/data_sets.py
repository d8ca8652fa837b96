"""A data set from the web, put on the share when somebody asks for it: one file, or an archive of some.

A file that a person put there, or changed since, is never written over.
"""

import contextlib
import datetime as dt
import hashlib
import secrets
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

import psycopg

from s2p_assets.contracts.errors import MendableError
from s2p_assets.fetching.logins import Login, login_of, read_logins
from s2p_assets.fetching.opening import shown_address
from s2p_assets.fetching.remote_files import RemoteRefused, copy_bounded, safe_name, shown_name
from s2p_assets.remote_folder import RemoteFolder
from s2p_assets.services.context import Context
from s2p_assets.services.remotes.fetching import MEGABYTE
from s2p_assets.services.share import require_share
from s2p_assets.spreadsheet.share import is_spreadsheet
from s2p_assets.warehouse.files import remotes
from s2p_assets.warehouse.files.remotes import FetchedFile

MOST_MEMBERS = 500
PIECE_BYTES = 1 << 20


class DataSetUnusable(MendableError):
    """The data set cannot be fetched, or not be put there; one line with the reason."""


@dataclass
class DataSetResult:
    """What was put on the share, what lay there already, and what was left as it is, by paths on the share."""

    place: str
    put: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


def fetch_data_set(ctx: Context, url: str, folder: str, given: Login | None = None) -> DataSetResult:
    """Fetch what an address gives onto the share, into a folder. `given`: who logs in, else as the file of logins says.

    Raises DataSetUnusable, RemoteAway and LoginsUnusable.
    """
    settings, place = ctx.settings, shown_address(url)
    if urlsplit(url).scheme not in ("http", "https"):
        raise DataSetUnusable(f"{place}: a data set is fetched from http:// or https://")
    if settings.remote_share:
        raise DataSetUnusable(f"the share is {shown_address(settings.remote_share.url)}; put the data set there")
    if safe_name("", folder) is None or folder.startswith(("s2p-", ".")):
        raise DataSetUnusable(f"{shown_name(folder)} is no name for a folder on the share")
    require_share(settings)
    login = given or login_of(read_logins(settings.remotes), RemoteFolder(folder, url))
    drafts = settings.remote_copies / ".incoming" / secrets.token_hex(8)
    drafts.mkdir(parents=True)
    try:
        archive = _downloaded(url, login, place, drafts, settings.remote_file_mb * MEGABYTE)
        done = DataSetResult(place)
        with ctx.warehouse.connect() as connection:
            known = remotes.fetched_files(connection, f"data set {folder}")
            for name, draft in _files_in(archive, url, drafts, settings.remote_file_mb * MEGABYTE):
                _put(connection, settings.share / folder, folder, name, draft, known, done)
        if not (done.put or done.unchanged or done.left):
            raise DataSetUnusable(f"{place}: there is no workbook or text file in it")
        return done
    finally:
        for left in drafts.iterdir():
            left.unlink()
        drafts.rmdir()


def _downloaded(url: str, login: Login, place: str, drafts: Path, most_bytes: int) -> Path:
    from s2p_assets.fetching.web_folder import open_web

    target = drafts / "archive"
    try:
        with contextlib.closing(open_web(url, login, place, is_file=True)) as there:
            copy_bounded(there.read_whole(), target, most_bytes)
    except RemoteRefused as problem:
        raise DataSetUnusable(f"{place}: {problem}; it may want a token, see docs/remote.md") from None
    return target


def _files_in(archive: Path, url: str, drafts: Path, most_bytes: int) -> Iterator[tuple[str, Path]]:
    """The tables of an archive by their names alone; or the file itself."""
    name = PurePosixPath(unquote(urlsplit(url).path)).name
    if is_spreadsheet(name) or not zipfile.is_zipfile(archive):
        if is_spreadsheet(name) and safe_name("", name):
            yield name, archive
        return
    with zipfile.ZipFile(archive) as packed:
        for number, member in enumerate(packed.infolist()[:MOST_MEMBERS]):
            inside = safe_name("", PurePosixPath(member.filename.replace("\\", "/")).name)
            if member.is_dir() or inside is None or not is_spreadsheet(inside) or inside.startswith("."):
                continue
            draft = drafts / f"member-{number}"
            with packed.open(member) as file:
                copy_bounded(iter(partial(file.read, PIECE_BYTES), b""), draft, most_bytes)
            yield inside, draft


def _put(
    connection: psycopg.Connection,
    target: Path,
    folder: str,
    name: str,
    draft: Path,
    known: dict[str, FetchedFile],
    done: DataSetResult,
) -> None:
    path, place = f"{folder}/{name}", target / name
    sha256, there = str(_hash(draft)), _hash(place)
    if there == sha256:
        done.unchanged.append(path)
    elif there is not None and (name not in known or known[name].sha256 != there):
        done.left.append(path)  # a person's own
        return
    else:
        target.mkdir(parents=True, exist_ok=True)
        beside = target / f".{name}.tmp"
        beside.write_bytes(draft.read_bytes())
        beside.replace(place)
        done.put.append(path)
    state = place.stat()
    now = dt.datetime.now(dt.UTC)
    fetched = FetchedFile(name, None, None, None, sha256, state.st_size, state.st_mtime_ns, now)
    remotes.note_fetched(connection, f"data set {folder}", fetched)


def _hash(file: Path) -> str | None:
    try:
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except FileNotFoundError:
        return None
