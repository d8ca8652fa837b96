"""What people asked to be told: reports by mail, and values that pass a threshold."""

from alembic import op

from s2p_assets.warehouse.migrations.upgrading import driver

revision = "0008"
down_revision = "0007"

OWN_TABLES = """
create table s2p.subscriptions (
    id bigint generated always as identity primary key,
    report text not null,
    recipient text not null,
    asked_by text not null,
    asked_at timestamptz not null default now(),
    unique (report, recipient)
);
create table s2p.threshold_alerts (
    id bigint generated always as identity primary key,
    table_name text not null,
    entity jsonb not null,
    column_name text not null,
    direction text not null check (direction in ('under', 'over')),
    threshold double precision not null,
    recipient text not null,
    asked_by text not null,
    asked_at timestamptz not null default now(),
    unique (table_name, entity, column_name, direction, threshold, recipient)
);
create index on s2p.threshold_alerts (asked_by);
comment on table s2p.subscriptions is
    'Who gets each new edition of a report by mail, besides those whom the address book names.';
comment on table s2p.threshold_alerts is
    'Values of which somebody wants to hear when they are under or over a threshold.';
comment on column s2p.threshold_alerts.entity is
    'The columns that name the row, with their values as text; of its periods the newest counts.';
"""


def upgrade() -> None:
    """Two tables, empty; what the address book says stands beside them."""
    driver(op.get_bind()).execute(OWN_TABLES)
