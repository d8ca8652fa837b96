"""The two kinds of problem that models learn, and by which functions each is learned and tried.

A version of either kind is made in `versions.py`; what versions in service say is in `serving.py`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from s2p_assets.columns import Column
from s2p_assets.learning.classifying import cases, time_folds
from s2p_assets.learning.classifying import scores as class_scores
from s2p_assets.learning.classifying.leaks import Columns, declared_leaks, suspects
from s2p_assets.learning.forecasting import scores, series
from s2p_assets.learning.model import Outcome, Problem, Task
from s2p_assets.learning.trials import tried


@dataclass(frozen=True)
class Kind:
    """How problems of one kind are learned.

    `learnable`: what of a history is learned from in the end. `backtest`: predictions from
    past cutoffs beside the actuals, one row per fold and case; `foretold`: its column of predictions.
    `scores`: of backtests by model, one row per (model, fold, series). `losses`: of one backtest, as
    `beyond_noise.compare` takes them. `leaks`: of a domain's feature columns those that know the
    outcome by their declarations, and why; `suspects`: the features that predict it too well to be true, and how well;
    None of both where nothing can leak, as a forecast is given nothing but its history up to the cutoff.
    """

    learnable: Callable[[pd.DataFrame, Any], pd.DataFrame]
    backtest: Callable[[Any, pd.DataFrame, Any], pd.DataFrame]
    foretold: str
    scores: Callable[[dict[str, pd.DataFrame], pd.DataFrame, Any], pd.DataFrame]
    losses: Callable[[pd.DataFrame, pd.DataFrame, Any, str], pd.DataFrame]
    leaks: Callable[[str, Sequence[Column], Any, Columns], dict[str, str]] | None = None
    suspects: Callable[[pd.DataFrame, Any], dict[str, float]] | None = None


KINDS: dict[type, Kind] = {
    Problem: Kind(
        learnable=series.learnable,
        backtest=tried,
        foretold="mean",
        scores=scores.scores,
        losses=scores.losses,
    ),
    Outcome: Kind(
        learnable=cases.decided,
        backtest=time_folds.time_ordered,
        foretold="probability",
        scores=class_scores.scores,
        losses=class_scores.losses,
        leaks=declared_leaks,
        suspects=suspects,
    ),
}


def kind_of(problem: Task) -> Kind:
    """How a problem is learned. Raises KeyError for one of neither kind."""
    return KINDS[type(problem)]
