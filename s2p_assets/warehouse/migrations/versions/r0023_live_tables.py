"""How the tables stand that are made by the second; the partitions of followed tables."""

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
alter table s2p.source_slots add column parts jsonb not null default '{}';
comment on column s2p.source_slots.parts is
    'Of a partitioned table each partition with a mark, which is another one once it was attached or emptied since.';
"""


def upgrade() -> None:
    """One table and one column, empty."""
    driver(op.get_bind()).execute(OWN_TABLES)
