"""Prophet for each series by itself, fitted in shards; a series that fails is forecast as seasonal naive, and named.

On public sets no better than `prophet_total` at 300 times its CPU: for the few series where a backtest says it pays.
"""

import json
import zipfile
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from s2p_assets.learning.forecasters.prophet_total import new_prophet
from s2p_assets.learning.forecasters.seasonal_naive import SeasonalNaive
from s2p_assets.learning.forecasting.series import Matrix, TooLittleHistory, coming, forecast_rows, panel
from s2p_assets.learning.model import Problem
from s2p_assets.learning.plain_files import ModelDamaged, fitted_problem, read_plain, write_plain
from s2p_assets.learning.scale import for_each_entity

MODELS_FILE = "prophets.zip"
FEWEST_PERIODS = 12


@dataclass(frozen=True)
class ProphetEach:
    """Taylor & Letham (2018) on every series; one version is one zip of their JSON.

    `failed`: the series that have no Prophet, and why; they are forecast by `SeasonalNaive`.
    """

    changepoint_prior_scale: float = 0.05
    recent: int = 8
    problem: Problem | None = field(default=None, repr=False)
    models: dict[str, str] = field(default_factory=dict, repr=False, compare=False)
    failed: dict[str, str] = field(default_factory=dict, repr=False)

    def fit(self, history: pd.DataFrame, problem: Problem) -> "ProphetEach":
        past = panel(history, problem)
        tasks = {
            str(name): (past.times, past.values[:, at], problem, self.changepoint_prior_scale)
            for at, name in enumerate(past.entities)
        }
        found = for_each_entity(_fitted, tasks, says="fitting Prophet")
        return replace(self, problem=problem, models=found.made, failed=found.failed)

    def forecast(self, history: pd.DataFrame, horizon: int) -> pd.DataFrame:
        problem = fitted_problem(self.problem)
        past = panel(history, problem)
        days = coming(past.times[-1], horizon, problem)
        tasks = {str(name): (self.models[str(name)], days) for name in past.entities if str(name) in self.models}
        found = for_each_entity(_predicted, tasks, says="forecasting with Prophet")
        rows = SeasonalNaive(recent=self.recent).fit(history, problem).forecast(history, horizon)
        means = rows["mean"].to_numpy().reshape(len(past.entities), horizon).T.copy()
        for at, name in enumerate(past.entities):
            if str(name) in found.made:
                means[:, at] = found.made[str(name)]
        return forecast_rows(past, means, problem)

    def save(self, folder: Path) -> None:
        write_plain(folder, self, self.problem, failed=self.failed)
        with zipfile.ZipFile(folder / MODELS_FILE, "w", zipfile.ZIP_DEFLATED) as collection:
            names = sorted(self.models)
            collection.writestr(zipfile.ZipInfo("names.json"), json.dumps(names))
            for number, name in enumerate(names):
                collection.writestr(zipfile.ZipInfo(f"{number}.json"), self.models[name], zipfile.ZIP_DEFLATED)

    @classmethod
    def load(cls, folder: Path) -> "ProphetEach":
        parameters, problem, fitted = read_plain(folder)
        try:
            with zipfile.ZipFile(folder / MODELS_FILE) as collection:
                names = json.loads(collection.read("names.json"))
                models = {str(name): collection.read(f"{n}.json").decode() for n, name in enumerate(names)}
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise ModelDamaged(f"{folder / MODELS_FILE}: {error}; train the model again") from error
        return cls(**parameters, problem=problem, models=models, failed=dict(fitted.get("failed", {})))


def _fitted(times: pd.DatetimeIndex, values: Matrix, problem: Problem, prior: float) -> str:
    """A fitted Prophet as JSON. Raises TooLittleHistory for a series too short to fit, or that never changes."""
    known = ~np.isnan(values)
    if known.sum() < FEWEST_PERIODS or np.ptp(values[known]) == 0:
        raise TooLittleHistory(f"{int(known.sum())} periods; {FEWEST_PERIODS} are needed that are not all the same")
    prophet = new_prophet(
        growth="linear",
        yearly_seasonality=bool(known.sum() >= 2 * problem.season_length) and problem.every != "D",
        weekly_seasonality=problem.every == "D",
        daily_seasonality=False,
        changepoint_prior_scale=prior,
        uncertainty_samples=0,
    )
    prophet.fit(pd.DataFrame({"ds": times[known], "y": values[known]}))
    from prophet.serialize import model_to_json

    return str(model_to_json(prophet))


def _predicted(model: str, days: pd.DatetimeIndex) -> Matrix:
    """The means of the coming days. Raises ValueError where the fit ran away."""
    from prophet.serialize import model_from_json

    means = np.asarray(model_from_json(model).predict(pd.DataFrame({"ds": days}))["yhat"].clip(lower=0.0), float)
    if not np.isfinite(means).all():
        raise ValueError("Prophet's forecast is not a number")
    return means
