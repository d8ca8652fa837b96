"""What people asked to be told: a report by mail, a value that passes a limit; once, and only what they may see."""

import datetime as dt
import json
from typing import Any

import pytest

from s2p_assets.contracts.errors import MendableError
from s2p_assets.messaging.subscriptions import WatchedValue
from s2p_assets.services.askers import Asker, AskRefused
from s2p_assets.services.context import Context
from s2p_assets.services.errors import NotFound
from s2p_assets.services.messages.sending import send_messages
from s2p_assets.services.subscriptions import subscribe, subscriptions_of, unsubscribe
from s2p_assets.services.threshold_alerts import alerts_of, end_watch, threshold_matters, watch_value
from s2p_assets.spreadsheet.sandbox import Sandbox
from s2p_assets.warehouse.access import users
from s2p_assets_tests.messaging.servers import mail_server
from s2p_assets_tests.services.test_messages import ctx, drop_orders, reader, take, text_of, with_mail
from s2p_assets_tests.small_company import order_rows, save

__all__ = ["ctx", "reader"]
ANN, BEN = "ann@example.com", "ben@example.com"
STOCK = WatchedValue("acme_orders", {"order_no": "1-0"}, "quantity", "under", 2)


def asker(address: str | None = ANN, *, engineer: bool = False, sees: Any = lambda _: True) -> Asker:
    return Asker(address or "anybody on this computer", address, engineer, sees)


def with_stock(number: int, quantity: int | None) -> list[list[Any]]:
    """Orders of which the first has this quantity, or is not there."""
    rows = order_rows(number)
    rows[1][2] = quantity
    return rows if quantity is not None else [rows[0], *rows[2:]]


def add_users(ctx: Context) -> None:
    with ctx.warehouse.connect() as connection:
        users.insert_user(connection, ANN, "Ann", "viewer", ["purchasing"])
        users.insert_user(connection, BEN, "Ben", "viewer")


def publish_takings(ctx: Context, day: str, made_at: dt.datetime) -> None:
    edition = ctx.settings.reports / "acme-takings" / day
    edition.mkdir(parents=True)
    (edition / f"Takings {day}.pdf").write_bytes(b"%PDF")
    card = {"title": "Takings", "as_of": day, "headline": "90.00 taken in", "made_at": made_at.isoformat()}
    (edition / "edition.json").write_text(json.dumps(card | {"picture": False}))


def test_a_value_under_its_limit_is_told_once_and_again_only_as_another_matter(ctx: Context, reader: Sandbox) -> None:
    save(ctx.settings.share / "orders/Good.xlsx", order_rows(1))
    take(ctx, reader)
    assert watch_value(ctx, asker(), STOCK) == 2
    watch_value(ctx, asker(), STOCK)
    with mail_server() as box:
        mailing = with_mail(ctx, box)
        assert send_messages(mailing, {}).counts == {}
        for hours, quantity in ((5, 1), (6, 7), (7, 1)):
            save(ctx.settings.share / "orders/Good.xlsx", with_stock(1, quantity), hours)
            take(ctx, reader)
            send_messages(mailing, {})
            send_messages(mailing, {})
    (mail,) = (mail for mail, to in zip(box.mails, box.recipients, strict=True) if to == ANN)
    assert mail["Subject"] == "Pieces ordered of 1-0 under 2: it is 1"
    ((alert, words, now),) = alerts_of(ctx, asker())
    assert (words, now) == ("Pieces ordered of 1-0 under 2", 1)
    end_watch(ctx, asker(), alert.id)
    assert alerts_of(ctx, asker()) == []


