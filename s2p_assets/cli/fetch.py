"""The command that fetches what lies elsewhere, once or until stopped."""

import os
import signal
import threading
from contextlib import suppress
from pathlib import Path
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


def dataset(
    name: Annotated[str, typer.Argument(metavar="NAME|URL", help="`f1`, `crm`, or the address of a file or archive.")],
    to: Annotated[str | None, typer.Option("--to", help="The folder on the share; else the name's own.")] = None,
    token_file: Annotated[
        Path | None, typer.Option("--token-file", help="A file with the token; else as S2P_REMOTES says.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Fetch a public data set onto the share, with a token where its server wants one."""
    from s2p_assets.settings import read_settings

    settings = read_settings()
    from s2p_assets.fetching.logins import Login
    from s2p_assets.samples.public_data import PUBLIC_DATA
    from s2p_assets.services.context import open_outlined
    from s2p_assets.services.remotes.data_sets import DataSetUnusable, fetch_data_set

    known = PUBLIC_DATA.get(name)
    folder = to or (known.folder if known else None)
    if known is None and "://" not in name:
        raise DataSetUnusable(f"no data set is called {name!r}; there are {', '.join(PUBLIC_DATA)}, or give an address")
    if folder is None:
        raise DataSetUnusable("say into which folder of the share: --to FOLDER")
    given = Login(token_file=token_file) if token_file else None
    with progress(f"fetching {name}", quiet=as_json):
        done = fetch_data_set(open_outlined(settings), known.url if known else name, folder, given)
    if as_json:
        print_json(vars(done))
    else:
        out.print(
            f"{escape(done.place)}: {len(done.put):,} files put on the share, {len(done.unchanged):,} there already"
        )
        for path in done.left:
            out.print(f"    [yellow]left as it is:[/yellow] {escape(path)}, which somebody else put there")
    raise typer.Exit(NEEDS_A_PERSON if done.left else 0)


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
