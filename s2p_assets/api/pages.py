"""The few pages that stand before the login: the login itself, a one-time link; and the API's description.

Each is whole without a script; what an employee works with is the screen's.
"""

from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from s2p_assets.api.forms import form_fields
from s2p_assets.api.guard import cookie_name, cookies, state_of
from s2p_assets.api.problems import Problem
from s2p_assets.api.static_files import static_address
from s2p_assets.services import access
from s2p_assets.services.context import Context

router = APIRouter(include_in_schema=False)
HERE = Path(__file__).parent
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)


@router.get("/login")
async def login_page(request: Request, next: str = "/") -> Response:  # noqa: A002  what everybody calls it
    if request.scope["s2p.caller"] is not None:
        return RedirectResponse(local_path(next), 303)
    return _login(request, next=local_path(next))


@router.post("/login")
async def log_in(request: Request) -> Response:
    """A session for who knows the password of an address."""
    ctx, limits, form = _context(request), state_of(request.scope).limits, await form_fields(request)
    email, back = form.get("email", "").strip().lower(), local_path(form.get("next", "/"))
    client = request.client.host if request.client else ""
    names = (f"address {client}", f"account {email}")
    try:
        limits.require_may_try(*names)
    except Problem as problem:
        return _login(
            request, problem.status_code, dict(problem.headers or {}), next=back, email=email, fault=problem.detail
        )
    user = await run_in_threadpool(access.verify_password, ctx, email, form.get("password", ""))
    if user is None:
        limits.failed(*names)
        return _login(request, 403, next=back, email=email, fault="Address or password is wrong.")
    limits.succeeded(*names)
    secret = await run_in_threadpool(access.open_session, ctx, user)
    return with_session(RedirectResponse(back, 303), ctx, secret)


@router.post("/logout")
async def log_out(request: Request) -> Response:
    """End this session: its cookie opens nothing any more."""
    ctx = _context(request)
    if secret := cookies(request.headers).get(cookie_name(ctx.settings)):
        await run_in_threadpool(access.close_session, ctx, secret)
        state_of(request.scope).gate.forget()
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(cookie_name(ctx.settings), secure=_is_https(ctx), httponly=True, samesite="lax")
    answer.headers["Clear-Site-Data"] = '"cache", "cookies", "storage"'
    return answer


@router.get("/join/{secret}")
async def join_page(request: Request, secret: str) -> Response:
    """Where a one-time link leads: a password is set."""
    good, user = await run_in_threadpool(access.link_for, _context(request), secret)
    return page("join.html.j2", 200 if good else 410, good=good, user=user)


@router.post("/join/{secret}")
async def join(request: Request, secret: str) -> Response:
    """Set the password, and log in."""
    ctx, form = _context(request), await form_fields(request)
    given = access.NewPassword(form.get("password", ""), form.get("email", ""), form.get("name", ""))
    try:
        if given.password != form.get("again", ""):
            raise access.AccessRefused("The two passwords differ.")
        user = await run_in_threadpool(access.set_password_by_link, ctx, secret, given)
    except access.AccessRefused as refused:
        good, known = await run_in_threadpool(access.link_for, ctx, secret)
        shown = {"email": given.email, "name": given.name, "fault": str(refused)}
        return page("join.html.j2", 422 if good else 410, good=good, user=known, **shown)
    session = await run_in_threadpool(access.open_session, ctx, user)
    return with_session(RedirectResponse("/", 303), ctx, session)


@router.get("/api/docs")
async def docs() -> HTMLResponse:
    """The description of the API, to try it."""
    answer = page("docs.html.j2")
    answer.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'self' 'unsafe-inline'; script-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    return answer


@router.get("/health")
async def health() -> Response:
    """That this process answers; nothing of what it knows."""
    return Response("ok", media_type="text/plain")


def with_session(answer: Response, ctx: Context, secret: str) -> Response:
    """The answer, with the cookie of a session."""
    seconds = ctx.settings.session_hours * 3600
    https = _is_https(ctx)
    answer.set_cookie(
        cookie_name(ctx.settings), secret, max_age=seconds, path="/", httponly=True, secure=https, samesite="lax"
    )
    return answer


def _login(request: Request, status: int = 200, headers: dict[str, str] | None = None, **shown: Any) -> HTMLResponse:
    answer = page("login.html.j2", status, oidc=bool(_context(request).settings.oidc_issuer), **shown)
    answer.headers.update(headers or {})
    return answer


def page(template: str, status: int = 200, **shown: Any) -> HTMLResponse:
    text = _templates().get_template(template).render(**shown)
    return HTMLResponse(text, status, {"Content-Security-Policy": POLICY})


@cache
def _templates() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(HERE / "templates")
    made = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    made.globals["static"] = static_address
    return made


def local_path(address: str) -> str:
    """Where a login leads on to: a page of ours, whatever the link says."""
    parts = urlsplit(address)
    is_ours = (
        not parts.scheme and not parts.netloc and address.startswith("/") and not address.startswith(("//", "/\\"))
    )
    return address if is_ours and address.isprintable() and "\\" not in address else "/"


def _context(request: Request) -> Context:
    return state_of(request.scope).ctx


def _is_https(ctx: Context) -> bool:
    return ctx.settings.address.startswith("https://")
