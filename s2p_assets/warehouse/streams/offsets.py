"""How far each partition of a stream was read, and what it means when a topic no longer is what it was.

The offsets move on in the transaction that stores the rows, which is `loading.py`.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import LiteralString

import psycopg

from s2p_assets.contracts.stream import place_of
from s2p_assets.warehouse.streams.notices import note_stream


@dataclass(frozen=True, slots=True)
class Partition:
    """A partition of a stream's topic. `next_offset`: of the first event that is not stored yet.

    `generation`: how often the topic was made anew under its name; `topic_id`: the brokers' own name for it.
    """

    topic: str
    partition: int
    generation: int = 0
    topic_id: str | None = None
    next_offset: int = 0

    @property
    def sheet(self) -> str:
        return place_of(self.topic, self.partition, self.generation)


@dataclass(frozen=True, slots=True)
class TopicBounds:
    """What a partition holds now: the offset of its first event, and the one that the next event will have."""

    first: int
    end: int
    topic_id: str | None = None


UNBOUNDED = TopicBounds(0, 2**62)
"""Of what cannot fall back, or cannot be asked now: nothing follows from it."""


def known_partitions(conn: psycopg.Connection, stream: str) -> list[Partition]:
    """All partitions that were ever read."""
    rows = conn.execute(
        "select topic, partition, generation, topic_id, next_offset from s2p.stream_offsets where stream = %s"
        " order by topic, partition",
        (stream,),
    )
    return [Partition(*row) for row in rows]


def begin_partition(
    conn: psycopg.Connection,
    stream: str,
    topic: str,
    number: int,
    ask_bounds: Callable[[Partition], TopicBounds] = lambda _: UNBOUNDED,
) -> Partition:
    """The partition as it is to be read on, with a notice where events are gone or the topic was made anew.

    `ask_bounds`: what the partition holds, asked once its offset is known, and before that is locked.
    """
    place = (stream, topic, number)
    conn.execute(
        "insert into s2p.stream_offsets (stream, topic, partition) values (%s, %s, %s) on conflict do nothing", place
    )
    seen = _known(conn, place)
    bounds = ask_bounds(seen)
    with conn.transaction():
        known = _known(conn, place, "for update")
        begun, kind, says = read_on(seen, known, bounds)
        if kind:
            note_stream(conn, stream, kind, known.sheet, says)
        if begun != known:
            conn.execute(
                "update s2p.stream_offsets set generation = %s, topic_id = %s, next_offset = %s"
                " where (stream, topic, partition) = (%s, %s, %s)",
                (begun.generation, begun.topic_id, begun.next_offset, *place),
            )
    return begun


def _known(conn: psycopg.Connection, place: tuple[str, str, int], lock: LiteralString = "") -> Partition:
    columns = "topic, partition, generation, topic_id, next_offset"
    row = conn.execute(
        f"select {columns} from s2p.stream_offsets where (stream, topic, partition) = (%s, %s, %s) {lock}",  # noqa: S608  constants of ours
        place,
    ).fetchone()
    assert row is not None
    return Partition(*row)


def read_on(seen: Partition, known: Partition, bounds: TopicBounds) -> tuple[Partition, str, str]:
    """Where to read on, the kind of notice and its words; both empty where all is as it was.

    `seen`: as it was known when the bounds were asked; another process may have moved it on since, which is no sign
    of a topic made anew. Such a topic is read from its first event: rows with a key that are stored already stay.
    """
    if known.generation != seen.generation:
        return known, "", ""
    same = replace(known, topic_id=bounds.topic_id or known.topic_id)
    is_other = bool(known.topic_id and bounds.topic_id and known.topic_id != bounds.topic_id)
    if known.next_offset and (is_other or bounds.end < seen.next_offset):
        says = (
            f"{known.topic} was made anew: s2p had read to offset {known.next_offset:,}, it ends at {bounds.end:,} now;"
            f" it is read again from {bounds.first:,}, and what is stored stays"
        )
        return replace(same, generation=known.generation + 1, next_offset=bounds.first), "made_anew", says
    if bounds.first > known.next_offset:
        if not known.next_offset:
            return replace(same, next_offset=bounds.first), "", ""
        lost = bounds.first - known.next_offset
        says = (
            f"{lost:,} events from offset {known.next_offset:,} on were deleted by {known.topic} before s2p read them;"
            " have them sent again, and let the topic keep events for longer"
        )
        return replace(same, next_offset=bounds.first), "events_lost", says
    return same, "", ""


LATE = "end_offset > next_offset and coalesce(event_at, stored_at, looked_at) < now() - interval '1 minute'"
"""Whether events wait while the newest one that is stored is more than a minute old."""


def note_ends(conn: psycopg.Connection, stream: str, ends: Sequence[tuple[str, int, int]]) -> None:
    """Where (topic, partition) end by now, from which the lag follows, and since when it is one."""
    with conn.cursor() as cursor:
        cursor.executemany(
            "update s2p.stream_offsets set end_offset = %s, looked_at = now()"
            " where (stream, topic, partition) = (%s, %s, %s)",
            [(end, stream, topic, partition) for topic, partition, end in ends],
        )
    conn.execute(
        f"update s2p.stream_offsets set late_since = case when {LATE} then coalesce(late_since, now()) end"  # noqa: S608  a constant of ours
        f" where stream = %s and (late_since is not null or {LATE})",
        (stream,),
    )


@dataclass(frozen=True, slots=True)
class LateStream:
    """A stream whose events wait: how many, since when, and of when the newest stored one is."""

    stream: str
    events: int
    since: dt.datetime
    event_at: dt.datetime | None


def late_streams(conn: psycopg.Connection, before: dt.datetime) -> list[LateStream]:
    """The streams that are late since before a moment, each once."""
    rows = conn.execute(
        "select stream, sum(end_offset - next_offset)::int8, min(late_since), min(event_at) from s2p.stream_offsets"
        " where late_since < %s group by 1 order by 1",
        (before,),
    )
    return [LateStream(*row) for row in rows]
