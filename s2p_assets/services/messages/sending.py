"""The step that tells people: what is so now is recorded, messages are written of it, and those that are due are sent.

Taken after each headless pass, and every minute beside the servers; whatever ends it, the next one goes on.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from socket import gethostname
from typing import Any

import psycopg

from s2p_assets.contracts.errors import MendableError
from s2p_assets.messaging import record
from s2p_assets.messaging.address_book import EXAMPLE, AddressBook, read_address_book
from s2p_assets.messaging.delivery import MailWay, Post, deliver, send_unrecorded
from s2p_assets.messaging.heartbeat import send_heartbeat
from s2p_assets.messaging.mail import Outbox
from s2p_assets.messaging.matters import Matter
from s2p_assets.messaging.outcomes import NotDelivered
from s2p_assets.messaging.smtp import DEFAULT_PORTS, MailServer, SmtpWay
from s2p_assets.services.backup_schedule import backup_matters, drill_matters
from s2p_assets.services.context import Context
from s2p_assets.services.lakehouse_standing import lakehouse_matters
from s2p_assets.services.mailbox.answering import answer_mails
from s2p_assets.services.mailbox.taking import has_mailbox
from s2p_assets.services.mailbox.telling import mail_matters
from s2p_assets.services.messages import entry_matters, file_matters, house_matters, stream_matters
from s2p_assets.services.messages.book import known_book
from s2p_assets.services.remotes.telling import remote_matters
from s2p_assets.services.share import look_at_share
from s2p_assets.services.streams.live_telling import live_table_matters
from s2p_assets.services.threshold_alerts import threshold_matters
from s2p_assets.settings import Settings
from s2p_assets.spreadsheet.share import ShareMissing

NEWS = dt.timedelta(days=1)
"""What happened longer ago is no news."""
MEGABYTE = 1_000_000


class PasswordUnreadable(MendableError):
    """The file with the mail server's password cannot be read."""


@dataclass
class SendingResult:
    """What one step did: messages by the state that they came to, and what could not be looked for or sent."""

    counts: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def send_messages(
    ctx: Context, of_runs: Mapping[str, Sequence[Matter]], *, at_once: bool = False, now: dt.datetime | None = None
) -> SendingResult:
    """Record what is so, write messages and send those that are due.

    `of_runs`: kind → what Dagster knows. `at_once`: the first message to somebody does not wait.
    Raises AddressBookUnusable and PasswordUnreadable, before anything is sent; and DatabaseUnreachable.
    """
    done = SendingResult()
    with ctx.warehouse.connect() as connection:
        book = known_book(ctx, connection)
        for kinds, matters in _looked_for(ctx, connection, book, now or dt.datetime.now(dt.UTC), done.problems):
            record.record_matters(connection, kinds, matters)
        for kind, known in of_runs.items():
            record.record_matters(connection, [kind], known)
        post = post_of(ctx.settings, book, at_once=at_once)
        done.counts = deliver(connection, post) or {}
        if has_mailbox(ctx.settings):
            done.problems += answer_mails(ctx, connection, post.mail)
    return done


def _of_streams(ctx: Context, connection: psycopg.Connection, now: dt.datetime) -> list[Matter]:
    return stream_matters.stream_matters(ctx, connection, now) + live_table_matters(ctx, connection, now)


def _looked_for(
    ctx: Context, connection: psycopg.Connection, book: AddressBook, now: dt.datetime, problems: list[str]
) -> list[tuple[tuple[str, ...], list[Matter]]]:
    """Kinds of matter, and what there is of them; a kind that could not be looked for is left out."""
    since = now - NEWS
    looks: list[tuple[tuple[str, ...], Callable[[], list[Matter]]]] = [
        (("returned", "partly"), lambda: file_matters.returned_matters(ctx, connection)),
        (("held",), lambda: file_matters.held_matters(ctx, connection)),
        (("gone",), lambda: file_matters.gone_matters(ctx, connection)),
        (("missing",), lambda: file_matters.missing_matters(ctx, connection)),
        (("unclaimed",), lambda: file_matters.unclaimed_matters(ctx, connection)),
        (("returned_events",), lambda: stream_matters.returned_event_matters(connection, since)),
        (("stream",), lambda: _of_streams(ctx, connection, now)),
        (("mail",), lambda: mail_matters(ctx, connection, now)),
        (("remote",), lambda: remote_matters(ctx, connection, now)),
        (("lapsed",), lambda: entry_matters.lapsed_matters(ctx, connection, since)),
        (("overwritten",), lambda: entry_matters.overwritten_matters(ctx, connection, since)),
        (("received",), lambda: file_matters.received_matters(ctx, connection, since, book.wants_received)),
        (("held_back",), lambda: house_matters.held_back_matters(ctx)),
        (("champion",), lambda: house_matters.champion_matters(ctx, since)),
        (("leak",), lambda: house_matters.leak_matters(ctx)),
        (("report",), lambda: house_matters.report_matters(ctx, connection, book, since)),
        (("threshold",), lambda: threshold_matters(ctx, connection)),
        (("installation",), lambda: house_matters.installation_matters(ctx, _share_problem(ctx))),
        (("backup",), lambda: [*backup_matters(ctx.settings, now), *drill_matters(ctx.settings, now)]),
        (("export",), lambda: lakehouse_matters(ctx, connection)),
        (("undelivered",), lambda: house_matters.undelivered_matters(connection, book.engineers)),
    ]
    found = []
    for kinds, look in looks:
        try:
            found.append((kinds, look()))
        except (MendableError, OSError) as problem:
            problems.append(f"{kinds[0]}: {problem}")
    return found


