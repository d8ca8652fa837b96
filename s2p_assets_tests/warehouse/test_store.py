"""The promises of derived tables: their content, its version, and what is read back."""

import datetime as dt
import os
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from types import FunctionType
from typing import Any

import numpy as np
import pandas as pd
import psycopg
import pytest

from s2p_assets.contracts import columns as c
from s2p_assets.contracts.table import Table
from s2p_assets.contracts.validation import conform
from s2p_assets.warehouse.server.connection import connect
from s2p_assets.warehouse.tables import introspection, store
from s2p_assets.warehouse.tables.content_versions import content_version
from s2p_assets.warehouse.tables.ddl import ContractChanged
from s2p_assets.warehouse.tables.not_stored import NotStored
from s2p_assets.warehouse.tables.store import DuplicateKey


class Stock(c.Row):
    """One product on one day."""

    sku: c.Code = c.column(description="Which product")
    on: c.Date = c.column(description="The day")
    shop: c.Code = c.column(description="Which shop", nullable=True)
    count: c.Integer = c.column(description="Pieces")
    ordered: c.Integer = c.column(description="Pieces on their way", nullable=True)
    price: c.Money = c.column(description="Price of one", unit="EUR", nullable=True)
    share: c.Percent = c.column(description="Share of all", nullable=True)
    seen: c.Timestamp = c.column(description="When it was counted", nullable=True)
    sold_out: c.Boolean = c.column(description="Whether none is left")
    ending: c.Boolean = c.column(description="Whether it will not be ordered again", nullable=True)


def _make() -> pd.DataFrame:
    """The stock."""
    return pd.DataFrame()


def _table(rows: type[c.Row] = Stock, key: tuple[str, ...] = ("sku", "on", "shop")) -> Table:
    build: Callable[..., pd.DataFrame] = FunctionType(_make.__code__, _make.__globals__)
    build.__module__, build.__doc__ = "shelf.acme_stock", "The stock."
    return Table(build=build, owner="Ann", rows=rows, key=key)


def _frame(rows: int = 3) -> pd.DataFrame:
    numbers = np.arange(rows)
    return pd.DataFrame(
        {
            "sku": pd.Series([f"{n:04d}" for n in numbers], dtype="string[pyarrow]"),
            "on": pd.Series(pd.Timestamp("2024-02-29") + pd.to_timedelta(numbers, unit="D")),
            "shop": pd.Series([None if n % 2 else f"shop {n}" for n in numbers], dtype="string[pyarrow]"),
            "count": pd.Series(numbers, dtype="int64"),
            "ordered": pd.Series([None if n % 2 else int(n) for n in numbers], dtype="Int64"),
            "price": pd.Series([np.nan if n % 2 else n + 0.1 for n in numbers], dtype="float64"),
            "share": pd.Series(numbers / 7, dtype="float64"),
            "seen": pd.Series([pd.NaT if n % 2 else pd.Timestamp("2024-02-29 12:34:56.789012") for n in numbers]),
            "sold_out": pd.Series(numbers % 2 == 0, dtype="bool"),
            "ending": pd.Series([None if n % 2 else True for n in numbers], dtype="boolean"),
        }
    )


def test_what_is_stored_is_read_back_with_the_same_values_and_types(conn: psycopg.Connection) -> None:
    table, frame = _table(), _frame(50)
    stored = store.replace_table(conn, table, frame)
    assert (stored.rows, stored.changed) == (50, True)
    back = store.read_rows(conn, "acme", "stock", table.columns, order=["sku"])
    pd.testing.assert_frame_equal(back, frame.astype({"on": "datetime64[ns]", "seen": "datetime64[ns]"}))
    assert content_version(back) == stored.version
    typed = conform(frame, Stock)
    assert store.replace_table(conn, table, typed) == store.ReplaceResult(50, stored.version, changed=False)


