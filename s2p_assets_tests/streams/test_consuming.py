"""Kafka topics read into tables, each event once, whatever is killed, away, made anew or too large."""

import random
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from s2p_assets.services.streams.telling import returned_of, streams_status
from s2p_assets_tests.streams.acme import (
    SHOP,
    TOPIC,
    Acme,
    acme_home,
    kill_in_turn,
    sale,
    sent_rows,
    stop,
    until,
)
from s2p_assets_tests.streams.broker import Broker, lasting_broker

pytestmark = pytest.mark.long
KILLS = 3
"""Of the reader, of PostgreSQL and of the broker in turn; `benchmarks.streams --kills 200` does it for longer."""


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    with lasting_broker() as running:
        running.topic(TOPIC)
        yield running


@pytest.fixture(scope="module")
def acme(folder: Path, broker: Broker) -> Iterator[Acme]:
    with pytest.MonkeyPatch.context() as patch, acme_home(folder, patch, kafka=broker.address) as home:
        yield home


def send(broker: Broker, numbers: range) -> None:
    broker.send(TOPIC, [orjson.dumps(sale(number)) for number in numbers])


def test_two_processes_share_a_topic_and_each_event_is_stored_once(acme: Acme, broker: Broker) -> None:
    processes = [acme.command("stream") for _ in range(2)]
    send(broker, range(1_500))
    until(lambda: len(acme.rows(SHOP)) == 1_500, "1,500 rows")
    broker.send(TOPIC, [b"{", b"", b"x" * 20_000_000, orjson.dumps(sale(1_500)), orjson.dumps(sale(1_500))])
    until(lambda: acme.rows(SHOP)[-1] == ("O000500", 1, 1), "the row behind poison and 20 MB")
    until(lambda: len(returned_of(acme.ctx, SHOP)) == 3, "three came back")
    until(lambda: len(streams_status(acme.ctx)[0]["readers"]) == 2, "both say that they read")
    until(lambda: streams_status(acme.ctx)[0]["lag"] == 0, "nothing waits")
    for process in processes:
        stop(process)
    status = streams_status(acme.ctx)[0]
    assert (status["rows"], status["events"], status["partitions"], status["returned"]) == (1_501, 1_505, 3, 3)
    assert sorted(one["findings"][0]["rule"] for one in returned_of(acme.ctx, SHOP)) == ["empty", "json", "size"]


def test_killed_at_random_moments_and_a_topic_made_anew_nothing_is_lost_or_doubled(acme: Acme, broker: Broker) -> None:
    chance, sent, process = random.Random(19), 2_000, acme.command("stream")
    for turn in range(KILLS):
        send(broker, range(sent, sent + 600))
        sent += 600
        process = kill_in_turn(acme, process, turn, chance.uniform(0.5, 3.0), broker)
    wanted = sent_rows(range(1_501)) + sent_rows(range(2_000, sent))
    until(lambda: len(acme.rows(SHOP)) >= len(wanted), "all rows")
    assert acme.rows(SHOP) == sorted(wanted)
    broker.drop(TOPIC)
    broker.topic(TOPIC)
    send(broker, range(sent - 5, sent + 5))
    until(lambda: len(acme.rows(SHOP)) == len(wanted) + 5, "the rows of the new topic")
    until(lambda: streams_status(acme.ctx)[0]["notices"], "it is said that the topic was made anew")
    stop(process)
    assert any("was made anew" in says for says in streams_status(acme.ctx)[0]["notices"])
    with acme.ctx.warehouse.connect() as connection:
        doubled = "select 1 from acme.shop group by order_no, line having count(*) > 1"
        assert connection.execute(doubled).fetchone() is None


def test_a_broker_that_is_away_is_waited_for_and_named(acme: Acme, broker: Broker) -> None:
    broker.kill()
    process = acme.command("stream")
    until(lambda: (acme.reader_problem() or "").startswith("the brokers at"), "what is waited for is said")
    broker.start()
    send(broker, range(9_000, 9_003))
    until(lambda: acme.rows(SHOP)[-1][0] == "O003000", "reading goes on")
    until(lambda: acme.reader_problem() is None, "nothing is waited for")
    stop(process)
