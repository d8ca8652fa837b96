"""Reports by mail: who gets each new edition because they asked for it.

Whom the address book names gets it too; how it is sent is `messages/`'s.
"""

import datetime as dt
from collections.abc import Mapping

import psycopg

from s2p_assets.messaging.subscriptions import (
    Subscription,
    delete_subscription,
    insert_subscription,
    list_subscriptions,
)
from s2p_assets.services.askers import Asker, recipient_of, who_still_sees
from s2p_assets.services.context import Context
from s2p_assets.services.errors import NotFound
from s2p_assets.services.named import report_named


def subscribe(ctx: Context, asker: Asker, report: str, recipient: str = "") -> str:
    """Who gets each new edition of the report from now on. Raises NotFound, AskRefused."""
    name = report_named(ctx.catalog, report).full_name
    if not asker.sees(name):
        raise NotFound(f"no report {report[:80]!r}")
    to = recipient_of(ctx, asker, recipient)
    with ctx.warehouse.writing() as connection:
        insert_subscription(connection, name, to, asker.name)
    return to


def unsubscribe(ctx: Context, asker: Asker, number: int) -> None:
    """End a subscription. Raises NotFound for one that is not theirs."""
    with ctx.warehouse.writing() as connection:
        if number not in {one.id for one in _of(connection, asker)}:
            raise NotFound("there is no such subscription of yours")
        delete_subscription(connection, number)


def subscriptions_of(ctx: Context, asker: Asker) -> list[Subscription]:
    """Those that are theirs; for an engineer, of everybody."""
    with ctx.warehouse.reading() as connection:
        return _of(connection, asker)


def _of(connection: psycopg.Connection, asker: Asker) -> list[Subscription]:
    return [one for one in list_subscriptions(connection) if asker.may_change(one.recipient, one.asked_by)]


def subscribers(connection: psycopg.Connection) -> Mapping[str, list[tuple[str, dt.datetime]]]:
    """Report → who gets it and since when, of those who may still see it."""
    still_sees, found = who_still_sees(connection), dict[str, list[tuple[str, dt.datetime]]]()
    for one in list_subscriptions(connection):
        if still_sees(one.recipient, one.asked_by, one.report):
            found.setdefault(one.report, []).append((one.recipient, one.asked_at))
    return found
