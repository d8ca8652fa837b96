"""Promises of the frames that a run keeps: a table is read once, never as it was, and memory is bounded."""

import pandas as pd
import psycopg
import pytest

from s2p_assets.contracts import columns as c
from s2p_assets.contracts.table import Table
from s2p_assets.services.frame_cache import FrameCache
from s2p_assets.warehouse.tables import store

READS = "select coalesce(sum(seq_scan), 0) from pg_stat_xact_user_tables where relname = %s"


class Count(c.Row):
    """Pieces of a product."""

    sku: c.Code = c.column(description="Which product")
    pieces: c.Integer = c.column(description="Pieces")


def table(name: str) -> Table:
    def build() -> pd.DataFrame:
        """Counts."""
        return pd.DataFrame()

    build.__module__ = f"shelf.shop_{name}"
    return Table(build=build, owner="Ann", rows=Count, key=("sku",))


def counts(*pieces: int) -> pd.DataFrame:
    names = pd.Series([f"{number:04d}" for number in range(len(pieces))], dtype="string[pyarrow]")
    return pd.DataFrame({"sku": names, "pieces": pd.Series(pieces, dtype="int64")})


def reads(conn: psycopg.Connection, name: str) -> int:
    row = conn.execute(READS, (name,)).fetchone()
    return int(row[0]) if row else 0


def test_a_table_is_read_once_and_each_reader_has_it_for_himself(conn: psycopg.Connection) -> None:
    stock, cache = table("stock"), FrameCache()
    store.replace_table(conn, stock, counts(1, 2))
    with conn.transaction():
        first = cache.read(conn, stock)
        first.loc[0, "pieces"] = 99
        once = reads(conn, "stock")
        second = cache.read(conn, stock)
        assert reads(conn, "stock") == once
    assert second["pieces"].tolist() == [1, 2]


def test_a_table_that_was_made_again_is_read_again(conn: psycopg.Connection) -> None:
    stock, cache = table("stock"), FrameCache()
    store.replace_table(conn, stock, counts(1, 2))
    cache.read(conn, stock)
    store.replace_table(conn, stock, counts(3))
    assert cache.read(conn, stock)["pieces"].tolist() == [3]


@pytest.mark.parametrize(("frames", "kept"), [(0.5, []), (1.5, ["orders"]), (2.5, ["stock", "orders"])])
def test_no_more_is_kept_than_there_is_room_for_and_the_oldest_goes_first(
    conn: psycopg.Connection, frames: float, kept: list[str]
) -> None:
    cache = FrameCache(most_bytes=int(frames * counts(1, 2).memory_usage(deep=True).sum()))
    with conn.transaction():
        for name in ("stock", "orders"):
            store.replace_table(conn, table(name), counts(1, 2))
            cache.read(conn, table(name))
        before = {name: reads(conn, name) for name in ("stock", "orders")}
        for name in reversed(before):
            assert cache.read(conn, table(name))["pieces"].tolist() == [1, 2]
        assert [name for name in before if reads(conn, name) == before[name]] == kept
