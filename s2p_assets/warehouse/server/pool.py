"""Many short look-ups at once: a pool of asyncpg connections, for servers; everything else takes `connection.py`.

asyncpg understands no libpq address whose socket is a parameter, so the address is taken apart here.
"""

from typing import Any

import asyncpg
from psycopg import conninfo

from s2p_assets.warehouse.server.connection import libpq_url

COMMAND_SECONDS = 60.0
LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    ConnectionError,
    FileNotFoundError,
    TimeoutError,
)
"""What comes of a PostgreSQL that is down, or went away."""


def is_lost(error: BaseException) -> bool:
    """Whether it comes of a connection that is gone; uvloop says so of a handle that it closed."""
    return isinstance(error, LOST) or (isinstance(error, RuntimeError) and "handler is closed" in str(error))


async def open_pool(url: str, *, most: int) -> asyncpg.Pool:
    """Up to `most` connections, made when needed, so that it opens although PostgreSQL is down."""
    return await asyncpg.create_pool(
        **connect_arguments(url), min_size=0, max_size=most, reset=_nothing, command_timeout=COMMAND_SECONDS
    )


async def listen_alone(url: str) -> asyncpg.Connection:
    """A connection beside the pool, for what changes its state: those of the pool are never reset."""
    return await asyncpg.connect(**connect_arguments(url), command_timeout=COMMAND_SECONDS)


def connect_arguments(url: str) -> dict[str, Any]:
    """The parts of a libpq address as asyncpg takes them."""
    parts = conninfo.conninfo_to_dict(libpq_url(url))
    names = {"dbname": "database", "user": "user", "password": "password", "host": "host", "sslmode": "ssl"}
    given = {ours: parts[theirs] for theirs, ours in names.items() if parts.get(theirs)}
    return given | ({"port": int(str(parts["port"]))} if parts.get("port") else {})


async def _nothing(_: asyncpg.Connection) -> None:
    """A reset would double PostgreSQL's work for a look-up; nothing is set on these connections."""
