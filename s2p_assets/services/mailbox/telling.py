"""How the mailbox stands, for `s2p status`, the screen and engineers. Nothing is asked of its server here."""

import datetime as dt
from typing import Any

import psycopg

from s2p_assets.messaging.matters import Matter
from s2p_assets.services.context import Context
from s2p_assets.warehouse.files.mails import KeptMail, held_mails, mailbox_look

PATIENCE = dt.timedelta(minutes=5)


def mailbox_status(ctx: Context, connection: psycopg.Connection) -> dict[str, Any] | None:
    """The folder, when it was looked at, `problem` and since when, and the mails that are held; None without one."""
    settings = ctx.settings
    if settings.mailbox_host is None:
        return None
    look = mailbox_look(connection, settings.mailbox_folder)
    return {
        "place": f"{settings.mailbox_folder} at {settings.mailbox_host}",
        "looked_at": look.looked_at.isoformat() if look else None,
        "since": look.since.isoformat() if look else None,
        "problem": look.problem if look else "it was not looked at yet; s2p up does so, and s2p fetch",
        "held": [_held(mail) for mail in held_mails(connection)],
    }


def _held(mail: KeptMail) -> dict[str, Any]:
    return {
        "sender": mail.sender,
        "subject": mail.subject,
        "message_id": mail.message_id,
        "received_at": mail.received_at.isoformat(),
        "why": mail.why,
    }


def mail_matters(ctx: Context, connection: psycopg.Connection, now: dt.datetime) -> list[Matter]:
    """Mails that are held, and a mailbox that is away: each told once."""
    if ctx.settings.mailbox_host is None:
        return []
    found = [
        Matter(
            "mail",
            f"held:{mail.id}:{mail.why}",
            f"A mail of {mail.sender} is held: {mail.subject or 'without a subject'}",
            "Nothing of it is loaded. When the contract is right it is taken by itself; else leave it.",
            (mail.why or "",),
        )
        for mail in held_mails(connection)
    ]
    look = mailbox_look(connection, ctx.settings.mailbox_folder)
    if look and look.problem and now - look.since > PATIENCE:
        step = "Nothing is lost: reading goes on by itself once it is there again."
        found.append(Matter("mail", f"away:{look.since.isoformat()}", "The mailbox is away", step, (look.problem,)))
    return found
