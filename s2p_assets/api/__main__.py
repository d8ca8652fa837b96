"""The server as a process: `python -m s2p_assets.api [--dagster SOCKET]`, which `s2p up` starts."""

import argparse
from pathlib import Path

from s2p_assets.settings import Settings, read_settings

KEEP_ALIVE_SECONDS = 30
MOST_AT_ONCE = 1000
GRACE_SECONDS = 5


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dagster", type=Path, help="the socket that Dagster's web server listens on")
    given = parser.parse_args()
    serve(read_settings(), given.dagster)


def serve(settings: Settings, dagster_socket: Path | None) -> None:
    import uvicorn

    from s2p_assets.api.app import build_app
    from s2p_assets.api.bounds import PatientProtocol
    from s2p_assets.services.context import open_context

    uvicorn.run(
        build_app(open_context(settings), dagster_socket),
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
