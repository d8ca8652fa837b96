"""What several rooms' tests stand on: a real PostgreSQL for the session, and an empty one for each test.

Workbooks and contracts that one room's tests need belong to that room's test file.
"""

import gc
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from xdist.scheduler import LoadFileScheduling

from s2p_assets.cli.app import GARBAGE_AFTER
from s2p_assets.warehouse.server import embedded
from s2p_assets.warehouse.server.connection import connect
from s2p_assets_tests.retail_home import company, processed, with_own_tables

__all__ = ["company", "processed"]

FOLDER = "PYTEST_POSTGRES_FOLDER"
MODULES_WORTH_IT = 100
_passed_over: dict[str, Any] = {"modules": 0, "module": None}
OF_THE_SAMPLE_COMPANY = {
    "test_champions",
    "test_notebook",
    "test_company_runs",
    "test_as_of",
    "test_prompt",
    "test_retail_data_quality",
    "test_three_domains",
    "test_trace",
}


def pytest_configure(config: pytest.Config) -> None:
    """Name the folder of the session's servers, for the workers of pytest-xdist too.

    Not below pytest's own temporary folder: pytest closes that to every other user, and as root PostgreSQL is one.
    """
    gc.set_threshold(GARBAGE_AFTER, 20, 20)
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


class ByFileAndCompany(LoadFileScheduling):
    """A worker takes a file at a time; one takes all that need the sample company, so that it is processed once, one
    all tests of the door, which are asked of one server, and one all of the screen, which has a server and a browser.

    `xdist_group` would say this with a mark, but cannot: pytest-xdist 3.8.0, the newest, appends the group to
    `Item._nodeid`, which pytest 9.2 no longer reads (its ids are structured), so that `--dist loadgroup` groups
    nothing. It would also spread the tests of an unmarked file over the workers, and a file's fixtures with them.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = str(super()._split_scope(nodeid))
        if "/api/" in file:
            return "the door"
        if "/screen/" in file:
            return "the screen"
        return "the sample company" if Path(file).stem in OF_THE_SAMPLE_COMPANY else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFileAndCompany:
    return ByFileAndCompany(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the modules that take longest, so that no worker is left alone with one at the end."""
    need_it = {item.path.stem for item in items if "processed" in getattr(item, "fixturenames", ())}
    if unnamed := need_it - OF_THE_SAMPLE_COMPANY:
        raise pytest.UsageError(f"add to OF_THE_SAMPLE_COMPANY in conftest.py: {', '.join(sorted(unnamed))}")
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


def pytest_collection_finish() -> None:
    _pass_over_what_stays()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Between two modules, as nothing but what the session keeps is alive then."""
    if item.path != _passed_over["module"]:
        _passed_over["module"] = item.path
        if len(sys.modules) > _passed_over["modules"] + MODULES_WORTH_IT:
            _pass_over_what_stays()


def _pass_over_what_stays() -> None:
    """Let the collector of garbage go no more through what has been imported, which is most of what it goes through.

    Each training collects garbage twice, at half a CPU second each in a process that has loaded the whole house.
    """
    gc.collect()
    gc.freeze()
    _passed_over["modules"] = len(sys.modules)


@pytest.fixture(scope="session")
def servers_folder() -> Path:
    """Where servers of tests keep their data."""
    return Path(os.environ[FOLDER])


@pytest.fixture(scope="session")
def database_url(servers_folder: Path, worker_id: str) -> Iterator[str]:
    """A database of this worker's own on the session's server, which stops when the last worker leaves it."""
    server = embedded.start_server(servers_folder / "shared")
    name = f"tests_{worker_id}"
    with connect(server) as conn:
        conn.execute(
            "alter system set synchronous_commit = off"
        )  # nobody kills this one, and waiting for disks is slow
        conn.execute("select pg_reload_conf()")
        conn.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    yield server.replace("/postgres?", f"/{name}?")
    embedded.release_server(servers_folder / "shared")


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Not below pytest's own folder, which is closed to the user that PostgreSQL runs as when we are root."""
    with tempfile.TemporaryDirectory(prefix="s2p-faults-", ignore_cleanup_errors=True) as place:
        yield Path(place)
    for name, module in list(sys.modules.items()):  # what a test loaded from there is there no more
        if str(getattr(module, "__file__", None) or "").startswith(f"{place}/"):
            del sys.modules[name]


@pytest.fixture
def empty_database_url(database_url: str) -> str:
    """`database_url` with nothing in it but s2p's own tables, empty, for tests that connect by themselves."""
    return with_own_tables(database_url)


@pytest.fixture
def conn(empty_database_url: str) -> Iterator[psycopg.Connection]:
    """A connection to an empty warehouse."""
    with connect(empty_database_url) as connection:
        yield connection
