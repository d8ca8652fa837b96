"""The declarations of models, of what they are to learn and of the contests in which they stand, and what they can do.

How a model of either kind is fitted and tried is in `task_methods.py` and what it names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self

from s2p_assets.contracts.derivation import Derivation

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


MIN_SCORED_PERIODS = 12
"""As many weeks as make a season; below, one odd week decides which model looks best."""


class Task(Protocol):
    """What is to be learned of a history with one row per (entity, time): a `ForecastTask` or an `ClassificationTask`.

    `not_features`: columns whose drift says nothing of what is learned from. `window_length`: how many of so many times
    are looked at together when it is asked what is usual. `in_words`: a line for people of scores over everything,
    one row per fold.
    """

    @property
    def entity(self) -> str: ...
    @property
    def time(self) -> str: ...
    @property
    def target(self) -> str: ...
    @property
    def folds(self) -> int: ...
    @property
    def not_features(self) -> frozenset[str]: ...

    def window_length(self, times: int) -> int: ...

    def in_words(self, scores: pd.DataFrame) -> str: ...


@dataclass(frozen=True)
class ForecastTask:
    """What is forecast, and how it is backtested.

    A history has one row per (entity, time): the columns named here and whatever features there are.
    `known`: columns whose future values are known in advance (prices, events); a history that goes on beyond its
    last target holds them, in rows without a target. `censored`: a true value means that sales understate demand
    (stock-out). `price`: what a unit sells for. `peers`: columns (a category, an article that several shops sell)
    whose values entities share that are alike: how one that never sold begins, and how one goes on.
    `damped`: a column that holds what an implausible observation counts as in learning and in scores, missing for all
    others; without it every observation counts as it is.
    `country`: two letters, for its holidays in daily demand.
    `horizon` and `season_length` count periods of `every` (a pandas offset: `D`, `MS`, `W-MON` for weeks named by
    their Monday); without a season length, a day's season is its week and any other period's the year. `folds`
    origins lie `step` periods apart, the last one `horizon` periods before the end; without a step they are spread
    over a year, or over what the history has.
    """

    entity: str
    time: str
    target: str
    every: str = "W-MON"
    horizon: int = 8
    season_length: int = 0
    folds: int = 6
    step: int = 0
    known: tuple[str, ...] = ()
    censored: str | None = None
    price: str | None = None
    peers: tuple[str, ...] = ()
    damped: str | None = None
    country: str | None = None

    def __post_init__(self) -> None:
        if not self.season_length:
            object.__setattr__(self, "season_length", 7 if self.every == "D" else self.year)

    @property
    def year(self) -> int:
        """How many periods a year has: 365 of `D`, 52 of weeks, 12 of `MS`."""
        import pandas as pd

        return max(round(len(pd.date_range("2024-01-01", "2027-12-31", freq=self.every)) / 4), 1)

    @property
    def not_features(self) -> frozenset[str]:
        return frozenset({self.entity, self.time, *([self.damped] if self.damped else [])})

    def window_length(self, times: int) -> int:
        return self.horizon

    def in_words(self, scores: pd.DataFrame) -> str:
        return f"RMSSE {scores['rmsse'].mean():.3f}, WAPE {scores['wape'].mean():.1%}"


@dataclass(frozen=True)
class ClassificationTask:
    """Whether something comes about, case by case, and how classifiers of it are tried.

    A case is a row (entity, time): what was known at `time`, and in `target` whether it came about (yes/no; missing
    as long as nobody knows). `decided`: the column with the moment from which on that was known. Every other column
    of numbers, truth values, texts and codes is learned from, but those `refused`, which are known only afterwards,
    and those `ignored`, which are no property of a case. A feature that is made of a refused column is a fault;
    `leaks.py` says how that is seen to. `folds`: how many stretches of time classifiers are tried on, each knowing
    only what was decided before it. They begin at the last starts of `every` (a pandas offset: `YS` for years), or
    without it divide the newer half of the decided cases. `implausible`: a column that alone separates the classes
    this well (area under the ROC curve) is suspected of being a leak. `let_in`: columns that are learned from
    although the check for leaks names them, each with the reason; the name of `entity` lets in cases that stand there
    twice. `withheld`: what the check left out, filled in when a model is trained.
    """

    entity: str
    time: str
    target: str
    decided: str
    folds: int = 5
    every: str | None = None
    refused: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    implausible: float = 0.95
    let_in: Mapping[str, str] = field(default_factory=dict, hash=False)
    withheld: tuple[str, ...] = ()

    @property
    def not_features(self) -> frozenset[str]:
        """The columns that no classifier sees."""
        known = (self.entity, self.time, self.target, self.decided)
        return frozenset({*known, *self.refused, *self.ignored, *self.withheld})

    def window_length(self, times: int) -> int:
        """About as many as a fold has, when the folds divide the newer half."""
        return max(times // (2 * self.folds), 1)

    def in_words(self, scores: pd.DataFrame) -> str:
        log_loss, brier, auc, rate = (scores[name].mean() for name in ("log_loss", "brier", "auc", "base_rate"))
        return f"log loss {log_loss:.3f}, Brier {brier:.3f}, AUC {auc:.2f}, {rate:.0%} came about"


class Learner(Protocol):
    """Something that can be fitted, with its parameters as dataclass fields.

    `save` writes plain files (JSON, arrays) into a folder, `load` reads them back without running code from them.
    """

    def save(self, folder: Path) -> None: ...

    @classmethod
    def load(cls, folder: Path) -> Self: ...


class Forecaster(Learner, Protocol):
    """Something that learns from a history and forecasts every entity in it.

    `fit` returns a fitted copy, whatever was fitted before. `forecast` gives one row per (entity, step): entity, time,
    step (1-based), mean in units of the target, never negative.
    """

    def fit(self, history: pd.DataFrame, task: ForecastTask) -> Self: ...

    def forecast(self, history: pd.DataFrame, horizon: int) -> pd.DataFrame: ...


class Classifier(Learner, Protocol):
    """Something that learns from decided cases how probable an outcome is.

    `fit` returns a fitted copy, whatever was fitted before. `probability` gives one number in 0..1 per row of `cases`,
    in their order; it is asked of the features alone. The same cases give the same numbers.
    """

    def fit(self, cases: pd.DataFrame, task: ClassificationTask) -> Self: ...

    def probability(self, cases: pd.DataFrame) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]: ...


@dataclass(frozen=True)
class Model(Derivation):
    """A candidate; `build()` returns an unfitted learner with its parameters. `contest` names the contest."""

    contest: str


@dataclass(frozen=True)
class ExclusiveOutcome:
    """That of one case only one can come about: a contest's outcome, or that of another `contest` of its domain.

    `most`: of the cases of one time, so many have the first outcome. What both predict is made one distribution.
    """

    contest: str
    most: int


@dataclass(frozen=True)
class Contest(Derivation):
    """What the candidates compete for; `build(losses, incumbent)` returns the name of the champion.

    `features`: the thing that holds the history. `task`: what is predicted. `baselines`: the plain models that no
    champion may lose to on its folds. `min_new_share`: the share of the history's rows that must be new or changed
    before the candidates learn again. `max_withdrawn_share`: the share of the rows that a version learned from which
    may have been changed or withdrawn since; beyond it the candidates learn again, and the version may not serve.
    `min_scored_periods`: over how many periods (weeks of weekly demand) the candidates must have been scored before
    anything but a plain model comes into service. `exclusive`: the outcome that rules this one out.
    """

    features: str
    task: Task
    baselines: tuple[str, ...]
    min_new_share: float
    max_withdrawn_share: float = 0.0
    min_scored_periods: int = MIN_SCORED_PERIODS
    exclusive: ExclusiveOutcome | None = None


def in_country(contest: Contest, country: str | None) -> Contest:
    """`contest` with the holidays of `country`, where they count (in daily demand) and it names none itself."""
    task = contest.task
    if country is None or not isinstance(task, ForecastTask) or task.country or task.every != "D":
        return contest
    return replace(contest, task=replace(task, country=country))


def model(*, contest: str, owner: str) -> Callable[[Callable[[], Learner]], Model]:
    """Declare the decorated function as the maker of a candidate of `contest` (a thing of the same domain)."""
    return lambda build: Model(build=build, owner=owner, contest=contest)


def contest(
    *,
    features: str,
    task: Task,
    owner: str,
    baselines: tuple[str, ...] = (),
    min_new_share: float = 0.005,
    max_withdrawn_share: float = 0.0,
    min_scored_periods: int = MIN_SCORED_PERIODS,
    exclusive: ExclusiveOutcome | None = None,
) -> Callable[[Callable[[pd.DataFrame, str | None], str]], Contest]:
    """Declare the decorated function as the judge of a contest."""
    return lambda build: Contest(
        build=build,
        owner=owner,
        features=features,
        task=task,
        baselines=baselines,
        min_new_share=min_new_share,
        max_withdrawn_share=max_withdrawn_share,
        min_scored_periods=min_scored_periods,
        exclusive=exclusive,
    )
