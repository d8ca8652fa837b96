"""How the tables stand that are made by the second, so that a fault of one is seen without its log."""

from alembic import op

from s2p_assets.warehouse.migrations.upgrading import driver

revision = "0023"
down_revision = "0022"

OWN_TABLES = """
create table s2p.live_tables (
    name text primary key,
    problem text,
    since timestamptz not null default now(),
    made_at timestamptz,
    seconds real
);
comment on table s2p.live_tables is
    'Tables that follow streams by the second: what keeps one from being made, since when, and when it last was.';
"""


def upgrade() -> None:
    """One table, empty."""
    driver(op.get_bind()).execute(OWN_TABLES)
