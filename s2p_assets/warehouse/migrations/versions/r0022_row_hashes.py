"""Digests of incremental SQL tables are of other hashes: each of them is made anew once."""

from alembic import op

from s2p_assets.warehouse.migrations.upgrading import driver

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Forget by which digests they were known."""
    driver(op.get_bind()).execute("delete from s2p.sql_tables")
