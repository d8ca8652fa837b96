"""Events as rows of a contract: each field read as its column declares, each that cannot be read a finding.

The same parsing and the same rules as for a workbook's cells; an event's field is a cell, its offset the row.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow
import pyarrow.compute as pc

from s2p_assets.contracts.columns import Column
from s2p_assets.contracts.findings import Finding
from s2p_assets.contracts.stream import Stream, event_fields, event_place
from s2p_assets.contracts.workbook import ReferenceValues
from s2p_assets.spreadsheet.cell_parser import CellError, parse_cells, quoted
from s2p_assets.spreadsheet.foreign_keys import missing_references
from s2p_assets.spreadsheet.grid import CellKind, Cells, Sheet
from s2p_assets.spreadsheet.rules import RuleViolation, TypedRows, rule_violations

MAX_EVENT_SHOWN = 10_000
"""Characters of a bad event that are kept beside its findings; the whole of it is in the archive."""
_MOMENT = r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)$"
_SHEET = Sheet("event")
_HOUR = 3_600_000_000
_PLAIN = frozenset({str, int, float})
_AHEAD, _BEFORE = 3_652, 27_394  # days
_LOWER, _UPPER = frozenset({"ge", "gt", "in_range", "eq", "isin"}), frozenset({"le", "lt", "in_range", "eq", "isin"})


@dataclass(slots=True)
class EventRows:
    """What events are by the contract. `rows`: the good ones, the contract's columns and `_number`, their place among
    the events; `findings`: by that place, of those that are bad; `unknown`: fields that no column is read from.
    """

    rows: pyarrow.Table
    findings: dict[int, list[Finding]] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NotRead:
    """An event that could not be read at all, and why."""

    rule: str
    message: str


def read_json(event: bytes) -> Any:
    """What an event says: an object, or why it is none."""
    try:
        found = orjson.loads(event)
    except orjson.JSONDecodeError as error:
        return NotRead("json", f"the event is no JSON: {str(error).partition(':')[0]}")
    if type(found) is not dict:
        return NotRead("json", f"the event is no JSON object, but {_named(found)}")
    return found


def judge_events(
    events: Sequence[Any], places: Sequence[tuple[str, int]], stream: Stream, known: ReferenceValues | None = None
) -> EventRows:
    """Each event (an object, or `NotRead`) as a row with typed columns, or its findings.

    `places`: topic and partition, and offset of each, for messages. `known`: what columns may refer to.
    """
    found: dict[int, list[Finding]] = defaultdict(list)
    for number, event in enumerate(events):
        if type(event) is NotRead:
            found[number].append(_finding(places[number], None, None, event.rule, event.message))
    read = [number for number in range(len(events)) if number not in found] if found else range(len(events))
    objects = [events[number] for number in read] if found else events
    numbers = np.fromiter(read, np.int64, len(read))
    columns = {}
    for column in stream.columns:
        columns[column.name], wrong = _column(objects, column)
        for place, error in wrong.items():
            number = int(numbers[place])
            found[number].append(_finding(places[number], column.name, error.value or None, error.rule, error.message))
    table = pyarrow.table(columns | {"_number": pyarrow.array(numbers)})
    refused = {(number, one.column) for number, findings in found.items() for one in findings}
    for violation in _violations(table, stream, known):
        concerned = numbers if violation.position is None else numbers[[violation.position]]
        for number in concerned.tolist():
            if not any((number, name) in refused for name in violation.looks_at):  # it saw no value there
                found[number].append(_broken(places[number], violation))
    bad = [number for number, findings in found.items() if any(one.severity == "reject" for one in findings)]
    if bad:
        table = table.filter(pyarrow.array(~np.isin(numbers, bad)))
    return EventRows(table, {number: found[number] for number in sorted(bad)}, _unknown(objects, stream))


def read_keys(objects: Sequence[Any], places: Sequence[tuple[str, int]], stream: Stream) -> EventRows:
    """Of each object the columns of the key alone, as of a row that is gone; no rule is put."""
    found: dict[int, list[Finding]] = defaultdict(list)
    columns = {}
    for column in stream.columns:
        if column.name in stream.key:
            columns[column.name], wrong = _column(objects, column)
            for at, error in wrong.items():
                found[at].append(_finding(places[at], column.name, error.value or None, error.rule, error.message))
    numbers = np.arange(len(objects))
    table = pyarrow.table(columns | {"_number": pyarrow.array(numbers)})
    if found:
        table = table.filter(pyarrow.array(~np.isin(numbers, list(found))))
    return EventRows(table, dict(sorted(found.items())))


def _violations(table: pyarrow.Table, stream: Stream, known: ReferenceValues | None) -> Iterator[RuleViolation]:
    if not table.num_rows:
        return
    rows = TypedRows(table, [column.name for column in stream.columns])
    yield from rule_violations(rows, stream.of_one_event)
    if stream.references:
        yield from missing_references(rows, stream, known or {})


def _finding(
    place: tuple[str, int], column: str | None, value: str | None, rule: str, message: str, severity: Any = "reject"
) -> Finding:
    return Finding(event_place(*place), column, column, value, rule, message, severity)


def _broken(place: tuple[str, int], violation: RuleViolation) -> Finding:
    one = violation
    return _finding(place, one.column, one.value, one.rule, one.message, one.severity)


def _unknown(objects: Sequence[Mapping[str, Any]], stream: Stream) -> tuple[str, ...]:
    """Fields at the top of events that no column is read from, and that are not declared to be ignored."""
    given: set[str] = set().union(*objects) if objects else set()
    wanted = {name.partition(".")[0] for names in stream.fields.values() for name in names}
    return tuple(sorted(given - wanted - set(stream.ignores)))


def _column(objects: Sequence[Mapping[str, Any]], column: Column) -> tuple[pyarrow.Array, dict[int, CellError]]:
    """The values of a column, and by event what is wrong with its field."""
    given = _given(objects, column)
    kinds = set(map(type, given))
    if len(kinds) == 1 and kinds <= _PLAIN:
        cells, present, wrong = _plain_cells(given, kinds.pop(), column), None, dict[int, CellError]()
    else:
        cells, present, wrong = _cells(given, column)
    values, errors = _values(cells, column)
    if present is not None:
        place = np.full(len(given), -1, np.int64)
        place[present] = np.arange(len(present))
        values = values.take(pyarrow.array(place, mask=place < 0))
        errors = {int(present[at]): error for at, error in errors.items()}
    wrong |= errors
    if not column.nullable and values.null_count:
        for at in np.flatnonzero(values.is_null()).tolist():
            wrong.setdefault(at, _missing(given[at], column))
    return values, wrong


def _values(cells: Cells, column: Column) -> tuple[pyarrow.Array, dict[int, CellError]]:
    zoned = _zoned(cells.texts, column)
    moments = _local_moments(cells.texts, column) if zoned is not None and zoned.all() else None
    today = dt.datetime.now().astimezone().date()
    if moments is not None:
        return moments, _far(moments, column, today)
    if zoned is not None and zoned.any():
        texts = cells.texts.to_pylist()
        texts = [_local(text, column) if at else text for text, at in zip(texts, zoned.tolist(), strict=True)]
        cells.texts = pyarrow.array(texts, pyarrow.string())
    parsed = parse_cells(cells, column, _SHEET)
    return parsed.values, parsed.errors | _far(parsed.values, column, today)


def _missing(given: Any, column: Column) -> CellError:
    title = " ".join(column.headers[0].split())
    if given is None:
        return CellError("required", f"'{title}' is missing", "")
    return CellError("required", f"'{title}' is empty", quoted(str(given)))


def _given(objects: Sequence[Mapping[str, Any]], column: Column) -> list[Any]:
    """What each event says of a column: in the first of its fields that is there."""
    values: list[Any] = [None] * len(objects)
    missing = True
    for name in event_fields(column):
        if not missing:
            break
        found = [_deep(one, name) for one in objects] if "." in name else [one.get(name) for one in objects]
        values = (
            found
            if values.count(None) == len(values)
            else [one if one is not None else other for one, other in zip(values, found, strict=True)]
        )
        missing = None in values
    return values


def _deep(event: Mapping[str, Any], path: str) -> Any:
    here: Any = event
    for step in path.split("."):
        if type(here) is not dict:
            return None
        here = here.get(step)
    return here


def _plain_cells(given: list[Any], kind: type, column: Column) -> Cells:
    """Fields of one kind, none missing, as `_cells` has them."""
    is_text = kind is str or (kind is int and column.kind in ("text", "code"))
    kinds = np.full(len(given), int(CellKind.TEXT if is_text else CellKind.NUMBER), np.int8)
    texts = given if kind is str else list(map(repr, given))
    return Cells(np.arange(len(given), dtype=np.int32), kinds, pyarrow.array(texts, pyarrow.string()))


def _cells(given: list[Any], column: Column) -> tuple[Cells, npt.NDArray[np.int64], dict[int, CellError]]:
    """Fields of several kinds as cells; at which events they stand; and by event what no cell can hold."""
    wrong: dict[int, CellError] = {}
    kinds, texts, present = list[int](), list[str](), list[int]()
    as_text = column.kind in ("text", "code")
    for at, value in enumerate(given):
        if value is None:
            continue
        kind, text = _cell(value, as_text=as_text)
        if kind is None:
            wrong[at] = CellError("type", f"'{quoted(text)}' is {_named(value)}, not one value", quoted(text))
            continue
        kinds.append(int(kind))
        texts.append(text)
        present.append(at)
    places = np.array(present, np.int64)
    return (
        Cells(places.astype(np.int32), np.array(kinds, np.int8), pyarrow.array(texts, pyarrow.string())),
        places,
        wrong,
    )


def _cell(value: Any, *, as_text: bool) -> tuple[CellKind | None, str]:
    kind = type(value)
    if kind is str:
        return CellKind.TEXT, value
    if kind is int:
        return (CellKind.TEXT if as_text else CellKind.NUMBER), str(value)
    if kind is float:
        return CellKind.NUMBER, repr(value)
    if kind is bool:
        return CellKind.BOOL, str(value)
    if kind is Decimal:
        return CellKind.NUMBER, format(value, "f")
    if isinstance(value, dt.datetime | dt.date):
        return CellKind.TEXT, value.isoformat()
    return None, str(value)


def _named(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "nothing"}
    return names.get(type(value), "a number" if isinstance(value, int | float) else "no value")


def _zoned(texts: pyarrow.Array, column: Column) -> npt.NDArray[np.bool_] | None:
    """Which texts are moments with an offset from UTC, as programs write them; None where the column has no such."""
    if column.kind not in ("date", "timestamp") or column.formats or not len(texts):
        return None
    zoned: npt.NDArray[np.bool_] = pc.match_substring_regex(texts, _MOMENT).to_numpy(zero_copy_only=False)
    return zoned


def _local(text: str, column: Column) -> str:
    """One such text without its offset, by the company's clock; as it is where it is no moment after all."""
    try:
        moment = dt.datetime.fromisoformat(text).astimezone().replace(tzinfo=None)
    except (ValueError, OverflowError):
        return text
    return moment.date().isoformat() if column.kind == "date" else moment.isoformat(sep=" ")


