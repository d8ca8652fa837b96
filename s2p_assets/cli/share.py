"""The commands about the share drive as a whole: watch it, process it, say how it stands.

What is asked of one workbook is in `workbooks.py`; a sample share drive is for `demo.py`.
"""

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
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
ANSWER_SECONDS = 0.5


def up() -> None:
    """Watch the share, and serve reports, API and the Dagster UI behind one login, until stopped."""
    from s2p_assets.settings import read_settings

    settings = read_settings()
    _require_share(settings)
    serve_share(settings)


def run(as_json: Json = False) -> None:
    """Process what is new or changed on the share, to the last report, then exit."""
    from s2p_assets.cli.printing.status import print_failures, print_outcome
    from s2p_assets.settings import read_settings

    settings = read_settings()
    _require_share(settings)
    if settings.log_format == "json":
        from s2p_assets.services.logs import start_log

        start_log(settings.log_format)
    status = process_share(settings, quiet=as_json)
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
    """The default share is made when missing; a company's own must be there, and one elsewhere is fetched."""
    if settings.remote_share:
        return
    if "share" not in settings.model_fields_set:
        settings.share.mkdir(parents=True, exist_ok=True)
    if not settings.share.is_dir():
        from s2p_assets.spreadsheet.share import ShareMissing

        raise ShareMissing(f"{settings.share}: there is no such folder; mount the share drive, or correct S2P_SHARE")


def process_share(settings: "Settings", *, quiet: bool = False) -> dict[str, Any]:
    """One headless pass through the graph; the status afterwards, with the runs.

    Where `s2p up` runs, a process of its own makes it that has everything loaded already.
    """
    silence_libraries()
    with noise_apart(settings), progress("starting PostgreSQL and the asset graph", quiet=quiet) as say:
        if (made := _made_by_servers(settings, say)) is not None:
            return made
        from s2p_assets.definitions import build
        from s2p_assets.graph.running.headless import process

        graph = build(settings)
        return process(graph.ctx, graph.definitions, say)


def _made_by_servers(settings: "Settings", say: Callable[[str], None]) -> dict[str, Any] | None:
    from s2p_assets.graph.running.turns import are_servers_up

    if settings.log_format == "json" or not are_servers_up(settings):
        return None
    from s2p_assets.graph.running.warm_pass import pass_of_servers

    made = pass_of_servers(settings, say)
    if made is None:
        return None
    from s2p_assets.services.context import open_outlined
    from s2p_assets.services.status import read_status

    status = read_status(open_outlined(settings), dt.datetime.fromisoformat(made["begun"]))
    for file in status["unclaimed"]:
        file["says"] = file["says"] or made["unclaimed"].get(file["path"])
    return status | {name: made[name] for name in ("runs", "failures", "waits")}


def serve_share(settings: "Settings") -> None:
    """Watch the share and serve the Dagster UI until stopped; its address is told once it answers."""
    from s2p_assets.graph.running.servers import require_port, serve
    from s2p_assets.warehouse.server.connection import connect, database_url

    require_port(settings.host, settings.port)
    connect(database_url(settings)).close()
    out.print("\nstarting s2p   (stop with Ctrl-C)")
    with _told_when_it_answers(settings), _arrivals_printed(settings):
        code = serve(settings)
    raise typer.Exit(code)


def open_for_a_first_look(settings: "Settings") -> "Settings":
    """Without a login where only this computer can ask, unless S2P_OPEN says otherwise."""
    is_asked = "open" in settings.model_fields_set or not settings.is_on_loopback
    return settings if is_asked else settings.model_copy(update={"open": True})


def _print_address(settings: "Settings") -> None:
    """Where it is served; and where nobody can log in yet, the link by which the first engineer does."""
    from s2p_assets.services.access import first_link
    from s2p_assets.services.context import open_without_shelves
    from s2p_assets.services.database_access import missing_roles

    ctx = open_without_shelves(settings)
    out.print(f"s2p: [bold]{settings.address}[/bold]   (Dagster, which starts when it is first opened: /dagster)")
    if lacking := missing_roles(ctx):
        out.print(escape(f"s2p {lacking}"), soft_wrap=True)
    if settings.open:
        out.print("open to everybody on this computer; without S2P_OPEN it asks for a login")
    elif secret := first_link(ctx):
        out.print(f"the first engineer, good once, for a day: {settings.address}/join/{secret}", soft_wrap=True)


@contextmanager
def _watching(watch: Callable[[], None], ended: threading.Event) -> Iterator[None]:
    """`watch` runs beside the block, until it sees that `ended` is set."""
    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(ARRIVALS_SECONDS)


@contextmanager
def _told_when_it_answers(settings: "Settings") -> Iterator[None]:
    """Print the address when it first answers, for until then it would open nothing."""
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(ANSWER_SECONDS):
            if _answers(settings):
                _print_address(settings)
                return

    with _watching(watch, ended):
        yield


def _answers(settings: "Settings") -> bool:
    from http.client import HTTPConnection, HTTPException

    try:
        connection = HTTPConnection(settings.host, settings.port, timeout=ARRIVALS_SECONDS)
        connection.request("GET", "/")
        return connection.getresponse().status < HTTPStatus.INTERNAL_SERVER_ERROR
    except (OSError, HTTPException):
        return False


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

    with _watching(watch, ended):
        yield


def _exit_code(current: dict[str, Any]) -> int:
    from s2p_assets.services.attention import what_needs_a_person

    if current.get("failures"):
        return COULD_NOT
    return NEEDS_A_PERSON if what_needs_a_person(current) else 0
