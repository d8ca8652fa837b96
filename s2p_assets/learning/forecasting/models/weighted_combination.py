"""The mean of several forecasts by weights that each series' own past bears out, as far as there is any.

Weights that are given and the same for all are in `combination.py`; which of the two serves, a contest decides.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from s2p_assets.contracts.model import Forecaster, ForecastTask
from s2p_assets.learning.forecasting.backtest import rolling_origin
from s2p_assets.learning.forecasting.models.combination import MEMBER_CLASSES
from s2p_assets.learning.forecasting.series import Matrix
from s2p_assets.learning.registry.array_files import read_arrays, write_arrays
from s2p_assets.learning.registry.learner_files import fitted_task, read_learner, write_learner
from s2p_assets.learning.registry.member_files import read_members, write_members

WEIGHTS_FILE = "weights.npz"
TINY = 1e-12


@dataclass(frozen=True)
class SeriesWeights:
    """How much each member counts: `of_series` (entities × members) for those of `entities`, `of_all` for others.

    `tested`: over how many periods each entity was tested.
    """

    entities: pd.Index
    of_series: Matrix
    of_all: Matrix
    tested: Matrix

    def of(self, names: "pd.Series[Any]") -> Matrix:
        """The weights of each of `names`, a row each."""
        at = self.entities.get_indexer(pd.Index(names.astype(str)))
        return np.where((at >= 0)[:, None], self.of_series[at], self.of_all) if len(self.entities) else self._all(at)

    def _all(self, at: Any) -> Matrix:
        return np.tile(self.of_all, (len(at), 1))


@dataclass(frozen=True)
class WeightedCombination:
    """The mean of `members`, weighted for each series by how they forecast it in their backtests.

    A weight is the prior one (`weights`; none: equal) over the mean squared error to the power of half of `power`, as
    in Bates & Granger (1969) with 2. The errors of a series are leaned on those of all series, the more the fewer of
    its periods were tested: both count alike after `evidence` horizons. In a fold's backtest, the folds before it
    alone say the weights, so that the first fold has the prior ones.
    """

    members: tuple[Forecaster, ...]
    weights: tuple[float, ...] = ()
    power: float = 4.0
    evidence: float = 3.0
    task: ForecastTask | None = field(default=None, repr=False)
    learned: SeriesWeights | None = field(default=None, repr=False, compare=False)

    def fit(self, history: pd.DataFrame, task: ForecastTask) -> "WeightedCombination":
        members = tuple(member.fit(history, task) for member in self.members)
        return self.fitted(members, [rolling_origin(member, history, task) for member in self.members], task)

    def fitted(
        self, members: Sequence[Forecaster], backtests: Sequence[pd.DataFrame], task: ForecastTask
    ) -> "WeightedCombination":
        """A fitted copy of `members` that are fitted, with weights by all of their `backtests`."""
        learned = self._learned(backtests, backtests[0]["fold"].to_numpy() > 0, task)
        return replace(self, members=tuple(members), task=task, learned=learned)

    def forecast(self, history: pd.DataFrame, horizon: int) -> pd.DataFrame:
        fitted_task(self.task)
        forecasts = [member.forecast(history, horizon) for member in self.members]
        weights = self.learned.of(forecasts[0]["entity"]) if self.learned else self._prior()
        return forecasts[0].assign(mean=(_means(forecasts) * weights).sum(axis=1))

    def combine(self, backtests: Sequence[pd.DataFrame], task: ForecastTask) -> pd.DataFrame:
        """The backtest of the combination, of its members' on the same folds."""
        first, means, aged = backtests[0], _means(backtests), _means(backtests, "aged")
        found, as_aged = np.empty(len(first)), np.empty(len(first))
        for fold, rows in first.groupby("fold"):
            here = (first["fold"] == fold).to_numpy()
            known = (first["fold"] < fold).to_numpy() & (first["time"] <= rows["cutoff"].iloc[0]).to_numpy()
            weights = self._learned(backtests, known, task).of(rows["entity"])
            found[here] = (means[here] * weights).sum(axis=1)
            as_aged[here] = (aged[here] * weights).sum(axis=1)
        return first.assign(mean=found, aged=as_aged)

    @property
    def description(self) -> str:
        """How much each member counts over all series, in a sentence."""
        if self.learned is None or not len(self.learned.entities):
            return ""
        shares = self.learned.of_series.mean(axis=0)
        order = np.argsort(-shares)
        parts = [f"{shares[at]:.0%} {_called(self.members[at])}" for at in order]
        return f"over all series it is {', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else parts[0]

    def reasons(self, names: "pd.Series[Any]") -> "pd.Series[str]":
        """Why each of the series `names` is forecast as it is, in a sentence; missing without learned weights."""
        if self.learned is None:
            return pd.Series(pd.NA, index=names.index, dtype="string")
        weights, at = self.learned.of(names), self.learned.entities.get_indexer(pd.Index(names.astype(str)))
        tested = np.where(at >= 0, self.learned.tested[at], 0.0) if len(self.learned.entities) else np.zeros(len(at))
        called = [_called(member) for member in self.members]
        return pd.Series(
            [_reason(one, called, int(count)) for one, count in zip(weights, tested, strict=True)],
            index=names.index,
            dtype="string",
        )

    def _learned(self, backtests: Sequence[pd.DataFrame], known: Any, task: ForecastTask) -> SeriesWeights:
        first = backtests[0]
        known = known & ~first["censored"].to_numpy(bool)
        names = first["entity"].astype(str)[known]
        codes, entities = pd.factorize(names, sort=True)
        errors = (_means(backtests)[known] - first["actual"].to_numpy(float)[known, None]) ** 2
        tested: Matrix = np.bincount(codes, minlength=len(entities)).astype(float)
        squared = np.column_stack([np.bincount(codes, one, len(entities)).astype(float) for one in errors.T])
        return self._weighted(pd.Index(np.asarray(entities, object)), squared, tested, task.horizon)

    def _weighted(self, entities: pd.Index, squared: Matrix, tested: Matrix, horizon: int) -> SeriesWeights:
        prior, seen = self._prior(), squared.min(axis=1, initial=np.inf) > TINY
        mean = squared[seen] / tested[seen, None]
        logs = np.log(mean) - np.log(mean).mean(axis=1, keepdims=True)
        of_all = logs.mean(axis=0) if seen.any() else np.zeros(len(prior))
        own = (tested[seen] / (tested[seen] + self.evidence * horizon))[:, None]
        errors = np.tile(of_all, (len(entities), 1))
        errors[seen] = own * logs + (1 - own) * of_all
        return SeriesWeights(entities, _normal(prior, errors, self.power), _normal(prior, of_all, self.power), tested)

    def _prior(self) -> Matrix:
        given = np.asarray(self.weights or np.ones(len(self.members)), float)
        return np.asarray(given / given.sum())

    def save(self, folder: Path) -> None:
        write_learner(folder, self, self.task, weighted=self.learned is not None)
        write_members(folder, self.members)
        if self.learned is not None:
            kept = {"entities": np.asarray(self.learned.entities, dtype=np.str_), "tested": self.learned.tested}
            write_arrays(
                folder / WEIGHTS_FILE, kept | {"of_series": self.learned.of_series, "of_all": self.learned.of_all}
            )

    @classmethod
    def load(cls, folder: Path) -> "WeightedCombination":
        parameters, task, fitted = read_learner(folder)
        members = read_members(folder, parameters, MEMBER_CLASSES, "combination")
        learned = None
        if fitted.get("weighted"):
            learned = read_arrays(folder / WEIGHTS_FILE, lambda arrays: _checked(arrays, len(members)))
        numbers = (float(parameters["power"]), float(parameters["evidence"]))
        return cls(members, tuple(parameters["weights"]), *numbers, task=task, learned=learned)


