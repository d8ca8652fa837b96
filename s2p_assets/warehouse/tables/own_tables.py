"""s2p's own tables, in the schema `s2p`: whether a database has them as this code knows them.

Their DDL is in `migrations/`, which is loaded only where something is lacking: importing Alembic takes half a second.
"""

import psycopg

from s2p_assets.warehouse.migrations.revisions import HEAD, note


def ensure_own_tables(conn: psycopg.Connection) -> None:
    """Bring s2p's own tables to `HEAD`, from nothing or from an older revision. Several processes may at once.

    Costs one small query where they are there already. Raises HomeTooNew.
    """
    if _noted(conn) != note(HEAD):
        from s2p_assets.warehouse.migrations.upgrading import upgrade

        upgrade(conn)


def _noted(conn: psycopg.Connection) -> str | None:
    row = conn.execute("select obj_description(to_regclass('s2p.alembic_version'), 'pg_class')").fetchone()
    return row[0] if row else None
