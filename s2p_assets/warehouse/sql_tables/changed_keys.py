"""What changed below an incremental table since it was made: the values of its key, noted by triggers on its sources.

How the rows of a source bear the key is found in `catalog/sql_keys.py`.
"""

import hashlib
import re
from dataclasses import dataclass

import psycopg
from psycopg import sql

from s2p_assets.catalog.sql_keys import SERIES
from s2p_assets.contracts.sql_table import SqlTable
from s2p_assets.warehouse.sql_tables.row_digests import RowDigest
from s2p_assets.warehouse.tables.introspection import relation_kind
from s2p_assets.warehouse.trace.indexes import ensure_index, has_more_rows

KEYS = sql.Identifier("pg_temp", "s2p_keys")
FEW = 1_000
"""Keys below which the rows of none are counted first."""
MOST_NAMED = 5_000
"""Values of a column that are named in the select, so that PostgreSQL looks for these alone."""
TABLES = ("r", "p")
EVENTS = (
    ("insert", "referencing new table as changed"),
    ("update", "referencing old table as was new table as changed"),
    ("delete", "referencing old table as changed"),
    ("truncate", ""),
)


@dataclass(frozen=True)
class ChangedKeys:
    """The values of a table's incremental columns whose rows are to be made again; they stand in `KEYS`.

    A missing value there stands for any. `digest`, `rows`: of the table as it is stored.
    """

    columns: tuple[str, ...]
    count: int
    digest: RowDigest
    rows: int
    patterns: tuple[tuple[bool, ...], ...]
    named: tuple[tuple[str, sql.Composable], ...]

    def condition(self, alias: str, *, pushed: bool = False) -> sql.Composed:
        """The condition for rows `alias` with one of the keys; `pushed`: with values that PostgreSQL looks up first."""
        alternatives: list[sql.Composable] = []
        for pattern in self.patterns:
            names = [name for name, given in zip(self.columns, pattern, strict=True) if given]
            own = sql.SQL(", ").join(sql.Identifier(alias, name) for name in names)
            chosen = sql.SQL(", ").join(map(sql.Identifier, names))
            same = sql.SQL(" and ").join(
                sql.SQL("{} is " + ("not null" if name in names else "null")).format(sql.Identifier(name))
                for name in self.columns
            )
            alternatives.append(sql.SQL("({}) in (select {} from {} where {})").format(own, chosen, KEYS, same))
        found = sql.SQL("({})").format(sql.SQL(" or ").join(alternatives) if alternatives else sql.SQL("false"))
        for name, values in self.named if pushed else ():
            found += sql.SQL(" and {} = any({})").format(sql.Identifier(alias, name), values)
        return found


def take(conn: psycopg.Connection, table: SqlTable, stored: str | None, *, whole: bool) -> ChangedKeys | None:
    """What changed since the table was made, taken off the record; None where all of it is to be made again.

    Needs a transaction around it. From now on every change below is noted.
    """
    begun = _ensure_triggers(conn, table)
    made = conn.execute(
        "select first, second, rows, code_version, version from s2p.sql_tables where domain = %s and table_name = %s",
        (table.domain, table.name),
    ).fetchone()
    as_stored = made is not None and stored is not None and made[3:] == (table.code_version, stored)
    if whole or begun or not as_stored or made is None:
        conn.execute("delete from s2p.changed_keys where domain = %s and table_name = %s", (table.domain, table.name))
        return None
    return _keys(conn, table, made)


