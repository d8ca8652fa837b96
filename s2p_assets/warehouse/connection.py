"""Connections to the company's PostgreSQL or to the embedded one, and the one-line error when there is none.

Running a server belongs to `embedded.py`; what is stored in it, to the other modules of this room.
"""

from typing import Any

import psycopg
from psycopg import conninfo

from s2p_assets.settings import Settings
from s2p_assets.warehouse.unreachable import DatabaseUnreachable


def database_url(settings: Settings) -> str:
    """The company's own server when `S2P_DATABASE_URL` names one, else an embedded one, started when needed.

    Raises DatabaseUnreachable when the embedded one cannot be started.
    """
    if settings.database_url:
        return plain_url(settings.database_url)
    from s2p_assets.warehouse import embedded  # psutil and the rest only where a server is embedded

    return embedded.start(settings.home / "postgres")


def plain_url(url: str) -> str:
    """`url` as libpq takes it: `postgresql://…`, whichever driver it names."""
    scheme, mark, rest = url.partition("://")
    known = scheme.partition("+")[0] in ("postgresql", "postgres")
    return f"postgresql{mark}{rest}" if mark and known else url


def connect(url: str) -> psycopg.Connection:
    """An open connection in autocommit mode, so that `with conn.transaction()` is a transaction of its own.

    Takes `postgresql://`, `postgres://` and `postgresql+psycopg2://`. Raises DatabaseUnreachable.
    """
    where = _parts(plain_url(url))
    try:
        conn = psycopg.connect(conninfo.make_conninfo(**where), autocommit=True)
    except psycopg.OperationalError as error:
        raise DatabaseUnreachable(_refusal(where, str(error))) from None
    conn.execute("set datestyle = 'ISO, YMD'")
    return conn


def _parts(address: str) -> dict[str, Any]:
    try:
        where = conninfo.conninfo_to_dict(address)
    except psycopg.ProgrammingError:  # its text repeats the password
        where = {}
    if not where or "@" in str(where.get("host")):
        raise DatabaseUnreachable(
            "S2P_DATABASE_URL is not the address of a PostgreSQL; write postgresql://user:password@host:5432/database, "
            "with %40 for an @ in the password"
        )
    return {"connect_timeout": 10, "application_name": "s2p", "client_encoding": "utf8"} | where


def _refusal(where: dict[str, Any], error: str) -> str:
    line = next((line for line in error.splitlines() if "failed: " in line), error.splitlines()[0])
    reason = line.rpartition("failed: ")[2].strip().rstrip(".")
    if where.get("password"):
        reason = reason.replace(str(where["password"]), "…")
    place = f"{where.get('host') or 'localhost'}:{where.get('port') or 5432}"
    return (
        f"PostgreSQL at {place}, database {where.get('dbname') or where.get('user')}, cannot be reached: {reason}. "
        "Check that it runs and that S2P_DATABASE_URL is right, then try again."
    )
