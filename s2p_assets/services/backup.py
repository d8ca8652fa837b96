"""Backups of an installation: written while it runs, brought back, and tried out by the drill.

    TO/2026-11-29T11.30.00/backup.json    what it is of, with a digest of every table and of every report
                          database/       or database.dump
                          home/           archive, models, editions, settings of Dagster …
                          results/        s2p-reports, s2p-entries

A folder has its name only when it is whole. Files that did not change since the backup before are hard links to it.
"""

import datetime as dt
import fcntl
import filecmp
import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from s2p_assets.services.drill_record import record_drill
from s2p_assets.services.errors import NotFound
from s2p_assets.settings import PREFIX, Settings
from s2p_assets.warehouse.server.connection import connect, database_url
from s2p_assets.warehouse.server.database_backup import (
    CLUSTER,
    DUMP,
    BackupFailed,
    TableDigests,
    back_up_cluster,
    dump_database,
    restore_dump,
    table_digests,
)
from s2p_assets.warehouse.server.embedded import place_data_folder, release_server, start_server

MANIFEST = "backup.json"
DRAFT = ".draft-"
NOT_OF_HOME = frozenset(
    {"postgres", "spool", "submissions", "sheets", "share", "run.log", "up.lock", "run.lock", "backup.log", "drill.log"}
)
"""Of the home: the database, which is copied by its own means, and what is made anew."""
OF_RESULTS = ("s2p-reports", "s2p-entries")
WHOLE_HOME = {
    "definitions": ("s2p_assets.cli.whole_home",),
    "status": ("s2p_assets.cli", "status", "--json"),
}
"""What a home that was brought back must be able to do, and by which module."""
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Backup:
    """A whole backup: where it lies, when it was begun, and what its manifest says."""

    folder: Path
    made_at: dt.datetime
    manifest: Mapping[str, Any]


def backups(to: Path) -> list[Backup]:
    """The whole backups in a folder, the newest first."""
    found = []
    for card in to.glob(f"*/{MANIFEST}"):
        with suppress(OSError, ValueError, KeyError):
            manifest = json.loads(card.read_text(encoding="utf-8"))
            if not card.parent.name.startswith(DRAFT):
                found.append(Backup(card.parent, dt.datetime.fromisoformat(manifest["made_at"]), manifest))
    return sorted(found, key=lambda one: one.made_at, reverse=True)


def back_up(settings: Settings, to: Path, progress: Progress) -> Backup:
    """Write a backup to a new folder in `to`, and remove the oldest above those that are kept.

    The database comes first: whatever it names in the archive and among the models was there before.
    Raises BackupFailed and DatabaseUnreachable; the backups before stand.
    """
    begun, made_at = time.monotonic(), dt.datetime.now(dt.UTC)
    to.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _only_one(to):
        for left in to.glob(f"{DRAFT}*"):
            shutil.rmtree(left, ignore_errors=True)
        last = next(iter(backups(to)), None)
        draft = Path(tempfile.mkdtemp(prefix=DRAFT, dir=to))
        try:
            digests = _write_database(settings, draft, progress)
            if last:
                _link_same(draft / CLUSTER, last.folder / CLUSTER)
            progress("copying archive, models and reports")
            _copy_files(settings, draft, last.folder if last else None, to)
            manifest = _manifest(settings, draft, made_at, digests) | {"seconds": round(time.monotonic() - begun, 1)}
            _write_json(draft / MANIFEST, manifest)
            place = to / made_at.astimezone().strftime("%Y-%m-%dT%H.%M.%S.%f")[:-3]
            draft.rename(place)
        except OSError as error:
            shutil.rmtree(draft, ignore_errors=True)
            where = error.filename or to
            raise BackupFailed(
                f"{where}: {error.strerror}; make room or give access; the backups before stand"
            ) from error
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise
        _sync_folder(to)
        for old in backups(to)[settings.backup_keep :]:
            shutil.rmtree(old.folder, ignore_errors=True)
    return Backup(place, made_at, manifest)


