"""Training a model into a version, crowning one version champion, and what a champion foresees.

Files and folders of versions are for `registry.py`; when to train is for `graph/`.
"""

import datetime as dt
import hashlib
import inspect
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from s2p_assets.learning.backtest import rolling_origin
from s2p_assets.learning.champion import reason
from s2p_assets.learning.change import Fingerprint, fingerprint
from s2p_assets.learning.forecasters.plain_files import parameters_of
from s2p_assets.learning.intervals import quantiles_of_totals, spread
from s2p_assets.learning.model import Contest, Forecaster, Model, Problem
from s2p_assets.learning.scores import scores as scores_of
from s2p_assets.learning.series import Matrix, learnable

LEVELS = (0.1, 0.5, 0.9)


@dataclass(frozen=True)
class ModelVersion:
    """A fitted forecaster with the proof of how good it is.

    `version`: derived from the content, so that the same data, parameters and code give the same version.
    `backtest`: as of `backtest.rolling_origin`. `scores`: as of `scores.scores`, this model's alone.
    `learned_from`: the fingerprint of the history, as of `change.fingerprint`.
    """

    domain: str
    thing: str
    version: str
    forecaster: Forecaster
    problem: Problem
    backtest: pd.DataFrame
    scores: pd.DataFrame
    feature_version: str
    trained_at: dt.datetime
    run_id: str
    code_version: str
    learned_from: Fingerprint

    @property
    def parameters(self) -> dict[str, Any]:
        return parameters_of(self.forecaster)

    @property
    def cutoffs(self) -> tuple[pd.Timestamp, ...]:
        """The folds that it was backtested on, oldest first; a short history has fewer than the problem asks for."""
        return tuple(pd.Timestamp(cutoff) for cutoff in sorted(self.backtest["cutoff"].unique()))

    @property
    def says(self) -> str:
        """One line for people: how many folds, and how good over all series."""
        overall = self.scores.loc[self.scores["series"] == "all"]
        folds = f"{len(self.cutoffs)} of {self.problem.folds} folds"
        return f"{folds}, RMSSE {overall['rmsse'].mean():.3f}, WAPE {overall['wape'].mean():.1%}"


@dataclass(frozen=True)
class Champion:
    """The version that forecasts for a contest, why it does, and the scores of all that stood."""

    domain: str
    thing: str
    model: ModelVersion
    why: str
    scores: pd.DataFrame

    @property
    def name(self) -> str:
        """The model's name, `demand_boosting`."""
        return self.model.thing

    @property
    def version(self) -> str:
        return self.model.version

    @property
    def problem(self) -> Problem:
        return self.model.problem


def train(
    model: Model,
    contest: Contest,
    history: pd.DataFrame,
    *,
    feature_version: str,
    trained_at: dt.datetime,
    run_id: str,
) -> ModelVersion:
    """Backtest and then fit `model` on all of `history`. Raises TooLittleHistory or UnusableHistory."""
    problem, seen = contest.problem, fingerprint(history)
    unfitted: Forecaster = model.build()
    backtest = rolling_origin(unfitted, history, problem)
    code_version = _code_version(type(unfitted))
    return ModelVersion(
        domain=model.domain,
        thing=model.thing,
        version=_version(model, unfitted, problem, backtest, seen, feature_version, code_version),
        forecaster=unfitted.fit(learnable(history, problem), problem),
        problem=problem,
        backtest=backtest,
        scores=scores_of({model.thing: backtest}, history, problem),
        feature_version=feature_version,
        trained_at=trained_at,
        run_id=run_id,
        code_version=code_version,
        learned_from=seen,
    )


def _code_version(forecaster: type) -> str:
    """A digest of the source of the forecaster's module."""
    return hashlib.sha256(inspect.getsource(inspect.getmodule(forecaster) or forecaster).encode()).hexdigest()[:12]


def _version(
    model: Model, forecaster: Forecaster, problem: Problem, backtest: pd.DataFrame, seen: Fingerprint, *versions: str
) -> str:
    said = fingerprint(backtest.round({"mean": 6})).tobytes() + seen.tobytes()
    made_of = [model.name, type(forecaster).__qualname__, parameters_of(forecaster), asdict(problem), *versions]
    return hashlib.sha256(json.dumps(made_of, sort_keys=True, default=str).encode() + said).hexdigest()[:12]


def crown(contest: Contest, versions: Mapping[str, ModelVersion], standing: str | None) -> Champion:
    """The champion of `contest` among `versions` (by model name), judged by the contest's own `build`.

    Only versions with the same features and folds can be compared: where they differ, the largest such
    group counts, the newest if two are as large, and `why` names the others.
    Raises ValueError when there is no version, or the judge names none of those compared.
    """
    compared, left_out = _comparable(versions)
    scores = pd.concat([version.scores for version in compared.values()], ignore_index=True)
    name = contest.build(scores, standing)
    if name not in compared:
        raise ValueError(f"{contest.name}: named {name!r} champion, but compared were {', '.join(compared)}")
    because = reason(scores, name, standing)
    if left_out:
        because += f"; not compared, as trained on other data: {', '.join(left_out)}"
    return Champion(contest.domain, contest.thing, compared[name], because, scores)


def _comparable(versions: Mapping[str, ModelVersion]) -> tuple[dict[str, ModelVersion], list[str]]:
    if not versions:
        raise ValueError("no model has been trained; train one first")
    groups: dict[tuple[Any, ...], dict[str, ModelVersion]] = {}
    for name, version in sorted(versions.items()):
        groups.setdefault((version.feature_version, version.cutoffs), {})[name] = version
    compared = max(groups.values(), key=lambda group: (len(group), max(made.trained_at for made in group.values())))
    return compared, [name for name in sorted(versions) if name not in compared]


def foresee(
    champion: Champion, history: pd.DataFrame, *, horizon: int | None = None, levels: Sequence[float] = LEVELS
) -> pd.DataFrame:
    """What the champion foresees of every entity in `history`, by default over the contest's horizon.

    One row per (entity, step): entity and time under the problem's names, step, mean, a quantile per
    level (`q10` for 0.1), model, model_version. Quantiles from the spread of the champion's backtest.
    """
    problem = champion.problem
    known = learnable(history, problem)
    rows = champion.model.forecaster.forecast(known, horizon or problem.horizon)
    quantiles = spread(champion.model.backtest, problem).quantiles(rows["mean"], rows["step"], levels)
    return _labelled(rows, quantiles, levels, champion)


def foresee_total(
    champion: Champion, history: pd.DataFrame, *, horizon: int | None = None, levels: Sequence[float] = LEVELS
) -> pd.DataFrame:
    """What the champion foresees of all entities in `history` together: as `foresee`, one row per step, no entity.

    Quantiles from the totals of the champion's backtest.
    """
    problem = champion.problem
    rows = champion.model.forecaster.forecast(learnable(history, problem), horizon or problem.horizon)
    totals = rows.groupby(["time", "step"])["mean"].sum().reset_index()
    quantiles = quantiles_of_totals(champion.model.backtest, totals["mean"], levels)
    return _labelled(totals, quantiles, levels, champion)


def _labelled(rows: pd.DataFrame, quantiles: Matrix, levels: Sequence[float], champion: Champion) -> pd.DataFrame:
    """`rows` with a column per level and the champion's name, under the names of its problem."""
    columns = {f"q{round(level * 100):02d}": values for level, values in zip(levels, quantiles.T, strict=True)}
    named = rows.assign(**columns, model=champion.name, model_version=champion.version)
    return named.rename(columns={"entity": champion.problem.entity, "time": champion.problem.time})
