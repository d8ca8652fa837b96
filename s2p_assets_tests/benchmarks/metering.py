"""What a piece of work costs: CPU seconds of its processes and of PostgreSQL's, wall time, peak memory.

The work itself is in `ingestion.py`. Reads `/proc`, so it runs on Linux alone.
"""

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

SAMPLE_SECONDS = 0.05
COST = "cost: "


@dataclass(frozen=True)
class Cost:
    """`cpu`, `wall`: seconds; `server_cpu`: the part of `cpu` that PostgreSQL spent; `peak`: MiB of all processes
    but PostgreSQL's, shared pages counted once; `said`: what the work itself reports."""

    cpu: float
    wall: float
    server_cpu: float
    peak: float
    said: Mapping[str, Any]


class Meter:
    """Measures its `with` block. `server`: process id of PostgreSQL's postmaster. `whole`: from the process's start."""

    def __init__(self, server: int | None, *, whole: bool = False) -> None:
        self._server = server
        self._whole = whole
        self._peak = 0.0
        self._done = threading.Event()
        self.cost: dict[str, float] = {}

    def __enter__(self) -> "Meter":
        own = psutil.Process()
        self._wall = own.create_time() if self._whole else time.time()
        self._own_cpu = 0.0 if self._whole else tree_cpu(os.getpid())
        self._server_cpu = tree_cpu(self._server) if self._server else 0.0
        self._floor = 0.0 if self._whole else tree_memory(os.getpid())
        self._sampler = threading.Thread(target=self._sample, daemon=True)
        self._sampler.start()
        return self

    def __exit__(self, *_: object) -> None:
        wall = time.time() - self._wall
        self._done.set()
        self._sampler.join()
        server = (tree_cpu(self._server) if self._server else 0.0) - self._server_cpu
        cpu = tree_cpu(os.getpid()) - self._own_cpu + server
        self.cost = {"cpu": cpu, "wall": wall, "server_cpu": server, "peak": self._peak - self._floor}

    def _sample(self) -> None:
        while not self._done.wait(SAMPLE_SECONDS):
            self._peak = max(self._peak, tree_memory(os.getpid()))


def tree_cpu(process: int) -> float:
    """CPU seconds that a process and all its children have spent, also those that have ended."""
    spent = 0.0
    for one in _tree(process):
        with contextlib.suppress(psutil.Error):
            times = one.cpu_times()
            spent += times.user + times.system + times.children_user + times.children_system
    return spent


def tree_memory(process: int) -> float:
    """MiB of a process and its children, shared pages divided among those who share them (PSS)."""
    held = 0
    for one in _tree(process):
        with contextlib.suppress(OSError):
            lines = Path(f"/proc/{one.pid}/smaps_rollup").read_text().splitlines()
            held += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return held / 1024


def _tree(process: int) -> list[psutil.Process]:
    top = psutil.Process(process)
    return [top, *top.children(recursive=True)]


def apart(module: str, work: str, given: Mapping[str, Any], environment: Mapping[str, str]) -> Cost:
    """The cost of `work`, which `module` does in a process of its own when called with `--work`."""
    command = [sys.executable, "-m", module, "--work", work, json.dumps(given)]
    ended = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=False)
    told = [line for line in ended.stdout.splitlines() if line.startswith(COST)]
    if ended.returncode or not told:
        raise RuntimeError(f"{work} failed:\n{ended.stdout[-2000:]}\n{ended.stderr[-4000:]}")
    return Cost(**json.loads(told[-1].removeprefix(COST)))


@contextlib.contextmanager
def reported(server: int | None, *, whole: bool = False) -> Iterator[dict[str, Any]]:
    """Measures the block and prints its cost for `apart`; the block may put what it has to say into the mapping."""
    said: dict[str, Any] = {}
    with Meter(server, whole=whole) as meter:
        yield said
    print(COST + json.dumps(meter.cost | {"said": said}), flush=True)
