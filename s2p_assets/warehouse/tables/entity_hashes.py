"""The inputs of each entity of a derived table, as hashes: one row per table, beside `s2p.contents`.

The rows themselves are stored by `store.py`; which entities to compute again is not decided here.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import psycopg

from s2p_assets.warehouse.tables.own_tables import ensure_own_tables
from s2p_assets.warehouse.tables.store import stored_version


@dataclass(frozen=True, slots=True)
class EntityInputs:
    """Entity → hash of its inputs. `version`: of the content computed; `code_version`: of the code."""

    version: str
    code_version: str
    hashes: "pd.Series[Any]"


def store_entity_hashes(conn: psycopg.Connection, domain: str, name: str, made: EntityInputs) -> None:
    """Store the inputs of the content `made.version`. They count once that content is stored, and as long as it is."""
    ensure_own_tables(conn)
    signed = made.hashes.to_numpy("uint64").view(np.int64).tolist()
    conn.execute(
        "insert into s2p.entity_hashes values (%s, %s, %s, %s, %s, %s) on conflict (domain, table_name) do update"
        " set version = excluded.version, code_version = excluded.code_version,"
        " entities = excluded.entities, hashes = excluded.hashes",
        (domain, name, made.version, made.code_version, [str(entity) for entity in made.hashes.index], signed),
    )


def stored_entity_hashes(
    conn: psycopg.Connection, domain: str, name: str, *, code_version: str
) -> "pd.Series[Any] | None":
    """The hashes of the stored content's inputs; None when they are unknown, or other code computed it."""
    ensure_own_tables(conn)
    row = conn.execute(
        "select version, entities, hashes from s2p.entity_hashes where domain = %s and table_name = %s and "
        "code_version = %s",
        (domain, name, code_version),
    ).fetchone()
    if row is None or row[0] != stored_version(conn, domain, name):
        return None
    hashes = np.array(row[2], dtype=np.int64).view(np.uint64)
    return pd.Series(hashes, index=pd.Index(row[1], dtype=object))
