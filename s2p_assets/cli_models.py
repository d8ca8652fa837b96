"""The commands about models: who is champion, why a model was trained, what it predicts, and MLflow's own UI.

What they say comes from `graph/learned.py`; the other commands are in `cli.py`.
"""

import getpass
import os
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from s2p_assets.settings import Settings, read_settings
from s2p_assets.terminal import (
    COULD_NOT,
    Json,
    err,
    house_and_warehouse,
    noise_apart,
    out,
    print_json,
    progress,
    values_by_name,
)

if TYPE_CHECKING:
    from s2p_assets.graph.house import House
    from s2p_assets.graph.learned import Learned
    from s2p_assets.graph.resources import Warehouse
    from s2p_assets.learning.registry.model_registry import Registry

REIGNS_SHOWN = 5
FILES_SHOWN = 20

Asked = Annotated[str, typer.Argument(help="A model, a contest or a forecast.", show_default=False)]


def champion(
    contest: Annotated[str, typer.Argument(help="A contest, such as retail_demand_champion.", show_default=False)],
    model: Annotated[
        str | None, typer.Option("--set", metavar="MODEL[@VERSION]", help="Put this in service until released.")
    ] = None,
    back: Annotated[bool, typer.Option("--back", help="Go back to the version in service before this one.")] = False,
    release: Annotated[bool, typer.Option("--release", help="Let the test decide again.")] = False,
    because: Annotated[str, typer.Option("--because", help="Why; kept with the decision.")] = "no reason was given",
    as_json: Json = False,
) -> None:
    """Who is champion, who challenges it, and why; or a person's word on it."""
    if sum((model is not None, back, release)) > 1:
        raise typer.BadParameter("give one of --set, --back and --release")
    settings = read_settings()
    from s2p_assets.graph.learned import learned, standing_of
    from s2p_assets.learning.registry.model_registry import named

    house, _, registry = _known(settings)
    found = learned(house, registry, contest)
    if model is not None:
        named(found.standing, found.contest.name, model)
    if model is not None or back or release:
        _decide(settings, found, model, back, release, because, quiet=as_json)
        found = learned(house, registry, contest)
    said = standing_of(found)
    if as_json:
        print_json(said)
    else:
        _print_standing(said)
        if model is not None or back or release:
            out.print("\nWhat is made from it follows at the next look, or with s2p run.")


def why(name: Asked, as_json: Json = False) -> None:
    """What made a model train: the signals, how much was new, and the files behind it."""
    settings = read_settings()
    from s2p_assets.graph.learned import learned, why_of

    house, _, registry = _known(settings)
    said = why_of(learned(house, registry, name), registry)
    if as_json:
        print_json(said)
    else:
        _print_why(said)


def predict(
    name: Asked,
    entities: Annotated[
        list[str] | None, typer.Argument(metavar="KEY=VALUE…", help="Of which entities; by default all.")
    ] = None,
    horizon: Annotated[
        int | None, typer.Option("--horizon", min=1, help="How many periods ahead, of a forecast.")
    ] = None,
    as_json: Json = False,
) -> None:
    """What the champion, or a model, predicts for given entities from what is stored; nothing is trained."""
    asked, settings = values_by_name(entities or ()), read_settings()
    from s2p_assets.graph.learned import learned, predictions

    house, warehouse, registry = _known(settings)
    found = learned(house, registry, name)
    rows = predictions(house, registry, warehouse, found, asked, horizon)
    if as_json:
        print_json(rows.to_dict("records"))
        return
    table = Table(*rows.columns, box=None, header_style="bold")
    for row in rows.itertuples(index=False):
        table.add_row(*(_cell(value) for value in row))
    out.print(table)


