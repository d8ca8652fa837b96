"""Whether what is stored changed after a moment; what it held then is put together in `as_of.py`."""

import datetime as dt
from collections.abc import Iterable, Sequence

import psycopg

from s2p_assets.warehouse.tables.own_tables import ensure_own_tables


def rows_changed_since(conn: psycopg.Connection, workbooks: Iterable[str], as_of: dt.datetime) -> bool:
    """Whether rows of these workbooks, by name, were loaded or withdrawn after `as_of`."""
    query = "select 1 from s2p.files where workbook = any(%s) and (loaded_at > %s or withdrawn_at > %s) limit 1"
    return conn.execute(query, (list(workbooks), as_of, as_of)).fetchone() is not None


def stored_since(conn: psycopg.Connection, places: Sequence[tuple[str, str]], as_of: dt.datetime) -> bool:
    """Whether the content of any of these derived tables changed after `as_of`."""
    ensure_own_tables(conn)
    query = (
        "select 1 from s2p.contents c"
        " join unnest(%s::text[], %s::text[]) n(domain, table_name) using (domain, table_name)"
        " where c.stored_at > %s limit 1"
    )
    domains, things = [domain for domain, _ in places], [name for _, name in places]
    return conn.execute(query, (domains, things, as_of)).fetchone() is not None
