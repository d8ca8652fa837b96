"""Which rows of a source lie under a row: as declared, or found by the columns of its key.

They are fetched by the warehouse; the rules themselves are declared with `contracts/lineage.py`.
"""

import re
from typing import Protocol

from s2p_assets.contracts.columns import Column, parse_column_path
from s2p_assets.contracts.lineage import LineageRule, LineageRules

TIME_KINDS = ("date", "timestamp")
RANGE_CONDITION = re.compile(r'\b(\w+)"? [<>]=? this\.')
EQUALITY_CONDITION = re.compile(r'\b(\w+)"? = this\.')
THIS_COLUMN = re.compile(r'\bthis\."?(\w+)"?')


class StoredDeclaration(Protocol):
    """Anything that declares the columns of a stored table."""

    @property
    def domain(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def columns(self) -> tuple[Column, ...]: ...


class DerivedDeclaration(StoredDeclaration, Protocol):
    """A table that declares its key, and which rows of its sources lie under its own."""

    @property
    def key(self) -> tuple[str, ...]: ...
    @property
    def lineage(self) -> LineageRules: ...


def declared_sources(made: DerivedDeclaration, column: Column) -> list[tuple[tuple[str, str], str]]:
    """((domain, thing), column) of everything that a column is declared to be derived from."""
    places = (parse_column_path(source, made.domain) for source in column.derived_from)
    return [((domain, name), source_column) for domain, name, source_column in places]


def lineage_rule(made: DerivedDeclaration, column: str, source: StoredDeclaration) -> LineageRule:
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


def index_columns(source: StoredDeclaration, under: LineageRule) -> tuple[str, ...]:
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
