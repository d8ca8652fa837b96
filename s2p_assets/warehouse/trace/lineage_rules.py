"""The conditions of lineage rules as SQL.

Which rule holds for a source is the catalog's to say.
"""

import re
from collections.abc import Callable, Mapping

from psycopg import sql

from s2p_assets.catalog.lineage_rules import THIS_COLUMN
from s2p_assets.contracts.lineage import PLACE

NAMED_PLACE = re.compile(rf'"{PLACE}(\w+)"[.]"(\w+)"')


def condition_sql(
    condition: str, kinds: Mapping[str, str], locate_table: Callable[[str, str], sql.Identifier] = sql.Identifier
) -> sql.SQL:
    """SQL from a shelf file, a value for each column of `this`; a percent sign in it is no placeholder.

    `locate_table`: where the tables are that the rule of a SQL table names.
    """
    placed = NAMED_PLACE.sub(lambda place: locate_table(place[1], place[2]).as_string(), condition)
    return sql.SQL(THIS_COLUMN.sub(lambda name: f"%s::{kinds[name[1]]}", placed.replace("%", "%%")))
