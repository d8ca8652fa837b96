"""The warehouse of one installation: connections to a PostgreSQL that has s2p's own tables.

How a server is found or started belongs to `connection` and `embedded`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property

import psycopg

from s2p_assets.settings import Settings
from s2p_assets.warehouse.server.connection import connect, database_url
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
        return url

    @contextmanager
    def connect(self) -> Iterator[psycopg.Connection]:
        """A connection, closed at the end, that commits every statement by itself. Raises DatabaseUnreachable."""
        with connect(self.url) as connection:
            yield connection
