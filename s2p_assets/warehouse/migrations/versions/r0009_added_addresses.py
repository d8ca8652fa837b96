"""Addresses at which owners are told besides those of the address book, as people added them on the screen."""

from alembic import op

from s2p_assets.warehouse.migrations.upgrading import driver

revision = "0009"
down_revision = "0008"

OWN_TABLES = """
create table s2p.added_addresses (
    owner text not null,
    address text not null,
    added_by text not null,
    added_at timestamptz not null default now(),
    primary key (owner, address)
);
comment on table s2p.added_addresses is
    'Who else is told what an owner is told, besides those whom the address book names; `engineers` is an owner too.';
"""


def upgrade() -> None:
    """One table, empty; the address book in its file stays as it is."""
    driver(op.get_bind()).execute(OWN_TABLES)
