"""From a stored value back to the cells that it was derived from: file, sheet, address.

Which rows lie under a row is declared with each table and worked out in `lineage_rules.py`; how the numbers of a
report are found does not belong here.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from s2p_assets.catalog.lineage_rules import declared_sources, lineage_rule, referenced_columns
from s2p_assets.contracts.errors import meant_by
from s2p_assets.contracts.lineage import LineageRule
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.warehouse.trace.file_rows import FileRow, files_of_rows
from s2p_assets.warehouse.trace.ledger_views import LedgerView
from s2p_assets.warehouse.trace.lineage_rules import condition_sql
from s2p_assets.warehouse.trace.selections import Selection, has_ctid, largest_in_one_reading, sampled
from s2p_assets.warehouse.trace.traced_rows import (
    LineageDeclaration,
    NoRows,
    NotTraceable,
    SourceRows,
    TableLocator,
    TracedRow,
    TraceSource,
    TraceSources,
)

RowAggregation = Literal["sum", "mean", "rows"]
QUANTITY_KINDS = ("number", "money", "percent", "integer")
MAX_ROWS_SUMMED_HERE = 200


@dataclass(frozen=True)
class Tracer:
    """Walks values back in the tables of one connection.

    `sources`: what can be traced. `archive`: where the originals of files are kept. `locate_table`: where each
    table is. `cache`: what lies under a row, by all that decides it: rows of one day have the same history, and the
    next trace in the same tables finds it there.

    >>> tracer = Tracer(conn, sources, settings.archive)
    >>> tracer.trace(("retail", "demand"), {"sku": "4711", "week": dt.date(2026, 3, 2)}, ("quantity",))
    """

    conn: psycopg.Connection
    sources: TraceSources
    archive: Path | None = None
    locate_table: TableLocator = sql.Identifier
    cache: dict[tuple[Any, ...], SourceRows] = field(default_factory=dict)

    def trace(
        self,
        place: tuple[str, str],
        where: Mapping[str, Any],
        columns: Sequence[str] = (),
        *,
        most: int | None = 5,
        how: RowAggregation = "sum",
    ) -> SourceRows:
        """The rows at `place` whose columns have the values of `where`, with everything under them down to the cells.

        `where`: column → value, None for none, a tuple of which it may have any, or a slice whose ends count.
        `columns`: which values are traced, by default all. `most`: rows shown of each source, fewer further down;
        None shows all. `how`: what the rows come to, their sum, the mean of those that have a value, or nothing but
        how many they are. Raises NotTraceable.
        """
        source = self._source(place)
        chosen = _columns_to_trace(source, columns, where)
        try:
            with self.conn.transaction():  # one process reads: several would spend more, and add up in another order
                self.conn.execute("set local max_parallel_workers_per_gather = 0")
                found = self._group(self._selected(source, chosen, where, how), most)
        except psycopg.errors.UndefinedTable:
            raise NotTraceable(f"{_table_name(source)} has not been stored yet; run s2p run") from None
        except psycopg.DataError as error:
            raise NotTraceable(f"{_table_name(source)}: {error.diag.message_primary or error}") from None
        if not found.rows:
            condition = ", ".join(f"{column}={value}" for column, value in where.items())
            raise NoRows(f"{_table_name(source)}: no row has {condition}")
        return found

    def _source(self, place: tuple[str, str]) -> TraceSource:
        if place not in self.sources:
            name, known = "_".join(place), [f"{domain}_{name}" for domain, name in self.sources]
            raise NotTraceable(f"no table {name}; {meant_by(name, known)}")
        return self.sources[place]

    def _selected(
        self, source: TraceSource, columns: tuple[str, ...], where: Mapping[str, Any], how: RowAggregation
    ) -> Selection:
        conditions = [_condition(name, value) for name, value in where.items()]
        terms = [term for term, _ in conditions]
        if how == "mean":
            terms += [sql.SQL("{} is not null").format(sql.Identifier(name)) for name in columns]
        parts = {
            "place": _ctid_column(source),
            "weight": sql.SQL("1.0::float8 / count(*) over ()" if how == "mean" else "1.0::float8"),
            "table": self._table(source, current_only=False),
            "where": sql.SQL(" and ").join(terms) if terms else sql.SQL("true"),
        }
        query = "select s.*{place}, {weight} as _weight from {table} s{part} where {where}"
        sample = sampled(query, True, **parts) if how == "sum" and has_ctid(source) else None
        values = [value for _, given in conditions for value in given]
        measure = None if how == "rows" else _measure(source, columns)
        return Selection(source, columns, sampled(query, False, **parts), values, measure, sample)

    def _table(self, source: TraceSource, *, current_only: bool) -> sql.Composable:
        """The table itself; of a workbook its current rows, or superseded ones too; of the ledger its view."""
        if isinstance(source, LedgerView):
            return sql.Identifier(source.domain, source.name)
        held = isinstance(source, Workbook) and not current_only
        return self.locate_table(source.domain, f"{source.name}__rows" if held else source.name)

    def _group(self, selection: Selection, most: int | None) -> SourceRows:
        found, count, total = self._largest(selection, most)
        deeper = None if most is None else max(most // 2, 1)
        files = files_of_rows(self.conn, self.archive, selection.source, selection.columns, found)
        return SourceRows(
            table=_table_name(selection.source),
            columns=selection.columns,
            count=count,
            total=total,
            rows=tuple(self._traced_row(selection, row, file, deeper) for row, file in zip(found, files, strict=True)),
        )

    def _largest(self, selection: Selection, most: int | None) -> tuple[list[dict[str, Any]], int, float | None]:
        """The rows to be shown, how many there are, and their sum; that of a few rows is taken here."""
        few = None if most is None else max(most, MAX_ROWS_SUMMED_HERE) + 1
        if few is not None and (largest := largest_in_one_reading(self.conn, selection, few)):
            found, count, total = largest
            return found[:most], count, total
        found = self._ordered(selection, few)
        if few is None or len(found) < few:
            known = [row["_contribution"] for row in found if row["_contribution"] is not None]
            return found[:most], len(found), math.fsum(known) if known else None
        whole = sql.SQL("select count(*), sum({}) from ({}) found").format(selection.contribution, selection.query)
        count, total = self.conn.execute(whole, selection.values).fetchone() or (0, None)
        return found[:most], count, total

    def _ordered(self, selection: Selection, few: int | None) -> list[dict[str, Any]]:
        """Of millions the largest are found by their place alone, because sorting carries whole rows along."""
        limit, values = sql.Literal(few), selection.values
        some: sql.Composable = sql.SQL("true")
        if few is not None and selection.has_ctid:
            some = sql.SQL("_ctid = any(array(select _ctid from ({}) found order by {} limit {}))").format(
                selection.query, selection.order, limit
            )
            values = [*values, *values]
        query = sql.SQL("select *, {} as _contribution from ({}) found where {} order by {} limit {}").format(
            selection.contribution, selection.query, some, selection.order, limit
        )
        with self.conn.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query, values).fetchall()

    def _traced_row(
        self, selection: Selection, row: Mapping[str, Any], file: FileRow | None, most: int | None
    ) -> TracedRow:
        source, columns = selection.source, selection.columns
        return TracedRow(
            table=_table_name(source),
            key={name: row[name] for name in source.key},
            values={name: row[name] for name in columns},
            weight=row["_weight"],
            file=file,
            under=() if isinstance(source, Workbook) else self._sources_of_row(source, columns, row, most),
        )

    def _sources_of_row(
        self, made: LineageDeclaration, columns: Sequence[str], row: Mapping[str, Any], most: int | None
    ) -> tuple[SourceRows, ...]:
        """What lies under the columns of one row, source by source."""
        groups = []
        for (place, under), names in self._sources_and_rules(made, columns).items():
            cache_key = (place, under, names, most, *(row.get(name) for name in referenced_columns(under)))
            if cache_key not in self.cache:
                group = self._group(self._selected_under(made, row, place, under, names), most)
                self.cache[cache_key] = replace(group, inexact=under.inexact) if under.inexact else group
            groups.append(self.cache[cache_key])
        return tuple(group for group in groups if group.count or group.inexact)

    def _sources_and_rules(
        self, made: LineageDeclaration, columns: Sequence[str]
    ) -> dict[tuple[tuple[str, str], LineageRule], tuple[str, ...]]:
        """(source, rule) → the columns of that source that these columns are derived from."""
        declared = {column.name: column for column in made.columns}
        wanted: dict[tuple[tuple[str, str], LineageRule], dict[str, None]] = {}
        for name in columns:
            for place, column in declared_sources(made, declared[name]):
                if place in self.sources:
                    under = lineage_rule(made, name, self.sources[place])
                    wanted.setdefault((place, under), {})[column] = None
        return {source: tuple(names) for source, names in wanted.items()}

    def _selected_under(
        self,
        made: LineageDeclaration,
        row: Mapping[str, Any],
        place: tuple[str, str],
        under: LineageRule,
        columns: tuple[str, ...],
    ) -> Selection:
        """The rows of a source under one row of `made`, which `this` stands for."""
        source = self.sources[place]
        kinds = {column.name: column.postgres_type for column in made.columns}
        newest: sql.Composable = sql.SQL("")
        valued: sql.Composable = sql.SQL("true")
        if under.newest:
            valued = sql.SQL(" or ").join(sql.SQL("{} is not null").format(sql.Identifier(name)) for name in columns)
            newest = sql.SQL(" order by {} desc limit 1").format(sql.Identifier(under.newest))
        parts = {
            "weight": condition_sql(under.share, kinds, self.locate_table),
            "place": _ctid_column(source),
            "superseded_by": sql.SQL(", null::bigint as _superseded_by" if isinstance(source, Workbook) else ""),
            "source": self._table(source, current_only=True),
            "where": condition_sql(under.where, kinds, self.locate_table),
            "valued": valued,
            "newest": newest,
        }
        query = (
            "select s.*{place}{superseded_by}, ({weight})::float8 as _weight from {source} s{part}"
            " where ({where}) and ({valued}){newest}"
        )
        sample = sampled(query, True, **parts) if has_ctid(source) and not under.newest else None
        values = [row[name] for name in referenced_columns(under)]
        return Selection(source, columns, sampled(query, False, **parts), values, _measure(source, columns), sample)


def _columns_to_trace(source: TraceSource, columns: Sequence[str], where: Mapping[str, Any]) -> tuple[str, ...]:
    names = [column.name for column in source.columns]
    chosen = tuple(columns) or tuple(name for name in names if name not in source.key) or tuple(names)
    unknown = [name for name in (*chosen, *where) if name not in names]
    if unknown:
        raise NotTraceable(f"{_table_name(source)} has no column {', '.join(unknown)}; {meant_by(unknown[0], names)}")
    return chosen


def _condition(name: str, value: Any) -> tuple[sql.Composed, list[Any]]:
    column = sql.Identifier(name)
    if value is None:
        return sql.SQL("{} is null").format(column), []
    if isinstance(value, slice):
        if value.stop is None:
            return sql.SQL("{} >= %s").format(column), [value.start]
        return sql.SQL("{} between %s and %s").format(column), [value.start, value.stop]
    return sql.SQL("{} = any(%s)").format(column), [list(value) if isinstance(value, tuple) else [value]]


def _table_name(source: TraceSource) -> str:
    return f"{source.domain}.{source.name}"


def _ctid_column(source: TraceSource) -> sql.SQL:
    return sql.SQL(", s.ctid as _ctid" if has_ctid(source) else "")


def _measure(source: TraceSource, columns: Sequence[str]) -> str | None:
    kinds = {column.name: column.kind for column in source.columns}
    return columns[0] if len(columns) == 1 and kinds[columns[0]] in QUANTITY_KINDS else None
