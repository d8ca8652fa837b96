"""One login before everything: a few lines of ASGI that every request passes, whatever it is for.

Who holds a cookie or token is the gate's to say; what a role may do within `/api` stands at each route.
"""

import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any
from urllib.parse import quote, urlsplit

from starlette.datastructures import MutableHeaders
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from s2p_assets.api.answers import etag_of
from s2p_assets.api.bounds import JSON_BYTES, BoundedBody
from s2p_assets.api.caller import Caller
from s2p_assets.api.gate import Gate
from s2p_assets.api.problems import Problem, problem_of
from s2p_assets.settings import LOOPBACK, Settings

COOKIE = "s2p_session"
SAFE = ("GET", "HEAD", "OPTIONS")
PUBLIC = re.compile(r"/(login|logout|oidc/(login|back)|static/[\w.-]+|favicon\.ico|health|join/[\w-]{20,64})")
UPLOADS = re.compile(r"/api/v1/(check|plan|drop|events/[^/]+)|/hand-in/upload")
VERSIONED = re.compile(r"/api/v1/(?!me$|users|tokens|restrictions)|/api/openapi\.json$")
"""What may be kept by who asked, as long as it names its version; not what says who comes in."""
OF_ENGINEERS = re.compile(r"/(dagster(/.*)?|system)")
METRICS = "/metrics"
FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
CLIMBS = re.compile(r"(^|[/\\])\.\.?([/\\]|$)|[\x00-\x1f\x7f\\]|//")
HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"x-frame-options", b"SAMEORIGIN"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)
"""Of every answer that has no other of its own."""


Observe = Callable[[Scope, int, float], None]
Received = Mapping[str, str]
"""The headers of a request by their names in small letters; the first of each name counts."""


def _received(scope: Scope) -> Received:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in reversed(scope["headers"])}


