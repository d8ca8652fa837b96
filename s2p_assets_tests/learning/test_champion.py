"""Promises of the choice: the same folds, no flapping, only what is better beyond noise."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from s2p_assets.learning.forecasting.backtest import rolling_origin
from s2p_assets.learning.forecasting.models.moving_average import MovingAverage
from s2p_assets.learning.forecasting.scores import forecast_losses
from s2p_assets.learning.selection.champion import choose_champion, worse_than_baseline
from s2p_assets.learning.selection.paired_test import paired_test
from s2p_assets_tests.learning.histories import WEEKLY, weekly


def lost(**by_model: np.ndarray) -> pd.DataFrame:
    """Losses from arrays of (folds × units)."""
    return pd.concat(
        pd.DataFrame(values, index=pd.date_range("2024-01-01", periods=len(values), freq="W-MON"))
        .rename_axis(index="cutoff", columns="unit")
        .reset_index()
        .melt("cutoff", value_name="loss")
        .assign(model=model)
        for model, values in by_model.items()
    )


def noise(seed: int, *, folds: int = 3, units: int = 60, spread: float = 0.1) -> np.ndarray:
    return 1 + np.random.default_rng(seed).normal(0, spread, (folds, units))


def test_the_first_champion_is_the_one_with_the_lowest_loss() -> None:
    assert choose_champion(lost(a=noise(1) + 0.1, b=noise(2)), None) == "b"


@pytest.mark.parametrize(
    ("challenger", "winner"),
    [
        (noise(2) - 0.2, "new"),
        (noise(1) - 0.005, "old"),
        (noise(1) - np.array([[0.6], [0.0], [-0.05]]), "old"),
        (noise(1) - np.r_[6.0, np.zeros(59)], "old"),
        (noise(1), "old"),
    ],
    ids=["clearly better", "by less than 1 %", "on one fold only", "on one series only", "just as good"],
)
def test_a_challenger_must_be_better_beyond_noise(challenger: np.ndarray, winner: str) -> None:
    assert choose_champion(lost(old=noise(1), new=challenger), "old") == winner


def test_equally_good_models_rarely_replace_each_other_even_when_a_bad_week_hits_all_series() -> None:
    replaced = 0
    for seed in range(200):
        random = np.random.default_rng(seed)
        weeks = random.normal(0, 0.05, (3, 1))
        rivals = lost(old=noise(seed), new=noise(seed + 1000) + weeks)
        replaced += choose_champion(rivals, "old") == "new"
    assert replaced <= 0.08 * 200, "5 %, and what chance adds in 200 tries"


def test_on_one_fold_nobody_is_replaced() -> None:
    assert choose_champion(lost(old=noise(1, folds=1), new=noise(1, folds=1) - 0.5), "old") == "old"


def test_with_one_series_the_test_is_that_of_diebold_and_mariano() -> None:
    old, new = noise(1, folds=8, units=1), noise(2, folds=8, units=1) - 0.05
    expected = stats.ttest_rel(old[:, 0], new[:, 0], alternative="greater").pvalue
    assert paired_test(lost(old=old, new=new), "old", "new").p_value == pytest.approx(expected)


def test_the_variance_is_clustered_both_ways_as_cameron_gelbach_and_miller_have_it() -> None:
    old, new = noise(1, folds=3, units=4), noise(2, folds=3, units=4)
    error = (old - new) - (old - new).mean()
    by_fold, by_unit = (error.sum(axis=1) ** 2).sum() * 3 / 2, (error.sum(axis=0) ** 2).sum() * 4 / 3
    spread = max(by_fold + by_unit - (error**2).sum(), by_fold, by_unit) / 12**2
    expected = stats.t.sf((old - new).mean() / np.sqrt(spread), 2)
    assert paired_test(lost(old=old, new=new), "old", "new").p_value == pytest.approx(expected)


def test_who_loses_to_a_plain_model_is_told() -> None:
    table = lost(old=noise(1), naive=noise(1) - 0.001, average=noise(1) + 1)
    assert worse_than_baseline(table, "old", ("average",)) is None
    assert "old loses to naive: loss 0." in str(worse_than_baseline(table, "old", ("naive", "average")))


def test_a_plain_model_that_is_better_by_chance_alone_is_no_news() -> None:
    table = lost(old=noise(1), naive=noise(1) + 0.3 * (noise(2) - noise(2).mean()) - 0.0005)
    assert worse_than_baseline(table, "old", ("naive",)) is None


def test_a_champion_that_no_longer_stands_is_replaced() -> None:
    assert choose_champion(lost(a=noise(1), b=noise(1) - 0.001), "gone") == "b"


def test_models_measured_on_different_folds_are_not_compared() -> None:
    with pytest.raises(ValueError, match="not measured on every fold and unit: b"):
        choose_champion(lost(a=noise(1), b=noise(1)[:2]), None)
    with pytest.raises(ValueError, match="not measured on the same folds"):
        paired_test(lost(a=noise(1), b=noise(1)[:2]), "a", "b")


def test_a_loss_is_the_rmsse_of_a_series_in_a_fold() -> None:
    history = weekly({"a": [2.0, 4.0] * 10, "b": [20.0, 40.0] * 10, "flat": [5.0] * 20})
    table = forecast_losses(rolling_origin(MovingAverage(periods=1), history, WEEKLY), history, WEEKLY, "last")
    assert set(table["unit"]) == {"a", "b"}
    assert table["loss"].to_numpy() == pytest.approx(np.sqrt(0.5))
