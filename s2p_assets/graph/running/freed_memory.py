"""Memory that ticks leave behind goes back to the system: a server is as large after a year as on its first day.

What a tick should not leave behind at all is the matter of who does it (`instance.py`).
"""

import contextlib
import ctypes
import gc
import threading
import time

EVERY_SECONDS = 120.0


def return_freed_memory() -> None:
    """Unreachable cycles are found now, and what the C library holds of freed pages is given back."""
    gc.collect()
    with contextlib.suppress(AttributeError, OSError):  # a C library without it
        ctypes.CDLL(None).malloc_trim(0)


def keep_returning_memory() -> None:
    """Likewise every two minutes, for as long as this process lives; it costs some milliseconds."""

    def watch() -> None:
        while True:
            time.sleep(EVERY_SECONDS)
            return_freed_memory()

    threading.Thread(target=watch, name="s2p freed memory", daemon=True).start()
