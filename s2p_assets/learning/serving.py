"""Predictions of the version in service, and whether it errs more than it did, by kind of task.

Forecasts are made in `forecasts.py`, probabilities in `scoring.py`; how wrong they are is for `monitoring/`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from s2p_assets.contracts.model import ClassificationTask, ForecastTask, Task
from s2p_assets.learning.classification.scoring import rows_with_values, score_wanted
from s2p_assets.learning.forecasting.forecasts import forecast_series, range_notes
from s2p_assets.learning.forecasting.series import with_target
from s2p_assets.learning.monitoring.classification_loss import RecentLoss, recent_loss
from s2p_assets.learning.monitoring.forecast_error import RecentError, recent_error
from s2p_assets.learning.versions import Champion, ModelVersion


@dataclass(frozen=True)
class Service:
    """How versions for tasks of one kind serve.

    `predict`: a champion's predictions for the entities with the wanted values in a history, so many periods ahead
    where it predicts by period; no row when none has them. `recent_performance`: its error on what is newer than its
    training; None when that cannot be measured.
    """

    predict: Callable[[Champion[Any], pd.DataFrame, Mapping[str, str], int | None], pd.DataFrame]
    recent_performance: Callable[[ModelVersion[Any], pd.DataFrame], RecentError | RecentLoss | None]


def forecast_wanted(
    champion: Champion[ForecastTask], history: pd.DataFrame, wanted: Mapping[str, str], horizon: int | None = None
) -> pd.DataFrame:
    """The forecast of the entities whose latest row has the wanted values: as of `forecasts.forecast_series`,
    and range_note, as of `forecasts.range_notes`.
    """
    task = champion.task
    by_time = with_target(history, task).sort_values(task.time)
    latest = rows_with_values(by_time.drop_duplicates(task.entity, keep="last"), wanted)
    if latest.empty:
        return latest
    rows = forecast_series(champion, history, horizon=horizon)
    rows = rows.loc[rows[task.entity].isin(latest[task.entity])].reset_index(drop=True)
    return rows.assign(range_note=range_notes(rows))


SERVICES: dict[type, Service] = {
    ForecastTask: Service(forecast_wanted, recent_error),
    ClassificationTask: Service(score_wanted, recent_loss),
}


def service_of(task: Task) -> Service:
    """How versions for this task serve. Raises KeyError for one of neither kind."""
    return SERVICES[type(task)]
