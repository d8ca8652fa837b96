"""States that somebody pinned against clean-up."""

from alembic import op

from s2p_assets.warehouse.migrations.upgrading import driver

revision = "0021"
down_revision = "0020"

OWN_TABLES = """
create table s2p.tags (
    name text primary key,
    moment timestamptz not null,
    reason text not null,
    made_by text not null,
    made_at timestamptz not null default now()
);
comment on table s2p.tags is
    'Moments with a name, whose files s2p gc keeps: who gave it, when and why.';
"""


def upgrade() -> None:
    """One table, empty."""
    driver(op.get_bind()).execute(OWN_TABLES)
