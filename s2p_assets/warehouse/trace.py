"""From a stored value back to the cells that it was made from: file, sheet, address.

Which rows lie under a row is declared where a table is made (`shelves.Under`, `of=`); the numbers of a report are
found by those who made the report.
"""

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from s2p_assets.columns import Column, place_of
from s2p_assets.shelves import Under, UnderEach
from s2p_assets.spreadsheet.contract import Workbook
from s2p_assets.warehouse.store import Declared

QUANTITIES = ("number", "money", "percent", "whole")
TIMES = ("day", "moment")
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


@dataclass(frozen=True, slots=True)
class FileRow:
    """The row of a file that a stored row was read from.

    `path` is relative to the share, `archived` the kept original, `superseded_by` the path of a newer file that
    holds the row's key, None for a row that stands. `cells`: column → address of its cell; a value that was taken
    from the sheet's or the file's name has none.
    """

    path: str
    sheet: str
    row: int
    cells: dict[str, str]
    loaded_at: dt.datetime
    run_id: str | None
    sha256: str
    archived: Path | None
    superseded_by: str | None


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
) -> Group:
    """The rows at `place` whose columns have the values of `where`, with everything under them down to the cells.

    `where`: column → value, None for none, a tuple of which it may have any, or a slice whose ends count. `columns`:
    which values are traced, by default all. `most`: rows shown of each source, fewer further down; None shows all.
    `places`: where the tables are that are looked into. Raises NotTraceable.
    """
    source = _source(sources, place)
    known = {column.name: column for column in source.columns}
    chosen = tuple(columns) or tuple(name for name in known if name not in source.key) or tuple(known)
    unknown = [name for name in (*chosen, *where) if name not in known]
    if unknown:
        raise NotTraceable(f"{_name(source)} has no column {', '.join(unknown)}; it has {', '.join(known)}")
    conditions = [_condition(name, value) for name, value in where.items()]
    terms, values = [term for term, _ in conditions], [value for _, given in conditions for value in given]
    tracer = _Tracer(conn, sources, archive, places)
    try:
        rows = sql.SQL("select *, 1.0::float8 as _share from {} where {}").format(
            tracer.place_of(source, standing=False), sql.SQL(" and ").join(terms) if terms else sql.SQL("true")
        )
        found = tracer.group(source, chosen, rows, values, most)
    except psycopg.errors.UndefinedTable:
        raise NotTraceable(f"{_name(source)} has not been stored yet; run s2p run") from None
    except psycopg.DataError as error:
        raise NotTraceable(f"{_name(source)}: {error.diag.message_primary or error}") from None
    if not found.rows:
        asked = ", ".join(f"{column}={value}" for column, value in where.items())
        raise NotTraceable(f"{_name(source)}: no row has {asked}")
    return found


