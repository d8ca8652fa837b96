"""Reading Kafka topics into their streams' tables, exactly once: offsets are kept with the rows, in PostgreSQL.

Brokers, PostgreSQL and the schema registry may be away for as long as they like: what was stored is stored, and reading
goes on from there. How an event becomes a row is in `taking.py`.
"""

import contextlib
import datetime as dt
import logging
import os
import socket
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import psycopg

from s2p_assets.contracts.errors import MendableError
from s2p_assets.contracts.stream import Stream
from s2p_assets.services.context import Context
from s2p_assets.services.errors import is_lost_database, one_line
from s2p_assets.services.logs import log_event
from s2p_assets.services.streams.brokers import BrokersRefused, TopicIds, consumer_settings, silent_logger
from s2p_assets.services.streams.clocks import ClockWatch, jump_words
from s2p_assets.services.streams.taking import Taker
from s2p_assets.services.streams.wire import EventReader, ExtraMissing, RegistryAway
from s2p_assets.warehouse.streams.loading import PartitionEvents, StoredEvents
from s2p_assets.warehouse.streams.notices import note_stream
from s2p_assets.warehouse.streams.offsets import UNBOUNDED, Partition, TopicBounds, begin_partition, note_ends
from s2p_assets.warehouse.streams.readers import say_ended, say_reading, sharing_processes

if TYPE_CHECKING:
    from confluent_kafka import Consumer

MAX_EVENTS, MAX_BYTES = 10_000, 16 << 20
"""Of one batch: so many events, and about so many bytes."""
LINGER_SECONDS = 0.05
"""How long a batch is collected once its first event is there."""
IDLE_SECONDS = 1.0
SHARE_SECONDS = 2.0
LOOK_SECONDS = 10.0
AGAIN_SECONDS = 5.0
ASK_SECONDS = 10.0
ASKS_UNTIL_BELIEVED = 6

Message = Any
"""Of `confluent_kafka`, whose own types say that it may have no topic and no offset."""


