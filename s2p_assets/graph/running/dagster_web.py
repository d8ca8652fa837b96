"""Dagster's web server behind the door: under `/dagster`, on a socket of this installation instead of a port.

Whoever may pass the door's login gets there; nobody else on the computer does.
"""

import os
from pathlib import Path
from typing import Any

PREFIX = "/dagster"


def host_behind_door(context: Any, socket: Path) -> None:
    """Serve Dagster's UI of a workspace's context on `socket`, until stopped."""
    import uvicorn
    from dagster_webserver.app import create_app_from_workspace_process_context

    socket.unlink(missing_ok=True)
    before = os.umask(0o177)
    try:
        app = create_app_from_workspace_process_context(context, PREFIX)
        uvicorn.run(app, uds=str(socket), log_level="warning", access_log=False)
    finally:
        os.umask(before)
