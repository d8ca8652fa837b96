"""Prophet on the total of all series, shared down to each by its recent share of the total.

One Prophet per series costs 300 times the CPU and is no better on the public sets tried.
"""

import json
import logging
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from s2p_assets.contracts.model import ForecastTask
from s2p_assets.learning.forecasting.lags import moving_mean
from s2p_assets.learning.forecasting.series import Matrix, Panel, forecast_rows, future_times, panel
from s2p_assets.learning.registry.learner_files import ModelDamaged, fitted_task, read_learner, write_learner

if TYPE_CHECKING:
    from prophet import Prophet

MODEL_FILE = "prophet.json"
FEWEST_PERIODS = 12


@dataclass(frozen=True)
class ProphetTotal:
    """Taylor & Letham (2018) on the total; top-down by the proportions of the last `recent` periods.

    A total that is too short or never changes is carried on as its recent mean. A yearly season is
    fitted when there are two seasons of history. `prophet`: as stored, until a forecast is wanted: Prophet takes half a
    second to load, and most that is asked of a model is no forecast.
    """

    recent: int = 8
    changepoint_prior_scale: float = 0.05
    task: ForecastTask | None = field(default=None, repr=False)
    prophet: "Prophet | str | None" = field(default=None, repr=False, compare=False)

    def fit(self, history: pd.DataFrame, task: ForecastTask) -> "ProphetTotal":
        past = panel(history, task)
        total = np.nansum(past.values, axis=1)
        if len(total) < FEWEST_PERIODS or np.ptp(total) == 0:
            return replace(self, task=task, prophet=None)
        prophet = _new_prophet(
            growth="linear",
            yearly_seasonality=len(total) >= 2 * task.season_length,
            weekly_seasonality=task.every == "D",
            daily_seasonality=False,
            changepoint_prior_scale=self.changepoint_prior_scale,
            uncertainty_samples=0,
        )
        prophet.fit(pd.DataFrame({"ds": past.times, "y": total}))
        return replace(self, task=task, prophet=prophet)

    def forecast(self, history: pd.DataFrame, horizon: int) -> pd.DataFrame:
        task = fitted_task(self.task)
        past = panel(history, task)
        recent = np.nan_to_num(moving_mean(past.values, self.recent)[-1])
        total = self._total(past, horizon, task, float(recent.sum()))
        shares = recent / recent.sum() if recent.sum() > 0 else recent
        return forecast_rows(past, total[:, None] * shares[None, :], task)

    def _total(self, past: Panel, horizon: int, task: ForecastTask, recent: float) -> Matrix:
        if self.prophet is None:
            return np.full(horizon, recent)
        prophet = _revived(self.prophet) if isinstance(self.prophet, str) else self.prophet
        future = pd.DataFrame({"ds": future_times(past.times[-1], horizon, task)})
        return np.asarray(prophet.predict(future)["yhat"].clip(lower=0.0), float)

    def save(self, folder: Path) -> None:
        write_learner(folder, self, self.task, has_prophet=self.prophet is not None)
        if self.prophet is not None:
            (folder / MODEL_FILE).write_text(_as_text(self.prophet), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "ProphetTotal":
        parameters, task, fitted = read_learner(folder)
        return cls(**parameters, task=task, prophet=_read(folder) if fitted.get("has_prophet") else None)


def _as_text(prophet: "Prophet | str") -> str:
    if isinstance(prophet, str):
        return prophet
    from prophet.serialize import model_to_json

    return str(model_to_json(prophet))


def _read(folder: Path) -> str:
    """The stored Prophet, of which is seen to that it is whole. Raises ModelDamaged."""
    try:
        text = (folder / MODEL_FILE).read_text(encoding="utf-8")
        if not isinstance(json.loads(text)["params"], dict):
            raise ValueError("it holds no parameters")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(str(folder / MODEL_FILE), error) from error
    return text


def _revived(text: str) -> "Prophet":
    _quiet()
    from prophet.serialize import model_from_json

    try:
        return model_from_json(text)
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(MODEL_FILE, error) from error


def _damaged(file: str, error: Exception) -> ModelDamaged:
    return ModelDamaged(f"{file}: {error}; train the model again")


def _new_prophet(**settings: Any) -> "Prophet":
    """An unfitted Prophet that does not log its fits."""
    _quiet()
    from prophet import Prophet

    return Prophet(**settings)


def _quiet() -> None:
    """Stan reports every fit, and Prophet that it has no plotly."""
    import cmdstanpy

    cmdstanpy.disable_logging()
    for name in ("prophet", "prophet.plot"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
