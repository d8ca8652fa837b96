"""The door for people at a terminal: every `s2p …` command, its help, its progress and its exit code.

What a command does is done by the rooms behind it; here it is only asked for and printed.
Exit codes: 0 all well; 1 it worked, but something was returned or needs a person; 2 it could not do it.
A command reads its settings before it loads the graph, which takes seconds: a wrong one is told at once.
"""

import datetime as dt
import gc
import os
import sys
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from s2p_assets import cli_models
from s2p_assets.settings import Settings, read_settings
from s2p_assets.terminal import (
    COULD_NOT,
    NEEDS_A_PERSON,
    Json,
    err,
    house_and_warehouse,
    noise_apart,
    out,
    print_json,
    progress,
    silence_libraries,
    values_by_name,
)

if TYPE_CHECKING:
    from s2p_assets.graph.reporting import MadeReport

ROWS_TRACED = 5
WAITING_SHOWN = 5
NUMBERS_NAMED = 8
GARBAGE_AFTER = 50_000
"""New objects until Python looks for garbage; with its 700 that takes a sixth of every command's start."""

app = typer.Typer(
    name="s2p",
    help="Sheets to pipelines: drop a workbook, read its numbers in the next report.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode="markdown",
)
app.command(epilog="Example: `s2p champion retail_demand_champion --set demand_prophet --because 'the fair'`")(
    cli_models.champion
)
app.command(epilog="Example: `s2p why retail_demand_boosting`")(cli_models.why)
app.command(epilog="Example: `s2p predict retail_demand_champion sku=0001 --horizon 4`")(cli_models.predict)
app.command(epilog="Example: `s2p mlflow --port 5000`")(cli_models.mlflow)


def main() -> None:
    """Run the command line; every failure a person can mend is one line."""
    gc.set_threshold(GARBAGE_AFTER, 20, 20)
    try:
        app()
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except BrokenPipeError:  # whoever read what we print has seen enough, as in `s2p status | head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(141) from None
    except Exception as error:
        line = _one_line(error)
        if line is None:
            raise
        err.print(f"[red]s2p:[/red] {escape(line)}")
        raise SystemExit(COULD_NOT) from None


def _one_line(error: Exception) -> str | None:
    """What went wrong and what to do next; None for a fault of s2p's own, whose traceback is wanted."""
    from pydantic import ValidationError

    if isinstance(error, ValidationError):
        wrong = error.errors()[0]
        name = "_".join(str(part) for part in wrong["loc"]).upper() or "setting"
        return f"S2P_{name}={wrong['input']!r} is not usable: {wrong['msg']}; correct it in the environment or .env"
    if isinstance(error, UnicodeDecodeError) and error.object == _read_or_nothing(Path(".env")):
        return ".env is not UTF-8 text; save it as such, then try again"
    from s2p_assets.graph.problems import in_one_line

    return in_one_line(error)


