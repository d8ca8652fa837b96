"""The server as a process: `python -m s2p_assets.api [--dagster SOCKET]`, which `s2p up` starts."""

import argparse
import os
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path

from s2p_assets.settings import Settings, read_settings

KEEP_ALIVE_SECONDS = 30
MOST_AT_ONCE = 1000
GRACE_SECONDS = 5


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dagster", type=Path, help="the socket that Dagster's web server listens on")
    parser.add_argument("--lifeline", type=int, help="a file descriptor that is closed when `s2p up` has ended")
    given = parser.parse_args()
    if given.lifeline is not None:
        threading.Thread(target=_end_with, args=(given.lifeline,), daemon=True).start()
    try:
        serve(read_settings(), given.dagster)
    except Exception as error:
        from s2p_assets.services.errors import one_line

        if (line := one_line(error)) is None:
            raise
        print(f"s2p: {line}", file=sys.stderr)  # noqa: T201  what a person can mend is said in one line
        raise SystemExit(2) from None


def _end_with(lifeline: int) -> None:
    """Stop when nobody holds the other end any more."""
    with suppress(OSError):
        os.read(lifeline, 1)
    os.kill(os.getpid(), signal.SIGTERM)


def serve(settings: Settings, dagster_socket: Path | None) -> None:
    import uvicorn

    from s2p_assets.api.app import build_app
    from s2p_assets.api.bounds import PatientProtocol
    from s2p_assets.services.context import open_outlined

    uvicorn.run(
        build_app(open_outlined(settings), dagster_socket),
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=PatientProtocol,
        ws="websockets-sansio",
        lifespan="on",  # by default a server whose start failed answers 500 to everything
        access_log=False,
        log_level="warning",
        server_header=False,
        proxy_headers=settings.public_url is not None,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
        limit_concurrency=MOST_AT_ONCE,
    )


if __name__ == "__main__":
    main()
