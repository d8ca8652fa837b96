"""Promises of recipes: new parameters and new code anywhere behind a forecaster are new, new data is not."""

from dataclasses import replace

from s2p_assets.learning.forecasters.boosting import Boosting
from s2p_assets.learning.forecasters.combination import Combination
from s2p_assets.learning.forecasters.moving_average import MovingAverage
from s2p_assets.learning.forecasters.smoothing import Smoothing
from s2p_assets.learning.recipes import ROOM, TRIALS, modules_behind, recipe_of
from s2p_assets_tests.learning_histories import WEEKLY, seasonal


def test_code_that_a_forecaster_reaches_only_through_others_counts_as_its_own() -> None:
    behind = set(modules_behind(Combination.__module__))
    assert {
        f"{ROOM}.{name}" for name in ("forecasting.seasons", "forecasting.lags", "forecasters.boosting", "model")
    } <= behind
    assert f"{ROOM}.forecasting.seasons" not in modules_behind(MovingAverage.__module__)
    assert f"{ROOM}.forecasting.intervals" in modules_behind(TRIALS["forecast"])


def test_a_recipe_is_its_parameters_and_never_its_data() -> None:
    fitted = MovingAverage(periods=3).fit(seasonal(2, 20), WEEKLY)
    same, other = (recipe_of(MovingAverage(periods=periods), WEEKLY) for periods in (3, 4))
    assert recipe_of(fitted, WEEKLY) == same != other
    combined, fewer = (Combination((Boosting(trees=trees), Smoothing())) for trees in (50, 9))
    assert recipe_of(combined, WEEKLY) != recipe_of(fewer, WEEKLY)


def test_another_country_is_another_recipe() -> None:
    here, there = (replace(WEEKLY, every="D", country=country) for country in ("DE", "FR"))
    assert recipe_of(Smoothing(), here) != recipe_of(Smoothing(), there)
