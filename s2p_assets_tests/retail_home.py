"""The sample company in a home of its own, its share processed to the last report, for tests of the whole house.

What it is put through belongs to the tests.
"""

import datetime as dt
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openpyxl
import psycopg
import pytest
from psycopg import sql

from s2p_assets.definitions import Graph, build
from s2p_assets.graph.asset_keys import asset_key, sheet_key
from s2p_assets.graph.running.headless import process
from s2p_assets.graph.running.instance import open_instance
from s2p_assets.graph.running.one_run import PassResult, run_assets
from s2p_assets.samples import crm_share, f1_share, retail_share
from s2p_assets.settings import Settings
from s2p_assets.warehouse.server.connection import connect
from s2p_assets.warehouse.tables import store
from s2p_assets.warehouse.tables.own_tables import ensure_own_tables

UNTIL = dt.date(2026, 3, 31)


@dataclass
class Company:
    """One installation: its settings, its graph, and how to run it."""

    settings: Settings
    graph: Graph

    def run(self) -> dict[str, Any]:
        graph = build(self.settings)
        status = process(graph.ctx, graph.definitions, lambda _: None)
        assert status["failures"] == []
        return status

    def ingest(self, workbook: str) -> None:
        """What lies on the share for one kind of workbook, into its table; nothing is made of it."""
        graph, declared = build(self.settings), self.graph.ctx.catalog.workbooks[workbook]
        finished = PassResult()
        with open_instance(self.settings) as instance:
            run_assets(graph.definitions, instance, {sheet_key(declared), asset_key(declared)}, finished, {})
        assert finished.failures == []

    def made(self) -> list[str]:
        """The assets that one more pass makes."""
        return sorted(asset for run in self.run()["runs"] for asset in run["assets"])

    def units(self, name: str, sku: str | None = None) -> float:
        with self.graph.ctx.warehouse.connect() as connection:
            rows = store.read_rows(
                connection, "retail", name, self.graph.ctx.catalog.workbooks[f"retail_{name}"].columns
            )
        return float((rows if sku is None else rows[rows["sku"] == sku])["quantity"].sum())


class Processed:
    """The sample company in one place, processed once, and set back to that for every module that asks for it.

    A folder and a database beside its own keep each state that is come back to.
    """

    def __init__(self, folder: Path, server: str, name: str) -> None:
        self._folder, self._home, self._server, self._name = folder, folder / "home", server, name
        self.settings = Settings(home=self._home, share=self._home / "share", database_url=self._url())
        self._copy_database(None, name)
        list(retail_share.write_share(self.settings.share, until=UNTIL, skus=20))
        Company(self.settings, build(self.settings)).run()
        self._keep("retail")

    def again(self) -> Company:
        """The company as it was when its share had just been processed, whatever was done to it since."""
        return self._back_to("retail")

    def with_other_domains(self) -> Company:
        """The same with the other sample domains on its share as well, processed too."""
        if not self._kept("all domains").exists():
            company = self.again()
            list(crm_share.write_share(company.settings.share, until=UNTIL, deals=120))
            list(f1_share.write_share(company.settings.share, until=UNTIL, years=2))
            made = company.made()
            assert {asset.partition("/")[0] for asset in made} == {"crm", "f1"}, "retail was made again"
            self._keep("all domains")
        return self._back_to("all domains")

    def _kept(self, state: str) -> Path:
        return self._folder / state

    def _keep(self, state: str) -> None:
        shutil.copytree(self._home, self._kept(state))
        self._copy_database(self._name, f"{self._name} {state}")

    def _back_to(self, state: str) -> Company:
        shutil.rmtree(self._home)
        shutil.copytree(self._kept(state), self._home)
        self._copy_database(f"{self._name} {state}", self._name)
        return Company(self.settings, build(self.settings))

    def _url(self) -> str:
        before, _, after = self._server.partition("?")
        return f"{before.rpartition('/')[0]}/{self._name}?{after}"

    def _copy_database(self, known: str | None, name: str) -> None:
        with connect(self._server) as conn:
            conn.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))
            if known is None:
                conn.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
                return
            conn.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", (known,))
            names = sql.Identifier(name), sql.Identifier(known)
            conn.execute(sql.SQL("create database {} template {}").format(*names))


def emptied(database_url: str) -> str:
    """The same address, with nothing left in its database of the tests before."""
    with connect(database_url) as conn:
        _drop_schemas(conn)
    return database_url


