"""What people entered on the screen or through the API: each entry with person, time and reason, and its rows."""

from alembic import op

from s2p_assets.warehouse.migrations.upgrading import driver

revision = "0006"
down_revision = "0005"

OWN_TABLES = """
alter table s2p.files add column entered text check (entered in ('entry', 'correction'));
create index files_entered on s2p.files (workbook) where entered is not null;
create table s2p.entries (
    path text primary key,
    workbook text not null,
    kind text not null check (kind in ('entry', 'correction')),
    reason text not null,
    made_by text not null,
    made_at timestamptz not null
);
create index on s2p.entries (workbook, made_at);
create table s2p.entry_rows (
    path text not null references s2p.entries,
    number integer not null,
    action text not null check (action in ('add', 'change', 'withdraw')),
    key jsonb not null,
    columns text[] not null,
    before jsonb,
    after jsonb not null,
    base_file bigint,
    base_sheet text,
    base_row integer,
    sheet text not null,
    row integer not null,
    ended_at timestamptz,
    ended_how text check (ended_how in ('undone', 'released', 'lapsed')),
    ended_by text,
    ended_why text,
    primary key (path, number),
    check ((ended_at is null) = (ended_how is null))
);
create index entry_rows_of_files on s2p.entry_rows (base_file) where base_file is not null;
comment on column s2p.files.entered is
    'Of what people entered: an entry, which is as new as its date; or a correction, which every file gives way to. '
    'Null for files that people dropped.';
comment on table s2p.entries is
    'What people entered: one small workbook each in s2p-entries, whose versions are in s2p.files by this path.';
comment on table s2p.entry_rows is
    'The rows of entries. An ended one is no longer in the workbook: it was undone or released, or lapsed.';
comment on column s2p.entry_rows.columns is 'The columns that the person gave other values.';
comment on column s2p.entry_rows.before is 'The row that it was made on; none for a new one.';
comment on column s2p.entry_rows.base_file is 's2p.files.id of the file that held that row, on this sheet and row.';
comment on column s2p.entry_rows.sheet is 'Where it stands in the newest version of the workbook of the entry.';
"""


def upgrade() -> None:
    """Tables of their own; every file that is known was dropped."""
    driver(op.get_bind()).execute(OWN_TABLES)
