"""The command that writes tables to a lakehouse, now or as they were known at a moment.

Other files of one table are written by `table`, in `tables.py`.
"""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from s2p_assets.cli.terminal import NEEDS_A_PERSON, Json, escape, out, print_json, progress, silence_libraries

if TYPE_CHECKING:
    from s2p_assets.services.lakehouse import Exported


def export(
    to: Annotated[
        tuple[str, str] | None,
        typer.Option("--to", help="The format, delta, and a folder or s3://bucket/…", metavar="delta PLACE"),
    ] = None,
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", help="As all was known at the end of this day, or at a moment.", metavar="MOMENT"),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write tables, features and forecasts as Delta tables; only what changed since is written."""
    from s2p_assets.settings import read_settings

    settings = read_settings()
    from s2p_assets.services.context import open_outlined
    from s2p_assets.services.lakehouse_schedule import bring_up_to_date, export_and_note
    from s2p_assets.services.lakehouse_standing import export_target

    target = export_target(settings, *(to or ("delta", settings.lakehouse or "")))
    ctx = open_outlined(settings)
    silence_libraries()
    with progress("exporting", quiet=as_json) as say:
        done = export_and_note(ctx, target, as_of, say) if to or as_of else bring_up_to_date(ctx, say)
    if as_json:
        print_json(asdict(done) | {"moment": done.moment.isoformat()} if done else None)
    elif done is None:
        out.print(f"{escape(target.root)} holds the newest already")
    else:
        _print(done)
    raise typer.Exit(NEEDS_A_PERSON if done and done.notices else 0)


def _print(done: "Exported") -> None:
    for name, wrote in done.tables.items():
        parts = f"{wrote['buckets']:,} of {wrote['of']:,} buckets" if wrote["of"] > 1 else "written"
        out.print(f"{escape(name)}: version {wrote['version']}, {parts}")
    unchanged = f"; {len(done.unchanged):,} unchanged" if done.unchanged else ""
    out.print(f"{len(done.tables):,} tables written to {escape(done.target)}{unchanged}")
    for notice in done.notices:
        out.print(f"[yellow]{escape(notice)}[/yellow]")
