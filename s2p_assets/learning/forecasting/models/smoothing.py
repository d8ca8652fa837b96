"""Exponential smoothing of every series at once, on what is left when its season is divided out.

Seasons are made in `seasons.py` and `own_seasons.py`; learning from more than levels and seasons is for `boosting.py`.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd

from s2p_assets.contracts.model import ForecastTask
from s2p_assets.learning.forecasting.lags import moving_mean
from s2p_assets.learning.forecasting.own_seasons import price_factors, usual_factors
from s2p_assets.learning.forecasting.seasons import periods_of_year
from s2p_assets.learning.forecasting.series import Matrix, forecast_rows, future_times, panel
from s2p_assets.learning.registry.learner_files import fitted_task, read_learner, write_learner

FASTEST, FASTEST_TOTAL = 0.3, 0.5
SLOWEST = 4  # years
TOTALS = np.array([4.0, 12.0, 36.0])  # how often a year a total is forgotten
SHARPNESS = 20.0
TOLERANCE = 0.005
SERIES_AT_ONCE, CANDIDATES = 1_000, 3


@dataclass(frozen=True)
class Smoothing:
    """Simple exponential smoothing, Brown (1956), of deseasonalised demand, zeros included.

    Each series' level is a mean of `rates` levels, from ones that forget within days to ones that remember a year,
    weighted by how well each predicted the mean of a horizon in the series' own past.
    `season`: whether the seasons are divided out, and what known prices do. Without it, `prices`: whether these still
    are; without both, this is plain SES.
    """

    learns: ClassVar[bool] = False
    rates: int = 8
    season: bool = True
    prices: bool = True
    task: ForecastTask | None = field(default=None, repr=False)

    @property
    def called(self) -> str:
        """What people read of it beside other forecasters."""
        return "smoothing" if self.season else "smoothing without season"

    def fit(self, history: pd.DataFrame, task: ForecastTask) -> "Smoothing":
        return replace(self, task=task)

    def forecast(self, history: pd.DataFrame, horizon: int) -> pd.DataFrame:
        task = fitted_task(self.task)
        past = panel(history, task)
        count = len(past.times)
        season: Matrix = np.ones((count + horizon, 1))
        times = pd.DatetimeIndex(past.times.append(future_times(past.times[-1], horizon, task)))
        if self.season:
            season = usual_factors(past, history, task, times)
        elif self.prices:
            season = price_factors(past, history, task, times, season)
        level = levels(past.values / season[:count], periods_of_year(past.times), task.horizon, self.rates)[-1]
        return forecast_rows(past, season[count:] * level[None, :], task)

    def save(self, folder: Path) -> None:
        write_learner(folder, self, self.task)

    @classmethod
    def load(cls, folder: Path) -> "Smoothing":
        parameters, task, _ = read_learner(folder)
        return cls(**parameters, task=task)


def levels(values: Matrix, year: int, horizon: int, rates: int = 8) -> Matrix:
    """The level of each series at each time (times × entities), as known then but for the weights of the rates.

    Where all series move together, smoothing each one's share of the total predicts better, for then their
    common trend is not forgotten with their noise; and where shares never change, one that remembers for years.
    Which is done is decided for all together: the plainest that predicted the past as well as any within 0.5 %.
    """
    speeds = np.geomspace(1 / (1.1 * year), FASTEST, rates)
    total = _like_for_like(values)[:, None]
    commons = _smoothed(total, np.minimum(TOTALS / year, FASTEST_TOTAL))
    errors = np.nan_to_num(_mean_square(commons - _mean_ahead(total, horizon))[:, 0], nan=np.inf)
    common = commons[int(np.argmin(errors))]
    parts = [values[:, at : at + SERIES_AT_ONCE] for at in range(0, values.shape[1], SERIES_AT_ONCE)]
    found = [_candidates(part, common, np.append(speeds, 1 / (SLOWEST * year)), horizon) for part in parts]
    errors_of = [np.concatenate([part[which][1] for part in found]) for which in range(CANDIDATES)]
    shares = [float(np.nanmean(each)) if np.isfinite(each).any() else 0.0 for each in errors_of]
    chosen = next(which for which, share in enumerate(shares) if share <= min(shares) * (1 + TOLERANCE))
    return np.concatenate([part[chosen][0] for part in found], axis=1)


def _candidates(values: Matrix, common: Matrix, speeds: Matrix, horizon: int) -> list[tuple[Matrix, Matrix]]:
    """The levels of some series, and their errors: each series alone, its share of all, and one that remembers longer.

    `common`: the level of all (times × 1). The last of `speeds` is that which remembers longer.
    """
    shared = _smoothed(values / common, speeds) * common
    return [_weighted(each, values, horizon) for each in (_smoothed(values, speeds[:-1]), shared[:-1], shared)]


def _weighted(smoothed: Matrix, values: Matrix, horizon: int) -> tuple[Matrix, Matrix]:
    """The mean of the smoothed levels (rates × times × entities), and each series' error as a share of usual errors.

    Errors are looked at every quarter of a horizon: what lies between predicts much the same periods.
    """
    ahead = _mean_ahead(values, horizon)
    ahead[: min(2 * horizon, len(values) // 3)] = np.nan
    seen = slice(len(values) % max(horizon // 4, 1), None, max(horizon // 4, 1))
    error = _mean_square(smoothed[:, seen] - ahead[seen])
    least = np.fmin.reduce(error, axis=0)
    weights = np.exp(-SHARPNESS * np.nan_to_num(error / np.where(least > 0, least, np.nan) - 1, nan=0.0))
    weights /= weights.sum(axis=0)
    level = np.einsum("rn,rtn->tn", weights, smoothed)
    usual = _mean_square((moving_mean(values, horizon)[seen] - ahead[seen])[None])[0]
    share = _mean_square((level[seen] - ahead[seen])[None])[0] / np.where(usual > 0, usual, np.nan)
    return level, share


def _smoothed(values: Matrix, rates: Matrix) -> Matrix:
    """Exponentially smoothed values (rates × times × entities); young series by their plain mean."""
    level = np.full((len(rates), values.shape[1]), np.nan)
    seen = np.zeros(values.shape[1])
    result = np.empty((len(rates), *values.shape))
    for at, row in enumerate(values):
        known = ~np.isnan(row)
        seen += known
        rate = np.maximum(rates[:, None], 1 / np.maximum(seen, 1))
        moved = np.where(np.isnan(level), row, level + rate * (row - level))
        level = np.where(known, moved, level)
        result[:, at] = level
    return result


def _like_for_like(values: Matrix) -> Matrix:
    """The total of all series over what those then alive usually sell, so that a new series is no growth."""
    usual = moving_mean(values, len(values))[-1]
    expected = np.where(np.isnan(values), 0.0, usual).sum(axis=1)
    return np.maximum(
        np.divide(np.nansum(values, axis=1), expected, out=np.ones(len(values)), where=expected > 0), 0.01
    )


def _mean_ahead(values: Matrix, horizon: int) -> Matrix:
    """Mean of the `horizon` rows after each row; NaN where they are not all there."""
    ahead = np.full_like(values, np.nan)
    if len(values) > horizon:
        ahead[:-horizon] = moving_mean(values, horizon)[horizon:]
    return ahead


def _mean_square(errors: Matrix) -> Matrix:
    """Mean over the times that have an error; NaN where none has."""
    known = ~np.isnan(errors)
    total, count = np.where(known, errors**2, 0.0).sum(axis=1), known.sum(axis=1)
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
