"""Promises of recipes: new parameters and new code anywhere behind a forecaster are new, new data is not."""

from s2p_assets.learning.forecasters.boosting import Boosting
from s2p_assets.learning.forecasters.combination import Combination
from s2p_assets.learning.forecasters.moving_average import MovingAverage
from s2p_assets.learning.forecasters.smoothing import Smoothing
from s2p_assets.learning.recipes import ROOM, TRIALS, modules_behind, recipe_of
from s2p_assets_tests.learning_histories import WEEKLY, seasonal


def test_code_that_a_forecaster_reaches_only_through_others_counts_as_its_own() -> None:
    behind = set(modules_behind(Combination.__module__))
    assert {f"{ROOM}.{name}" for name in ("seasons", "lags", "forecasters.boosting", "model")} <= behind
    assert f"{ROOM}.seasons" not in modules_behind(MovingAverage.__module__)
    assert f"{ROOM}.intervals" in modules_behind(TRIALS["forecast"])


def test_a_recipe_is_its_parameters_and_never_its_data() -> None:
    fitted = MovingAverage(periods=3).fit(seasonal(2, 20), WEEKLY)
    assert recipe_of(fitted) == recipe_of(MovingAverage(periods=3)) != recipe_of(MovingAverage(periods=4))
    combined = Combination((Boosting(), Smoothing()))
    assert recipe_of(combined) != recipe_of(Combination((Boosting(trees=9), Smoothing())))