def _share_problem(ctx: Context) -> ShareMissing | None:
    try:
        look_at_share(ctx)
    except ShareMissing as problem:
        return problem
    return None


def post_of(settings: Settings, book: AddressBook, *, at_once: bool = False) -> Post:
    """How messages go, by the settings. Raises PasswordUnreadable."""
    return Post(
        mail=mail_way(settings),
        book=book,
        sender=settings.sender,
        from_whom=f"s2p at {gethostname()} writes this by itself, once for each matter.",
        book_place=str(settings.addresses),
        collected_minutes=settings.message_minutes,
        at_once=at_once,
        sent_log=settings.sent_log,
        attachment_bytes=int(settings.attachment_mb * MEGABYTE),
    )


def mail_way(settings: Settings) -> MailWay:
    """The company's mail server, or the outbox where none is set. Raises PasswordUnreadable."""
    if not settings.smtp_host:
        return Outbox(settings.outbox)
    security = settings.smtp_security
    return SmtpWay(
        MailServer(
            settings.smtp_host,
            settings.smtp_port or DEFAULT_PORTS[security],
            security,
            settings.smtp_user,
            _password(settings),
            settings.smtp_ca_file,
        )
    )


def _password(settings: Settings) -> str | None:
    if settings.smtp_password_file is None:
        return settings.smtp_password.get_secret_value() if settings.smtp_password else None
    try:
        return settings.smtp_password_file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise PasswordUnreadable(
            f"S2P_SMTP_PASSWORD_FILE={settings.smtp_password_file} cannot be read ({type(error).__name__}); "
            "let s2p read it, or correct the name"
        ) from None


def sign_of_life(settings: Settings) -> str | None:
    """Tell the address outside that all is running; what kept it from arriving. Nothing without such an address."""
    if settings.heartbeat_url is None:
        return None
    try:
        send_heartbeat(settings.heartbeat_url.get_secret_value(), settings.heartbeat_method)
    except NotDelivered as problem:
        return str(problem)
    return None


def read_recent_messages(connection: psycopg.Connection, limit: int) -> list[dict[str, Any]]:
    """The last messages, the newest first, as `s2p messages --json` prints them."""
    every = ["waiting", "sending", "sent", "spooled", "refused", "withdrawn"]
    return [
        {
            "recipient": one.recipient,
            "state": one.state,
            "created_at": one.created_at.isoformat(),
            "settled_at": one.settled_at.isoformat() if one.settled_at else None,
            "attempts": one.attempts,
            "times_in_doubt": one.times_in_doubt,
            "error": one.error,
            "about": one.titles,
        }
        for one in record.read_messages(connection, every, limit)
    ]


def try_again(ctx: Context) -> int:
    """Have what waits or was refused be tried now; how many messages. Raises as `send_messages` does."""
    with ctx.warehouse.connect() as connection:
        book = known_book(ctx, connection)
        count = record.make_due(connection)
        deliver(connection, post_of(ctx.settings, book))
    return count


def write_first_book(settings: Settings) -> bool:
    """An address book to fill in; false where there is one."""
    if settings.addresses.exists():
        return False
    settings.addresses.parent.mkdir(parents=True, exist_ok=True)
    settings.addresses.write_text(EXAMPLE, encoding="utf-8")
    return True


def send_test_message(settings: Settings, recipient: str) -> str | None:
    """Send a message to an address or a service of the book, at once and unrecorded; what kept it from arriving."""
    post = post_of(settings, read_address_book(settings.addresses))
    matter = Matter("installation", "test", "This is a test message", "It arrived, so others will.")
    try:
        send_unrecorded(post, recipient, [matter])
    except NotDelivered as problem:
        return str(problem)
    return None
