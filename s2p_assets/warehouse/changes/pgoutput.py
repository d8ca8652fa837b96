"""Messages of PostgreSQL's `pgoutput` (protocol version 1) as changes of rows.

The format: https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html. Numbers are big-endian;
a row is the number of its columns in two bytes, and for each column a letter: `n` null, `u` a long value that did not
change and is not sent, `t` a text with its length in four bytes before it. Asking for messages is in `source.py`.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from struct import Struct
from typing import Any, Literal

import orjson

Operation = Literal["insert", "update", "delete", "truncate", "read"]
_EPOCH = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
_BEGIN, _COMMIT, _TUPLE, _SIZE = Struct(">QqI"), Struct(">xQQq"), Struct(">H"), Struct(">I")
_NULL, _TEXT = ord("n"), ord("t")
_CHANGES = frozenset(b"IUDT")
_DIGITS = 15
"""As many as a floating-point number keeps of any decimal number."""


@dataclass(frozen=True, slots=True)
class SourceColumn:
    """A column of a table elsewhere. `type_oid`: its type as PostgreSQL numbers it; `is_key`: whether it names rows."""

    name: str
    type_oid: int
    is_key: bool = False


@dataclass(frozen=True, slots=True)
class Relation:
    """A table as it is at one moment of the log."""

    oid: int
    table: str
    columns: tuple[SourceColumn, ...]


@dataclass(slots=True)
class Change:
    """A row that changed. `row`: after it, of a deleted one what names it; values as JSON has them.

    `lsn`: where in the log; `commit_end`: behind its transaction. `before`: what named the row, where that changed or
    the table tells all of it. `unchanged`: long values that are as they were, and are not told.
    """

    op: Operation
    row: dict[str, Any]
    lsn: str
    xid: int
    at: str
    relation: Relation
    before: dict[str, Any] | None = None
    unchanged: tuple[str, ...] = ()

    def as_event(self) -> bytes:
        """The change as it is kept, and as a trace ends at it."""
        return orjson.dumps(
            {"op": self.op, "table": self.relation.table, "lsn": self.lsn, "xid": self.xid, "at": self.at}
            | {"row": self.row}
        )


def lsn_number(lsn: str) -> int:
    """A position in the log, `16/B374D848`, as a number."""
    high, _, low = lsn.partition("/")
    return (int(high, 16) << 32) + int(low, 16)


def lsn_text(number: int) -> str:
    """A position in the log as PostgreSQL writes it."""
    return f"{number >> 32:X}/{number & 0xFFFFFFFF:X}"


def _decimal(text: str) -> Any:
    """A number as JSON has it; as a text where that would lose digits, or where it is none."""
    if len(text) > _DIGITS or text in ("NaN", "Infinity", "-Infinity"):
        return text
    return float(text)


def _moment(text: str) -> str:
    return f"{text[:-3]}Z" if text.endswith("+00") else text


def _json(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


_INTEGERS, _NUMBERS = (20, 21, 23, 26), (700, 701, 1700)
VALUES: dict[int, Callable[[str], Any]] = {
    **dict.fromkeys(_INTEGERS, int),
    **dict.fromkeys(_NUMBERS, _decimal),
    **dict.fromkeys((114, 3802), _json),
    16: lambda text: text == "t",
    1184: _moment,
}
"""By the number of its type, how the text of a value becomes one of JSON; of all other types it stays a text."""

_Fields = tuple[tuple[str, Callable[[str], Any] | None], ...]


def value_readers(columns: Iterable[SourceColumn]) -> _Fields:
    """Each column with how its texts are read."""
    return tuple((one.name, VALUES.get(one.type_oid)) for one in columns)


def row_of_texts(fields: _Fields, texts: Sequence[str | None]) -> dict[str, Any]:
    """A row as JSON has it, of the texts of its values."""
    return {
        name: value if value is None or read is None else read(value)
        for (name, read), value in zip(fields, texts, strict=True)
    }


class ChangeDecoder:
    """Decodes what one slot says, transaction by transaction; `position`: up to where it is known already.

    `committed`: behind the last transaction that was decoded. `replayed`: changes that were known.
    `on_relation` is told of each table before its changes.
    """

    def __init__(self, position: int, on_relation: Callable[[Relation], None]) -> None:
        self.position, self.committed, self.replayed = position, position, 0
        self._on_relation = on_relation
        self._relations: dict[int, tuple[Relation, _Fields]] = {}
        self._xid, self._at, self._is_known = 0, "", False

    def decode(self, messages: Iterable[tuple[str, bytes]]) -> Iterator[Change]:
        """The changes in messages, each with the place in the log at which it stands."""
        for lsn, data in messages:
            kind = data[0]
            if kind in _CHANGES:
                if self._is_known:
                    self.replayed += 1
                elif kind == 84:
                    yield from self._truncated(lsn, data)
                else:
                    yield self._change(kind, lsn, data)
            elif kind == 66:  # B
                final, moment, self._xid = _BEGIN.unpack_from(data, 1)
                self._at = (_EPOCH + dt.timedelta(microseconds=moment)).isoformat()
                self._is_known = final < self.position
            elif kind == 67:  # C
                self.committed = max(self.committed, _COMMIT.unpack_from(data, 1)[1])
            elif kind == 82:  # R
                self._relation(data)

    def _relation(self, data: bytes) -> None:
        oid = _SIZE.unpack_from(data, 1)[0]
        schema, _, rest = data[5:].partition(b"\0")
        name, _, rest = rest.partition(b"\0")
        columns, at = [], 3
        for _ in range(_TUPLE.unpack_from(rest, 1)[0]):
            end = rest.index(b"\0", at + 1)
            type_oid = _SIZE.unpack_from(rest, end + 1)[0]
            columns.append(SourceColumn(rest[at + 1 : end].decode(), type_oid, bool(rest[at] & 1)))
            at = end + 9
        relation = Relation(oid, f"{schema.decode()}.{name.decode()}", tuple(columns))
        self._relations[oid] = relation, value_readers(columns)
        self._on_relation(relation)

    def _change(self, kind: int, lsn: str, data: bytes) -> Change:
        relation, fields = self._relations[_SIZE.unpack_from(data, 1)[0]]
        at, before, unchanged = 6, None, list[str]()
        if kind != 73 and data[5] != 78:  # what it was: K, the key, or O, all of it
            before, at = _row(data, 6, fields, unchanged, only=relation.columns if data[5] == 75 else None)
            at, unchanged = at + 1, []
        if kind == 68:
            return Change("delete", before or {}, lsn, self._xid, self._at, relation)
        row, _ = _row(data, at, fields, unchanged)
        for name in [one for one in unchanged if before and one in before]:
            row[name] = before[name]  # type: ignore[index]
            unchanged.remove(name)
        op: Operation = "insert" if kind == 73 else "update"
        return Change(op, row, lsn, self._xid, self._at, relation, before, tuple(unchanged))

    def _truncated(self, lsn: str, data: bytes) -> Iterator[Change]:
        for number in range(_SIZE.unpack_from(data, 1)[0]):
            oid = _SIZE.unpack_from(data, 6 + 4 * number)[0]
            if oid in self._relations:
                yield Change("truncate", {}, lsn, self._xid, self._at, self._relations[oid][0])


def _row(
    data: bytes, at: int, fields: _Fields, unchanged: list[str], only: Sequence[SourceColumn] | None = None
) -> tuple[dict[str, Any], int]:
    """The row that stands at a place, and the place behind it. `only`: of a key, whose other columns are null."""
    row: dict[str, Any] = {}
    at += 2
    for name, read in fields:
        kind = data[at]
        at += 1
        if kind == _TEXT:
            end = at + 4 + int.from_bytes(data[at : at + 4], "big")
            text = data[at + 4 : end].decode()
            row[name] = text if read is None else read(text)
            at = end
        elif kind == _NULL:
            row[name] = None
        else:
            unchanged.append(name)
    if only is not None:
        row = {one.name: row[one.name] for one in only if one.is_key and one.name in row}
    return row, at
