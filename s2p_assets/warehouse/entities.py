"""The inputs of each entity of a derived table, as hashes: one row per table, beside `s2p.contents`.

The rows themselves are stored by `store.py`; which entities to compute again is not decided here.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import psycopg

from s2p_assets.warehouse.own_tables import prepare
from s2p_assets.warehouse.store import stored_version


@dataclass(frozen=True, slots=True)
class MadeOf:
    """Entity → hash of its inputs. `version`: of the content computed; `made_by`: of the code."""

    version: str
    made_by: str
    hashes: "pd.Series[Any]"


def remember(conn: psycopg.Connection, domain: str, thing: str, made: MadeOf) -> None:
    """Store the inputs of the content `made.version`. They count once that content is stored, and as long as it is."""
    prepare(conn)
    signed = made.hashes.to_numpy("uint64").view(np.int64).tolist()
    conn.execute(
        "insert into s2p.entities values (%s, %s, %s, %s, %s, %s) on conflict (domain, thing) do update"
        " set version = excluded.version, made_by = excluded.made_by,"
        " names = excluded.names, hashes = excluded.hashes",
        (domain, thing, made.version, made.made_by, [str(entity) for entity in made.hashes.index], signed),
    )


def recall(conn: psycopg.Connection, domain: str, thing: str, *, made_by: str) -> "pd.Series[Any] | None":
    """The hashes of the stored content's inputs; None when they are unknown, or other code computed it."""
    prepare(conn)
    row = conn.execute(
        "select version, names, hashes from s2p.entities where domain = %s and thing = %s and made_by = %s",
        (domain, thing, made_by),
    ).fetchone()
    if row is None or row[0] != stored_version(conn, domain, thing):
        return None
    hashes = np.array(row[2], dtype=np.int64).view(np.uint64)
    return pd.Series(hashes, index=pd.Index(row[1], dtype=object))
