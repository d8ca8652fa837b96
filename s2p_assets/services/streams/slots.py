"""What the slots of followed tables keep on the disks of other databases, looked at even while nobody follows them.

Following them is in `capturing.py`.
"""

import contextlib
import datetime as dt

import psycopg

from s2p_assets.contracts.stream import PostgresTable
from s2p_assets.services.context import Context
from s2p_assets.warehouse.changes.progress import SourceSlot, note_slot, source_slots
from s2p_assets.warehouse.changes.source import Source, SourceAway, SourceRefused

LOOK_AFTER = dt.timedelta(minutes=2)
"""A slot that its own reader has not looked at for so long is looked at by whoever asks."""


def looked_at_slots(ctx: Context, connection: psycopg.Connection, now: dt.datetime) -> list[SourceSlot]:
    """All slots; those that nobody looked at lately are asked for at their servers first."""
    for one in source_slots(connection):
        address = ctx.settings.source_databases.get(one.database)
        if address is None or (one.looked_at and now - one.looked_at < LOOK_AFTER):
            continue
        declared = ctx.catalog.streams.get(one.stream)
        place = declared.source if declared else None
        if not isinstance(place, PostgresTable):
            place = PostgresTable("public.none", one.database)
        source = Source(place, address.get_secret_value(), one.slot, one.slot)
        with contextlib.suppress(SourceAway, SourceRefused), source.connect() as there:
            note_slot(connection, one.stream, source.look(there), ctx.settings.slot_mb << 20)
    return source_slots(connection)
