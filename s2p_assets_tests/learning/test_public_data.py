"""Promises on real demand, where the public data lies beside the project: learning beats repeating last year."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from s2p_assets.contracts.model import Forecaster, ForecastTask
from s2p_assets.learning.forecasting.backtest import rolling_origin
from s2p_assets.learning.forecasting.intervals import error_distribution
from s2p_assets.learning.forecasting.metrics import coverage
from s2p_assets.learning.forecasting.models.boosting import Boosting
from s2p_assets.learning.forecasting.models.prophet_total import ProphetTotal
from s2p_assets.learning.forecasting.models.seasonal_naive import SeasonalNaive
from s2p_assets.learning.forecasting.scores import forecast_scores

M5 = Path(__file__).parents[2] / "shared" / "data" / "forecasting" / "m5_subset"
TASK = ForecastTask("sku", "week", "units", horizon=8, season_length=52, folds=3, step=8)

pytestmark = pytest.mark.skipif(not M5.exists(), reason="the public demand data is not here")


@pytest.fixture(scope="module")
def history() -> pd.DataFrame:
    """Weekly sales of 60 M5 series over the last 120 whole weeks."""
    daily = pd.read_csv(M5 / "sample.csv").sample(60, random_state=1).set_index("id").filter(like="d_")
    days = pd.read_csv(M5 / "calendar.csv", parse_dates=["date"]).set_index("d")["date"].reindex(daily.columns)
    monday = (days - pd.to_timedelta(days.dt.dayofweek, unit="D")).to_numpy()
    weeks = daily.T.groupby(monday).sum().iloc[-121:-1].astype(float)
    rows = weeks.rename_axis("week").reset_index().melt("week", var_name="sku", value_name="units")
    return rows[rows.groupby("sku")["units"].cumsum() > 0].reset_index(drop=True)


def test_learning_beats_repeating_last_year_and_its_ranges_hold(history: pd.DataFrame) -> None:
    forecasters: dict[str, Forecaster] = {"naive": SeasonalNaive(), "prophet": ProphetTotal(), "boosting": Boosting()}
    backtests = {name: rolling_origin(forecaster, history, TASK) for name, forecaster in forecasters.items()}
    table = forecast_scores(backtests, history, TASK).query("series == 'all'").groupby("model")["rmsse"].mean()
    assert table["boosting"] < 0.9 * table["naive"]
    assert table["prophet"] < 0.9 * table["naive"]
    early, last = (backtests["boosting"].query(which) for which in ("fold < 3", "fold == 3"))
    low, high = error_distribution(early, TASK).quantiles(last["mean"], last["step"], (0.1, 0.9)).T
    assert coverage(last["actual"], low, high) == pytest.approx(0.8, abs=0.1)
    assert np.isfinite(high).all()
