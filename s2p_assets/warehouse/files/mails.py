"""What the database keeps of mails: how far the mailbox was read, what became of each mail, what it was answered.

Reading and answering are the services'.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import psycopg
from psycopg.rows import class_row

MailState = Literal["taken", "held", "refused", "passed over"]


@dataclass(frozen=True, slots=True)
class KeptMail:
    """A mail as it was judged. `part_of`: the mail of its thread whose files it replaces."""

    folder: str
    uid_validity: int
    uid: int
    message_id: str
    sender: str
    subject: str
    state: MailState
    why: str | None
    part_of: int | None
    references: str
    is_answered: bool
    judged_by: str
    received_at: dt.datetime
    id: int = 0


class MailboxLook(NamedTuple):
    """How far a folder was read, and what keeps s2p from it."""

    folder: str
    uid_validity: int
    next_uid: int
    problem: str | None
    since: dt.datetime
    looked_at: dt.datetime


def mailbox_look(conn: psycopg.Connection, folder: str) -> MailboxLook | None:
    row = conn.execute(
        "select folder, uid_validity, next_uid, problem, since, looked_at from s2p.mailbox where folder = %s", (folder,)
    ).fetchone()
    return MailboxLook(*row) if row else None


def note_mailbox(conn: psycopg.Connection, folder: str, problem: str | None) -> None:
    """How a look ended; since when, where the one before ended otherwise."""
    conn.execute(
        "insert into s2p.mailbox as m (folder, problem) values (%s, %s) on conflict (folder) do update set"
        " looked_at = now(), problem = excluded.problem,"
        " since = case when (m.problem is null) = (excluded.problem is null) then m.since else now() end",
        (folder, problem),
    )


def note_read(conn: psycopg.Connection, folder: str, uid_validity: int, next_uid: int) -> None:
    conn.execute(
        "insert into s2p.mailbox (folder, uid_validity, next_uid) values (%s, %s, %s) on conflict (folder) do update"
        " set uid_validity = excluded.uid_validity, next_uid = excluded.next_uid",
        (folder, uid_validity, next_uid),
    )


def keep_mail(conn: psycopg.Connection, mail: KeptMail) -> int:
    """Remember a mail, or how it was judged anew; its number."""
    row = conn.execute(
        "insert into s2p.mails as m (folder, uid_validity, uid, message_id, sender, subject, state, why, part_of,"
        ' "references", is_answered, judged_by, received_at)'
        " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
        " on conflict (folder, uid_validity, uid) do update set state = excluded.state, why = excluded.why,"
        " part_of = excluded.part_of, is_answered = excluded.is_answered, judged_by = excluded.judged_by returning id",
        (
            *(mail.folder, mail.uid_validity, mail.uid, mail.message_id, mail.sender, mail.subject, mail.state),
            *(mail.why, mail.part_of, mail.references, mail.is_answered, mail.judged_by, mail.received_at),
        ),
    ).fetchone()
    assert row is not None
    return int(row[0])


def keep_mailed_file(conn: psycopg.Connection, mail: int, path: str, sha256: str, by: str) -> None:
    """Whose a file is and which mail brought it, for the ledger and the trace."""
    conn.execute(
        "insert into s2p.mailed_files (mail, path, sha256) values (%s, %s, %s) on conflict do nothing",
        (mail, path, sha256),
    )
    conn.execute(
        "insert into s2p.handed_in (path, sha256, handed_in_by) values (%s, %s, %s)"
        " on conflict (path, sha256) do update set handed_in_by = excluded.handed_in_by, handed_in_at = now()",
        (path, sha256, by),
    )


_MAILS = (
    'select folder, uid_validity, uid, message_id, sender, subject, state, why, part_of, "references", is_answered,'
    " judged_by, received_at, id from s2p.mails"
)


def held_mails(conn: psycopg.Connection) -> list[KeptMail]:
    """The mails that wait for somebody, the oldest first."""
    with conn.cursor(row_factory=class_row(KeptMail)) as cursor:
        return cursor.execute(f"{_MAILS} where state = 'held' order by id").fetchall()


def known_mail(conn: psycopg.Connection, message_id: str, sender: str) -> bool:
    """Whether a mail was taken already, however its folder numbers it now."""
    row = conn.execute(
        "select from s2p.mails where message_id = %s and sender = %s and state = 'taken' and message_id <> ''",
        (message_id, sender),
    ).fetchone()
    return row is not None


def is_our_answer(conn: psycopg.Connection, message_id: str) -> bool:
    return conn.execute("select from s2p.mails where answer_id = %s", (message_id,)).fetchone() is not None


def answered_thread(conn: psycopg.Connection, thread: tuple[str, ...], sender: str) -> tuple[int, list[str]] | None:
    """The mail of a sender that began a thread which answers of ours belong to: its number and its files' paths."""
    row = conn.execute(
        "select coalesce(part_of, id) from s2p.mails where sender = %s and answer_id = any(%s) and state = 'taken'"
        " order by id desc limit 1",
        (sender, list(thread)),
    ).fetchone()
    if row is None:
        return None
    paths = conn.execute("select distinct path from s2p.mailed_files where mail = %s order by 1", (row[0],))
    return int(row[0]), [path for (path,) in paths]


def unanswered_mails(conn: psycopg.Connection) -> list[KeptMail]:
    """The mails whose senders are to be told what became of their files, the oldest first."""
    with conn.cursor(row_factory=class_row(KeptMail)) as cursor:
        return cursor.execute(
            f"{_MAILS} where state = 'taken' and is_answered and answered_at is null order by id"
        ).fetchall()


class MailedFile(NamedTuple):
    """A file of a mail, and what became of it: no verdict before it was read."""

    path: str
    verdict: str | None
    error: str | None
    rows: int
    findings: list[dict[str, Any]]


def mailed_verdicts(conn: psycopg.Connection, mail: int) -> list[MailedFile]:
    """What became of each file of a mail."""
    found = conn.execute(
        "select m.path, f.verdict, f.error, coalesce(f.rows_accepted, 0), coalesce(f.findings, '[]')"
        " from s2p.mailed_files m left join lateral (select * from s2p.files f where f.path = m.path and"
        " f.sha256 = m.sha256 order by f.id desc limit 1) f on true where m.mail = %s order by 1",
        (mail,),
    )
    return [MailedFile(*row) for row in found]


def begin_answer(conn: psycopg.Connection, mail: int, answer_id: str) -> str:
    """The Message-ID of the answer to a mail, the same however often it is tried."""
    row = conn.execute(
        "update s2p.mails set answer_id = coalesce(answer_id, %s) where id = %s returning answer_id", (answer_id, mail)
    ).fetchone()
    assert row is not None
    return str(row[0])


def note_answer(conn: psycopg.Connection, mail: int, says: str) -> None:
    conn.execute("update s2p.mails set answered_at = now(), answer = %s where id = %s", (says, mail))


def answers_lately(conn: psycopg.Connection, sender: str) -> int:
    """How many answers a sender got within an hour."""
    row = conn.execute(
        "select count(*) from s2p.mails where sender = %s and answered_at > now() - interval '1 hour'", (sender,)
    ).fetchone()
    return int(row[0]) if row else 0