def test_a_value_that_is_no_longer_there_is_told_and_not_taken_as_well(ctx: Context, reader: Sandbox) -> None:
    save(ctx.settings.share / "orders/Good.xlsx", order_rows(1))
    take(ctx, reader)
    watch_value(ctx, asker(), STOCK)
    save(ctx.settings.share / "orders/Good.xlsx", with_stock(1, None), 5)
    take(ctx, reader)
    with ctx.warehouse.connect() as connection:
        (matter,) = threshold_matters(ctx, connection)
        assert "there is no such value now" in matter.title
        connection.execute("update s2p.threshold_alerts set table_name = 'acme_gone'")
        (matter,) = threshold_matters(ctx, connection)
    assert "cannot be watched" in matter.title


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        (WatchedValue("acme_nothing", {}, "quantity", "under", 1), "no table"),
        (WatchedValue("acme_orders", {"order_no": "1-0"}, "article", "under", 1), "no quantity"),
        (WatchedValue("acme_orders", {"article": "L-1"}, "quantity", "under", 1), "name the row by order_no"),
        (WatchedValue("acme_orders", {"order_no": "9-9"}, "quantity", "under", 1), "no row"),
        (WatchedValue("acme_orders", {"order_no": "1-0"}, "quantity", "under", float("nan")), "a number"),
    ],
)
def test_what_cannot_be_watched_is_refused_with_what_there_is(
    ctx: Context, reader: Sandbox, wanted: WatchedValue, says: str
) -> None:
    save(ctx.settings.share / "orders/Good.xlsx", order_rows(1))
    take(ctx, reader)
    with pytest.raises(MendableError, match=says):
        watch_value(ctx, asker(), wanted)


def test_only_an_engineer_names_others_and_each_ends_only_their_own(ctx: Context, reader: Sandbox) -> None:
    drop_orders(ctx)
    take(ctx, reader)
    for recipient in (BEN, "x", "engineers"):
        with pytest.raises(AskRefused):
            subscribe(ctx, asker(), "acme_takings", recipient)
    with pytest.raises(AskRefused, match="no mail address"):
        subscribe(ctx, asker(None, engineer=True), "acme_takings", "nobody")
    assert subscribe(ctx, asker(None, engineer=True), "acme_takings", BEN) == BEN
    assert subscriptions_of(ctx, asker()) == []
    ((one),) = subscriptions_of(ctx, asker(BEN))
    with pytest.raises(NotFound):
        unsubscribe(ctx, asker(), one.id)
    unsubscribe(ctx, asker(BEN), one.id)
    with pytest.raises(NotFound):
        subscribe(ctx, asker(sees=lambda _: False), "acme_takings")


def test_a_report_goes_to_who_asked_from_then_on_and_may_still_see_it(ctx: Context, reader: Sandbox) -> None:
    save(ctx.settings.share / "orders/Good.xlsx", order_rows(1))
    take(ctx, reader)
    add_users(ctx)
    publish_takings(ctx, "2026-01-31", dt.datetime.now(dt.UTC) - dt.timedelta(minutes=1))
    for person in (ANN, BEN):
        subscribe(ctx, asker(person), "acme-takings")
        watch_value(ctx, asker(person), STOCK)
    with ctx.warehouse.connect() as connection:
        users.restrict(connection, "acme_takings", ["purchasing"])
        users.restrict(connection, "acme_orders", ["purchasing"])
    save(ctx.settings.share / "orders/Good.xlsx", with_stock(1, 1), 5)
    take(ctx, reader)
    with mail_server() as box:
        send_messages(with_mail(ctx, box), {})
        publish_takings(ctx, "2026-02-28", dt.datetime.now(dt.UTC))
        send_messages(with_mail(ctx, box), {})
    told = [(to, mail["Subject"]) for mail, to in zip(box.mails, box.recipients, strict=True) if to in (ANN, BEN)]
    assert told == [
        (ANN, "Pieces ordered of 1-0 under 2: it is 1"),
        (ANN, "Takings, Saturday 28 February 2026"),
    ]
    report = next(mail for mail in box.mails if mail["Subject"].startswith("Takings"))
    assert [part.get_filename() for part in report.iter_attachments()] == ["Takings 2026-02-28.pdf"]
    assert "90.00 taken in" in text_of(report)
