"""How far the amounts of money in a planned file differ from the stored ones.

Which rows are new or changed is found in `row_comparison.py`.
"""

from collections.abc import Iterable, Iterator, Sequence

import psycopg
from psycopg import sql

from s2p_assets.contracts.workbook import Workbook
from s2p_assets.warehouse.files.load_plan import (
    COMPARED_ROWS,
    AmountChange,
    ExampleRow,
    equal_keys,
    fields_of,
    value_columns,
)
from s2p_assets.warehouse.tables.keys import key_expressions
from s2p_assets.warehouse.tables.workbook_tables import rows_table

_NEW_ROWS = sql.Identifier("pg_temp", "fresh")
_AMOUNT_PAIRS = sql.Identifier("pg_temp", "moved")


def changes_in_amounts(conn: psycopg.Connection, workbook: Workbook, rows_new: int) -> Iterator[AmountChange]:
    """The money columns whose amounts differ from the stored ones.

    An amount is compared with the one of its key; where the key has days and holds nothing for this one, with the
    newest one before it of the same rest of the key: a price list of April moves the prices of March.
    """
    amounts = [column.name for column in value_columns(workbook) if column.kind == "money"]
    if not amounts:
        return
    _pair_amounts(conn, workbook, amounts, rows_new)
    for number, name in enumerate(amounts):
        new, old = (sql.Identifier(f"{which}{number}") for which in ("new", "old"))
        query = sql.SQL(
            "select count(*) filter (where {new} > {old}), count(*) filter (where {new} < {old}),"
            " (avg(({new} - {old}) / {old}) filter (where {new} > {old} and {old} > 0))::float8,"
            " (avg(({new} - {old}) / {old}) filter (where {new} < {old} and {old} > 0))::float8 from {moved}"
        ).format(new=new, old=old, moved=_AMOUNT_PAIRS)
        up, down, mean_up, mean_down = conn.execute(query).fetchone() or (0, 0, None, None)
        if up or down:
            biggest = _largest_change(conn, workbook, name, new, old)
            yield AmountChange(name, up, down, mean_up, mean_down, biggest)


def _pair_amounts(conn: psycopg.Connection, workbook: Workbook, amounts: Sequence[str], rows_new: int) -> None:
    """`moved`: the key of each new or changed row as `key0` …, its amounts as `new0` …, the stored ones as `old0` …"""
    pairs = [("key", "planned", workbook.key), ("new", "planned", amounts), ("old", "stored", amounts)]
    same_key = _aliased(
        (part, f"{word}{number}") for word, row, names in pairs for number, part in enumerate(fields_of(row, names))
    )
    command = sql.SQL("create temporary table moved on commit drop as select {} from {} where change = 'changed'")
    conn.execute(command.format(same_key, COMPARED_ROWS))
    kinds = {column.name: column.kind for column in workbook.columns}
    days = [name for name in workbook.key if kinds[name] in ("date", "timestamp")]
    rest = [name for name in workbook.key if name not in days]
    if rows_new and days and rest:
        command = sql.SQL(
            "create temporary table fresh on commit drop as select (planned).* from {} where change = 'new'"
        )
        conn.execute(command.format(COMPARED_ROWS))
        conn.execute(sql.SQL("analyze {}").format(_NEW_ROWS))
        conn.execute(sql.SQL("insert into {} ").format(_AMOUNT_PAIRS) + _pairs_by_day(workbook, amounts, days, rest))


def _pairs_by_day(workbook: Workbook, amounts: Sequence[str], days: Sequence[str], rest: Sequence[str]) -> sql.Composed:
    """Each new row beside the last stored one before it of the same rest of the key.

    `known` counts the stored rows of the same rest of the key up to a day, so it names the last of them.
    """
    terms: dict[str, Sequence[sql.Composable]] = {
        "who": key_expressions(workbook.columns, rest, ""),
        "day": key_expressions(workbook.columns, days, ""),
        "key": [sql.Identifier(name) for name in workbook.key],
        "new": [sql.Identifier(name) for name in amounts],
    }
    labels = {word: [sql.Identifier(f"{word}{number}") for number in range(len(terms[word]))] for word in terms}
    pairs = [("n", label) for label in (*labels["key"], *labels["new"])] + [("o", label) for label in labels["new"]]
    return sql.SQL(
        """
        with before as (
            select {taken} from {rows} r
            where _superseded_by is null and exists (select 1 from {fresh} p where {together})
        ), numbered as (
            select *, count(*) filter (where not mine) over (partition by {who} order by {day}) as known
            from (select {taken}, true as mine from {fresh} union all select *, false from before) every_row
        )
        select {pairs} from numbered n join numbered o on {same} and o.known = n.known where n.mine and not o.mine
        """
    ).format(
        taken=_aliased(
            (term, f"{word}{number}") for word, listed in terms.items() for number, term in enumerate(listed)
        ),
        fresh=_NEW_ROWS,
        rows=rows_table(workbook.domain, workbook.name),
        together=equal_keys(workbook, rest, "p", "r"),
        who=sql.SQL(", ").join(labels["who"]),
        day=sql.SQL(", ").join(labels["day"]),
        pairs=sql.SQL(", ").join(sql.SQL("{}.{}").format(sql.Identifier(row), label) for row, label in pairs),
        same=sql.SQL(" and ").join(sql.SQL("o.{0} = n.{0}").format(label) for label in labels["who"]),
    )


def _aliased(terms: Iterable[tuple[sql.Composable, str]]) -> sql.Composed:
    """`term as label, …`"""
    return sql.SQL(", ").join(sql.SQL("{} as {}").format(term, sql.Identifier(label)) for term, label in terms)


def _largest_change(
    conn: psycopg.Connection, workbook: Workbook, name: str, new: sql.Identifier, old: sql.Identifier
) -> ExampleRow:
    keys = [sql.Identifier(f"key{number}") for number in range(len(workbook.key))]
    query = sql.SQL(
        "select {old}, {new}, {keys} from {moved} where {new} <> {old}"
        " order by abs(({new} - {old}) / nullif({old}, 0)) desc nulls last, abs({new} - {old}) desc, {keys} limit 1"
    ).format(old=old, new=new, keys=sql.SQL(", ").join(keys), moved=_AMOUNT_PAIRS)
    was, becomes, *key = conn.execute(query).fetchone() or (None, None)
    return ExampleRow(dict(zip(workbook.key, key, strict=True)), {name: (was, becomes)})
