"""Tables of other databases that are followed: how far, and what their slots keep; and since when a stream is late."""

from alembic import op

from s2p_assets.warehouse.migrations.upgrading import driver

revision = "0017"
down_revision = "0016"

OWN_TABLES = """
create table s2p.source_slots (
    stream text primary key,
    database text not null,
    slot text not null,
    system text,
    relation bigint,
    columns jsonb not null default '{}',
    contract_version text,
    position pg_lsn,
    snapshot_at timestamptz,
    behind_bytes bigint,
    kept_bytes bigint,
    room_bytes bigint,
    status text,
    looked_at timestamptz,
    over_since timestamptz
);
comment on table s2p.source_slots is
    'The replication slots by which tables of other databases are followed, and how far each was read.';
comment on column s2p.source_slots.position is
    'Behind the last transaction whose changes are stored; moved on with the rows. None before the first snapshot.';
comment on column s2p.source_slots.columns is 'The table''s columns with their types, as last seen.';
comment on column s2p.source_slots.kept_bytes is 'Log that the other database keeps on its disk for the slot.';
comment on column s2p.source_slots.over_since is 'Since when that is more than S2P_SLOT_MB.';
alter table s2p.stream_offsets add column late_since timestamptz;
comment on column s2p.stream_offsets.late_since is
    'Since when events wait while the newest stored one is more than a minute old; none where it keeps up.';
"""


def upgrade() -> None:
    """Empty until a table of another database is declared as a stream."""
    driver(op.get_bind()).execute(OWN_TABLES)
