"""Who may do what: users and their passwords, sessions, one-time links, tokens of programs, things kept to groups.

Roles: a *viewer* reads, an *editor* hands in and decides about files, an *engineer* also manages and sees Dagster.
"""

import datetime as dt
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from s2p_assets.catalog.catalog import Catalog, Key, key_of
from s2p_assets.contracts.errors import MendableError
from s2p_assets.services.context import Context
from s2p_assets.services.errors import NotFound
from s2p_assets.warehouse.access import secrets, users
from s2p_assets.warehouse.access.users import ROLES, Role, User

if TYPE_CHECKING:
    from pwdlib import PasswordHash

LINK_LASTS = dt.timedelta(hours=24)
SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 256
EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,255}")
_two_at_once = threading.BoundedSemaphore(2)  # argon2 takes 64 MB and a core for each


class AccessRefused(MendableError):
    """Something about users, passwords or tokens that cannot be; one line that says what to do."""


@dataclass(frozen=True)
class NewPassword:
    """What somebody fills in behind a one-time link; `email` and `name` where the link names nobody yet."""

    password: str
    email: str = ""
    name: str = ""


@cache
def _hashing() -> "PasswordHash":
    from pwdlib import PasswordHash

    return PasswordHash.recommended()


@cache
def _nobody() -> str:
    """The hash of a password that nobody has: an address that is unknown takes as long to refuse as a known one."""
    return _hashing().hash("nobody has this password")


def verify_password(ctx: Context, email: str, password: str) -> User | None:
    """The user with this address and password; None for anybody else, in the same time."""
    with ctx.warehouse.writing() as connection:
        user = users.find_user(connection, email)
    known = user.password_hash if user and user.password_hash and not user.disabled else None
    with _two_at_once:
        good = _hashing().verify(password[: LONGEST_PASSWORD + 1], known or _nobody())
    return user if good and known else None


def password_fault(password: str, user_name: str) -> str | None:
    """Why a password will not do, in a sentence; None for one that will."""
    plain = password.lower()
    if len(password) < SHORTEST_PASSWORD:
        return f"A password has at least {SHORTEST_PASSWORD} characters; a few words that belong to nobody are good."
    if len(password) > LONGEST_PASSWORD:
        return f"A password has at most {LONGEST_PASSWORD} characters."
    if len(set(plain)) < 5 or plain in "abcdefghijklmnopqrstuvwxyz" or plain in "01234567890123456789":
        return "This password is easily guessed; take a few words that belong to nobody."
    name = user_name.partition("@")[0].lower()
    if (len(name) > 3 and name in plain) or any(word in plain for word in ("password", "passwort", "qwerty")):
        return "A password does not hold your name or the word itself; take a few words that belong to nobody."
    return None


def open_session(ctx: Context, user: User) -> str:
    """The secret of a new session of the user, for a cookie."""
    with ctx.warehouse.writing() as connection:
        return secrets.new_session(connection, user.id, dt.timedelta(hours=ctx.settings.session_hours))


def close_session(ctx: Context, secret: str) -> None:
    with ctx.warehouse.writing() as connection:
        secrets.end_session(connection, secret)


def first_link(ctx: Context) -> str | None:
    """The secret of the link by which the first engineer comes in; None where there is one already."""
    with ctx.warehouse.writing() as connection:
        return None if users.has_engineer(connection) else secrets.new_link(connection, None, LINK_LASTS)


def link_for(ctx: Context, secret: str) -> tuple[bool, User | None]:
    """Whether a one-time link is good, and whose password it sets."""
    with ctx.warehouse.writing() as connection:
        link = secrets.find_link(connection, secret)
        if link is None or link.user_id is None:
            return link is not None, None
        return True, next((user for user in users.list_users(connection) if user.id == link.user_id), None)


