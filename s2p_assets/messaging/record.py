"""The record of matters and messages in s2p's own tables: what is to be told, what was told to whom, what waits.

Every function takes a connection to a database that has the tables; sending is done in `delivery.py`.
"""

import datetime as dt
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, LiteralString, NamedTuple

import psycopg
from psycopg.types.json import Jsonb

from s2p_assets.messaging.address_book import AddressBook
from s2p_assets.messaging.matters import KINDS, Matter, heading_place

REOPENED_WITHIN = dt.timedelta(days=1)
"""A matter that comes back within so long is the same one, and not told again."""
BUSY_TIME, MOST_DOUBLINGS = dt.timedelta(hours=6), 4
"""Each message that somebody got within the last hours doubles the time over which the next one is collected."""
OWED_SQL: LiteralString = """
select m.id, m.opened_at, now() from s2p.matters m where m.id = any(%s) and not exists (
    select 1 from s2p.message_matters t where t.matter = m.id and t.recipient = %s and (not t.is_spooled or %s))
"""
REOPEN_SQL: LiteralString = """
update s2p.matters m set cleared_at = null
where key = any(%s) and not is_event and cleared_at > now() - %s and not exists (
    select 1 from s2p.matters o where o.key = m.key and o.id <> m.id
    and (o.cleared_at is null or o.cleared_at > m.cleared_at))
"""
MATTERS_SQL: LiteralString = """
select m.content, m.cleared_at is null or m.is_event
from s2p.message_matters t join s2p.matters m on m.id = t.matter where t.message = %s order by m.id
"""


class Waiting(NamedTuple):
    """A message that is due, as it is to be sent."""

    id: int
    message_id: str
    recipient: str
    state: str
    created_at: dt.datetime
    attempts: int
    without_attachments: bool


@dataclass(frozen=True, slots=True)
class MessageState:
    """A message that is not delivered, or was, for those who ask."""

    recipient: str
    state: str
    created_at: dt.datetime
    settled_at: dt.datetime | None
    attempts: int
    times_in_doubt: int
    error: str | None
    titles: list[str]


@contextmanager
def sending_turn(conn: psycopg.Connection) -> Iterator[bool]:
    """Whether this session alone may write and send messages now; PostgreSQL gives the turn back when it ends."""
    lock = "hashtextextended('s2p messages', 42)"
    (has_turn,) = conn.execute(f"select pg_try_advisory_lock({lock})").fetchone() or (False,)
    try:
        yield bool(has_turn)
    finally:
        if has_turn and not conn.closed:
            conn.execute(f"select pg_advisory_unlock({lock})")


def record_matters(conn: psycopg.Connection, kinds: Iterable[str], matters: Sequence[Matter]) -> None:
    """What is so now, of these kinds: new matters are opened, those that are no longer so are cleared.

    Of a kind that could not be looked for, nothing is changed: leave it out of `kinds`.
    """
    by_key = {matter.full_key: matter for matter in matters}
    states = [kind for kind in kinds if not KINDS[kind].is_event]
    with conn.transaction():
        conn.execute("select pg_advisory_xact_lock(hashtextextended('s2p matters', 42))")
        conn.execute(
            "update s2p.matters set cleared_at = now() where cleared_at is null and kind = any(%s)"
            " and not (key = any(%s))",
            (states, list(by_key)),
        )
        known = _known(conn, list(by_key))
        new = {key: matter for key, matter in by_key.items() if key not in known}
        with conn.cursor() as cursor:
            cursor.executemany(
                "insert into s2p.matters (kind, key, owner, content, is_event) values (%s, %s, %s, %s, %s)"
                " on conflict do nothing",
                [
                    (one.kind, key, one.owner, Jsonb(one.as_json()), KINDS[one.kind].is_event)
                    for key, one in new.items()
                ],
            )


def _known(conn: psycopg.Connection, keys: list[str]) -> set[str]:
    """The keys of matters that are open, are events, or were open a moment ago and are opened again."""
    conn.execute(REOPEN_SQL, (keys, REOPENED_WITHIN))
    found = conn.execute(
        "select key from s2p.matters where key = any(%s) and (cleared_at is null or is_event)", (keys,)
    )
    return {key for (key,) in found}


class Collecting(NamedTuple):
    """How matters become messages: collected over `minutes` from the first on, or not the first message (`at_once`).

    `spools`: mail only goes to the outbox; what went there before counts as untold once it goes further.
    `host`: after the @ of a Message-ID.
    """

    minutes: float
    at_once: bool
    spools: bool
    host: str

    def patience(self, recent: int) -> dt.timedelta:
        """How long matters are collected for somebody who got so many messages of late."""
        if self.at_once and not recent:
            return dt.timedelta(0)
        return dt.timedelta(minutes=self.minutes) * 2 ** min(recent, MOST_DOUBLINGS)


def write_messages(conn: psycopg.Connection, book: AddressBook, how: Collecting) -> int:
    """A message for each recipient who is to be told of something, with all that has been collected; how many.

    Call it while having the `sending_turn`.
    """
    owed: dict[str, list[int]] = {}
    rows = conn.execute("select id, content from s2p.matters where cleared_at is null order by id").fetchall()
    recipients = {id_: book.recipients(Matter.from_json(content)) for id_, content in rows}
    for id_, concerned in recipients.items():
        for recipient in concerned:
            owed.setdefault(recipient, []).append(id_)
    written = sum(_write_to(conn, recipient, ids, how) for recipient, ids in owed.items())
    _close_sent_events(conn, recipients, how.spools)
    return written


