"""The process that fetches what lies elsewhere beside the servers of `s2p up`, where anything does.

What it does is `s2p fetch --watch`.
"""

import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext

from s2p_assets.graph.running.kept_up import kept_up
from s2p_assets.services.context import open_outlined
from s2p_assets.services.elsewhere import is_anything_elsewhere
from s2p_assets.settings import Settings


def fetching_elsewhere(settings: Settings, environ: Mapping[str, str]) -> AbstractContextManager[None]:
    """Fetch for as long as the block lasts; nothing is started where nothing lies elsewhere."""
    if not is_anything_elsewhere(open_outlined(settings)):
        return nullcontext()

    def command(lifeline: int) -> list[str]:
        return [sys.executable, "-m", "s2p_assets.cli", "fetch", "--watch", "--lifeline", str(lifeline)]

    return kept_up(command, environ, "s2p fetch")
