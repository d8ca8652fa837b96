"""What the screen costs its readers: bytes and first paint of a page, a verdict, an edit, many people at once.

    uv run python -m s2p_assets_tests.benchmarks.screen                              # 50 people, 5,000 rows
    uv run python -m s2p_assets_tests.benchmarks.screen --people 4 --rows 100 --rounds 1

A company of some dozen files is processed and served first. Times are by the clock, as a reader waits by it: they mean
something on a machine that does nothing else. CPU is that of the server, its readers and PostgreSQL. Linux alone.
"""

import argparse
import asyncio
import datetime as dt
import os
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
import openpyxl
import psutil
from playwright.sync_api import Browser

from s2p_assets.api.guard import COOKIE
from s2p_assets_tests.api.served import Served, served
from s2p_assets_tests.screen.browsing import chromium, person, session_of
from s2p_assets_tests.screen.test_frame import AREAS, browser_of, bytes_of_page

REACH = {
    "before the login": (60.0, "kB"),
    "largest page": (200.0, "kB"),
    "first paint, slowest page, warm": (1.0, "s"),
    "POST to verdict": (3.0, "s"),
    "first edit after its page": (0.3, "s"),
    "edit answered, warm": (0.3, "s"),
    "p95 of many at once": (1.0, "s"),
    "server memory a session": (1.0, "MB"),
}
ORDERS = "/tables/acme_orders"
LOOKING_SECONDS = 3.0
"""Before somebody who opened a table has changed a cell of it and said why."""
HTML = {"Accept": "text/html"}
FIRST_PAINT = """new Promise((done) => new PerformanceObserver((list) => {
    for (const one of list.getEntriesByName("first-contentful-paint")) done(one.startTime);
}).observe({ type: "paint", buffered: true }))"""  # waited for by the page itself: its policy lets nobody poll there


