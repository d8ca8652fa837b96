"""The contract of one stream: rows that come as events, one by one, where a workbook's come as files.

The columns and rules are those of `columns.py`, as a workbook's are; how events are received is elsewhere.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any, Literal

from s2p_assets.contracts.columns import Column, DeclarationError
from s2p_assets.contracts.schedule import Schedule
from s2p_assets.contracts.workbook import Workbook

STREAMS_FOLDER = "s2p-streams"
"""Under which the ledger names the days of a stream, as it names files by their paths on the share."""
MAX_EVENT_KB = 1024
PACE = re.compile(r"(?:(\d+) )?(second|minute|hour)s?")
SECONDS_OF = {"second": 1, "minute": 60, "hour": 3600}
_NOT_OF_EVENTS = ("from_header", "melted", "fill_down", "left_of", "right_of", "value_from", "unique", "year_from")


@dataclass(frozen=True)
class Kafka:
    """Events of a Kafka topic. Where the brokers are and how s2p logs in is a setting, `S2P_KAFKA`.

    `format`: `json`, an object an event, or `avro`: with a schema registry (`S2P_SCHEMA_REGISTRY`) each event names
    its schema; without one all are written by `schema`, an Avro schema as JSON.
    """

    topic: str
    format: Literal["json", "avro"] = "json"
    schema: str = ""

    def __post_init__(self) -> None:
        """Raises DeclarationError for a format that there is none of, or a schema that is no JSON."""
        if self.format not in ("json", "avro"):
            raise DeclarationError(f"format: there is no {self.format!r}; there are json, avro", None)
        if not re.fullmatch(r"[A-Za-z0-9._-]{1,249}", self.topic):
            raise DeclarationError(f"topic: {self.topic!r} is no name of a Kafka topic", None)
        if self.schema and self.format != "avro":
            raise DeclarationError("schema is for format='avro'", None)
        try:
            json.loads(self.schema or "{}")
        except ValueError as error:
            raise DeclarationError(f"schema is no JSON: {error}", None) from error


@dataclass(frozen=True)
class Push:
    """Events that a program sends to the API, `POST /events/{stream}`, as lines of JSON."""


@dataclass(frozen=True)
class PostgresTable:
    """Rows of a table of another PostgreSQL, and every change of them since: change data capture.

    `table`: with its schema, `public.stock`. `database`: what `S2P_SOURCE_DATABASES` calls the PostgreSQL it lies in.
    """

    table: str
    database: str

    def __post_init__(self) -> None:
        """Raises DeclarationError for what is no table with its schema."""
        if not re.fullmatch(r"[^.\s\"]+\.[^.\"]+", self.table):
            raise DeclarationError(f"table: write {self.table!r} with its schema, as public.stock", None)

    @property
    def schema(self) -> str:
        return self.table.partition(".")[0]

    @property
    def name(self) -> str:
        return self.table.partition(".")[2]


Source = Kafka | Push | PostgresTable


@dataclass(frozen=True, kw_only=True)
class Stream(Workbook):
    """One stream; a shelf file in `streams/` holds exactly one.

    `rows`, `owner`, `ignores`, `na_values`: as of a workbook; a column is found in an event by its name or one of its
    headers, `customer.id` for what lies deeper.
    `source`: where its events come from, `Kafka("web-orders")`, `Push()` or `PostgresTable("public.stock", "erp")`.
    `key`: the columns that name a row. An event with the key and values of a row that is there already is that row,
    sent twice; one with other values takes its place. Without a key every event is a row.
    `every`: at which pace what is made of it follows: `"5 minutes"`, `"30 seconds"`, `"1 hour"`.
    `max_event_kb`: an event that is larger comes back unread.

    A bad row comes back alone, with every finding: the others are stored.
    """

    path: str | tuple[str, ...] = ()
    source: Source
    every: str = "5 minutes"  # type: ignore[assignment]  # of a workbook: for which periods a file is expected
    max_event_kb: int = MAX_EVENT_KB

    def __post_init__(self) -> None:
        """Raises DeclarationError for words of a workbook that say nothing of events, and for what cannot be."""
        object.__setattr__(self, "where_filled", ())
        own = {"rows", "owner", "key", "ignores", "na_values", "source", "every", "max_event_kb"}
        for word in fields(self):
            if word.name not in own and getattr(self, word.name) != (word.default if word.name != "path" else ()):
                raise DeclarationError(f"{word.name}= says nothing of a stream, whose rows stand in no sheet", None)
        self._refuse_sources()
        if not self.pace_seconds:
            raise DeclarationError(f"every={self.every!r} is no pace; write '5 minutes'", None)
        if self.max_event_kb < 1:
            raise DeclarationError(f"max_event_kb={self.max_event_kb!r}: at least 1", None)
        names = {column.name for column in self.columns}
        if missing := [name for name in self.key if name not in names]:
            raise DeclarationError(f"key: there is no column {missing[0]!r}", None)
        for column in self.columns:
            for option in _NOT_OF_EVENTS:
                if getattr(column, option):
                    raise DeclarationError(f"{column.name}: {option!r} says nothing of an event", None)

    def _refuse_sources(self) -> None:
        if not isinstance(self.source, Kafka | Push | PostgresTable):
            raise DeclarationError(f"source: {self.source!r} is no Kafka(…), Push() or PostgresTable(…)", None)
        if isinstance(self.source, PostgresTable) and not self.key:
            raise DeclarationError("key: rows of a table change and go; say which columns name one", None)

    @property
    def pace_seconds(self) -> int:
        """Seconds between two moments at which what is made of it may follow."""
        return seconds_of_pace(self.every)

    @property
    def schedule(self) -> Schedule | None:
        """None: events come as they come."""
        return None

    @property
    def topic(self) -> str:
        """What its provenance calls where events come from."""
        if isinstance(self.source, PostgresTable):
            return self.source.table
        return self.source.topic if isinstance(self.source, Kafka) else "push"

    @property
    def is_captured(self) -> bool:
        """Whether its rows are those of a table elsewhere, which change and go there."""
        return isinstance(self.source, PostgresTable)

    @cached_property
    def of_one_event(self) -> Workbook:
        """The contract by which rows are judged: each for itself, whatever others hold its key."""
        alone = replace(self, key=(), source=Push())
        alone.__dict__["columns"] = self.columns
        return alone

    @property
    def fields(self) -> dict[str, tuple[str, ...]]:
        """Column → the fields of an event in which it may stand."""
        return {column.name: event_fields(column) for column in self.columns}


def seconds_of_pace(words: str) -> int:
    """Of `5 minutes` 300; 0 for what is no pace."""
    found = PACE.fullmatch(words)
    return int(found[1] or 1) * SECONDS_OF[found[2]] if found else 0


def event_fields(column: Column) -> tuple[str, ...]:
    """The fields of an event in which a column may stand, its own name first."""
    return tuple(dict.fromkeys((column.name, *column.headers)))


def fields_in(event: bytes, stream: Stream, columns: Sequence[str]) -> dict[str, str]:
    """Column → the field of an event in JSON that it was read from; nothing of another format."""
    try:
        said = json.loads(event)
    except ValueError:
        return {}
    if stream.is_captured:
        said = said.get("row") if isinstance(said, dict) else None
    found = {}
    for name in columns:
        for field in stream.fields.get(name, ()):
            here: Any = said
            for step in field.split("."):
                here = here.get(step) if isinstance(here, dict) else None
            if here is not None:
                found[name] = field
                break
    return found


def place_of(topic: str, partition: int, generation: int = 0) -> str:
    """What a row's `_sheet` says of an event: `orders[0]`, and `orders[0] #2` of the topic that was made anew."""
    again = f" #{generation + 1}" if generation else ""
    return f"{topic}[{partition}]{again}"


DELETED = " deleted"
"""What `_sheet` ends with of a row that says that its key is gone."""


def event_place(sheet: str, offset: int) -> str:
    """Where an event stands, for people: `orders[0] offset 17`."""
    return f"{sheet} offset {offset}"
