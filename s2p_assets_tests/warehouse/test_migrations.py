"""s2p's own tables are brought up to date, once and wholly; a newer home is refused."""

import os
import subprocess
import sys
import time
from typing import Any

import psycopg
import pytest
from psycopg import sql

from s2p_assets.services.errors import one_line
from s2p_assets.warehouse.migrations.revisions import HEAD, HomeTooNew, note
from s2p_assets.warehouse.migrations.upgrading import upgrade
from s2p_assets.warehouse.server.connection import connect
from s2p_assets.warehouse.tables.own_tables import ensure_own_tables
from s2p_assets_tests.older_home import new_database, restored

UPGRADE = """
import sys
from s2p_assets.warehouse.server.connection import connect
from s2p_assets.warehouse.migrations.revisions import HEAD, HomeTooNew, note
from s2p_assets.warehouse.migrations.upgrading import upgrade
with connect(sys.argv[1]) as conn:
    print(upgrade(conn))
"""
COLUMNS = """
select table_name::text, column_name::text, data_type::text, is_nullable::text, column_default::text,
    col_description(format('%%I.%%I', table_schema, table_name)::regclass, ordinal_position::int)
from information_schema.columns where table_schema = 's2p' and table_name <> 'alembic_version' order by 1, 2
"""
RULES = """
select conrelid::regclass::text, pg_get_constraintdef(oid) from pg_constraint
where connamespace = 's2p'::regnamespace and contype <> 'n' and conname not like 'alembic%%' order by 1, 2
"""
INDEXES = "select indexdef from pg_indexes where schemaname = 's2p' and indexname not like 'alembic%%' order by 1"
VIEWS = "select viewname::text, definition from pg_views where schemaname = 's2p' order by 1"


def rows_of(conn: psycopg.Connection, *schemas: str) -> dict[str, int]:
    """Table → how many rows, of all tables but Alembic's."""
    query = "select schemaname, tablename from pg_tables where schemaname = any(%s) and tablename <> 'alembic_version'"
    counted = {}
    for schema, table in conn.execute(query, (list(schemas),)).fetchall():
        count = conn.execute(sql.SQL("select count(*) from {}").format(sql.Identifier(schema, table))).fetchone()
        counted[f"{schema}.{table}"] = count[0] if count else 0
    return counted


def schema_of(url: str) -> dict[str, list[Any]]:
    """All that `information_schema` and the catalogue say of the schema `s2p`."""
    with connect(url) as conn:
        return {query: conn.execute(query.replace("%%", "%")).fetchall() for query in (COLUMNS, RULES, INDEXES, VIEWS)}


def revision_of(url: str) -> str | None:
    with connect(url) as conn:
        if conn.execute("select to_regclass('s2p.alembic_version')").fetchone() == (None,):
            return None
        return str(*conn.execute("select version_num from s2p.alembic_version").fetchall()[0])


def started(url: str) -> "subprocess.Popen[str]":
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", UPGRADE, url]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for_lock(conn: psycopg.Connection, waiting: int, *processes: "subprocess.Popen[str]") -> None:
    """Until so many sessions of this database wait for a lock."""
    query = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    deadline = time.monotonic() + 120
    while conn.execute(query).fetchone() != (waiting,):
        ended = [process.communicate() for process in processes if process.poll() is not None]
        assert not ended, ended
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_home_of_0_1_0_keeps_every_row(database_url: str) -> None:
    url = restored(database_url)
    with connect(url) as conn:
        before = rows_of(conn, "s2p", "crm", "mlflow")
        assert all(count for table, count in before.items() if table.startswith("s2p."))
        ensure_own_tables(conn)
        after = rows_of(conn, "s2p", "crm", "mlflow")
    assert sorted(filter(None, after.values())) == sorted(filter(None, before.values()))
    assert revision_of(url) == HEAD


