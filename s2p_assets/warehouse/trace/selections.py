"""Rows of one source that lie under a value, and the largest of very many of them, found in one reading.

Which rows these are, and what lies under each, is worked out in `tracer.py`.
"""

from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from s2p_assets.contracts.dbt_model import DbtModel
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.warehouse.trace.ledger_views import LedgerView
from s2p_assets.warehouse.trace.traced_rows import TraceSource

SAMPLED_PERCENT = 0.5
VERY_MANY = 20_000
"""Rows, by PostgreSQL's own estimate, from which on sorting them costs more than asking a sample first."""
_RANK = 4  # of a value in the sample; 800 rows have a larger one, give or take
_FEWEST_SAMPLED = 50
_SAMPLE = sql.SQL(f" tablesample system ({SAMPLED_PERCENT}) repeatable (1)")


@dataclass(frozen=True)
class Selection:
    """Rows of one source: `query` gives its columns and `_weight`, with `values` for its placeholders.

    `columns`: those that are traced. `measure`: the one whose sum is meaningful, if any. `sample`: the same rows of
    a small part of the table, where that can be asked for.
    """

    source: TraceSource
    columns: tuple[str, ...]
    query: sql.Composable
    values: list[Any]
    measure: str | None
    sample: sql.Composable | None = None

    @property
    def has_ctid(self) -> bool:
        return has_ctid(self.source)

    @property
    def contribution(self) -> sql.Composable:
        """What a row contributes to the sum."""
        if self.measure is None:
            return sql.SQL("null::float8")
        return sql.SQL("{}::float8 * _weight").format(sql.Identifier(self.measure))

    @property
    def order(self) -> sql.Composable:
        """The largest first, where quantities are traced; else the newest, but last those that have no value."""
        way = "{}" if isinstance(self.source, LedgerView) else "{} desc"
        keys: list[sql.Composable] = [sql.SQL(way).format(sql.Identifier(name)) for name in self.source.key]
        if isinstance(self.source, Workbook):
            keys = [sql.SQL("_superseded_by is not null"), *keys, sql.SQL("_file desc, _sheet, _row")]
        if self.measure is not None:
            first = sql.SQL("abs({}) desc nulls last").format(self.contribution)
        else:
            first = sql.SQL("{} is null").format(sql.Identifier(self.columns[0]))
        return sql.SQL(", ").join([first, *keys])


def has_ctid(source: TraceSource) -> bool:
    """Whether it is a table, whose rows have a place each; workbooks, the ledger and what dbt makes may be views."""
    return not isinstance(source, Workbook | LedgerView | DbtModel)


def sampled(query: LiteralString, sample: bool, **parts: sql.Composable) -> sql.Composed:
    """`query` with its `{part}` of the table put in: all, or a small one."""
    return sql.SQL(query).format(part=_SAMPLE if sample else sql.SQL(""), **parts)


Largest = tuple[list[dict[str, Any]], int, float | None]
"""Rows in order, how many there are of which these are the largest, and the sum of all."""


def largest_in_one_reading(
    conn: psycopg.Connection, selection: Selection, most: int, very_many: int = VERY_MANY
) -> Largest | None:
    """The `most` largest rows of a table, which is read once; None where that cannot be done, or they are fewer.

    By PostgreSQL's own estimate: where it says that they are fewer, nothing is read here. Of very many, a small part
    of the table says above which value the largest lie; only those are sorted.
    """
    if not selection.has_ctid:
        return None
    estimated = _estimated_rows(conn, selection)
    if estimated < most:
        return None
    if estimated < very_many:
        return _read(conn, selection, _CHOSEN, selection.order, most)
    least = _lower_bound(conn, selection)
    return _read(conn, selection, _LARGE, sql.Literal(repr(least)), most) if least is not None else None


_CHOSEN = """
with chosen as materialized (select _ctid, _weight, {needed} from ({query}) found),
whole as materialized (select count(*) as rows, sum({value}) as total,
    array(select _ctid from chosen order by {by} limit {most}) as places from chosen)
"""
_LARGE = """
with whole as materialized (select count(*) as rows, sum({value}) as total,
    array_agg(_ctid) filter (where abs({value}) >= {by}::float8) as places from ({query}) found)
"""
_ROWS = """
select found.*, {value} as _contribution, (select rows from whole) as _rows, (select total from whole) as _total
from ({query}) found where _ctid = any((select places from whole)::tid[]) order by {order} limit {most}
"""


def _read(
    conn: psycopg.Connection, selection: Selection, whole: LiteralString, by: sql.Composable, most: int
) -> Largest | None:
    needed = dict.fromkeys([*selection.source.key, *selection.columns[:1]])
    query = sql.SQL(whole + _ROWS).format(
        needed=sql.SQL(", ").join(map(sql.Identifier, needed)),
        value=selection.contribution,
        by=by,
        query=selection.query,
        order=selection.order,
        most=sql.Literal(most),
    )
    with conn.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(query, [*selection.values, *selection.values]).fetchall()
    return (found, found[0]["_rows"], found[0]["_total"]) if len(found) == most else None


def _estimated_rows(conn: psycopg.Connection, selection: Selection) -> float:
    query = sql.SQL("explain (format json) {}").format(selection.query)
    ((plan,),) = conn.execute(query, selection.values).fetchall()
    return float(plan[0]["Plan"]["Plan Rows"])


def _lower_bound(conn: psycopg.Connection, selection: Selection) -> float | None:
    """A value that a few hundred rows exceed; None where there is no sample, or too small a one to say."""
    if selection.sample is None or selection.measure is None:
        return None
    query = sql.SQL(
        "select abs({value}) from ({sample}) found where {value} is not null order by 1 desc limit {fewest}"
    ).format(value=selection.contribution, sample=selection.sample, fewest=sql.Literal(_FEWEST_SAMPLED))
    found = conn.execute(query, selection.values).fetchall()
    return float(found[_RANK][0]) if len(found) == _FEWEST_SAMPLED else None
