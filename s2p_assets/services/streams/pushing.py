"""Events that programs push: lines of JSON under an idempotency key, taken once however often they are sent.

What a program is told of it over HTTP is the API's.
"""

import hashlib
from dataclasses import asdict, dataclass
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from s2p_assets.contracts.errors import MendableError
from s2p_assets.contracts.stream import Push, event_place
from s2p_assets.services.context import Context
from s2p_assets.services.streams.taking import Taker, now_utc, stream_named
from s2p_assets.spreadsheet.event_rows import read_json
from s2p_assets.warehouse.server.advisory_locks import advisory_lock
from s2p_assets.warehouse.streams.loading import PartitionEvents, store_events
from s2p_assets.warehouse.streams.offsets import Partition, begin_partition

MAX_PUSHED = 100_000
MAX_KEY = 200
MAX_FINDINGS = 100
KEPT_DAYS = 30
TOPIC = Push.__name__.lower()


class NotPushed(MendableError):
    """Events that are not taken as they are; one line with the reason and what to do."""


class KeyReused(NotPushed):
    """The idempotency key was used for other events."""


@dataclass(frozen=True, slots=True)
class Pushed:
    """What became of pushed events. `again`: the answer of before, as the key and the events are known."""

    answer: dict[str, Any]
    again: bool


def pushed_lines(body: bytes) -> list[bytes]:
    """The events of a body, a line each; blank lines are none."""
    return [line for line in body.split(b"\n") if line.strip()]


def push_events(ctx: Context, name: str, body: bytes, key: str, by: str) -> Pushed:
    """Take pushed events, all good rows of them, in one transaction with the key. Raises NotPushed and NotFound."""
    stream = stream_named(ctx, name)
    if not isinstance(stream.source, Push):
        raise NotPushed(f"{name} is read from the topic {stream.topic}; nothing is pushed to it")
    if not key or len(key) > MAX_KEY:
        raise NotPushed(f"give an Idempotency-Key of 1 to {MAX_KEY} characters, so that a retry is known as one")
    events = pushed_lines(body)
    if not events:
        raise NotPushed("the body holds no event; send a line of JSON for each")
    if len(events) > MAX_PUSHED:
        raise NotPushed(f"{len(events):,} events; send at most {MAX_PUSHED:,} at a time")
    with ctx.warehouse.connect() as connection:
        taker = Taker(stream, connection, read_json)
        with connection.transaction():
            return _push(taker, connection, events, (key, hashlib.sha256(body).hexdigest(), by))


def _push(taker: Taker, connection: psycopg.Connection, events: list[bytes], sent: tuple[str, str, str]) -> Pushed:
    key, sha256, by = sent
    stream = taker.stream
    advisory_lock(connection, stream.full_name)
    known = connection.execute(
        "select sha256, answer from s2p.stream_pushes where (stream, idempotency_key) = (%s, %s)",
        (stream.full_name, key),
    ).fetchone()
    if known and known[0] != sha256:
        raise KeyReused(f"the key {key!r} was used for other events; a new key for each delivery")
    if known:
        return Pushed(known[1], again=True)
    place = begin_partition(connection, stream.full_name, TOPIC, 0)
    answer = _taken(taker, connection, place, events)
    connection.execute(
        "insert into s2p.stream_pushes (stream, idempotency_key, sha256, answer, pushed_by)"
        " values (%s, %s, %s, %s, %s)",
        (stream.full_name, key, sha256, Jsonb(answer), by),
    )
    return Pushed(answer, again=False)


def _taken(taker: Taker, connection: psycopg.Connection, place: Partition, events: list[bytes]) -> dict[str, Any]:
    first = place.next_offset
    part = PartitionEvents(place, range(first, first + len(events)), events, now_utc())
    judged, found = taker.judge([part])
    stored = store_events(connection, taker.stream, judged)
    taker.note_unknown(found, place.topic)
    findings = [{"line": number + 1} | asdict(one) for number, wrong in found.findings.items() for one in wrong]
    return {
        "stream": taker.stream.full_name,
        "events": len(events),
        "stored": stored.rows,
        "repeated": stored.repeated,
        "returned": stored.returned,
        "first": event_place(place.sheet, first),
        "findings": findings[:MAX_FINDINGS],
    }


def forget_old_keys(connection: psycopg.Connection) -> None:
    """Idempotency keys older than `KEPT_DAYS` are forgotten: no program retries for so long."""
    connection.execute(
        "delete from s2p.stream_pushes where pushed_at < now() - make_interval(days => %s)", (KEPT_DAYS,)
    )
