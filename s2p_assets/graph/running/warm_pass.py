"""A headless pass made by a process that the servers fork, warm, where `s2p up` runs: how it is asked for and followed.

What a pass does is in `headless.py`, who makes it in `forked.py`. Knows no Dagster, so that who asks stays small.
"""

import contextlib
import hashlib
import json
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import s2p_assets
from s2p_assets.contracts.errors import MendableError
from s2p_assets.graph.running.zygote_requests import ANSWER_SECONDS, ZygoteGone, socket_file
from s2p_assets.settings import Settings

PASS = "pass"  # noqa: S105  what is asked for
OF_THE_DOOR = {"host", "port", "open", "public_url"}
"""Settings by which what is made does not differ; links are made by those of the servers."""

Line = dict[str, Any]


class PassFailed(MendableError):
    """The pass could not be made; the message is one line."""


def identity(settings: Settings) -> str:
    """A digest of the settings and of s2p's code: another installation's process is no help, nor is an older one."""
    told = settings.model_dump_json(exclude=OF_THE_DOOR)
    code = [f"{path} {stamp}" for path, stamp in sorted(_code(Path(s2p_assets.__file__).parent))]
    return hashlib.sha256("\n".join([told, *code]).encode()).hexdigest()


def _code(folder: Path) -> Iterator[tuple[str, tuple[int, int]]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _code(Path(entry.path))
            elif entry.name.endswith((".py", ".so", ".sql", ".j2")):
                yield entry.path, (entry.stat().st_mtime_ns, entry.stat().st_size)


def pass_of_servers(settings: Settings, progress: Callable[[str], None]) -> Line | None:
    """What came of a pass that the servers' warm process made; None when there is none, or when it ended in between.

    Raises PassFailed with what a person can mend. Whoever stops waiting stops the pass.
    """
    with contextlib.suppress(OSError, ValueError, ZygoteGone), socket.socket(socket.AF_UNIX) as asking:
        asking.settimeout(ANSWER_SECONDS)
        asking.connect(str(socket_file(settings, "runs")))
        asking.sendall(json.dumps({"do": PASS, "run": identity(settings)}).encode() + b"\n")
        with asking.makefile("r", encoding="utf-8") as answers:
            if json.loads(answers.readline())["pid"] is None:
                return None
            asking.settimeout(None)
            for line in map(json.loads, answers):
                if "progress" in line:
                    progress(line["progress"])
                elif "failed" in line:
                    raise PassFailed(line["failed"])
                elif "made" in line:
                    made: Line = line["made"]
                    return made
    return None


class PassAsker:
    """The one who asked for a pass, told how it goes."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def tell(self, **said: object) -> None:
        with contextlib.suppress(OSError):  # nobody listens any more, which ends the pass
            self._connection.sendall(json.dumps(said, default=str).encode() + b"\n")

    def wait_until_gone(self) -> None:
        """Nothing more is said by who asked: reading ends when they have gone."""
        with contextlib.suppress(OSError):
            self._connection.settimeout(None)
            self._connection.recv(1)
