"""Many short look-ups at once: a pool of asyncpg connections, for servers; everything else takes `connection.py`.

asyncpg understands no libpq address whose socket is a parameter, so the address is taken apart here.
"""

import ssl
from typing import Any

import asyncpg
from psycopg import conninfo

from s2p_assets.warehouse.server.connection import libpq_url

COMMAND_SECONDS = 60.0
DRIVERS = ("asyncpg", "uvloop")
CANCELLED = "57014"
"""A query that took too long: PostgreSQL is there."""
LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    ConnectionError,
    TimeoutError,
)
"""What comes of a PostgreSQL that is down, or went away; so does a socket that is not there, where a driver asked."""


def is_lost(error: BaseException) -> bool:
    """Whether it comes of a connection that is gone, itself or what it was raised from.

    A driver whose connection is cut off in mid-answer fails in many ways: what it raises of itself, and is no answer
    of PostgreSQL and no value that it cannot send, counts as such.
    """
    cause: BaseException | None = error
    while cause is not None:
        if _says_lost(cause):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def _says_lost(error: BaseException) -> bool:
    if isinstance(error, asyncpg.PostgresError):
        code = str(error.sqlstate or "")
        return isinstance(error, LOST) or (code[:2] in ("08", "57") and code != CANCELLED)
    places = _places_passed(error)
    if isinstance(error, FileNotFoundError):  # a socket's, or any file's of ours
        return any(_is_driver(place) for place in places)
    return not isinstance(error, ValueError) and (isinstance(error, LOST) or _is_driver(places[-1] if places else ""))


def _places_passed(error: BaseException) -> list[str]:
    """The files of code through which it came, the one that raised it last."""
    found, traces = [], error.__traceback__
    while traces is not None:
        found.append(traces.tb_frame.f_code.co_filename)
        traces = traces.tb_next
    return found


def _is_driver(place: str) -> bool:
    return any(f"{name}/" in place for name in DRIVERS)


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
    given: dict[str, Any] = {ours: parts[theirs] for theirs, ours in names.items() if parts.get(theirs)}
    if certificate := parts.get("sslrootcert"):
        given["ssl"] = _verified(str(certificate), names_too=parts.get("sslmode") == "verify-full")
    return given | ({"port": int(str(parts["port"]))} if parts.get("port") else {})


def _verified(certificate: str, *, names_too: bool) -> ssl.SSLContext:
    """TLS to a server whose certificate was signed by the company itself: asyncpg is told so by a context alone."""
    context = ssl.create_default_context(cafile=None if certificate == "system" else certificate)
    context.check_hostname = names_too
    return context


async def _nothing(_: asyncpg.Connection) -> None:
    """A reset would double PostgreSQL's work for a look-up; nothing is set on these connections."""