def _keys(conn: psycopg.Connection, table: SqlTable, made: tuple[int, ...]) -> ChangedKeys | None:
    """The record moved into `KEYS`; None where it says that anything may have changed."""
    types = {column.name: column.postgres_type for column in table.columns}
    names = [sql.Identifier(name) for name in table.incremental]
    fields = sql.SQL(", ").join(sql.SQL("{} " + types[name]).format(sql.Identifier(name)) for name in table.incremental)
    conn.execute(sql.SQL("drop table if exists {}").format(KEYS))
    conn.execute(sql.SQL("create temporary table s2p_keys ({}) on commit drop").format(fields))
    values = sql.SQL(", ").join(
        sql.SQL("(key ->> {})::" + types[name]).format(sql.Literal(at)) for at, name in enumerate(table.incremental)
    )
    moved = sql.SQL(
        "with taken as (delete from s2p.changed_keys where domain = %s and table_name = %s returning key),"
        " kept as (insert into {} select distinct {} from taken where key is not null returning 1)"
        " select coalesce(bool_or(key is null), false), (select count(*) from kept) from taken"
    ).format(KEYS, values)
    is_anything, count = conn.execute(moved, (table.domain, table.name)).fetchone() or (False, 0)
    given = sql.SQL(", ").join(sql.SQL("{} is not null").format(name) for name in names)
    patterns = conn.execute(sql.SQL("select distinct {} from {}").format(given, KEYS)).fetchall()
    if is_anything or not all(map(any, patterns)):
        return None
    conn.execute(sql.SQL("analyze {}").format(KEYS))
    named = []
    for at, name in enumerate(names):
        query = sql.SQL("select distinct {}::text from {} limit {}").format(name, KEYS, sql.Literal(MOST_NAMED + 1))
        found = [value for (value,) in conn.execute(query)] if all(pattern[at] for pattern in patterns) else []
        if 0 < len(found) <= MOST_NAMED:
            cast = sql.SQL("{}::" + types[table.incremental[at]] + "[]").format(sql.Literal(sorted(found)))
            named.append((table.incremental[at], cast))
    digest, rows = RowDigest(made[0], made[1]), made[2]
    return ChangedKeys(table.incremental, count, digest, rows, tuple(sorted(patterns)), tuple(named))


def note_made(conn: psycopg.Connection, table: SqlTable, digest: RowDigest, version: str, rows: int) -> None:
    """Note of which content the table was made, so that the next change can be told from it."""
    if table.incremental:
        conn.execute(
            "insert into s2p.sql_tables (domain, table_name, code_version, version, first, second, rows)"
            " values (%s, %s, %s, %s, %s, %s, %s) on conflict (domain, table_name) do update set"
            " code_version = excluded.code_version, version = excluded.version, first = excluded.first,"
            " second = excluded.second, rows = excluded.rows",
            (table.domain, table.name, table.code_version, version, digest.first, digest.second, rows),
        )


def was_touched(conn: psycopg.Connection, table: SqlTable) -> bool:
    """Whether something below changed since it was made, or it was not made by this code."""
    row = conn.execute(
        "select exists (select from s2p.changed_keys where domain = %(domain)s and table_name = %(name)s)"
        " or not exists (select from s2p.sql_tables where domain = %(domain)s and table_name = %(name)s"
        " and code_version = %(code)s)",
        {"domain": table.domain, "name": table.name, "code": table.code_version},
    ).fetchone()
    return bool(row and row[0])


def index_followed(conn: psycopg.Connection, table: SqlTable, *, min_rows: int = 0) -> None:
    """Have the rows of its sources found by the key that they bear; of those alone that hold more than `min_rows`."""
    physical = {one.place: f"{one.name}__rows" if one.row_id else one.name for one in table.sources}
    for place, parts in table.followed:
        terms = [_as_written(part) for part in parts if part and SERIES not in part]
        source = sql.Identifier(place[0], physical[place])
        if not terms or relation_kind(conn, place[0], physical[place]) not in TABLES:
            continue
        if min_rows and not has_more_rows(conn, source, min_rows):
            continue
        try:
            _index_terms(conn, place, source, terms)
        except psycopg.errors.InvalidObjectDefinition:  # it depends on the time zone
            if plain := [term for term in terms if "(" not in term.replace("CAST(", "", 1)]:
                _index_terms(conn, place, source, plain)


