"""What a classifier in service says of cases, and said of those of its folds.

How classifiers are fitted and tried is in `time_folds.py`; why one says what it says is for `reasons.py`.
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

TO_COME, TRIED, LEARNED = "to come", "as told before it was decided", "learned from"


def tell(champion: Champion[Outcome], cases: pd.DataFrame) -> pd.DataFrame:
    """How probable the outcome is in each of `cases`, in their order.

    Columns: entity and time under the problem's names, probability, basis, model, model_version. `basis` is `to come`
    for a case that is not decided; for one that was tested, what was told of it in its fold, `as told before it was
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
    told = _as_tried(made, rows)
    tried = ~np.isnan(told) & (rows["basis"] == LEARNED).to_numpy()
    return rows.assign(
        probability=np.where(tried, told, rows["probability"]),
        basis=np.where(tried, TRIED, rows["basis"]),
        model=champion.model_name,
        model_version=champion.version,
    )


def _as_tried(made: ModelVersion[Outcome], cases: pd.DataFrame) -> Matrix:
    """What was told of each case in its fold; NaN of those that were not tested."""
    names = ["entity", "time"]
    wanted, then = cases[[made.problem.entity, made.problem.time]].set_axis(names, axis=1), made.backtest
    wanted, then = (one.assign(time=one["time"].astype("datetime64[us]")) for one in (wanted, then))
    both = wanted.astype({"entity": str}).merge(then[[*names, "probability"]], on=names, how="left")
    return np.asarray(both["probability"], float)


def tried(champion: Champion[Outcome]) -> pd.DataFrame:
    """What the champion told of the cases of its folds, beside what came.

    Columns: entity, time and target under the problem's names, fold, cutoff, probability, and part: as of
    `probabilities.parts`, over all folds together.
    """
    problem, told = champion.problem, champion.model.backtest
    names = {"entity": problem.entity, "time": problem.time}
    rows = told.rename(columns=names).assign(**{problem.target: told["actual"] == 1})
    return rows.assign(part=parts(told["probability"]).to_numpy())


def open_cases(history: pd.DataFrame, problem: Outcome) -> pd.DataFrame:
    """The newest case of each entity whose outcome is not told yet; where all are told, the newest cases of all."""
    cases = usable(history, problem)
    waiting = cases.loc[cases[problem.target].isna()]
    if waiting.empty:
        waiting = cases.loc[cases[problem.time] == cases[problem.time].max()]
    return waiting.drop_duplicates(problem.entity, keep="last").reset_index(drop=True)


def answers(
    champion: Champion[Outcome], history: pd.DataFrame, wanted: Mapping[str, str], horizon: int | None = None
) -> pd.DataFrame:
    """What is told of the newest case of each entity with the wanted values, or of the open ones; as of `tell`.

    A case is one moment, so that a horizon says nothing.
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
