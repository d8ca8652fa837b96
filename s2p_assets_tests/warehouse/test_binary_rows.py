"""Promises of binary COPY: every value arrives as it would through CSV, missing ones too."""

import datetime as dt
from decimal import Decimal
from typing import Any

import psycopg
import pyarrow
import pytest
from psycopg import sql

from s2p_assets.warehouse.tables.binary_rows import can_be_binary
from s2p_assets.warehouse.tables.copying import copy_in

TYPES = {
    "name": "text",
    "pieces": "bigint",
    "line": "integer",
    "weight": "double precision",
    "price": "numeric",
    "day": "date",
    "moment": "timestamp without time zone",
    "fresh": "boolean",
}
SCHEMA = pyarrow.schema(
    {
        "name": pyarrow.string(),
        "pieces": pyarrow.int64(),
        "line": pyarrow.int64(),
        "weight": pyarrow.float64(),
        "price": pyarrow.float64(),
        "day": pyarrow.date32(),
        "moment": pyarrow.timestamp("us"),
        "fresh": pyarrow.bool_(),
    }
)
MISSING = (None,) * 8
ROWS: list[tuple[Any, ...]] = [
    ('é, "q"\n', 2**62, 1, 0.1, 3959.47, dt.date(1899, 12, 31), dt.datetime(9999, 12, 31, 23, 59, 59, 999_999), True),
    MISSING,
    ("", -1, -(2**31), -1e300, -0.0001, dt.date(2000, 1, 1), dt.datetime(2000, 1, 1), False),
    ("x", 0, 2**31 - 1, float("inf"), 99_999_999_999.9999 // 1, dt.date(9999, 12, 31), dt.datetime(1, 1, 1), True),
    ("y", 7, 7, 7.0, 12_345_678.9, dt.date(2024, 2, 29), dt.datetime(2024, 2, 29, 1, 2, 3), None),
    ("z", 7, 7, 7.0, 1_000_000.0, dt.date(2024, 2, 29), dt.datetime(2024, 2, 29, 1, 2, 3), None),
    ("0", 7, 7, 7.0, -0.0, dt.date(2024, 2, 29), dt.datetime(2024, 2, 29, 1, 2, 3), None),
]


def table(rows: list[tuple[Any, ...]]) -> pyarrow.Table:
    return pyarrow.Table.from_pylist([dict(zip(TYPES, row, strict=True)) for row in rows], schema=SCHEMA)


def stored(conn: psycopg.Connection, rows: pyarrow.Table) -> list[tuple[Any, ...]]:
    columns = ", ".join(f"{name} {kind}" for name, kind in TYPES.items())
    conn.execute(f"create table public.goods ({columns}, place serial)")
    copy_in(conn, sql.Identifier("public", "goods"), [rows])
    return conn.execute(f"select {', '.join(TYPES)} from public.goods order by place").fetchall()


def test_every_value_arrives_as_it_was(conn: psycopg.Connection) -> None:
    rows = table(ROWS)
    assert can_be_binary([rows], list(TYPES.values()))
    wanted = [(*row[:4], None if row[4] is None else Decimal(repr(row[4])), *row[5:]) for row in ROWS]
    assert stored(conn, rows) == wanted


def test_money_is_shown_with_the_places_it_was_written_with(conn: psycopg.Connection) -> None:
    prices = [str(row[4]) for row in stored(conn, table(ROWS))]
    assert prices == ["3959.47", "None", "-0.0001", "99999999999", "12345678.9", "1000000", "0"]


@pytest.mark.parametrize("price", [0.12345, 1e12, 1 / 3, 123_456_789_012.5])
def test_money_with_more_digits_than_fit_goes_as_text(conn: psycopg.Connection, price: float) -> None:
    rows = table([(*ROWS[0][:4], price, *ROWS[0][5:])])
    assert not can_be_binary([rows], list(TYPES.values()))
    assert stored(conn, rows)[0][4] == Decimal(repr(price))


def test_a_number_too_large_for_its_column_is_refused(conn: psycopg.Connection) -> None:
    with pytest.raises(psycopg.DataError):
        stored(conn, table([(*ROWS[0][:2], 2**31, *ROWS[0][3:])]))


def test_many_rows_arrive_in_order(conn: psycopg.Connection) -> None:
    many = [(f"n{number}", number, number, number / 8, number / 100, *ROWS[0][5:]) for number in range(70_000)]
    found = stored(conn, table(many))
    assert [row[1] for row in found] == list(range(70_000))
    assert found[12_345][4] == Decimal("123.45")
