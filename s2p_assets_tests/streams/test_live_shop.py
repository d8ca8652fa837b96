"""The sample web shop of the live demo: what it sends is what its contract takes, and it sells for as long as asked."""

import datetime as dt
import json
import random

import pytest
from typer.testing import CliRunner

from s2p_assets.cli.app import app
from s2p_assets.samples.retail_live_shop import TOPIC, LiveExtraMissing, broker_program, live_shop, web_order
from s2p_assets.spreadsheet.event_rows import judge_events
from s2p_assets.streams.retail_web_orders import web_orders

PRICES = {"A-1": 9.99, "B-2": 120.0}


def test_what_the_shop_sends_is_what_its_contract_takes() -> None:
    now, chance = dt.datetime.now().astimezone(), random.Random(4)
    sent = [line for number in range(300) for line in web_order(f"W{number}", PRICES, chance, now)]
    found = judge_events(sent, [("web-orders[0]", number) for number in range(len(sent))], web_orders)
    assert not found.findings
    assert not found.unknown
    days = found.rows.column("ordered_at").to_pandas().dt.date.nunique()
    assert days > 10, "half of the orders are late"
    assert len({(line["order"], line["line"]) for line in sent}) == len(sent)


@pytest.mark.long
def test_the_shop_sells_at_a_broker_of_its_own() -> None:
    try:
        broker_program()
    except LiveExtraMissing as error:
        pytest.skip(str(error))
    from confluent_kafka import Consumer

    with live_shop(PRICES, rate=40.0) as address:
        consumer = Consumer({"bootstrap.servers": address, "group.id": "looks", "auto.offset.reset": "earliest"})
        consumer.subscribe([TOPIC])
        messages = consumer.consume(5, timeout=60)
        consumer.close()
    assert {json.loads(one.value() or b"{}")["item"] for one in messages} <= set(PRICES)
    assert len(messages) == 5


@pytest.mark.parametrize(
    ("words", "given", "says"),
    [
        (["demo", "--live", "--no-ui"], {}, "leave --no-ui out"),
        (["demo", "--live"], {"S2P_KAFKA": "k:9092"}, "unset S2P_KAFKA"),
    ],
)
def test_what_cannot_be_shown_live_is_refused_before_anything_is_written(
    words: list[str], given: dict[str, str], says: str, tmp_path: object
) -> None:
    done = CliRunner().invoke(app, words, env={"S2P_HOME": f"{tmp_path}/home"} | given)
    assert done.exit_code == 2
    assert says in " ".join(done.output.split())
