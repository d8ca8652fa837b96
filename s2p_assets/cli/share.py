"""The commands about the share drive as a whole: fill it with a sample, watch it, process it, say how it stands.

What is asked of one workbook is in `workbooks.py`.
"""

import datetime as dt
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from s2p_assets.cli.terminal import (
    COULD_NOT,
    NEEDS_A_PERSON,
    Json,
    escape,
    noise_apart,
    out,
    print_json,
    progress,
    silence_libraries,
)

if TYPE_CHECKING:
    from s2p_assets.settings import Settings

ARRIVALS_SECONDS = 5.0


def demo(
    ui: Annotated[bool, typer.Option("--ui/--no-ui", help="Serve the Dagster UI afterwards.")] = True,
) -> None:
    """Write a sample share drive, process all of it, say where the reports are, then serve the Dagster UI."""
    from s2p_assets.cli.printing.status import print_outcome
    from s2p_assets.samples.share_files import sample_shares
    from s2p_assets.settings import read_settings

    settings = read_settings()
    if ui:
        from s2p_assets.graph.running.servers import require_port

        require_port(settings.host, settings.port)
    _write_samples(settings)
    status = _process(settings)
    print_outcome(settings, status)
    planted = [fault for sample in sample_shares().values() for fault in sample.mistakes]
    out.print(f"\n[bold]What was planted in the sample[/bold] ({len(planted)} faults)")
    for fault in planted:
        place = " › ".join(part for part in (fault.path, fault.sheet, fault.cell) if part)
        out.print(f"  {escape(place)}: {escape(fault.description)}")
    if ui:
        _serve(settings)


def up() -> None:
    """Watch the share and serve the Dagster UI, until stopped."""
    from s2p_assets.settings import read_settings

    settings = read_settings()
    _require_share(settings)
    _serve(settings)


def run(as_json: Json = False) -> None:
    """Process what is new or changed on the share, to the last report, then exit."""
    from s2p_assets.cli.printing.status import print_failures, print_outcome
    from s2p_assets.settings import read_settings

    settings = read_settings()
    _require_share(settings)
    status = _process(settings, quiet=as_json)
    if as_json:
        print_json(status)
        print_failures(status)
    else:
        print_outcome(settings, status)
    raise typer.Exit(_exit_code(status))


def status(as_json: Json = False) -> None:
    """What is loaded, waiting and returned; which models are in service; where the reports are."""
    from s2p_assets.cli.printing.status import print_status
    from s2p_assets.settings import read_settings

    settings = read_settings()
    from s2p_assets.services.context import open_outlined
    from s2p_assets.services.status import read_status

    _require_share(settings)
    current = read_status(open_outlined(settings))
    if as_json:
        print_json(current)
    else:
        print_status(settings, current)
    raise typer.Exit(_exit_code(current))


def forget(
    file: Annotated[str, typer.Argument(help="The file's path on the share.", show_default=False)],
) -> None:
    """Withdraw the rows of a file that was loaded, on purpose."""
    from s2p_assets.settings import read_settings

    settings = read_settings()
    from s2p_assets.services.context import open_outlined
    from s2p_assets.services.status import forget_file

    file = _on_share(settings, file)
    rows = forget_file(open_outlined(settings), file)
    out.print(f"{escape(file)}: {rows:,} rows withdrawn; the next run brings the reports up to date")


def accept(
    files: Annotated[list[str], typer.Argument(help="The paths of held files on the share.", show_default=False)],
) -> None:
    """Accept held files as they are; the next run loads them."""
    from s2p_assets.settings import read_settings

    settings = read_settings()
    from s2p_assets.services.context import open_outlined
    from s2p_assets.services.held_files import accept_file

    ctx = open_outlined(settings)
    for file in (_on_share(settings, file) for file in files):
        answered = [question for asked in accept_file(ctx, file).values() for question in asked]
        for question in dict.fromkeys(answered):
            out.print(f"{escape(file)}: {escape(question)}")
        out.print(f"{escape(file)}: accepted; the next run loads it and brings the reports up to date")


