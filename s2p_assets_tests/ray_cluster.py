"""A Ray cluster of one machine for tests and benchmarks, begun and ended as an operator does it."""

import os
import subprocess
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from s2p_assets_tests.api.served import free_port

PATIENCE_SECONDS = 400
WAITS = {"RAY_raylet_start_wait_time_s": "300", "RAY_agent_register_timeout_ms": "300000"}
"""On a machine with much to do Ray gives up on its own processes after 30 seconds."""


class RayDidNotBegin(Exception):
    """Ray's own processes did not come up."""


@contextmanager
def ray_cluster(cores: int) -> Iterator[str]:
    """The setting of a cluster of so many cores, which ends with the block. Raises RayDidNotBegin.

    Its ports are of this machine alone and nobody else is on it, so no token is asked for (`RAY_AUTH_MODE`).
    """
    ray = Path(sysconfig.get_path("scripts")) / "ray"
    os.environ["RAY_AUTH_MODE"] = "disabled"
    # Ray's sockets have long names, so not below pytest's folders
    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as place:
        port, client = free_port(), _low_port()
        command = [
            *(ray, "start", "--block", "--head", "--num-cpus", str(cores), "--temp-dir", place, "--port", str(port)),
            *("--ray-client-server-port", str(client), "--include-dashboard=false", "--disable-usage-stats"),
        ]
        with (Path(place) / "said").open("w") as said:
            process = subprocess.Popen(command, stdout=said, stderr=said, env=os.environ | WAITS)
        try:
            _wait(process, Path(place) / "said")
            yield f"ray://127.0.0.1:{client}"
        finally:
            _leave()
            process.terminate()
            process.wait(60)


def _low_port() -> int:
    """A free port below those that Ray's workers take."""
    import socket

    for port in range(8_800, 9_900):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return port
    raise RayDidNotBegin("no port is free below 10,000")


def _wait(process: "subprocess.Popen[bytes]", said: Path) -> None:
    import time

    until = time.monotonic() + PATIENCE_SECONDS
    while "Ray runtime started" not in said.read_text(errors="replace"):
        if process.poll() is not None or time.monotonic() > until:
            raise RayDidNotBegin(said.read_text(errors="replace")[-500:])
        time.sleep(0.5)


def _leave() -> None:
    import ray

    if ray.is_initialized():
        ray.shutdown()