def test_a_renamed_table_keeps_its_rows_and_what_s2p_knows_of_it(database_url: str) -> None:
    with connect(restored(database_url)) as conn:
        before = rows_of(conn, "s2p", "crm", "mlflow")
        upgrade(conn, "0002")
        after = rows_of(conn, "s2p", "crm", "mlflow")
        told = conn.execute("select domain, table_name, rows from s2p.contents").fetchall()
        tags: dict[str, int] = dict(
            conn.execute("select key, count(*) from mlflow.registered_model_tags group by 1").fetchall()
        )
        recipes = conn.execute(
            "select count(*) from mlflow.model_version_tags where key = 's2p.fingerprint'"
        ).fetchone()
    assert sorted(after.values()) == sorted(before.values())
    assert len(after.keys() - before.keys()) >= 3
    assert {f"{domain}.{table}": rows for domain, table, rows in told} == {
        table: count for table, count in after.items() if table.startswith("crm.") and not table.endswith("__rows")
    }
    assert {key for key in tags if "00" in key} == {f"s2p.tenure.0000{number}" for number in (1, 2, 3)}
    assert recipes == (10,)


def test_revision_0001_is_what_0_1_0_had(database_url: str) -> None:
    url = new_database(database_url)
    with connect(url) as conn:
        upgrade(conn, "0001")
    assert schema_of(url) == schema_of(restored(database_url))


@pytest.mark.parametrize("revision", ["0001", "0002", "0003"])
def test_an_upgraded_database_is_as_a_fresh_one(database_url: str, revision: str) -> None:
    fresh, upgraded = new_database(database_url), restored(database_url)
    for url in (fresh, upgraded):
        with connect(url) as conn:
            upgrade(conn, revision)
    assert schema_of(fresh) == schema_of(upgraded)


def test_a_database_that_is_up_to_date_is_asked_once_and_nothing_is_loaded(database_url: str) -> None:
    url = new_database(database_url)
    with connect(url) as conn:
        ensure_own_tables(conn)
    code = "import sys; from s2p_assets.warehouse.server.connection import connect;"
    code += (
        "from s2p_assets.warehouse.tables.own_tables import ensure_own_tables; ensure_own_tables(connect(sys.argv[1]));"
    )
    code += "print({'alembic', 'sqlalchemy'} & set(sys.modules))"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    said = subprocess.run(
        [sys.executable, "-c", code, url], env=environment, check=True, capture_output=True, text=True
    )
    assert said.stdout.strip() == "set()"


def test_a_newer_home_is_refused_in_one_line(database_url: str) -> None:
    url = new_database(database_url)
    with connect(url) as conn:
        ensure_own_tables(conn)
        conn.execute("update s2p.alembic_version set version_num = '9001'")
        conn.execute(sql.SQL("comment on table s2p.alembic_version is {}").format(note("9001")))
        before = schema_of(url)
        with pytest.raises(HomeTooNew) as raised:
            ensure_own_tables(conn)
    said = one_line(raised.value)
    assert said is not None
    assert "revision 9001" in said
    assert "S2P_HOME" in said
    assert "\n" not in said
    assert (revision_of(url), schema_of(url)) == ("9001", before)


def test_two_processes_that_open_a_home_at_once_migrate_it_once(database_url: str) -> None:
    url = restored(database_url)
    with connect(url) as holder, connect(url) as conn:
        with holder.transaction():
            holder.execute("select pg_advisory_xact_lock(hashtextextended('s2p own tables', 42))")
            both = [started(url) for _ in range(2)]
            wait_for_lock(conn, 2, *both)
        said = [process.communicate() for process in both]
        assert rows_of(conn, "s2p")["s2p.files"] > 0
    assert [process.returncode for process in both] == [0, 0], said
    assert {out.strip() for out, _ in said} == {"None", HEAD}


def test_a_process_killed_in_the_middle_leaves_the_home_as_it_was(database_url: str) -> None:
    url = restored(database_url)
    before = schema_of(url)
    with connect(url) as holder, connect(url) as conn:
        tables = rows_of(conn, "s2p", "crm")
        with holder.transaction():
            holder.execute("lock table s2p.known_deliveries in row exclusive mode")
            process = started(url)
            wait_for_lock(conn, 1, process)
            process.kill()
            process.communicate()
        assert rows_of(conn, "s2p", "crm") == tables
    assert (revision_of(url), schema_of(url)) == (None, before)
    with connect(url) as conn:
        ensure_own_tables(conn)
    assert revision_of(url) == HEAD
