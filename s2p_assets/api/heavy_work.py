"""Answers that need much memory or time, made in a process of its own, so that the server stays small and quick.

Which answers these are stands at their routes.
"""

import asyncio
import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from s2p_assets.api.problems import Problem
from s2p_assets.services.context import Context, open_context
from s2p_assets.settings import Settings

Made = TypeVar("Made")
SECONDS = 300.0
IDLE_SECONDS = 120.0
TASKS_FOR_ONE = 50

_here: list[Context] = []


def _open(settings: Settings) -> None:
    """What the process begins with."""
    _here.append(open_context(settings))


def _run(work: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    return work(_here[0], *arguments)


class HeavyWork:
    """One process for heavy work, started when first needed and ended when it has had nothing to do for a while."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._pool: ProcessPoolExecutor | None = None
        self._ending: asyncio.TimerHandle | None = None
        self._busy = 0

    def __enter__(self) -> "HeavyWork":
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    async def of(self, work: Callable[..., Made], *arguments: Any) -> Made:
        """`work(ctx, *arguments)`, made there; both must be importable and picklable. Raises what it raises."""
        loop = asyncio.get_running_loop()
        if self._ending is not None:
            self._ending.cancel()
        if self._pool is None:
            spawn = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(1, spawn, _open, (self._settings,), max_tasks_per_child=TASKS_FOR_ONE)
        self._busy += 1
        try:
            return await asyncio.wait_for(loop.run_in_executor(self._pool, _run, work, arguments), SECONDS)
        except BrokenProcessPool:
            self._end()
            raise Problem(503, "ended from outside", "the process at work was ended; ask again") from None
        except TimeoutError:
            self._end(kill=True)
            raise Problem(503, "too long", f"it took more than {SECONDS:.0f} s; ask for less") from None
        finally:
            self._busy -= 1
            self._ending = loop.call_later(IDLE_SECONDS, self._end_if_idle)

    def _end_if_idle(self) -> None:
        if not self._busy:
            self._end()

    def _end(self, *, kill: bool = False) -> None:
        pool, self._pool = self._pool, None
        if pool is None:
            return
        if kill:
            for process in list((pool._processes or {}).values()):
                process.kill()
        pool.shutdown(wait=False, cancel_futures=True)


class WorkHere:
    """The same work in a thread of this process, for a program that lives no longer than what it asks."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    async def of(self, work: Callable[..., Made], *arguments: Any) -> Made:
        """`work(ctx, *arguments)`. Raises what it raises."""
        return await asyncio.to_thread(work, self._ctx, *arguments)
