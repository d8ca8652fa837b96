"""Changes of a table elsewhere, judged by the contract of their stream and stored, batch by batch.

Where they come from, and what is done when they stop coming, is in `capturing.py`.
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

import psycopg

from s2p_assets.contracts.findings import Finding
from s2p_assets.contracts.stream import Stream
from s2p_assets.contracts.values import as_json
from s2p_assets.services.streams.taking import placed_rows, shown_event
from s2p_assets.spreadsheet.event_rows import NotRead, judge_events, read_keys
from s2p_assets.warehouse.changes.applying import note_seen, standing_keys, standing_row
from s2p_assets.warehouse.changes.pgoutput import Change, Relation
from s2p_assets.warehouse.changes.progress import note_columns, types_of
from s2p_assets.warehouse.streams.loading import JudgedEvents, PartitionEvents, store_captured
from s2p_assets.warehouse.streams.notices import note_stream
from s2p_assets.warehouse.streams.offsets import Partition, begin_partition
from s2p_assets.warehouse.streams.returned_events import BadEvent
from s2p_assets.warehouse.tables.references import referenced_values

BATCH = 10_000
KILOBYTE = 1024
NOT_KNOWN = "a long value did not change, so its database does not tell it, and no row with this key is stored"


class ReadAnew(Exception):
    """The table has to be read from the start; why, for people."""


@dataclass
class ChangeStore:
    """Stores the changes of one stream within the transaction that its caller holds.

    `types`: the number of each column's type as last seen; `fields`: column → the field it is read from.
    """

    stream: Stream
    connection: psycopg.Connection
    types: dict[str, int] = field(default_factory=dict)
    stored: int = 0
    _fields: dict[str, str] = field(default_factory=dict)
    _lost: str = ""
    _noted: set[str] = field(default_factory=set)

    def meet(self, relation: Relation) -> None:
        """Take note of the table as it is now. Raises ReadAnew where a column that is read has another type."""
        now, name = types_of(relation), self.stream.full_name
        self._fields = found_fields(self.stream, relation)
        changed = [one for one in self._read_columns() if one in self.types and self.types[one] != now.get(one)]
        missing = [one.name for one in self.stream.columns if one.name not in self._fields]
        if changed and not missing:
            raise ReadAnew(f"its column {', '.join(changed)} changed its type")
        self._lost = f"{relation.table} has no column for {', '.join(missing)} any more" if missing else ""
        if self._lost:
            says = f"{self._lost}; its rows come back until the contract or the table is corrected"
            note_stream(self.connection, name, "column_lost", relation.table, says)
        if now != self.types:
            self.types = now
            note_columns(self.connection, name, relation)
        self._note_unknown(relation)

    def _read_columns(self) -> set[str]:
        return {one.partition(".")[0] for one in self._fields.values()}

    def _note_unknown(self, relation: Relation) -> None:
        wanted = {one.partition(".")[0] for names in self.stream.fields.values() for one in names}
        for one in relation.columns:
            if one.name not in wanted | set(self.stream.ignores) | self._noted:
                says = (
                    f"{relation.table} has a column {one.name!r} that is not read; declare it, or list it in ignores="
                )
                note_stream(self.connection, self.stream.full_name, "new_field", relation.table, says)
                self._noted.add(one.name)

    def take(self, changes: Iterable[Change]) -> None:
        """Store changes in their order."""
        for some in _batches(changes):
            begun = 0
            for number, change in enumerate(some):
                if change.op == "truncate":
                    self._take(some[begun:number])
                    self._take_all_back(change)
                    begun = number + 1
            self._take(some[begun:])

    def take_snapshot(self, rows: Iterable[Change], end: Change) -> None:
        """Store the rows of a snapshot; what stands and is not among them is taken back."""
        anew = bool(standing_keys(self.connection, self.stream, 1))
        if anew:
            note_seen(self.connection, self.stream, None)
        for some in _batches(rows):
            self._take(some)
            if anew:
                keys = read_keys([one.row for one in some], [("", 0)] * len(some), self.stream)
                note_seen(self.connection, self.stream, keys.rows)
        if anew:
            self._take_all_back(end, unseen=True)

    def _take_all_back(self, change: Change, *, unseen: bool = False) -> None:
        while keys := standing_keys(self.connection, self.stream, BATCH, unseen=unseen):
            rows = [{self._fields.get(name, name): as_json(value) for name, value in key.items()} for key in keys]
            self._take([replace(change, op="delete", row=_deepened(row)) for row in rows])

    def _take(self, changes: Sequence[Change]) -> None:
        if not changes:
            return
        changes = self._told_in_full(self._with_moved_keys(changes))
        name, topic = self.stream.full_name, self.stream.topic
        place = begin_partition(self.connection, name, topic, 0)
        judged = self._judged(changes, place)
        self.stored += store_captured(self.connection, self.stream, judged)["rows"]

    def _with_moved_keys(self, changes: Sequence[Change]) -> list[Change]:
        """A change of the key itself is a row that went, and another that came."""
        key = [self._fields[name] for name in self.stream.key if name in self._fields]
        found = list[Change]()
        for one in changes:
            if one.before and one.op == "update":
                before = one.before
                if any(before.get(name) != one.row.get(name) for name in key if name in before):
                    found.append(replace(one, op="delete", row=before, before=None, unchanged=()))
            found.append(one)
        return found

    def _told_in_full(self, changes: list[Change]) -> list[Change]:
        """Long values that did not change, from the row as it stands."""
        wanted = {field: name for name, field in self._fields.items()}
        if not any(one in wanted for change in changes for one in change.unchanged):
            return changes
        key = [self._fields[name] for name in self.stream.key]
        latest: dict[tuple[Any, ...], dict[str, Any]] = {}
        for change in changes:
            this = tuple(change.row.get(name) for name in key)
            lacking = [one for one in change.unchanged if one in wanted]
            if lacking:
                before = latest.get(this) or self._stands(change)
                change.row |= {one: before[one] for one in lacking if before and one in before}
                change.unchanged = tuple(one for one in lacking if one not in change.row)
            latest[this] = {} if change.op == "delete" else change.row
        return changes

    def _stands(self, change: Change) -> dict[str, Any] | None:
        keys = read_keys([change.row], [("", 0)], self.stream).rows
        if not keys.num_rows:
            return None
        row = standing_row(self.connection, self.stream, [keys.column(name)[0].as_py() for name in self.stream.key])
        return row and {self._fields[name]: as_json(value) for name, value in row.items() if name in self._fields}

    def _judged(self, changes: Sequence[Change], place: Partition) -> JudgedEvents:
        events = [one.as_event() for one in changes]
        first = place.next_offset
        part = PartitionEvents(place, range(first, first + len(events)), events, _moment(changes[-1]))
        places = [(place.sheet, first + number) for number in range(len(events))]
        gone = [number for number, one in enumerate(changes) if one.op == "delete"]
        stay = [number for number, one in enumerate(changes) if one.op != "delete"] if gone else range(len(changes))
        known = referenced_values(self.connection, self.stream) if self.stream.references else None
        objects = [self._object(changes[number], events[number]) for number in stay]
        placed = [places[number] for number in stay] if gone else places
        found = judge_events(objects, placed, self.stream, known)
        bad = [_bad(placed[at], events[stay[at]], findings) for at, findings in found.findings.items()]
        places_gone = [places[number] for number in gone]
        keys = read_keys([changes[number].row for number in gone], places_gone, self.stream)
        bad += [_bad(places_gone[at], events[gone[at]], findings) for at, findings in keys.findings.items()]
        return JudgedEvents([part], placed_rows(found.rows, placed), bad, placed_rows(keys.rows, places_gone))

    def _object(self, change: Change, event: bytes) -> Any:
        if self._lost:
            return NotRead("column", self._lost)
        if change.unchanged and any(one in self._fields.values() for one in change.unchanged):
            return NotRead("unchanged", NOT_KNOWN)
        most = self.stream.max_event_kb * KILOBYTE
        if len(event) > most:
            says = f"the row has {len(event):,} bytes, and at most {most:,} are taken; max_event_kb= says how many"
            return NotRead("size", says)
        return change.row


def found_fields(stream: Stream, relation: Relation) -> dict[str, str]:
    """Column → the column of the table elsewhere that it is read from; a column that is not there is left out."""
    there = {one.name for one in relation.columns}
    return {
        name: found
        for name, fields in stream.fields.items()
        if (found := next((one for one in fields if one.partition(".")[0] in there), None))
    }


def _deepened(row: dict[str, Any]) -> dict[str, Any]:
    """Values by the path of their field, as the objects that paths lead into."""
    found: dict[str, Any] = {}
    for path, value in row.items():
        here, *deeper = path.split(".")
        if deeper:
            found.setdefault(here, {}).update(_deepened({".".join(deeper): value}))
        else:
            found[here] = value
    return found


def _bad(place: tuple[str, int], event: bytes, findings: Sequence[Finding]) -> BadEvent:
    return BadEvent(*place, shown_event(event), tuple(findings))


def _moment(change: Change) -> dt.datetime | None:
    return dt.datetime.fromisoformat(change.at) if change.at else None


def _batches(changes: Iterable[Change]) -> Iterator[list[Change]]:
    rest = iter(changes)
    while some := list(islice(rest, BATCH)):
        yield some
