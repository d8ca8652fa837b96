"""Who asks to be told something, whom they may name, and whether somebody may still see what they are told of.

What they ask for is in `subscriptions.py` and `threshold_alerts.py`; roles and groups are `access.py`'s.
"""

from collections.abc import Callable
from dataclasses import dataclass

import psycopg

from s2p_assets.contracts.errors import MendableError
from s2p_assets.messaging.address_book import is_mail_address, read_address_book
from s2p_assets.services.context import Context
from s2p_assets.warehouse.access import users
from s2p_assets.warehouse.access.users import User

StillSees = Callable[[str, str, str], bool]
"""(recipient, who asked, a report or table) → whether it may go to them."""


class AskRefused(MendableError):
    """Something that cannot be asked for; one line that says what to do."""


@dataclass(frozen=True)
class Asker:
    """Who asks. `address`: their own, None for a program and where nobody logs in; `is_engineer`: may name others."""

    name: str
    address: str | None
    is_engineer: bool
    sees: Callable[[str], bool]

    def may_change(self, recipient: str, asked_by: str) -> bool:
        """Whether what goes to `recipient` is theirs to see and to end."""
        return self.is_engineer or self.address == recipient or self.name == asked_by


def recipient_of(ctx: Context, asker: Asker, wanted: str) -> str:
    """Who is to be told: the asker; by an engineer, any address or service of the book. Raises AskRefused."""
    named = wanted.strip() or asker.address or ""
    if named == asker.address and named:
        return named
    if not asker.is_engineer:
        raise AskRefused("messages go to your own address; ask an engineer for another one")
    if not is_mail_address(named) and named not in read_address_book(ctx.settings.addresses).services:
        raise AskRefused(
            f"{named[:80]!r} is no mail address and no service of the address book; write name@company.com"
        )
    return named


def who_still_sees(connection: psycopg.Connection) -> StillSees:
    """By roles and groups as they stand now: of users their own; of others what is kept to nobody, or an engineer
    who asked for them.
    """
    known = {user.email: user for user in users.list_users(connection)}
    kept = users.restrictions(connection)

    def sees(user: User | None, thing: str) -> bool:
        if user is None or user.disabled:
            return False
        return user.role == "engineer" or thing not in kept or bool(kept[thing] & set(user.groups))

    def may(recipient: str, asked_by: str, thing: str) -> bool:
        if recipient.lower() in known:
            return sees(known[recipient.lower()], thing)
        asker = known.get(asked_by)
        if asker is not None:
            return not asker.disabled and (thing not in kept or asker.role == "engineer")
        return thing not in kept

    return may
