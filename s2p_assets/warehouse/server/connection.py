"""Connections to the company's PostgreSQL or to the embedded one, and the one-line error when there is none.

Running a server belongs to `embedded.py`; what is stored in it, to the other modules of this room.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import psycopg
from psycopg import conninfo

from s2p_assets.warehouse.server.unreachable import DatabaseUnreachable

if TYPE_CHECKING:  # which take a third of a second to import
    from s2p_assets.settings import Settings


def database_url(settings: "Settings") -> str:
    """The company's own server when `S2P_DATABASE_URL` names one, else an embedded one, started when needed.

    Raises DatabaseUnreachable when the embedded one cannot be started.
    """
    if settings.database_url:
        url = libpq_url(settings.database_url)
        return url if settings.database_password_file is None else _with_password(url, settings.database_password_file)
    from s2p_assets.warehouse.server.embedded import start_server  # psutil and the rest only where a server is embedded

    return start_server(settings.home / "postgres", settings.wal_archive, listen_port=settings.database_port)


def _with_password(url: str, file: Path) -> str:
    """Raises DatabaseUnreachable when the file cannot be read, or the address holds a password as well."""
    try:
        password = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise DatabaseUnreachable(
            f"S2P_DATABASE_PASSWORD_FILE={file} cannot be read ({type(error).__name__}); let s2p read it, or correct "
            "the name"
        ) from None
    parts = urlsplit(url)
    if parts.password:
        raise DatabaseUnreachable("S2P_DATABASE_URL has a password, and S2P_DATABASE_PASSWORD_FILE another; leave one")
    user, at, place = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{user}:{quote(password, safe='')}{at or '@'}{place}").geturl()


def libpq_url(url: str) -> str:
    """`url` as libpq takes it: `postgresql://…`, whichever driver it names."""
    scheme, mark, rest = url.partition("://")
    known = scheme.partition("+")[0] in ("postgresql", "postgres")
    return f"postgresql{mark}{rest}" if mark and known else url


def connect(url: str) -> psycopg.Connection:
    """An open connection in autocommit mode, so that `with conn.transaction()` is a transaction of its own.

    Takes `postgresql://`, `postgres://` and `postgresql+psycopg2://`. Raises DatabaseUnreachable.
    """
    parameters = _connection_parameters(libpq_url(url))
    try:
        conn = psycopg.connect(conninfo.make_conninfo(**parameters), autocommit=True)
    except psycopg.OperationalError as error:
        raise DatabaseUnreachable(_unreachable_message(parameters, str(error))) from None
    conn.execute("set datestyle = 'ISO, YMD'")
    return conn


def _connection_parameters(address: str) -> dict[str, Any]:
    try:
        parameters = conninfo.conninfo_to_dict(address)
    except psycopg.ProgrammingError:  # its text repeats the password
        parameters = {}
    if not parameters or "@" in str(parameters.get("host")):
        raise DatabaseUnreachable(
            "S2P_DATABASE_URL is not the address of a PostgreSQL; write postgresql://user:password@host:5432/database, "
            "with %40 for an @ in the password"
        )
    return {"connect_timeout": 10, "application_name": "s2p", "client_encoding": "utf8"} | parameters


def _unreachable_message(parameters: dict[str, Any], error: str) -> str:
    line = next((line for line in error.splitlines() if "failed: " in line), error.splitlines()[0])
    reason = line.rpartition("failed: ")[2].strip().rstrip(".")
    if parameters.get("password"):
        reason = reason.replace(str(parameters["password"]), "…")
    address = f"{parameters.get('host') or 'localhost'}:{parameters.get('port') or 5432}"
    database = parameters.get("dbname") or parameters.get("user")
    return (
        f"PostgreSQL at {address}, database {database}, cannot be reached: {reason}. "
        "Check that it runs and that S2P_DATABASE_URL is right, then try again."
    )
