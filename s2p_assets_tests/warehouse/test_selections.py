"""Promises of the largest rows of a selection: those that sorting all of them gives, with their count and their sum."""

import math

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import dict_row

from s2p_assets.contracts import columns as c
from s2p_assets.contracts.table import Table
from s2p_assets.warehouse.trace.selections import Selection, largest_in_one_reading, sampled
from s2p_assets_tests.warehouse.test_store import _table

ROWS, MOST = 60_000, 201


class Count(c.Row):
    """One product on one day."""

    sku: c.Code = c.column(description="Which product")
    on: c.Integer = c.column(description="The day")
    units: c.Number = c.column(description="Pieces", nullable=True)


COUNTS: Table = _table(Count, ("sku", "on"))
VALUES = {
    "spread": "(n * 7919) % 5003 - 2500.25",
    "few values": "n % 3",
    "one value": "1",
    "many missing": "case when n % 50 = 0 then n % 977 end",
    "a few that are far": "case when n % 9000 = 0 then n else 0.1 end",
    "at the end alone": "case when n > 59000 then n else 0 end",
}


def stored(conn: psycopg.Connection, made: str) -> None:
    conn.execute("create schema if not exists large")
    conn.execute("drop table if exists large.stock")
    conn.execute(
        f"create table large.stock as select 'sku ' || n % 300 as sku, n as \"on\", ({made})::float8 as units"
        f" from generate_series(0, {ROWS - 1}) n"
    )
    conn.execute("analyze large.stock")
    conn.execute("set max_parallel_workers_per_gather = 0")


def selected(rows: int) -> Selection:
    query = 'select s.*{none}, s.ctid as _ctid, 0.5::float8 as _weight from {table} s{part} where "on" < {rows}'
    parts = {"none": sql.SQL(""), "table": sql.Identifier("large", "stock"), "rows": sql.Literal(rows)}
    return Selection(COUNTS, ("units",), sampled(query, False, **parts), [], "units", sampled(query, True, **parts))


@pytest.mark.parametrize("made", VALUES.values(), ids=list(VALUES))
def test_the_largest_are_those_of_all(conn: psycopg.Connection, made: str) -> None:
    stored(conn, made)
    told = 0
    for selection in (selected(ROWS), selected(ROWS // 2)):
        query = sql.SQL("select *, {value} as _contribution from ({query}) found order by {order}").format(
            value=selection.contribution, query=selection.query, order=selection.order
        )
        with conn.cursor(row_factory=dict_row) as cursor:
            every = cursor.execute(query).fetchall()
        values = [row["_contribution"] for row in every if row["_contribution"] is not None]
        by_sample, by_sorting = (largest_in_one_reading(conn, selection, MOST, many) for many in (1, 10 * ROWS))
        assert by_sorting is not None
        told += by_sample is not None
        for rows, count, total in filter(None, (by_sample, by_sorting)):
            assert [(row["sku"], row["on"], row["_contribution"]) for row in rows] == [
                (row["sku"], row["on"], row["_contribution"]) for row in every[:MOST]
            ]
            assert count == len(every)
            assert total == pytest.approx(math.fsum(values))
    assert told or made != VALUES["spread"]


def test_of_fewer_rows_nothing_is_said(conn: psycopg.Connection) -> None:
    stored(conn, "n")
    assert largest_in_one_reading(conn, selected(200), MOST) is None
