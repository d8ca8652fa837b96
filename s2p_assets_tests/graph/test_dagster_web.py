"""Dagster's web server runs while somebody asks for it; whoever asks first waits, or is told that it is starting."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from s2p_assets.api import dagster_proxy
from s2p_assets.api.dagster_proxy import DagsterProxy
from s2p_assets.graph.running.dagster_web import MOST_WAITING, serve_while_asked

REST_SECONDS = 0.4


async def said(scope: object, receive: object, send: object) -> None:
    """An app in the place of Dagster's."""
    from starlette.responses import PlainTextResponse

    await PlainTextResponse("of Dagster")(scope, receive, send)  # type: ignore[arg-type]


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[tuple[Path, socket.socket]]:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(tmp_path / "web.sock"))
        one.listen(MOST_WAITING)
        yield tmp_path / "web.sock", one


def served(listening: socket.socket) -> threading.Thread:
    server = threading.Thread(target=serve_while_asked, args=(said, listening.dup(), REST_SECONDS), daemon=True)
    server.start()
    return server


async def asked(proxy: DagsterProxy, accept: str) -> httpx.Response:
    transport = httpx.ASGITransport(proxy)
    async with httpx.AsyncClient(transport=transport, base_url="http://s2p", headers={"accept": accept}) as client:
        return await client.get("/dagster/runs")


def test_a_page_says_that_dagster_is_starting_and_asks_again_until_it_is_there(
    listening: tuple[Path, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dagster_proxy, "PATIENCE_SECONDS", 0.05)
    file, waiting = listening

    async def first_and_then() -> tuple[httpx.Response, httpx.Response]:
        proxy = DagsterProxy(file)
        first = await asked(proxy, "text/html")
        server = served(waiting)
        then = await asked(proxy, "text/html")
        while then.status_code == 503:
            then = await asked(proxy, "text/html")
        await proxy.close()
        server.join(10)
        return first, then

    first, then = asyncio.run(first_and_then())
    assert first.status_code == 503
    assert "Dagster is starting" in first.text
    assert first.headers["refresh"] == dagster_proxy.AGAIN_SECONDS
    assert then.text == "of Dagster"


def test_a_program_waits_until_dagster_has_started(listening: tuple[Path, socket.socket]) -> None:
    file, waiting = listening

    async def answer() -> httpx.Response:
        proxy = DagsterProxy(file)
        asking = asyncio.create_task(asked(proxy, "application/json"))
        await asyncio.sleep(0.05)
        assert not asking.done()
        served(waiting)
        answered = await asking
        await proxy.close()
        return answered

    assert asyncio.run(answer()).text == "of Dagster"


def test_dagster_ends_when_nobody_asks_and_who_asks_then_waits_for_the_next(
    listening: tuple[Path, socket.socket],
) -> None:
    file, waiting = listening
    begun, server = time.monotonic(), served(waiting)
    server.join(10)
    assert not server.is_alive()
    assert time.monotonic() - begun >= REST_SECONDS
    with socket.socket(socket.AF_UNIX) as next_one:
        next_one.connect(str(file))
        waiting.settimeout(5)
        waiting.accept()[0].close()
