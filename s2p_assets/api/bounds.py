"""What a request may be at most: how large, and how slow.

Who it comes from is the guard's question.
"""

import asyncio
from typing import Any

from starlette.types import Message, Receive
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from s2p_assets.api.problems import Problem

HEADERS_SECONDS = 10.0
BODY_SILENCE_SECONDS = 20.0
BODY_BYTES_A_SECOND = 2048
JSON_BYTES = 8 << 20


class PatientProtocol(HttpToolsProtocol):
    """HTTP as uvicorn speaks it; who opens a connection and sends no whole head in time is let go."""

    _head_timer: Any = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._head_timer = self.loop.call_later(HEADERS_SECONDS, self._let_go)

    def on_message_begin(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(HEADERS_SECONDS, self._let_go)
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._stop_timer()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _let_go(self) -> None:
        self._head_timer = None
        if not self.transport.is_closing():
            self.transport.write(
                b"HTTP/1.1 408 Request Timeout\r\ncontent-type: text/plain\r\ncontent-length: 0\r\n"
                b"connection: close\r\n\r\n"
            )
            self.transport.close()


class BoundedBody:
    """A request's body that raises Problem 413 past `most` bytes, and 408 for who lets us wait."""

    def __init__(self, receive: Receive, most: int, declared: int | None) -> None:
        self._receive, self._most = receive, most
        self._taken, self._begun = 0, asyncio.get_running_loop().time()
        self.is_whole = False
        if declared is not None and declared > most:
            raise too_large(most)

    async def __call__(self) -> Message:
        if self.is_whole:
            return await self._receive()  # waits until the client goes
        try:
            async with asyncio.timeout(BODY_SILENCE_SECONDS):
                message = await self._receive()
        except TimeoutError:
            raise self._too_slow() from None
        if message["type"] != "http.request":
            return message
        self._taken += len(message.get("body", b""))
        self.is_whole = not message.get("more_body", False)
        if self._taken > self._most:
            raise too_large(self._most)
        waited = asyncio.get_running_loop().time() - self._begun - BODY_SILENCE_SECONDS
        if not self.is_whole and waited > self._taken / BODY_BYTES_A_SECOND:
            raise self._too_slow()
        return message

    def _too_slow(self) -> Problem:
        return Problem(408, "too slow", "the body did not come in time; send it again", headers={"Connection": "close"})


def too_large(most: int) -> Problem:
    shown = f"{most >> 20} MB" if most >> 20 else f"{most:,} bytes"
    return Problem(413, "too large", f"a request here has at most {shown}", headers={"Connection": "close"})