def set_password_by_link(ctx: Context, secret: str, given: NewPassword) -> User:
    """The user whose password is set now; the link is used up. Raises AccessRefused, which leaves the link good."""
    good, user = link_for(ctx, secret)
    if not good:
        raise AccessRefused("This link was used or is too old; ask an engineer for a new one (`s2p users link`).")
    email = user.email if user else given.email
    _require_email(email)
    if fault := password_fault(given.password, email):
        raise AccessRefused(fault)
    with _two_at_once:
        password_hash = _hashing().hash(given.password)
    with ctx.warehouse.writing() as connection, connection.transaction():
        if secrets.use_link(connection, secret) is None:
            raise AccessRefused("This link was used meanwhile.")
        if user is None:
            user = users.insert_user(connection, email, given.name or email, "engineer")
        if user is None:
            raise AccessRefused(f"{email} has an account already; `s2p users link {email}` makes a link for it.")
        users.set_password_hash(connection, user.id, password_hash)
    return user


def add_user(ctx: Context, email: str, name: str, role: str, groups: Sequence[str]) -> str:
    """The secret of the link by which a new user sets a password. Raises AccessRefused."""
    _require_email(email)
    with ctx.warehouse.writing() as connection:
        user = users.insert_user(connection, email, name or email, require_role(role), groups)
        if user is None:
            raise AccessRefused(f"{email} has an account already; `s2p users change {email}` changes it")
        return secrets.new_link(connection, user.id, LINK_LASTS)


def new_link_for(ctx: Context, email: str) -> str:
    """The secret of a link by which a user sets a new password. Raises NotFound."""
    user = _user(ctx, email)
    with ctx.warehouse.writing() as connection:
        return secrets.new_link(connection, user.id, LINK_LASTS)


def change_user(ctx: Context, email: str, role: str | None, groups: Sequence[str] | None) -> User:
    """The user with another role or other groups. Raises NotFound, and AccessRefused for the last engineer."""
    user = _user(ctx, email)
    with ctx.warehouse.writing() as connection, connection.transaction():
        users.set_role(
            connection, user, require_role(role) if role else user.role, user.groups if groups is None else groups
        )
        _require_engineer_left(users.has_engineer(connection))
    return _user(ctx, email)


def lock_user(ctx: Context, email: str) -> None:
    """End a user's sessions and let nobody in by that name. Raises NotFound; AccessRefused for the last engineer."""
    user = _user(ctx, email)
    with ctx.warehouse.writing() as connection, connection.transaction():
        users.disable_user(connection, user)
        _require_engineer_left(users.has_engineer(connection))


def unlock_user(ctx: Context, email: str) -> None:
    user = _user(ctx, email)
    with ctx.warehouse.writing() as connection:
        users.enable_user(connection, user)


def log_out_everywhere(ctx: Context, email: str) -> int:
    """End the sessions of a user, who may log in again; how many. Raises NotFound."""
    user = _user(ctx, email)
    with ctx.warehouse.writing() as connection:
        return secrets.end_sessions(connection, user.id)


def all_users(ctx: Context) -> list[User]:
    with ctx.warehouse.writing() as connection:
        return users.list_users(connection)


def add_token(
    ctx: Context,
    name: str,
    role: str,
    *,
    groups: Sequence[str],
    workbooks: Sequence[str],
    days: int,
    created_by: str,
) -> str:
    """A new token, which nobody can read again. `workbooks`: the only kinds it may touch; none named: all.

    Raises AccessRefused, and NotFound for an unknown kind of workbook.
    """
    for workbook in workbooks:
        if workbook not in ctx.catalog.workbooks | ctx.catalog.streams:
            known = ", ".join(sorted(ctx.catalog.workbooks | ctx.catalog.streams)) or "none"
            raise NotFound(f"no contract of a workbook or stream {workbook!r}; there are {known}")
    if not name.strip() or len(name) > 100 or not name.isprintable():
        raise AccessRefused("a token has a name of up to 100 characters that says which program has it")
    with ctx.warehouse.writing() as connection:
        made = secrets.new_token(
            connection,
            name.strip(),
            require_role(role),
            groups=groups,
            workbooks=workbooks or None,
            created_by=created_by,
            lasts=dt.timedelta(days=days),
        )
    if made is None:
        raise AccessRefused(f"a token {name!r} is in use; revoke it first, or take another name")
    return made


def all_tokens(ctx: Context) -> list[secrets.Token]:
    with ctx.warehouse.writing() as connection:
        return secrets.list_tokens(connection)


