"""The commands about who may come in: users and their one-time links, tokens of programs, things kept to groups.

What a role may do is decided in `services/access.py`.
"""

from typing import Annotated, Any

import typer

from s2p_assets.cli.terminal import Json, escape, out, print_json

users = typer.Typer(
    name="users",
    help="Who may come in: list, add, change, link, lock, unlock, logout, restrict.",
    epilog="Example: `s2p users add ann@example.com --role editor`",
    no_args_is_help=True,
)
tokens = typer.Typer(
    name="tokens",
    help="Which programs may ask: list, add, revoke.",
    epilog="Example: `s2p tokens add 'the till' --role editor --workbook retail_sales --days 90`",
    no_args_is_help=True,
)
Email = Annotated[str, typer.Argument(help="The person's e-mail address.", show_default=False)]
Groups = Annotated[list[str] | None, typer.Option("--group", help="A group; may be repeated.")]


@users.command("list")
def list_users(as_json: Json = False) -> None:
    """Every user with role and groups."""
    from s2p_assets.services.access import all_users

    known = all_users(_context())
    if as_json:
        shown = ("email", "name", "role", "groups", "disabled")
        print_json([{name: getattr(user, name) for name in shown} for user in known])
        return
    for user in known:
        groups = f"   groups: {', '.join(user.groups)}" if user.groups else ""
        locked = "   locked" if user.disabled else ""
        out.print(escape(f"{user.email}   {user.role}   {user.name}{groups}{locked}"))
    if not known:
        out.print("nobody yet; s2p up prints a link for the first engineer")


@users.command("add")
def add_user(
    email: Email,
    role: Annotated[str, typer.Option("--role", help="viewer, editor or engineer.")] = "viewer",
    name: Annotated[str, typer.Option("--name", help="The person's name.")] = "",
    group: Groups = None,
) -> None:
    """Add a user; prints the one-time link by which the person sets a password."""
    from s2p_assets.services import access

    ctx = _context()
    _print_link(ctx, access.add_user(ctx, email, name, role, group or []))


@users.command("link")
def link(email: Email) -> None:
    """A new one-time link for a user whose password is lost."""
    from s2p_assets.services.access import new_link_for

    ctx = _context()
    _print_link(ctx, new_link_for(ctx, email))


@users.command("change")
def change(
    email: Email,
    role: Annotated[str | None, typer.Option("--role", help="viewer, editor or engineer.")] = None,
    group: Groups = None,
    no_groups: Annotated[bool, typer.Option("--no-groups", help="Out of every group.")] = False,
) -> None:
    """Give a user another role, or other groups."""
    from s2p_assets.services.access import change_user

    user = change_user(_context(), email, role, [] if no_groups else group)
    out.print(escape(f"{user.email}   {user.role}   groups: {', '.join(user.groups) or 'none'}"))


@users.command("lock")
def lock(email: Email) -> None:
    """Put a user out at once, and let nobody in by that name."""
    from s2p_assets.services.access import lock_user

    lock_user(_context(), email)
    out.print(escape(f"{email} is locked, and out"))


@users.command("unlock")
def unlock(email: Email) -> None:
    """Let a locked user in again."""
    from s2p_assets.services.access import unlock_user

    unlock_user(_context(), email)
    out.print(escape(f"{email} may log in again"))


@users.command("logout")
def log_out(email: Email) -> None:
    """End all sessions of a user, who may log in again."""
    from s2p_assets.services.access import log_out_everywhere

    out.print(escape(f"{email}: {log_out_everywhere(_context(), email)} sessions ended"))


@users.command("restrict")
def keep(
    thing: Annotated[str, typer.Argument(help="A report, workbook or table by name.", show_default=False)],
    group: Groups = None,
) -> None:
    """Keep a report or table to groups; without any, everybody sees it again."""
    from s2p_assets.services.access import keep_to_groups

    left = keep_to_groups(_context(), thing, group or [])
    out.print(escape(f"{thing}: seen by {', '.join(group) if group else 'everybody'}"))
    if left:
        out.print(escape(f"made from it and still seen by everybody: {', '.join(left)}"))


@tokens.command("list")
def list_tokens(as_json: Json = False) -> None:
    """Every token, what it may do and until when; the tokens themselves are kept nowhere."""
    from dataclasses import asdict

    from s2p_assets.services.access import all_tokens

    known = all_tokens(_context())
    if as_json:
        print_json([asdict(token) for token in known])
        return
    for token in known:
        limited = f"   only {', '.join(token.workbooks)}" if token.workbooks is not None else ""
        until = "revoked" if token.revoked_at else f"until {token.expires_at:%Y-%m-%d}"
        out.print(escape(f"{token.name}   {token.role}   {until}{limited}   by {token.created_by}"))


@tokens.command("add")
def add_token(
    name: Annotated[str, typer.Argument(help="Which program has it.", show_default=False)],
    role: Annotated[str, typer.Option("--role", help="viewer, editor or engineer.")] = "viewer",
    workbook: Annotated[list[str] | None, typer.Option("--workbook", help="Only this kind; may be repeated.")] = None,
    group: Groups = None,
    days: Annotated[int, typer.Option("--days", min=1, max=3650, help="How long it is good.")] = 90,
) -> None:
    """Make a token for a program; it is printed once."""
    from s2p_assets.services import access

    made = access.add_token(
        _context(), name, role, groups=group or [], workbooks=workbook or [], days=days, created_by="the command line"
    )
    out.print(escape(made), soft_wrap=True)


@tokens.command("revoke")
def revoke(name: Annotated[str, typer.Argument(help="The token's name.", show_default=False)]) -> None:
    """Let a token open nothing any more."""
    from s2p_assets.services.access import withdraw_token

    withdraw_token(_context(), name)
    out.print(escape(f"{name} is revoked"))


def _context() -> Any:
    from s2p_assets.settings import read_settings

    settings = read_settings()
    from s2p_assets.services.context import open_context

    return open_context(settings)


def _print_link(ctx: Any, secret: str) -> None:
    out.print(f"good once, for a day: {ctx.settings.address}/join/{secret}", soft_wrap=True)
