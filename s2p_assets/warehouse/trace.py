"""From a stored value back to the cells that it was made from: file, sheet, address.

Which rows lie under a row is declared where a table is made (`shelves.Under`, `of=`); the numbers of a report are
found by those who made the report.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from s2p_assets.columns import Column, place_of
from s2p_assets.shelves import Under, UnderEach
from s2p_assets.spreadsheet.contract import Workbook
from s2p_assets.warehouse.ledger_views import LedgerView
from s2p_assets.warehouse.store import Declared
from s2p_assets.warehouse.trace_files import FileRow, files_of_rows

How = Literal["sum", "mean", "rows"]
QUANTITIES = ("number", "money", "percent", "whole")
TIMES = ("day", "moment")
BEYOND = re.compile(r'\b(\w+)"? [<>]=? this\.')
FEW = 200
THIS = re.compile(r'\bthis\."?(\w+)"?')
EQUAL = re.compile(r'\b(\w+)"? = this\.')


class MadeFrom(Declared, Protocol):
    """What a stored thing declares of the rows under its own."""

    @property
    def under(self) -> UnderEach: ...


Source = Workbook | MadeFrom
Sources = Mapping[tuple[str, str], Source]
"""(domain, thing) → what is declared there: workbooks, tables and feature sets."""
Places = Callable[[str, str], sql.Identifier]
"""Where the table of (domain, thing) is: `sql.Identifier` for today's."""


class NotTraceable(LookupError):
    """There is no such table, column or row; one line that says what there is."""


class NoRows(NotTraceable):
    """No row has the values asked for."""


@dataclass(frozen=True, slots=True)
class Origin:
    """A stored row, its values in the columns that are traced, and what lies under it.

    `share`: the part of the row's quantity that went into the row above it. `file`: set for a workbook's row.
    """

    table: str
    key: dict[str, Any]
    values: dict[str, Any]
    share: float = 1.0
    file: FileRow | None = None
    under: "tuple[Group, ...]" = ()


@dataclass(frozen=True, slots=True)
class Group:
    """The rows of one source that lie under a row.

    `count`: all of them, of which `rows` are shown, the largest first. `total`: the sum of what they give, where
    one column of quantities is traced.
    """

    table: str
    columns: tuple[str, ...]
    count: int
    total: float | None
    rows: tuple[Origin, ...]


def trace(
    conn: psycopg.Connection,
    sources: Sources,
    place: tuple[str, str],
    where: Mapping[str, Any],
    columns: Sequence[str] = (),
    *,
    most: int | None = 5,
    archive: Path | None = None,
    places: Places = sql.Identifier,
    how: How = "sum",
    known: "dict[tuple[Any, ...], Group] | None" = None,
) -> Group:
    """The rows at `place` whose columns have the values of `where`, with everything under them down to the cells.

    `where`: column → value, None for none, a tuple of which it may have any, or a slice whose ends count. `columns`:
    which values are traced, by default all. `most`: rows shown of each source, fewer further down; None shows all.
    `places`: where the tables are that are looked into. `how`: what the rows come to, their sum, the mean of those
    that have a value, or nothing but how many they are. `known`: what lies
    under rows that were traced before, kept for the next trace in the same tables. Raises NotTraceable.
    """
    source = _source(sources, place)
    names = [column.name for column in source.columns]
    chosen = tuple(columns) or tuple(name for name in names if name not in source.key) or tuple(names)
    unknown = [name for name in (*chosen, *where) if name not in names]
    if unknown:
        raise NotTraceable(f"{_name(source)} has no column {', '.join(unknown)}; it has {', '.join(names)}")
    conditions = [_condition(name, value) for name, value in where.items()]
    terms, values = [term for term, _ in conditions], [value for _, given in conditions for value in given]
    tracer = _Tracer(conn, sources, archive, places, {} if known is None else known)
    try:
        if how == "mean":
            terms += [sql.SQL("{} is not null").format(sql.Identifier(name)) for name in chosen]
        rows = sql.SQL("select s.*{}, {} as _share from {} s where {}").format(
            tracer.place_column(source),
            sql.SQL("1.0::float8 / count(*) over ()" if how == "mean" else "1.0::float8"),
            tracer.place_of(source, standing=False),
            sql.SQL(" and ").join(terms) if terms else sql.SQL("true"),
        )
        found = tracer.group(source, chosen, rows, values, most, adds_up=how != "rows")
    except psycopg.errors.UndefinedTable:
        raise NotTraceable(f"{_name(source)} has not been stored yet; run s2p run") from None
    except psycopg.DataError as error:
        raise NotTraceable(f"{_name(source)}: {error.diag.message_primary or error}") from None
    if not found.rows:
        asked = ", ".join(f"{column}={value}" for column, value in where.items())
        raise NoRows(f"{_name(source)}: no row has {asked}")
    return found


