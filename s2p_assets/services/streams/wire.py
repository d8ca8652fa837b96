"""What an event says, by the format of its stream: JSON, or Avro with a schema of its own or of the schema registry.

Where events come from is in `consuming.py`.
"""

import io
import json
import urllib.error
import urllib.parse
import urllib.request
from base64 import b64encode
from functools import cached_property
from typing import Any

from s2p_assets.contracts.errors import MendableError
from s2p_assets.contracts.stream import Kafka, PostgresTable, Stream
from s2p_assets.settings import Settings
from s2p_assets.spreadsheet.event_rows import NotRead, read_json

MAGIC, HEAD = 0, 5
"""An event of a schema registry begins with a zero byte and the schema's number in four bytes."""
REGISTRY_SECONDS = 10.0


class RegistryAway(MendableError):
    """The schema registry does not answer; one line with the reason."""


class ExtraMissing(MendableError):
    """A package of the extra `streams` is not installed."""


def row_of_change(event: bytes) -> Any:
    """The row that a kept change of a followed table tells, or `NotRead`."""
    said = read_json(event)
    row = said.get("row") if isinstance(said, dict) else None
    return row if isinstance(row, dict) else NotRead("change", "the event is no change of a row")


def is_deletion(event: bytes) -> bool:
    """Whether a kept change says that a row went."""
    said = read_json(event)
    return isinstance(said, dict) and said.get("op") == "delete"


class EventReader:
    """Reads the events of one stream; schemas are asked for once. Raises RegistryAway where one cannot be had."""

    def __init__(self, settings: Settings, stream: Stream) -> None:
        self.settings, self.source = settings, stream.source
        self._schemas: dict[int, Any] = {}

    def read(self, event: bytes) -> Any:
        """An object, or `NotRead` with what is wrong."""
        if isinstance(self.source, PostgresTable):
            return row_of_change(event)
        if not isinstance(self.source, Kafka) or self.source.format == "json":
            return read_json(event)
        return self._read_avro(event)

    def _read_avro(self, event: bytes) -> Any:
        schema, body = self._own_schema, event
        if schema is None:
            if len(event) < HEAD or event[0] != MAGIC:
                return NotRead("avro", "the event does not name its Avro schema, as those of a schema registry do")
            schema, body = self._schema(int.from_bytes(event[1:HEAD], "big")), event[HEAD:]
            if isinstance(schema, NotRead):
                return schema
        try:
            said = self._fastavro.schemaless_reader(io.BytesIO(body), schema, None)
        except Exception as error:  # of whatever kind the bytes make fastavro raise
            return NotRead("avro", f"the event is not written by its Avro schema ({type(error).__name__})")
        return said if isinstance(said, dict) else NotRead("avro", "the event's Avro schema is no record")

    @cached_property
    def _fastavro(self) -> Any:
        try:
            import fastavro
        except ImportError:
            raise ExtraMissing("Avro needs the extra `streams`: pip install 's2p-assets[streams]'") from None
        return fastavro

    @cached_property
    def _own_schema(self) -> Any:
        text = self.source.schema if isinstance(self.source, Kafka) else ""
        if not text:
            return None
        return self._fastavro.parse_schema(json.loads(text))

    def _schema(self, number: int) -> Any:
        if number not in self._schemas:
            self._schemas[number] = self._asked(number)
        return self._schemas[number]

    def _asked(self, number: int) -> Any:
        place = self.settings.schema_registry
        if place is None:
            return NotRead(
                "avro", "the event names an Avro schema of a schema registry, and S2P_SCHEMA_REGISTRY is none"
            )
        if urllib.parse.urlsplit(place).scheme not in ("http", "https"):
            raise RegistryAway(f"S2P_SCHEMA_REGISTRY is {place}; write it as http://registry:8081")
        request = urllib.request.Request(f"{place.rstrip('/')}/schemas/ids/{number}")  # noqa: S310  http, as looked at
        if self.settings.schema_registry_user:
            secret = self.settings.schema_registry_password
            given = f"{self.settings.schema_registry_user}:{secret.get_secret_value() if secret else ''}"
            request.add_header("Authorization", f"Basic {b64encode(given.encode()).decode()}")
        try:
            with urllib.request.urlopen(request, timeout=REGISTRY_SECONDS) as answer:  # noqa: S310  an engineer names it
                return self._fastavro.parse_schema(json.loads(json.load(answer)["schema"]))
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return NotRead("avro", f"the schema registry knows no schema {number}, which the event names")
            raise RegistryAway(f"the schema registry at {place} answers {error.code}; it is asked again") from None
        except (OSError, ValueError, KeyError) as error:
            raise RegistryAway(f"the schema registry at {place} does not answer ({error}); it is asked again") from None