def mlflow(
    host: Annotated[str, typer.Option("--host", help="Where it listens.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="Its port.")] = 5000,
) -> None:
    """Serve MLflow's own UI over the model registry, until stopped; needs the extra `mlflow`."""
    settings = read_settings()
    from s2p_assets.graph.running import require_port, supervise

    if find_spec("mlflow.server") is None or find_spec("flask") is None:
        err.print("[red]s2p:[/red] MLflow's UI is not installed; uv sync --extra mlflow, then try again")
        raise typer.Exit(COULD_NOT)
    require_port(host, port)
    _, _, registry = _known(settings)
    place = {
        "MLFLOW_BACKEND_STORE_URI": registry.address(),
        "MLFLOW_DEFAULT_ARTIFACT_ROOT": settings.models.as_uri(),
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
    out.print(f"MLflow: [bold]http://{host}:{port}[/bold]   (stop with Ctrl-C)")
    command = [sys.executable, "-m", "mlflow", "server", "--host", host, "--port", str(port), "--workers", "1"]
    raise typer.Exit(supervise(settings, command, os.environ | place))


def _known(settings: Settings) -> "tuple[House, Warehouse, Registry]":
    from s2p_assets.graph.resources import registry_of

    house, warehouse = house_and_warehouse(settings)
    return house, warehouse, registry_of(settings, warehouse)


def _decide(
    settings: Settings, found: "Learned", model: str | None, back: bool, release: bool, because: str, *, quiet: bool
) -> None:
    """Make the contest again with what the person says; ends the command when that failed."""
    from s2p_assets.graph.contest_assets import Overrule
    from s2p_assets.graph.overruling import decide_again

    said = Overrule(champion=model or "", back=back, release=release, by=_person(), because=because)
    with noise_apart(settings), progress("asking the contest", quiet=quiet) as say:
        from s2p_assets.definitions import build

        finished = decide_again(settings, build(settings).definitions, found.contest, said, say)
    for failure in finished.failures:
        err.print(f"[red]s2p:[/red] {escape(failure.partition(': ')[2])}")
    if finished.failures:
        raise typer.Exit(COULD_NOT)


def _person() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as in containers
        return f"user {os.getuid()}"


def _print_standing(said: dict[str, Any]) -> None:
    now, rival, last = said["champion"], said["challenger"], said["last"]
    if now is None:
        out.print(f"{said['contest']}: no champion yet; it comes with the first training")
        return
    out.print(
        f"[bold]{said['contest']}[/bold]: {now['model']}, version {now['version']}, trained {_day(now['trained_at'])}"
    )
    if said["pin"]:
        out.print(f"  [yellow]pinned:[/yellow] {escape(said['pin'])}; --release lets the test decide again")
    if last:
        out.print(f"  why: {escape(last['why'])}")
        for model, loss in sorted(last["losses"].items(), key=lambda item: item[1]):
            out.print(f"    loss {loss:.3f}  {escape(model)}")
        if last["floor"]:
            out.print(f"  [yellow]below the floor:[/yellow] {escape(last['floor'])}")
    if rival:
        out.print(f"  challenger: {rival['model']}, version {rival['version']}, trained {_day(rival['trained_at'])}")
    out.print("  in service:")
    for reign in said["reigns"][:REIGNS_SHOWN]:
        who = f"{reign['model']}@{reign['version']}, by {escape(reign['by'])}"
        out.print(f"    {_day(reign['since'])}  {who}: {reign['change']}")
    out.print("  versions:")
    for version in said["versions"]:
        out.print(
            f"    {_day(version['trained_at'])}  {version['model']}@{version['version']}, loss {version['loss']:.3f}"
        )


def _print_why(said: dict[str, Any]) -> None:
    service = "in service" if said["in_service"] else "not in service"
    out.print(
        f"[bold]{said['model']}[/bold], version {said['version']} ({service}), trained {_day(said['trained_at'])}"
    )
    out.print(f"  how good: {escape(said['how_good'])}")
    out.print(f"  why: {escape(said['why'])}")
    rows = f"{said['rows']:,} rows, {said['rows_changed']:,} new or changed"
    out.print(f"  from {said['features']}, version {said['feature_version'][:12]}: {rows}")
    out.print(f"  made of {', '.join(said['tables']) or 'no table'}")
    out.print(f"  and in the end of {', '.join(said['workbooks']) or 'no workbook'}")
    since = f"since version {said['since']}" if said["since"] else "in all"
    out.print(f"  {said['files_loaded']:,} files loaded {since}:")
    for file in said["files"][:FILES_SHOWN]:
        rows = f"{file['rows']:,} rows" + (f" in place of {file['before']:,}" if file["before"] else "")
        out.print(f"    {_day(file['loaded_at'])}  {file['sha256'][:12]}  {escape(file['path'])}: {rows}")
    if said["files_loaded"] > FILES_SHOWN:
        out.print(f"    and {said['files_loaded'] - FILES_SHOWN:,} more; --json names up to 200")


def _day(moment: str) -> str:
    return moment[:16].replace("T", " ")


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.2f}"
    return escape(f"{value:%Y-%m-%d}" if hasattr(value, "strftime") else str(value))
