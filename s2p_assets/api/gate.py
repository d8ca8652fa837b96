"""Who a request comes from: a session's cookie or a token, remembered until PostgreSQL says that something changed.

What happens to a request that comes from nobody is decided by the guard.
"""

import asyncio
import contextlib
import datetime as dt
from collections import OrderedDict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from s2p_assets.api.caller import Caller
from s2p_assets.warehouse.access.lookups import CHANNEL, restricted, session_of, token_of
from s2p_assets.warehouse.access.secrets import hash_of
from s2p_assets.warehouse.server.pool import LOST, listen_alone

MOST_REMEMBERED = 10_000
IDLE_SECONDS = 4 * 3600.0
REMEMBERED_SECONDS = 300.0
RETRY_SECONDS = 0.5


@dataclass
class Gate:
    """Cookies and tokens of one installation. A change to users, sessions, tokens or groups is told by PostgreSQL.

    While nothing can be heard, nothing is remembered.
    """

    url: str
    is_open: bool
    pool: asyncpg.Pool = field(init=False)
    _known: OrderedDict[tuple[str, bytes], tuple[Caller, float]] = field(default_factory=OrderedDict)
    _restricted: dict[str, frozenset[str]] | None = None
    _listens: bool = False
    _changes: int = 0

    async def caller(self, kind: str, secret: str) -> Caller | None:
        """Who holds this cookie or token; None for nobody."""
        digest = hash_of(secret)
        now = asyncio.get_running_loop().time()
        known = self._known.get((kind, digest))
        if known and known[1] > now:
            return known[0]
        changes = self._changes
        found, seconds = await self._looked_up(kind, digest)
        if found and self._listens and changes == self._changes:
            self._known[kind, digest] = (found, now + min(seconds, REMEMBERED_SECONDS))
            while len(self._known) > MOST_REMEMBERED:
                self._known.popitem(last=False)
        return found

    async def anybody(self) -> Caller | None:
        """Who asks where no login is asked for."""
        return Caller("anybody on this computer", "engineer", "open") if self.is_open else None

    async def _looked_up(self, kind: str, digest: bytes) -> tuple[Caller | None, float]:
        found = await (token_of(self.pool, digest) if kind == "token" else session_of(self.pool, digest, IDLE_SECONDS))
        if found is None:
            return None, 0.0
        changes, kept_apart = self._changes, self._restricted
        if kept_apart is None:
            kept_apart = await restricted(self.pool)
            self._restricted = kept_apart if self._listens and changes == self._changes else None
        limited = found["workbooks"] if kind == "token" else None
        caller = Caller(
            name=f"token {found['name']}" if kind == "token" else found["email"],
            role=found["role"],
            kind="token" if kind == "token" else "user",
            groups=frozenset(found["groups"]),
            workbooks=None if limited is None else frozenset(limited),
            restricted=kept_apart,
        )
        return caller, (found["expires_at"] - dt.datetime.now(dt.UTC)).total_seconds()

    def forget(self, *_: Any) -> None:
        """Ask PostgreSQL anew for everybody."""
        self._changes += 1
        self._known.clear()
        self._restricted = None

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Hear of changes for as long as the block lasts, again after PostgreSQL was away."""
        task = asyncio.create_task(self._listen())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _listen(self) -> None:
        while True:
            with contextlib.suppress(*LOST, asyncpg.PostgresError, OSError):
                connection = await listen_alone(self.url)
                try:
                    await self._hear(connection)
                finally:
                    self._listens = False
                    self.forget()
                    await asyncio.shield(connection.close(timeout=1))
            await asyncio.sleep(RETRY_SECONDS)

    async def _hear(self, connection: asyncpg.Connection) -> None:
        ended = asyncio.Event()

        def end(*_: Any) -> None:
            self._listens = False
            self.forget()
            ended.set()

        connection.add_termination_listener(end)
        await connection.add_listener(CHANNEL, self.forget)
        self.forget()
        self._listens = True
        await ended.wait()
