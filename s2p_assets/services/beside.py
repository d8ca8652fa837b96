"""A command of s2p's own, begun beside the process that asks for it, which does not wait for it."""

import os
import subprocess
import sys
import threading
from pathlib import Path

from s2p_assets.settings import Settings


def begin_beside(settings: Settings, command: str, log: Path) -> None:
    """Begin `s2p COMMAND` for this home; what it prints is written to `log` anew. It lives on when we end."""
    with log.open("w") as written:
        process = subprocess.Popen(
            [sys.executable, "-m", "s2p_assets.cli", command],
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=written,
            env=os.environ | {"S2P_HOME": str(settings.home)},
            start_new_session=True,
        )
    threading.Thread(target=process.wait, daemon=True).start()
