"""The door as a process beside Dagster's: started, begun anew when it ends by itself, ended with `s2p up`.

What it serves is in `api/`; the socket on which Dagster's web server waits behind it is named here.
"""

import contextlib
import hashlib
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from s2p_assets.contracts.errors import MendableError
from s2p_assets.settings import Settings

DOOR = "s2p_assets.api"
LONGEST_SOCKET_PATH = 100
STOPPING_SECONDS = 8.0
PAUSE_SECONDS = 1.0


class SocketFolderTaken(MendableError):
    """The folder for the socket belongs to somebody else."""


def dagster_socket(settings: Settings) -> Path:
    """Where Dagster's web server listens: in a folder that only the user who runs s2p may enter."""
    folder = settings.dagster_home / "web"
    if len(os.fsencode(folder / "dagster.sock")) > LONGEST_SOCKET_PATH:
        name = hashlib.sha256(os.fsencode(settings.home)).hexdigest()[:16]
        folder = Path(tempfile.gettempdir()) / f"s2p-{name}-{os.geteuid()}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
        raise SocketFolderTaken(f"{folder} belongs to somebody else; remove it, or shorten S2P_HOME")
    folder.chmod(0o700)
    return folder / "dagster.sock"


@contextlib.contextmanager
def serving_door(settings: Settings, environ: Mapping[str, str]) -> Iterator[None]:
    """Serve the door for as long as the block lasts. It ends too when this process is killed."""
    ended, process = threading.Event(), _Door(settings, environ)
    watching = threading.Thread(target=process.keep_up, args=(ended,), name="s2p door", daemon=True)
    watching.start()
    try:
        yield
    finally:
        ended.set()
        process.stop()
        watching.join(STOPPING_SECONDS)


class _Door:
    def __init__(self, settings: Settings, environ: Mapping[str, str]) -> None:
        self._socket, self._environ = dagster_socket(settings), environ
        self._process: subprocess.Popen[bytes] | None = None
        self._theirs, self._ours = os.pipe()

    def keep_up(self, ended: threading.Event) -> None:
        while not ended.is_set():
            command = [sys.executable, "-m", DOOR, "--dagster", str(self._socket), "--lifeline", str(self._theirs)]
            self._process = subprocess.Popen(
                command, env=self._environ, pass_fds=[self._theirs], start_new_session=True
            )
            self._process.wait()
            ended.wait(PAUSE_SECONDS)

    def stop(self) -> None:
        process = self._process
        if process is not None and process.poll() is None:
            process.terminate()
            deadline = time.monotonic() + STOPPING_SECONDS
            while process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.05)
            process.kill()
        os.close(self._ours)
        os.close(self._theirs)
