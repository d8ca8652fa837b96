"""Events whose row breaks the contract: kept with every finding until they are taken, or dropped, on purpose.

Judging them, and taking them again, is for others.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import psycopg
from psycopg.types.json import Jsonb

from s2p_assets.contracts.findings import Finding

SettledAs = Literal["stored", "repeated", "dropped", "returned again"]


@dataclass(frozen=True, slots=True)
class BadEvent:
    """An event whose row came back: where it stood, what it said, and every finding."""

    sheet: str
    row: int
    event: str
    findings: tuple[Finding, ...]

    @property
    def kind(self) -> str:
        """What is wrong in a word, for counting: `quantity: type` of the first finding."""
        first = self.findings[0]
        return f"{first.column}: {first.rule}" if first.column else first.rule


@dataclass(frozen=True, slots=True)
class ReturnedEvent:
    """A bad event as it is kept, by its number."""

    id: int
    stream: str
    file: int
    sheet: str
    row: int
    kind: str
    findings: tuple[Finding, ...]
    event: str
    owner: str
    contract_version: str
    returned_at: dt.datetime


def add_returned(
    conn: psycopg.Connection, stream: str, owner: str, version: str, bad: Sequence[tuple[int, BadEvent]]
) -> None:
    """Keep bad events, each with the ledger id of its day."""
    columns = "stream, file, sheet, row, kind, findings, event, owner, contract_version"
    with conn.cursor() as cursor, cursor.copy(f"copy s2p.returned_events ({columns}) from stdin") as copy:
        for file, one in bad:
            findings = Jsonb([asdict(finding) for finding in one.findings])
            copy.write_row((stream, file, one.sheet, one.row, one.kind, findings, one.event, owner, version))


def open_returned(
    conn: psycopg.Connection, stream: str | None, *, ids: Sequence[int] = (), limit: int | None = None
) -> list[ReturnedEvent]:
    """The bad events that nobody has settled, the oldest first; only those with these numbers, where given."""
    rows = conn.execute(
        "select id, stream, file, sheet, row, kind, findings, event, owner, contract_version, returned_at"
        " from s2p.returned_events where settled_at is null and (%s::text is null or stream = %s)"
        " and (%s or id = any(%s)) order by id limit %s",
        (stream, stream, not ids, list(ids), limit),
    )
    return [_returned_event(*row) for row in rows]


def _returned_event(
    id_: int, stream: str, file: int, sheet: str, row: int, kind: str, findings: list[dict[str, Any]], *rest: Any
) -> ReturnedEvent:
    return ReturnedEvent(id_, stream, file, sheet, row, kind, found_of(findings), *rest)


def found_of(findings: list[dict[str, Any]]) -> tuple[Finding, ...]:
    """Findings as they are stored."""
    return tuple(Finding(**one) for one in findings)


def count_returned(conn: psycopg.Connection) -> dict[str, int]:
    """How many are open, by stream."""
    rows = conn.execute("select stream, count(*) from s2p.returned_events where settled_at is null group by 1")
    return dict(rows.fetchall())


@dataclass(frozen=True, slots=True)
class ReturnedKind:
    """Bad events of one kind that came in within one hour, not settled yet; `example`: the first of them."""

    stream: str
    kind: str
    owner: str
    hour: dt.datetime
    events: int
    sheet: str
    row: int
    findings: tuple[Finding, ...]


def returned_kinds(conn: psycopg.Connection, since: dt.datetime) -> list[ReturnedKind]:
    """What came back since a moment, by stream, kind and hour."""
    rows = conn.execute(
        "select stream, kind, owner, date_trunc('hour', returned_at) as hour, count(*),"
        " (array_agg(sheet order by id))[1], (array_agg(row order by id))[1],"
        " (array_agg(findings order by id))[1] from s2p.returned_events"
        " where settled_at is null and returned_at >= %s group by 1, 2, 3, 4 order by 1, 4, 2",
        (since,),
    )
    return [_returned_kind(*row) for row in rows]


def _returned_kind(
    stream: str,
    kind: str,
    owner: str,
    hour: dt.datetime,
    events: int,
    sheet: str,
    row: int,
    found: list[dict[str, Any]],
) -> ReturnedKind:
    return ReturnedKind(stream, kind, owner, hour, events, sheet, row, found_of(found))


def settle_returned(conn: psycopg.Connection, ids: Sequence[int], settled_as: SettledAs) -> None:
    """Say what became of bad events."""
    conn.execute(
        "update s2p.returned_events set settled_at = now(), settled_as = %s where id = any(%s)",
        (settled_as, list(ids)),
    )


def judged_again(conn: psycopg.Connection, found: Sequence[tuple[int, Sequence[Finding]]], version: str) -> None:
    """Note what is wrong with bad events by the contract of today."""
    with conn.cursor() as cursor:
        cursor.executemany(
            "update s2p.returned_events set findings = %s, contract_version = %s where id = %s",
            [(Jsonb([asdict(one) for one in findings]), version, id_) for id_, findings in found],
        )


def returned_json(event: ReturnedEvent) -> dict[str, Any]:
    """What `s2p returned --json` prints of one."""
    return {
        "id": event.id,
        "at": f"{event.sheet} offset {event.row}",
        "sheet": event.sheet,
        "offset": event.row,
        "kind": event.kind,
        "findings": [asdict(one) for one in event.findings],
        "event": event.event,
        "returned_at": event.returned_at.isoformat(),
    }
