"""The commands about states that were: reproducing a model from one, pinning one, and what no one needs any more.

A table as it was is shown by `table`, in `tables.py`.
"""

import getpass
from dataclasses import asdict
from typing import Annotated, Any

import typer

from s2p_assets.cli.console import table_lines
from s2p_assets.cli.terminal import COULD_NOT, NEEDS_A_PERSON, Json, err, escape, out, print_json, progress

FILES_SHOWN = 10


def reproduce(
    model: Annotated[str, typer.Argument(help="MODEL, or MODEL@VERSION.", metavar="MODEL[@VERSION]")],
    as_json: Json = False,
) -> None:
    """Restore the rows that a model version learned from, train it again, and compare; nothing is put in service."""
    from s2p_assets.settings import read_settings

    settings = read_settings()
    from s2p_assets.services.context import open_context
    from s2p_assets.services.reproduction import reproduce as made_again

    with progress(f"reproducing {model}", quiet=as_json) as say:
        done = made_again(open_context(settings), model, say)
    if as_json:
        print_json(asdict(done) | {"moment": done.moment.isoformat(), "is_equal": done.is_equal})
    else:
        out.print(f"{escape(done.model)}, from what was known on {done.moment.astimezone():%Y-%m-%d %H:%M:%S}")
        rows = [
            ("version", *done.version),
            ("rows", *(f"{count:,}" for count in done.rows)),
            ("data", *done.data),
            ("loss", *(f"{loss:.6g}" for loss in done.losses)),
        ]
        out.print(*table_lines(("", "stored", "again"), rows))
        for line in done.differences:
            out.print(f"[yellow]{escape(line)}[/yellow]")
        for notice in done.notices:
            out.print(escape(notice))
        if done.is_equal:
            out.print("equal: the same rows, the same version, the same scores")
    raise typer.Exit(0 if done.is_equal else NEEDS_A_PERSON)


def tag(
    name: Annotated[str | None, typer.Argument(help="A name; without one all are listed.", show_default=False)] = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="Of the end of this day, or a moment; else of now.", metavar="MOMENT")
    ] = None,
    because: Annotated[str, typer.Option("--because", help="Why; kept with it.")] = "no reason was given",
    remove: Annotated[bool, typer.Option("--remove", help="Take the name away again.")] = False,
    as_json: Json = False,
) -> None:
    """Pin a state: the files that it is made of are kept from clean-up for as long as it has a name."""
    from s2p_assets.settings import read_settings

    settings = read_settings()
    from s2p_assets.services.clean_up import tag_state, untag_state
    from s2p_assets.services.context import open_outlined
    from s2p_assets.warehouse.files.tags import read_tags

    ctx = open_outlined(settings)
    if name and remove:
        untag_state(ctx, name)
    elif name:
        tag_state(ctx, name, as_of, because, getpass.getuser())
    with ctx.warehouse.reading() as connection:
        tags = read_tags(connection)
    if as_json:
        print_json(
            [asdict(one) | {"moment": one.moment.isoformat(), "made_at": one.made_at.isoformat()} for one in tags]
        )
        return
    rows = [
        (escape(one.name), f"{one.moment.astimezone():%Y-%m-%d %H:%M}", escape(one.made_by), escape(one.reason))
        for one in tags
    ]
    out.print(*(table_lines(("tag", "state of", "by", "why"), rows) if rows else ["no state is pinned"]))


def gc(
    remove: Annotated[bool, typer.Option("--remove", help="Give it back; it cannot be had again.")] = False,
    as_json: Json = False,
) -> None:
    """What the archive could give back: files that no edition, model, tag or stored row needs."""
    from s2p_assets.settings import read_settings

    settings = read_settings()
    from s2p_assets.graph.running.turns import headless_lock, is_free
    from s2p_assets.services.clean_up import archive_room
    from s2p_assets.services.context import open_context

    with is_free(settings, "up") as down, headless_lock(settings, lambda text: err.print(escape(text))):
        if remove and not down:
            err.print("[red]s2p:[/red] s2p up is at work here; stop it first, so that no file comes back meanwhile")
            raise typer.Exit(COULD_NOT)
        room = archive_room(open_context(settings), remove=remove)
    if as_json:
        print_json(
            {"files": [asdict(one) for one in room.files], "bytes": room.bytes, "kept": room.kept, "removed": remove}
        )
        return
    _print_room(room)


def _print_room(room: Any) -> None:
    kept = ", ".join(f"{count:,} {what}" for what, count in room.kept.items())
    out.print(f"kept: what counts now, what people entered, and the states of {kept}")
    verb = "given back" if room.removed else "could be given back"
    out.print(
        f"{len(room.files):,} files, {room.bytes / 1e6:,.1f} MB {verb}"
        + ("" if room.removed or not room.files else "; s2p gc --remove")
    )
    for file in room.files[:FILES_SHOWN]:
        out.print(f"  {escape(file.path)}  {file.bytes / 1e3:,.0f} kB")
    if len(room.files) > FILES_SHOWN:
        out.print(f"  and {len(room.files) - FILES_SHOWN:,} more; --json lists all")
