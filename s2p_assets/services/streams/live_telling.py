"""How the tables stand that follow streams by the second, for `s2p status`, the screen and engineers.

Nothing is made here.
"""

import datetime as dt
from typing import Any

import psycopg

from s2p_assets.messaging.matters import Matter
from s2p_assets.services.context import Context
from s2p_assets.warehouse.sql_tables.live_standing import live_standings

PATIENCE = dt.timedelta(minutes=2)
"""A table of which a shelf file is being written is broken for a moment, which concerns nobody."""


def live_tables_status(ctx: Context, connection: psycopg.Connection) -> list[dict[str, Any]]:
    """Each table with `every`: when it was last made, how long that took, what keeps it from that and since when."""
    known = live_standings(connection) if ctx.catalog.live_tables else {}
    found = []
    for table in ctx.catalog.live_tables:
        one = known.get(table.full_name)
        found.append(
            {
                "name": table.full_name,
                "every": table.every,
                "problem": one.problem if one else None,
                "since": one.since.isoformat() if one and one.problem else None,
                "made_at": one.made_at.isoformat() if one and one.made_at else None,
                "seconds": one.seconds if one else None,
            }
        )
    return found


def live_table_matters(ctx: Context, connection: psycopg.Connection, now: dt.datetime) -> list[Matter]:
    """The tables that cannot be made, each told once while it lasts."""
    return [
        Matter(
            "stream",
            f"{one['name']}:live:{one['since']}",
            f"{one['name'].replace('_', ' ')} does not follow its streams any more",
            "Its rows stand as they last were. Correct its file, or what it is made of; it is tried again each minute.",
            (one["problem"],),
        )
        for one in live_tables_status(ctx, connection)
        if one["problem"] and now - dt.datetime.fromisoformat(one["since"]) > PATIENCE
    ]
