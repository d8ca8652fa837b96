"""How Kafka's brokers are spoken to, as the settings say; and what they call a topic by themselves.

What is read from them is in `consuming.py`.
"""

import logging
import os
import socket
import time
from typing import Any

from s2p_assets.contracts.errors import MendableError
from s2p_assets.settings import Settings

ASK_SECONDS = 10.0
ID_SECONDS = 5.0
GROUP = "s2p"
"""librdkafka asks for a name; no group is formed by it, as the processes share the partitions through PostgreSQL."""


class BrokersRefused(MendableError):
    """The brokers cannot be used as they are set; one line with the reason."""


def consumer_settings(settings: Settings) -> dict[str, Any]:
    """What librdkafka is told: offsets are s2p's own, and the brokers as the settings name them."""
    given: dict[str, Any] = {
        "bootstrap.servers": settings.kafka,
        "group.id": GROUP,
        "client.id": f"s2p-{socket.gethostname()}-{os.getpid()}",
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "error",
        "queued.max.messages.kbytes": 16 << 10,
        "queued.min.messages": 20_000,
        "fetch.message.max.bytes": 1 << 20,
        "fetch.wait.max.ms": 500,
        "receive.message.max.bytes": 300 << 20,
        "topic.metadata.refresh.interval.ms": 30_000,
        "security.protocol": _protocol(settings),
        "log_level": 3,
    }
    password = _password(settings)
    optional = {
        "sasl.mechanism": settings.kafka_sasl or None,
        "sasl.username": settings.kafka_user,
        "sasl.password": password,
        "ssl.ca.location": str(settings.kafka_ca_file) if settings.kafka_ca_file else None,
        "ssl.certificate.location": str(settings.kafka_certificate_file) if settings.kafka_certificate_file else None,
        "ssl.key.location": str(settings.kafka_key_file) if settings.kafka_key_file else None,
    }
    return given | {name: value for name, value in optional.items() if value}


def _protocol(settings: Settings) -> str:
    safe, logs_in = settings.kafka_security == "tls", bool(settings.kafka_sasl)
    return {(False, False): "plaintext", (True, False): "ssl", (False, True): "sasl_plaintext"}.get(
        (safe, logs_in), "sasl_ssl"
    )


def _password(settings: Settings) -> str | None:
    if settings.kafka_password_file:
        return settings.kafka_password_file.read_text(encoding="utf-8").strip()
    return settings.kafka_password.get_secret_value() if settings.kafka_password else None


class TopicIds:
    """The brokers' own names for topics: a topic that was made anew has another one. Asked for at most every 5 s."""

    def __init__(self, settings: Settings) -> None:
        given = consumer_settings(settings)
        ours = ("bootstrap", "security", "sasl", "ssl")
        self._given = {name: value for name, value in given.items() if name.split(".")[0] in ours}
        self._known: dict[str, tuple[float, str | None]] = {}

    def of(self, topic: str) -> str | None:
        """None where the brokers have none, or do not answer."""
        asked_at, known = self._known.get(topic, (0.0, None))
        if time.monotonic() - asked_at > ID_SECONDS or not asked_at:
            known = self._asked(topic)
            self._known[topic] = time.monotonic(), known
        return known

    def now(self, topic: str, known: str | None) -> str | None:
        """As `of`; one that is not the `known` one is asked for again, as what was kept may be older than that."""
        found = self.of(topic)
        if known and found != known:
            self._known.pop(topic)
            found = self.of(topic)
        return found

    def _asked(self, topic: str) -> str | None:
        from confluent_kafka import KafkaException, TopicCollection
        from confluent_kafka.admin import AdminClient

        try:
            brokers = AdminClient(self._given, logger=silent_logger())
            described: Any = brokers.describe_topics(TopicCollection([topic]), request_timeout=ASK_SECONDS)
            found = str(described[topic].result(ASK_SECONDS).topic_id)
        except (KafkaException, TimeoutError, AttributeError, ValueError):
            return None
        return found if found.strip("A=0-") and found != "None" else None


def silent_logger() -> logging.Logger:
    """librdkafka's own lines, which say what `error_cb` says, go nowhere."""
    logger = logging.getLogger("s2p.kafka")
    logger.propagate = False
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
    return logger
