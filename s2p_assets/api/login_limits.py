"""How often a password may be tried: by address and by account, so that nobody can guess for long.

It is counted in this process; the server is one process, and argon2 makes each try slow besides.
"""

import time
from collections import OrderedDict, deque
from dataclasses import dataclass, field

from s2p_assets.api.problems import Problem

WINDOW_SECONDS = 900.0
TRIES = {"account": 10, "address": 60}
"""A whole office may come from one address."""
MOST_KEPT = 20_000


@dataclass
class LoginLimits:
    """Failed tries of the last quarter of an hour."""

    _failed: OrderedDict[str, deque[float]] = field(default_factory=OrderedDict)

    def require_may_try(self, *names: str) -> None:
        """Raises Problem 429 for an address or an account that failed too often."""
        for name in names:
            waits = self._recent(name)
            if len(waits) >= TRIES[name.partition(" ")[0]]:
                seconds = int(waits[0] + WINDOW_SECONDS - time.monotonic()) + 1
                minutes = -(-seconds // 60)
                again = f"too many tries; try again in {minutes} minutes, or ask an engineer for a new link"
                raise Problem(429, "too many tries", again, headers={"Retry-After": str(seconds)})

    def failed(self, *names: str) -> None:
        for name in names:
            self._recent(name).append(time.monotonic())
            self._failed.move_to_end(name)
        while len(self._failed) > MOST_KEPT:
            self._failed.popitem(last=False)

    def succeeded(self, *names: str) -> None:
        for name in names:
            self._failed.pop(name, None)

    def _recent(self, name: str) -> "deque[float]":
        times = self._failed.setdefault(name, deque())
        while times and times[0] < time.monotonic() - WINDOW_SECONDS:
            times.popleft()
        return times
