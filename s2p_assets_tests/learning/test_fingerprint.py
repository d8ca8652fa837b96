"""Promises of recipes: new parameters and new code anywhere behind a forecaster are new, new data is not."""

from dataclasses import replace

from s2p_assets.learning.fingerprint import BACKTEST_MODULES, PACKAGES, fingerprint_of, modules_behind
from s2p_assets.learning.forecasting.models.boosting import Boosting
from s2p_assets.learning.forecasting.models.combination import Combination
from s2p_assets.learning.forecasting.models.moving_average import MovingAverage
from s2p_assets.learning.forecasting.models.smoothing import Smoothing
from s2p_assets_tests.learning.histories import WEEKLY, seasonal


def test_code_that_a_forecaster_reaches_only_through_others_counts_as_its_own() -> None:
    behind = set(modules_behind(Combination.__module__))
    assert {
        *(f"{PACKAGES[0]}.forecasting.{name}" for name in ("seasons", "lags", "models.boosting")),
        "s2p_assets.contracts.model",
    } <= behind
    assert f"{PACKAGES[0]}.forecasting.seasons" not in modules_behind(MovingAverage.__module__)
    assert f"{PACKAGES[0]}.forecasting.intervals" in modules_behind(BACKTEST_MODULES["forecast"])


def test_a_recipe_is_its_parameters_and_never_its_data() -> None:
    fitted = MovingAverage(periods=3).fit(seasonal(2, 20), WEEKLY)
    same, other = (fingerprint_of(MovingAverage(periods=periods), WEEKLY) for periods in (3, 4))
    assert fingerprint_of(fitted, WEEKLY) == same != other
    combined, fewer = (Combination((Boosting(trees=trees), Smoothing())) for trees in (50, 9))
    assert fingerprint_of(combined, WEEKLY) != fingerprint_of(fewer, WEEKLY)


def test_another_country_is_another_recipe() -> None:
    here, there = (replace(WEEKLY, every="D", country=country) for country in ("DE", "FR"))
    assert fingerprint_of(Smoothing(), here) != fingerprint_of(Smoothing(), there)
