"""The warehouse of one installation: connections to a PostgreSQL that has s2p's own tables.

How a server is found or started belongs to `connection` and `embedded`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property

import psycopg

from s2p_assets.settings import Settings
from s2p_assets.warehouse.server.connection import connect, database_url
from s2p_assets.warehouse.server.roles import RoleAddresses, ensure_roles, role_addresses
from s2p_assets.warehouse.tables.own_tables import ensure_own_tables


class Warehouse:
    """Connections to s2p's PostgreSQL; the embedded server is started when first asked for."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @cached_property
    def url(self) -> str:
        url = database_url(self.settings)
        with connect(url) as connection:
            ensure_own_tables(connection)
            ensure_roles(connection, self.settings.home, embedded=self.settings.database_url is None)
        return url

    @cached_property
    def addresses(self) -> RoleAddresses:
        """Where who only reads, and who writes rows, connects."""
        return role_addresses(self.url, self.settings.home, embedded=self.settings.database_url is None)

    @contextmanager
    def connect(self) -> Iterator[psycopg.Connection]:
        """A connection, closed at the end, that commits every statement by itself. Raises DatabaseUnreachable.

        It is the owner's, who may make and alter tables; `reading` and `writing` are for who need not.
        """
        with connect(self.url) as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[psycopg.Connection]:
        """The same as the role that only reads, and sees nothing of who may come in."""
        with connect(self.addresses.reading) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[psycopg.Connection]:
        """The same as the role that writes rows, and neither makes nor alters a table."""
        with connect(self.addresses.writing) as connection:
            yield connection
