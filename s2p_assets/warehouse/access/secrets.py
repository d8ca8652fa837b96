"""Sessions, one-time links and tokens: what somebody holds is kept here as its SHA-256 alone.

Whose they are is in `users.py`.
"""

import datetime as dt
import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass

import psycopg
from psycopg.rows import class_row

from s2p_assets.warehouse.access.users import Role

SECRET_BYTES = 32
TOKEN_PREFIX = "s2p_"  # noqa: S105  by which a token that leaked into a file is found


@dataclass(frozen=True, slots=True)
class Token:
    """A program that may ask; `workbooks`: the only kinds that it may read and write, None for all."""

    id: int
    name: str
    role: Role
    groups: tuple[str, ...]
    workbooks: tuple[str, ...] | None
    created_by: str
    created_at: dt.datetime
    expires_at: dt.datetime
    revoked_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class OneTimeLink:
    """Whose password a link sets; nobody's yet for that of the first engineer."""

    user_id: int | None


def hash_of(secret: str) -> bytes:
    """What is stored of a secret of 256 random bits: one round suffices, as nobody can guess it."""
    return hashlib.sha256(secret.encode()).digest()


def new_session(conn: psycopg.Connection, user_id: int, lasts: dt.timedelta) -> str:
    """The secret of a new session; sessions that ended are forgotten."""
    secret = secrets.token_urlsafe(SECRET_BYTES)
    conn.execute("delete from s2p.sessions where expires_at < now()")
    conn.execute(
        "insert into s2p.sessions (hash, user_id, expires_at) values (%s, %s, now() + %s)",
        (hash_of(secret), user_id, lasts),
    )
    return secret


def end_session(conn: psycopg.Connection, secret: str) -> None:
    conn.execute("delete from s2p.sessions where hash = %s", (hash_of(secret),))


def end_sessions(conn: psycopg.Connection, user_id: int) -> int:
    """Log a user out everywhere; of how many sessions."""
    return conn.execute("delete from s2p.sessions where user_id = %s", (user_id,)).rowcount


def new_link(conn: psycopg.Connection, user_id: int | None, lasts: dt.timedelta) -> str:
    """The secret of a one-time link; the one before for the same user is worth nothing any more."""
    secret = secrets.token_urlsafe(SECRET_BYTES)
    with conn.transaction():
        conn.execute(
            "delete from s2p.one_time_links where user_id is not distinct from %s or expires_at < now()", (user_id,)
        )
        conn.execute(
            "insert into s2p.one_time_links (hash, user_id, expires_at) values (%s, %s, now() + %s)",
            (hash_of(secret), user_id, lasts),
        )
    return secret


def find_link(conn: psycopg.Connection, secret: str) -> OneTimeLink | None:
    query = "select user_id from s2p.one_time_links where hash = %s and expires_at > now()"
    with conn.cursor(row_factory=class_row(OneTimeLink)) as cursor:
        return cursor.execute(query, (hash_of(secret),)).fetchone()


def use_link(conn: psycopg.Connection, secret: str) -> OneTimeLink | None:
    """The link, which nobody can use again; None where it is not worth anything."""
    query = "delete from s2p.one_time_links where hash = %s and expires_at > now() returning user_id"
    with conn.cursor(row_factory=class_row(OneTimeLink)) as cursor:
        return cursor.execute(query, (hash_of(secret),)).fetchone()


def new_token(
    conn: psycopg.Connection,
    name: str,
    role: Role,
    *,
    groups: Iterable[str],
    workbooks: Iterable[str] | None,
    created_by: str,
    lasts: dt.timedelta,
) -> str | None:
    """The token, which is shown once; None where the name is taken by one that is still good."""
    secret = TOKEN_PREFIX + secrets.token_urlsafe(SECRET_BYTES)
    limited = None if workbooks is None else sorted(set(workbooks))
    with conn.transaction():
        over = "delete from s2p.tokens where name = %s and (revoked_at is not null or expires_at < now())"
        conn.execute(over, (name,))
        done = conn.execute(
            "insert into s2p.tokens (name, hash, role, groups, workbooks, created_by, expires_at)"
            " values (%s, %s, %s, %s, %s, %s, now() + %s) on conflict (name) do nothing",
            (name, hash_of(secret), role, sorted(set(groups)), limited, created_by, lasts),
        )
    return secret if done.rowcount else None


def list_tokens(conn: psycopg.Connection) -> list[Token]:
    query = (
        "select id, name, role, groups, workbooks, created_by, created_at, expires_at, revoked_at"
        " from s2p.tokens order by name"
    )
    with conn.cursor(row_factory=class_row(Token)) as cursor:
        return cursor.execute(query).fetchall()


def revoke_token(conn: psycopg.Connection, name: str) -> bool:
    """Whether there was such a token that was still good."""
    query = "update s2p.tokens set revoked_at = now() where name = %s and revoked_at is null"
    return conn.execute(query, (name,)).rowcount > 0