def keep(
    files: Annotated[list[str], typer.Argument(help="The paths of files that are gone.", show_default=False)],
) -> None:
    """Keep the rows of files that are gone from the share; nothing is told of them any more."""
    from s2p_assets.settings import read_settings

    settings = read_settings()
    from s2p_assets.services.context import open_outlined
    from s2p_assets.services.held_files import keep_file

    ctx = open_outlined(settings)
    for file in (_on_share(settings, file) for file in files):
        keep_file(ctx, file)
        out.print(f"{escape(file)}: its rows are kept")


def _on_share(settings: "Settings", file: str) -> str:
    """The path on the share of a file that is named by that, or by its path on this computer."""
    place = Path(file).absolute()
    inside = place.is_relative_to(settings.share.absolute())
    return place.relative_to(settings.share.absolute()).as_posix() if inside else file


def _require_share(settings: "Settings") -> None:
    """The default share is made when missing; a company's own must be there."""
    if "share" not in settings.model_fields_set:
        settings.share.mkdir(parents=True, exist_ok=True)
    if not settings.share.is_dir():
        from s2p_assets.spreadsheet.share import ShareMissing

        raise ShareMissing(f"{settings.share}: there is no such folder; mount the share drive, or correct S2P_SHARE")


def _write_samples(settings: "Settings") -> None:
    from s2p_assets.samples.share_files import sample_shares

    settings.share.mkdir(parents=True, exist_ok=True)
    with progress("writing a sample share drive") as say:
        count, today = 0, dt.date.today()  # noqa: DTZ011  the user's own day
        for file in chain.from_iterable(
            sample.write(settings.share, until=today) for sample in sample_shares().values()
        ):
            count += 1
            say(f"writing a sample share drive: {count} files ({file.name})")
    out.print(f"sample share drive: {count} files in {escape(str(settings.share))}")


def _process(settings: "Settings", *, quiet: bool = False) -> dict[str, Any]:
    """One headless pass through the graph; the status afterwards, with the runs."""
    silence_libraries()
    with noise_apart(settings), progress("starting PostgreSQL and the asset graph", quiet=quiet) as say:
        from s2p_assets.definitions import build
        from s2p_assets.graph.running.headless import process

        graph = build(settings)
        return process(graph.ctx, graph.definitions, say)


def _serve(settings: "Settings") -> None:
    from s2p_assets.graph.running.servers import require_port, serve
    from s2p_assets.warehouse.server.connection import connect, database_url

    require_port(settings.host, settings.port)
    connect(database_url(settings)).close()
    out.print(f"\nDagster UI: [bold]http://{settings.host}:{settings.port}[/bold]   (stop with Ctrl-C)")
    with _arrivals_printed(settings):
        code = serve(settings)
    raise typer.Exit(code)


@contextmanager
def _arrivals_printed(settings: "Settings") -> Iterator[None]:
    """Print what comes in, and what it changes, while the servers run."""
    from psycopg import Error

    from s2p_assets.services.arrivals import Arrivals
    from s2p_assets.warehouse.server.unreachable import DatabaseUnreachable

    arrivals, ended = Arrivals(settings), threading.Event()

    def watch() -> None:
        while True:
            with suppress(DatabaseUnreachable, Error):  # the servers say so, and it may come back
                for line in arrivals.lines():
                    out.print(escape(line))
            if ended.wait(ARRIVALS_SECONDS):
                return

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    try:
        yield
    finally:
        ended.set()
        watching.join(ARRIVALS_SECONDS)


def _exit_code(current: dict[str, Any]) -> int:
    if current.get("failures"):
        return COULD_NOT
    waiting = any(book["returned"] or book["held"] or book["waiting"] for book in current["workbooks"])
    asked = current["gone"] or current["missing"] or current["unclaimed"] or current["faults"]
    undelivered = current["messages"]["problem"] or current["messages"]["undelivered"]
    return NEEDS_A_PERSON if waiting or asked or undelivered else 0