@dataclass
class StreamConsumer:
    """One consumer for all streams of an installation, in one process; several processes share the partitions.

    `connection` is made anew when PostgreSQL went away. `ended` stops it between two batches.
    """

    ctx: Context
    streams: Sequence[Stream]
    ended: threading.Event
    stored: int = 0
    _connection: psycopg.Connection | None = None
    _takers: dict[str, Taker] = field(default_factory=dict)
    _readers: dict[str, EventReader] = field(default_factory=dict)
    _places: dict[tuple[str, str, int], Partition] = field(default_factory=dict)
    _partitions: list[tuple[str, int]] = field(default_factory=list)
    _is_outdated: bool = False
    _ours: set[tuple[str, int]] = field(default_factory=set)
    _looked_at: float = 0.0
    _shared_at: float = 0.0
    _problem: str | None = None
    _clock: ClockWatch = field(default_factory=ClockWatch)

    def __post_init__(self) -> None:
        self._topic_ids = TopicIds(self.ctx.settings)

    def run(self) -> None:
        """Until `ended`. Raises BrokersRefused and ExtraMissing before anything is read."""
        consumer = self._consumer()
        self._await_database()
        try:
            while not self.ended.is_set():
                self._step(consumer)
                if self._is_outdated:
                    consumer.close()
                    consumer = self._consumer()
                    self._ours, self._is_outdated, self._shared_at = set(), False, 0.0
        finally:
            with contextlib.suppress(Exception):
                say_ended(self._database(), _process())
            consumer.close()
            self._drop_connection()

    def _consumer(self) -> "Consumer":
        try:
            from confluent_kafka import Consumer, KafkaException
        except ImportError:
            raise ExtraMissing("Kafka needs the extra `streams`: pip install 's2p-assets[streams]'") from None
        try:
            return Consumer(
                consumer_settings(self.ctx.settings) | {"error_cb": self._broker_error}, logger=silent_logger()
            )
        except KafkaException as error:
            raise BrokersRefused(f"S2P_KAFKA…: {error.args[0].str()}; correct the settings of Kafka") from None

    def _broker_error(self, error: Any) -> None:
        """librdkafka goes on by itself; what it says is what is waited for."""
        self._say(f"the brokers at {self.ctx.settings.kafka} do not answer ({error.str()}); they are asked again")

    def _step(self, consumer: "Consumer") -> None:
        """A batch, or a pause; whatever is away is waited for."""
        messages: list[Message] = []
        try:
            if time.monotonic() - self._shared_at > SHARE_SECONDS:
                self._share(consumer)
            messages = self._collected(consumer)
            if messages:
                self._take(consumer, messages)
        except RegistryAway as error:
            self._say(str(error))
            self._reread(consumer, messages)
            self.ended.wait(AGAIN_SECONDS)
        except psycopg.OperationalError as error:
            if not is_lost_database(error):
                raise
            self._say(one_line(error) or "PostgreSQL went away")
            self._drop_connection()
            self._await_database()
            self._reread(consumer, messages)

    def _collected(self, consumer: "Consumer") -> list[Message]:
        """The events of a batch: what is there within a moment of the first."""
        messages: list[Message] = consumer.consume(1, timeout=IDLE_SECONDS)
        if not messages or messages[0].error():
            return messages
        until, size = time.monotonic() + LINGER_SECONDS, len(messages[0])
        while len(messages) < MAX_EVENTS and size < MAX_BYTES and (left := until - time.monotonic()) > 0:
            more = consumer.consume(min(MAX_EVENTS - len(messages), 1_000), timeout=left)
            messages += more
            size += sum(map(len, more))
        return messages

    def _take(self, consumer: "Consumer", messages: list[Message]) -> None:
        by_topic: dict[str, dict[int, list[Message]]] = defaultdict(lambda: defaultdict(list))
        for message in messages:
            if message.error():
                self._message_error(consumer, message)
            else:
                by_topic[message.topic()][message.partition()].append(message)
        for stream in self.streams:
            parts = by_topic.get(stream.topic)
            if parts:
                self._store(consumer, stream, parts)

    def _store(self, consumer: "Consumer", stream: Stream, parts: dict[int, list[Message]]) -> None:
        places = self._places
        known = [
            _part(places[stream.full_name, stream.topic, number], messages)
            for number, messages in sorted(parts.items())
            if (stream.full_name, stream.topic, number) in places  # one that was taken from us meanwhile is another's
        ]
        if not known:
            return
        done: StoredEvents = self._taker(stream).take(known)
        self.stored += done.rows
        self._say(None)
        for part in known if done.replayed else ():
            place = part.partition
            if done.next_offsets.get((place.topic, place.partition), 0) > part.offsets[-1] + 1:
                self._begin_again(consumer, place.topic, [place.partition])  # another process was ahead of us
        log_event(
            "stream",
            f"{stream.full_name}: {done.rows:,} of {done.events:,} events stored",
            level=logging.DEBUG,
            stream=stream.full_name,
            events=done.events,
            rows=done.rows,
            returned=done.returned,
        )

    def _taker(self, stream: Stream) -> Taker:
        if stream.full_name not in self._takers:
            reader = self._readers.setdefault(stream.full_name, EventReader(self.ctx.settings, stream))
            self._takers[stream.full_name] = Taker(stream, self._database(), reader.read)
        return self._takers[stream.full_name]

    def _message_error(self, consumer: "Consumer", message: Message) -> None:
        """What the brokers say of a partition: its events from here on are gone, or one cannot be fetched."""
        from confluent_kafka import KafkaError, TopicPartition

        error = message.error()
        if error.code() in (KafkaError.OFFSET_OUT_OF_RANGE, KafkaError._AUTO_OFFSET_RESET):
            self._begin_again(consumer, message.topic(), [message.partition()])
        elif error.code() == KafkaError.MSG_SIZE_TOO_LARGE and (message.offset() or -1) >= 0:
            for stream in self._of(message.topic()):
                place = self._places[stream.full_name, stream.topic, message.partition()]
                says = f"the event at offset {message.offset():,} is larger than the brokers send; it is passed over"
                note_stream(self._database(), stream.full_name, "too_large", place.sheet, says)
            consumer.seek(TopicPartition(message.topic(), message.partition(), message.offset() + 1))
        else:
            self._say(f"{message.topic()}: {error.str()}; it is asked for again")

    def _of(self, topic: str) -> list[Stream]:
        return [one for one in self.streams if one.topic == topic]

    def _share(self, consumer: "Consumer") -> None:
        """Say that we are here, and read the partitions that are ours among all processes that are.

        Which those are follows from who is heard of in PostgreSQL. Should two take a partition for theirs for a moment,
        the offsets keep its events from being stored twice.
        """
        self._shared_at = time.monotonic()
        names = [one.full_name for one in self.streams]
        say_reading(self._database(), names, _process(), self._problem)
        if by := self._clock.jumped():
            for name in names:
                note_stream(self._database(), name, "clock", "", jump_words(by))
        if time.monotonic() - self._looked_at > LOOK_SECONDS or not self._partitions:
            self._look(consumer)
        processes = sharing_processes(self._database(), names)
        ours = {
            place for number, place in enumerate(self._partitions) if processes[number % len(processes)] == _process()
        }
        if ours != self._ours:
            self._assign(consumer, ours)

    def _assign(self, consumer: "Consumer", ours: set[tuple[str, int]]) -> None:
        from confluent_kafka import TopicPartition

        self._places = {place: known for place, known in self._places.items() if place[1:] in ours}
        begun = [TopicPartition(topic, number, self._begun(consumer, topic, number)) for topic, number in sorted(ours)]
        consumer.assign(begun)
        self._ours = ours

    def _begun(self, consumer: "Consumer", topic: str, partition: int) -> int:
        """Where a partition is read on: the least offset of the streams that are read from it."""
        ask = partial(self._bounds, consumer)
        begun = []
        for stream in self._of(topic):
            place: Partition = self._with_database(
                partial(begin_partition, stream=stream.full_name, topic=topic, number=partition, ask_bounds=ask)
            )
            self._places[stream.full_name, topic, partition] = place
            begun.append(place.next_offset)
        return min(begun)

    def _bounds(self, consumer: "Consumer", known: Partition) -> TopicBounds:
        """What a partition holds now.

        An end before what was read already is asked for again for a while: brokers tell one that is too old when the
        leader among them has changed, or they are busy.
        """
        told = 0
        while not self.ended.is_set():
            bounds = self._asked_bounds(consumer, known)
            told += bounds is not None
            is_other = bounds and bounds.topic_id and known.topic_id and bounds.topic_id != known.topic_id
            if bounds and (is_other or bounds.end >= known.next_offset or told >= ASKS_UNTIL_BELIEVED):
                return bounds
            self.ended.wait(1.0)
        return UNBOUNDED

    def _asked_bounds(self, consumer: "Consumer", known: Partition) -> TopicBounds | None:
        from confluent_kafka import KafkaException, TopicPartition

        try:
            place = TopicPartition(known.topic, known.partition)
            first, end = consumer.get_watermark_offsets(place, timeout=ASK_SECONDS)
        except KafkaException as error:
            self._say(f"the brokers at {self.ctx.settings.kafka} do not answer ({error.args[0].str()})")
            return None
        return TopicBounds(first, end, self._topic_ids.now(known.topic, known.topic_id))

    def _begin_again(self, consumer: "Consumer", topic: str, partitions: Iterable[int]) -> None:
        from confluent_kafka import KafkaException, TopicPartition

        for partition in partitions:
            offset = self._begun(consumer, topic, partition)
            with contextlib.suppress(KafkaException):  # of a partition that is another's meanwhile
                consumer.seek(TopicPartition(topic, partition, offset))

    def _reread(self, consumer: "Consumer", messages: list[Message]) -> None:
        """What was fetched and not stored is fetched again."""
        for topic, partition in {(one.topic(), one.partition()) for one in messages if not one.error()}:
            self._begin_again(consumer, topic, [partition])

    def _look(self, consumer: "Consumer") -> None:
        """Which partitions the topics have, where ours end, and whether the topics are those that they were."""
        from confluent_kafka import KafkaException, TopicPartition

        topics = sorted({one.topic for one in self.streams})
        try:
            found = consumer.list_topics(timeout=ASK_SECONDS).topics
        except KafkaException as error:
            self._say(f"the brokers at {self.ctx.settings.kafka} do not answer ({error.args[0].str()}); asked again")
            return
        self._looked_at = time.monotonic()
        missing = [topic for topic in topics if topic not in found or not found[topic].partitions]
        self._partitions = [(topic, number) for topic in topics if topic in found for number in found[topic].partitions]
        self._partitions.sort()
        if missing:
            self._say(f"the brokers have no topic {', '.join(missing)}; it is looked for again")
        for topic in {topic for topic, _ in self._ours}:
            now = self._topic_ids.of(topic)
            known = [place for (_, of, _), place in self._places.items() if of == topic]
            if now and any(place.topic_id and place.topic_id != now for place in known):
                self._is_outdated = True  # librdkafka goes on asking for the topic that is gone
                return
        for stream in self.streams:
            ends = []
            for topic, partition in self._ours:
                if topic == stream.topic:
                    with contextlib.suppress(KafkaException):
                        _, end = consumer.get_watermark_offsets(TopicPartition(topic, partition), cached=True)
                        ends += [(topic, partition, end)] if end >= 0 else []
            note_ends(self._database(), stream.full_name, ends)

    def _say(self, problem: str | None) -> None:
        if problem != self._problem:
            self._problem = problem
            self._shared_at = 0.0
            if problem:
                log_event("stream", problem, level=logging.WARNING)

    def _database(self) -> psycopg.Connection:
        if self._connection is None:
            self._connection = psycopg.connect(self.ctx.warehouse.url, autocommit=True)
            self._connection.execute("set synchronous_commit = on")
        return self._connection

    def _with_database(self, do: Callable[[psycopg.Connection], Any]) -> Any:
        while True:
            try:
                return do(self._database())
            except psycopg.OperationalError as error:
                if not is_lost_database(error):
                    raise
                self._drop_connection()
                self._await_database()

    def _await_database(self) -> None:
        """Until PostgreSQL is there again: nothing can be stored without it."""
        while not self.ended.is_set():
            try:
                self.ctx.warehouse.__dict__.pop("url", None)
                self._database().execute("select 1")
            except (psycopg.OperationalError, MendableError) as error:
                self._drop_connection()
                self._say(one_line(error) or str(error))
                self.ended.wait(1.0)
            else:
                return

    def _drop_connection(self) -> None:
        self._takers.clear()
        if self._connection is not None:
            with contextlib.suppress(psycopg.Error):
                self._connection.close()
        self._connection = None


def _part(place: Partition, messages: list[Message]) -> PartitionEvents:
    kind, moment = messages[-1].timestamp()
    event_at = dt.datetime.fromtimestamp(moment / 1000, dt.UTC) if kind and moment > 0 else None
    return PartitionEvents(place, [one.offset() for one in messages], [one.value() for one in messages], event_at)


def _process() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"
