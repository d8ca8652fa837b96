"""What there is to tell of streams: rows that came back, once for each kind and hour; what keeps a stream away.

Files are in `file_matters.py`.
"""

import datetime as dt

import psycopg

from s2p_assets.contracts.stream import event_place
from s2p_assets.messaging.matters import Matter
from s2p_assets.services.context import Context
from s2p_assets.services.streams.slots import looked_at_slots
from s2p_assets.services.streams.taking import finding_words
from s2p_assets.services.streams.telling import is_configured
from s2p_assets.warehouse.changes.progress import SourceSlot
from s2p_assets.warehouse.streams.notices import notices_since
from s2p_assets.warehouse.streams.offsets import LateStream, late_streams
from s2p_assets.warehouse.streams.readers import living_readers
from s2p_assets.warehouse.streams.returned_events import ReturnedKind, returned_kinds

NOTICE_DAYS = 7
PATIENCE = dt.timedelta(minutes=5)


def returned_event_matters(connection: psycopg.Connection, since: dt.datetime) -> list[Matter]:
    """The rows of streams that came back since: of each kind one matter an hour, however many there are."""
    return [_returned(one) for one in returned_kinds(connection, since)]


def _returned(one: ReturnedKind) -> Matter:
    count = f"{one.events:,} {'event' if one.events == 1 else 'events'}"
    what = finding_words(one.findings)
    return Matter(
        "returned_events",
        f"{one.stream}:{one.kind}:{one.hour.isoformat()}",
        f"{count} of {one.stream.replace('_', ' ')} came back",
        "Correct them where they come from, and have them sent again; all others are stored. Or tell whoever looks "
        "after s2p, who can correct them here.",
        (
            f"{event_place(one.sheet, one.row)}: {what}",
            f"To list them: s2p returned {one.stream}",
            f"To take them again: s2p replay {one.stream}",
        ),
        owner=one.owner,
    )


def stream_matters(ctx: Context, connection: psycopg.Connection, now: dt.datetime) -> list[Matter]:
    """Events that are gone, topics made anew, new fields; streams that nobody reads, or whose reader waits."""
    notices = [
        Matter(
            "stream",
            f"{one.stream}:{one.kind}:{one.sheet}:{one.message}",
            f"{one.stream.replace('_', ' ')}: {one.message.partition(';')[0]}",
            one.message.partition("; ")[2] or "See s2p status.",
        )
        for one in notices_since(connection, now - dt.timedelta(days=NOTICE_DAYS))
    ]
    readers = {one.stream: one for one in living_readers(connection)}
    waiting = [
        Matter(
            "stream",
            f"{name}:waits:{reader.since.isoformat()}",
            f"{name.replace('_', ' ')} is not read",
            "Nothing is lost: reading goes on by itself where it ended, once what it waits for is there.",
            (reader.problem or "",),
        )
        for name, reader in readers.items()
        if reader.state == "waiting" and now - reader.since > PATIENCE
    ]
    late = [_late(one) for one in late_streams(connection, now - PATIENCE)]
    slots = [_keeps_too_much(one) for one in looked_at_slots(ctx, connection, now) if one.over_since]
    return (
        notices
        + waiting
        + late
        + slots
        + [_unread(name) for name in _unread_streams(ctx, connection, now) if name not in readers]
    )


def _late(one: LateStream) -> Matter:
    return Matter(
        "stream",
        f"{one.stream}:late:{one.since.isoformat()}",
        f"{one.stream.replace('_', ' ')} lags: {one.events:,} events wait",
        "What comes in is more than is taken: let more processes read (s2p stream, here or on another computer). "
        "Nothing is lost for as long as the topic keeps its events.",
        (f"The newest stored event is of {one.event_at:%Y-%m-%d %H:%M} UTC",) if one.event_at else (),
    )


def _keeps_too_much(one: SourceSlot) -> Matter:
    kept = f"{(one.kept_bytes or 0) >> 20:,} MB"
    assert one.over_since is not None
    bound = (
        "has no bound, so its disk fills in the end"
        if one.room_bytes is None
        else (f"bears {max(one.room_bytes, 0) >> 20:,} MB more, then the table is read anew")
    )
    return Matter(
        "stream",
        f"{one.stream}:slot:{one.over_since.isoformat()}",
        f"{one.database} keeps {kept} of its log for {one.stream.replace('_', ' ')}",
        f"See in s2p status why it is not read, and let s2p up or s2p stream run. The log there {bound}.",
        (f"If it is not to be read any more: select pg_drop_replication_slot('{one.slot}'); at {one.database}",),
    )


def _unread_streams(ctx: Context, connection: psycopg.Connection, now: dt.datetime) -> list[str]:
    """The streams that were read once and that no process reads now."""
    read = {
        name
        for (name,) in connection.execute(
            "select stream from s2p.stream_offsets group by 1 having max(looked_at) < %s", (now - PATIENCE,)
        )
    }
    return [
        one.full_name
        for one in ctx.catalog.streams.values()
        if is_configured(ctx.settings, one) and one.full_name in read
    ]


def _unread(name: str) -> Matter:
    return Matter(
        "stream",
        f"{name}:unread",
        f"{name.replace('_', ' ')} is read by no process",
        "Start s2p up, or s2p stream; reading goes on where it ended, for as long as its events or its log are kept.",
    )
