"""Which rows of a source lie under a row: as declared, or found by the columns of its key.

They are fetched by `trace.py`; the rules are declared with the tables (`shelves.Under`, `of=`).
"""

import re
from collections.abc import Mapping

from psycopg import sql

from s2p_assets.columns import Column, place_of
from s2p_assets.shelves import Under
from s2p_assets.warehouse.store import Declared
from s2p_assets.warehouse.traced_rows import MadeFrom, Source

TIMES = ("day", "moment")
BEYOND = re.compile(r'\b(\w+)"? [<>]=? this\.')
EQUAL = re.compile(r'\b(\w+)"? = this\.')
THIS = re.compile(r'\bthis\."?(\w+)"?')


def sources_of(made: Declared, column: Column) -> list[tuple[tuple[str, str], str]]:
    """((domain, thing), column) of everything that a column is declared to be derived from."""
    places = (place_of(source, made.domain) for source in column.meaning.of)
    return [((domain, thing), source_column) for domain, thing, source_column in places]


def under_of(made: MadeFrom, column: str, source: Source) -> Under:
    """What `made` declares of `source`, or else: the same values in the columns that its key is derived from."""
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
    equal, ranges = ([name for name in sought.findall(under.where) if name in kinds] for sought in (EQUAL, BEYOND))
    first = next((name for name in equal if kinds[name] not in TIMES), equal[0] if equal else None)
    return tuple(dict.fromkeys(name for name in (first, *ranges[:1]) if name))


def columns_of_this(under: Under) -> list[str]:
    """The columns of the row above that decide what lies under it, in the order in which they are asked for."""
    return THIS.findall(f"{under.share} {under.where}")


def condition_sql(condition: str, kinds: Mapping[str, str]) -> sql.SQL:
    """SQL from a shelf file, a value for each column of `this`; a percent sign in it is no placeholder."""
    return sql.SQL(THIS.sub(lambda name: f"%s::{kinds[name[1]]}", condition.replace("%", "%%")))