@contextmanager
def _only_one(to: Path) -> Iterator[None]:
    held = os.open(to / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupFailed(f"another backup to {to} is being written; wait until it has ended") from None
        yield
    finally:
        os.close(held)


def _write_database(settings: Settings, draft: Path, progress: Progress) -> TableDigests:
    """The digests of those tables to which nothing was written meanwhile."""
    url = database_url(settings)
    progress("reading the tables")
    with connect(url) as connection:
        before = table_digests(connection)
    progress("copying the database")
    if settings.database_url:
        dump_database(url, draft / DUMP)
    else:
        back_up_cluster(url, draft / CLUSTER)
    with connect(url) as connection:
        after = table_digests(connection)
    return {table: digest for table, digest in after.items() if before.get(table) == digest}


def _link_same(new: Path, old: Path) -> None:
    """Files with the bytes that they had before take no room twice."""
    for file in new.rglob("*"):
        before = old / file.relative_to(new)
        if file.is_file() and not file.is_symlink() and before.is_file() and filecmp.cmp(file, before, shallow=False):
            _link(before, file)


def _link(there: Path, place: Path) -> None:
    beside = place.with_name(f"{place.name}.link")
    try:
        os.link(there, beside)
    except OSError:
        return  # a file system without hard links, or too many of them: the copy stands
    beside.replace(place)


def _copy_files(settings: Settings, draft: Path, last: Path | None, to: Path) -> None:
    for place in sorted(settings.home.iterdir()) if settings.home.is_dir() else []:
        if place.name not in NOT_OF_HOME and not settings.share.is_relative_to(place) and not to.is_relative_to(place):
            _copy(place, draft / "home" / place.name, last and last / "home" / place.name)
    for name in OF_RESULTS:
        for root in dict.fromkeys((settings.results, settings.share)):
            if (root / name).is_dir():
                _copy(root / name, draft / "results" / name, last and last / "results" / name)
    if settings.addresses.is_file() and not settings.addresses.is_relative_to(settings.home):
        _copy(settings.addresses, draft / "addresses.yaml", None)


def _copy(source: Path, target: Path, last: Path | None) -> None:
    """A file or a folder as it is; what has the size and time of the backup before is linked to it."""
    if source.is_symlink() or not source.exists():
        return
    if source.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        for one in source.iterdir():
            if one.suffix not in (".tmp", ".lock") and not (one.name == "logs" and source.name == "dagster"):
                _copy(one, target / one.name, last and last / one.name)
        return
    if not source.is_file():
        return  # a socket of something that runs
    target.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileNotFoundError):  # it was removed since it was listed
        if last and last.is_file() and _as_before(source, last):
            with suppress(OSError):
                os.link(last, target)
                return
        shutil.copy2(source, target)
        with target.open("rb") as written:
            os.fsync(written.fileno())


def _as_before(source: Path, last: Path) -> bool:
    now, then = source.stat(), last.stat()
    return (now.st_size, now.st_mtime_ns) == (then.st_size, then.st_mtime_ns)


def _manifest(settings: Settings, draft: Path, made_at: dt.datetime, digests: TableDigests) -> dict[str, Any]:
    kept = settings.model_dump(mode="json", exclude={"database_url", "smtp_password", "heartbeat_url"})
    return {
        "s2p": version("s2p-assets"),
        "made_at": made_at.isoformat(),
        "database": "dump" if settings.database_url else "cluster",
        "tables": digests,
        "reports": _file_digests(draft / "results" / "s2p-reports"),
        "settings": {name: value for name, value in kept.items() if "secret" not in name and "password" not in name},
    }


