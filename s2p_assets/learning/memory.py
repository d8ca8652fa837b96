"""Memory that is free again, given back to the system: else what one step needed for a moment stays for all others."""

import ctypes
import ctypes.util
import gc
from functools import cache
from typing import Any


def give_back() -> None:
    """Return free memory to the system, where its C library can (glibc); elsewhere nothing happens."""
    gc.collect()
    trim = _trim()
    if trim is not None:
        trim(0)


@cache
def _trim() -> Any:
    try:
        return ctypes.CDLL(ctypes.util.find_library("c") or "libc.so.6").malloc_trim
    except (OSError, AttributeError):
        return None
