"""Probabilities of cases: those of the version in service, and those of its backtest.

How classifiers are fitted and backtested is in `time_folds.py`; what a probability is made of is for `explanations.py`.
"""

from collections.abc import Mapping
from typing import cast

import numpy as np
import pandas as pd

from s2p_assets.contracts.model import ClassificationTask, Classifier
from s2p_assets.learning.classification.cases import checked_cases
from s2p_assets.learning.classification.metrics import deciles
from s2p_assets.learning.classification.time_folds import predict_probabilities
from s2p_assets.learning.forecasting.series import Matrix
from s2p_assets.learning.versions import Champion, ModelVersion

OPEN = "open"
BACKTESTED = "backtested"
TRAINED_ON = "trained on"


def score_cases(champion: Champion[ClassificationTask], cases: pd.DataFrame) -> pd.DataFrame:
    """How probable the outcome is in each of `cases`, in their order.

    Columns: entity and time under the task's names, probability, basis, model, model_version. `basis` is `open` for a
    case that is not decided; for one of its backtest, with the probability of its fold, `backtested`; else `trained
    on`, which proves nothing.
    """
    task, made = champion.task, champion.model
    rows = pd.DataFrame(
        {
            task.entity: cases[task.entity].to_numpy(object),
            task.time: cases[task.time].to_numpy(),
            "probability": predict_probabilities(cast("Classifier", made.learner), cases, task),
            "basis": np.where(cases[task.target].isna(), OPEN, TRAINED_ON),
        }
    )
    in_backtest = _backtest_probabilities(made, rows)
    is_backtested = ~np.isnan(in_backtest) & (rows["basis"] == TRAINED_ON).to_numpy()
    return rows.assign(
        probability=np.where(is_backtested, in_backtest, rows["probability"]),
        basis=np.where(is_backtested, BACKTESTED, rows["basis"]),
        model=champion.model_name,
        model_version=champion.version,
    )


def _backtest_probabilities(made: ModelVersion[ClassificationTask], cases: pd.DataFrame) -> Matrix:
    """The probability of each case in its fold; NaN for those of no fold."""
    names = ["entity", "time"]
    wanted, then = cases[[made.task.entity, made.task.time]].set_axis(names, axis=1), made.backtest
    wanted, then = (one.assign(time=one["time"].astype("datetime64[us]")) for one in (wanted, then))
    both = wanted.astype({"entity": str}).merge(then[[*names, "probability"]], on=names, how="left")
    return np.asarray(both["probability"], float)


def backtested_cases(champion: Champion[ClassificationTask]) -> pd.DataFrame:
    """The cases of the champion's backtest, one row each: its probability beside the outcome.

    Columns: entity, time and target under the task's names, fold, cutoff, probability, and decile: as of
    `metrics.deciles`, over all folds together.
    """
    task, backtest = champion.task, champion.model.backtest
    names = {"entity": task.entity, "time": task.time}
    rows = backtest.rename(columns=names).assign(**{task.target: backtest["actual"] == 1})
    return rows.assign(decile=deciles(backtest["probability"]).to_numpy())


def open_cases(history: pd.DataFrame, task: ClassificationTask) -> pd.DataFrame:
    """The newest case of each entity without an outcome; where all have one, the newest cases of all."""
    cases = checked_cases(history, task)
    open_ = cases.loc[cases[task.target].isna()]
    if open_.empty:
        open_ = cases.loc[cases[task.time] == cases[task.time].max()]
    return open_.drop_duplicates(task.entity, keep="last").reset_index(drop=True)


def score_wanted(
    champion: Champion[ClassificationTask], history: pd.DataFrame, wanted: Mapping[str, str], horizon: int | None = None
) -> pd.DataFrame:
    """The probability of the newest case of each entity with the wanted values, or of the open ones: as of
    `score_cases`.

    A case is one moment, so `horizon` counts for nothing.
    """
    task = champion.task
    if not wanted:
        return score_cases(champion, open_cases(history, task))
    cases = rows_with_values(checked_cases(history, task), wanted).drop_duplicates(task.entity, keep="last")
    return score_cases(champion, cases)


def rows_with_values(rows: pd.DataFrame, wanted: Mapping[str, str]) -> pd.DataFrame:
    """The rows with these values, as people write them."""
    for name, value in wanted.items():
        rows = rows.loc[rows[name].astype("string") == value]
    return rows.reset_index(drop=True)
