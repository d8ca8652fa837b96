"""What several rooms' tests stand on: a real PostgreSQL for the session, and an empty one for each test.

Workbooks and contracts that one room's tests need belong to that room's test file.
"""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from s2p_assets.warehouse import embedded
from s2p_assets.warehouse.connection import connect
from s2p_assets.warehouse.schema import prepare


@pytest.fixture(scope="session")
def postgres_folder(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """Where the session's server lives; the workers of pytest-xdist share one."""
    base = tmp_path_factory.getbasetemp()
    return (base if worker_id == "master" else base.parent) / "postgres"


@pytest.fixture(scope="session")
def database_url(postgres_folder: Path, worker_id: str) -> Iterator[str]:
    """A database of this worker's own on the session's server, which stops when the last worker leaves it."""
    server = embedded.start(postgres_folder)
    name = f"tests_{worker_id}"
    with connect(server) as conn:
        conn.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    yield server.replace("/postgres?", f"/{name}?")
    embedded.leave(postgres_folder)


@pytest.fixture
def empty_database_url(database_url: str) -> str:
    """`database_url` with nothing in it, for tests that connect by themselves."""
    with connect(database_url) as conn:
        found = conn.execute("select nspname from pg_namespace where nspname !~ '^(pg_|information_schema)'").fetchall()
        for (schema,) in found:
            conn.execute(sql.SQL("drop schema {} cascade").format(sql.Identifier(schema)))
        conn.execute("create schema public")
    return database_url


@pytest.fixture
def conn(empty_database_url: str) -> Iterator[psycopg.Connection]:
    """A connection to an empty warehouse."""
    with connect(empty_database_url) as connection:
        prepare(connection)
        yield connection
