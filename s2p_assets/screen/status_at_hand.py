"""How all of it stands, read once for everybody who asks within a moment: fifty people open Today at nine.

What of it somebody sees is decided for each of them.
"""

import asyncio
import time
from typing import Any

from starlette.concurrency import run_in_threadpool

from s2p_assets.services.context import Context
from s2p_assets.services.status import read_status

SECONDS = 3.0


class StatusAtHand:
    """The newest status, at most some seconds old."""

    def __init__(self) -> None:
        self._one_at_a_time = asyncio.Lock()
        self._read: dict[str, Any] | None = None
        self._read_at = 0.0

    async def read(self, ctx: Context) -> dict[str, Any]:
        """Raises what `read_status` raises."""
        async with self._one_at_a_time:
            if self._read is None or time.monotonic() - self._read_at > SECONDS:
                self._read = await run_in_threadpool(read_status, ctx)
                self._read_at = time.monotonic()
            return self._read

    def forget(self) -> None:
        """Something was decided: read it anew."""
        self._read = None