def _file_digests(folder: Path) -> dict[str, str]:
    """Path → SHA-256 of every finished report."""
    return {
        file.relative_to(folder).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def _write_json(file: Path, content: Any) -> None:
    with file.open("w", encoding="utf-8") as written:
        json.dump(content, written, ensure_ascii=False, indent=1)
        written.flush()
        os.fsync(written.fileno())


def _sync_folder(folder: Path) -> None:
    held = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(held)
    finally:
        os.close(held)


def find_backup(source: Path, until: dt.datetime | None = None) -> Backup:
    """The backup in a folder, or of those in it the newest, or the last one before a moment. Raises NotFound."""
    itself = [one for one in backups(source.parent) if one.folder == source]
    found = [one for one in itself or backups(source) if until is None or one.made_at <= until]
    if not found:
        when = f" of before {until:%Y-%m-%d %H:%M}" if until else ""
        raise NotFound(f"{source}: no whole backup{when} lies there; give the folder that `s2p backup` was given")
    return found[0]


def restore(settings: Settings, backup: Backup, progress: Progress, until: dt.datetime | None = None) -> Path | None:
    """Bring a backup into the home, which nothing may be using; where what was there before was set aside, if anything.

    `until`: replay the log in `S2P_WAL_ARCHIVE` up to that moment. Raises BackupFailed and DatabaseUnreachable.
    """
    if until and not (settings.wal_archive and backup.manifest["database"] == "cluster"):
        raise BackupFailed("a moment can be come back to only with S2P_WAL_ARCHIVE, and on the embedded PostgreSQL")
    settings.home.mkdir(parents=True, exist_ok=True)
    with nobody_uses(settings):
        aside = _set_aside(settings)
        progress("bringing back archive, models and reports")
        if (backup.folder / "home").is_dir():
            shutil.copytree(backup.folder / "home", settings.home, dirs_exist_ok=True)
        for name in OF_RESULTS:
            if (backup.folder / "results" / name).is_dir() and settings.results.is_dir():
                _add_files(backup.folder / "results" / name, settings.results / name)
        if aside and (aside / settings.sent_log.name).exists():
            shutil.copy2(aside / settings.sent_log.name, settings.sent_log)  # it goes on from the backup's
        progress("bringing back the database")
        if backup.manifest["database"] == "cluster":
            _restore_cluster(settings, backup, until)
        else:
            restore_dump(backup.folder / DUMP, _empty_database(settings))
        if until and aside:
            for name in ("archive", "models"):
                _add_files(aside / name, settings.home / name)  # what the log names was kept after the backup
    return aside


def _restore_cluster(settings: Settings, backup: Backup, until: dt.datetime | None) -> None:
    """On a timeline of its own where the log is kept, so that what it writes there takes the place of nothing."""
    options: dict[str, str] = {}
    if settings.wal_archive:
        kept = shlex.quote(str(settings.wal_archive).replace("%", "%%"))
        target = {"recovery_target_time": until.isoformat(sep=" ")} if until else {"recovery_target": "immediate"}
        options = target | {
            "restore_command": f"cp {kept}/%f %p",
            "recovery_target_timeline": "current",
            "recovery_target_action": "promote",
            "hot_standby": "off",
        }
    place_data_folder(backup.folder / CLUSTER, settings.home / "postgres", options)


def _empty_database(settings: Settings) -> str:
    url = database_url(settings)
    with connect(url) as connection:
        taken = connection.execute(
            "select nspname from pg_namespace where nspname in ('s2p', 'dagster', 'mlflow')"
        ).fetchall()
    if taken:
        raise BackupFailed(
            "the database of S2P_DATABASE_URL is not empty; make a new one and name that, then try again"
        )
    return url


@contextmanager
def nobody_uses(settings: Settings) -> Iterator[None]:
    """Raises BackupFailed while s2p runs on the home."""
    held = [os.open(settings.home / f"{which}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC) for which in ("up", "run")]
    try:
        try:
            for one in held:
                fcntl.flock(one, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupFailed(f"s2p runs on {settings.home}; stop it, then try again") from None
        if (settings.home / "postgres/data/postmaster.pid").exists():
            _wait_for_server(settings)
        yield
    finally:
        for one in held:
            os.close(one)


def _wait_for_server(settings: Settings, seconds: float = 30.0) -> None:
    """A server stops a moment after the last who used it. A left-over file of a killed one is no server."""
    users = os.open(settings.home / "postgres/users.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
    deadline = time.monotonic() + seconds
    try:
        while True:
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise BackupFailed(f"something uses the database of {settings.home}; stop it first") from None
                time.sleep(0.1)
    finally:
        os.close(users)


def _set_aside(settings: Settings) -> Path | None:
    """Move what a restored home would take the place of into a folder of its own; nothing is deleted."""
    moved = [
        place
        for place in settings.home.iterdir()
        if place.suffix != ".lock"
        and not place.name.startswith("before-restore-")
        and not settings.share.is_relative_to(place)
        and not (settings.backup_to and settings.backup_to.is_relative_to(place))
        and not (settings.wal_archive and settings.wal_archive.is_relative_to(place))
    ]
    if not moved:
        return None
    aside = settings.home / f"before-restore-{dt.datetime.now().astimezone():%Y-%m-%dT%H.%M.%S}"
    aside.mkdir()
    for place in moved:
        place.rename(aside / place.name)
    return aside


def _add_files(source: Path, target: Path) -> None:
    """Put back what is not there; a file that is there is newer, or the same."""
    for file in source.rglob("*"):
        place = target / file.relative_to(source)
        if file.is_file() and not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, place)


@dataclass
class Drill:
    """What a backup was worth when it was brought back: the seconds it took, what was compared, and what is wrong."""

    backup: str
    made_at: str
    seconds: float = 0.0
    files: int = 0
    tables: int = 0
    not_compared: list[str] = field(default_factory=list)
    reports: int = 0
    faults: list[str] = field(default_factory=list)


def drill(settings: Settings, backup: Backup, progress: Progress) -> Drill:
    """Bring a backup into a home of its own, start it, and compare ledger, tables and reports with what it should be.

    Raises BackupFailed and DatabaseUnreachable where it cannot even be started.
    """
    begun = time.monotonic()
    found = Drill(str(backup.folder), backup.made_at.isoformat())
    with tempfile.TemporaryDirectory(prefix="s2p-drill-", ignore_cleanup_errors=True) as scratch:
        home = Path(scratch) / "home"
        (home / "share").mkdir(parents=True)
        share = home / "share"
        (share / "brought back by the drill").touch()  # a share that is bare counts as one that is gone
        changed = {"home": home, "share": share, "results": share, "addresses": home / "addresses.yaml"}
        elsewhere = {"database_url": None, "wal_archive": None, "backup_to": None}
        copy = settings.model_copy(update=changed | elsewhere)
        try:
            if backup.manifest["database"] == "cluster":
                restore(copy, backup, progress)
                url = start_server(home / "postgres")
            else:
                shutil.copytree(backup.folder / "home", home, dirs_exist_ok=True)
                url = start_server(home / "postgres")
                restore_dump(backup.folder / DUMP, url)
            progress("comparing ledger, tables and reports")
            _compare(copy, url, backup, found)
            if not found.faults:
                progress("starting the whole home")
                found.faults += start_whole_home(copy, url)
        finally:
            release_server(home / "postgres")
            _wait_for_end(home)
    found.seconds = round(time.monotonic() - begun, 1)
    record_drill(settings, dt.datetime.now(dt.UTC), found.faults)
    return found


def start_whole_home(settings: Settings, url: str) -> list[str]:
    """What keeps a home from starting: its definitions are loaded by Dagster over its books, and its status is asked.

    `url`: its database. In processes of its own, whose settings are the home's alone.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    places = {"home": settings.home, "share": settings.share, "results": settings.results, "database_url": url}
    environment |= {f"{PREFIX}{name.upper()}": str(value) for name, value in places.items()}
    environment[f"{PREFIX}SHELVES"] = ",".join(settings.shelves)
    faults = []
    for what, words in WHOLE_HOME.items():
        command, folder = [sys.executable, "-m", *words], Path.cwd()
        done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment, cwd=folder)
        if done.returncode not in (0, 1) or (what == "definitions" and done.returncode):
            lines = [line for line in f"{done.stdout}\n{done.stderr}".splitlines() if line.strip()]
            faults.append(f"its {what} cannot be had: {lines[-1].strip() if lines else 'nothing was said'}")
    return faults


def _wait_for_end(home: Path) -> None:
    deadline = time.monotonic() + 30
    while (home / "postgres/data/postmaster.pid").exists() and time.monotonic() < deadline:
        time.sleep(0.05)


def _compare(settings: Settings, url: str, backup: Backup, found: Drill) -> None:
    expected = {table: tuple(digest) for table, digest in backup.manifest["tables"].items()}
    with connect(url) as connection:
        digests = table_digests(connection)
        archived = connection.execute("select distinct archived, sha256 from s2p.files where archived is not null")
        for name, sha256 in archived.fetchall():
            found.files += 1
            file = settings.archive / name
            if not file.is_file():
                found.faults.append(f"{name} is not in the archive, though the ledger names it")
            elif _sha256(file) != sha256:
                found.faults.append(f"{name} in the archive is not what the ledger says it is")
    for table, digest in expected.items():
        found.tables += 1
        if digests.get(table) != digest:
            rows = digests.get(table, (0, ""))[0]
            found.faults.append(f"{table} is another: {digest[0]:,} rows when it was backed up, {rows:,} brought back")
    found.not_compared = sorted(set(digests) - set(expected))
    reports = _file_digests(backup.folder / "results" / "s2p-reports")
    for name, digest in backup.manifest["reports"].items():
        found.reports += 1
        if reports.get(name) != digest:
            found.faults.append(f"the report {name} is another than when it was backed up")


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
