"""The users of an installation as they are stored, and what is kept to groups.

Their sessions, links and tokens are in `secrets.py`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

import psycopg
from psycopg.rows import class_row

Role = Literal["viewer", "editor", "engineer"]
ROLES: tuple[Role, ...] = get_args(Role)
"""From the one who may least to the one who may all."""


@dataclass(frozen=True, slots=True)
class User:
    """A person who may log in; `disabled`: may not any more."""

    id: int
    email: str
    name: str
    role: Role
    groups: tuple[str, ...]
    password_hash: str | None
    subject: str | None
    disabled: bool


SELECT_USER = (
    "select id, email, name, role, groups, password_hash, subject, disabled_at is not null as disabled from s2p.users"
)


def list_users(conn: psycopg.Connection) -> list[User]:
    with conn.cursor(row_factory=class_row(User)) as cursor:
        return cursor.execute(f"{SELECT_USER} order by email").fetchall()


def find_user(conn: psycopg.Connection, email: str) -> User | None:
    with conn.cursor(row_factory=class_row(User)) as cursor:
        return cursor.execute(f"{SELECT_USER} where email = %s", (email.strip().lower(),)).fetchone()


def user_of_subject(conn: psycopg.Connection, subject: str) -> User | None:
    """Who logs in by an OpenID provider under this issuer and subject."""
    with conn.cursor(row_factory=class_row(User)) as cursor:
        return cursor.execute(f"{SELECT_USER} where subject = %s", (subject,)).fetchone()


def has_engineer(conn: psycopg.Connection) -> bool:
    """Whether anybody can manage the others."""
    query = "select 1 from s2p.users where role = 'engineer' and disabled_at is null limit 1"
    return conn.execute(query).fetchone() is not None


def insert_user(conn: psycopg.Connection, email: str, name: str, role: Role, groups: Iterable[str] = ()) -> User | None:
    """The new user; None where the address is taken."""
    with conn.cursor(row_factory=class_row(User)) as cursor:
        return cursor.execute(
            "insert into s2p.users (email, name, role, groups) values (%s, %s, %s, %s) on conflict (email) do nothing"
            " returning id, email, name, role, groups, password_hash, subject, false as disabled",
            (email.strip().lower(), name.strip(), role, sorted(set(groups))),
        ).fetchone()


def set_role(conn: psycopg.Connection, user: User, role: Role, groups: Iterable[str]) -> None:
    conn.execute("update s2p.users set role = %s, groups = %s where id = %s", (role, sorted(set(groups)), user.id))


def set_password_hash(conn: psycopg.Connection, user_id: int, password_hash: str) -> None:
    """A new password ends every session and link of the user."""
    with conn.transaction():
        conn.execute("update s2p.users set password_hash = %s where id = %s", (password_hash, user_id))
        conn.execute("delete from s2p.sessions where user_id = %s", (user_id,))
        conn.execute("delete from s2p.one_time_links where user_id = %s", (user_id,))


def set_subject(conn: psycopg.Connection, user: User, subject: str) -> None:
    conn.execute("update s2p.users set subject = %s where id = %s", (subject, user.id))


def disable_user(conn: psycopg.Connection, user: User) -> None:
    """End the sessions and links of a user who may not come in any more."""
    with conn.transaction():
        conn.execute("update s2p.users set disabled_at = coalesce(disabled_at, now()) where id = %s", (user.id,))
        conn.execute("delete from s2p.sessions where user_id = %s", (user.id,))
        conn.execute("delete from s2p.one_time_links where user_id = %s", (user.id,))


def enable_user(conn: psycopg.Connection, user: User) -> None:
    conn.execute("update s2p.users set disabled_at = null where id = %s", (user.id,))


def restrictions(conn: psycopg.Connection) -> dict[str, frozenset[str]]:
    """Thing → the groups that may see it; what is not named is seen by every user."""
    rows = conn.execute("select thing, array_agg(group_name) from s2p.restrictions group by thing order by thing")
    return {str(thing): frozenset(groups) for thing, groups in rows}


def restrict(conn: psycopg.Connection, thing: str, groups: Iterable[str]) -> None:
    """Keep a thing to these groups; to nobody in particular where there are none."""
    with conn.transaction():
        conn.execute("delete from s2p.restrictions where thing = %s", (thing,))
        for group in sorted(set(groups)):
            conn.execute("insert into s2p.restrictions (thing, group_name) values (%s, %s)", (thing, group))
