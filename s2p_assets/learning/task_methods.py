"""The two kinds of task that models learn, and by which functions each is learned and tried.

A version of either kind is made in `versions.py`; what versions in service say is in `serving.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from s2p_assets.contracts.model import ClassificationTask, ForecastTask, Task
from s2p_assets.learning.classification import cases, time_folds
from s2p_assets.learning.classification import scores as class_scores
from s2p_assets.learning.classification.leaks import admissible
from s2p_assets.learning.classification.recalibration import recalibrated
from s2p_assets.learning.forecasting import scores
from s2p_assets.learning.forecasting.backtest_cache import cached_backtest, cached_fit


@dataclass(frozen=True)
class TaskMethods:
    """How tasks of one kind are learned.

    `fit`: a copy of a learner fitted on what of a history is learned from in the end.
    `backtest`: predictions from past cutoffs beside the actuals, one row per fold and case; `predicted_column`: its
    column of predictions.
    `scores`: of backtests by model, one row per (model, fold, series). `losses`: of one backtest, as
    `paired_test.paired_test` takes them. `recalibrated`: a fitted learner and its backtest after its errors in earlier
    folds, where that pays. `admissible`: a history and a task without what knows the answer, and what of it
    was left out or let in, and why; None where nothing can leak, as a forecast is given nothing but its history up to
    the cutoff.
    """

    fit: Callable[[Any, pd.DataFrame, Any], Any]
    backtest: Callable[[Any, pd.DataFrame, Any], pd.DataFrame]
    predicted_column: str
    scores: Callable[[dict[str, pd.DataFrame], pd.DataFrame, Any], pd.DataFrame]
    losses: Callable[[pd.DataFrame, pd.DataFrame, Any, str], pd.DataFrame]
    recalibrated: Callable[[Any, pd.DataFrame], tuple[Any, pd.DataFrame]] | None = None
    admissible: Callable[[pd.DataFrame, Any], tuple[pd.DataFrame, Any, dict[str, str], dict[str, str]]] | None = None


METHODS: dict[type, TaskMethods] = {
    ForecastTask: TaskMethods(
        fit=cached_fit,
        backtest=cached_backtest,
        predicted_column="mean",
        scores=scores.forecast_scores,
        losses=scores.forecast_losses,
    ),
    ClassificationTask: TaskMethods(
        fit=lambda learner, history, task: learner.fit(cases.decided_cases(history, task), task),
        backtest=time_folds.backtest_classifier,
        predicted_column="probability",
        scores=class_scores.classification_scores,
        losses=class_scores.classification_losses,
        recalibrated=recalibrated,
        admissible=admissible,
    ),
}


def methods_of(task: Task) -> TaskMethods:
    """How a task is learned. Raises KeyError for one of neither kind."""
    return METHODS[type(task)]
