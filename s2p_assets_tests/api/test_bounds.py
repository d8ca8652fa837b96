"""What nobody should send: random requests, large and slow bodies, and a PostgreSQL that goes away meanwhile."""

import itertools
import socket
import time
from collections.abc import Iterator
from typing import Any

import httpx
import hypothesis
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck

from s2p_assets.api import bounds
from s2p_assets_tests.api.served import Served
from s2p_assets_tests.benchmarks import storm

EXAMPLES = 4
ASKED_ELSEWHERE = r"/tables/acme_\w+/rows"
"""The same generic route again."""
NAMES = {
    "tables": "acme_orders",
    "features": "acme_shop_features",
    "forecasts": "acme_shop_forecast",
    "models": "acme_shop_champion",
    "reports": "acme_sold",
}
"""By the subject of a route what there is; every other request asks for that, and comes further than its name."""


@pytest.fixture(scope="module")
def client(door: Served) -> httpx.Client:
    return door.client("editor")


def test_random_requests_by_the_description_never_end_in_a_fault(door: Served, client: httpx.Client) -> None:
    schema = schemathesis.openapi.from_dict(client.get("/api/openapi.json").json())
    schema.config.update(base_url=door.address)
    operations: list[Any] = list(schema.exclude(path_regex=ASKED_ELSEWHERE).get_all_operations())
    faults: list[str] = []
    headers = {"Authorization": f"Bearer {door.tokens['engineer']}"}
    asked = itertools.count()

    def ask(case: Any) -> None:
        subject = case.path.removeprefix("/api/v1/").partition("/")[0]
        if subject in NAMES and "name" in (case.path_parameters or {}) and next(asked) % 2:
            case.path_parameters["name"] = NAMES[subject]
        answer = case.call(headers=headers, timeout=60, session=session)
        if answer.status_code >= 500:
            faults.append(f"{case.method} {answer.request.url} {answer.status_code} {answer.text}")

    assert len(operations) > 20
    session = requests.Session()
    for operation in operations:
        hypothesis.settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            derandomize=True,
        )(hypothesis.given(case=operation.ok().as_strategy())(ask))()
    session.close()
    assert faults == []


def test_a_body_that_is_too_large_is_refused_before_it_is_taken(door: Served, client: httpx.Client) -> None:
    before = list((door.company.home / "spool").rglob("*"))
    for path in ("/api/v1/check?name=a.xlsx", "/api/v1/drop?path=orders/a.xlsx"):
        answer = raw(door, path, f"Content-Length: {2 << 30}")
        assert answer.startswith("HTTP/1.1 413"), answer
    assert client.post("/api/v1/features/acme_shop_features/online", content=b"x" * (9 << 20)).status_code == 413

    def endless() -> Iterator[bytes]:
        for _ in range(10):
            yield b"x" * (1 << 20)

    assert client.post("/api/v1/files/accept", content=endless()).status_code == 413
    assert list((door.company.home / "spool").rglob("*")) == before


def raw(door: Served, path: str, *headers: str, method: str = "POST") -> str:
    """The answer to a request whose body never comes."""
    with socket.create_connection(("127.0.0.1", door.port), timeout=60) as connection:
        lines = [
            f"{method} {path} HTTP/1.1",
            "Host: 127.0.0.1",
            f"Authorization: Bearer {door.tokens['editor']}",
            *headers,
        ]
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        return connection.recv(4096).decode()


def test_who_sends_no_whole_head_is_let_go(door: Served) -> None:
    with socket.create_connection(("127.0.0.1", door.port), timeout=60) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
        begun = time.monotonic()
        assert connection.recv(100).startswith(b"HTTP/1.1 408")
        assert time.monotonic() - begun < 3 * bounds.HEADERS_SECONDS


def test_who_sends_a_body_by_drops_is_let_go() -> None:
    import asyncio

    from starlette.types import Message

    from s2p_assets.api.problems import Problem

    async def silent() -> Message:
        await asyncio.sleep(60)
        return {"type": "http.request"}

    async def ask() -> None:
        body = bounds.BoundedBody(silent, 100, None)
        await body()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bounds, "BODY_SILENCE_SECONDS", 0.05)
        with pytest.raises(Problem) as found:
            asyncio.run(ask())
    assert found.value.status_code == 408


@pytest.mark.parametrize(
    "path", ["/api/v1/../../etc/passwd", "/api/v1/tables/..%2f..%2fx", "//evil.example/", "/a\\..\\b"]
)
def test_a_path_that_climbs_leads_nowhere(door: Served, path: str) -> None:
    assert raw(door, path, method="GET").startswith("HTTP/1.1 404")


def test_many_clients_get_no_wrong_answer_though_postgresql_is_killed_and_answers_again_soon(
    door: Served, client: httpx.Client
) -> None:
    done = storm.storm(door, clients=8, seconds=6)
    assert done.wrong == [], door.log
    assert done.early_or_late == []
    assert any(at > done.up for at in done.good) or done.up > 5
    assert client.get(storm.PATH).status_code == 200
    assert client.get("/api/v1/me").status_code == 200
