"""Formula 1's SQL tables made in PostgreSQL of given frames, for tests of what is made of them."""

from collections.abc import Mapping

import pandas as pd
import psycopg

from s2p_assets.catalog.catalog import Key, key_of
from s2p_assets.catalog.loading import load_catalog
from s2p_assets.contracts.sql_table import SqlTable
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.warehouse.sql_tables.making import make_sql_table
from s2p_assets.warehouse.tables import store

FCT_ENTRIES = Key("f1", "fct_entries")


def made_in_sql(conn: psycopg.Connection, frames: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """`fct_entries` of the workbooks' rows in `frames`, every table below it made."""
    catalog = load_catalog(("s2p_assets",))
    for key in reversed(catalog.upstream(FCT_ENTRIES)):
        declared = catalog.by_key[key]
        if isinstance(declared, Workbook):
            rows = frames[declared.name]
            store.replace_table(conn, declared, rows[[one.name for one in declared.columns]])
    done: set[Key] = set()

    def make(key: Key) -> None:
        declared = catalog.by_key[key]
        if key not in done and isinstance(declared, SqlTable):
            for below in catalog.inputs_of(declared).values():
                make(below)
            make_sql_table(conn, declared)
            done.add(key)

    make(FCT_ENTRIES)
    declared = catalog.by_key[FCT_ENTRIES]
    assert isinstance(declared, SqlTable)
    assert key_of(declared) == FCT_ENTRIES
    return store.read_rows(conn, "f1", "fct_entries", declared.columns)
