"""Events that came back, taken again: as they are, by the contract of today, or corrected by a person.

A row that was stored since for the same key stays: what is replayed is older.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import psycopg

from s2p_assets.contracts.errors import MendableError
from s2p_assets.contracts.stream import Stream
from s2p_assets.services.context import Context
from s2p_assets.services.streams.taking import placed_rows, stream_named
from s2p_assets.services.streams.wire import EventReader, row_of_change
from s2p_assets.spreadsheet.event_rows import NotRead, judge_events, read_json
from s2p_assets.warehouse.server.advisory_locks import advisory_lock
from s2p_assets.warehouse.streams.kept_events import events_at
from s2p_assets.warehouse.streams.loading import add_rows
from s2p_assets.warehouse.streams.returned_events import (
    ReturnedEvent,
    judged_again,
    open_returned,
    settle_returned,
)
from s2p_assets.warehouse.tables.contract_versions import contract_version
from s2p_assets.warehouse.tables.references import referenced_values
from s2p_assets.warehouse.tables.workbook_tables import ensure_workbook_table

AT_A_TIME = 1000
ID = "_id"
"""The member of a corrected event that says which one it corrects."""


class NotReplayed(MendableError):
    """Corrections that cannot be taken as they are; one line with the reason."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many events were taken again.

    `stored`; `repeated`: a row for the key stands already; `returned` once more; `dropped` on purpose.
    """

    stored: int = 0
    repeated: int = 0
    returned: int = 0
    dropped: int = 0

    def __add__(self, other: "Replayed") -> "Replayed":
        return Replayed(
            self.stored + other.stored,
            self.repeated + other.repeated,
            self.returned + other.returned,
            self.dropped + other.dropped,
        )


def read_corrections(text: bytes) -> dict[int, dict[str, Any]]:
    """Number of a returned event → the event as it should have been, from lines of JSON. Raises NotReplayed."""
    found: dict[int, dict[str, Any]] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        said = read_json(line)
        if isinstance(said, NotRead):
            raise NotReplayed(f"line {number}: {said.message}")
        id_ = said.pop(ID, None)
        if type(id_) is not int:
            raise NotReplayed(f'line {number}: write "{ID}", the number that `s2p returned` shows, beside its fields')
        found[id_] = said
    return found


def replay(
    ctx: Context,
    name: str,
    *,
    ids: Sequence[int] = (),
    corrected: Mapping[int, dict[str, Any]] | None = None,
    drop: bool = False,
) -> Replayed:
    """Take events that came back again, all of a stream or those named; or drop them. Raises NotFound, NotReplayed."""
    stream = stream_named(ctx, name)
    wanted = [*ids, *(corrected or {})]
    with ctx.warehouse.connect() as connection:
        ensure_workbook_table(connection, stream)
        waiting = open_returned(connection, name, ids=wanted)
        if unknown := set(wanted) - {one.id for one in waiting}:
            listed = ", ".join(map(str, sorted(unknown)[:5]))
            raise NotReplayed(f"{listed}: no event of {name} with this number waits; `s2p returned {name}` lists them")
        if drop:
            settle_returned(connection, [one.id for one in waiting], "dropped")
            return Replayed(dropped=len(waiting))
        done = Replayed()
        for first in range(0, len(waiting), AT_A_TIME):
            done += _replay(ctx, connection, stream, waiting[first : first + AT_A_TIME], corrected or {})
    return done


def _replay(
    ctx: Context,
    connection: psycopg.Connection,
    stream: Stream,
    waiting: Sequence[ReturnedEvent],
    corrected: Mapping[int, dict[str, Any]],
) -> Replayed:
    places = [(one.sheet, one.row) for one in waiting]
    with connection.transaction():
        advisory_lock(connection, stream.full_name)
        known = referenced_values(connection, stream) if stream.references else None
        found = judge_events(_events(ctx, connection, stream, waiting, corrected), places, stream, known)
        good = [one for number, one in enumerate(waiting) if number not in found.findings]
        rows = placed_rows(found.rows, places)
        counts = {"stored": 0, "repeated": 0}
        for number, one in enumerate(good):
            added = add_rows(connection, stream, rows.slice(number, 1), one.file, came_at=one.returned_at)
            settled = "stored" if added["rows"] else "repeated"
            counts[settled] += 1
            settle_returned(connection, [one.id], "stored" if added["rows"] else "repeated")
        again = [(waiting[number].id, findings) for number, findings in found.findings.items()]
        judged_again(connection, again, contract_version(stream))
        _count(connection, good, counts["stored"])
    return Replayed(counts["stored"], counts["repeated"], len(again))


def _events(
    ctx: Context,
    connection: psycopg.Connection,
    stream: Stream,
    waiting: Sequence[ReturnedEvent],
    corrected: Mapping[int, dict[str, Any]],
) -> list[Any]:
    """What each says: corrected by a person, or as the archive has it."""
    kept = events_at(connection, [(one.file, one.sheet, one.row) for one in waiting])
    reader = EventReader(ctx.settings, stream)
    events: list[Any] = []
    for one in waiting:
        event = kept.get((one.file, one.sheet, one.row))
        if one.id in corrected:
            events.append(corrected[one.id])
        elif event is None:
            events.append(NotRead("size", "the event was too large to be kept; have it sent again, smaller"))
        else:
            events.append(reader.read(event))
    return events


def _count(connection: psycopg.Connection, good: Sequence[ReturnedEvent], stored: int) -> None:
    for file in {one.file for one in good}:
        here = sum(one.file == file for one in good)
        connection.execute(
            "update s2p.files set rows_accepted = rows_accepted + %s, rows_returned = rows_returned - %s where id = %s",
            (min(here, stored), here, file),
        )


def lines_to_correct(ctx: Context, name: str) -> list[str]:
    """The events of a stream that came back, as lines of JSON to correct and replay."""
    with ctx.warehouse.connect() as connection:
        is_captured = ctx.catalog.streams[name].is_captured
        return [_as_line(one, is_captured=is_captured).decode() for one in open_returned(connection, name)]


def _as_line(event: ReturnedEvent, *, is_captured: bool) -> bytes:
    """A returned event as a line of JSON to correct and replay; of a followed table its row."""
    said = (row_of_change if is_captured else read_json)(event.event.encode())
    return orjson.dumps({ID: event.id} | (said if isinstance(said, dict) else {}))
