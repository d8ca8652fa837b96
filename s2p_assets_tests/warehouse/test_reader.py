"""The role that only reads: over loopback with its password, the tables of domains alone; nobody else that way."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from s2p_assets.services.context import Context, open_context
from s2p_assets.services.database_access import PASSWORD_FILE, ReaderAccess, reader_access
from s2p_assets.settings import Settings
from s2p_assets.warehouse.server import embedded
from s2p_assets_tests.small_company import SHELVES


@pytest.fixture(scope="module")
def ctx(folder: Path) -> Iterator[Context]:
    """A home whose server listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    for name in ("workbooks/acme_articles.py",):
        file = folder / "reader_shelves" / name
        file.parent.mkdir(parents=True)
        for package in (file.parent, file.parent.parent):
            (package / "__init__.py").touch()
        file.write_text(SHELVES[name])
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        settings = Settings(home=folder / "home", shelves=("reader_shelves",), database_port=port)
        yield open_context(settings)
    embedded.release_server(folder / "home/postgres")


@pytest.fixture(scope="module")
def access(ctx: Context) -> ReaderAccess:
    found = reader_access(ctx)
    with ctx.warehouse.connect() as connection:
        connection.execute("create table acme.later as select 1 as one")
    return found


def read(access: ReaderAccess, query: Any, **other: str) -> object:
    given: dict[str, Any] = {"user": access.user, "password": access.password} | other
    with psycopg.connect(host=access.host, port=access.port, dbname=access.database, **given) as connection:
        return connection.execute(query).fetchone()


def test_it_reads_the_tables_of_domains_and_later_ones_over_loopback(ctx: Context, access: ReaderAccess) -> None:
    assert (access.host, access.port, access.domains) == ("127.0.0.1", ctx.settings.database_port, ("acme",))
    assert read(access, "select one from acme.later") == (1,)
    assert reader_access(ctx) == access
    file = ctx.settings.home / PASSWORD_FILE
    assert (file.read_text(), file.stat().st_mode & 0o777) == (access.password, 0o600)


@pytest.mark.parametrize(
    "query",
    [
        "select * from s2p.users",
        "select * from s2p.files",
        "set transaction read write; insert into acme.later values (2)",
        "set transaction read write; create table acme.mine (one int)",
        "set transaction read write; create role other",
        "copy (select 1) to program 'true'",
    ],
)
def test_it_does_nothing_else(access: ReaderAccess, query: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        read(access, query)


@pytest.mark.parametrize("other", [{"password": "guessed"}, {"user": "postgres"}])
def test_nobody_else_comes_in_that_way(access: ReaderAccess, other: dict[str, str]) -> None:
    with pytest.raises(psycopg.OperationalError):
        read(access, "select 1", **other)
