"""A body streamed to a file of this request alone, and the reader that opens such files.

What is done with them is the routes' business.
"""

import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from s2p_assets.api.guard import state_of
from s2p_assets.api.problems import Problem
from s2p_assets.services.context import Context
from s2p_assets.settings import Settings
from s2p_assets.spreadsheet.sandbox import Sandbox

MANY_BYTES = 1 << 20


@asynccontextmanager
async def uploaded(request: Request, name: str) -> AsyncIterator[Path]:
    """The body as a file, gone with the block. Raises Problem for nothing."""
    ctx: Context = state_of(request.scope).ctx
    ctx.settings.spool.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="upload-", dir=ctx.settings.spool) as folder:
        file, waiting = Path(folder) / name, bytearray()
        with file.open("wb") as target:
            async for piece in request.stream():
                waiting += piece
                if len(waiting) >= MANY_BYTES:
                    await run_in_threadpool(target.write, bytes(waiting))
                    waiting.clear()
            target.write(waiting)
        if not file.stat().st_size:
            raise Problem(422, "no file", "the file is empty: it has no byte; save it again, then send that")
        yield file


class ReaderAtHand:
    """One sandboxed reader that is ready, as a process takes longer to start than to read a workbook."""

    def __init__(self, settings: Settings, first: Callable[[], object] = str) -> None:
        """`first`: what it does when it is made ready, such as importing what it will need."""
        self._settings, self._first = settings, first
        self._one_at_a_time = threading.Lock()
        self._sandbox: Sandbox | None = None

    @contextmanager
    def use(self) -> Iterator[Sandbox]:
        with self._one_at_a_time:
            self._settings.spool.mkdir(parents=True, exist_ok=True)
            if self._sandbox is None:
                self._sandbox = Sandbox.within(self._settings, self._settings.spool)
            yield self._sandbox

    def get_ready(self) -> None:
        """Start it beside, if it is not there yet."""
        if self._sandbox is None and not self._one_at_a_time.locked():
            threading.Thread(target=self._start, daemon=True).start()

    def _start(self) -> None:
        with self.use() as reader:
            reader.run(self._first)
        import pandas  # noqa: F401  Arrow loads it, here too, with the first rows that are compared

    def close(self) -> None:
        if self._sandbox is not None:
            self._sandbox.close()
