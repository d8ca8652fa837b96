"""How good classifiers were on their folds: every measure side by side, the loss that decides, and how sure that is.

The measures themselves are in `metrics.py`; who wins by the losses is for `champion.py`.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from s2p_assets.contracts.model import ClassificationTask
from s2p_assets.learning.classification.metrics import accuracy, auc, brier, calibration_error, log_losses
from s2p_assets.learning.forecasting.scores import ALL
from s2p_assets.learning.forecasting.series import Matrix
from s2p_assets.learning.selection.paired_test import LOSS_COLUMNS

MEASURES: dict[str, Callable[[Any, Any], float]] = {
    "log_loss": lambda actual, predicted: float(log_losses(actual, predicted).mean()),
    "brier": brier,
    "auc": auc,
    "accuracy": accuracy,
    "base_rate": lambda actual, predicted: float(np.mean(actual)),
    "calibration_error": calibration_error,
}
SCORE_COLUMNS = ("model", "fold", "cutoff", "series", "entities", "cases", *MEASURES)
DRAWS = 400


def classification_scores(
    backtests: dict[str, pd.DataFrame], history: pd.DataFrame, task: ClassificationTask
) -> pd.DataFrame:
    """One row per (model, fold): its measures over the cases of the fold, as the means of `MEASURES` say.

    `series` is always `all`; `entities` and `cases` are counts. auc is NaN where only one outcome came.
    """
    found = [
        {
            "model": model,
            "fold": fold,
            "cutoff": rows["cutoff"].iloc[0],
            "series": ALL,
            "entities": rows["entity"].nunique(),
            "cases": len(rows),
            **{name: measure(rows["actual"], rows["probability"]) for name, measure in MEASURES.items()},
        }
        for model, backtest in backtests.items()
        for fold, rows in backtest.groupby("fold")
    ]
    return pd.DataFrame(found)[list(SCORE_COLUMNS)]


def scores_as_told(scores: pd.DataFrame, model: str, backtest: pd.DataFrame) -> pd.DataFrame:
    """`scores` with the measures of `model` on what people were told, where that is not what it said alone.

    `backtest`: as of `exclusive_outcomes.exclusive_backtests`. Folds that are not in it keep theirs.
    """
    told = [
        {"model": model, "fold": fold}
        | {name: measure(rows["actual"], rows["probability"]) for name, measure in MEASURES.items()}
        for fold, rows in backtest.groupby("fold")
    ]
    renewed = scores.set_index(["model", "fold"])
    renewed.update(pd.DataFrame(told).set_index(["model", "fold"]))
    return renewed.reset_index()[list(scores.columns)]


def classification_losses(
    backtest: pd.DataFrame, history: pd.DataFrame, task: ClassificationTask, model: str
) -> pd.DataFrame:
    """The loss that decides, one row per (cutoff, unit, time): the log loss of a case; a unit is an entity."""
    loss = log_losses(backtest["actual"], backtest["probability"])
    rows = backtest[["cutoff", "entity", "time"]].rename(columns={"entity": "unit"}).astype({"unit": str})
    rows = rows.assign(loss=loss, model=model)[[*LOSS_COLUMNS, "time"]]
    return rows.sort_values(["cutoff", "unit", "time"], kind="stable").reset_index(drop=True)


def metric_intervals(
    backtest: pd.DataFrame, entity: str = "entity", actual: str = "actual", *, draws: int = DRAWS, seed: int = 0
) -> pd.DataFrame:
    """Each of `MEASURES` over the cases of all folds together, with its 95 % interval: measure, value, low, high.

    `backtest`: one row per case, with `entity`, `actual` (whether it came about) and probability. By the bootstrap over
    entities, as the cases of one are not independent: Efron & Tibshirani (1993).
    """
    outcome, predicted = backtest[actual].to_numpy(float), backtest["probability"].to_numpy(float)
    codes, names = pd.factorize(backtest[entity])
    places = np.split(np.argsort(codes, kind="stable"), np.cumsum(np.bincount(codes))[:-1])
    random = np.random.default_rng(seed)
    drawn: Matrix = np.full((draws, len(MEASURES)), np.nan)
    for draw in range(draws):
        some = np.concatenate([places[at] for at in random.integers(0, len(names), len(names))])
        drawn[draw] = [measure(outcome[some], predicted[some]) for measure in MEASURES.values()]
    low, high = np.nanquantile(drawn, [0.025, 0.975], axis=0)
    values = [measure(outcome, predicted) for measure in MEASURES.values()]
    return pd.DataFrame({"measure": list(MEASURES), "value": values, "low": low, "high": high})
