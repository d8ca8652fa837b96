"""Probabilities of cases: those of the version in service, and those of its backtest.

How classifiers are fitted and backtested is in `time_folds.py`; what a probability is made of is for `reasons.py`.
"""

from collections.abc import Mapping
from typing import cast

import numpy as np
import pandas as pd

from s2p_assets.learning.classifying.cases import usable
from s2p_assets.learning.classifying.probabilities import parts
from s2p_assets.learning.classifying.time_folds import probabilities
from s2p_assets.learning.forecasting.series import Matrix
from s2p_assets.learning.model import Classifier, Outcome
from s2p_assets.learning.versions import Champion, ModelVersion

TO_COME = "to come"
TRIED = "as told before it was decided"
LEARNED = "learned from"


def tell(champion: Champion[Outcome], cases: pd.DataFrame) -> pd.DataFrame:
    """How probable the outcome is in each of `cases`, in their order.

    Columns: entity and time under the problem's names, probability, basis, model, model_version. `basis` is `to come`
    for a case that is not decided; for one of its backtest, with the probability of its fold, `as told before it was
    decided`; else `learned from`, which proves nothing.
    """
    problem, made = champion.problem, champion.model
    rows = pd.DataFrame(
        {
            problem.entity: cases[problem.entity].to_numpy(object),
            problem.time: cases[problem.time].to_numpy(),
            "probability": probabilities(cast("Classifier", made.learner), cases, problem),
            "basis": np.where(cases[problem.target].isna(), TO_COME, LEARNED),
        }
    )
    in_backtest = _as_tried(made, rows)
    is_backtested = ~np.isnan(in_backtest) & (rows["basis"] == LEARNED).to_numpy()
    return rows.assign(
        probability=np.where(is_backtested, in_backtest, rows["probability"]),
        basis=np.where(is_backtested, TRIED, rows["basis"]),
        model=champion.model_name,
        model_version=champion.version,
    )


def _as_tried(made: ModelVersion[Outcome], cases: pd.DataFrame) -> Matrix:
    """The probability of each case in its fold; NaN for those of no fold."""
    names = ["entity", "time"]
    wanted, then = cases[[made.problem.entity, made.problem.time]].set_axis(names, axis=1), made.backtest
    wanted, then = (one.assign(time=one["time"].astype("datetime64[us]")) for one in (wanted, then))
    both = wanted.astype({"entity": str}).merge(then[[*names, "probability"]], on=names, how="left")
    return np.asarray(both["probability"], float)


def tried(champion: Champion[Outcome]) -> pd.DataFrame:
    """The cases of the champion's backtest, one row each: its probability beside the outcome.

    Columns: entity, time and target under the problem's names, fold, cutoff, probability, and part: as of
    `probabilities.parts`, over all folds together.
    """
    problem, backtest = champion.problem, champion.model.backtest
    names = {"entity": problem.entity, "time": problem.time}
    rows = backtest.rename(columns=names).assign(**{problem.target: backtest["actual"] == 1})
    return rows.assign(part=parts(backtest["probability"]).to_numpy())


def open_cases(history: pd.DataFrame, problem: Outcome) -> pd.DataFrame:
    """The newest case of each entity without an outcome; where all have one, the newest cases of all."""
    cases = usable(history, problem)
    open_ = cases.loc[cases[problem.target].isna()]
    if open_.empty:
        open_ = cases.loc[cases[problem.time] == cases[problem.time].max()]
    return open_.drop_duplicates(problem.entity, keep="last").reset_index(drop=True)


def answers(
    champion: Champion[Outcome], history: pd.DataFrame, wanted: Mapping[str, str], horizon: int | None = None
) -> pd.DataFrame:
    """The probability of the newest case of each entity with the wanted values, or of the open ones: as of `tell`.

    A case is one moment, so `horizon` counts for nothing.
    """
    problem = champion.problem
    if not wanted:
        return tell(champion, open_cases(history, problem))
    cases = having(usable(history, problem), wanted).drop_duplicates(problem.entity, keep="last")
    return tell(champion, cases)


def having(rows: pd.DataFrame, wanted: Mapping[str, str]) -> pd.DataFrame:
    """The rows with these values, as people write them."""
    for name, value in wanted.items():
        rows = rows.loc[rows[name].astype("string") == value]
    return rows.reset_index(drop=True)
