"""The history of the deliveries of a domain: each row with the time within which it was valid.

The ledger has one state of a file, and none of a file that nobody claims; today's rows are read in `deliveries.py`.
"""

import datetime as dt
import json

import pandas as pd
import psycopg
from psycopg.types.json import Jsonb

from s2p_assets.contracts.deliveries import DeliveryTable
from s2p_assets.contracts.validation import conform
from s2p_assets.warehouse.server.advisory_locks import advisory_lock
from s2p_assets.warehouse.tables.own_tables import ensure_own_tables


def record_deliveries(conn: psycopg.Connection, table: DeliveryTable, frame: pd.DataFrame) -> None:
    """Record which rows of `frame`, as declared, are new or changed, and which are gone."""
    ensure_own_tables(conn)
    rows = json.loads(frame.to_json(orient="records", date_format="iso", date_unit="us"))
    with conn.transaction():
        advisory_lock(conn, f"known {table.full_name}")
        conn.execute(
            "create temporary table incoming on commit drop as"
            " select r ->> 'path' as path, (r ->> 'version')::bigint as version, r as row"
            " from jsonb_array_elements(%s) r",
            (Jsonb(rows),),
        )
        conn.execute(
            "update s2p.delivery_history k set known_to = now() where domain = %s and known_to is null"
            " and not exists (select 1 from incoming c where (c.path, c.version, c.row) = (k.path, k.version, k.row))",
            (table.domain,),
        )
        conn.execute(
            "insert into s2p.delivery_history (domain, path, version, row)"
            " select %s, path, version, row from incoming c"
            " where not exists (select 1 from s2p.delivery_history k where k.domain = %s and k.known_to is null"
            " and (c.path, c.version, c.row) = (k.path, k.version, k.row))",
            (table.domain, table.domain),
        )


def deliveries_at(conn: psycopg.Connection, table: DeliveryTable, as_of: dt.datetime) -> pd.DataFrame:
    """The rows that were valid at `as_of`, as declared; none before the first were recorded."""
    ensure_own_tables(conn)
    held = conn.execute(
        "select row from s2p.delivery_history where domain = %s and known_from <= %s"
        " and (known_to is null or known_to > %s) order by row ->> 'file' is null, path, version",
        (table.domain, as_of, as_of),
    ).fetchall()
    rows = pd.DataFrame([row for (row,) in held], columns=[column.name for column in table.columns])
    for column in table.columns:
        if column.kind == "timestamp":
            rows[column.name] = pd.to_datetime(rows[column.name], format="ISO8601")
    return conform(rows, table.rows)
