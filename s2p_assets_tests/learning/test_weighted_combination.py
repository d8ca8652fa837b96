"""Promises of the weighted mean: what erred less counts more, as far as it was tested, and files hold plain numbers."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from s2p_assets.learning.forecasting.backtest_cache import cached_backtest, cached_fit
from s2p_assets.learning.forecasting.learnable import training_rows
from s2p_assets.learning.forecasting.models.moving_average import MovingAverage
from s2p_assets.learning.forecasting.models.seasonal_naive import SeasonalNaive
from s2p_assets.learning.forecasting.models.smoothing import Smoothing
from s2p_assets.learning.forecasting.models.weighted_combination import WEIGHTS_FILE, WeightedCombination
from s2p_assets.learning.registry.learner_files import ModelDamaged
from s2p_assets_tests.learning.histories import WEEKLY, seasonal

COMBINED = WeightedCombination((MovingAverage(periods=8), SeasonalNaive()), weights=(1.0, 1.0))


@pytest.fixture(scope="module")
def history() -> pd.DataFrame:
    """Half of the articles have a strong season, the other half none."""
    rows, random = seasonal(20, 150), np.random.default_rng(2)
    turn = rows.groupby("sku").cumcount().to_numpy() * 2 * np.pi / 52
    strong = random.poisson(60 * (1 + 0.9 * np.sin(turn + rows["sku"].astype(int).to_numpy())))
    flat = (rows["sku"] >= "010").to_numpy()
    return rows.assign(units=np.where(flat, random.poisson(30, len(rows)), strong).astype(float))


def test_each_series_leans_on_what_erred_less_on_it(history: pd.DataFrame) -> None:
    fitted = cached_fit(COMBINED, history, WEEKLY)
    names = pd.Series(["009", "015", "never seen"])
    of_naive = fitted.learned.of(names)[:, 1]
    assert of_naive[0] > of_naive[2] > of_naive[1]
    assert fitted.learned.of(names).sum(axis=1) == pytest.approx(1.0)
    said = fitted.reasons(names).tolist()
    assert "seasonal naive" in said[0]
    assert "12 tested periods" in said[0]
    assert "not tested yet" in said[2]
    assert "over all series it is" in fitted.description


def test_members_of_one_kind_are_told_apart(history: pd.DataFrame) -> None:
    fitted = cached_fit(WeightedCombination((Smoothing(), Smoothing(season=False))), history, WEEKLY)
    called = fitted.description.removeprefix("over all series it is ")
    assert sorted(part.split(" ", 1)[1] for part in called.split(" and ")) == ["smoothing", "smoothing without season"]


def test_a_fold_knows_nothing_of_later_folds(history: pd.DataFrame) -> None:
    backtest = cached_backtest(COMBINED, history, WEEKLY)
    later = history["week"] > sorted(backtest["cutoff"].unique())[1]
    other = cached_backtest(COMBINED, history.assign(units=history["units"].where(~later, 1.0)), WEEKLY)
    first = backtest["fold"] <= 2
    known = backtest["time"] <= backtest.loc[backtest["fold"] == 2, "cutoff"].iloc[0]
    np.testing.assert_allclose(backtest.loc[first & known, "mean"], other.loc[first & known, "mean"])
    of_first = [cached_backtest(member, history, WEEKLY)["mean"] for member in COMBINED.members]
    one = backtest["fold"] == 1
    np.testing.assert_allclose(backtest.loc[one, "mean"], ((of_first[0] + of_first[1]) / 2)[one])


def test_a_stored_mean_says_the_same_and_refuses_foreign_weights(history: pd.DataFrame, tmp_path: Path) -> None:
    fitted, known = cached_fit(COMBINED, history, WEEKLY), training_rows(history, WEEKLY)
    fitted.save(tmp_path)
    loaded = WeightedCombination.load(tmp_path)
    pd.testing.assert_frame_equal(loaded.forecast(known, 6), fitted.forecast(known, 6))
    with np.load(tmp_path / WEIGHTS_FILE, allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    np.savez(tmp_path / WEIGHTS_FILE, **arrays | {"of_all": np.ones(3)})
    with pytest.raises(ModelDamaged, match="other members"):
        WeightedCombination.load(tmp_path)
