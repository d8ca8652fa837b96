"""Headers that people said are columns of a contract: remembered until an engineer takes them into it."""

from alembic import op

from s2p_assets.warehouse.migrations.upgrading import driver

revision = "0007"
down_revision = "0006"

OWN_TABLES = """
create table s2p.header_aliases (
    workbook text not null,
    column_name text not null,
    header text not null,
    folded text not null,
    added_by text not null,
    added_at timestamptz not null default now(),
    taken_at timestamptz,
    primary key (workbook, folded)
);
comment on table s2p.header_aliases is
    'Headers that a person matched to a column of a kind of workbook, besides those that its contract names.';
comment on column s2p.header_aliases.folded is 'The header without case, accents, spacing and punctuation.';
comment on column s2p.header_aliases.taken_at is 'When an engineer took it into the contract''s file.';
"""


def upgrade() -> None:
    """A table of its own, empty."""
    driver(op.get_bind()).execute(OWN_TABLES)