def test_an_empty_table_is_read_with_the_declared_types(conn: psycopg.Connection) -> None:
    table = _table()
    store.replace_table(conn, table, _frame(0))
    back = store.read_rows(conn, "acme", "stock", table.columns)
    assert len(back) == 0
    assert (
        back.dtypes.to_dict() == _frame(0).astype({"on": "datetime64[ns]", "seen": "datetime64[ns]"}).dtypes.to_dict()
    )


def test_the_same_content_is_not_written_again(conn: psycopg.Connection) -> None:
    table, frame = _table(), _frame()
    first = store.replace_table(conn, table, frame)
    written = conn.execute("select xmin::text from acme.stock").fetchall()
    again = store.replace_table(conn, table, frame.sample(frac=1, random_state=0)[list(reversed(frame.columns))])
    assert (again.version, again.changed) == (first.version, False)
    assert conn.execute("select xmin::text from acme.stock").fetchall() == written


def test_new_content_takes_the_place_of_the_old_as_a_whole(conn: psycopg.Connection, empty_database_url: str) -> None:
    table = _table()
    store.replace_table(conn, table, _frame(3))
    with connect(empty_database_url) as other, conn.transaction():
        assert store.replace_table(conn, table, _frame(2)).changed
        assert introspection.count_rows(other, "acme", "stock") == 3
    assert introspection.count_rows(conn, "acme", "stock") == 2
    assert store.stored_version(conn, "acme", "stock") == content_version(_frame(2))


def test_a_repeated_key_is_named_and_nothing_is_stored(conn: psycopg.Connection) -> None:
    table, frame = _table(), _frame()
    store.replace_table(conn, table, frame)
    twice = pd.concat([frame, frame.iloc[[0, 1]]])
    with pytest.raises(
        DuplicateKey, match=r"acme\.stock: more than one row for sku 0000, on 2024-02-29, shop shop 0; "
    ):
        store.replace_table(conn, table, twice)
    with pytest.raises(DuplicateKey, match="sku 0001"):
        store.replace_table(conn, table, pd.concat([frame, frame.iloc[[1]]]))
    assert introspection.count_rows(conn, "acme", "stock") == 3


def test_a_frame_that_is_not_as_declared_is_refused_before_storing(conn: psycopg.Connection) -> None:
    table, frame = _table(), _frame()
    with pytest.raises(KeyError, match=r"missing columns \['price'\], undeclared columns \['cost'\]"):
        store.replace_table(conn, table, frame.rename(columns={"price": "cost"}))
    with pytest.raises(ValueError, match="column count is declared as integer"):
        store.replace_table(conn, table, frame.assign(count=[1.5, 2.0, 3.0]))
    with pytest.raises(psycopg.errors.NotNullViolation, match="count"):
        store.replace_table(conn, table, frame.assign(count=pd.Series([1, None, 3], dtype="Int64")))
    assert store.stored_version(conn, "acme", "stock") is None


def test_a_table_that_was_never_stored_is_named(conn: psycopg.Connection) -> None:
    with pytest.raises(NotStored, match=r"acme\.stock is not stored as declared .* materialize it"):
        store.read_rows(conn, "acme", "stock", _table().columns)


def test_money_of_a_derived_table_is_exact_and_far_days_survive(conn: psycopg.Connection) -> None:
    table = _table()
    store.replace_table(conn, table, _frame(1).assign(price=[0.1], on=[dt.date(9999, 12, 31)]))
    assert conn.execute('select price, "on" from acme.stock').fetchone() == (Decimal("0.1"), dt.date(9999, 12, 31))
    assert store.read_rows(conn, "acme", "stock", table.columns)["on"].iloc[0] == pd.Timestamp("9999-12-31").as_unit(
        "us"
    )


def _with(**fields: Any) -> type[c.Row]:
    """Stock with other columns."""
    declared = dict(Stock.__annotations__)
    values = {}
    for name, field in fields.items():
        declared.pop(name, None)
        if field is not None:
            declared[name], values[name] = field
    kept = {column.name: column for column in c.columns_of(Stock)}
    for name in declared:
        if name not in values:
            column = kept[name]
            values[name] = c.column(description=column.description, nullable=column.nullable)
    return type("Stock", (c.Row,), {"__module__": __name__, "__annotations__": declared, **values})