def main(arguments: Sequence[str] | None = None) -> dict[str, float]:
    """What was measured, by the names of REACH; printed as it comes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--rows", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=4, help="how often each of them asks every page")
    given = parser.parse_args(arguments)
    with (
        chromium() as browser,
        tempfile.TemporaryDirectory(prefix="s2p-screen-", ignore_cleanup_errors=True) as place,
        served(Path(place)) as door,
    ):
        return measure(door, browser, given.people, given.rows, given.rounds)


def measure(door: Served, browser: Browser, people: int, rows: int, rounds: int) -> dict[str, float]:
    """All of it, at a door that is served."""
    client = browser_of(door, "engineer")
    sizes = {area.path: bytes_of_page(door, client, area.path) / 1000 for area in AREAS}
    found = {"before the login": bytes_of_page(door, browser_of(door, None), "/login") / 1000}
    found["largest page"] = max(sizes.values())
    found["first paint, slowest page, warm"] = max(_first_paints(door, browser).values())
    found["first edit after its page"], found["edit answered, warm"], edit_cpu = _edits(door)
    found["POST to verdict"], cpu = _verdict(door, client, rows)
    with ThreadPoolExecutor(1) as beside:  # the browser has a loop of its own in this thread
        many = beside.submit(lambda: asyncio.run(_many(door, people, rounds)))
        found["server memory a session"], found["p95 of many at once"] = many.result()
    load = os.getloadavg()[0]
    for name, (reach, unit) in REACH.items():
        kept = "kept" if found[name] <= reach else "MISSED"
        print(f"{name:<34} {found[name]:8.2f} {unit:<3} reach {reach:6.1f}  {kept}")
    print(f"{people} people, {rows:,} rows, CPU s: {cpu:.2f} the verdict, {edit_cpu:.2f} an edit; load {load:.1f}")
    return {name: found[name] for name in REACH}


def _first_paints(door: Served, browser: Browser) -> dict[str, float]:
    """Path → seconds until the browser shows something, at the second visit."""
    with person(browser, door, "engineer") as ann:
        paints = {}
        for area in AREAS:
            for _ in "12":
                page = ann.open(area.path)
            paints[area.path] = float(page.evaluate(FIRST_PAINT)) / 1000
        return paints


def _edits(door: Served) -> tuple[float, float, float]:
    """Seconds of the first edit some seconds after its page was opened, then of one of many, and its CPU seconds."""
    client = browser_of(door, "editor")
    client.get(ORDERS)
    time.sleep(LOOKING_SECONDS)
    taken, spent = [], []
    for number in range(8):
        row = client.get(f"{ORDERS}/rows", params={"limit": 1}).json()["rows"][0]
        change = {"action": "change", "key": {"order_no": row["order_no"]}, "etag": row["_etag"]}
        change["values"] = {"quantity": row["quantity"] + 1}
        before, began = _cpu(door), time.perf_counter()
        answer = client.post(f"/api/v1{ORDERS}/entries", json={"reason": f"the {number}. time", "rows": [change]})
        assert answer.status_code == 201, answer.text
        taken.append(time.perf_counter() - began)
        spent.append(_cpu(door) - before)
    return taken[0], statistics.median(taken[2:]), statistics.median(spent[2:])


def _verdict(door: Served, client: httpx.Client, rows: int) -> tuple[float, float]:
    """Seconds from sending a workbook to its page with every finding, and CPU seconds: the median of three."""
    book = openpyxl.Workbook()
    book.worksheets[0].append(["Order no.", "Article", "Quantity", "Price", "Ordered"])
    for at in range(rows):
        good = [f"S-{at}", f"A{at % 40}", at % 9 + 1, 2.5, dt.date(2026, 5, 1)]
        book.worksheets[0].append(good if at % 100 else [*good[:2], "n/a", *good[3:]])
    file = door.company.folder / "Many orders.xlsx"
    book.save(file)
    client.get("/hand-in")
    taken, spent = [], []
    for _ in range(4):
        before, began = _cpu(door), time.perf_counter()
        answer = client.post("/hand-in/upload", params={"name": file.name}, content=file.read_bytes())
        assert answer.status_code == 201, answer.text
        assert client.get(answer.json()["address"]).status_code == 200
        taken.append(time.perf_counter() - began)
        spent.append(_cpu(door) - before)
    return statistics.median(taken[1:]), statistics.median(spent[1:])


def _cpu(door: Served) -> float:
    server = psutil.Process(door.process.pid)
    every = [server, *server.children(recursive=True), *door.company.servers()]
    return sum(map(_cpu_of, every))


def _cpu_of(process: psutil.Process) -> float:
    """Nothing for a connection of PostgreSQL that ended while this was asked."""
    try:
        return sum(process.cpu_times()[:4])
    except psutil.NoSuchProcess:
        return 0.0


async def _many(door: Served, people: int, rounds: int) -> tuple[float, float]:
    """MB that a session costs the server, and the time within which 95 of 100 answers have come."""
    paths = [area.path for area in AREAS]
    async with _browsers(door, 2) as warm:
        await asyncio.gather(*(_ask(client, paths * 3, []) for client in warm))
    before, took = door.memory_mb(), list[float]()
    async with _browsers(door, people) as clients:
        await asyncio.gather(*(_ask(client, paths * rounds, took) for client in clients))
        after = door.memory_mb()
    return max(0.0, after - before) / people, statistics.quantiles(took, n=20)[-1]


async def _ask(client: httpx.AsyncClient, paths: Sequence[str], took: list[float]) -> None:
    for path in paths:
        began = time.perf_counter()
        answer = await client.get(path)
        assert answer.status_code == 200, path
        took.append(time.perf_counter() - began)


@asynccontextmanager
async def _browsers(door: Served, people: int) -> AsyncIterator[list[httpx.AsyncClient]]:
    """People with a session each, as many browsers."""
    async with AsyncExitStack() as opened:
        yield [
            await opened.enter_async_context(
                httpx.AsyncClient(
                    base_url=door.address,
                    headers=HTML,
                    cookies={COOKIE: session_of(door, "editor")},
                    timeout=60,
                )
            )
            for _ in range(people)
        ]


if __name__ == "__main__":
    main()
