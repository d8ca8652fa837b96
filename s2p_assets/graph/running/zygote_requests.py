"""How runs are asked for: a line of JSON through a socket in the home, and a line back.

Who answers is in `zygote.py`.
"""

import hashlib
import json
import os
import socket
import tempfile
from pathlib import Path
from typing import Any

from s2p_assets.settings import Settings

LONGEST_PATH = 100
ANSWER_SECONDS = 120.0


class ZygoteGone(Exception):
    """Nobody answers; the servers of the installation are stopping, or beginning anew."""


def socket_file(settings: Settings, name: str) -> Path:
    """Where a socket of the servers lies: in the home, or in the temporary folder when that path is too long."""
    file = settings.dagster_home / f"{name}.sock"
    if len(os.fsencode(file)) <= LONGEST_PATH:
        return file
    digest = hashlib.sha256(os.fsencode(settings.home)).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"s2p-{digest}-{os.geteuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
        raise ZygoteGone(f"{folder} belongs to somebody else; remove it, or shorten S2P_HOME")
    return folder / f"{name}.sock"


def requests_socket(settings: Settings) -> socket.socket:
    """Listens for requests. Only the user whose servers they are may write to it."""
    file = socket_file(settings, "runs")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listening.bind(str(file))
    finally:
        os.umask(before)
    listening.listen(64)
    return listening


def ask(file: Path, do: str, run: str) -> int | None:
    """`start` or `stop` a run, or `find` it: the id of its process, None when there is none. Raises ZygoteGone."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
            asking.settimeout(ANSWER_SECONDS)
            asking.connect(str(file))
            with asking.makefile("rw", encoding="utf-8") as stream:
                stream.write(json.dumps({"do": do, "run": run}) + "\n")
                stream.flush()
                answer: dict[str, Any] = json.loads(stream.readline())
    except (OSError, ValueError) as error:
        raise ZygoteGone(f"the zygote does not answer at {file}: {error}") from error
    return answer["pid"]
