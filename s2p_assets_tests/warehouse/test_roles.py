"""Whoever only reads cannot write, whoever writes rows cannot alter a table, and where roles lack, one line says so."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from s2p_assets.settings import Settings
from s2p_assets.warehouse.server import embedded
from s2p_assets.warehouse.server.connection import connect
from s2p_assets.warehouse.server.pool import open_pool
from s2p_assets.warehouse.server.roles import DOOR, SECRET_TABLES, WRITER, create_schema, ensure_roles, roles_script
from s2p_assets.warehouse.warehouse import Warehouse

FORBIDDEN = psycopg.errors.InsufficientPrivilege


@pytest.fixture
def warehouse(empty_database_url: str, tmp_path: Path) -> Warehouse:
    found = Warehouse(Settings(home=tmp_path, database_url=empty_database_url))
    with found.connect() as owner:
        create_schema(owner, "shop")
        owner.execute("create table shop.sales (id int)")
        owner.execute("insert into shop.sales values (1)")
    return found


def test_who_reads_cannot_write_even_after_asking_to(warehouse: Warehouse) -> None:
    with warehouse.reading() as reader:
        assert reader.execute("select current_user").fetchone() == (DOOR,)
        assert reader.execute("select * from shop.sales").fetchall() == [(1,)]
        assert reader.execute("select count(*) from s2p.files").fetchone() == (0,)
        for statement in (
            "insert into shop.sales values (2)",
            "delete from shop.sales",
            "truncate shop.sales",
            "update s2p.files set path = 'x'",
            "drop table shop.sales",
            "create table shop.more (id int)",
            "create schema more",
            "set role postgres",
            f"set role {WRITER}",
        ):
            with pytest.raises(FORBIDDEN):
                reader.execute(statement)
        reader.execute("reset role")
        reader.execute("set session authorization default")
        with pytest.raises(FORBIDDEN):
            reader.execute("delete from shop.sales")


def test_who_reads_sees_nothing_of_who_may_come_in(warehouse: Warehouse) -> None:
    with warehouse.reading() as reader:
        for table in SECRET_TABLES:
            with pytest.raises(FORBIDDEN):
                reader.execute(f"select * from s2p.{table}")


def test_every_table_with_a_secret_in_it_is_kept_from_who_reads(warehouse: Warehouse) -> None:
    query = (
        "select table_name from information_schema.columns where table_schema = 's2p'"
        " and column_name ~ '^(hash|password.*|.*secret.*|token.*)$'"
    )
    with warehouse.connect() as owner:
        found = {name for (name,) in owner.execute(query)}
    assert found
    assert found <= set(SECRET_TABLES)


def test_who_writes_rows_makes_alters_and_drops_no_table(warehouse: Warehouse) -> None:
    with warehouse.writing() as writer:
        assert writer.execute("select current_user").fetchone() == (WRITER,)
        writer.execute("insert into shop.sales values (2)")
        writer.execute("delete from s2p.sessions")
        for statement in (
            "alter table shop.sales add x int",
            "drop table shop.sales",
            "create table shop.more (id int)",
        ):
            with pytest.raises(FORBIDDEN):
                writer.execute(statement)


def test_the_pool_that_answers_the_api_only_reads(warehouse: Warehouse) -> None:
    async def asked() -> str:
        pool = await open_pool(warehouse.addresses.reading, most=1)
        try:
            await pool.fetch("select * from shop.sales")
            await pool.execute("delete from shop.sales")
        except Exception as error:
            return type(error).__name__
        finally:
            pool.terminate()
        return "deleted"

    assert asyncio.run(asked()) == "InsufficientPrivilegeError"


@pytest.fixture
def server(folder: Path) -> Iterator[str]:
    """One of the test's own: roles belong to a server, and other tests' databases need those of theirs."""
    url = embedded.start_server(folder / "server")
    with connect(url) as superuser:
        superuser.execute("create role modest login")
        superuser.execute("grant create, temp on database postgres to modest")
    yield url
    embedded.release_server(folder / "server")


def test_an_owner_who_may_not_make_roles_is_told_so_and_the_script_that_is_printed_makes_them(
    server: str, tmp_path: Path
) -> None:
    settings = Settings(home=tmp_path, database_url=psycopg.conninfo.make_conninfo(server, user="modest"))
    lacking = Warehouse(settings).addresses
    assert lacking.reading == lacking.writing
    assert lacking.lacking
    assert "s2p roles --sql" in lacking.lacking
    with connect(server) as superuser:
        for statement in roles_script(tmp_path, "modest").splitlines():
            superuser.execute(statement)
    whole = Warehouse(settings)
    assert whole.addresses.lacking is None
    with whole.reading() as reader, pytest.raises(FORBIDDEN):
        reader.execute("delete from s2p.files")


def test_roles_that_are_there_cost_one_query(warehouse: Warehouse, tmp_path: Path) -> None:
    with warehouse.connect() as owner:
        ensure_roles(owner, tmp_path / "never", embedded=False)
    assert not (tmp_path / "never").exists()
