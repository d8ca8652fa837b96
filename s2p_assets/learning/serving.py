"""What the version in service says, and whether it errs more than it did, by kind of problem.

Forecasts are made in `forecasts.py`, outcomes told in `telling.py`; how wrong they are is for `monitoring/`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from s2p_assets.learning.classifying.telling import answers, having
from s2p_assets.learning.forecasting.forecasts import foresee
from s2p_assets.learning.forecasting.series import told
from s2p_assets.learning.forecasting.watching import RecentError, recent_error
from s2p_assets.learning.model import Outcome, Problem, Task
from s2p_assets.learning.monitoring.classification_loss import RecentLoss, recent_loss
from s2p_assets.learning.versions import Champion, ModelVersion


@dataclass(frozen=True)
class Service:
    """How versions for problems of one kind serve.

    `answers`: what a champion says of what has the wanted values in a history, so many periods ahead where it says
    something by period; no row when nothing has them. `recent`: its error on what came since it was trained; None
    when that cannot be said.
    """

    answers: Callable[[Champion[Any], pd.DataFrame, Mapping[str, str], int | None], pd.DataFrame]
    recent: Callable[[ModelVersion[Any], pd.DataFrame], RecentError | RecentLoss | None]


def forecasts(
    champion: Champion[Problem], history: pd.DataFrame, wanted: Mapping[str, str], horizon: int | None = None
) -> pd.DataFrame:
    """What is foreseen of the entities whose latest row has the wanted values: as of `forecasts.foresee`."""
    problem = champion.problem
    by_time = told(history, problem).sort_values(problem.time)
    latest = having(by_time.drop_duplicates(problem.entity, keep="last"), wanted)
    if latest.empty:
        return latest
    rows = foresee(champion, history, horizon=horizon)
    return rows.loc[rows[problem.entity].isin(latest[problem.entity])].reset_index(drop=True)


SERVICES: dict[type, Service] = {Problem: Service(forecasts, recent_error), Outcome: Service(answers, recent_loss)}


def service_of(problem: Task) -> Service:
    """How versions for this problem serve. Raises KeyError for one of neither kind."""
    return SERVICES[type(problem)]
