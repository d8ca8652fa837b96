"""What a SQL table's select means: its names found in the declared columns of other tables, and what is made of what.

Which rows lie under a row is worked out in `sql_provenance.py`; running the select is the warehouse's.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Any

from s2p_assets.catalog.sql_keys import followed_keys
from s2p_assets.catalog.sql_provenance import NotExact, Origin, Provenance
from s2p_assets.catalog.sql_shelf import SqlFault, base_tables, first_line, parsed, source_of
from s2p_assets.contracts.columns import parse_column_path
from s2p_assets.contracts.errors import meant_by
from s2p_assets.contracts.lineage import PLACE, LineageRule
from s2p_assets.contracts.sql_table import SqlSource, SqlTable, rows_of_columns

CANNOT_RESOLVE = re.compile(r"Column '(?P<name>[^']+)' could not be resolved.*?Line: (?P<line>\d+)", re.DOTALL)


def bound(table: SqlTable, known: Mapping[tuple[str, str], SqlSource]) -> SqlTable:
    """The table with its sources as they are declared, and each column's origins. Raises SqlFault.

    `known`: every stored thing, by place.
    """
    if lacking := next((one for one in table.sources if one.place not in known), None):
        fault = table.fault_of(lacking.written, f"there is no table {lacking.domain}_{lacking.name}")
        raise SqlFault(fault.message, fault.line, fault.file)
    sources = tuple(replace(known[one.place], written=one.written) for one in table.sources)
    select = qualified(table.text, table.domain, sources, table)
    _refuse_other_columns(table, select)
    _require_known_references(table, known)
    origins = _origins(_Asked(table.text, table.domain, _shapes(sources), select, sources))
    columns = tuple(
        replace(column, derived_from=tuple(_path(table, one) for one in origins[column.name]))
        for column in table.columns
    )
    followed = followed_keys(select, table.incremental, sources) if table.incremental else ()
    if table.incremental and all(part is None for _, parts in followed for part in parts):
        message = (
            f"it cannot be incremental by {', '.join(table.incremental)}: no source's rows bear that; leave it out"
        )
        raise SqlFault(message, dict(table.lines).get("incremental"), table.file)
    rows = rows_of_columns(table.name, table.build.__module__, table.description, {}, {})
    rows.s2p_columns = columns
    for test in table.tests:
        own = SqlSource(table.domain, table.name, table.name, columns, table.key)
        line = dict(table.lines).get(f"tests.{test.name}")
        try:
            qualified(test.query, table.domain, (*known.values(), own), table)
        except SqlFault as fault:
            raise SqlFault(f"test {test.name!r}: {fault}", line, table.file) from None
    lineage = SqlLineage(table.text, table.domain, table.key, sources)
    return replace(table, rows=rows, sources=sources, lineage=lineage, followed=followed)


@dataclass(frozen=True)
class _Asked:
    """A select whose columns' origins are asked for; the same where the same is written over sources of one shape."""

    text: str
    domain: str
    shapes: tuple[Any, ...]
    select: Any = field(compare=False)
    sources: tuple[SqlSource, ...] = field(compare=False)


def _shapes(sources: Sequence[SqlSource]) -> tuple[Any, ...]:
    return tuple(
        (one.place, one.written, one.row_id, tuple((column.name, column.postgres_type) for column in one.columns))
        for one in sources
    )


@lru_cache(maxsize=512)
def _origins(asked: _Asked) -> dict[str, list[Origin]]:
    """The stored columns that each column of a select is made from; shelves are read more than once in a process."""
    provenance = Provenance(asked.select, asked.sources)
    return {name: provenance.origins(name) for name in asked.select.named_selects}


def _require_known_references(table: SqlTable, known: Mapping[tuple[str, str], SqlSource]) -> None:
    """What its columns refer to must be columns that there are. Raises SqlFault."""
    for column in table.columns:
        if column.references is None:
            continue
        domain, name, other = parse_column_path(column.references, table.domain)
        there = known.get((domain, name))
        if there is None or other not in {one.name for one in there.columns}:
            line = dict(table.lines).get(f"columns.{column.name}")
            message = f"column {column.name!r} refers to {column.references!r}, which no shelf holds"
            raise SqlFault(message, line, table.file)


def _path(table: SqlTable, origin: tuple[tuple[str, str], str]) -> str:
    (domain, name), column = origin
    return f"{name}.{column}" if domain == table.domain else f"{domain}__{name}.{column}"