def _drop_schemas(conn: psycopg.Connection, but: str = "") -> None:
    found = conn.execute("select nspname from pg_namespace where nspname !~ '^(pg_|information_schema)'").fetchall()
    for (schema,) in found:
        if schema != but:
            conn.execute(sql.SQL("drop schema {} cascade").format(sql.Identifier(schema)))
    conn.execute("create schema public")


STRUCTURE = """
    select md5(coalesce(string_agg(part::text, ' ' order by part::text), '')) from (
        select (oid, nspacl) as part from pg_namespace where nspname = 's2p'
        union all select (oid, relname, relkind, relacl, relrowsecurity) from pg_class where relnamespace = %(s2p)s
        union all select (attrelid, attname, atttypid, attnotnull, attisdropped, attacl, attidentity)
            from pg_attribute join pg_class on attrelid = pg_class.oid where relnamespace = %(s2p)s
        union all select (oid, conname, convalidated) from pg_constraint where connamespace = %(s2p)s
        union all select (oid, tgname, tgenabled) from pg_trigger
            where tgrelid in (select oid from pg_class where relnamespace = %(s2p)s)
        union all select (oid, md5(prosrc), proacl) from pg_proc where pronamespace = %(s2p)s
        union all select (oid, defaclacl) from pg_default_acl
        union all select (objoid, objsubid, md5(description)) from pg_description
            where objoid in (select oid from pg_class where relnamespace = %(s2p)s)
    ) parts
"""
_own_tables: dict[str, Any] = {}
"""By address: how s2p's own tables were made there."""


def with_own_tables(database_url: str) -> str:
    """The same address, with nothing in its database but s2p's own tables, as they are made in an empty one.

    Making them costs two tenths of a CPU second; where they still stand as they were made, they are only emptied.
    """
    with connect(database_url) as conn:
        made = _structure(conn)
        if made is None or _own_tables.get(database_url) != made:
            emptied(database_url)
            ensure_own_tables(conn)
            _own_tables[database_url] = _structure(conn)
            return database_url
        _drop_schemas(conn, but="s2p")
        tables = "select relname from pg_class where relnamespace = 's2p'::regnamespace and relkind = 'r'"
        for (table,) in conn.execute(f"{tables} and relname <> 'alembic_version'").fetchall():
            name = sql.Identifier("s2p", table)
            if conn.execute(sql.SQL("select exists (select from {})").format(name)).fetchone() == (True,):
                conn.execute(sql.SQL("truncate {} cascade").format(name))
        moved = "select sequencename from pg_sequences where schemaname = 's2p' and last_value is not null"
        for (sequence,) in conn.execute(moved).fetchall():
            conn.execute(sql.SQL("alter sequence {} restart").format(sql.Identifier("s2p", sequence)))
    return database_url


def _structure(conn: psycopg.Connection) -> str | None:
    """What tells whether the schema of s2p's own tables was changed; None where it is not there."""
    found = conn.execute("select oid from pg_namespace where nspname = 's2p'").fetchone()
    row = conn.execute(STRUCTURE, {"s2p": found[0]}).fetchone() if found else None
    noted = conn.execute("select to_regclass('s2p.alembic_version')").fetchone()
    if row is None or noted is None or noted[0] is None:
        return None
    return f"{row[0]} {conn.execute('select version_num from s2p.alembic_version').fetchall()}"


@contextmanager
def nothing_set() -> Iterator[pytest.MonkeyPatch]:
    """No setting but those that are handed over; those of the environment are back afterwards."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("DAGSTER_HOME", *(f"S2P_{name.upper()}" for name in Settings.model_fields)):
            patch.setenv(name, "")
        yield patch


@pytest.fixture(scope="session")
def processed(tmp_path_factory: pytest.TempPathFactory, database_url: str, worker_id: str) -> Processed:
    """The sample company, processed when the first module of this worker asks for it."""
    with nothing_set():
        return Processed(tmp_path_factory.mktemp("company"), database_url, f"company_{worker_id}")


@pytest.fixture(scope="module")
def company(processed: Processed) -> Iterator[Company]:
    """A company whose sample share has been processed once, and nothing else."""
    with nothing_set():
        yield processed.again()


def sales(file: Path, quantity: int, sku: str = "") -> Path:
    """A small retail sales workbook for the last week of the sample."""
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.append(["SKU", "Quantity", "From date", "To date"])
    sheet.append([sku or "NEW-0001", quantity, dt.date(2026, 3, 23), dt.date(2026, 3, 29)])
    file.parent.mkdir(parents=True, exist_ok=True)
    book.save(file)
    return file