def _condition(name: str, value: Any) -> tuple[sql.Composed, list[Any]]:
    column = sql.Identifier(name)
    if value is None:
        return sql.SQL("{} is null").format(column), []
    if isinstance(value, slice):
        if value.stop is None:
            return sql.SQL("{} >= %s").format(column), [value.start]
        return sql.SQL("{} between %s and %s").format(column), [value.start, value.stop]
    return sql.SQL("{} = any(%s)").format(column), [list(value) if isinstance(value, tuple) else [value]]


def _source(sources: Sources, place: tuple[str, str]) -> Source:
    if place not in sources:
        known = ", ".join(sorted(f"{domain}_{thing}" for domain, thing in sources))
        raise NotTraceable(f"no table {'_'.join(place)}; there are {known}")
    return sources[place]


def _name(source: Source) -> str:
    return f"{source.domain}.{source.thing}"


@dataclass(frozen=True)
class _Tracer:
    conn: psycopg.Connection
    sources: Sources
    archive: Path | None
    places: Places
    known: dict[tuple[Any, ...], Group]
    """What lies under a row, by all that decides it: rows of one day have the same history."""

    def place_of(self, source: Source, *, standing: bool) -> sql.Composable:
        """The table itself; of a workbook the rows that stand, or superseded ones too; of the ledger its view."""
        if isinstance(source, LedgerView):
            return sql.Identifier(source.domain, source.thing)
        held = isinstance(source, Workbook) and not standing
        return self.places(source.domain, f"{source.thing}__rows" if held else source.thing)

    def group(
        self,
        source: Source,
        columns: Sequence[str],
        rows: sql.Composable,
        values: Sequence[Any],
        most: int | None,
        *,
        adds_up: bool = True,
    ) -> Group:
        """`rows`: a query that gives the source's columns and `_share`. `adds_up`: whether their sum says anything."""
        measure = self._measure(source, columns) if adds_up else None
        found, count, total = self._largest(source, columns, rows, values, measure, most)
        deeper = None if most is None else max(most // 2, 1)
        files = files_of_rows(self.conn, self.archive, source, columns, found)
        return Group(
            table=_name(source),
            columns=tuple(columns),
            count=count,
            total=total,
            rows=tuple(
                self._origin(source, columns, row, file, deeper) for row, file in zip(found, files, strict=True)
            ),
        )

    def _largest(
        self,
        source: Source,
        columns: Sequence[str],
        rows: sql.Composable,
        values: Sequence[Any],
        measure: str | None,
        most: int | None,
    ) -> tuple[list[dict[str, Any]], int, float | None]:
        """The rows to be shown, how many there are, and their sum.

        The sum of a few rows is taken here. Of millions the largest are found by their place alone, because sorting
        carries whole rows along.
        """
        given = sql.SQL("{}::float8 * _share").format(sql.Identifier(measure)) if measure else sql.SQL("null::float8")
        order = self._order(source, columns, measure)
        few = None if most is None else max(most, FEW) + 1
        found = self._ordered(source, rows, values, given, order, few)
        if few is None or len(found) < few:
            known = [row["_given"] for row in found if row["_given"] is not None]
            return found[:most], len(found), math.fsum(known) if known else None
        whole = sql.SQL("select count(*), sum({}) from ({}) found").format(given, rows)
        count, total = self.conn.execute(whole, list(values)).fetchone() or (0, None)
        return found[:most], count, total

    def _ordered(
        self,
        source: Source,
        rows: sql.Composable,
        values: Sequence[Any],
        given: sql.Composable,
        order: sql.Composable,
        few: int | None,
    ) -> list[dict[str, Any]]:
        limit, chosen = sql.Literal(few), list(values)
        some: sql.Composable = sql.SQL("true")
        if few is not None and self._has_places(source):
            some = sql.SQL("_place = any(array(select _place from ({}) found order by {} limit {}))").format(
                rows, order, limit
            )
            chosen += values
        query = sql.SQL("select *, {} as _given from ({}) found where {} order by {} limit {}").format(
            given, rows, some, order, limit
        )
        with self.conn.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query, chosen).fetchall()

    def _has_places(self, source: Source) -> bool:
        """Whether it is a table, whose rows have a place each; workbooks and the ledger are looked at as views."""
        return not isinstance(source, Workbook | LedgerView)

    def place_column(self, source: Source) -> sql.SQL:
        return sql.SQL(", s.ctid as _place" if self._has_places(source) else "")

    def _measure(self, source: Source, columns: Sequence[str]) -> str | None:
        kinds = {column.name: column.kind for column in source.columns}
        return columns[0] if len(columns) == 1 and kinds[columns[0]] in QUANTITIES else None

    def _order(self, source: Source, columns: Sequence[str], measure: str | None) -> sql.Composable:
        """The largest first, where quantities are traced; else the newest, but last those that have nothing to tell."""
        way = "{}" if isinstance(source, LedgerView) else "{} desc"
        keys: list[sql.Composable] = [sql.SQL(way).format(sql.Identifier(name)) for name in source.key]
        if isinstance(source, Workbook):
            keys = [
                sql.SQL("_superseded_by is not null"),
                *keys,
                sql.SQL("_file desc, _sheet, _row"),
            ]
        largest = sql.SQL("abs({}::float8 * _share) desc nulls last").format(sql.Identifier(measure or ""))
        told = largest if measure else sql.SQL("{} is null").format(sql.Identifier(columns[0]))
        return sql.SQL(", ").join([told, *keys])

    def _origin(
        self,
        source: Source,
        columns: Sequence[str],
        row: Mapping[str, Any],
        file: FileRow | None,
        most: int | None,
    ) -> Origin:
        return Origin(
            table=_name(source),
            key={name: row[name] for name in source.key},
            values={name: row[name] for name in columns},
            share=row["_share"],
            file=file,
            under=() if isinstance(source, Workbook) else self._under(source, columns, row, most),
        )

    def _under(
        self, made: MadeFrom, columns: Sequence[str], row: Mapping[str, Any], most: int | None
    ) -> tuple[Group, ...]:
        """What lies under the columns of one row, source by source."""
        declared = {column.name: column for column in made.columns}
        wanted: dict[tuple[tuple[str, str], Under], dict[str, None]] = {}
        for name in columns:
            for place, column in sources_of(made, declared[name]):
                if place in self.sources:
                    under = under_of(made, name, self.sources[place])
                    wanted.setdefault((place, under), {})[column] = None
        groups = []
        for (place, under), names in wanted.items():
            source = self.sources[place]
            asked = (place, under, tuple(names), most, *(row.get(name) for name in _of_this(under)))
            if asked not in self.known:
                rows, values = self._rows_under(made, row, source, under, tuple(names))
                self.known[asked] = self.group(source, tuple(names), rows, values, most)
            groups.append(self.known[asked])
        return tuple(group for group in groups if group.count)

    def _rows_under(
        self, made: MadeFrom, row: Mapping[str, Any], source: Source, under: Under, columns: Sequence[str]
    ) -> tuple[sql.Composable, list[Any]]:
        """The query for the rows of `source` under one row of `made`, which `this` stands for."""
        kinds = {column.name: column.postgres_type for column in made.columns}
        newest: sql.Composable = sql.SQL("")
        valued: sql.Composable = sql.SQL("true")
        if under.newest:
            valued = sql.SQL(" or ").join(sql.SQL("{} is not null").format(sql.Identifier(name)) for name in columns)
            newest = sql.SQL(" order by {} desc limit 1").format(sql.Identifier(under.newest))
        query = sql.SQL(
            "select s.*{place}{standing}, ({share})::float8 as _share from {source} s"
            " where ({where}) and ({valued}){newest}"
        ).format(
            share=_written(under.share, kinds),
            place=self.place_column(source),
            standing=sql.SQL(", null::bigint as _superseded_by" if isinstance(source, Workbook) else ""),
            source=self.place_of(source, standing=True),
            where=_written(under.where, kinds),
            valued=valued,
            newest=newest,
        )
        return query, [row[name] for name in _of_this(under)]