def _read_or_nothing(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""


@app.command(epilog="Example: `s2p demo --no-ui`")
def demo(
    ui: Annotated[bool, typer.Option("--ui/--no-ui", help="Serve the Dagster UI afterwards.")] = True,
) -> None:
    """Write a sample share drive, process all of it, say where the reports are, then serve the Dagster UI."""
    from s2p_assets.samples.writing import samples

    settings = read_settings()
    if ui:
        from s2p_assets.graph.running import require_port

        require_port(settings.host, settings.port)
    _write_samples(settings)
    status = _process(settings)
    _print_outcome(settings, status)
    planted = [fault for sample in samples().values() for fault in sample.planted]
    out.print(f"\n[bold]What was planted in the sample[/bold] ({len(planted)} faults)")
    for fault in planted:
        place = " › ".join(part for part in (fault.path, fault.sheet, fault.cell) if part)
        out.print(f"  {escape(place)}: {escape(fault.what)}")
    if ui:
        _serve(settings)


@app.command(epilog="Example: `S2P_SHARE=/srv/share s2p up`")
def up() -> None:
    """Watch the share and serve the Dagster UI, until stopped."""
    settings = read_settings()
    _require_share(settings)
    _serve(settings)


@app.command(epilog="Example: `s2p run --json`")
def run(as_json: Json = False) -> None:
    """Process what is new or changed on the share, to the last report, then exit."""
    settings = read_settings()
    _require_share(settings)
    status = _process(settings, quiet=as_json)
    if as_json:
        print_json(status)
        _print_failures(status)
    else:
        _print_outcome(settings, status)
    raise typer.Exit(_exit_code(status))


@app.command(epilog="Example: `s2p check 'Prices March.xlsx' --marked Checked.xlsx`")
def check(
    files: Annotated[list[Path], typer.Argument(help="Workbooks to check.", show_default=False)],
    workbook: Annotated[str | None, typer.Option("--as", help="Check against this contract.")] = None,
    as_json: Json = False,
    marked: Annotated[Path | None, typer.Option("--marked", help="Write a copy with the bad cells marked.")] = None,
) -> None:
    """The verdict and every finding of files, nothing loaded."""
    settings = read_settings()
    from s2p_assets.graph.checking import check_files

    readings = []
    with progress("opening a reader", quiet=as_json) as say:
        for number, reading in enumerate(check_files(settings, files, workbook, marked), start=1):
            say(f"{number} of {len(files)} files checked")
            readings.append(reading)
    if as_json:
        print_json([reading.as_json() for reading in readings])
    else:
        for reading in readings:
            _print_reading(reading)
    if any(reading.error for reading in readings):
        raise typer.Exit(COULD_NOT)
    raise typer.Exit(0 if all(reading.verdict == "accepted" for reading in readings) else NEEDS_A_PERSON)


@app.command(epilog="Example: `s2p plan 'Prices April.xlsx'`")
def plan(
    file: Annotated[Path, typer.Argument(help="The workbook to be dropped.", show_default=False)],
    workbook: Annotated[str | None, typer.Option("--as", help="Plan it as this contract.")] = None,
    as_json: Json = False,
) -> None:
    """What a file would change in what is loaded, before it is dropped; nothing is written."""
    settings = read_settings()
    from s2p_assets.graph.plan_wording import plan_lines
    from s2p_assets.graph.planning import plan_file

    with err.status(f"reading {escape(file.name)} and comparing it with what is loaded"):
        planned = plan_file(settings, file, workbook)
    if as_json:
        print_json(planned.as_json())
    else:
        _print_reading(planned.reading)
        for line in plan_lines(planned):
            out.print(escape(line))
    if planned.reading.error:
        raise typer.Exit(COULD_NOT)
    raise typer.Exit(0 if planned.reading.verdict == "accepted" and not planned.refused else NEEDS_A_PERSON)


@app.command(epilog="Example: `s2p status --json`")
def status(as_json: Json = False) -> None:
    """What is loaded, waiting and returned; which models are in service; where the reports are."""
    settings = read_settings()
    from s2p_assets.graph.status import read_status

    _require_share(settings)
    current = read_status(settings, *house_and_warehouse(settings))
    if as_json:
        print_json(current)
    else:
        _print_status(settings, current)
    raise typer.Exit(_exit_code(current))


@app.command(
    epilog="Examples: `s2p trace retail_demand sku=1042 week=2026-11-09`, `s2p trace retail_weekly_outlook F1`"
)
def trace(
    name: Annotated[str, typer.Argument(help="A table or report, such as retail_demand.", show_default=False)],
    which: Annotated[
        list[str], typer.Argument(help="A table's row as COLUMN=VALUE …, or the id of a report's number.")
    ],
    column: Annotated[list[str] | None, typer.Option("--column", help="Only this column; may be repeated.")] = None,
    edition: Annotated[str | None, typer.Option("--edition", help="Of which day, by default the newest.")] = None,
    day: Annotated[
        str | None, typer.Option("--as-of", help="A report as `s2p report --as-of` makes it again.", metavar="DATE")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every row under it, not only the largest.")] = False,
    as_json: Json = False,
) -> None:
    """Walk a number back to the cells that it was made from: file, sheet, address."""
    settings, now = read_settings(), dt.datetime.now().astimezone()
    from s2p_assets.graph.resources import registry_of
    from s2p_assets.graph.traced_models import models_under
    from s2p_assets.graph.tracing import number_lines, trace_lines, trace_number, trace_table

    house, warehouse = house_and_warehouse(settings)
    registry = registry_of(settings, warehouse)
    name, most = name.replace("-", "_").replace(".", "_", 1), None if everything else ROWS_TRACED
    if name in house.reports:
        silence_libraries()
        with progress("following it to the cells", quiet=as_json) as say:
            number = trace_number(
                settings, house, warehouse, name, which[0], edition=edition, as_of=day, most=most, progress=say
            )
        found, lines = asdict(number), number_lines(number)
        models = models_under(house, registry, number.under, number.known_at or now)
    else:
        asked = values_by_name(which, name="COLUMN")
        rows = trace_table(settings, house, warehouse, name, asked, column or (), most=most)
        found, lines = asdict(rows), trace_lines(rows)
        models = models_under(house, registry, [rows], now)
    if as_json:
        print_json(found | {"models": models})
        return
    for depth, line in lines:
        out.print(f"{'  ' * depth}{escape(line)}", soft_wrap=True)
    for model in models:
        out.print(escape(model), soft_wrap=True)


@app.command(
    epilog="Examples: `s2p report retail_weekly_outlook`, `s2p report retail_weekly_outlook --as-of 2026-03-31`"
)
def report(
    name: Annotated[str, typer.Argument(help="A report, such as retail_weekly_outlook.", show_default=False)],
    day: Annotated[
        str | None, typer.Option("--as-of", help="As it was at the end of this day, or at a moment.", metavar="DATE")
    ] = None,
    to: Annotated[Path | None, typer.Option("--to", help="Write it to this new folder.")] = None,
    as_json: Json = False,
) -> None:
    """Make an edition now from what is stored, or make it again from what was known on a day."""
    settings = read_settings()
    from s2p_assets.graph.reporting import report_as_of, report_named, report_now

    house, warehouse = house_and_warehouse(settings)
    chosen = report_named(house, name)
    silence_libraries()
    with progress("asking the ledger", quiet=as_json) as say:
        if day is None:
            made = report_now(settings, house, warehouse, chosen, to, say)
        else:
            made = report_as_of(settings, house, warehouse, chosen, day, to, say)
    if as_json:
        print_json(made.as_json())
    else:
        _print_made(made)
    raise typer.Exit(NEEDS_A_PERSON if made.notices or made.differs else 0)


@app.command(epilog="Example: `s2p forget 'prices/Prices 2024.xlsx'`")
def forget(
    file: Annotated[str, typer.Argument(help="The file's path on the share.", show_default=False)],
) -> None:
    """Withdraw the rows of a file that was loaded, on purpose."""
    settings = read_settings()
    from s2p_assets.graph.status import forget_file

    _, warehouse = house_and_warehouse(settings)
    rows = forget_file(settings, warehouse, file)
    out.print(f"{escape(file)}: {rows:,} rows withdrawn; the next run brings the reports up to date")


@app.command(epilog="Example: `s2p template retail_price_list`")
def template(
    name: Annotated[str, typer.Argument(help="A workbook contract, such as retail_price_list.", show_default=False)],
    target: Annotated[Path | None, typer.Option("--to", help="Where to write it; by default NAME.xlsx here.")] = None,
) -> None:
    """Write an empty workbook with the right headers, types and drop-downs."""
    settings = read_settings()
    from s2p_assets.graph.checking import contract_named
    from s2p_assets.spreadsheet.template import write_template

    written = write_template(contract_named(settings, name), target or Path(f"{name}.xlsx"))
    out.print(f"wrote {escape(str(written))}")


@app.command(epilog="Example: `s2p new Orders.xlsx --name acme_orders`")
def new(
    file: Annotated[Path, typer.Argument(help="A real workbook of the new kind.", show_default=False)],
    name: Annotated[str, typer.Option("--name", help="DOMAIN_THING, such as acme_orders.")],
    target: Annotated[Path | None, typer.Option("--to", help="Where to write it; by default on the shelf.")] = None,
) -> None:
    """Write a workbook contract inferred from a real file; read it, then confirm its suggestions."""
    from s2p_assets.graph.checking import write_contract

    written = write_contract(file, name, target)
    out.print(f"wrote {escape(str(written))}; read it, then try: s2p check {escape(str(file))!r} --as {escape(name)}")


def _require_share(settings: Settings) -> None:
    """The default share is made when missing; a company's own must be there."""
    if "share" not in settings.model_fields_set:
        settings.share.mkdir(parents=True, exist_ok=True)
    if not settings.share.is_dir():
        from s2p_assets.spreadsheet.share import ShareMissing

        raise ShareMissing(f"{settings.share}: there is no such folder; mount the share drive, or correct S2P_SHARE")


def _write_samples(settings: Settings) -> None:
    import datetime as dt

    from s2p_assets.samples.writing import samples

    settings.share.mkdir(parents=True, exist_ok=True)
    with progress("writing a sample share drive") as say:
        count, today = 0, dt.date.today()  # noqa: DTZ011  the user's own day
        for file in chain.from_iterable(sample.write(settings.share, until=today) for sample in samples().values()):
            count += 1
            say(f"writing a sample share drive: {count} files ({file.name})")
    out.print(f"sample share drive: {count} files in {escape(str(settings.share))}")


def _process(settings: Settings, *, quiet: bool = False) -> dict[str, Any]:
    """One headless pass through the graph; the status afterwards, with the runs."""
    silence_libraries()
    with noise_apart(settings), progress("starting PostgreSQL and the asset graph", quiet=quiet) as say:
        from s2p_assets.definitions import build
        from s2p_assets.graph.headless import process

        graph = build(settings)
        return process(settings, graph.definitions, graph.house, graph.warehouse, say)


def _serve(settings: Settings) -> None:
    from s2p_assets.graph.running import require_port, serve
    from s2p_assets.warehouse.connection import connect, database_url

    require_port(settings.host, settings.port)
    connect(database_url(settings)).close()
    out.print(f"\nDagster UI: [bold]http://{settings.host}:{settings.port}[/bold]   (stop with Ctrl-C)")
    raise typer.Exit(serve(settings))


def _exit_code(current: dict[str, Any]) -> int:
    if current.get("failures"):
        return COULD_NOT
    waiting = any(book["returned"] or book["waiting"] for book in current["workbooks"])
    return NEEDS_A_PERSON if waiting or current["unclaimed"] or current["faults"] else 0


def _print_outcome(settings: Settings, current: dict[str, Any]) -> None:
    _print_status(settings, current)
    for wait in sorted(set(current["waits"])):
        out.print(f"[yellow]not yet:[/yellow] {escape(wait)}")
    _print_failures(current)


def _print_failures(current: dict[str, Any]) -> None:
    for failure in current["failures"]:
        err.print(f"[red]failed:[/red] {escape(failure)}")


def _print_status(settings: Settings, current: dict[str, Any]) -> None:
    books = Table("workbook", "files", "rows", "returned", "waiting", "last loaded", box=None, header_style="bold")
    for column in books.columns[1:5]:
        column.justify = "right"
    for book in current["workbooks"]:
        books.add_row(
            book["name"],
            f"{book['files']:,}",
            f"{book['rows']:,}",
            f"[yellow]{book['returned']:,}[/yellow]" if book["returned"] else "0",
            f"{book['waiting']:,}",
            (book["last_loaded"] or "–")[:16].replace("T", " "),
        )
    out.print(books)
    for model in current["models"]:
        if model["champion"]:
            out.print(f"\n{model['name']}: {model['champion']} is champion, trained {model['trained_at'][:16]}")
        if model["pinned"]:
            out.print(f"    [yellow]pinned:[/yellow] {escape(model['pinned'])}")
    for file in current["sent_back"]:
        out.print(f"\n[yellow]returned[/yellow] {escape(file['path'])} to {escape(file['owner'])}")
        if file["error"]:
            out.print(f"    {escape(file['error'])}")
        for finding in file["findings"][:3]:
            out.print(f"    {escape(finding)}")
        if len(file["findings"]) > 3:
            out.print(f"    and {len(file['findings']) - 3} more")
        if file["copy"]:
            out.print(f"    marked copy: {escape(file['copy'])}")
    for path in current["waiting"][:WAITING_SHOWN]:
        out.print(f"\n[yellow]waiting[/yellow] {escape(path)}")
    if len(current["waiting"]) > WAITING_SHOWN:
        out.print(f"    and {len(current['waiting']) - WAITING_SHOWN:,} more")
    for file in current["unclaimed"]:
        out.print(f"\n[yellow]nobody claims[/yellow] {escape(file['path'])}")
        if file["says"]:
            out.print(f"    {escape(file['says'])}")
    for fault in current["faults"]:
        err.print(f"[red]shelf file left out:[/red] {escape(fault)}")
    for report in current["reports"]:
        if report["path"]:
            out.print(f"\n[green]report[/green] {report['name']} of {report['latest']}: {escape(report['path'])}")
    index = settings.reports / "index.html"
    if index.exists():
        out.print(f"all reports: {escape(str(index))}")


def _print_made(made: "MadeReport") -> None:
    out.print(escape(made.edition.headline))
    for file in (made.edition.html, made.edition.excel, made.edition.pdf):
        out.print(f"[green]wrote[/green] {escape(str(file))}")
    for notice in made.notices:
        out.print(f"[yellow]not as it was:[/yellow] {escape(notice)}")
    if made.differs:
        shown = ", ".join(made.differs[:NUMBERS_NAMED])
        more = f" and {len(made.differs) - NUMBERS_NAMED:,} more" if len(made.differs) > NUMBERS_NAMED else ""
        out.print(f"[yellow]other numbers than those published:[/yellow] {shown}{more}")
    elif made.compared:
        out.print(f"every number is as it was published in the edition of {made.edition.as_of.isoformat()}")


def _print_reading(reading: Any) -> None:
    colour = {"accepted": "green", "partly": "yellow", "returned": "red"}[reading.verdict]
    out.print(
        f"[bold]{escape(str(reading.file))}[/bold]: [{colour}]{reading.verdict}[/{colour}]"
        f"{f' as {reading.workbook}' if reading.workbook else ''}"
        f", {reading.rows_read:,} rows read, {reading.rows_accepted:,} good, {reading.rows_returned:,} returned"
    )
    if reading.error:
        out.print(f"  [red]{escape(reading.error)}[/red]")
    for finding in reading.findings:
        place = " › ".join(part for part in (reading.file.name, finding.sheet, finding.cell) if part)
        mark = "[red]✗[/red]" if finding.severity == "reject" else "[yellow]•[/yellow]"
        out.print(f"  {mark} {escape(place)}: {escape(finding.message)}")


if __name__ == "__main__":
    main()
