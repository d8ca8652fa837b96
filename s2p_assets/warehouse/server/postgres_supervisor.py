"""A process of its own that runs one embedded PostgreSQL for as long as somebody uses it, then stops it.

Only the standard library; deciding that a server is needed, and with which options, belongs to `embedded.py`.

Every user of the server holds a shared lock on the file `users`. The kernel gives a lock back however its
holder ends, so the server outlives nobody, and neither a kill -9 nor a reused process id can mislead it.
"""

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

SECONDS_TO_STOP = 60


def main(config: dict[str, Any]) -> None:
    """Run the server that `config` describes (see `embedded._supervisor_config`) until its last user is gone."""
    with Path(config["log"]).open("ab") as log:
        server = subprocess.Popen(
            config["command"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env=config["environment"],
            start_new_session=True,
            user=config["uid"],
            group=config["gid"],
            extra_groups=None if config["uid"] is None else [],
        )
    for ignored in (signal.SIGINT, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: _stop_server(server))
    end = threading.Thread(target=_exit_with, args=(server, config["socket_folder"]), daemon=True)
    end.start()
    _wait_for_the_last_user(config["users"], config["starting"])
    _stop_server(server)
    end.join()


def _wait_for_the_last_user(users: str, starting: str) -> None:
    """Return holding `starting`, so that whoever wants the server next waits until it has stopped."""
    users_lock = os.open(users, os.O_RDWR)
    start_lock = os.open(starting, os.O_RDWR)
    while True:
        fcntl.flock(users_lock, fcntl.LOCK_EX)
        fcntl.flock(users_lock, fcntl.LOCK_UN)
        fcntl.flock(start_lock, fcntl.LOCK_EX)
        try:
            fcntl.flock(users_lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            fcntl.flock(start_lock, fcntl.LOCK_UN)


def _exit_with(server: "subprocess.Popen[bytes]", socket_folder: str) -> None:
    """End when the server does, however that came about; a folder that held only its socket goes too."""
    failed = server.wait() != 0
    with contextlib.suppress(OSError):
        Path(socket_folder).rmdir()
    os._exit(failed)


def _stop_server(server: "subprocess.Popen[bytes]") -> None:
    server.send_signal(signal.SIGINT)
    try:
        server.wait(SECONDS_TO_STOP)
    except subprocess.TimeoutExpired:
        server.send_signal(signal.SIGQUIT)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
