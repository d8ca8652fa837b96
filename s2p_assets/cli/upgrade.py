"""The command that brings a home up to date after a new version was installed.

What it does is in `services/upgrade.py`.
"""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from s2p_assets.cli.terminal import Json, escape, out, print_json, progress

PLACE = "before-upgrade"


def upgrade(
    to: Annotated[
        Path | None,
        typer.Option(help="Where the backup is made; S2P_BACKUP_TO by default, else in the home.", show_default=False),
    ] = None,
    as_json: Json = False,
) -> None:
    """Bring PostgreSQL, s2p's own tables, Dagster's and the model registry's up to date, after a backup."""
    from s2p_assets.settings import read_settings

    settings = read_settings()
    from s2p_assets.graph.running.dagster_upgrade import upgrade_dagster
    from s2p_assets.services.upgrade import upgrade_home

    place = (to or settings.backup_to or settings.home / PLACE).absolute()
    with progress("upgrading", quiet=as_json) as say:
        found = upgrade_home(settings, place, upgrade_dagster, say)
    if as_json:
        print_json(asdict(found))
        return
    for line in found.done or ["everything was up to date"]:
        out.print(escape(line))
    out.print(f"The way back: install the version of before, then s2p restore {escape(str(found.backup))}")
