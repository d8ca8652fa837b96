"""The role of people and programs that read the tables of every domain and nothing else.

How they connect is said in `services/database_access.py`.
"""

from collections.abc import Iterable

import psycopg
from psycopg import sql

from s2p_assets.warehouse.server.embedded import READER
from s2p_assets.warehouse.server.roles import create_schema


def ensure_reader(conn: psycopg.Connection, password: str, domains: Iterable[str]) -> None:
    """Make the role, or give it this password, and let it read the schemas of `domains`, later tables too.

    Of s2p's own schema, with its users, it sees nothing. Raises psycopg.errors.InsufficientPrivilege.
    """
    role = sql.Identifier(READER)
    exists = conn.execute("select 1 from pg_roles where rolname = %s", (READER,)).fetchone()
    made = sql.SQL("alter role {} login password {}" if exists else "create role {} login password {}")
    with conn.transaction():
        conn.execute("set local password_encryption = 'scram-sha-256'")
        conn.execute(made.format(role, sql.Literal(password)))
        conn.execute(sql.SQL("alter role {} set default_transaction_read_only = on").format(role))
        conn.execute(sql.SQL("alter role {} set statement_timeout = '15min'").format(role))
        for domain in domains:
            schema = sql.Identifier(domain)
            create_schema(conn, domain)
            conn.execute(sql.SQL("grant usage on schema {} to {}").format(schema, role))
            conn.execute(sql.SQL("grant select on all tables in schema {} to {}").format(schema, role))
            later = "alter default privileges in schema {} grant select on tables to {}"
            conn.execute(sql.SQL(later).format(schema, role))
