"""Users, sessions, one-time links, tokens of programs, what is kept to groups, and who handed in which file."""

from alembic import op

from s2p_assets.warehouse.migrations.upgrading import driver

revision = "0005"
down_revision = "0004"

OWN_TABLES = """
create table s2p.users (
    id bigint generated always as identity primary key,
    email text not null unique check (email = lower(email)),
    name text not null,
    role text not null check (role in ('viewer', 'editor', 'engineer')),
    groups text[] not null default '{}',
    password_hash text,
    subject text unique,
    created_at timestamptz not null default now(),
    disabled_at timestamptz
);
create table s2p.sessions (
    hash bytea primary key,
    user_id bigint not null references s2p.users on delete cascade,
    created_at timestamptz not null default now(),
    seen_at timestamptz not null default now(),
    expires_at timestamptz not null
);
create index on s2p.sessions (user_id);
create table s2p.one_time_links (
    hash bytea primary key,
    user_id bigint references s2p.users on delete cascade,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null
);
create table s2p.tokens (
    id bigint generated always as identity primary key,
    name text not null unique,
    hash bytea not null unique,
    role text not null check (role in ('viewer', 'editor', 'engineer')),
    groups text[] not null default '{}',
    workbooks text[],
    created_by text not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    revoked_at timestamptz
);
create table s2p.restrictions (
    thing text not null,
    group_name text not null,
    primary key (thing, group_name)
);
create table s2p.handed_in (
    path text not null,
    sha256 text not null,
    handed_in_by text not null,
    handed_in_at timestamptz not null default now(),
    primary key (path, sha256)
);
create function s2p.tell_access() returns trigger language plpgsql as $$
begin
    perform pg_notify('s2p_access', '');
    return null;
end $$;
create trigger tell_access after update or delete on s2p.users
    for each statement execute function s2p.tell_access();
create trigger tell_access after delete on s2p.sessions
    for each statement execute function s2p.tell_access();
create trigger tell_access after update or delete on s2p.tokens
    for each statement execute function s2p.tell_access();
create trigger tell_access after insert or update or delete on s2p.restrictions
    for each statement execute function s2p.tell_access();
comment on table s2p.users is 'People who may log in.';
comment on column s2p.users.password_hash is 'By argon2; none for who logs in elsewhere, or has not set one yet.';
comment on column s2p.users.subject is 'Issuer and subject of the OpenID provider that this person logs in with.';
comment on table s2p.sessions is 'Who is logged in: SHA-256 of the cookie. Without its row a cookie is worth nothing.';
comment on table s2p.one_time_links is 'Links that set a password once; without a user, that of the first engineer.';
comment on table s2p.tokens is 'Programs that may ask: SHA-256 of the token.';
comment on column s2p.tokens.workbooks is
    'The only kinds of workbook that it may read and write; null: all that its role may.';
comment on table s2p.handed_in is
    'Files that somebody sent through the door and that were then put on the share: who, and when.';
comment on table s2p.restrictions is 'Reports and tables that only members of a group see, and engineers.';
"""


def upgrade() -> None:
    """Tables of their own; who reads them hears of a change by `listen s2p_access`."""
    driver(op.get_bind()).execute(OWN_TABLES)
