"""What is known of models and contests, for people who ask: who stands, why it was trained, what it predicts.

What is asked for on the command line is printed there; nothing is trained here.
"""

from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from s2p_assets.graph.context import Context
from s2p_assets.graph.house import House, MadeThing
from s2p_assets.graph.problems import NotFound
from s2p_assets.learning.model import Contest, Model
from s2p_assets.learning.registry.model_registry import NoSuchModel, Registry
from s2p_assets.learning.registry.tables import Record, Standing
from s2p_assets.learning.serving import service_of
from s2p_assets.learning.versions import Champion
from s2p_assets.warehouse import store

VERSIONS_SHOWN = 10


@dataclass(frozen=True)
class Learned:
    """A contest of the house, and who stands in it; `model` when a candidate was asked for and not the contest."""

    contest: Contest
    standing: Standing
    model: Model | None

    @property
    def record(self) -> Record:
        """The version in question: the champion of the contest, or the newest of the model. Raises NoSuchModel."""
        found = self.standing.find(self.model.thing) if self.model else self.standing.champion
        if found is None:
            asked = self.model or self.contest
            raise NoSuchModel(f"{asked.name}: nothing is trained yet; load data and let s2p run or s2p up train it")
        return found


def learned(ctx: Context, name: str) -> Learned:
    """What is learned under this name: of a model, a contest, or a table that is made with a contest's champion.

    Raises NotFound naming those that exist.
    """
    model = ctx.house.models.get(name)
    contest = ctx.house.contest_of(model) if model else ctx.house.contests.get(name) or _contest_behind(ctx.house, name)
    if contest is None:
        known = ", ".join([*ctx.house.contests, *ctx.house.models]) or "none"
        raise NotFound(f"{name}: there is no such model, contest or forecast; there are {known}")
    return Learned(contest, ctx.registry.standing(contest.domain, contest.thing), model)


def _contest_behind(house: House, name: str) -> Contest | None:
    made: dict[str, MadeThing] = {thing.name: thing for thing in house.made()}
    if name not in made:
        return None
    under = [house.by_key[key] for source in house.inputs_of(made[name]).values() for key in house.under(source)]
    return next((thing for thing in under if isinstance(thing, Contest)), None)


def standing_of(found: Learned) -> dict[str, Any]:
    """Who stands in a contest and why, with the last versions and all reigns, newest first."""
    standing = found.standing
    return {
        "contest": found.contest.name,
        "champion": _version(standing.champion),
        "challenger": _version(standing.challenger),
        "pinned": asdict(standing.pin) if standing.pin else None,
        "pin": standing.pin.says if standing.pin else None,
        "last": standing.last,
        "reigns": [asdict(reign) for reign in reversed(standing.reigns)],
        "versions": [_version(record) for record in reversed(standing.versions[-VERSIONS_SHOWN:])],
    }


def _version(record: Record | None) -> dict[str, Any] | None:
    if record is None:
        return None
    shown = ("model", "version", "number", "trained_at", "loss", "feature_version", "why")
    return {name: getattr(record, name) for name in shown}


def why_of(found: Learned, registry: Registry) -> dict[str, Any]:
    """The chain from a version down to the files: what asked for it, how much was new, from what it was made."""
    record, contest = found.record, found.contest
    made = registry.load(contest.domain, contest.thing, record)
    cause = made.cause
    return {
        "model": f"{contest.domain}_{record.model}",
        "contest": contest.name,
        "in_service": record == found.standing.champion,
        "version": record.version,
        "number": record.number,
        "trained_at": record.trained_at,
        "how_good": made.says,
        "dagster_run": made.run_id,
        "mlflow_run": record.run_id,
        "code_version": made.code_version,
        "why": cause.says,
        "since": cause.since,
        "signals": cause.signals,
        "rows": cause.rows,
        "rows_changed": cause.changed,
        "features": cause.features,
        "feature_version": record.feature_version,
        "tables": list(cause.tables),
        "workbooks": list(cause.workbooks),
        "files": [asdict(source) for source in cause.sources],
        "files_loaded": cause.loaded,
    }


def predictions(ctx: Context, asked: Learned, wanted: dict[str, str], horizon: int | None) -> pd.DataFrame:
    """What the version in question predicts from what is stored, of what has these values; see `serving.py`.

    Raises NotFound for a column or a value that the features do not have.
    """
    contest, record = asked.contest, asked.record
    features = ctx.house.features[f"{contest.domain}_{contest.features}"]
    known = {column.name for column in features.columns}
    if strange := [name for name in wanted if name not in known]:
        raise NotFound(f"{features.name} has no column {', '.join(strange)}; it has {', '.join(sorted(known))}")
    with ctx.warehouse.connect() as connection:
        history = store.read(connection, features.domain, features.thing, features.columns)
    made = ctx.registry.load(contest.domain, contest.thing, record)
    serving = Champion(contest.domain, contest.thing, made, "", made.scores)
    found = service_of(contest.problem).answers(serving, history, wanted, horizon)
    if found.empty:
        values = " and ".join(f"{name}={value}" for name, value in wanted.items()) or "a row"
        raise NotFound(
            f"no {contest.problem.entity} in {features.name} has {values}; "
            f"see the table {features.domain}.{features.thing}"
        )
    return found