def _as_written(part: str) -> str:
    """A part as most write it, as PostgreSQL looks for an index by the very text: `week`, not `WEEK`."""
    return re.sub(r"(?<=DATE_TRUNC\(')\w+", lambda unit: unit[0].lower(), part)


def _index_terms(conn: psycopg.Connection, place: tuple[str, str], source: sql.Identifier, terms: list[str]) -> None:
    digest = hashlib.blake2b(" ".join(terms).encode(), digest_size=5).hexdigest()
    indexed = sql.SQL(", ").join(sql.SQL("({})").format(sql.SQL(part)) for part in terms)
    ensure_index(conn, place[0], f"{place[1]}__for_{digest}"[-63:], source, indexed)


def _trigger_prefix(domain: str, name: str) -> str:
    return f"s2p_keys_{hashlib.blake2b(f'{domain}.{name}'.encode(), digest_size=5).hexdigest()}_"


def _ensure_triggers(conn: psycopg.Connection, table: SqlTable) -> bool:
    """Have every source note its changes; whether one did not yet."""
    prefix = _trigger_prefix(table.domain, table.name)
    wanted = {}
    physical = {one.place: f"{one.name}__rows" if one.row_id else one.name for one in table.sources}
    unheard = False
    for place, parts in table.followed:
        if relation_kind(conn, place[0], physical[place]) not in TABLES:
            unheard = True  # a view, as dbt makes them: nobody says when its rows change
            continue
        terms = ", ".join(part or "null" for part in parts)
        digest = hashlib.blake2b(f"{place} {terms}".encode(), digest_size=5).hexdigest()
        for event, tables in EVENTS:
            wanted[place[0], physical[place], f"{prefix}{digest}_{event}"] = (event, tables, terms)
    there = {
        (str(schema), str(name), str(trigger))
        for schema, name, trigger in conn.execute(
            "select n.nspname, c.relname, t.tgname from pg_trigger t join pg_class c on c.oid = t.tgrelid"
            " join pg_namespace n on n.oid = c.relnamespace where starts_with(t.tgname, %s)",
            (prefix,),
        )
    }
    for schema, name, trigger in there - wanted.keys():
        _drop(conn, schema, name, trigger)
    for schema, name, trigger in sorted(wanted.keys() - there):
        event, tables, terms = wanted[schema, name, trigger]
        conn.execute(
            sql.SQL(
                "create trigger {} after " + event + " on {} " + tables + " for each statement"
                " execute function s2p.note_changed_keys({}, {}, {})"
            ).format(
                sql.Identifier(trigger),
                sql.Identifier(schema, name),
                *map(sql.Literal, (table.domain, table.name, terms)),
            )
        )
    return unheard or bool(wanted.keys() - there)


def _drop(conn: psycopg.Connection, schema: str, name: str, trigger: str) -> None:
    conn.execute(
        sql.SQL("drop trigger if exists {} on {}").format(sql.Identifier(trigger), sql.Identifier(schema, name))
    )


def forget_others(conn: psycopg.Connection, incremental: list[tuple[str, str]]) -> None:
    """End the notes for tables that are no more, or no more incremental; `incremental`: those that are."""
    known = conn.execute("select domain, table_name from s2p.sql_tables").fetchall()
    for domain, table in set(known) - set(incremental):
        with conn.transaction():
            found = conn.execute(
                "select n.nspname, c.relname, t.tgname from pg_trigger t join pg_class c on c.oid = t.tgrelid"
                " join pg_namespace n on n.oid = c.relnamespace where starts_with(t.tgname, %s)",
                (_trigger_prefix(domain, table),),
            ).fetchall()
            for schema, name, trigger in found:
                _drop(conn, schema, name, trigger)
            for note in ("sql_tables", "changed_keys"):
                query = sql.SQL("delete from {} where domain = %s and table_name = %s")
                conn.execute(query.format(sql.Identifier("s2p", note)), (domain, table))
