"""What there is to say of streams: how far behind each is, what came back, who reads it and what keeps them from it."""

import datetime as dt
from collections.abc import Iterable
from typing import Any

import psycopg

from s2p_assets.contracts.errors import MendableError
from s2p_assets.contracts.stream import Kafka, PostgresTable, Push, Source, Stream
from s2p_assets.services.context import Context
from s2p_assets.settings import Settings
from s2p_assets.warehouse.changes.progress import SourceSlot, source_slots
from s2p_assets.warehouse.streams.notices import notices_since
from s2p_assets.warehouse.streams.readers import StreamReader, living_readers
from s2p_assets.warehouse.streams.returned_events import count_returned, open_returned, returned_json

NOTICE_DAYS = 7


class NotConfigured(MendableError):
    """There is nothing to read; one line with what is lacking."""


def is_configured(settings: Settings, stream: Stream) -> bool:
    """Whether there is somewhere to read a stream from; what is pushed needs no reader."""
    if isinstance(stream.source, PostgresTable):
        return stream.source.database in settings.source_databases
    return isinstance(stream.source, Kafka) and settings.kafka is not None


def streams_to_read(ctx: Context) -> list[Stream]:
    """The streams that a process has to read."""
    return [one for one in ctx.catalog.streams.values() if is_configured(ctx.settings, one)]


def require_streams(ctx: Context) -> list[Stream]:
    """The streams that a process has to read; none where it has tables of pushed events to make. Raises NotConfigured
    with what is lacking.
    """
    if ctx.catalog.follows_pushed:
        return streams_to_read(ctx)
    declared = [one.source for one in ctx.catalog.streams.values() if not isinstance(one.source, Push)]
    if not declared:
        raise NotConfigured("no shelf declares a stream of a Kafka topic or a table; docs/streams.md says how")
    found = streams_to_read(ctx)
    if not found:
        databases = ", ".join(dict.fromkeys(one.database for one in declared if isinstance(one, PostgresTable)))
        lacks = ["S2P_KAFKA is not set; write the brokers as host:9092"] if _has_kafka(declared) else []
        lacks += [f"S2P_SOURCE_DATABASES names no {databases}; write {databases}=postgresql://…"] if databases else []
        raise NotConfigured(". ".join(lacks))
    return found


def _has_kafka(sources: Iterable[Source]) -> bool:
    return any(isinstance(one, Kafka) for one in sources)


def streams_status(ctx: Context, connection: psycopg.Connection | None = None) -> list[dict[str, Any]]:
    """Every stream, by name: see `s2p status --json`."""
    if not ctx.catalog.streams:
        return []
    if connection is None:
        with ctx.warehouse.connect() as own:
            return streams_status(ctx, own)
    counted = {
        name: rest
        for name, *rest in connection.execute(
            "select stream, sum(next_offset), sum(greatest(end_offset - next_offset, 0)), max(stored_at),"
            " max(event_at), count(*) from s2p.stream_offsets group by 1"
        )
    }
    sums = {
        name: rest
        for name, *rest in connection.execute(
            "select workbook, sum(rows_read), sum(rows_accepted), sum(rows_returned) from s2p.files"
            " where workbook = any(%s) group by 1",
            (list(ctx.catalog.streams),),
        )
    }
    open_ = count_returned(connection)
    readers = living_readers(connection)
    slots = {one.stream: one for one in source_slots(connection)}
    since = dt.datetime.now(dt.UTC) - dt.timedelta(days=NOTICE_DAYS)
    notices = notices_since(connection, since)
    return [
        _status(ctx, stream, counted.get(name), sums.get(name))
        | {
            "slot": _slot(slots.get(name)) if stream.is_captured else None,
            "returned": open_.get(name, 0),
            "readers": [_reader(one) for one in readers if one.stream == name],
            "notices": [one.message for one in notices if one.stream == name],
        }
        for name, stream in sorted(ctx.catalog.streams.items())
    ]


def _status(ctx: Context, stream: Stream, offsets: list[Any] | None, sums: list[Any] | None) -> dict[str, Any]:
    _, lag, stored_at, event_at, partitions = offsets or (0, None, None, None, 0)
    events, rows, _ = sums or (0, 0, 0)
    is_read, is_kafka = not isinstance(stream.source, Push), isinstance(stream.source, Kafka)
    return {
        "name": stream.full_name,
        "table": f"{stream.domain}.{stream.name}",
        "source": source_words(stream),
        "configured": is_configured(ctx.settings, stream) if is_read else True,
        "events": int(events),
        "rows": int(rows),
        "partitions": int(partitions),
        "lag": int(lag) if is_kafka and lag is not None else None,
        "last_stored": stored_at.isoformat() if stored_at else None,
        "last_event": event_at.isoformat() if event_at else None,
    }


def source_words(stream: Stream) -> str:
    """Where its events come from, in a few words."""
    source = stream.source
    if isinstance(source, PostgresTable):
        return f"table {source.table} of {source.database}"
    return f"topic {source.topic}" if isinstance(source, Kafka) else f"POST /api/v1/events/{stream.full_name}"


def _slot(one: SourceSlot | None) -> dict[str, Any] | None:
    if one is None:
        return None
    return {
        "name": one.slot,
        "status": one.status,
        "behind_bytes": one.behind_bytes,
        "kept_bytes": one.kept_bytes,
        "room_bytes": one.room_bytes,
        "over_since": one.over_since.isoformat() if one.over_since else None,
        "looked_at": one.looked_at.isoformat() if one.looked_at else None,
    }


def _reader(one: StreamReader) -> dict[str, Any]:
    return {"process": one.process, "state": one.state, "problem": one.problem, "since": one.since.isoformat()}


def returned_of(ctx: Context, name: str, limit: int | None = None) -> list[dict[str, Any]]:
    """The bad events of a stream that nobody has settled, the oldest first."""
    with ctx.warehouse.connect() as connection:
        return [returned_json(one) for one in open_returned(connection, name, limit=limit)]
