"""Training a model into a version, and what a version in service foresees.

Which version is in service is for `crowning.py`, storing them for `registry/`, when to train for `graph/`.
"""

import datetime as dt
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, cast

import pandas as pd
from typing_extensions import TypeVar

from s2p_assets.learning.cause import Cause, Training
from s2p_assets.learning.change import Fingerprint, fingerprint
from s2p_assets.learning.forecasting.intervals import deviations, quantiles_of_totals, spread
from s2p_assets.learning.forecasting.lifecycle import NEW, foretold, launches
from s2p_assets.learning.forecasting.series import Matrix, learnable, told
from s2p_assets.learning.kinds import kind_of
from s2p_assets.learning.model import Contest, Forecaster, Learner, Model, Problem, Task
from s2p_assets.learning.plain_files import parameters_of, problem_to_plain
from s2p_assets.learning.recipes import code_version, digest, recipe_of

LEVELS = (0.1, 0.5, 0.9)

T = TypeVar("T", bound=Task, default=Any)


@dataclass(frozen=True)
class ModelVersion(Generic[T]):
    """A fitted learner with the proof of how good it is.

    `version`: derived from the content, so that the same data, parameters and code give the same version.
    `recipe`: derived from parameters, problem and code alone. `contest`: the thing it competes in.
    `backtest`, `scores`, `losses`: as of `kinds.Kind`, this model's alone. `learned_from`: the fingerprint of the
    history's rows that have a target, as of `change.fingerprint`.
    """

    domain: str
    thing: str
    contest: str
    version: str
    recipe: str
    learner: Learner
    problem: T
    backtest: pd.DataFrame
    scores: pd.DataFrame
    losses: pd.DataFrame
    feature_version: str
    trained_at: dt.datetime
    run_id: str
    code_version: str
    learned_from: Fingerprint
    cause: Cause = field(default_factory=Cause)

    @property
    def parameters(self) -> dict[str, Any]:
        return parameters_of(self.learner)

    @property
    def cutoffs(self) -> tuple[pd.Timestamp, ...]:
        """The folds that it was backtested on, oldest first; a short history has fewer than the problem asks for."""
        return tuple(pd.Timestamp(cutoff) for cutoff in sorted(self.losses["cutoff"].unique()))

    @property
    def loss(self) -> float:
        """The mean loss over its folds and units, by which it is compared."""
        return float(self.losses["loss"].mean())

    @property
    def data(self) -> str:
        """A digest of the rows that it learned from."""
        return hashlib.sha256(self.learned_from.tobytes()).hexdigest()[:12]

    @property
    def says(self) -> str:
        """One line for people: how many folds, and how good over everything."""
        overall = self.scores.loc[self.scores["series"] == "all"]
        return f"{len(self.cutoffs)} of {self.problem.folds} folds, {self.problem.in_words(overall)}"


@dataclass(frozen=True)
class Champion(Generic[T]):
    """The version that predicts for a contest, why it does, and the scores of all that stood with it.

    `trainings`: what was trained of late, the newest first, as of `Registry.trainings`; none where that is not asked.
    """

    domain: str
    thing: str
    model: ModelVersion[T]
    why: str
    scores: pd.DataFrame
    trainings: tuple[Training, ...] = ()

    @property
    def name(self) -> str:
        """The model's name, `demand_boosting`."""
        return self.model.thing

    @property
    def version(self) -> str:
        return self.model.version

    @property
    def problem(self) -> T:
        return self.model.problem


def train(
    model: Model,
    contest: Contest,
    history: pd.DataFrame,
    *,
    feature_version: str,
    trained_at: dt.datetime,
    run_id: str,
    cause: Cause | None = None,
) -> ModelVersion:
    """Try and then fit `model` on all of `history`. Raises TooLittleHistory or UnusableHistory."""
    unfitted: Learner = model.build()
    return _trained(unfitted, model.domain, model.thing, contest, history, feature_version, trained_at, run_id, cause)


def renew(
    old: ModelVersion,
    contest: Contest,
    history: pd.DataFrame,
    *,
    feature_version: str,
    trained_at: dt.datetime,
    run_id: str,
    cause: Cause,
) -> ModelVersion:
    """`old` backtested and fitted anew on `history`, with its own parameters: to be compared on the same folds."""
    return _trained(old.learner, old.domain, old.thing, contest, history, feature_version, trained_at, run_id, cause)


