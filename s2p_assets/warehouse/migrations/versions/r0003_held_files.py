"""Files that are held until a person decides, what each file changed, and gone files whose rows a person keeps."""

from alembic import op

from s2p_assets.warehouse.migrations.upgrading import driver

revision = "0003"
down_revision = "0002"

OWN_TABLES = """
alter table s2p.files drop constraint files_verdict_check;
alter table s2p.files add constraint files_verdict_check
    check (verdict in ('accepted', 'partly', 'returned', 'held', 'duplicate'));
alter table s2p.files add column rows_held bigint not null default 0;
alter table s2p.files add column questions jsonb not null default '[]';
alter table s2p.files add column changes jsonb not null default '{}';
alter table s2p.files add column confirmed_at timestamptz;
alter table s2p.files add column kept_at timestamptz;
alter table s2p.workbooks add column decided_at timestamptz;
create index files_of_interest on s2p.files (workbook) where verdict = 'held' or status = 'gone';
comment on column s2p.files.rows_held is 'Good rows that are not stored before a person has decided.';
comment on column s2p.files.questions is 'Why the file is held, in sentences.';
comment on column s2p.files.changes is
    'What its rows changed in the table, or would change: counts of rows, the largest changes, other files.';
comment on column s2p.files.confirmed_at is 'When a person accepted the file as it is.';
comment on column s2p.workbooks.decided_at is
    'When a person last decided about one of its files, until the share is looked at again.';
comment on column s2p.files.kept_at is 'When a person decided to keep the rows of the file, although it is gone.';
"""


def upgrade() -> None:
    """Columns of `s2p.files`, each empty for the files that are there."""
    driver(op.get_bind()).execute(OWN_TABLES)