def _local_moments(texts: pyarrow.Array, column: Column) -> pyarrow.Array | None:
    """Moments with an offset from UTC by the company's own clock, and days by it; None where one is no moment."""
    try:
        moments = pc.cast(texts, pyarrow.timestamp("us", "UTC")).cast(pyarrow.int64()).to_numpy()
    except pyarrow.ArrowInvalid:
        return None
    hours, which = np.unique(moments // _HOUR, return_inverse=True)
    local = (moments + np.array([_offset(int(hour)) for hour in hours], np.int64)[which]).astype("datetime64[us]")
    if column.kind == "date":
        return pyarrow.array(local.astype("datetime64[D]"), pyarrow.date32())
    return pyarrow.array(local, pyarrow.timestamp("us"))


def _offset(hour: int) -> int:
    """Microseconds by which the company's clock is ahead of UTC in an hour since 1970."""
    offset = dt.datetime.fromtimestamp(hour * 3600, dt.UTC).astimezone().utcoffset() or dt.timedelta()
    return int(offset.total_seconds()) * 1_000_000


def _far(values: pyarrow.Array, column: Column, today: dt.date) -> dict[int, CellError]:
    """Dates ten years after the day on which the event came, or a lifetime before it, where the contract says none."""
    if column.kind not in ("date", "timestamp") or values.null_count == len(values):
        return {}
    checks = {name for name, _ in column.checks}
    days = values.cast(pyarrow.timestamp("s"), safe=False).cast(pyarrow.int64()).fill_null(0).to_numpy() // 86_400
    now = (today - dt.date(1970, 1, 1)).days
    far = ((days > now + _AHEAD) & (not checks & _UPPER)) | ((days < now - _BEFORE) & (not checks & _LOWER))
    found = {}
    for at in np.flatnonzero(far & values.is_valid().to_numpy(zero_copy_only=False)).tolist():
        day = f"{values[at].as_py()}"
        found[at] = CellError("far_date", f"{day} is far from {today}, when it came; correct the year", day)
    return found
