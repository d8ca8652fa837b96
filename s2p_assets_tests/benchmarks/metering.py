"""What a piece of work costs: CPU seconds of its processes and of PostgreSQL's, wall time, peak memory.

The work itself is in `ingestion.py`. Reads `/proc`, so it runs on Linux alone.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

SAMPLE_SECONDS = 0.05
REAPED_SECONDS = 0.3  # until the postmaster has counted the time of backends that have ended
START, COST = "measuring: ", "cost: "


@dataclass(frozen=True)
class Cost:
    """`cpu`, `wall`: seconds; `server_cpu`: the part of `cpu` that PostgreSQL spent; `said`: what the work reports.

    `peak`: MiB of all processes but PostgreSQL's, shared pages counted once; where only a part of a process's life
    is measured, above what they held before.
    """

    cpu: float
    wall: float
    server_cpu: float
    peak: float
    said: Mapping[str, Any]


class Meter:
    """CPU and wall seconds of its `with` block. `server`: process id of PostgreSQL's postmaster.

    `whole`: from the process's start.
    """

    def __init__(self, server: int | None, *, whole: bool = False) -> None:
        self._server = server
        self._whole = whole
        self.cost: dict[str, float] = {}

    def __enter__(self) -> "Meter":
        own = psutil.Process()
        self._wall = own.create_time() if self._whole else time.time()
        self._own_cpu = 0.0 if self._whole else tree_cpu(os.getpid())
        self._server_cpu = tree_cpu(self._server) if self._server else 0.0
        return self

    def __exit__(self, *_: object) -> None:
        wall = time.time() - self._wall
        if self._server:
            time.sleep(REAPED_SECONDS)
        server = (tree_cpu(self._server) if self._server else 0.0) - self._server_cpu
        cpu = tree_cpu(os.getpid()) - self._own_cpu + server
        self.cost = {"cpu": cpu, "wall": wall, "server_cpu": server}


class _MemoryWatch:
    """The highest memory of a process and its children from `start` to the end of the `with` block."""

    def __init__(self, process: int) -> None:
        self._process = process
        self._running = threading.Event()
        self._ended = threading.Event()
        self._peak = self._floor = 0.0
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def start(self, *, above_what_it_holds: bool) -> None:
        self._floor = tree_memory(self._process) if above_what_it_holds else 0.0
        self._running.set()

    def __enter__(self) -> "_MemoryWatch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._running.set()
        self._thread.join()

    @property
    def peak(self) -> float:
        return self._peak - self._floor

    def _sample(self) -> None:
        self._running.wait()
        while not self._ended.wait(SAMPLE_SECONDS):
            with contextlib.suppress(psutil.Error):
                self._peak = max(self._peak, tree_memory(self._process))


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
    with tempfile.TemporaryFile("w+") as noise:
        process = subprocess.Popen(
            command, env=os.environ | environment, stdout=subprocess.PIPE, stderr=noise, text=True
        )
        assert process.stdout is not None
        told = ""
        with _MemoryWatch(process.pid) as watch:
            for line in process.stdout:
                if line.startswith(START):
                    watch.start(above_what_it_holds="part" in line)
                elif line.startswith(COST):
                    told = line.removeprefix(COST)
                    break
        process.stdout.close()
        if process.wait() or not told:
            noise.seek(0)
            raise RuntimeError(f"{work} failed:\n{noise.read()[-4000:]}")
    return Cost(**json.loads(told), peak=watch.peak)


@contextlib.contextmanager
def reported(server: int | None, *, whole: bool = False) -> Iterator[dict[str, Any]]:
    """Measures the block and prints its cost for `apart`; the block may put what it has to say into the mapping."""
    said: dict[str, Any] = {}
    print(START + ("whole" if whole else "part"), flush=True)
    with Meter(server, whole=whole) as meter:
        yield said
    print(COST + json.dumps(meter.cost | {"said": said}), flush=True)
