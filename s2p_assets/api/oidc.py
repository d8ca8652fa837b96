"""The login at the company's own OpenID provider, where one is set.

Whom a provider vouches for and what that person may do is decided in `services/access.py`.
"""

import secrets
import time
from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from s2p_assets.api.guard import cookies, state_of
from s2p_assets.api.pages import local_path, with_session
from s2p_assets.api.problems import Problem
from s2p_assets.services import access
from s2p_assets.services.context import Context
from s2p_assets.settings import Settings

router = APIRouter(include_in_schema=False)
COOKIE = "s2p_oidc"
LOGIN_SECONDS = 600
MOST_AT_ONCE = 5000


@router.get("/oidc/login")
async def to_provider(request: Request, next: str = "/") -> Response:  # noqa: A002  what everybody calls it
    """Lead the browser to the provider; what has to come back is kept here, beside a cookie of this browser."""
    state = state_of(request.scope)
    client, ctx = _client(request), state.ctx
    request.scope["session"] = {}
    try:
        answer = await client.authorize_redirect(request, f"{ctx.settings.address}/oidc/back")
    except Exception as error:
        raise _no_provider(ctx) from error
    secret, now = secrets.token_urlsafe(32), time.monotonic()
    waiting: dict[str, Any] = state.oidc_logins
    for old in [one for one, (until, *_) in waiting.items() if until < now][:MOST_AT_ONCE]:
        del waiting[old]
    if len(waiting) >= MOST_AT_ONCE:
        raise Problem(503, "too many logins", "try again in some minutes", headers={"Retry-After": "60"})
    waiting[secret] = (now + LOGIN_SECONDS, request.scope["session"], local_path(next))
    https = ctx.settings.address.startswith("https://")
    answer.set_cookie(COOKIE, secret, max_age=LOGIN_SECONDS, path="/oidc", httponly=True, secure=https, samesite="lax")
    return answer


@router.get("/oidc/back")
async def from_provider(request: Request) -> Response:
    """A session for whom the provider vouches for."""
    from authlib.integrations.base_client import OAuthError
    from joserfc.errors import JoseError

    state = state_of(request.scope)
    ctx: Context = state.ctx
    until, kept, back = state.oidc_logins.pop(cookies(request.headers).get(COOKIE, ""), (0.0, {}, "/"))
    if until < time.monotonic():
        raise Problem(400, "this login is over", "begin again at /login")
    request.scope["session"] = kept
    try:
        token = await _client(request).authorize_access_token(request)
    except (OAuthError, JoseError) as error:
        raise Problem(403, "the provider refused", f"the login was not completed ({error}); begin again") from None
    except OSError as error:
        raise _no_provider(ctx) from error
    claims = token.get("userinfo") or {}
    if not claims.get("sub"):
        raise Problem(403, "the provider refused", "it told nothing about you; ask who runs it")
    vouched = access.ProviderClaims(
        issuer=str(claims.get("iss", ctx.settings.oidc_issuer)),
        subject=str(claims["sub"]),
        email=str(claims.get("email", "")),
        email_verified=claims.get("email_verified") is True,
        name=str(claims.get("name", "")),
        groups=tuple(map(str, claims.get("groups") or ())),
    )
    try:
        user = await run_in_threadpool(access.user_of_provider, ctx, vouched)
    except access.AccessRefused as refused:
        raise Problem(403, "no access", str(refused)) from None
    secret = await run_in_threadpool(access.open_session, ctx, user)
    return with_session(RedirectResponse(back, 303), ctx, secret)


def _client(request: Request) -> Any:
    """Authlib's client of the provider. Raises Problem where none is set."""
    state = state_of(request.scope)
    settings: Settings = state.ctx.settings
    if not settings.oidc_issuer:
        raise Problem(404, "not found", "no OpenID provider is set (S2P_OIDC_ISSUER)")
    if state.oidc_client is None:
        from authlib.integrations.starlette_client import OAuth

        state.oidc_client = OAuth().register(
            "provider",
            client_id=settings.oidc_client_id,
            client_secret=_client_secret(settings),
            server_metadata_url=f"{settings.oidc_issuer.rstrip('/')}/.well-known/openid-configuration",
            client_kwargs={"scope": "openid email profile", "code_challenge_method": "S256"},
        )
    return state.oidc_client


def _no_provider(ctx: Context) -> Problem:
    return Problem(503, "the provider does not answer", f"{ctx.settings.oidc_issuer} is not reached; try again")


def _client_secret(settings: Settings) -> str | None:
    """From the environment or from its file. Raises Problem when the file cannot be read."""
    file = settings.oidc_client_secret_file
    if file is None:
        return settings.oidc_client_secret.get_secret_value() if settings.oidc_client_secret else None
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise Problem(503, "no login by the provider", f"S2P_OIDC_CLIENT_SECRET_FILE={file} cannot be read") from None
