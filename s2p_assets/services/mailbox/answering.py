"""Answers to those who mailed files: what became of each, with its marked copy, in the thread in which it came.

Programs and lists are not answered, and nobody more often than twenty times an hour.
"""

import datetime as dt
import secrets
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg

from s2p_assets.contracts.findings import Finding, finding_line
from s2p_assets.messaging.delivery import MailWay
from s2p_assets.messaging.letters import Letter, plain_line, write_letter
from s2p_assets.messaging.mail import Envelope, write_mail
from s2p_assets.messaging.matters import Matter
from s2p_assets.messaging.outcomes import NotDelivered
from s2p_assets.services.context import Context
from s2p_assets.spreadsheet.returned.returned_files import returned_copies
from s2p_assets.warehouse.files import mails
from s2p_assets.warehouse.files.mails import KeptMail, MailedFile

MOST_AN_HOUR = 20
FINDINGS_GIVEN = 8
TITLES = {
    "accepted": "{name} was taken: {rows:,} rows",
    "duplicate": "{name} was known already",
    "partly": "{name} was taken in part",
    "returned": "{name} came back",
    "held": "{name} waits for a decision",
}
NEXT = {
    "accepted": "Nothing has to be done.",
    "duplicate": "Nothing has to be done: the same file came before.",
    "held": "Nothing has to be done by you: somebody looks at what it would change.",
}
CORRECT = "Correct the marked cells in the copy, and answer this mail with it."


def answer_mails(ctx: Context, connection: psycopg.Connection, way: MailWay) -> list[str]:
    """Answer every mail whose files have all been read; what could not be delivered."""
    try:
        return _answered(ctx, connection, way)
    finally:
        way.close()


def _answered(ctx: Context, connection: psycopg.Connection, way: MailWay) -> list[str]:
    problems = []
    for mail in mails.unanswered_mails(connection):
        verdicts = mails.mailed_verdicts(connection, mail.id)
        if not verdicts or any(one.verdict is None for one in verdicts):
            continue
        if mails.answers_lately(connection, mail.sender) >= MOST_AN_HOUR:
            mails.note_answer(connection, mail.id, f"not sent: more than {MOST_AN_HOUR} answers within an hour")
            continue
        matters = [_matter(ctx, one) for one in verdicts]
        if problem := _answer(ctx, connection, way, mail, matters):
            problems.append(problem)
    return problems


def _matter(ctx: Context, file: MailedFile) -> Matter:
    name, verdict = Path(file.path).name, str(file.verdict)
    rejects = [finding_line(name, Finding(**one)) for one in file.findings if one["severity"] == "reject"]
    said = [file.error] if file.error else rejects
    return Matter(
        "received" if verdict in ("accepted", "duplicate") else verdict,
        file.path,
        TITLES.get(verdict, "{name} was read").format(name=name, rows=file.rows),
        NEXT.get(verdict, CORRECT),
        tuple(said[:FINDINGS_GIVEN]),
        more=max(0, len(said) - FINDINGS_GIVEN),
        attachments=tuple(map(str, returned_copies(ctx.settings.returned / file.path)[:1])),
    )


def _answer(
    ctx: Context, connection: psycopg.Connection, way: MailWay, mail: KeptMail, matters: list[Matter]
) -> str | None:
    attached = [(Path(file), Path(one.key).name) for one in matters for file in one.attachments]
    fits = sum(file.stat().st_size for file, _ in attached) <= ctx.settings.attachment_mb * 1_000_000
    letter = write_letter(matters, attached if fits else [], "s2p writes this by itself, once for each mail.")
    domain = ctx.settings.sender.rpartition("@")[2]
    answer_id = mails.begin_answer(connection, mail.id, f"<s2p-{secrets.token_hex(12)}@{domain}>")
    try:
        way.send(_written(ctx, mail, letter, answer_id), mail.sender, lambda: None)
    except NotDelivered as problem:
        if problem.for_good:
            mails.note_answer(connection, mail.id, f"refused: {problem}")
        return f"the answer to {mail.sender}: {problem}"
    mails.note_answer(connection, mail.id, letter.subject)
    return None


def _written(ctx: Context, mail: KeptMail, letter: Letter, answer_id: str) -> Any:
    """The mail in its thread, marked as a program's answer, which programs do not answer."""
    subject = mail.subject if mail.subject.lower().startswith("re:") else f"Re: {mail.subject}"
    envelope = Envelope(answer_id, ctx.settings.sender, mail.sender, dt.datetime.now(dt.UTC))
    written = write_mail(replace(letter, subject=plain_line(subject)), envelope)
    written.replace_header("Auto-Submitted", "auto-replied")
    if mail.message_id:
        written["In-Reply-To"] = mail.message_id
    if mail.references:
        written["References"] = mail.references
    return written
