"""Area 8, People and settings: you, owners and their addresses, who gets what; for engineers users, tokens and groups.

What may be is decided by the services; a secret is shown once, in the answer that made it.
"""

import datetime as dt
from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from s2p_assets.api.caller import Caller, caller_of, needs
from s2p_assets.api.forms import form_fields
from s2p_assets.api.guard import state_of
from s2p_assets.api.problems import Problem
from s2p_assets.contracts.errors import MendableError
from s2p_assets.screen.area import Area
from s2p_assets.screen.rendering import page, part
from s2p_assets.services import access, people
from s2p_assets.services.context import Context
from s2p_assets.services.errors import NotFound
from s2p_assets.warehouse.access.users import ROLES

router = APIRouter()
AREA = Area("People and settings", "/people", 8)
TOKEN_DAYS = 365
MAY = {
    "viewer": "reads tables, forecasts and reports",
    "editor": "also hands in workbooks, changes rows and decides about files",
    "engineer": "also manages people, sees Dagster and everything that is kept to groups",
}


@router.get("/people", **needs("viewer"))
async def all_people(request: Request) -> Response:
    """Who one is here, who owns what and gets what; and for engineers who may come in."""
    ctx, caller = state_of(request.scope).ctx, caller_of(request)
    owners = await run_in_threadpool(_owners, ctx, caller)
    managed = await run_in_threadpool(_managed, ctx) if caller.may("engineer") else None
    own = await run_in_threadpool(people.things_of, ctx, caller.name)
    blank: dict[str, Any] = {"fault": "", "secret": None, "typed": {}}
    return page(request, AREA, "people.html.j2", 200, managed=managed, own=own, owners=owners, may=MAY, **blank)


@router.post("/people/users", **needs("engineer"))
async def add_user(request: Request) -> Response:
    """A new user, and the link by which they set a password."""
    typed = await form_fields(request)

    def done(ctx: Context, _: Caller) -> tuple[str, str | None]:
        email = typed.get("email", "").strip().lower()
        secret = access.add_user(
            ctx, email, typed.get("name", ""), typed.get("role", "viewer"), _words(typed, "groups")
        )
        return f"{email} may come in by this link, once and within a day:", f"{ctx.settings.address}/join/{secret}"

    return await _managing(request, "people_users.html.j2", done, typed)


@router.post("/people/users/change", **needs("engineer"))
async def change_user(request: Request) -> Response:
    """Another role or other groups, a lock, a new link, or the end of all sessions: as the button says."""
    typed = await form_fields(request)
    email, deed = typed.get("email", ""), typed.get("deed", "")

    def done(ctx: Context, _: Caller) -> tuple[str, str | None]:
        match deed:
            case "save":
                access.change_user(ctx, email, typed.get("role"), _words(typed, "groups"))
                return f"{email} is {typed.get('role')} now.", None
            case "lock":
                access.lock_user(ctx, email)
                return f"{email} is out, and may not come in.", None
            case "unlock":
                access.unlock_user(ctx, email)
                return f"{email} may come in again.", None
            case "logout":
                ended = access.log_out_everywhere(ctx, email)
                return f"{email} was logged out of {ended} {'place' if ended == 1 else 'places'}.", None
            case "link":
                secret = access.new_link_for(ctx, email)
                return f"{email} sets a new password by this link:", f"{ctx.settings.address}/join/{secret}"
        raise NotFound(f"there is no such deed: {deed[:40]!r}")

    return await _managing(request, "people_users.html.j2", done, {})


@router.post("/people/tokens", **needs("engineer"))
async def add_token(request: Request) -> Response:
    """A new token for a program, which nobody can read again."""
    typed = await form_fields(request)

    def done(ctx: Context, caller: Caller) -> tuple[str, str | None]:
        days = typed.get("days", "").strip() or str(TOKEN_DAYS)
        if not days.isdigit() or not 1 <= int(days) <= 3650:
            raise access.AccessRefused("a token lasts 1 to 3650 days")
        books = _words(typed, "workbooks")
        secret = access.add_token(
            ctx,
            typed.get("name", ""),
            typed.get("role", "viewer"),
            groups=_words(typed, "groups"),
            workbooks=books,
            days=int(days),
            created_by=caller.name,
        )
        return "This token is shown once; keep it where the program reads it:", secret

    return await _managing(request, "people_tokens.html.j2", done, typed)


@router.post("/people/tokens/revoke", **needs("engineer"))
async def revoke_token(request: Request) -> Response:
    """A token opens nothing any more."""
    typed = await form_fields(request)

    def done(ctx: Context, _: Caller) -> tuple[str, str | None]:
        access.withdraw_token(ctx, typed.get("name", ""))
        return f"The token {typed.get('name')} opens nothing any more.", None

    return await _managing(request, "people_tokens.html.j2", done, {})


