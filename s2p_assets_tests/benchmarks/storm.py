"""Many clients at the door for a while, in which PostgreSQL is killed once: no wrong answer, errors only while it is
down, and answers again by itself soon after.

    uv run python -m s2p_assets_tests.benchmarks.storm                        # 64 clients for a minute
    uv run python -m s2p_assets_tests.benchmarks.storm --clients 8 --seconds 6
"""

import argparse
import asyncio
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from s2p_assets.warehouse.server.connection import database_url
from s2p_assets_tests.api.served import Served, served

RECOVERY_SECONDS = 5.0
PATH = "/api/v1/features/acme_shop_features/online?shop=North"


@dataclass
class Storm:
    """What came of it: good answers, what was wrong, and the refusals, each with its second since the beginning.

    `down`, `up`: when PostgreSQL was killed, and when it took connections again.
    """

    good: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    down: float = 0.0
    up: float = 0.0

    @property
    def recovery_seconds(self) -> float:
        """From the moment at which PostgreSQL was there again to the last refusal."""
        return max([at for at in self.refused if at > self.up], default=self.up) - self.up

    @property
    def early_or_late(self) -> list[float]:
        """Refusals that were none of the kill's."""
        return [at for at in self.refused if at < self.down - 0.1 or at > self.up + RECOVERY_SECONDS]


def storm(door: Served, clients: int, seconds: float) -> Storm:
    """Ask for one entity from many connections, and kill PostgreSQL a third of the way."""
    done = Storm()
    right = httpx.get(door.address + PATH, headers=_headers(door), timeout=60).json()["row"]
    began = time.monotonic()
    killer = threading.Thread(target=_kill, args=(door, done, began, seconds / 3))
    killer.start()
    asyncio.run(_clients(door, done, right, clients, began, seconds))
    killer.join()
    return done


def _headers(door: Served) -> dict[str, str]:
    return {"Authorization": f"Bearer {door.tokens['viewer']}"}


def _kill(door: Served, done: Storm, began: float, after: float) -> None:
    time.sleep(after)
    done.down = time.monotonic() - began
    for process in door.company.servers():
        with suppress(Exception):
            process.kill()
    database_url(door.ctx.settings)  # as `s2p up` does meanwhile
    done.up = time.monotonic() - began


async def _clients(door: Served, done: Storm, right: object, clients: int, began: float, seconds: float) -> None:
    async def client() -> None:
        async with httpx.AsyncClient(base_url=door.address, headers=_headers(door), timeout=60) as asking:
            while time.monotonic() - began < seconds:
                answer = await asking.get(PATH)
                at = time.monotonic() - began
                if answer.status_code == 200 and answer.json()["row"] == right:
                    done.good.append(at)
                elif answer.status_code == 503:
                    done.refused.append(at)
                    await asyncio.sleep(0.05)
                else:
                    done.wrong.append(f"{answer.status_code} {answer.text[:200]}")

    await asyncio.gather(*(client() for _ in range(clients)))


def main(arguments: Sequence[str] | None = None) -> Storm:
    """Print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=60.0)
    asked = parser.parse_args(arguments)
    with (
        tempfile.TemporaryDirectory(prefix="s2p-storm-", ignore_cleanup_errors=True) as folder,
        served(Path(folder)) as door,
    ):
        done = storm(door, asked.clients, asked.seconds)
    print(f"{len(done.good):,} good answers, {len(done.wrong)} wrong, {len(done.refused):,} refused")
    print(f"PostgreSQL was away for {done.up - done.down:.1f} s")
    print(f"the last refusal came {done.recovery_seconds:.1f} s after that")
    return done


if __name__ == "__main__":
    main()
