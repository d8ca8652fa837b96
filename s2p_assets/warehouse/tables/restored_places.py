"""Where tables as they were stand in a connection that restores them; restoring them is in `as_of.py`."""

from psycopg import sql

TEMPORARY_SCHEMA = "pg_temp"


def as_of_table(domain: str, name: str) -> sql.Identifier:
    """The temporary table that holds a table as it was, in place of `<domain>.<name>`."""
    return sql.Identifier(TEMPORARY_SCHEMA, f"{domain}.{name}")
