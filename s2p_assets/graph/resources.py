"""Resources that last for one run.

What lasts longer is made once in `definitions.py`.
"""

from collections.abc import Iterator

import dagster as dg

from s2p_assets.services.context import Context
from s2p_assets.spreadsheet.sandbox import Sandbox


def reader_resource(ctx: Context) -> dg.ResourceDefinition:
    """One sandboxed reader for a whole run; its process ends with the run."""

    @dg.resource
    def reader(_: dg.InitResourceContext) -> Iterator[Sandbox]:
        with ctx.reader() as sandbox:
            yield sandbox

    return reader
