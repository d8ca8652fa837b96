"""Promises of `learning/forecasting/own_seasons.py`: seasons of series and groups, as far as years bear them out."""

import numpy as np
import pandas as pd

from s2p_assets.contracts.model import ForecastTask
from s2p_assets.learning.forecasting.own_seasons import own_factors, usual_factors
from s2p_assets.learning.forecasting.series import Matrix, Panel

YEAR, WEEKS, AHEAD = 52, 156, 20
TASK = ForecastTask("sku", "week", "units", peers=("kind",))


def drawn(shapes: Matrix, seed: int = 1) -> Matrix:
    """Counts of about 40 a week, by a shape for each series ((weeks known and to come) × series)."""
    random = np.random.default_rng(seed)
    return random.poisson(random.gamma(6.0, 40 * shapes[:WEEKS] / 6)).astype(float)


def waves(amplitudes: list[float]) -> Matrix:
    at = np.arange(WEEKS + AHEAD)[:, None]
    return np.asarray(1 + np.array(amplitudes) * np.sin(2 * np.pi * at / YEAR))


def test_a_season_of_a_series_own_is_found_and_goes_on() -> None:
    shapes = waves([0.7] * 6 + [-0.7] * 6)
    told = own_factors(drawn(shapes), YEAR, 8, AHEAD)
    assert np.abs(np.log(told[WEEKS:] / shapes[WEEKS:])).mean() < 0.15


def test_one_seasonal_series_among_others_has_its_season() -> None:
    shapes = waves([0.8] + [0.0] * 20)
    told = own_factors(drawn(shapes), YEAR, 8, AHEAD)
    assert np.abs(np.log(told[WEEKS:, 0] / shapes[WEEKS:, 0])).mean() < 0.2
    assert np.abs(told[:, 1:] - 1).mean() < 0.01


def test_noise_is_no_season() -> None:
    for seed in range(3):
        assert np.abs(own_factors(drawn(waves([0.0] * 20), seed), YEAR, 8, AHEAD) - 1).mean() < 0.01


def test_one_year_shows_no_season() -> None:
    assert (own_factors(drawn(waves([0.8] * 9))[-60:], YEAR, 8, AHEAD) == 1).all()


def test_a_young_article_has_the_season_of_its_group() -> None:
    """Groups that balance each other, so that the season of all is none."""
    shapes = waves([0.7] * 10 + [-0.7] * 10)
    sold = drawn(shapes)
    sold[: WEEKS - 20, 0] = np.nan
    times = pd.date_range(end="2026-03-02", periods=WEEKS, freq="W-MON")
    past = Panel(times, pd.Index([f"S{at:02d}" for at in range(20)]), sold)
    kinds = ["grill"] * 10 + ["sledge"] * 10
    rows = pd.DataFrame({"sku": past.entities, "week": times[-1], "units": 1.0, "kind": kinds})
    all_times = pd.date_range(times[0], periods=WEEKS + AHEAD, freq="W-MON")
    young = usual_factors(past, rows, TASK, all_times)[WEEKS:, 0]
    expected = shapes[WEEKS:, 0]
    assert np.abs(np.log(young / young.mean() / (expected / expected.mean()))).mean() < 0.25
