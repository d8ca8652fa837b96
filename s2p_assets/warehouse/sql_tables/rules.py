"""The rules of a SQL table's declaration, asked of its rows by PostgreSQL: those of columns, references and tests.

Its key and its required values are the table's own constraints.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from psycopg import sql

from s2p_assets.contracts.columns import parse_column_path
from s2p_assets.contracts.sql_table import SqlTable
from s2p_assets.warehouse.sql_tables.row_digests import Run

Condition = Callable[[sql.Identifier, Any], sql.Composable]


def _compared(operator: str) -> Condition:
    return lambda column, given: sql.SQL("{} " + operator + " {}").format(column, sql.Literal(given))


def _matched(before: str, after: str) -> Condition:
    return lambda column, given: sql.SQL("{} ~ {}").format(column, sql.Literal(f"{before}{given}{after}"))


def _among(column: sql.Identifier, given: Any) -> sql.Composable:
    return sql.SQL("{} in ({})").format(column, sql.SQL(", ").join(map(sql.Literal, given)))


def _in_range(column: sql.Identifier, given: Any) -> sql.Composable:
    least, most = (given["min_value"], given["max_value"]) if isinstance(given, dict) else given
    return sql.SQL("{} between {} and {}").format(column, sql.Literal(least), sql.Literal(most))


CONDITIONS: dict[str, Condition] = {
    **{
        name: _compared(operator)
        for name, operator in zip(("eq", "ne", "gt", "ge", "lt", "le"), ("=", "<>", ">", ">=", "<", "<="), strict=True)
    },
    "isin": _among,
    "notin": lambda column, given: sql.SQL("not ({})").format(_among(column, given)),
    "in_range": _in_range,
    "str_matches": _matched("^(?:", ")"),
    "str_contains": _matched("", ""),
    "str_startswith": lambda column, given: sql.SQL("starts_with({}, {})").format(column, sql.Literal(given)),
    "str_endswith": lambda column, given: sql.SQL("right({}, {}) = {}").format(
        column, sql.Literal(len(given)), sql.Literal(given)
    ),
}
"""Rules of columns by name, as PostgreSQL asks them; a missing value breaks none."""


def broken_rules(run: Run, table: SqlTable, rows: sql.Composable) -> list[str]:
    """A sentence for each rule of a column that `rows` (a from item) break, with a value that breaks it."""
    asked = [(column, name, given) for column in table.columns for name, given in column.checks]
    if not asked:
        return []
    terms = []
    for column, name, given in asked:
        broken = sql.SQL("not ({})").format(CONDITIONS[name](sql.Identifier(column.name), given))
        terms.append(
            sql.SQL("count(*) filter (where {0}), min({1}::text) filter (where {0})").format(
                broken, sql.Identifier(column.name)
            )
        )
    found = run(sql.SQL("select {} from {}").format(sql.SQL(", ").join(terms), rows)).fetchone() or ()
    pairs = zip(found[::2], found[1::2], strict=True)
    return [
        f"{column.name}: {name} {given} is broken by {count:,} rows, as by {value!r}"
        for (column, name, given), (count, value) in zip(asked, pairs, strict=True)
        if count
    ]


def broken_tests(run: Run, table: SqlTable, tests: Sequence[tuple[str, sql.Composable]]) -> list[str]:
    """A sentence for each column whose values are not unique or lead nowhere, and for each test that returns rows."""
    return [*_repeated(run, table), *_dangling(run, table), *_returned(run, tests)]


def _place(table: SqlTable) -> sql.Identifier:
    return sql.Identifier(table.domain, table.name)


def _repeated(run: Run, table: SqlTable) -> Iterator[str]:
    for column in (one for one in table.columns if one.unique and (one.name,) != table.key):
        query = sql.SQL(
            "select {0}::text, count(*) from {1} where {0} is not null group by {0} having count(*) > 1 limit 1"
        )
        if row := run(query.format(sql.Identifier(column.name), _place(table))).fetchone():
            yield f"{column.name}: unique is broken, {row[0]!r} is in {row[1]:,} rows"


def _dangling(run: Run, table: SqlTable) -> Iterator[str]:
    for column in (one for one in table.columns if one.references):
        domain, name, other = parse_column_path(str(column.references), table.domain)
        query = sql.SQL(
            "select count(*), min(t.{0}::text) from {1} t where t.{0} is not null"
            " and not exists (select 1 from {2} o where o.{3} = t.{0})"
        ).format(sql.Identifier(column.name), _place(table), sql.Identifier(domain, name), sql.Identifier(other))
        row = run(query).fetchone()
        if row and row[0]:
            yield f"{column.name}: {row[0]:,} rows lead nowhere in {domain}.{name}, as {row[1]!r}"


def _returned(run: Run, tests: Sequence[tuple[str, sql.Composable]]) -> Iterator[str]:
    for name, query in tests:
        if rows := run(query).fetchall():
            many = "a row" if len(rows) == 1 else "several rows"
            yield f"test {name!r}: it must return nothing, and returns {many}, as {rows[0][0]}"
