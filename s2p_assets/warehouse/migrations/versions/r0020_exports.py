"""How exports to lakehouses went."""

from alembic import op

from s2p_assets.warehouse.migrations.upgrading import driver

revision = "0020"
down_revision = "0019"

OWN_TABLES = """
create table s2p.exports (
    target text primary key,
    tried_at timestamptz not null default now(),
    moment timestamptz,
    content text,
    failing_since timestamptz,
    problem text
);
comment on table s2p.exports is
    'Lakehouses that s2p exports to: when it was last tried, the moment and the content that each holds, and since when'
    ' and why it fails.';
"""


def upgrade() -> None:
    """One table, empty."""
    driver(op.get_bind()).execute(OWN_TABLES)
