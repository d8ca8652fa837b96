"""The process that reads streams beside the servers of `s2p up`, where there is a stream to read and brokers to ask,
or a table to be made by the second of events that are pushed.

What it does is `s2p stream`; more of them on other computers share the work.
"""

import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext

from s2p_assets.graph.running.kept_up import kept_up
from s2p_assets.services.context import open_outlined
from s2p_assets.services.streams.telling import streams_to_read
from s2p_assets.settings import Settings

COMMAND = "s2p_assets.cli"


def reading_streams(settings: Settings, environ: Mapping[str, str]) -> AbstractContextManager[None]:
    """Read the streams for as long as the block lasts; nothing is started where none is declared and configured."""
    ctx = open_outlined(settings)
    if not streams_to_read(ctx) and not ctx.catalog.follows_pushed:
        return nullcontext()

    def command(lifeline: int) -> list[str]:
        return [sys.executable, "-m", COMMAND, "stream", "--lifeline", str(lifeline)]

    return kept_up(command, environ, "s2p stream")
