"""How messages stand, as `s2p status` says it; without what writes and sends them, which loads what marks workbooks."""

from typing import Any

import psycopg

from s2p_assets.contracts.errors import MendableError
from s2p_assets.messaging import record
from s2p_assets.messaging.address_book import read_address_book
from s2p_assets.settings import Settings


def messages_status(settings: Settings, connection: psycopg.Connection) -> dict[str, Any]:
    """What `s2p status` says of messages: how many, which could not be delivered, and what is wrong with the book."""
    counts = record.count_messages(connection)
    stuck = [one for one in record.read_messages(connection, ["waiting", "sending", "refused"]) if one.error]
    try:
        read_address_book(settings.addresses)
        problem = None
    except MendableError as error:
        problem = str(error)
    return {
        **{state: counts.get(state, 0) for state in ("waiting", "sending", "sent", "spooled", "refused")},
        "outbox": str(settings.outbox) if counts.get("spooled") and not settings.smtp_host else None,
        "undelivered": [
            {
                "recipient": one.recipient,
                "since": one.created_at.isoformat(),
                "attempts": one.attempts,
                "for_good": one.state == "refused",
                "error": one.error,
                "about": list(one.titles),
            }
            for one in stuck
        ],
        "problem": problem,
    }
