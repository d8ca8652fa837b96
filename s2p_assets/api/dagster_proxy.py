"""Requests and websockets led on to Dagster's web server, which listens on a socket of this installation alone.

Who may pass has been decided by the guard.
"""

import asyncio
import contextlib
import time
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from s2p_assets.api.pages import page
from s2p_assets.api.problems import Problem

if TYPE_CHECKING:
    import httpx
    from websockets.asyncio.client import ClientConnection

HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding"}
    | {"upgrade", "cookie", "authorization"}
)
"""Headers of one connection, and those by which s2p knows who asks: none of Dagster's business."""
SECONDS = 600.0
MOST_MESSAGE_BYTES = 16 << 20
PATIENCE_SECONDS = 1.0
"""How long a page waits for a web server that may have to start first, before it says so and asks again."""

FRESH_SECONDS = 30.0
"""For so long after an answer the web server is taken to be there."""

AGAIN_SECONDS = "2"


class DagsterProxy:
    """The app behind `/dagster`; None as a socket where no Dagster was started beside this server."""

    def __init__(self, socket: Path | None) -> None:
        self._socket = socket
        self._client: httpx.AsyncClient | None = None
        self._answered = -FRESH_SECONDS
        self._starting: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._socket is None:
            raise Problem(404, "no Dagster here", "this server was started without Dagster; `s2p up` starts both")
        if scope["type"] == "websocket":
            await self._tunnel(self._socket, scope, receive, send)
        else:
            await self._forward(self._socket, scope, receive, send)

    async def _forward(self, socket: Path, scope: Scope, receive: Receive, send: Send) -> None:
        import httpx  # at first use, as few ask for Dagster

        client = self._connected(socket)
        request = Request(scope, receive)
        is_page = request.method == "GET" and "text/html" in request.headers.get("accept", "")
        if is_page and not await self._is_there(client):
            await _waiting_page()(scope, receive, send)
            return
        query = f"?{request.url.query}" if request.url.query else ""
        asked = client.build_request(
            scope["method"],
            f"http://dagster{scope['raw_path'].decode('ascii')}{query}",
            headers=_passed_on(request.headers),
            content=request.stream() if _has_body(request.headers) else None,
        )
        try:
            answer = await client.send(asked, stream=True)
        except httpx.TransportError:
            starting = {"Retry-After": AGAIN_SECONDS}
            raise Problem(503, "Dagster is starting", "try again in some seconds", headers=starting) from None
        self._answered = time.monotonic()
        kept = [(name, value) for name, value in answer.headers.multi_items() if name.lower() not in HOP_BY_HOP]
        response = StreamingResponse(answer.aiter_raw(), answer.status_code)
        response.raw_headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in kept]
        try:
            await response(scope, receive, send)
        finally:
            await answer.aclose()

    def _connected(self, socket: Path) -> "httpx.AsyncClient":
        import httpx

        if self._client is None:
            transport = httpx.AsyncHTTPTransport(uds=str(socket))
            self._client = httpx.AsyncClient(transport=transport, timeout=SECONDS, trust_env=False)
        return self._client

    async def _is_there(self, client: "httpx.AsyncClient") -> bool:
        """Whether the web server answers, waiting for it a little.

        To connect to it is what starts it; there is one try at a time, which waits for its end.
        """
        if time.monotonic() - self._answered < FRESH_SECONDS:
            return True
        if self._starting is None or self._starting.done():
            self._starting = asyncio.create_task(self._ask_whether_it_is_there(client))
        await asyncio.wait([self._starting], timeout=PATIENCE_SECONDS)
        return time.monotonic() - self._answered < FRESH_SECONDS

    async def _ask_whether_it_is_there(self, client: "httpx.AsyncClient") -> None:
        import httpx

        with contextlib.suppress(httpx.TransportError):
            await client.get("http://dagster/dagster/server_info")
            self._answered = time.monotonic()

    async def _tunnel(self, socket: Path, scope: Scope, receive: Receive, send: Send) -> None:
        from websockets.asyncio.client import unix_connect
        from websockets.exceptions import WebSocketException

        await receive()  # websocket.connect
        query = scope.get("query_string", b"").decode("latin-1")
        address = f"ws://dagster{scope['path']}{f'?{query}' if query else ''}"
        try:
            async with unix_connect(
                str(socket), address, subprotocols=scope.get("subprotocols") or None, max_size=MOST_MESSAGE_BYTES
            ) as behind:
                await send({"type": "websocket.accept", "subprotocol": behind.subprotocol})
                await _both_ways(behind, receive, send)
        except (OSError, WebSocketException):
            with contextlib.suppress(RuntimeError):  # it was closed already
                await send({"type": "websocket.close", "code": 1013})

    async def close(self) -> None:
        if self._starting is not None:
            self._starting.cancel()
        if self._client is not None:
            await self._client.aclose()


def _waiting_page() -> Response:
    """Says that Dagster is starting, and is asked for again by the browser that shows it."""
    answer = page("starting.html.j2", 503)
    answer.headers.update({"Retry-After": AGAIN_SECONDS, "Refresh": AGAIN_SECONDS, "Cache-Control": "no-store"})
    return answer


async def _both_ways(behind: "ClientConnection", receive: Receive, send: Send) -> None:
    """Messages in both directions until one side ends."""

    async def to_browser() -> None:
        async for message in behind:
            kind = "text" if isinstance(message, str) else "bytes"
            await send({"type": "websocket.send", kind: message})
        await send({"type": "websocket.close", "code": 1000})

    async def to_dagster() -> None:
        while (message := await receive())["type"] == "websocket.receive":
            text = message.get("text")
            await behind.send(message["bytes"] if text is None else text)

    tasks = {asyncio.create_task(to_browser()), asyncio.create_task(to_dagster())}
    _, left = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in left:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _passed_on(headers: Headers) -> list[tuple[str, str]]:
    return [(name, value) for name, value in headers.items() if name not in HOP_BY_HOP]


def _has_body(headers: Headers) -> bool:
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"
