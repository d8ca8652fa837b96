"""What people are told: matters, messages to one recipient each, and which message told of which matter."""

from alembic import op

from s2p_assets.warehouse.migrations.upgrading import driver

revision = "0004"
down_revision = "0003"

OWN_TABLES = """
create table s2p.matters (
    id bigint generated always as identity primary key,
    kind text not null,
    key text not null,
    owner text,
    content jsonb not null,
    is_event boolean not null,
    opened_at timestamptz not null default now(),
    cleared_at timestamptz
);
create unique index matters_open on s2p.matters (key) where cleared_at is null;
create index matters_key on s2p.matters (key, cleared_at);
create table s2p.messages (
    id bigint generated always as identity primary key,
    message_id text not null unique,
    recipient text not null,
    state text not null default 'waiting'
        check (state in ('waiting', 'sending', 'sent', 'spooled', 'refused', 'withdrawn')),
    created_at timestamptz not null default now(),
    due_at timestamptz not null default now(),
    settled_at timestamptz,
    attempts integer not null default 0,
    times_in_doubt integer not null default 0,
    without_attachments boolean not null default false,
    error text
);
create index messages_waiting on s2p.messages (due_at) where state in ('waiting', 'sending');
create index messages_recipient on s2p.messages (recipient, created_at);
create table s2p.message_matters (
    message bigint not null references s2p.messages on delete cascade,
    matter bigint not null references s2p.matters on delete cascade,
    recipient text not null,
    is_spooled boolean not null default false,
    primary key (message, matter)
);
create unique index message_matters_once on s2p.message_matters (matter, recipient) where not is_spooled;
comment on table s2p.matters is 'What somebody is to be told: a file that came back, a run that failed.';
comment on column s2p.matters.key is 'What makes it the same matter at the next look.';
comment on column s2p.matters.is_event is 'Whether it is over once told, as a new champion is.';
comment on column s2p.matters.cleared_at is 'When it was no longer so; of an event, when it was told.';
comment on table s2p.messages is 'Messages to people, one recipient each, and what became of them.';
comment on column s2p.messages.state is
    'waiting; sending: handed to a server from which no answer was recorded; sent; spooled: a file in the outbox; '
    'refused for good; withdrawn, as nothing in it was so any more.';
comment on column s2p.messages.times_in_doubt is
    'How often it was sent again because the answer to an attempt was never recorded; under the same Message-ID.';
comment on table s2p.message_matters is
    'Which message told whom of which matter: once, unless it only went to the outbox.';
"""


def upgrade() -> None:
    """Three tables, empty: what was so before is told at the next look."""
    driver(op.get_bind()).execute(OWN_TABLES)
