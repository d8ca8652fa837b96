"""What a broker, its senders and a clock may do to a stream: each is an outcome in status, and nothing is lost."""

import time
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from s2p_assets.services.streams.clocks import ClockWatch, jump_words
from s2p_assets.services.streams.consuming import StreamConsumer
from s2p_assets.services.streams.telling import returned_of, streams_status
from s2p_assets_tests.streams.acme import SHOP, TOPIC, Acme, acme_home, reading, sale, until
from s2p_assets_tests.streams.broker import Broker, running_broker

PARTITIONS = 1_000
HUGE = 100_000_000
NOW = 1_795_000_000.0


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    with running_broker() as running:
        running.topic(TOPIC, 1)
        yield running


@pytest.fixture(scope="module")
def acme(folder: Path, broker: Broker) -> Iterator[Acme]:
    with pytest.MonkeyPatch.context() as patch, acme_home(folder, patch, kafka=broker.address) as home:
        yield home


def said(acme: Acme, words: str) -> bool:
    return any(words in one for one in streams_status(acme.ctx)[0]["notices"])


@pytest.mark.long
def test_a_message_of_100_mb_comes_back_and_a_sender_from_the_future_is_named(acme: Acme, broker: Broker) -> None:
    ahead = int((time.time() + 3 * 86_400) * 1000)
    broker.send(TOPIC, [b"x" * HUGE, orjson.dumps(sale(9_000))], 1)
    broker.send(TOPIC, [orjson.dumps(sale(9_001))], 1, timestamp=ahead)
    with reading(acme):
        until(lambda: len(acme.rows(SHOP)) == 2, "the rows behind it")
        until(lambda: said(acme, "events are dated 2 days ahead"), "the clock is named")
    (returned,) = returned_of(acme.ctx, SHOP)
    assert returned["findings"][0]["message"].startswith("the event has 100,000,000 bytes, and at most 65,536")
    assert streams_status(acme.ctx)[0]["returned"] == 1


@pytest.mark.long
def test_a_thousand_partitions_are_read_and_twice_the_same_event_is_one_row(acme: Acme, broker: Broker) -> None:
    broker.drop(TOPIC)
    broker.topic(TOPIC, PARTITIONS)
    events = [orjson.dumps(sale(number)) for number in range(PARTITIONS)]
    broker.send(TOPIC, [*events, *events[:500]], PARTITIONS)
    with reading(acme):
        until(lambda: len(acme.rows(SHOP)) == PARTITIONS + 2, "a row of each partition")
        until(lambda: streams_status(acme.ctx)[0]["events"] == PARTITIONS + 503, "the repeated ones too")
        until(lambda: streams_status(acme.ctx)[0]["lag"] == 0, "nothing waits")
    (status, *_) = streams_status(acme.ctx)
    assert (status["partitions"], status["rows"], status["returned"]) == (PARTITIONS, PARTITIONS + 2, 1)
    assert said(acme, "was made anew")


@pytest.mark.parametrize(
    ("set_by", "says"),
    [(0.0, ""), (30.0, ""), (7_200.0, "forward by 120 minutes"), (-86_400.0, "back by 1,440 minutes")],
)
def test_a_clock_that_is_set_is_seen_once(set_by: float, says: str) -> None:
    moments, seconds = iter([NOW, NOW + 10 + set_by, NOW + 20 + set_by]), iter([5.0, 15.0, 25.0])
    watch = ClockWatch(lambda: next(moments), lambda: next(seconds))
    by = watch.jumped()
    assert (says in jump_words(by)) if says else not by
    assert watch.jumped() == 0.0


@pytest.mark.long
def test_a_clock_that_was_set_while_events_were_read_is_told_in_status(
    acme: Acme, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead = ClockWatch(lambda: time.time() + (3_600 if streams_status(acme.ctx)[0]["readers"] else 0))
    original = StreamConsumer.__post_init__

    def begun(consumer: StreamConsumer) -> None:
        original(consumer)
        consumer._clock = ahead

    monkeypatch.setattr(StreamConsumer, "__post_init__", begun)
    with reading(acme):
        until(lambda: said(acme, "was set forward by 60 minutes"), "it is told")
