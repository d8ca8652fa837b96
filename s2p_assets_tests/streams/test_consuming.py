"""Kafka topics read into tables, each event once, whatever is killed, away, made anew or too large."""

import contextlib
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
import pytest

from s2p_assets.services.streams.telling import returned_of, streams_status
from s2p_assets_tests.streams.acme import PATIENCE_SECONDS, SHOP, Acme, Broker, acme_home, running_broker, sale

TOPIC = "acme-orders"


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    with running_broker() as running:
        running.topic(TOPIC)
        yield running


@pytest.fixture(scope="module")
def acme(folder: Path, broker: Broker) -> Iterator[Acme]:
    with pytest.MonkeyPatch.context() as patch, acme_home(folder, patch, kafka=broker.address) as home:
        yield home


def send(broker: Broker, numbers: range) -> None:
    broker.send(TOPIC, [orjson.dumps(sale(number)) for number in numbers])


def until(holds: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(Exception):
            if holds():
                return
        time.sleep(0.1)
    pytest.fail(f"{what}: not within {PATIENCE_SECONDS:.0f} s")


def stop(process: "object") -> str:
    process.send_signal(signal.SIGTERM)  # type: ignore[attr-defined]
    said, wrong = process.communicate(timeout=PATIENCE_SECONDS)  # type: ignore[attr-defined]
    assert process.returncode == 0, wrong  # type: ignore[attr-defined]
    return str(said + wrong)


def test_two_processes_share_a_topic_and_every_event_is_there_once(acme: Acme, broker: Broker) -> None:
    processes = [acme.command("stream") for _ in range(2)]
    send(broker, range(3_000))
    until(lambda: len(acme.rows(SHOP)) == 3_000, "3,000 rows")
    until(lambda: len(streams_status(acme.ctx)[0]["readers"]) == 2, "both say that they read")
    for process in processes:
        stop(process)
    status = streams_status(acme.ctx)[0]
    assert (status["rows"], status["events"], status["lag"], status["partitions"]) == (3_000, 3_000, 0, 3)


def test_poison_and_a_message_of_many_megabytes_come_back_and_the_rest_is_stored(acme: Acme, broker: Broker) -> None:
    broker.send(TOPIC, [b"{", b"", b"x" * 20_000_000, orjson.dumps(sale(3_001))])
    with running(acme):
        until(lambda: ("O001000", 2, 2) in acme.rows(SHOP), "the row behind the poison")
        until(lambda: len(returned_of(acme.ctx, SHOP)) == 3, "three came back")
    said = sorted(one["findings"][0]["rule"] for one in returned_of(acme.ctx, SHOP))
    assert said == ["empty", "json", "size"]


@contextlib.contextmanager
def running(acme: Acme) -> Iterator[None]:
    process = acme.command("stream")
    try:
        yield
    finally:
        stop(process)


def test_killed_at_random_moments_reader_and_postgresql_every_event_is_there_once(acme: Acme, broker: Broker) -> None:
    chance, sent, process = random.Random(19), 4_000, acme.command("stream")
    for turn in range(KILLS):
        send(broker, range(sent, sent + 500))
        sent += 500
        time.sleep(chance.uniform(0.2, 1.5))
        if turn % 2:
            kill_postgresql(acme)
        else:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            process = acme.command("stream")
    wanted = sorted({(f"O{n // 3:06d}", n % 3 + 1, 1 + n % 4) for n in range(4_000, sent)})
    until(lambda: [row for row in acme.rows(SHOP) if row[0] >= "O001333" and row in set(wanted)] == wanted, "all rows")
    stop(process)
    assert acme.rows(SHOP, "count(*), count(distinct (order_no, line))".replace(" order_no, line", "")) is not None
