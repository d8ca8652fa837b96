"""`dagster dev` whose web server listens behind the door: `python -m s2p_assets.graph.running.dagster_dev SOCKET …`.

It starts that server by its module's name, which is given another here; everything else is Dagster's own.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from s2p_assets.graph.running.dagster_web import host_behind_door

THEIRS = "dagster_webserver"


def run_dagster() -> None:
    """As `dagster dev`, or as the web server that it starts."""
    socket, role, *words = sys.argv[1:]
    if role == THEIRS:
        _serve(Path(socket), words)
    else:
        _start(socket, [role, *words])


def _start(socket: str, words: Sequence[str]) -> None:
    from dagster._cli import dev as theirs_module

    dev: Any = theirs_module
    theirs = dev.open_ipc_subprocess

    def ours(parts: Sequence[str], **more: Any) -> Any:
        if list(parts[1:3]) == ["-m", THEIRS]:
            parts = [parts[0], "-m", "s2p_assets.graph.running.dagster_dev", socket, THEIRS, *parts[3:]]
        return theirs(parts, **more)

    dev.open_ipc_subprocess = ours
    dev.dev_command(args=list(words), prog_name="dagster dev")


def _serve(socket: Path, words: Sequence[str]) -> None:
    from dagster_webserver import cli as theirs_module

    cli: Any = theirs_module

    def host(context: Any, *_: Any, **__: Any) -> None:
        host_behind_door(context, socket)

    cli.host_dagster_ui_with_workspace_process_context = host
    cli.cli(args=list(words), prog_name="dagster-webserver", auto_envvar_prefix="DAGSTER_WEBSERVER")


if __name__ == "__main__":
    run_dagster()