def _trained(
    learner: Any,
    domain: str,
    thing: str,
    contest: Contest,
    history: pd.DataFrame,
    feature_version: str,
    trained_at: dt.datetime,
    run_id: str,
    cause: Cause | None,
) -> ModelVersion:
    problem, seen = contest.problem, fingerprint(told(history, contest.problem))
    kind, recipe = kind_of(problem), recipe_of(learner, problem)
    backtest = kind.backtest(learner, history, problem)
    return ModelVersion(
        domain=domain,
        thing=thing,
        contest=contest.thing,
        version=_version(domain, thing, problem, backtest, seen, recipe, feature_version),
        recipe=recipe,
        learner=learner.fit(kind.learnable(history, problem), problem),
        problem=problem,
        backtest=backtest,
        scores=kind.scores({thing: backtest}, history, problem),
        losses=kind.losses(backtest, history, problem, thing),
        feature_version=feature_version,
        trained_at=trained_at,
        run_id=run_id,
        code_version=code_version(type(learner)),
        learned_from=seen,
        cause=cause or Cause(rows=len(seen)),
    )


def _version(domain: str, thing: str, problem: Task, backtest: pd.DataFrame, seen: Fingerprint, *versions: str) -> str:
    said = fingerprint(backtest.round({kind_of(problem).foretold: 6})).tobytes() + seen.tobytes()
    return digest([domain, thing, problem_to_plain(problem), *versions], said)


def foresee(
    champion: Champion[Problem],
    history: pd.DataFrame,
    *,
    listed: pd.DataFrame | None = None,
    horizon: int | None = None,
    levels: Sequence[float] = LEVELS,
) -> pd.DataFrame:
    """What the champion foresees of every entity in `history`, by default over the contest's horizon.

    `listed`: entities that may be sold and have no row in `history` yet, as `lifecycle.launches` takes them; their
    demand is told by how their peers began. One row per (entity, step): entity and time under the problem's names,
    step, mean, deviation (of the entity's past periods, for quantiles of sums), a quantile per level (`q10` for 0.1),
    life (`new` by its peers, `ended`, or missing), peers (their names), model, model_version. Quantiles from the
    spread of the champion's backtest.
    """
    problem, steps = champion.problem, horizon or champion.problem.horizon
    known = learnable(history, problem)
    rows = foretold(cast("Forecaster", champion.model.learner), known, problem, steps)
    unneeded = pd.Series(pd.NA, index=rows.index, dtype="string")
    rows = rows.assign(deviation=rows["entity"].map(deviations(known, problem)), peers=unneeded)
    if listed is not None and len(listed):
        when = rows[["time", "step"]].drop_duplicates()
        new = launches(known, listed, problem, problem.horizon).merge(when, how="cross").assign(life=NEW)
        rows = pd.concat([rows, new.astype({"life": "string", "peers": "string"})], ignore_index=True)
    errors = spread(champion.model.backtest, problem)
    quantiles = errors.quantiles(rows["mean"], rows["step"], levels, rows["deviation"])
    return _labelled(rows, quantiles, levels, champion)


def foresee_total(
    champion: Champion[Problem], history: pd.DataFrame, *, horizon: int | None = None, levels: Sequence[float] = LEVELS
) -> pd.DataFrame:
    """What the champion foresees of all entities in `history` together: as `foresee`, one row per step, no entity.

    Quantiles from the totals of the champion's backtest.
    """
    problem = champion.problem
    forecaster = cast("Forecaster", champion.model.learner)
    rows = foretold(forecaster, learnable(history, problem), problem, horizon or problem.horizon)
    totals = rows.groupby(["time", "step"])["mean"].sum().reset_index()
    quantiles = quantiles_of_totals(champion.model.backtest, totals["mean"], levels)
    return _labelled(totals, quantiles, levels, champion)


def _labelled(
    rows: pd.DataFrame, quantiles: Matrix, levels: Sequence[float], champion: Champion[Problem]
) -> pd.DataFrame:
    """`rows` with a column per level and the champion's name, under the names of its problem."""
    columns = {f"q{round(level * 100):02d}": values for level, values in zip(levels, quantiles.T, strict=True)}
    named = rows.assign(**columns, model=champion.name, model_version=champion.version)
    return named.rename(columns={"entity": champion.problem.entity, "time": champion.problem.time})
