"""Rows that programs push: judged by their contract, stored once, traced to the event, taken again when corrected."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from pydantic import ValidationError

from s2p_assets import PostgresTable, Stream
from s2p_assets.contracts.columns import DeclarationError
from s2p_assets.services.streams.pushing import KeyReused, NotPushed, push_events
from s2p_assets.services.streams.replaying import NotReplayed, read_corrections, replay
from s2p_assets.services.streams.telling import returned_of, streams_status
from s2p_assets.services.table_changes import table_changes
from s2p_assets.services.trace import trace_table
from s2p_assets.settings import Settings
from s2p_assets.streams.retail_web_orders import WebOrder
from s2p_assets_tests.streams.acme import SHOP, TILL, Acme, acme_home, lines, sale


@pytest.fixture(scope="module")
def acme(folder: Path) -> Iterator[Acme]:
    with pytest.MonkeyPatch.context() as patch, acme_home(folder, patch) as home:
        yield home


def push(acme: Acme, key: str, *sales: dict[str, object]) -> dict[str, object]:
    return push_events(acme.ctx, TILL, lines(sales), key, "till 7").answer


def test_a_delivery_is_stored_once_however_often_it_is_sent(acme: Acme) -> None:
    body = lines([sale(number) for number in range(9)])
    first = push_events(acme.ctx, TILL, body, "d1", "till 7")
    assert (first.answer["stored"], first.answer["returned"], first.again) == (9, 0, False)
    again = push_events(acme.ctx, TILL, body, "d1", "till 7")
    assert (again.answer, again.again) == (first.answer, True)
    other_key = push_events(acme.ctx, TILL, body, "d2", "till 7").answer
    assert (other_key["stored"], other_key["repeated"]) == (0, 9)
    assert len(acme.rows(TILL)) == 9
    with pytest.raises(KeyReused, match="used for other events"):
        push_events(acme.ctx, TILL, lines([sale(1)]), "d1", "till 7")


def test_an_event_with_the_key_of_another_takes_its_place_and_the_older_row_comes_back_with_forget(acme: Acme) -> None:
    push(acme, "k1", sale(30), sale(31))
    changed = push(acme, "k2", sale(30, qty=77), sale(31))
    assert (changed["stored"], changed["repeated"]) == (1, 1)
    shown = {(order, line): quantity for order, line, quantity in acme.rows(TILL)}
    assert shown["O000010", 1] == 77
    assert shown["O000010", 2] == 4


def test_what_events_changed_in_a_stream_between_two_moments_is_told_with_their_day(acme: Acme) -> None:
    push(acme, "c1", sale(210), sale(211))
    since = dt.datetime.now().astimezone().isoformat()
    push(acme, "c2", sale(210, qty=78), sale(212))
    found = table_changes(acme.ctx, TILL, since, dt.datetime.now().astimezone().isoformat(), None)
    changed, new = found.rows
    assert (changed["key"], changed["columns"]["quantity"]["to"]) == ({"order_no": "O000070", "line": 1}, 78)
    assert new["row"]["line"] == 3
    (cause,) = found.causes
    assert (cause["kind"], cause["workbook"], cause["who"], cause["rows"]) == ("stream", TILL, "till@example.com", 2)
    assert {row["path"] for row in found.rows} == {cause["path"]}


def test_a_bad_row_comes_back_alone_with_every_finding_and_poison_stops_nothing(acme: Acme) -> None:
    bad = sale(60, qty=0, price="cheap", at="yesterday")
    del bad["order"]
    body = b"\n".join(
        [orjson.dumps(bad), b"\xff\x00 not json", b"[1, 2]", orjson.dumps(sale(61, qty=-500)), lines([sale(62)])]
    )
    body += b"\n" + orjson.dumps(sale(63, note="x" * 9_000))
    answer = push_events(acme.ctx, TILL, body, "bad", "till 7").answer
    assert (answer["events"], answer["stored"], answer["returned"]) == (6, 1, 5)
    said = {(one["line"], one["message"]) for one in answer["findings"]}
    assert {
        (1, "'Order' is missing"),
        (1, "'cheap' is not a price"),
        (1, "'yesterday' is not written as YYYY-MM-DD"),
        (1, "0 is not allowed here"),
        (3, "the event is no JSON object, but a list"),
        (4, "a return of more than 100 pieces"),
    } <= said
    assert any(line == 2 and message.startswith("the event is no JSON") for line, message in said)
    assert any(line == 6 and "at most 4,096 are taken" in message for line, message in said)
    assert streams_status(acme.ctx)[1]["returned"] == 5


def test_what_came_back_is_replayed_as_corrected_and_does_not_replace_what_came_since(acme: Acme) -> None:
    replay(acme.ctx, TILL, drop=True)
    push(acme, "r1", sale(90, qty="many"), sale(91, qty="few"), sale(92, qty="none"))
    push(acme, "r2", sale(91, qty=5))
    waiting = returned_of(acme.ctx, TILL)
    assert [one["kind"] for one in waiting] == ["quantity: type"] * 3
    corrected = [
        orjson.dumps({"_id": waiting[0]["id"]} | sale(90, qty=7)),
        orjson.dumps({"_id": waiting[1]["id"]} | sale(91, qty=6)),
    ]
    done = replay(acme.ctx, TILL, corrected=read_corrections(b"\n".join(corrected)))
    assert (done.stored, done.repeated, done.returned) == (1, 1, 0)
    shown = {(order, line): quantity for order, line, quantity in acme.rows(TILL)}
    assert (shown["O000030", 1], shown["O000030", 2]) == (7, 5)
    assert replay(acme.ctx, TILL).returned == 1
    with pytest.raises(NotReplayed, match="no event of acme_till with this number waits"):
        replay(acme.ctx, TILL, ids=[waiting[0]["id"]])


def test_a_trace_of_a_row_ends_at_its_event(acme: Acme) -> None:
    push(acme, "t1", sale(120, qty=3, note="gift"))
    traced = trace_table(acme.ctx, TILL, {"order_no": "O000040", "line": "1"}, ["quantity", "sku"], most=5)
    (row,) = traced.rows
    assert row.file is not None
    assert row.file.event is not None
    assert orjson.loads(row.file.event) == sale(120, qty=3, note="gift")
    assert row.file.cells == {"quantity": "qty", "sku": "item.sku"}
    assert row.file.path.startswith(f"s2p-streams/{TILL}/{dt.datetime.now(dt.UTC).date()}")
    assert row.file.sheet == "push[0]"


@pytest.mark.parametrize(
    ("name", "body", "key", "says"),
    [
        (TILL, lines([sale(1)]), "", "give an Idempotency-Key"),
        (TILL, b"\n \n", "k", "the body holds no event"),
        (SHOP, lines([sale(1)]), "k", "is read from the topic acme-orders"),
    ],
)
def test_what_cannot_be_taken_is_refused_in_one_line(acme: Acme, name: str, body: bytes, key: str, says: str) -> None:
    with pytest.raises(NotPushed, match=says):
        push_events(acme.ctx, name, body, key, "till 7")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"source": PostgresTable("public.stock", "erp")}, "say which columns name one"),
        ({"source": "orders"}, "is no Kafka"),
    ],
)
def test_a_source_that_cannot_be_is_refused_where_it_is_declared(words: dict[str, Any], says: str) -> None:
    with pytest.raises(DeclarationError, match=says):
        Stream(rows=WebOrder, owner="a@example.com", **words)
    with pytest.raises(DeclarationError, match="with its schema"):
        PostgresTable("stock", "erp")


def test_other_databases_are_named_with_their_addresses() -> None:
    found = Settings.model_validate({"source_databases": "erp=postgresql://a@b/c?x=1\ncrm=postgres://d/e"})
    assert {name: address.get_secret_value() for name, address in found.source_databases.items()} == {
        "erp": "postgresql://a@b/c?x=1",
        "crm": "postgres://d/e",
    }
    assert "a@b" not in str(found)
    with pytest.raises(ValidationError, match="write erp=postgresql"):
        Settings.model_validate({"source_databases": "postgresql://a@b/c"})
