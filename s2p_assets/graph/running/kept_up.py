"""A process beside Dagster's servers: started, begun anew when it ends by itself, ended with `s2p up`.

What such a process does is its own business; the door is one, the reader of streams another.
"""

import contextlib
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

STOPPING_SECONDS = 8.0
PAUSE_SECONDS = 1.0


@contextlib.contextmanager
def kept_up(command: Callable[[int], Sequence[str]], environ: Mapping[str, str], name: str) -> Iterator[None]:
    """Keep a process running for as long as the block lasts. It ends too when this process is killed.

    `command`: of the number of a file descriptor that the process inherits, and that closes when this one ends.
    """
    ended, process = threading.Event(), _Beside(command, environ)
    watching = threading.Thread(target=process.keep_up, args=(ended,), name=name, daemon=True)
    watching.start()
    try:
        yield
    finally:
        ended.set()
        process.stop()
        watching.join(STOPPING_SECONDS)


class _Beside:
    def __init__(self, command: Callable[[int], Sequence[str]], environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._process: subprocess.Popen[bytes] | None = None
        self._theirs, self._ours = os.pipe()
        self._command = command(self._theirs)

    def keep_up(self, ended: threading.Event) -> None:
        while not ended.is_set():
            self._process = subprocess.Popen(
                self._command, env=self._environ, pass_fds=[self._theirs], start_new_session=True
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
