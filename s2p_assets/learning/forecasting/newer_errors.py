"""How far a version in service was off in the newest periods, which its training did not know.

What is usual for it stands in its backtest; what follows from more than that is for `monitoring/` and `intervals.py`.
"""

from typing import cast

import numpy as np
import pandas as pd

from s2p_assets.contracts.model import Forecaster, ForecastTask
from s2p_assets.learning.forecasting.backtest import beside_actuals, known_at_cutoff
from s2p_assets.learning.forecasting.intervals import ErrorDistribution, deviations
from s2p_assets.learning.forecasting.learnable import sold_rows
from s2p_assets.learning.forecasting.lifecycle import forecast_with_lifecycle
from s2p_assets.learning.forecasting.series import lean, with_target
from s2p_assets.learning.versions import ModelVersion

NEWEST = 4
"""Over so many of the newest periods, or of the horizon where that is less, errors are looked at."""
FEWEST_ROWS = 24
NARROWEST, WIDEST = 0.75, 2.0


def newer_errors(made: ModelVersion[ForecastTask], history: pd.DataFrame) -> pd.DataFrame | None:
    """What `made` says of the newest periods of `history`, knowing all before them, beside what was sold.

    As of `rolling_origin`, but for the fold. Of periods that it did not learn from, four at most; None without any.
    """
    task, last = made.task, made.backtest["time"].max()
    whole = sold_rows(lean(history, task), task)
    times = np.sort(with_target(whole, task)[task.time].unique())
    periods = min(int((times > last).sum()), NEWEST, task.horizon)
    if periods == 0 or periods >= len(times):
        return None
    cutoff = pd.Timestamp(times[-periods - 1])
    known = known_at_cutoff(cutoff, whole, task)
    rows = forecast_with_lifecycle(cast("Forecaster", made.learner), known, task, periods)
    rows = rows.assign(deviation=rows["entity"].map(deviations(known, task)), cutoff=cutoff)
    return beside_actuals(rows, with_target(whole, task), task)


def width_of_late(errors: ErrorDistribution, newer: pd.DataFrame | None) -> float:
    """By how much ranges are to be wider than `errors` has them, as the newest periods fell out of them: 0.75 to 2.

    By how much the range of 80 % would have had to be stretched to keep 80 % of `newer` (as of `newer_errors`), the
    nearer to 1 the fewer periods there are: half of it after four. As the proportional part of conformal PID control,
    Angelopoulos, Candès & Tibshirani (2023). 1 where too little is newer.
    """
    if newer is None:
        return 1.0
    rows = newer[~newer["censored"].astype(bool)]
    low, high = errors.quantiles(rows["mean"], rows["step"], (0.1, 0.9), rows["deviation"]).T
    actual, mean = rows["actual"].to_numpy(float), rows["mean"].to_numpy(float)
    reach = np.where(actual > mean, high - mean, mean - low)
    usable = reach > 0
    if usable.sum() < FEWEST_ROWS:
        return 1.0
    stretch = float(np.quantile(np.abs(actual - mean)[usable] / reach[usable], 0.8))
    periods = int(rows["step"].max())
    width = np.exp(np.log(max(stretch, 1e-3)) * periods / (periods + NEWEST))
    return float(np.clip(width, NARROWEST, WIDEST))
