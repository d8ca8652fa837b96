"""Dagster's web server behind the door: under `/dagster`, on a socket of this installation instead of a port.

Whoever may pass the door's login gets there; nobody else on the computer does. It is started by who first asks for it
(`zygote.py`), and ends when nobody has asked for a while: at rest it would hold a sixth of the memory of `s2p up`.
"""

import asyncio
import contextlib
import os
import socket
import time
from typing import Any

from s2p_assets.graph.running.door_process import dagster_socket
from s2p_assets.settings import Settings

PREFIX = "/dagster"
REST_SECONDS = 3600.0
MOST_WAITING = 128


def listening_for_web(settings: Settings) -> socket.socket:
    """The socket that Dagster's web server is asked on; who connects waits there until it has started."""
    file = dagster_socket(settings)
    file.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listening.bind(str(file))
    finally:
        os.umask(before)
    listening.listen(MOST_WAITING)
    return listening


def host_behind_door(context: Any, listening: socket.socket, rest_seconds: float = REST_SECONDS) -> None:
    """Serve Dagster's UI of a workspace's context, until stopped or nobody has asked for `rest_seconds`."""
    from dagster_webserver.app import create_app_from_workspace_process_context

    serve_while_asked(create_app_from_workspace_process_context(context, PREFIX), listening, rest_seconds)


def serve_while_asked(app: Any, listening: socket.socket, rest_seconds: float) -> None:
    """Serve an ASGI app until stopped, or until nobody has asked for `rest_seconds` and no websocket is open."""
    import uvicorn

    asked = _Asked(app)
    server = uvicorn.Server(uvicorn.Config(asked, log_level="warning", access_log=False))

    async def serve() -> None:
        watching = asyncio.create_task(_rest(server, asked, rest_seconds))
        await server.serve(sockets=[listening])
        watching.cancel()

    asyncio.run(serve())


class _Asked:
    """An ASGI app, and how long ago somebody last asked it for something."""

    def __init__(self, app: Any) -> None:
        self._app, self._at_work, self._last = app, 0, time.monotonic()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        asks = scope["type"] != "lifespan"
        self._at_work += asks
        try:
            await self._app(scope, receive, send)
        finally:
            self._at_work -= asks
            self._last = time.monotonic()

    def rested(self) -> float:
        """Seconds since the last answer; none while somebody is being answered."""
        return 0.0 if self._at_work else time.monotonic() - self._last


async def _rest(server: Any, asked: _Asked, rest_seconds: float) -> None:
    with contextlib.suppress(asyncio.CancelledError):
        while asked.rested() < rest_seconds:
            await asyncio.sleep(min(rest_seconds / 4, 60.0))
        server.should_exit = True