def qualified(text: str, domain: str, sources: Sequence[SqlSource], table: SqlTable | None = None) -> Any:
    """The select with every column's table named, and every table's place. Raises SqlFault for unknown names."""
    from sqlglot import errors, exp
    from sqlglot.optimizer.qualify import qualify

    select, file = _with_own_windows(parsed(text)), table.file if table else None
    columns = {source.place: source for source in sources}
    schema: dict[str, Any] = {}
    for part in base_tables(select):
        place = source_of(part, domain).place
        if place not in columns:
            raise SqlFault(f"there is no table {place[0]}_{place[1]}", first_line(part), file)
        if not part.alias:
            part.set("alias", exp.TableAlias(this=exp.to_identifier(part.name, quoted=True)))
        part.set("this", exp.to_identifier(place[1], quoted=True))
        part.set("db", exp.to_identifier(f"{PLACE}{place[0]}", quoted=True))
        declared = {column.name: column.postgres_type for column in columns[place].columns}
        schema.setdefault(f"{PLACE}{place[0]}", {})[place[1]] = declared
    if any(one.alias == "this" for one in select.find_all(exp.Table, exp.Subquery, exp.CTE)):
        raise SqlFault("no table may be called `this`: rules of lineage call the row so that was made", 1, file)
    try:
        return qualify(select, schema=schema, dialect="postgres", expand_alias_refs=False)
    except errors.SqlglotError as error:
        known = {name for source in sources for name in (column.name for column in source.columns)}
        found = CANNOT_RESOLVE.search(str(error))
        if found is None:
            raise SqlFault(str(error).splitlines()[0], 1, file) from None
        line = int(found["line"])
        wanted = found["name"].rpartition(".")[2]
        raise SqlFault(f"no table of it has a column {wanted!r}; {meant_by(wanted, known)}", line, file) from None


def _with_own_windows(select: Any) -> Any:
    """The select with each window written where it is looked through, in place of its name."""
    from sqlglot import exp

    for one in select.find_all(exp.Select):
        named = {window.name: window for window in one.args.get("windows") or ()}
        for window in one.find_all(exp.Window) if named else ():
            meant = named.get(window.args["alias"].name) if window.args.get("alias") else None
            if meant is not None and window is not meant:
                window.set("alias", None)
                for part in ("partition_by", "order", "spec"):
                    given = meant.args.get(part)
                    copied = [inner.copy() for inner in given] if isinstance(given, list) else given and given.copy()
                    window.set(part, copied)
        one.set("windows", None)
    return select


def _refuse_other_columns(table: SqlTable, select: Any) -> None:
    """What the select returns must be what is declared."""
    returned, declared = list(select.named_selects), [column.name for column in table.columns]
    lines = dict(table.lines)
    if repeated := next((name for name in returned if returned.count(name) > 1), None):
        raise SqlFault(f"it returns two columns named {repeated!r}; name one of them by `as`", 1, table.file)
    if missing := next((name for name in declared if name not in returned), None):
        where = lines.get(f"columns.{missing}")
        raise SqlFault(f"column {missing!r} is declared, and the select returns none of this name", where, table.file)
    if surplus := next((name for name in returned if name not in declared), None):
        line = first_line(select.selects[returned.index(surplus)])
        raise SqlFault(f"it returns a column {surplus!r}, which is not declared", line, table.file)


@dataclass(frozen=True)
class SqlLineage(Mapping[Any, LineageRule]):
    """The rules of lineage of a SQL table, (own column, source) → rule, each worked out when it is asked for."""

    text: str
    domain: str
    key: tuple[str, ...]
    sources: tuple[SqlSource, ...]

    @cached_property
    def _rules(self) -> dict[Any, LineageRule]:
        return {}

    def __getitem__(self, place: Any) -> LineageRule:
        source = next((one for one in self.sources if isinstance(place, tuple) and one.written == place[1]), None)
        if source is None:
            raise KeyError(place)
        if place not in self._rules:
            self._rules[place] = self._rule(place[0], source)
        return self._rules[place]

    def __iter__(self) -> Any:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __bool__(self) -> bool:
        return True

    def _rule(self, column: str, source: SqlSource) -> LineageRule:
        provenance = Provenance(qualified(self.text, self.domain, self.sources), self.sources)
        try:
            return LineageRule(provenance.rows_under(column, source, self.key))
        except NotExact as reason:
            names = {column.name for column in source.columns}
            same = " and ".join(f's."{name}" = this."{name}"' for name in self.key if name in names)
            return LineageRule(same or "true", inexact=str(reason))
