"""The door as a process beside Dagster's: started, begun anew when it ends by itself, ended with `s2p up`.

What it serves is in `api/`; the socket on which Dagster's web server waits behind it is named here.
"""

import hashlib
import os
import sys
import tempfile
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from s2p_assets.contracts.errors import MendableError
from s2p_assets.graph.running.kept_up import kept_up
from s2p_assets.settings import Settings

DOOR = "s2p_assets.api"
LONGEST_SOCKET_PATH = 100


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


def serving_door(settings: Settings, environ: Mapping[str, str]) -> AbstractContextManager[None]:
    """Serve the door for as long as the block lasts. It ends too when this process is killed."""
    socket = str(dagster_socket(settings))

    def command(lifeline: int) -> list[str]:
        return [sys.executable, "-m", DOOR, "--dagster", socket, "--lifeline", str(lifeline)]

    return kept_up(command, environ, "s2p door")
