"""Taking events: judged by their stream's contract, and stored with their offsets.

Where they come from is in `pushing.py` and `consuming.py`.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pyarrow

from s2p_assets.contracts.errors import meant_by
from s2p_assets.contracts.findings import Finding
from s2p_assets.contracts.stream import Stream
from s2p_assets.services.context import Context
from s2p_assets.services.errors import NotFound
from s2p_assets.services.streams.clocks import note_ahead
from s2p_assets.spreadsheet.event_rows import MAX_EVENT_SHOWN, EventRows, NotRead, judge_events
from s2p_assets.warehouse.streams.loading import JudgedEvents, PartitionEvents, StoredEvents, store_events
from s2p_assets.warehouse.streams.notices import note_stream
from s2p_assets.warehouse.streams.returned_events import BadEvent
from s2p_assets.warehouse.tables.references import referenced_values
from s2p_assets.warehouse.tables.workbook_tables import ensure_workbook_table

KILOBYTE = 1024
MAX_KEPT = 1 << 20
Read = Callable[[bytes], Any]


@dataclass
class Taker:
    """What is at hand while events of one stream are taken; `connection` commits by itself.

    `read`: what an event says, or `NotRead`.
    """

    stream: Stream
    connection: psycopg.Connection
    read: Read
    _noted: set[str] = field(default_factory=set)
    _is_ahead: bool = False

    def __post_init__(self) -> None:
        ensure_workbook_table(self.connection, self.stream)

    def take(self, parts: Sequence[PartitionEvents]) -> StoredEvents:
        """Judge the events of some partitions and store them, in one transaction."""
        judged, found = self.judge(parts)
        stored = store_events(self.connection, self.stream, judged)
        self.note_unknown(found, parts[0].partition.topic)
        if not self._is_ahead:
            name, topic = self.stream.full_name, parts[0].partition.topic
            moments = [one.event_at for one in parts if one.event_at]
            self._is_ahead = note_ahead(self.connection, name, topic, max(moments, default=None), now_utc())
        return stored

    def note_unknown(self, found: EventRows, sheet: str) -> None:
        """Say once which fields of events no column is read from."""
        for name in set(found.unknown) - self._noted:
            says = f"events have a field {name!r} that no column is read from; declare it, or list it in ignores="
            note_stream(self.connection, self.stream.full_name, "new_field", sheet, says)
            self._noted.add(name)

    def judge(self, parts: Sequence[PartitionEvents]) -> tuple[JudgedEvents, EventRows]:
        """The rows of events and what is wrong with the bad ones. An event that is too large is not read."""
        events, places, kept = list[Any](), list[tuple[str, int]](), list[PartitionEvents]()
        for part in parts:
            sheet = part.partition.sheet
            held = [self._bounded(event) for event in part.events]
            events += [one if isinstance(one, NotRead) else self.read(one) for one in held]
            places += [(sheet, int(offset)) for offset in part.offsets]
            whole = [None if event is None or len(event) > MAX_KEPT else event for event in part.events]
            kept.append(PartitionEvents(part.partition, part.offsets, whole, part.event_at))
        known = referenced_values(self.connection, self.stream) if self.stream.references else None
        found = judge_events(events, places, self.stream, known)
        raw = [event for part in parts for event in part.events] if found.findings else []
        bad = [
            BadEvent(*places[number], shown_event(raw[number]), tuple(findings))
            for number, findings in found.findings.items()
        ]
        return JudgedEvents(kept, placed_rows(found.rows, places), bad), found

    def _bounded(self, event: bytes | None) -> bytes | NotRead:
        most = self.stream.max_event_kb * KILOBYTE
        if not event:
            return NotRead("empty", "the event is empty; a stream takes rows, and withdraws none")
        if len(event) > most:
            says = f"the event has {len(event):,} bytes, and at most {most:,} are taken; max_event_kb= says how many"
            return NotRead("size", says)
        return event


def placed_rows(rows: pyarrow.Table, places: Sequence[tuple[str, int]]) -> pyarrow.Table:
    """Rows with `_sheet` and `_row`, the topic and partition and the offset of their events."""
    numbers = rows.column("_number").combine_chunks()
    sheets = pyarrow.array([sheet for sheet, _ in places], pyarrow.string())
    offsets = pyarrow.array([offset for _, offset in places], pyarrow.int64())
    placed = rows.drop_columns(["_number"])
    return placed.append_column("_sheet", sheets.take(numbers)).append_column("_row", offsets.take(numbers))


def shown_event(event: bytes | None) -> str:
    """An event beside its findings: its beginning, in letters that PostgreSQL takes."""
    return (event or b"")[:MAX_EVENT_SHOWN].decode("utf-8", "replace").replace("\0", "�")


def finding_words(findings: Iterable[Finding]) -> str:
    """What is wrong with one event, in a line."""
    return "; ".join(dict.fromkeys(one.message for one in findings if one.severity == "reject"))


def stream_named(ctx: Context, name: str) -> Stream:
    """The stream of this name. Raises NotFound with what is meant."""
    found = ctx.catalog.streams.get(name)
    if found is None:
        raise NotFound(f"no stream {name!r}; {meant_by(name, ctx.catalog.streams)}")
    return found


def now_utc() -> dt.datetime:
    """The moment, for events that bring none."""
    return dt.datetime.now(dt.UTC)
