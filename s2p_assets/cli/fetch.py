"""The command that fetches what lies elsewhere, once or until stopped."""

import os
import signal
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from s2p_assets.cli.terminal import NEEDS_A_PERSON, Json, err, escape, out, print_json, progress

if TYPE_CHECKING:
    from s2p_assets.services.remotes.fetching import FetchResult

SHOWN = 10


def fetch(
    name: Annotated[
        str | None, typer.Argument(help="One remote folder, by its name; else all.", show_default=False)
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Every S2P_REMOTE_SECONDS, until stopped.")] = False,
    as_json: Json = False,
    lifeline: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Fetch what is new in the remote folders, and put marked copies there; `s2p up` does so by itself."""
    from s2p_assets.settings import read_settings

    settings = read_settings()
    from s2p_assets.services.context import open_outlined
    from s2p_assets.services.elsewhere import fetch_once, require_elsewhere, watch_elsewhere

    ctx = open_outlined(settings)
    require_elsewhere(ctx, name)
    if watch:
        ended = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: ended.set())
        if lifeline is not None:
            threading.Thread(target=_end_with, args=(lifeline, ended), daemon=True).start()
        from s2p_assets.services.logs import start_log

        start_log(settings.log_format)
        watch_elsewhere(ctx, ended)
        return
    with progress("fetching what lies elsewhere", quiet=as_json) as say:
        done = fetch_once(ctx, name, say)
    if as_json:
        print_json([vars(one) for one in done])
    else:
        for one in done:
            _print_fetched(one)
    raise typer.Exit(NEEDS_A_PERSON if any(one.state != "fetched" for one in done) else 0)


def _end_with(lifeline: int, ended: threading.Event) -> None:
    """Stop when whoever keeps this process up, and holds the other end, has ended."""
    with suppress(OSError):
        os.read(lifeline, 1)
    ended.set()


def _print_fetched(done: "FetchResult") -> None:
    if done.problem:
        err.print(f"[yellow]away[/yellow] {escape(done.problem)}")
        return
    out.print(
        f"{escape(done.place)}: {len(done.fetched):,} fetched, {done.unchanged:,} as they were, {len(done.gone):,} gone"
    )
    for path in done.fetched[:SHOWN]:
        out.print(f"    {escape(path)}")
    if len(done.fetched) > SHOWN:
        out.print(f"    and {len(done.fetched) - SHOWN:,} more")
    for path in done.put[:SHOWN]:
        out.print(f"    put there: {escape(path)}")
    for note in done.notes[:SHOWN]:
        out.print(f"    [yellow]left out:[/yellow] {escape(note)}")