def withdraw_token(ctx: Context, name: str) -> None:
    """Let a token open nothing any more. Raises NotFound."""
    with ctx.warehouse.writing() as connection:
        if not secrets.revoke_token(connection, name):
            raise NotFound(f"no token {name!r} is in use; `s2p tokens list` lists them")


def restricted_things(ctx: Context) -> dict[str, frozenset[str]]:
    with ctx.warehouse.writing() as connection:
        return users.restrictions(connection)


def keep_to_groups(ctx: Context, thing: str, groups: Sequence[str]) -> list[str]:
    """Keep a report or table to groups; what is made from it and is not kept to any. Raises NotFound.

    A table that is made from a restricted workbook is restricted only by its own name.
    """
    names = thing_names(ctx.catalog)
    if thing not in names:
        raise NotFound(f"no report or table {thing!r}; there are {', '.join(sorted(names))}")
    with ctx.warehouse.writing() as connection:
        users.restrict(connection, thing, groups)
        kept = users.restrictions(connection)
    return [name for name in made_from(ctx.catalog, names[thing]) if name not in kept] if groups else []


def thing_names(catalog: Catalog) -> dict[str, Key]:
    """What can be kept to groups: every table and report by its name."""
    return {one.full_name: key_of(one) for one in (*catalog.readable(), *catalog.reports.values())}


def made_from(catalog: Catalog, key: Key) -> list[str]:
    """The tables and reports that are made from a thing in the end, by name."""
    return sorted(
        name for name, other in thing_names(catalog).items() if other != key and key in catalog.upstream(other)
    )


def require_role(role: str) -> Role:
    if role not in ROLES:
        raise AccessRefused(f"{role!r} is no role; there are {', '.join(ROLES)}")
    return role


def _user(ctx: Context, email: str) -> User:
    with ctx.warehouse.writing() as connection:
        user = users.find_user(connection, email)
    if user is None:
        raise NotFound(f"no user {email!r}; `s2p users list` lists them")
    return user


def _require_email(email: str) -> None:
    if not EMAIL.fullmatch(email.strip()):
        raise AccessRefused(f"{email!r} is no e-mail address; write it as name@company.example")


def _require_engineer_left(has_engineer: bool) -> None:
    if not has_engineer:
        raise AccessRefused("nobody could manage s2p any more; make somebody else engineer first")


@dataclass(frozen=True)
class ProviderClaims:
    """What an OpenID provider vouches for about a person."""

    issuer: str
    subject: str
    email: str
    email_verified: bool
    name: str
    groups: tuple[str, ...]


def user_of_provider(ctx: Context, claims: ProviderClaims) -> User:
    """The user whom a provider vouches for; a new one where its groups have a role here. Raises AccessRefused.

    A user who was added by address is recognized by it only where the provider has verified it.
    """
    role = _role_of_groups(ctx.settings.oidc_roles, claims.groups)
    subject = f"{claims.issuer} {claims.subject}"
    with ctx.warehouse.writing() as connection, connection.transaction():
        user = users.user_of_subject(connection, subject)
        if user is None and claims.email and claims.email_verified:
            user = users.find_user(connection, claims.email)
            if user is None and role is not None:
                user = users.insert_user(connection, claims.email, claims.name or claims.email, role)
            if user is not None and user.subject is None:
                users.set_subject(connection, user, subject)
            elif user is not None:
                raise AccessRefused(f"{claims.email} belongs to another account of the provider; ask an engineer")
        if user is None or user.disabled:
            raise AccessRefused("this account has no access to s2p; ask an engineer to add you by your address")
        if role is not None and role != user.role:
            users.set_role(connection, user, role, user.groups)
        return user


def _role_of_groups(mapping: str, groups: Sequence[str]) -> Role | None:
    """The greatest role of these groups; `mapping` as of the setting `oidc_roles`."""
    pairs = [pair.partition("=") for pair in mapping.split(",") if pair.strip()]
    found = [require_role(role.strip()) for group, _, role in pairs if group.strip() in groups]
    return max(found, key=ROLES.index, default=None)
