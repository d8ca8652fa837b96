"""The conditions of lineage rules as SQL.

Which rule holds for a source is the catalog's to say.
"""

from collections.abc import Mapping

from psycopg import sql

from s2p_assets.catalog.lineage_rules import THIS_COLUMN


def condition_sql(condition: str, kinds: Mapping[str, str]) -> sql.SQL:
    """SQL from a shelf file, a value for each column of `this`; a percent sign in it is no placeholder."""
    return sql.SQL(THIS_COLUMN.sub(lambda name: f"%s::{kinds[name[1]]}", condition.replace("%", "%%")))
