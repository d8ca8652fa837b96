"""The declarations of models and of the contests in which they stand, and what a forecaster can do."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, Self

import pandas as pd

from s2p_assets.shelves import Made


@dataclass(frozen=True)
class Problem:
    """What is forecast, and how it is backtested.

    A history has one row per (entity, time): the columns named here and whatever features there are.
    `known`: columns whose future values are known in advance (prices, events); a history that goes on beyond its
    last target tells them, in rows without a target. `censored`: a true value means that sales understate demand
    (stock-out). `price`: what a unit sells for. `peers`: columns (a category) whose values an entity that never
    sold shares with those that tell how such begin. `country`: two letters, for its holidays in daily demand.
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
    country: str | None = None

    def __post_init__(self) -> None:
        if not self.season_length:
            object.__setattr__(self, "season_length", 7 if self.every == "D" else self.year)

    @property
    def year(self) -> int:
        """How many periods a year has: 365 of `D`, 52 of weeks, 12 of `MS`."""
        return max(round(len(pd.date_range("2024-01-01", "2027-12-31", freq=self.every)) / 4), 1)


class Forecaster(Protocol):
    """Something that learns from a history and forecasts every entity in it.

    `fit` returns a fitted copy. `forecast` gives one row per (entity, step): entity, time, step
    (1-based), mean in units of the target, never negative. `save` writes plain files (JSON, skops)
    into a folder, `load` reads them back without running code from them.
    """

    def fit(self, history: pd.DataFrame, problem: Problem) -> Self: ...

    def forecast(self, history: pd.DataFrame, horizon: int) -> pd.DataFrame: ...

    def save(self, folder: Path) -> None: ...

    @classmethod
    def load(cls, folder: Path) -> Self: ...


@dataclass(frozen=True)
class Model(Made):
    """A candidate; `build()` returns an unfitted forecaster with its parameters. `contest` names the contest."""

    contest: str


@dataclass(frozen=True)
class Contest(Made):
    """What the candidates compete for; `build(losses, standing)` returns the name of the champion.

    `features`: the thing that holds the history. `problem`: what is predicted. `floor`: the plain models that no
    champion may lose to on its folds. `news`: the share of the history's rows that must be new or changed before
    the candidates learn again.
    """

    features: str
    problem: Problem
    floor: tuple[str, ...]
    news: float


def in_country(contest: Contest, country: str | None) -> Contest:
    """`contest` with the holidays of `country`, where they count (in daily demand) and it names none itself."""
    problem = contest.problem
    if country is None or problem.country or problem.every != "D":
        return contest
    return replace(contest, problem=replace(problem, country=country))


def model(*, contest: str, owner: str) -> Callable[[Callable[[], Forecaster]], Model]:
    """Declare the decorated function as the maker of a candidate of `contest` (a thing of the same domain)."""
    return lambda build: Model(build=build, owner=owner, contest=contest)


def contest(
    *, features: str, problem: Problem, owner: str, floor: tuple[str, ...] = (), news: float = 0.005
) -> Callable[[Callable[[pd.DataFrame, str | None], str]], Contest]:
    """Declare the decorated function as the judge of a contest."""
    return lambda build: Contest(build=build, owner=owner, features=features, problem=problem, floor=floor, news=news)
