"""Tables and columns that bear another name from now on: renamed where they are there, with all that names them.

Which ones is told by the revisions; a home has only the tables of the domains that it uses.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

ROWS = "__rows"


@dataclass(frozen=True, slots=True)
class RenamedTable:
    """A table of a workbook, a derived table or a feature set, by the name before `__rows`."""

    domain: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class RenamedColumn:
    """A column of the table that is called `table` by now; of a workbook's, in its view too."""

    domain: str
    table: str
    old: str
    new: str


def rename_table(conn: psycopg.Connection, it: RenamedTable) -> None:
    """Rename it, its indexes and its rows in `s2p.workbooks`, `s2p.contents` and `s2p.entities`.

    Nothing happens where there is no such table, or one of the new name is there already.
    """
    for suffix in (ROWS, ""):
        old, new = f"{it.old}{suffix}", f"{it.new}{suffix}"
        if not _is_there(conn, it.domain, old) or _is_there(conn, it.domain, new):
            continue
        command = sql.SQL("alter table {} rename to {}")
        conn.execute(command.format(sql.Identifier(it.domain, old), sql.Identifier(new)))
        _rename_indexes(conn, it, new)
    known = {"domain": it.domain, "old": it.old, "new": it.new}
    for table in ("contents", "entities"):
        conn.execute(
            sql.SQL(
                "update s2p.{0} o set thing = %(new)s where domain = %(domain)s and thing = %(old)s and not exists"
                " (select 1 from s2p.{0} n where n.domain = %(domain)s and n.thing = %(new)s)"
            ).format(sql.Identifier(table)),
            known,
        )
    workbooks = {"was": f"{it.domain}_{it.old}", "name": f"{it.domain}_{it.new}", "new": it.new}
    renamed = conn.execute(
        "update s2p.workbooks set name = %(name)s, thing = %(new)s where name = %(was)s and not exists"
        " (select 1 from s2p.workbooks where name = %(name)s)",
        workbooks,
    )
    if renamed.rowcount:
        conn.execute("update s2p.files set workbook = %(name)s where workbook = %(was)s", workbooks)


def rename_column(conn: psycopg.Connection, it: RenamedColumn) -> None:
    """Rename it, where it is there, with what `s2p.workbooks`, `s2p.files` and `s2p.known_deliveries` say of it."""
    for suffix in (ROWS, ""):
        place = f"{it.table}{suffix}"
        columns = _columns(conn, it.domain, place)
        if it.old in columns and it.new not in columns:
            command = sql.SQL("alter table {} rename column {} to {}")
            names = sql.Identifier(it.domain, place), sql.Identifier(it.old), sql.Identifier(it.new)
            conn.execute(command.format(*names))
    workbook = {"name": f"{it.domain}_{it.table}", "old": it.old, "new": it.new}
    conn.execute("update s2p.workbooks set key = array_replace(key, %(old)s, %(new)s) where name = %(name)s", workbook)
    conn.execute(
        "update s2p.files f set places = (select coalesce(jsonb_object_agg(sheet, case when letters ? %(old)s"
        " then letters - %(old)s || jsonb_build_object(%(new)s::text, letters -> %(old)s) else letters end), '{}')"
        " from jsonb_each(f.places) p(sheet, letters)) where workbook = %(name)s",
        workbook,
    )


def rename_keys(conn: psycopg.Connection, keys: Iterable[tuple[str, str]]) -> None:
    """Rename columns of the tables of deliveries within the rows that were known of them."""
    for old, new in keys:
        conn.execute(
            "update s2p.known_deliveries set row = row - %(old)s || jsonb_build_object(%(new)s::text, row -> %(old)s)"
            " where row ? %(old)s",
            {"old": old, "new": new},
        )


def rename_values(conn: psycopg.Connection, column: str, values: dict[str, str]) -> None:
    """Rename the values of a column of `s2p.files`, such as a verdict."""
    name = sql.Identifier(column)
    conn.execute(
        sql.SQL("update s2p.files set {0} = %(new)s::jsonb ->> {0} where %(new)s::jsonb ? {0}").format(name),
        {"new": Jsonb(values)},
    )


def _rename_indexes(conn: psycopg.Connection, it: RenamedTable, table: str) -> None:
    """An index is looked for by its name, which begins with that of its table."""
    query = "select indexname from pg_indexes where schemaname = %s and tablename = %s"
    for (name,) in conn.execute(query, (it.domain, table)).fetchall():
        if name.startswith(f"{it.old}_"):
            command = sql.SQL("alter index {} rename to {}")
            new = f"{it.new}{name.removeprefix(it.old)}"[:63]
            conn.execute(command.format(sql.Identifier(it.domain, name), sql.Identifier(new)))


def _is_there(conn: psycopg.Connection, domain: str, table: str) -> bool:
    return bool(_columns(conn, domain, table))


def _columns(conn: psycopg.Connection, domain: str, table: str) -> set[str]:
    query = "select column_name::text from information_schema.columns where table_schema = %s and table_name = %s"
    return {name for (name,) in conn.execute(query, (domain, table))}
