"""The commands about backups: writing one, bringing one back, and trying one out.

What is in a backup is decided in `services/backup.py`.
"""

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from s2p_assets.cli.terminal import COULD_NOT, Json, err, escape, out, print_json, progress

if TYPE_CHECKING:
    from s2p_assets.settings import Settings

To = Annotated[Path | None, typer.Argument(help="The folder of backups; S2P_BACKUP_TO by default.", show_default=False)]


def backup(to: To = None, as_json: Json = False) -> None:
    """Write a backup of database, archive, models, reports and settings, while everything runs."""
    from s2p_assets.settings import read_settings

    settings = read_settings()
    from s2p_assets.services.backup import back_up

    with progress("writing a backup", quiet=as_json) as say:
        made = back_up(settings, _folder(settings, to), say)
    if as_json:
        print_json({"folder": str(made.folder), "made_at": made.made_at, "seconds": made.manifest["seconds"]})
    else:
        out.print(f"{escape(str(made.folder))}: whole, after {made.manifest['seconds']} seconds")


def restore(
    source: Annotated[Path, typer.Argument(help="A backup, or the folder of them: then the newest.")],
    until: Annotated[
        dt.datetime | None, typer.Option(help="A moment to come back to, with S2P_WAL_ARCHIVE.", show_default=False)
    ] = None,
) -> None:
    """Bring a backup into S2P_HOME; what was there before is set aside."""
    from s2p_assets.settings import read_settings

    settings = read_settings()
    from s2p_assets.services import backup as service

    moment = until.astimezone() if until else None
    chosen = service.find_backup(source.absolute(), moment)
    with progress("bringing back a backup") as say:
        aside = service.restore(settings, chosen, say, moment)
    out.print(
        f"{escape(str(settings.home))} is as it was at {until or chosen.made_at:%Y-%m-%d %H:%M}; `s2p status` looks"
    )
    if aside:
        out.print(f"what was there before lies in {escape(str(aside))}; delete it when all is well")


def drill(
    source: Annotated[Path | None, typer.Argument(help="A backup, or the folder of them.", show_default=False)] = None,
    as_json: Json = False,
) -> None:
    """Bring the newest backup into a home of its own, start it, and compare what is there with what should be."""
    from s2p_assets.settings import read_settings

    settings = read_settings()
    from dataclasses import asdict

    from s2p_assets.services import backup as service

    chosen = service.find_backup(source.absolute() if source else _folder(settings, None))
    with progress("bringing back a backup into a home of its own", quiet=as_json) as say:
        found = service.drill(settings, chosen, say)
    if as_json:
        print_json(asdict(found))
    else:
        compared = (
            f"{found.tables:,} tables, {found.files:,} files of the archive and {found.reports:,} files of reports"
        )
        out.print(f"{escape(found.backup)}: brought back and started in {found.seconds} seconds; {compared} compared")
        for table in found.not_compared:
            out.print(f"    {escape(table)} was being written when it was backed up, and could not be compared")
        for fault in found.faults:
            err.print(f"[red]wrong:[/red] {escape(fault)}")
    raise typer.Exit(COULD_NOT if found.faults else 0)


def _folder(settings: "Settings", to: Path | None) -> Path:
    if to is None and settings.backup_to is None:
        raise typer.BadParameter("name the folder of backups, or set S2P_BACKUP_TO")
    return (to or settings.backup_to or Path()).absolute()
