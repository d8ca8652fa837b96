"""The commands about models: who is champion, why a model was trained, what it predicts, and MLflow's own UI.

Nothing is trained here.
"""

import getpass
import os
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated

import typer

from s2p_assets.cli.completion import contest_names, learned_names
from s2p_assets.cli.terminal import COULD_NOT, Json, err, escape, noise_apart, out, print_json, progress, values_by_name

if TYPE_CHECKING:
    from s2p_assets.services.model_queries import TrainedModel
    from s2p_assets.settings import Settings

Asked = Annotated[
    str, typer.Argument(help="A model, a contest or a forecast.", show_default=False, autocompletion=learned_names)
]
AskedContest = Annotated[
    str,
    typer.Argument(help="A contest, such as retail_demand_champion.", show_default=False, autocompletion=contest_names),
]


def champion(
    contest: AskedContest,
    model: Annotated[
        str | None, typer.Option("--set", metavar="MODEL[@VERSION]", help="Put this in service until released.")
    ] = None,
    back: Annotated[bool, typer.Option("--back", help="Go back to the version in service before this one.")] = False,
    release: Annotated[bool, typer.Option("--release", help="Let the test decide again.")] = False,
    because: Annotated[str, typer.Option("--because", help="Why; kept with the decision.")] = "no reason was given",
    as_json: Json = False,
) -> None:
    """Who is champion, who challenges it, and why; or a person's word on it."""
    from s2p_assets.cli.printing.models import print_contest

    if sum((model is not None, back, release)) > 1:
        raise typer.BadParameter("give one of --set, --back and --release")
    from s2p_assets.settings import read_settings

    settings = read_settings()
    from s2p_assets.learning.registry.model_registry import find_record
    from s2p_assets.services.context import open_outlined
    from s2p_assets.services.model_queries import contest_state, find_trained

    ctx = open_outlined(settings)
    found = find_trained(ctx, contest)
    if model is not None:
        find_record(found.state, found.contest.full_name, model)
    if model is not None or back or release:
        _decide(settings, found, model, back, release, because, quiet=as_json)
        found = find_trained(ctx, contest)
    state = contest_state(found)
    if as_json:
        print_json(state)
    else:
        print_contest(state)
        if model is not None or back or release:
            out.print("\nWhat is made from it follows at the next look, or with s2p run.")


def why(name: Asked, as_json: Json = False) -> None:
    """What made a model train: the signals, how much was new, and the files behind it."""
    from s2p_assets.cli.printing.models import print_why
    from s2p_assets.settings import read_settings

    settings = read_settings()
    from s2p_assets.services.context import open_outlined
    from s2p_assets.services.model_queries import find_trained, training_history

    ctx = open_outlined(settings)
    trained = training_history(ctx, find_trained(ctx, name))
    if as_json:
        print_json(trained)
    else:
        print_why(trained)


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
    from s2p_assets.cli.printing.models import print_predictions
    from s2p_assets.settings import read_settings

    values, settings = values_by_name(entities or ()), read_settings()
    from s2p_assets.services.context import open_outlined
    from s2p_assets.services.model_queries import find_trained, predictions

    ctx = open_outlined(settings)
    found = find_trained(ctx, name)
    rows = predictions(ctx, found, values, horizon)
    if as_json:
        print_json(rows.to_dict("records"))
        return
    print_predictions(rows)


def mlflow(
    host: Annotated[str, typer.Option("--host", help="Where it listens.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="Its port.")] = 5000,
) -> None:
    """Serve MLflow's own UI over the model registry, until stopped; needs the extra `mlflow`."""
    from s2p_assets.settings import read_settings

    settings = read_settings()
    from s2p_assets.graph.running.servers import require_port, supervise
    from s2p_assets.services.context import open_outlined

    if find_spec("mlflow.server") is None or find_spec("flask") is None:
        err.print("[red]s2p:[/red] MLflow's UI is not installed; uv sync --extra mlflow, then try again")
        raise typer.Exit(COULD_NOT)
    require_port(host, port)
    registry = open_outlined(settings).registry
    place = {
        "MLFLOW_BACKEND_STORE_URI": registry.address(),
        "MLFLOW_DEFAULT_ARTIFACT_ROOT": settings.models.as_uri(),
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
    out.print(f"MLflow: [bold]http://{host}:{port}[/bold]   (stop with Ctrl-C)")
    command = [sys.executable, "-m", "mlflow", "server", "--host", host, "--port", str(port), "--workers", "1"]
    raise typer.Exit(supervise(settings, command, os.environ | place))


def _decide(
    settings: "Settings",
    found: "TrainedModel",
    model: str | None,
    back: bool,
    release: bool,
    because: str,
    *,
    quiet: bool,
) -> None:
    """Make the contest again with what the person says; ends the command when that failed."""
    from s2p_assets.graph.assets.contest_assets import ChampionOverride
    from s2p_assets.graph.running.champion_override import judge_again

    override = ChampionOverride(champion=model or "", back=back, release=release, by=_person(), because=because)
    with noise_apart(settings), progress("asking the contest", quiet=quiet) as say:
        from s2p_assets.definitions import build

        finished = judge_again(settings, build(settings).definitions, found.contest, override, say)
    for failure in finished.failures:
        err.print(f"[red]s2p:[/red] {escape(failure.partition(': ')[2])}")
    if finished.failures:
        raise typer.Exit(COULD_NOT)


def _person() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as in containers
        return f"user {os.getuid()}"
