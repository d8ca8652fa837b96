"""Tables and columns by the words of the field, where they had words of s2p's own; MLflow's tags likewise.

Derived tables are renamed with their content, so that they can be read at once; a home has only those of its domains.
"""

import json
from pathlib import Path

import psycopg
from alembic import op
from psycopg import sql

from s2p_assets.warehouse.migrations.upgrading import driver

revision = "0002"
down_revision = "0001"

RENAMES = Path(__file__).with_name("r0002_renames.json")
"""`tables`: schema, table, its new name. `columns`: schema, table by its new name, column, its new name.

`mlflow_keys`: table of MLflow's, how a key begins, how it begins from now on.
"""
OWN_TABLES = """
alter table s2p.files rename column holds to is_loaded;
alter table s2p.files rename column left_at to withdrawn_at;
alter table s2p.files rename column places to column_letters;
alter table s2p.files rename column taken to rows_by_sheet;
alter index s2p.files_held_path rename to files_loaded_path;
alter table s2p.workbooks rename column thing to table_name;
alter table s2p.contents rename column thing to table_name;
alter table s2p.entities rename column thing to table_name;
alter table s2p.entities rename column made_by to code_version;
alter table s2p.entities rename column names to entities;
alter table s2p.entities rename to entity_hashes;
alter index s2p.entities_pkey rename to entity_hashes_pkey;
alter table s2p.known_deliveries rename to delivery_history;
alter index s2p.known_deliveries_now rename to delivery_history_current;
alter view s2p.taken rename to loaded_sheets;
alter view s2p.refused rename column place to finding_number;
alter view s2p.refused rename to rejected_cells;
comment on column s2p.files.verdict is 'The verdict on these bytes.';
comment on column s2p.files.status is 'The state of the path: current, replaced by newer bytes, gone, forgotten.';
comment on column s2p.files.is_loaded is 'Whether the rows of these bytes are in the table.';
comment on column s2p.files.loaded_at is 'When the rows of these bytes were loaded.';
comment on column s2p.files.withdrawn_at is
    'When they were withdrawn; with loaded_at it says what was known at any time.';
comment on column s2p.files.rows_by_sheet is 'Sheet → rows that were loaded of it.';
comment on table s2p.contents is 'The content of each derived table, by its hash.';
comment on table s2p.delivery_history is 'Every row that the deliveries of a domain had, and from when to when.';
comment on table s2p.entity_hashes is 'A hash of the inputs of each entity of a derived table, for one content of it.';
comment on view s2p.loaded_sheets is 'The sheets of a file of which rows were loaded.';
comment on view s2p.rejected_cells is
    'The cells of a file that were rejected; finding_number 0 says why it could not be read.';
"""


def upgrade() -> None:
    """The tables of domains first, while what is known of them stands under its old name."""
    conn, renames = driver(op.get_bind()), json.loads(RENAMES.read_text(encoding="utf-8"))
    for domain, old, new in renames["tables"]:
        if _columns(conn, domain, old) and not _columns(conn, domain, new):
            _rename_table(conn, domain, old, new)
    for domain, table, old, new in renames["columns"]:
        if old in (there := _columns(conn, domain, table)) and new not in there:
            command = sql.SQL("alter table {} rename column {} to {}")
            conn.execute(command.format(sql.Identifier(domain, table), sql.Identifier(old), sql.Identifier(new)))
    conn.execute(OWN_TABLES)
    for table, old, new in renames["mlflow_keys"]:
        if _columns(conn, "mlflow", table):
            command = sql.SQL("update {} set key = %(new)s || substr(key, length(%(old)s) + 1) where {}")
            begins = sql.SQL("starts_with(key, %(old)s)")
            conn.execute(command.format(sql.Identifier("mlflow", table), begins), {"old": old, "new": new})


def _rename_table(conn: psycopg.Connection, domain: str, old: str, new: str) -> None:
    """With its indexes, some of which are looked for by name, and with what s2p knows of its content."""
    conn.execute(sql.SQL("alter table {} rename to {}").format(sql.Identifier(domain, old), sql.Identifier(new)))
    query = "select indexname from pg_indexes where schemaname = %s and tablename = %s and starts_with(indexname, %s)"
    for (index,) in conn.execute(query, (domain, new, f"{old}_")).fetchall():
        renamed = f"{new}{index.removeprefix(old)}"[:63]
        command = sql.SQL("alter index {} rename to {}")
        conn.execute(command.format(sql.Identifier(domain, index), sql.Identifier(renamed)))
    for known in ("contents", "entities"):
        command = sql.SQL("update {} set thing = %s where domain = %s and thing = %s")
        conn.execute(command.format(sql.Identifier("s2p", known)), (new, domain, old))


def _columns(conn: psycopg.Connection, domain: str, table: str) -> set[str]:
    """None where there is no such table."""
    query = "select column_name::text from information_schema.columns where table_schema = %s and table_name = %s"
    return {name for (name,) in conn.execute(query, (domain, table))}
