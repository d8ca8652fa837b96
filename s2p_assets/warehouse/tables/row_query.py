"""Questions to a table in a few words: filters, order, pages, as SQL with its values kept apart.

Names of columns come from declarations alone; values that somebody sent are parameters, never text of the query.
"""

import base64
import binascii
import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from s2p_assets.contracts.columns import Kind
from s2p_assets.contracts.errors import MendableError

COMPARISONS = {"eq": "=", "ne": "<>", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
OPERATORS = (*COMPARISONS, "in", "has", "null")
MOST_VALUES = 1000
LARGEST_INTEGER = 2**63


class QueryInvalid(MendableError):
    """What was asked of a table cannot be; one line that says which part, and what there is."""


@dataclass(frozen=True, slots=True)
class RowFilter:
    """`column` compared with `value` by one of OPERATORS; `in` takes several, separated by commas."""

    column: str
    operator: str
    value: str


@dataclass(frozen=True)
class RowQuery:
    """Which rows of a table: `sort` as (column, whether downwards), `after`: where the page before ended.

    `skip`: how many of the rows behind that are left out. `kinds`: the columns that the table has. `tie`: columns that
    tell two rows apart. `search`: a text that stands in any of `columns`.
    """

    table: str
    place: str
    kinds: Mapping[str, Kind]
    tie: tuple[str, ...]
    columns: tuple[str, ...]
    filters: tuple[RowFilter, ...] = ()
    search: str = ""
    sort: tuple[tuple[str, bool], ...] = ()
    after: tuple[str | None, ...] | None = None
    limit: int | None = None
    skip: int = 0

    @property
    def order(self) -> tuple[tuple[str, bool], ...]:
        """What is sorted by in the end, so that every row has one place."""
        named = {name for name, _ in self.sort}
        return (*self.sort, *((name, False) for name in self.tie if name not in named))


def sql_name(*names: str) -> str:
    """A name as SQL writes it."""
    return ".".join('"' + name.replace('"', '""') + '"' for name in names)


@dataclass
class _Values:
    """The values of a query, each written as `$n`."""

    values: list[Any] = field(default_factory=list)

    def add(self, value: Any) -> str:
        self.values.append(value)
        return f"${len(self.values)}"


def page_sql(query: RowQuery) -> tuple[str, list[Any]]:
    """(SQL with $1 …, values): a row's JSON and its place in the order, as `row` and `at`. Raises QueryInvalid."""
    values = _Values()
    inner = _rows_sql(query, values)
    shown = ", ".join(f"s.{sql_name(name)}" for name in query.columns)
    at = ", ".join(f"s.{sql_name(name)}::text" for name, _ in query.order)
    outer = (
        f"select row_to_json(r)::text as row, array[{at}]::text[] as at from ({inner}) s, lateral (select {shown}) r"
    )
    return outer, values.values


def rows_sql(query: RowQuery) -> tuple[str, list[Any]]:
    """(SQL with $1 …, values): the columns asked for, in order. Raises QueryInvalid."""
    values = _Values()
    inner = _rows_sql(query, values)
    shown = ", ".join(f"s.{sql_name(name)}" for name in query.columns)
    return f"select {shown} from ({inner}) s", values.values


def count_sql(query: RowQuery) -> tuple[str, list[Any]]:
    """(SQL with $1 …, values): how many rows there are, on whatever page. Raises QueryInvalid."""
    values = _Values()
    conditions = _conditions(query, values)
    where = f" where {' and '.join(conditions)}" if conditions else ""
    return f"select count(*) from {query.place}{where}", values.values


def places_sql(query: RowQuery, every: int, most: int) -> tuple[str, list[Any]]:
    """(SQL with $1 …, values): the places of each `every`-th row in the order, `most` of them, as `at`.

    What they cost is one sort of the rows; a page from a place on costs no more than the first.
    """
    values = _Values()
    conditions = _conditions(query, values)
    where = f" where {' and '.join(conditions)}" if conditions else ""
    at = ", ".join(f"s.{sql_name(name)}::text" for name, _ in query.order)
    columns = ", ".join(sql_name(name) for name, _ in query.order)
    numbered = (
        f"select {columns}, row_number() over (order by {_order_sql(query)}) as _number from {query.place}{where}"
    )
    chosen = f"s._number % {int(every)} = 0 order by s._number limit {int(most)}"
    return f"select array[{at}]::text[] as at from ({numbered}) s where {chosen}", values.values


def _order_sql(query: RowQuery) -> str:
    return ", ".join(f"{sql_name(name)} {'desc' if down else 'asc'} nulls last" for name, down in query.order)


def _conditions(query: RowQuery, values: _Values) -> list[str]:
    conditions = [_condition(query, one, values) for one in query.filters]
    if query.search:
        wanted = values.add(_text("search", query.search))
        found = (f"position(lower({wanted}) in lower({sql_name(name)}::text)) > 0" for name in query.columns)
        conditions.append(f"({' or '.join(found)})")
    return conditions


def _rows_sql(query: RowQuery, values: _Values) -> str:
    conditions = _conditions(query, values)
    if query.after is not None:
        conditions.append(_behind(query, values))
    where = f" where {' and '.join(conditions)}" if conditions else ""
    limit = f" limit {int(query.limit)}" if query.limit is not None else ""
    skip = f" offset {int(query.skip)}" if query.skip else ""
    return f"select * from {query.place}{where} order by {_order_sql(query)}{limit}{skip}"


def _condition(query: RowQuery, one: RowFilter, values: _Values) -> str:
    kind, name = kind_of(query, one.column), sql_name(one.column)
    if one.operator in COMPARISONS:
        return f"{name} {COMPARISONS[one.operator]} {values.add(parse_value(one.column, kind, one.value))}"
    if one.operator == "in":
        given = one.value.split(",")
        if len(given) > MOST_VALUES:
            raise QueryInvalid(f"{one.column}: at most {MOST_VALUES:,} values may be named, not {len(given):,}")
        return f"{name} = any({values.add([parse_value(one.column, kind, text) for text in given])})"
    if one.operator == "has" and kind in ("text", "code"):
        return f"position(lower({values.add(_text(one.column, one.value))}) in lower({name})) > 0"
    if one.operator == "null" and one.value in ("true", "false"):
        return f"{name} is {'null' if one.value == 'true' else 'not null'}"
    raise QueryInvalid(f"{one.column}.{one.operator} is not for a {kind}, or {one.value!r} is not what it takes")


def _behind(query: RowQuery, values: _Values) -> str:
    """The rows behind where the page before ended; missing values come last, whichever way it is sorted."""
    assert query.after is not None
    given = [
        None if text is None else parse_value(name, kind_of(query, name), text)
        for (name, _), text in zip(query.order, query.after, strict=True)
    ]
    alternatives, same = [], ""
    for (name, down), value in zip(query.order, given, strict=True):
        column = sql_name(name)
        if value is None:
            same += f"{column} is null and "
            continue
        parameter = values.add(value)
        alternatives.append(f"{same}({column} {'<' if down else '>'} {parameter} or {column} is null)")
        same += f"{column} = {parameter} and "
    return f"({' or '.join(alternatives) or 'false'})"


def kind_of(query: RowQuery, name: str) -> Kind:
    """Raises QueryInvalid naming the columns that there are."""
    if name not in query.kinds:
        raise QueryInvalid(f"{query.table} has no column {name!r}; it has {', '.join(sorted(query.kinds))}")
    return query.kinds[name]


def once_each(given: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Parameters of which each is given once. Raises QueryInvalid for one that is given twice."""
    found: dict[str, str] = {}
    for name, value in given:
        if found.setdefault(name, value) != value:
            raise QueryInvalid(f"{name[:80]!r} is given twice, as {found[name][:80]!r} and {value[:80]!r}")
    return found


def parse_value(name: str, kind: Kind, text: str) -> Any:
    """A value as PostgreSQL takes it. Raises QueryInvalid."""
    try:
        match kind:
            case "integer":
                value = int(text)
                if not -LARGEST_INTEGER <= value < LARGEST_INTEGER or "_" in text:
                    raise ValueError(text)
                return value
            case "number" | "money" | "percent":
                number = (float if kind == "number" else Decimal)(text)
                if "_" in text or "nan" in text.lower():  # Python's own way of writing one, and what is none
                    raise ValueError(text)
                return number
            case "date":
                return dt.date.fromisoformat(text)
            case "timestamp":
                return dt.datetime.fromisoformat(text).replace(tzinfo=None)
            case "boolean":
                return {"true": True, "false": False}[text.lower()]
            case _:
                return _text(name, text)
    except (ValueError, InvalidOperation, KeyError, OverflowError):
        raise QueryInvalid(f"{name}: {text[:80]!r} is no {kind}{EXAMPLES.get(kind, '')}") from None


EXAMPLES = {"date": ", as 2026-03-31", "timestamp": ", as 2026-03-31T14:05", "boolean": ", as true or false"}


def _text(name: str, text: str) -> str:
    if "\x00" in text or any("\ud800" <= mark <= "\udfff" for mark in text):
        raise QueryInvalid(f"{name}: the value holds a character that no text has")
    return text


def cursor_of(query: RowQuery, at: Sequence[str | None]) -> str:
    """Where the next page begins, for whoever asks for it again."""
    content = json.dumps([query.table, _shown_order(query), list(at)], ensure_ascii=False)
    return base64.urlsafe_b64encode(content.encode()).decode().rstrip("=")


def parse_cursor(query: RowQuery, cursor: str) -> tuple[str | None, ...]:
    """The place that a cursor names. Raises QueryInvalid for one of another table or another order."""
    try:
        table, order, at = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        good = isinstance(at, list) and len(at) == len(query.order)
        good = good and all(one is None or isinstance(one, str) for one in at)
    except (ValueError, binascii.Error, TypeError, RecursionError):
        raise QueryInvalid("the cursor is not one that was given here; begin again without it") from None
    if not good or table != query.table or order != _shown_order(query):
        raise QueryInvalid("the cursor is of another table or another order; begin again without it")
    return tuple(at)


def _shown_order(query: RowQuery) -> list[str]:
    return [f"-{name}" if down else name for name, down in query.order]


def parse_filters(given: Iterable[tuple[str, str]], kinds: Mapping[str, Kind]) -> tuple[RowFilter, ...]:
    """`sku=1`, `week.gte=2026-01-01` as filters. Raises QueryInvalid for an operator that there is not."""
    found = []
    for name, value in given:
        column, dot, operator = name.removeprefix("where.").partition(".")
        if column in kinds and (operator in OPERATORS or not dot):
            found.append(RowFilter(column, operator or "eq", value))
        else:
            raise QueryInvalid(
                f"{name!r}: there is no such column or operator; columns are {', '.join(sorted(kinds))}, operators "
                f"{', '.join(f'.{one}' for one in OPERATORS)}"
            )
    return tuple(found)