def _write_to(conn: psycopg.Connection, recipient: str, ids: list[int], how: Collecting) -> bool:
    owed = conn.execute(OWED_SQL, (ids, recipient, how.spools)).fetchall()
    if not owed:
        return False
    recent = conn.execute(
        "select count(*) from s2p.messages where recipient = %s and state <> 'withdrawn' and created_at > now() - %s",
        (recipient, BUSY_TIME),
    ).fetchone()
    if min(opened for _, opened, _ in owed) + how.patience(recent[0] if recent else 0) > owed[0][2]:
        return False
    with conn.transaction(), conn.cursor() as cursor:
        message_id = f"<s2p-{uuid.uuid4()}@{how.host}>"
        cursor.execute(
            "insert into s2p.messages (message_id, recipient) values (%s, %s) returning id", (message_id, recipient)
        )
        (message,) = cursor.fetchone() or (None,)
        cursor.executemany(
            "insert into s2p.message_matters (message, matter, recipient) values (%s, %s, %s)",
            [(message, id_, recipient) for id_, _, _ in owed],
        )
    return True


def _close_sent_events(conn: psycopg.Connection, recipients: dict[int, list[str]], spools: bool) -> None:
    """An event of which everybody was told is over; so is one that concerns nobody."""
    told: dict[int, set[str]] = {}
    query = "select matter, recipient from s2p.message_matters where matter = any(%s) and (not is_spooled or %s)"
    for matter, recipient in conn.execute(query, (list(recipients), spools)).fetchall():
        told.setdefault(matter, set()).add(recipient)
    over = [id_ for id_, concerned in recipients.items() if set(concerned) <= told.get(id_, set())]
    conn.execute("update s2p.matters set cleared_at = now() where is_event and id = any(%s)", (over,))


def next_due(conn: psycopg.Connection, skipped: Sequence[int]) -> Waiting | None:
    """The message that is due longest, without those in `skipped`; None where nothing is due."""
    row = conn.execute(
        "select id, message_id, recipient, state, created_at, attempts, without_attachments from s2p.messages"
        " where state in ('waiting', 'sending') and due_at <= now() and not (id = any(%s)) order by due_at, id limit 1",
        (list(skipped),),
    ).fetchone()
    return Waiting(*row) if row else None


def matters_of(conn: psycopg.Connection, message: int) -> tuple[list[Matter], bool]:
    """The matters that a message tells of, as a letter orders them, and whether any of them is still so."""
    rows = conn.execute(MATTERS_SQL, (message,)).fetchall()
    found = [Matter.from_json(content) for content, _ in rows]
    return sorted(found, key=heading_place), any(is_so for _, is_so in rows)


def mark_sending(conn: psycopg.Connection, message: Waiting) -> None:
    """From here on until an answer is recorded, nobody knows whether the message arrived."""
    conn.execute(
        "update s2p.messages set state = 'sending', attempts = attempts + 1,"
        " times_in_doubt = times_in_doubt + (state = 'sending')::int where id = %s",
        (message.id,),
    )


def mark_settled(conn: psycopg.Connection, message: Waiting, state: str, error: str | None = None) -> None:
    """The message was sent, spooled, refused for good, or withdrawn."""
    with conn.transaction():
        conn.execute(
            "update s2p.messages set state = %s, settled_at = now(), error = %s where id = %s",
            (state, error, message.id),
        )
        if state == "spooled":
            conn.execute("update s2p.message_matters set is_spooled = true where message = %s", (message.id,))


def mark_failed(
    conn: psycopg.Connection, message: Waiting, error: str, again_in: dt.timedelta, *, in_doubt: bool, bare: bool
) -> None:
    """It could not be delivered now. `in_doubt`: nor is it known that it was not; `bare`: go without attachments."""
    conn.execute(
        "update s2p.messages set attempts = attempts + (state = 'waiting')::int, state = %s, due_at = now() + %s,"
        " error = %s, without_attachments = without_attachments or %s where id = %s",
        ("sending" if in_doubt or message.state == "sending" else "waiting", again_in, error, bare, message.id),
    )


def read_messages(conn: psycopg.Connection, states: Sequence[str], limit: int = 100) -> list[MessageState]:
    """Messages in these states, the newest first."""
    rows: list[Any] = conn.execute(
        "select g.recipient, g.state, g.created_at, g.settled_at, g.attempts, g.times_in_doubt, g.error,"
        " array(select m.content ->> 'title' from s2p.message_matters t join s2p.matters m on m.id = t.matter"
        " where t.message = g.id order by m.id limit 20)"
        " from s2p.messages g where g.state = any(%s) order by g.id desc limit %s",
        (list(states), limit),
    ).fetchall()
    return [MessageState(*row) for row in rows]


def count_messages(conn: psycopg.Connection) -> dict[str, int]:
    """How many messages there are, by state."""
    return dict(conn.execute("select state, count(*) from s2p.messages group by state").fetchall())


def make_due(conn: psycopg.Connection) -> int:
    """Have what waits and what was refused be due now; how many messages."""
    done = conn.execute(
        "update s2p.messages set due_at = now(), state = case state when 'refused' then 'waiting' else state end,"
        " settled_at = null where state in ('waiting', 'sending', 'refused')"
    )
    return done.rowcount