def _condition(name: str, value: Any) -> tuple[sql.Composed, list[Any]]:
    column = sql.Identifier(name)
    if value is None:
        return sql.SQL("{} is null").format(column), []
    if isinstance(value, slice):
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

    def place_of(self, source: Source, *, standing: bool) -> sql.Composable:
        """The table itself; of a workbook the rows that stand, or superseded ones too."""
        held = isinstance(source, Workbook) and not standing
        return self.places(source.domain, f"{source.thing}__rows" if held else source.thing)

    def group(
        self, source: Source, columns: Sequence[str], rows: sql.Composable, values: Sequence[Any], most: int | None
    ) -> Group:
        """`rows`: a query that gives the source's columns and `_share`."""
        measure = self._measure(source, columns)
        query = sql.SQL(
            "select *, count(*) over () as _count, sum({measure} * _share) over () as _total from ({rows}) found"
            " order by {order} limit {limit}"
        ).format(
            measure=sql.SQL("{}::float8").format(sql.Identifier(measure)) if measure else sql.SQL("null::float8"),
            rows=rows,
            order=self._order(source, measure),
            limit=sql.Literal(most),
        )
        with self.conn.cursor(row_factory=dict_row) as cursor:
            found = cursor.execute(query, list(values)).fetchall()
        deeper = None if most is None else max(most // 2, 1)
        files = self._files(source, columns, found)
        return Group(
            table=_name(source),
            columns=tuple(columns),
            count=found[0]["_count"] if found else 0,
            total=found[0]["_total"] if found and measure else None,
            rows=tuple(self._origin(source, columns, row, files, deeper) for row in found),
        )

    def _measure(self, source: Source, columns: Sequence[str]) -> str | None:
        kinds = {column.name: column.kind for column in source.columns}
        return columns[0] if len(columns) == 1 and kinds[columns[0]] in QUANTITIES else None

    def _order(self, source: Source, measure: str | None) -> sql.Composable:
        keys: list[sql.Composable] = [sql.SQL("{} desc").format(sql.Identifier(name)) for name in source.key]
        if isinstance(source, Workbook):
            keys = [
                sql.SQL("_superseded_by is not null"),
                *keys,
                sql.SQL("_file desc, _sheet, _row"),
            ]
        largest = sql.SQL("abs({}::float8 * _share) desc nulls last").format(sql.Identifier(measure or ""))
        return sql.SQL(", ").join([*([largest] if measure else []), *keys])

    def _origin(
        self,
        source: Source,
        columns: Sequence[str],
        row: Mapping[str, Any],
        files: Mapping[tuple[int, str, int], FileRow],
        most: int | None,
    ) -> Origin:
        return Origin(
            table=_name(source),
            key={name: row[name] for name in source.key},
            values={name: row[name] for name in columns},
            share=row["_share"],
            file=files[row["_file"], row["_sheet"], row["_row"]] if isinstance(source, Workbook) else None,
            under=() if isinstance(source, Workbook) else self._under(source, columns, row, most),
        )

    def _files(
        self, source: Source, columns: Sequence[str], found: Sequence[Mapping[str, Any]]
    ) -> dict[tuple[int, str, int], FileRow]:
        if not isinstance(source, Workbook) or not found:
            return {}
        ids = sorted({id_ for row in found for id_ in (row["_file"], row.get("_superseded_by")) if id_})
        query = "select id, path, loaded_at, run_id, sha256, archived, places from s2p.files where id = any(%s)"
        files = {id_: rest for id_, *rest in self.conn.execute(query, (ids,))}
        rows = {}
        for row in found:
            path, loaded_at, run_id, sha256, archived, places = files[row["_file"]]
            here = places.get(row["_sheet"], {})
            newer = row.get("_superseded_by")
            rows[row["_file"], row["_sheet"], row["_row"]] = FileRow(
                path=path,
                sheet=row["_sheet"],
                row=row["_row"],
                cells={name: f"{here[name]}{row['_row']}" for name in columns if name in here},
                loaded_at=loaded_at,
                run_id=run_id,
                sha256=sha256,
                archived=(self.archive or Path()) / archived if archived else None,
                superseded_by=files[newer][0] if newer else None,
            )
        return rows

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
            rows, values = self._rows_under(made, row, source, under, tuple(names))
            groups.append(self.group(source, tuple(names), rows, values, most))
        return tuple(group for group in groups if group.count)

    def _rows_under(
        self, made: MadeFrom, row: Mapping[str, Any], source: Source, under: Under, columns: Sequence[str]
    ) -> tuple[sql.Composable, list[Any]]:
        """The query for the rows of `source` under one row of `made`, which `this` stands for."""
        known = [name for name in made.key if row[name] is not None]  # with =, for nothing else is found by an index
        equal = [
            sql.SQL("{} = %s" if name in known else "{} is null").format(sql.Identifier(name)) for name in made.key
        ]
        newest: sql.Composable = sql.SQL("")
        valued: sql.Composable = sql.SQL("true")
        if under.newest:
            valued = sql.SQL(" or ").join(sql.SQL("{} is not null").format(sql.Identifier(name)) for name in columns)
            newest = sql.SQL(" order by {} desc limit 1").format(sql.Identifier(under.newest))
        query = sql.SQL(
            "select u.* from (select * from {made} where {equal}) this, lateral (select s.*{standing},"
            " ({share})::float8 as _share from {source} s where ({where}) and ({valued}){newest}) u"
        ).format(
            made=self.places(made.domain, made.thing),
            equal=sql.SQL(" and ").join(equal),
            share=_written(under.share),
            standing=sql.SQL(", null::bigint as _superseded_by" if isinstance(source, Workbook) else ""),
            source=self.place_of(source, standing=True),
            where=_written(under.where),
            valued=valued,
            newest=newest,
        )
        return query, [row[name] for name in known]


def _written(condition: str) -> sql.SQL:
    """SQL from a shelf file; a percent sign in it is no placeholder."""
    return sql.SQL(condition.replace("%", "%%"))


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


def found_by(source: Source, under: Under) -> str | None:
    """The column of `source` that an index should have, so that its rows under another are found among millions.

    Of those that are to equal something the first that is no day or moment, as that names fewer rows.
    """
    kinds = {column.name: column.kind for column in source.columns}
    equal = [name for name in EQUAL.findall(under.where) if name in kinds]
    return next((name for name in equal if kinds[name] not in TIMES), equal[0] if equal else None)
