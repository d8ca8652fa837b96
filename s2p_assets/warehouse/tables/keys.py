"""Keys as PostgreSQL can compare, hash and index them, missing parts included.

Which columns make up a key is declared on the shelves.
"""

from collections.abc import Sequence

from psycopg import sql

from s2p_assets.contracts.columns import Column


def key_expressions(columns: Sequence[Column], key: Sequence[str], alias: str) -> list[sql.Composable]:
    """Expressions over `alias` that are equal exactly when two keys are, missing parts included.

    `is not distinct from` says the same, but PostgreSQL can neither hash nor index it.
    """
    neutral = {"text": "''", "bigint": "0", "numeric": "0", "double precision": "0", "boolean": "false"}
    neutral |= {"date": "date '2000-01-01'", "timestamp": "timestamp '2000-01-01'"}
    terms: list[sql.Composable] = []
    declared = {column.name: column for column in columns}
    for name in key:
        column, reference = declared[name], sql.Identifier(alias, name) if alias else sql.Identifier(name)
        if column.nullable:
            terms.append(sql.SQL("coalesce({}, {})").format(reference, sql.SQL(neutral[column.postgres_type])))
            terms.append(sql.SQL("({} is null)").format(reference))
        else:
            terms.append(reference)
    return terms
