"""Who is at work on an installation: one headless pass and one set of servers at a time.

What the work is belongs elsewhere. The kernel gives a lock back however its holder ends, so a lock that can be had
proves that its last holder is gone. Knows no Dagster, so that `s2p up` itself stays small.
"""

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator

from s2p_assets.contracts.errors import MendableError
from s2p_assets.settings import Settings


class AlreadyRunning(MendableError):
    """Servers for this installation run already."""


@contextlib.contextmanager
def headless_lock(settings: Settings, progress: Callable[[str], None]) -> Iterator[None]:
    """One headless pass at a time: wait for the one before, which leaves little to do."""
    held = _open_lock(settings, "run")
    try:
        if not _try_lock(held):
            progress("waiting for another s2p run on the same S2P_HOME to end")
            fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)


@contextlib.contextmanager
def servers_lock(settings: Settings) -> Iterator[int]:
    """The servers' lock as a file descriptor, to be handed to them. Raises AlreadyUp."""
    held = _open_lock(settings, "up")
    try:
        if not _try_lock(held):
            raise AlreadyRunning(
                f"s2p up runs already on {settings.home}; use that one, stop it, or give this one another S2P_HOME"
            )
        yield held
    finally:
        os.close(held)


def are_servers_up(settings: Settings) -> bool:
    """Whether servers of this installation run."""
    with is_free(settings, "up") as down:
        return not down


@contextlib.contextmanager
def is_free(settings: Settings, which: str) -> Iterator[bool]:
    """Whether nobody has that turn; nobody takes it meanwhile."""
    held = _open_lock(settings, which)
    try:
        yield _try_lock(held)
    finally:
        os.close(held)


def _open_lock(settings: Settings, which: str) -> int:
    settings.home.mkdir(parents=True, exist_ok=True)
    return os.open(settings.home / f"{which}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _try_lock(held: int) -> bool:
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
