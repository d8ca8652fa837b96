"""The things that assets work with: the warehouse's connection, the model registry and the sandboxed reader."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property

import dagster as dg
import psycopg

from s2p_assets.learning.registry.model_registry import PACKAGES, Registry
from s2p_assets.settings import Settings
from s2p_assets.spreadsheet.sandbox import Sandbox
from s2p_assets.warehouse.connection import connect, database_url
from s2p_assets.warehouse.own_tables import prepare


class Warehouse:
    """Connections to s2p's PostgreSQL; the embedded server is started when first asked for."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @cached_property
    def url(self) -> str:
        url = database_url(self.settings)
        with connect(url) as connection:
            prepare(connection)
        return url

    @contextmanager
    def connect(self) -> Iterator[psycopg.Connection]:
        """A connection, closed at the end, that commits every statement by itself. Raises DatabaseUnreachable."""
        with connect(self.url) as connection:
            yield connection


def registry_of(settings: Settings, warehouse: Warehouse) -> Registry:
    """The model registry of this installation; classes of stored models may lie on its shelves too."""
    return Registry(settings.models, lambda: warehouse.url, warehouse.connect, (*PACKAGES, *settings.shelves))


def reader_resource(settings: Settings) -> dg.ResourceDefinition:
    """One sandboxed reader for a whole run; its process ends with the run."""

    @dg.resource
    def reader(_: dg.InitResourceContext) -> Iterator[Sandbox]:
        settings.spool.mkdir(parents=True, exist_ok=True)
        with Sandbox(seconds=settings.file_seconds, memory_mb=settings.file_memory_mb, spool=settings.spool) as sandbox:
            yield sandbox

    return reader
