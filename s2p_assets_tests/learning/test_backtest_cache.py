"""Promises of trials: a combination is tried without fitting its members again, and says the same as if it were."""

from dataclasses import dataclass, field, replace
from typing import Any, Self

import pandas as pd

from s2p_assets.contracts.model import ForecastTask
from s2p_assets.learning.forecasting.backtest import rolling_origin
from s2p_assets.learning.forecasting.backtest_cache import cached_backtest
from s2p_assets.learning.forecasting.models.boosting import Boosting
from s2p_assets.learning.forecasting.models.combination import Combination
from s2p_assets.learning.forecasting.models.moving_average import MovingAverage
from s2p_assets_tests.learning.histories import WEEKLY, seasonal


@dataclass(frozen=True)
class Counting(MovingAverage):
    """A moving average that knows how often it was fitted."""

    fits: list[int] = field(default_factory=list, repr=False, compare=False)

    def fit(self, history: pd.DataFrame, task: ForecastTask) -> Self:
        self.fits.append(len(history))
        return replace(self, task=task)


def test_a_combination_says_what_it_would_have_said_when_fitted_itself() -> None:
    history = seasonal(6, 90)
    combination = Combination((Boosting(draws=2, trees=9), MovingAverage(periods=5)), weights=(2.0, 1.0))
    pd.testing.assert_frame_equal(
        cached_backtest(combination, history, WEEKLY), rolling_origin(combination, history, WEEKLY), check_exact=True
    )


def test_what_was_tried_on_the_same_content_is_not_fitted_again() -> None:
    counting: Any = Counting(periods=7)
    history = seasonal(3, 60)
    alone = cached_backtest(counting, history, WEEKLY)
    assert len(counting.fits) == alone["fold"].nunique()
    again = cached_backtest(Combination((counting, counting)), history.sample(frac=1, random_state=1), WEEKLY)
    assert len(counting.fits) == alone["fold"].nunique()
    pd.testing.assert_frame_equal(again, alone)


def test_other_data_parameters_or_problems_are_tried_anew() -> None:
    history = seasonal(3, 60)
    changed = history.assign(units=history["units"].mask(history.index == 40, 99.0))
    others: tuple[tuple[Any, pd.DataFrame, ForecastTask], ...] = (
        (Counting(periods=9), changed, WEEKLY),
        (Counting(periods=8), history, WEEKLY),
        (Counting(periods=9), history, ForecastTask(WEEKLY.entity, WEEKLY.time, WEEKLY.target, horizon=3, folds=2)),
    )
    first: Any = Counting(periods=9)
    for other, rows, task in others:
        cached_backtest(first, history, WEEKLY)
        cached_backtest(other, rows, task)
        assert other.fits


def test_what_is_kept_cannot_be_changed_by_who_asked() -> None:
    history = seasonal(3, 60)
    mine = cached_backtest(MovingAverage(periods=11), history, WEEKLY)
    mine["mean"] = 0.0
    assert cached_backtest(MovingAverage(periods=11), history, WEEKLY)["mean"].gt(0).any()