def test_a_derived_table_follows_its_declaration(conn: psycopg.Connection) -> None:
    store.replace_table(conn, _table(), _frame())
    more = _table(_with(colour=(c.Text, c.column(description="Colour", nullable=True)), sold_out=None))
    frame = _frame().drop(columns="sold_out").assign(colour="red")
    assert store.replace_table(conn, more, frame).changed
    assert store.read_rows(conn, "acme", "stock", more.columns)["colour"].tolist() == ["red"] * 3
    assert conn.execute("select count(sold_out) from acme.stock").fetchone() == (0,)
    retyped = _table(_with(count=(c.Text, c.column(description="Pieces"))))
    assert store.replace_table(conn, retyped, _frame().assign(count=["1", "2", "many"])).changed
    other_key = _table(key=("sku",))
    store.replace_table(conn, other_key, _frame())
    with pytest.raises(psycopg.errors.UniqueViolation):
        conn.execute("insert into acme.stock select * from acme.stock limit 1")
    assert store.replace_table(conn, other_key, _frame()).changed is False


def test_the_key_is_unique_in_the_database_too_missing_parts_included(conn: psycopg.Connection) -> None:
    store.replace_table(conn, _table(), _frame())
    with pytest.raises(psycopg.errors.UniqueViolation):
        conn.execute("insert into acme.stock select * from acme.stock where shop is null")


def test_a_view_that_somebody_built_on_a_derived_table_survives_new_content(conn: psycopg.Connection) -> None:
    store.replace_table(conn, _table(), _frame())
    conn.execute("create view public.sold_out as select * from acme.stock where sold_out")
    store.replace_table(conn, _table(), _frame(9))
    assert conn.execute("select count(*) from public.sold_out").fetchone() == (5,)
    with pytest.raises(ContractChanged, match="view sold_out depends on"):
        store.replace_table(conn, _table(key=("sku",)), _frame())


@pytest.mark.parametrize(
    "change",
    [
        lambda frame: frame.assign(count=frame["count"] + 1),
        lambda frame: frame.assign(price=frame["price"].fillna(0)),
        lambda frame: frame.assign(shop=frame["shop"].fillna("")),
        lambda frame: frame.assign(seen=frame["seen"] + pd.Timedelta(microseconds=1)),
        lambda frame: frame.assign(ending=frame["ending"].fillna(False)),
        lambda frame: frame.iloc[:-1],
        lambda frame: pd.concat([frame, frame.iloc[[0]]]),
        lambda frame: frame.rename(columns={"price": "cost"}),
        lambda frame: frame.assign(count=frame["count"].to_numpy()[::-1]),
        lambda frame: frame.assign(sku=frame["ordered"].astype("string"), ordered=frame["sku"]),
    ],
)
def test_the_content_version_changes_with_any_value(change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    assert content_version(change(_frame())) != content_version(_frame())


def test_the_content_version_does_not_change_with_order_or_form() -> None:
    frame = _frame(100)
    version = content_version(frame)
    assert content_version(frame.sample(frac=1, random_state=1)) == version
    assert content_version(conform(frame, Stock)) == version
    assert content_version(frame.astype({"count": "Int64", "shop": object, "sku": "category"})) == version
    assert content_version(frame.assign(share=frame["share"].replace(0.0, -0.0))) == version


def test_the_content_version_is_the_same_in_every_process_and_for_ever() -> None:
    known = "bd2d594edf5b4b05c5b3d9bd2042d9d6f650391b9955422f566cf5265195c52f"
    code = "from s2p_assets_tests.warehouse.test_store import _frame; "
    code += "from s2p_assets.warehouse.tables.content_versions import content_version; print(content_version(_frame()))"
    ran = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.strip() == content_version(_frame()) == known
