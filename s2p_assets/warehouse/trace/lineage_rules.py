"""Which rows of a source lie under a row: as declared, or found by the columns of its key.

They are fetched by `trace.py`; the rules are declared with the tables (`shelves.LineageRule`, `of=`).
"""

import re
from collections.abc import Mapping

from psycopg import sql

from s2p_assets.contracts.columns import Column, parse_column_path
from s2p_assets.contracts.lineage import LineageRule
from s2p_assets.warehouse.tables.store import TableDeclaration
from s2p_assets.warehouse.trace.traced_rows import LineageDeclaration, TraceSource

TIME_KINDS = ("date", "timestamp")
RANGE_CONDITION = re.compile(r'\b(\w+)"? [<>]=? this\.')
EQUALITY_CONDITION = re.compile(r'\b(\w+)"? = this\.')
THIS_COLUMN = re.compile(r'\bthis\."?(\w+)"?')


def declared_sources(made: TableDeclaration, column: Column) -> list[tuple[tuple[str, str], str]]:
    """((domain, thing), column) of everything that a column is declared to be derived from."""
    places = (parse_column_path(source, made.domain) for source in column.derived_from)
    return [((domain, name), source_column) for domain, name, source_column in places]


def lineage_rule(made: LineageDeclaration, column: str, source: TraceSource) -> LineageRule:
    """What `made` declares of `source`, or else: the same values in the columns that its key is derived from."""
    name = source.name if source.domain == made.domain else f"{source.domain}__{source.name}"
    if declared := made.lineage.get((column, name)) or made.lineage.get(name):
        return declared
    kinds = {column.name: column.kind for column in source.columns}
    equal = []
    for own in (own for own in made.columns if own.name in made.key):
        names = [name for place, name in declared_sources(made, own) if place == (source.domain, source.name)]
        equal += [
            f'"{name}" = this."{own.name}"'
            for name in names or [own.name]
            if name in kinds and (name == own.name or kinds[name] not in TIME_KINDS)
        ]
    return LineageRule(" and ".join(equal) or "true")


def index_columns(source: TraceSource, under: LineageRule) -> tuple[str, ...]:
    """The columns of `source` that an index should have, so that its rows under another are found among millions.

    Of those that are to equal something the first that is no day or moment, as that names fewer rows; then the first
    that is to lie before or after something.
    """
    kinds = {column.name: column.kind for column in source.columns}
    equal, ranges = (
        [name for name in sought.findall(under.where) if name in kinds]
        for sought in (EQUALITY_CONDITION, RANGE_CONDITION)
    )
    first = next((name for name in equal if kinds[name] not in TIME_KINDS), equal[0] if equal else None)
    return tuple(dict.fromkeys(name for name in (first, *ranges[:1]) if name))


def referenced_columns(under: LineageRule) -> list[str]:
    """The columns of the row above that decide what lies under it, in the order in which they are asked for."""
    return THIS_COLUMN.findall(f"{under.share} {under.where}")


def condition_sql(condition: str, kinds: Mapping[str, str]) -> sql.SQL:
    """SQL from a shelf file, a value for each column of `this`; a percent sign in it is no placeholder."""
    return sql.SQL(THIS_COLUMN.sub(lambda name: f"%s::{kinds[name[1]]}", condition.replace("%", "%%")))
