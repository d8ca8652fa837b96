"""Feature sets asked for as a store: the newest row known of an entity, and the rows known at given moments.

Both are read from the one table that training reads; how a set is made is in `features.py`.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from s2p_assets.catalog.catalog import Catalog
from s2p_assets.contracts.columns import Kind
from s2p_assets.contracts.feature_set import FeatureSet
from s2p_assets.contracts.sql_table import SqlTable
from s2p_assets.services.context import Context
from s2p_assets.services.errors import NotFound
from s2p_assets.warehouse.tables.row_query import QueryInvalid, parse_value, sql_name

MOST_ONLINE = 1000
MOST_OFFLINE = 200_000
ARRAYS: dict[Kind, str] = {
    "text": "text[]",
    "code": "text[]",
    "integer": "bigint[]",
    "number": "float8[]",
    "money": "numeric[]",
    "percent": "numeric[]",
    "date": "date[]",
    "timestamp": "timestamp[]",
    "boolean": "boolean[]",
}


@dataclass(frozen=True)
class FeatureQuery:
    """How a feature set is asked: SQL whose parameters are the entity's values, then the moment."""

    features: FeatureSet | SqlTable

    @cached_property
    def kinds(self) -> dict[str, Kind]:
        return {column.name: column.kind for column in self.features.columns}

    @property
    def place(self) -> str:
        return sql_name(self.features.domain, self.features.name)

    @property
    def _version(self) -> str:
        return version_sql(self.features.domain, self.features.name)

    def columns(self, chosen: str) -> tuple[str, ...]:
        """The columns that somebody chose, all by default; always those that name the row. Raises QueryInvalid."""
        wanted = tuple(filter(None, chosen.split(",")))
        if unknown := [name for name in wanted if name not in self.kinds]:
            raise QueryInvalid(
                f"{self.features.full_name} has no column {', '.join(unknown)[:200]}; it has {', '.join(self.kinds)}"
            )
        named = (*self.features.entity, self.features.event_time)
        return tuple(dict.fromkeys((*named, *wanted))) if wanted else tuple(self.kinds)

    def newest_sql(self, columns: Sequence[str] = ()) -> str:
        """The newest row of one entity by a moment, as JSON in `row`, with the content's `version`."""
        same = " and ".join(f"{sql_name(name)} = ${at}" for at, name in enumerate(self.features.entity, 1))
        time, at = sql_name(self.features.event_time), len(self.features.entity) + 1
        return (
            f"select ({self._version}) as version, (select row_to_json(r)::text from (select"
            f" {_names(columns or tuple(self.kinds))} from {self.place}"
            f" where {same} and {time} <= ${at} order by {time} desc limit 1) r) as row"
        )

    def newest_many_sql(self, columns: Sequence[str]) -> str:
        """As of `joined_sql`, all rows as one JSON list in `rows`, null where there is none, with the `version`."""
        shown, found = ", ".join(f"j.{sql_name(one)}" for one in columns), f"j.{sql_name(self.features.event_time)}"
        return (
            f"select ({self._version}) as version, coalesce(json_agg(case when {found} is not null then"
            f" to_json(r) end order by j.n), '[]')::text as rows from ({self.joined_sql(columns, max_age=False)}) j,"
            f" lateral (select {shown}) r"
        )

    def joined_sql(self, columns: Sequence[str], *, max_age: bool) -> str:
        """For each asked (entity …, moment), of which each is an array: its place, and the columns of its row.

        `max_age`: with one more parameter, an interval that a row may be older than its moment.
        """
        names, time = self.features.entity, sql_name(self.features.event_time)
        arrays = ", ".join(f"${at}::{ARRAYS[self.kinds[name]]}" for at, name in enumerate(names, 1))
        last = len(names) + 1
        asked = ", ".join([*(f"a{at}" for at in range(1, last)), "moment", "n"])
        same = " and ".join(f"t.{sql_name(name)} = e.a{at}" for at, name in enumerate(names, 1))
        young = f" and t.{time} >= e.moment - ${last + 1}::interval" if max_age else ""
        shown, moment = ", ".join(f"f.{sql_name(name)}" for name in columns), self.kinds[self.features.event_time]
        return (
            f"select e.n, e.moment, {shown} from unnest({arrays}, ${last}::{ARRAYS[moment]})"
            f" with ordinality e({asked}) left join lateral (select * from {self.place} t"
            f" where {same} and t.{time} <= e.moment{young} order by t.{time} desc limit 1) f on true"
        )

    def entity_values(self, given: Mapping[str, Any]) -> list[Any]:
        """The values that name an entity, in order. Raises QueryInvalid for one that is missing or strange."""
        if set(given) != set(self.features.entity):
            raise QueryInvalid(
                f"an entity of {self.features.full_name} is named by {', '.join(self.features.entity)},"
                f" not {', '.join(map(str, given))[:200] or 'nothing'}"
            )
        return [parse_value(name, self.kinds[name], as_text(given[name])) for name in self.features.entity]

    def asked_at(
        self, entities: Sequence[Mapping[str, Any]], times: Sequence[str], now: dt.datetime
    ) -> tuple[list[list[Any]], list[Any]]:
        """The values of many entities, a list for each part of their names, and their moments. Raises QueryInvalid.

        What comes again, as a day does, is read once.
        """
        known: dict[tuple[str, type, Any], Any] = {}
        days: dict[str, Any] = {}
        arrays: list[list[Any]] = [[] for _ in self.features.entity]
        parts = list(zip(arrays, self.features.entity, strict=True))
        for entity in entities:
            if len(entity) != len(parts) or any(name not in entity for name in self.features.entity):
                self.entity_values(entity)
            for values, name in parts:
                value = entity[name]
                same = (name, type(value), value)
                if same not in known:
                    known[same] = parse_value(name, self.kinds[name], as_text(value))
                values.append(known[same])
        for text in times:
            if text not in days:
                days[text] = self.moment(text, now)
        return arrays, [days[text] for text in times]

    def moment(self, text: str | None, now: dt.datetime) -> Any:
        """The moment that is asked for, as the event time is kept, by the company's clock; now by default. Raises
        QueryInvalid.
        """
        name, now = self.features.event_time, now.astimezone()
        if self.kinds[name] == "date":
            kind: Kind = "timestamp" if text and len(text) > len("2026-03-31") else "date"
            given = parse_value("as_of", kind, text) if text else now
            return given.date() if isinstance(given, dt.datetime) else given
        return parse_value("as_of", "timestamp", text) if text else now.replace(tzinfo=None)


def as_text(value: Any) -> str:
    """A value of JSON as it would stand in an address."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    raise QueryInvalid(f"{str(value)[:80]!r} is no single value")


def features_named(catalog: Catalog, name: str) -> FeatureSet | SqlTable:
    """A feature set by its name. Raises NotFound naming those there are."""
    plain, known = name.replace(".", "_", 1), catalog.feature_sets
    if plain not in known:
        raise NotFound(f"no feature set {name[:80]!r}; there are {', '.join(sorted(known)) or 'none'}")
    return known[plain]


def used_by(ctx: Context, features: FeatureSet | SqlTable) -> list[str]:
    """The contests whose models learn from a feature set."""
    return [
        name
        for name, contest in ctx.catalog.contests.items()
        if (contest.domain, contest.features) == (features.domain, features.name)
    ]


def version_sql(domain: str, name: str) -> str:
    """SQL of the version of a table's content."""

    def literal(value: str) -> str:
        return "'" + value.replace("'", "''") + "'"

    return f"select version from s2p.contents where domain = {literal(domain)} and table_name = {literal(name)}"


def _names(columns: Sequence[str]) -> str:
    return ", ".join(map(sql_name, columns))
