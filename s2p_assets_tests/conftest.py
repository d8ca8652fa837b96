"""What several rooms' tests stand on: a real PostgreSQL for the session, and an empty one for each test.

Workbooks and contracts that one room's tests need belong to that room's test file.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from s2p_assets.warehouse import embedded
from s2p_assets.warehouse.connection import connect
from s2p_assets.warehouse.schema import prepare
from s2p_assets_tests.retail_home import company, emptied, processed

__all__ = ["company", "processed"]

FOLDER = "PYTEST_POSTGRES_FOLDER"


def pytest_configure(config: pytest.Config) -> None:
    """Name the folder of the session's servers, for the workers of pytest-xdist too.

    Not below pytest's own temporary folder: pytest closes that to every other user, and as root PostgreSQL is one.
    """
    if not hasattr(config, "workerinput"):
        os.environ[FOLDER] = tempfile.mkdtemp(prefix="s2p tests ")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove that folder when the last server in it has stopped."""
    if hasattr(config, "workerinput"):
        return
    folder, deadline = Path(os.environ.pop(FOLDER)), time.monotonic() + 30
    while any(folder.glob("*/data/postmaster.pid")) and time.monotonic() < deadline:
        time.sleep(0.05)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One worker takes all modules that need the processed sample company, which is then processed once; else by module.

    The modules that take longest begin, so that no worker is left alone with one at the end.
    """
    of_company = {item.path for item in items if "processed" in getattr(item, "fixturenames", ())}
    for item in items:
        item.add_marker(pytest.mark.xdist_group("sample company" if item.path in of_company else item.path.stem))
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.fixture(scope="session")
def servers_folder() -> Path:
    """Where servers of tests keep their data."""
    return Path(os.environ[FOLDER])


@pytest.fixture(scope="session")
def database_url(servers_folder: Path, worker_id: str) -> Iterator[str]:
    """A database of this worker's own on the session's server, which stops when the last worker leaves it."""
    server = embedded.start(servers_folder / "shared")
    name = f"tests_{worker_id}"
    with connect(server) as conn:
        conn.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    yield server.replace("/postgres?", f"/{name}?")
    embedded.leave(servers_folder / "shared")


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Not below pytest's own folder, which is closed to the user that PostgreSQL runs as when we are root."""
    with tempfile.TemporaryDirectory(prefix="s2p-faults-", ignore_cleanup_errors=True) as place:
        yield Path(place)


@pytest.fixture
def empty_database_url(database_url: str) -> str:
    """`database_url` with nothing in it, for tests that connect by themselves."""
    return emptied(database_url)


@pytest.fixture
def conn(empty_database_url: str) -> Iterator[psycopg.Connection]:
    """A connection to an empty warehouse."""
    with connect(empty_database_url) as connection:
        prepare(connection)
        yield connection