def _checked(arrays: dict[str, Any], members: int) -> SeriesWeights:
    """The weights of a file. Raises ValueError where they fit neither each other nor the members."""
    entities = pd.Index(arrays["entities"].astype(object))
    found = SeriesWeights(entities, arrays["of_series"], arrays["of_all"], arrays["tested"])
    if found.of_series.shape != (len(entities), members) or found.of_all.shape != (members,):
        raise ValueError("its weights are of other members")
    if not np.isfinite(found.of_series).all() or not np.isfinite(found.of_all).all():
        raise ValueError("a weight is not a number")
    return found


def _means(forecasts: Sequence[pd.DataFrame], column: str = "mean") -> Matrix:
    return np.column_stack([rows[column].to_numpy(float) for rows in forecasts])


def _normal(prior: Matrix, logs: Matrix, power: float) -> Matrix:
    raw = prior * np.exp(-power / 2 * logs)
    return np.asarray(raw / raw.sum(axis=-1, keepdims=True))


def _called(member: Forecaster) -> str:
    """`seasonal naive` of SeasonalNaive, or what the member calls itself."""
    own = getattr(member, "called", "")
    return (
        own or "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in type(member).__name__).strip()
    )


def _reason(weights: Matrix, called: Sequence[str], tested: int) -> str:
    order = np.argsort(-weights)
    parts = " and ".join(f"{weights[at]:.0%} as by {called[at]}" for at in order[:2])
    if not tested:
        return f"{parts}, as for all: it was not tested yet"
    return f"{parts}, by what each erred on {tested} tested periods of it and on all others"
