"""Who you are, and for engineers: users, their links, tokens of programs, and what is kept to groups."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from s2p_assets.api.answers import json_answer
from s2p_assets.api.caller import caller_of, needs
from s2p_assets.api.guard import state_of
from s2p_assets.api.problems import Problem
from s2p_assets.services import access
from s2p_assets.warehouse.access.users import Role, User

router = APIRouter(tags=["people and tokens"])
Group = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[\w .-]+$")]
Email = Annotated[str, Path(max_length=320)]


class NewUser(BaseModel):
    """A person who may come in."""

    email: str = Field(min_length=3, max_length=320)
    name: str = Field("", max_length=200)
    role: Role = "viewer"
    groups: list[Group] = Field([], max_length=100)


class UserChange(BaseModel):
    """What of a user is to be other; what is not given stays."""

    role: Role | None = None
    groups: list[Group] | None = Field(None, max_length=100)
    locked: bool | None = None


class NewToken(BaseModel):
    """A program that may ask."""

    name: str = Field(min_length=1, max_length=100)
    role: Role = "viewer"
    groups: list[Group] = Field([], max_length=100)
    workbooks: list[str] = Field([], max_length=500, description="The only kinds it may touch; none named: all")
    days: int = Field(90, ge=1, le=3650)


class Kept(BaseModel):
    """The groups that may see a thing; none: everybody."""

    groups: list[Group] = Field(max_length=100)


@router.get("/me", summary="Who you are", **needs("viewer"))
async def me(request: Request) -> Response:
    """Your name, role and groups, as s2p knows them."""
    caller = caller_of(request)
    shown = {"name": caller.name, "kind": caller.kind, "role": caller.role, "groups": sorted(caller.groups)}
    return json_answer(shown | {"workbooks": sorted(caller.workbooks) if caller.workbooks is not None else None})


@router.get("/users", summary="Every user", **needs("engineer"))
async def users(request: Request) -> Response:
    """Name, role and groups of each; passwords are known to nobody."""
    return json_answer([_shown(user) for user in await _run(request, access.all_users)])


@router.post("/users", summary="A new user", status_code=201, **needs("engineer"))
async def add_user(request: Request, new: NewUser) -> Response:
    """The answer has the one-time link by which the person sets a password; hand it on."""
    secret = await _run(request, access.add_user, new.email, new.name, new.role, new.groups)
    return json_answer({"email": new.email.strip().lower(), "link": _link(request, secret)}, 201)


@router.patch("/users/{email}", summary="Change a user", **needs("engineer"))
async def change_user(request: Request, email: Email, change: UserChange) -> Response:
    """Another role or other groups; a user who is locked is out at once."""
    if change.role is not None or change.groups is not None:
        await _run(request, access.change_user, email, change.role, change.groups)
    if change.locked is not None:
        await _run(request, access.lock_user if change.locked else access.unlock_user, email)
    found = [user for user in await _run(request, access.all_users) if user.email == email.strip().lower()]
    if not found:
        raise Problem(404, "not found", f"no user {email[:100]!r}")
    return json_answer(_shown(found[0]))


@router.post("/users/{email}/link", summary="A new one-time link", status_code=201, **needs("engineer"))
async def link(request: Request, email: Email) -> Response:
    """By which the user sets a new password."""
    secret = await _run(request, access.new_link_for, email)
    return json_answer({"email": email.strip().lower(), "link": _link(request, secret)}, 201)


@router.delete("/users/{email}/sessions", summary="Log a user out everywhere", **needs("engineer"))
async def log_out(request: Request, email: Email) -> Response:
    """The user may log in again."""
    return json_answer({"ended": await _run(request, access.log_out_everywhere, email)})


@router.get("/tokens", summary="Every token", **needs("engineer"))
async def tokens(request: Request) -> Response:
    """What each may do and until when; the tokens themselves are known to nobody."""
    return json_answer(await _run(request, access.all_tokens))


@router.post("/tokens", summary="A new token", status_code=201, **needs("engineer"))
async def add_token(request: Request, new: NewToken) -> Response:
    """The token is in this answer and nowhere else."""

    def add(ctx: Any) -> str:
        return access.add_token(
            ctx,
            new.name,
            new.role,
            groups=new.groups,
            workbooks=new.workbooks,
            days=new.days,
            created_by=caller_of(request).name,
        )

    return json_answer({"name": new.name.strip(), "token": await _run(request, add)}, 201)


@router.delete("/tokens/{name}", summary="Revoke a token", **needs("engineer"))
async def revoke(request: Request, name: Annotated[str, Path(max_length=100)]) -> Response:
    """It opens nothing from now on."""
    await _run(request, access.withdraw_token, name)
    return json_answer({"name": name, "revoked": True})


@router.get("/restrictions", summary="What is kept to groups", **needs("engineer"))
async def restrictions(request: Request) -> Response:
    """Table or report → the groups that see it."""
    return json_answer(await _run(request, access.restricted_things))


@router.put("/restrictions/{thing}", summary="Keep a table or report to groups", **needs("engineer"))
async def keep(request: Request, thing: Annotated[str, Path(max_length=200)], kept: Kept) -> Response:
    """`open` lists what is made from it and is still seen by everybody."""
    left = await _run(request, access.keep_to_groups, thing, kept.groups)
    return json_answer({"thing": thing, "groups": sorted(set(kept.groups)), "open": left})


async def _run(request: Request, work: Any, *arguments: Any) -> Any:
    state = state_of(request.scope)
    done = await run_in_threadpool(work, state.ctx, *arguments)
    if request.method not in ("GET", "HEAD"):
        state.gate.forget()
    return done


def _link(request: Request, secret: str) -> str:
    return f"{state_of(request.scope).ctx.settings.address}/join/{secret}"


def _shown(user: User) -> dict[str, Any]:
    return {
        "email": user.email,
        "name": user.name,
        "role": user.role,
        "groups": user.groups,
        "locked": user.disabled,
        "has_password": user.password_hash is not None,
        "by_provider": user.subject is not None,
    }
