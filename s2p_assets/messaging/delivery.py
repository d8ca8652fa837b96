"""One round of delivery: what was collected becomes messages, and what is due is sent, each as often as it takes.

A message that was handed to a server whose answer was not recorded, as the process was killed in between, is sent
again under the same Message-ID; that is the only way in which somebody can get it twice.
"""

import datetime as dt
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Protocol

import psycopg

from s2p_assets.messaging import record
from s2p_assets.messaging.address_book import AddressBook, is_mail_address
from s2p_assets.messaging.chat import send_to_service
from s2p_assets.messaging.letters import Letter, write_letter
from s2p_assets.messaging.mail import Envelope, write_mail
from s2p_assets.messaging.matters import Matter
from s2p_assets.messaging.outcomes import NotDelivered
from s2p_assets.messaging.sent_log import append_sent, recall_sent

FIRST_PAUSE, LONGEST_PAUSE = dt.timedelta(minutes=1), dt.timedelta(minutes=30)
MOST_ATTACHMENTS = 10
ROUND_SECONDS = 120.0


class MailWay(Protocol):
    """How mails go: to a server, or to the outbox (`spools`)."""

    spools: bool

    def send(self, mail: EmailMessage, recipient: str, before: Callable[[], None]) -> None: ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class Post:
    """All that delivering takes. `from_whom`: the last line of every letter; `book_place`: where the book lies.

    `collected_minutes`: over which a message is collected; `at_once`: but not the first one that somebody gets.
    `sent_log`: the file beside the database in which what went out stands too.
    """

    mail: MailWay
    book: AddressBook
    sender: str
    from_whom: str
    book_place: str
    collected_minutes: float = 5.0
    attachment_bytes: int = 10_000_000
    at_once: bool = False
    sent_log: Path | None = None


def deliver(conn: psycopg.Connection, post: Post) -> dict[str, int] | None:
    """Write and send what is due; how many messages came to which state. None where another process is at it.

    `conn` commits each statement by itself, and holds the turn: a process that loses it can record nothing more.
    """
    with record.sending_turn(conn) as ours:
        if not ours:
            return None
        if post.sent_log:
            recall_sent(conn, post.sent_log)
        host = post.sender.rpartition("@")[2]
        collecting = record.Collecting(post.collected_minutes, post.at_once, post.mail.spools, host)
        record.write_messages(conn, post.book, collecting)
        counts: dict[str, int] = {}
        try:
            for state in _sent(conn, post):
                counts[state] = counts.get(state, 0) + 1
                if post.sent_log:
                    append_sent(conn, post.sent_log)
        finally:
            post.mail.close()
        return counts


def send_unrecorded(post: Post, recipient: str, matters: Sequence[Matter]) -> None:
    """Send a message at once, without writing down that it was sent. Raises NotDelivered."""
    letter = write_letter(matters, (), post.from_whom)
    if recipient in post.book.services:
        send_to_service(recipient, post.book.services[recipient], letter)
        return
    _require_address(post, recipient)
    reply_to = next((one for one in post.book.engineers if is_mail_address(one)), None)
    id_ = f"<s2p-{uuid.uuid4()}@{post.sender.rpartition('@')[2]}>"
    envelope = Envelope(id_, post.sender, recipient, dt.datetime.now(dt.UTC), reply_to)
    try:
        post.mail.send(write_mail(letter, envelope), recipient, lambda: None)
    finally:
        post.mail.close()


def _sent(conn: psycopg.Connection, post: Post) -> Iterator[str]:
    until, skipped, down = time.monotonic() + ROUND_SECONDS, list[int](), set[str]()
    while time.monotonic() < until and (message := record.next_due(conn, skipped)):
        way = message.recipient if message.recipient in post.book.services else "mail"
        if way in down:
            skipped.append(message.id)
            continue
        try:
            yield _send_one(conn, post, message)
        except NotDelivered as problem:
            if problem.is_down:
                down.add(way)
            yield _note(conn, message, problem)
        except psycopg.Error:
            raise
        except Exception as error:  # one message that cannot be written must not keep the others
            yield _note(conn, message, NotDelivered(f"it could not be written ({type(error).__name__}: {error})"))


def _send_one(conn: psycopg.Connection, post: Post, message: record.Waiting) -> str:
    """The state that the message came to. Raises NotDelivered."""
    matters, is_so = record.matters_of(conn, message.id)
    if not matters or (not is_so and message.state == "waiting"):
        record.mark_settled(conn, message, "withdrawn")
        return "withdrawn"

    def before() -> None:
        record.mark_sending(conn, message)

    if message.recipient in post.book.services:
        letter = write_letter(matters, (), post.from_whom)
        before()
        send_to_service(message.recipient, post.book.services[message.recipient], letter)
        state = "sent"
    else:
        if not post.mail.spools:
            _require_address(post, message.recipient)
        mail = write_mail(_letter(post, matters, message), _envelope(post, message))
        post.mail.send(mail, message.recipient, before)
        state = "spooled" if post.mail.spools else "sent"
    record.mark_settled(conn, message, state)
    return state


def _require_address(post: Post, recipient: str) -> None:
    if not is_mail_address(recipient):
        raise NotDelivered(f"{recipient} has no mail address; give one in {post.book_place}", for_good=True)


def _letter(post: Post, matters: Sequence[Matter], message: record.Waiting) -> Letter:
    files = [] if message.without_attachments else _attachments(matters, post.attachment_bytes)
    return write_letter(matters, files, post.from_whom)


def _attachments(matters: Sequence[Matter], room: int) -> list[tuple[Path, str]]:
    """The files that go with a letter, as far as there is room; what does not fit is found where the letter says."""
    found: dict[str, Path] = {}
    for file in (Path(one) for matter in matters for one in matter.attachments):
        try:
            size = file.stat().st_size
        except OSError:
            continue  # a marked copy that was withdrawn since
        if size <= room and len(found) < MOST_ATTACHMENTS:
            room -= size
            name = file.name if file.name not in found else f"{file.parent.name} – {file.name}"
            found[name] = file
    return [(file, name) for name, file in found.items()]


def _envelope(post: Post, message: record.Waiting) -> Envelope:
    reply_to = next((one for one in post.book.engineers if is_mail_address(one)), None)
    return Envelope(message.message_id, post.sender, message.recipient, message.created_at, reply_to)


def _note(conn: psycopg.Connection, message: record.Waiting, problem: NotDelivered) -> str:
    if problem.for_good:
        record.mark_settled(conn, message, "refused", str(problem))
        return "refused"
    pause = min(FIRST_PAUSE * 2 ** min(message.attempts, 10), LONGEST_PAUSE)
    if problem.without_attachments:
        pause = dt.timedelta(0)
    record.mark_failed(conn, message, str(problem), pause, in_doubt=problem.in_doubt, bare=problem.without_attachments)
    return "waiting"


def shown_counts(counts: Mapping[str, int]) -> str:
    """`2 sent, 1 waiting`."""
    return ", ".join(f"{count:,} {state}" for state, count in sorted(counts.items())) or "nothing to send"