@lru_cache(maxsize=256)
def _name_of(host: str) -> str:
    """The name in a Host header, without its port; none for what is no host."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _climbs(path: str) -> bool:
    """Whether it leads out of where it begins, or holds what no path of ours does."""
    is_plain = path.isprintable() and "." not in path and "//" not in path and "\\" not in path
    return not is_plain and CLIMBS.search(path) is not None


def _unobserved(_: Scope, __: int, ___: float) -> None:
    """Nobody counts the answers."""


def cookie_name(settings: Settings) -> str:
    """Over https only s2p itself, and no neighbour of its domain, can set the cookie."""
    return f"__Host-{COOKIE}" if settings.address.startswith("https://") else COOKIE


@dataclass(frozen=True)
class Guard:
    """`areas`: the beginning of a path → the app behind it, longest first; each gets callers alone."""

    settings: Settings
    gate: Gate
    areas: tuple[tuple[str, ASGIApp], ...]
    observe: Observe = _unobserved

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.areas[-1][1](scope, receive, send)
            return
        headers = _received(scope)
        answer = _Answer(scope, headers, send)
        try:
            await self._passed(scope, headers, receive, answer)
            if answer.status:
                self.observe(scope, answer.status, answer.seconds)
        except Exception as error:
            problem = problem_of(error)
            if answer.begun or (problem.status_code == 500 and not isinstance(error, Problem)):
                raise
            self.observe(scope, problem.status_code, answer.seconds)
            await _refuse(problem, scope, receive, answer)

    async def _passed(self, scope: Scope, headers: Received, receive: Receive, send: Send) -> None:
        path = str(scope["path"])
        self._require_host(headers.get("host", ""))
        if _climbs(path) or len(path) > 2000:
            raise Problem(404, "not found", "there is nothing at this path")
        caller, by_token = await self._recognized(headers)
        if caller is None and path == METRICS and self._is_from_here(scope, headers):
            caller = Caller("this computer", "viewer", "open")
        method = scope.get("method", "WEBSOCKET")
        if method not in SAFE and not by_token:
            self._require_origin(headers, strict=caller is not None and caller.kind == "user")
        if caller is None and not PUBLIC.fullmatch(path):
            raise _unknown(scope, path, headers)
        if OF_ENGINEERS.fullmatch(path) and caller:
            caller.require("engineer")
        scope["s2p.caller"] = caller
        asked = {**scope, "method": "GET"} if method == "HEAD" else scope  # the server itself leaves the body out
        await self._app(path)(asked, self._bounded(scope, headers, receive), send)
        scope["route"] = asked.get("route")

    def _app(self, path: str) -> ASGIApp:
        return next(app for prefix, app in self.areas if path == prefix or path.startswith(f"{prefix}/") or not prefix)

    def _bounded(self, scope: Scope, headers: Received, receive: Receive) -> Receive:
        if scope["type"] != "http" or OF_ENGINEERS.fullmatch(scope["path"]):
            return receive
        length = headers.get("content-length", "")
        most = self.settings.upload_mb << 20 if UPLOADS.fullmatch(scope["path"]) else JSON_BYTES
        return BoundedBody(receive, most, int(length) if length.isdigit() else None)

    async def _recognized(self, headers: Received) -> tuple[Caller | None, bool]:
        """Who asks, and whether by a token, which no page of elsewhere can make a browser send."""
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            found = await self.gate.caller("token", token.strip())
            if found is None:
                raise Problem(
                    401,
                    "no such token",
                    "the token is wrong, revoked or too old; `s2p tokens add` makes one",
                    headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
                )
            return found, True
        if secret := cookies(headers).get(cookie_name(self.settings)):
            found = await self.gate.caller("session", secret)
            if found:
                return found, False
        return await self.gate.anybody(), False

    def _require_host(self, host: str) -> None:
        """A page of elsewhere whose name was bent to this address asks by its own name, not by ours."""
        if self.settings.is_on_loopback and _name_of(host) not in self._our_names:
            raise Problem(403, "not this host", "ask by the address that `s2p up` printed, or set S2P_PUBLIC_URL")

    @cached_property
    def _our_names(self) -> frozenset[str | None]:
        return frozenset({*LOOPBACK, self.settings.host, urlsplit(self.settings.address).hostname})

    def _is_from_here(self, scope: Scope, headers: Received) -> bool:
        """Whether a program on this computer asks, and not a proxy here on behalf of somebody elsewhere."""
        client = scope.get("client") or ("",)
        host = _name_of(headers.get("host", ""))
        proxied = self.settings.public_url is not None or any(name in headers for name in FORWARDED)
        return client[0] in LOOPBACK and host in LOOPBACK and not proxied

    def _require_origin(self, headers: Received, *, strict: bool) -> None:
        """What changes something comes from a page of ours. Raises Problem."""
        origin = headers.get("origin")
        if origin is None:
            good = headers.get("sec-fetch-site") == "same-origin" or not strict
        else:
            host = headers.get("host", "")
            allowed: Iterable[str] = (self.settings.address, f"http://{host}", f"https://{host}")
            good = origin in allowed
        if not good:
            raise Problem(403, "another origin", "a page of another site may not ask this; open it here")


class _Answer:
    """An answer on its way: the headers that every one has, how long it took to begin, and the version of its content.

    What is read as JSON is named by its bytes where a route does not name it. Who has that version gets no body.
    """

    def __init__(self, scope: Scope, headers: Received, send: Send) -> None:
        self._send, self._began_at, self.begun = send, time.perf_counter(), False
        self.status = 0
        self._seconds: float | None = None
        self._held: Message | None = None
        self._is_empty = False
        is_read = scope["type"] == "http" and scope["method"] in ("GET", "HEAD")
        self._known = headers.get("if-none-match", "") if is_read else ""
        self._is_versioned = is_read and VERSIONED.match(scope["path"]) is not None

    @property
    def seconds(self) -> float:
        """Until the answer began, or until now."""
        return self._seconds if self._seconds is not None else time.perf_counter() - self._began_at

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._held = None
            if self._is_versioned and message["status"] == 200 and _is_json_unnamed(message):
                self._held = message
                return
            await self._begin(message)
        elif message["type"] == "http.response.body":
            await self._go_on(message)
        else:
            self.begun |= message["type"].startswith("websocket.")
            await self._send(message)

    async def _begin(self, message: Message) -> None:
        self.begun, self._seconds = True, self.seconds
        raw = [(name.lower(), value) for name, value in message.get("headers", ())]
        there, status = dict(raw), message["status"]
        raw += [pair for pair in HEADERS if pair[0] not in there]
        took = b"total;dur=%.1f" % (self._seconds * 1000)
        raw.append((b"server-timing", took))
        if self._known and status == 200 and self._has(there.get(b"etag", b"").decode("latin-1")):
            self._is_empty, status = True, 304
            raw = [pair for pair in raw if pair[0] != b"content-length"]
        self.status = status
        await self._send({**message, "status": status, "headers": raw})

    def _has(self, etag: str) -> bool:
        """Whether the asker holds this version; `*` is any."""
        return bool(etag) and (self._known.strip() == "*" or etag.removeprefix("W/") in self._known)

    async def _go_on(self, message: Message) -> None:
        held, self._held = self._held, None
        if held is not None:
            if not message.get("more_body"):
                headers = MutableHeaders(raw=held["headers"])
                headers["ETag"] = etag_of(message.get("body", b""))
                headers["Cache-Control"] = "private, no-cache"
            await self._begin(held)
        await self._send({**message, "body": b""} if self._is_empty else message)


def _is_json_unnamed(message: Message) -> bool:
    """Whether an answer is JSON that a route gave no version."""
    there = {name.lower(): value for name, value in message.get("headers", ())}
    return b"etag" not in there and there.get(b"content-type", b"").startswith(b"application/json")


async def _refuse(problem: Problem, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": problem.title})
        return
    response: Response = problem.response()
    if problem.status_code == 303:
        response = RedirectResponse(problem.detail, 303)
    await response(scope, receive, send)


def _unknown(scope: Scope, path: str, headers: Received) -> Problem:
    """A person is led to the login; a program, and a script within a page, is told."""
    if scope["type"] == "http" and "text/html" in headers.get("accept", "") and "hx-request" not in headers:
        query = scope.get("query_string", b"").decode("latin-1")
        back = (f"{path}?{query}" if query else path) if scope["method"] in SAFE else "/"
        return Problem(303, "log in", f"/login?next={quote(back, safe='')}")
    return Problem(
        401,
        "log in first",
        "send a token as `Authorization: Bearer …` (`s2p tokens add` makes one), or log in at /login",
        headers={"WWW-Authenticate": "Bearer"},
    )


def cookies(headers: Received) -> dict[str, str]:
    """The cookies of a request by name; the first of each name counts."""
    found: dict[str, str] = {}
    for part in headers.get("cookie", "").split(";"):
        name, _, value = part.strip().partition("=")
        found.setdefault(name, value)
    return found


def state_of(scope: Scope) -> Any:
    """What the server keeps for its routes."""
    return scope["app"].state
