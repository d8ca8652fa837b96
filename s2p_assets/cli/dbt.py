"""The command for a company's dbt project: s2p's tables as its sources.

Its models are made as assets of the graph, by `run` and by Dagster.
"""

from pathlib import Path
from typing import Annotated

import typer

from s2p_assets.cli.terminal import Json, escape, out, print_json

dbt = typer.Typer(
    name="dbt",
    help="A company's dbt project: s2p's tables as its sources.",
    epilog="Examples: `s2p dbt sources`, `s2p dbt sources --to models/staging/s2p.yml`",
    no_args_is_help=True,
)


@dbt.callback()
def _project() -> None:
    """A company's dbt project: s2p's tables as its sources."""


@dbt.command("sources", epilog="Examples: `s2p dbt sources`, `s2p dbt sources --to models/staging/s2p.yml`")
def write(
    to: Annotated[
        Path | None, typer.Option("--to", help="The file; by default sources.yml beside the project's models.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write the yml by which dbt's models select from s2p's tables."""
    from s2p_assets.services.context import open_outlined
    from s2p_assets.services.dbt_sources import write_sources
    from s2p_assets.settings import read_settings

    settings = read_settings()
    file, written = write_sources(settings, open_outlined(settings).catalog, to)
    if as_json:
        print_json({"file": str(file), "written": written})
    else:
        out.print(escape(f"{file}: {'written' if written else 'holds all of it already'}"))
