"""How people and programs reach the database themselves: a role that only reads, and what each program asks for.

Opening it for s2p's own work is the warehouse's.
"""

from dataclasses import asdict, dataclass
from typing import Any

import psycopg
from psycopg import conninfo

from s2p_assets.contracts.errors import MendableError
from s2p_assets.services.context import Context
from s2p_assets.warehouse.server.embedded import READER
from s2p_assets.warehouse.server.reader import ensure_reader
from s2p_assets.warehouse.server.roles import kept_password, roles_script

PASSWORD_FILE = "reader.password"  # noqa: S105  where it is, not what


class NotYetListening(MendableError):
    """The embedded server runs as it was started; one line that says what to do."""


@dataclass(frozen=True)
class ReaderAccess:
    """What a program needs to read: `host` is a folder where it is reached by a socket alone."""

    host: str
    port: int
    database: str
    user: str
    password: str
    domains: tuple[str, ...]

    @property
    def is_socket(self) -> bool:
        return self.host.startswith("/")

    @property
    def psql(self) -> str:
        """The command, whose password stands in the environment and not among a process's words."""
        return f"PGPASSWORD=… psql -h {self.host} -p {self.port} -U {self.user} {self.database}"

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def reader_access(ctx: Context) -> ReaderAccess:
    """The reader of this installation, made or renewed. Raises NotYetListening, and psycopg.Error where it may not."""
    domains = tuple(sorted({one.domain for one in ctx.catalog.stored()}))
    password = kept_password(ctx.settings.home / PASSWORD_FILE)
    with ctx.warehouse.connect() as connection:
        ensure_reader(connection, password, domains)
    parts = conninfo.conninfo_to_dict(ctx.warehouse.url)
    host, port = str(parts.get("host") or "localhost"), int(str(parts.get("port") or 5432))
    wanted = ctx.settings.database_port
    if wanted is not None and ctx.settings.database_url is None:
        host, port = "127.0.0.1", wanted
        _require_listening(host, port, str(parts["dbname"]), password)
    return ReaderAccess(host, port, str(parts.get("dbname") or READER), READER, password, domains)


def _require_listening(host: str, port: int, database: str, password: str) -> None:
    try:
        psycopg.connect(host=host, port=port, dbname=database, user=READER, password=password).close()
    except psycopg.OperationalError:
        raise NotYetListening(
            f"the embedded PostgreSQL runs and does not listen on port {port} yet; stop s2p up and every other s2p, "
            "then start it again"
        ) from None


def missing_roles(ctx: Context) -> str | None:
    """The line that says that s2p works as the owner of its tables alone, and why; None where its roles are there."""
    return ctx.warehouse.addresses.lacking


def script_of_roles(ctx: Context) -> str:
    """The SQL that somebody who may make roles runs, once, for a PostgreSQL of the company's own."""
    parts = conninfo.conninfo_to_dict(ctx.warehouse.url)
    return roles_script(ctx.settings.home, str(parts.get("user") or "s2p"))
