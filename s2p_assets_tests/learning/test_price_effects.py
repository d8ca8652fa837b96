"""Promises of `learning/forecasting/price_effects.py`: what a price does, beyond prices ever seen too."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from s2p_assets.contracts.model import ForecastTask
from s2p_assets.learning.forecasting.models.smoothing import Smoothing
from s2p_assets.learning.forecasting.price_effects import price_effects
from s2p_assets.learning.forecasting.series import Matrix

WEEKS, AHEAD, SKUS = 130, 8, 12
TASK = ForecastTask("sku", "week", "units", known=("price",), price="price")


def priced(elasticity: float, seed: int = 1) -> tuple[Matrix, Matrix]:
    """What was sold, and the prices of those weeks and of those to come: two weeks of a fifth off every quarter."""
    random = np.random.default_rng(seed)
    price = np.full((WEEKS + AHEAD, SKUS), 10.0)
    for sku in range(SKUS):
        for at in range(sku, WEEKS - 2, 13):
            price[at : at + 2, sku] = 8.0
    return random.poisson(40 * (price[:WEEKS] / 10) ** -elasticity).astype(float), price


@pytest.mark.parametrize("elasticity", [1.5, 3.0])
def test_the_elasticity_of_planted_offers_is_found(elasticity: float) -> None:
    sold, price = priced(elasticity)
    found = price_effects(sold, price, np.ones((WEEKS + AHEAD, 1)), 52).elasticity
    assert np.abs(found - elasticity).max() < 0.5


def test_prices_that_tell_nothing_have_no_effect() -> None:
    sold, price = priced(0.0)
    assert (price_effects(sold, price, np.ones((WEEKS + AHEAD, 1)), 52).factors() == 1).all()


def test_one_article_alone_is_leaned_on_all() -> None:
    sold, price = priced(2.0)
    price[:, 0] = 10.0
    sold[:, 0] = 40.0
    assert price_effects(sold, price, np.ones((WEEKS + AHEAD, 1)), 52).elasticity[0] == pytest.approx(2.0, abs=0.4)


def history(sold: Matrix, price: Matrix) -> pd.DataFrame:
    times = pd.date_range("2023-01-02", periods=WEEKS + AHEAD, freq="W-MON")
    names = np.repeat([f"S{at:02d}" for at in range(SKUS)], WEEKS + AHEAD)
    units = np.vstack([sold, np.full((AHEAD, SKUS), np.nan)]).T.ravel()
    return pd.DataFrame({"sku": names, "week": np.tile(times, SKUS), "units": units, "price": price.T.ravel()})


def test_a_price_never_so_low_sells_by_the_elasticity_that_was_seen() -> None:
    sold, price = priced(2.5)
    price[WEEKS:, 3] = 6.0
    rows = Smoothing().fit(history(sold, price), TASK).forecast(history(sold, price), AHEAD)
    told = rows.loc[rows["entity"] == "S03", "mean"].mean()
    assert told == pytest.approx(40 * 0.6**-2.5, rel=0.2)


def test_an_offer_that_just_ended_leaves_nothing() -> None:
    sold, price = priced(2.5)
    price[WEEKS - 6 : WEEKS, 3] = 8.0
    sold[WEEKS - 6 :, 3] = np.random.default_rng(3).poisson(40 * 0.8**-2.5, 6)
    rows = Smoothing().fit(history(sold, price), TASK).forecast(history(sold, price), AHEAD)
    assert rows.loc[rows["entity"] == "S03", "mean"].mean() == pytest.approx(40, rel=0.2)
    unknown = replace(TASK, known=())
    blind = Smoothing().fit(history(sold, price), unknown).forecast(history(sold, price).dropna(), AHEAD)
    assert blind.loc[blind["entity"] == "S03", "mean"].mean() > 44