def _of_this(under: Under) -> list[str]:
    """The columns of the row above that decide what lies under it, in the order in which they are asked for."""
    return THIS.findall(f"{under.share} {under.where}")


def _written(condition: str, kinds: Mapping[str, str]) -> sql.SQL:
    """SQL from a shelf file, a value for each column of `this`; a percent sign in it is no placeholder."""
    return sql.SQL(THIS.sub(lambda name: f"%s::{kinds[name[1]]}", condition.replace("%", "%%")))


def sources_of(made: Declared, column: Column) -> list[tuple[tuple[str, str], str]]:
    """((domain, thing), column) of everything that a column is declared to be made of."""
    places = (place_of(source, made.domain) for source in column.meaning.of)
    return [((domain, thing), name) for domain, thing, name in places]


def under_of(made: MadeFrom, column: str, source: Source) -> Under:
    """What `made` declares of `source`, or else: the same values in the columns that its key is made of."""
    name = source.thing if source.domain == made.domain else f"{source.domain}__{source.thing}"
    if declared := made.under.get((column, name)) or made.under.get(name):
        return declared
    kinds = {column.name: column.kind for column in source.columns}
    equal = []
    for own in (own for own in made.columns if own.name in made.key):
        names = [name for place, name in sources_of(made, own) if place == (source.domain, source.thing)]
        equal += [
            f'"{name}" = this."{own.name}"'
            for name in names or [own.name]
            if name in kinds and (name == own.name or kinds[name] not in TIMES)
        ]
    return Under(" and ".join(equal) or "true")


def found_by(source: Source, under: Under) -> tuple[str, ...]:
    """The columns of `source` that an index should have, so that its rows under another are found among millions.

    Of those that are to equal something the first that is no day or moment, as that names fewer rows; then the first
    that is to lie before or after something.
    """
    kinds = {column.name: column.kind for column in source.columns}
    equal, beyond = ([name for name in sought.findall(under.where) if name in kinds] for sought in (EQUAL, BEYOND))
    first = next((name for name in equal if kinds[name] not in TIMES), equal[0] if equal else None)
    return tuple(dict.fromkeys(name for name in (first, *beyond[:1]) if name))