@router.post("/people/groups", **needs("engineer"))
async def keep_to_groups(request: Request) -> Response:
    """Keep a table or report to groups, or let everybody see it again."""
    typed = await form_fields(request)

    def done(ctx: Context, _: Caller) -> tuple[str, str | None]:
        groups, thing = _words(typed, "groups"), typed.get("thing", "")
        open_still = access.keep_to_groups(ctx, thing, groups)
        if not groups:
            return f"{thing} is there for everybody.", None
        more = f" Made from it and still there for everybody: {', '.join(open_still)}." if open_still else ""
        return f"{thing} is kept to {', '.join(groups)}.{more}", None

    return await _managing(request, "people_groups.html.j2", done, typed)


@router.post("/people/addresses", **needs("viewer"))
async def change_addresses(request: Request) -> Response:
    """One more address for an owner, or one that was added taken away: by engineers, and by owners for themselves."""
    ctx, caller, typed = state_of(request.scope).ctx, caller_of(request), await form_fields(request)
    owner, address = typed.get("owner", ""), typed.get("address", "")

    def done() -> None:
        if not people.may_change_addresses(ctx, owner, caller.name, is_engineer=caller.may("engineer")):
            raise Problem(403, "not allowed", f"{owner[:80]} or an engineer changes that")
        if "remove" in typed:
            people.remove_address(ctx, owner, typed["remove"])
        else:
            people.add_address(ctx, owner, address, caller.name)

    try:
        await run_in_threadpool(done)
    except access.AccessRefused as refused:
        owners = await run_in_threadpool(_owners, ctx, caller)
        return part(request, "people_owners.html.j2", 422, owners=owners, fault=str(refused), typed=typed)
    said = "Taken away." if "remove" in typed else f"{owner} is told at {address.strip()} too."
    owners = await run_in_threadpool(_owners, ctx, caller)
    return part(request, "people_owners.html.j2", said=said, owners=owners, fault="", typed={})


@router.post("/people/me/logout", **needs("viewer"))
async def log_out_everywhere(request: Request) -> Response:
    """End one's own sessions on every computer, this one too."""
    ctx, caller = state_of(request.scope).ctx, caller_of(request)
    if caller.kind != "user":
        raise Problem(409, "no session", "only a person has sessions to end")
    await run_in_threadpool(access.log_out_everywhere, ctx, caller.name)
    state_of(request.scope).gate.forget()
    return Response(status_code=303, headers={"Location": "/login"})


async def _managing(
    request: Request,
    template: str,
    done: Callable[[Context, Caller], tuple[str, str | None]],
    typed: dict[str, str],
) -> Response:
    """What an engineer did, in words, with the part of the page as it is now; a fault keeps what was typed."""
    ctx, caller = state_of(request.scope).ctx, caller_of(request)
    fault, said, secret, status = "", "", None, 200
    try:
        said, secret = await run_in_threadpool(done, ctx, caller)
    except (access.AccessRefused, NotFound) as refused:
        fault, status = str(refused), 422
    state_of(request.scope).gate.forget()
    managed = await run_in_threadpool(_managed, ctx)
    kept = typed if fault else {}
    return part(
        request,
        template,
        status,
        said="" if secret else said,
        managed=managed,
        fault=fault,
        secret=(said, secret) if secret else None,
        typed=kept,
    )


def _managed(ctx: Context) -> dict[str, Any]:
    """What engineers see: users, tokens that are in use, and what is kept to whom."""
    users = access.all_users(ctx)
    kept = access.restricted_things(ctx)
    now = dt.datetime.now(dt.UTC)
    return {
        "users": users,
        "tokens": [one for one in access.all_tokens(ctx) if one.revoked_at is None and one.expires_at > now],
        "restricted": {thing: sorted(groups) for thing, groups in sorted(kept.items())},
        "groups": sorted(
            {group for user in users for group in user.groups} | {g for all_ in kept.values() for g in all_}
        ),
        "things": sorted(access.thing_names(ctx.catalog)),
        "workbooks": sorted(ctx.catalog.workbooks),
        "roles": ROLES,
        "may": MAY,
    }


def _owners(ctx: Context, caller: Caller) -> dict[str, Any]:
    """Owners of what the caller sees; where the address book cannot be read, why."""
    try:
        found = people.people_of(ctx, caller.sees)
    except MendableError as problem:
        return {"people": None, "problem": str(problem), "changed_by": frozenset()}
    every = caller.may("engineer")
    may = {one.name for one in found.owners if every or one.name == caller.name}
    return {"people": found, "problem": "", "changed_by": may}


def _words(typed: dict[str, str], name: str) -> list[str]:
    """`finance, board` → the two of them."""
    return [word for word in (one.strip() for one in typed.get(name, "").split(",")) if word]
