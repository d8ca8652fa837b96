"""What a price does to demand beyond what is usual of a series: elasticities of series, leaned on that of all.

Matrices in, matrices out (times × entities); which forecasters take prices out of the past is for `models/`.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from s2p_assets.learning.forecasting.lags import last_known
from s2p_assets.learning.forecasting.series import Matrix

USUAL_OVER = 0.5
MOVED = 0.02
FURTHEST_PRICE, STEEPEST = 1.2, 6.0
LEAST_APART = 0.02
PAYS = 0.97
"""A company of whose variance, where prices moved, less than 3 % is told by them has no elasticities."""


@dataclass(frozen=True)
class PriceEffects:
    """`log_price`: of each price the logarithm of its ratio to the usual one of then (times × entities), 0 where
    unknown; `elasticity`: of each entity, by how many per cent it sells more where the price is one per cent lower.
    """

    log_price: Matrix
    elasticity: Matrix

    def factors(self) -> Matrix:
        """What each period sells relative to what it would at the usual price."""
        return np.asarray(np.exp(-self.elasticity * self.log_price))


def price_effects(sold: Matrix, price: Matrix, season: Matrix, year: int) -> PriceEffects:
    """The effects of `price` (times and periods to come × entities), learned from what was `sold` (times × entities).

    A price is held against the middle one of half a year before: what it is for longer is the usual. Demand without
    its `season` is held against its own mean of a quarter to either side, both without what the rest of that quarter
    has in common. The elasticity of an entity is leaned on that of all, the more the less certain it is; none where
    prices tell nothing of the past, and none below 0.
    """
    count = len(sold)
    log_price = _off_usual(price, max(round(year * USUAL_OVER), 3))
    none = PriceEffects(log_price, np.zeros(sold.shape[1]))
    moved = np.abs(log_price[:count]) > MOVED
    if not moved.any():
        return none
    plain = sold / season[:count]
    window = max(year // 2, 3)
    demand = _centred(np.log((plain + 0.5) / (_around(plain, window) + 0.5)), window)
    paid = _centred(np.where(np.isnan(plain), np.nan, log_price[:count]), window)
    known = ~np.isnan(demand) & ~np.isnan(paid)
    weight = np.where(known, plain / (1 + plain / 10), 0.0)
    x, y = np.where(known, paid, 0.0), np.where(known, demand, 0.0)
    cross, square = -(weight * x * y).sum(axis=0), (weight * x * x).sum(axis=0)
    if square.sum() <= 0:
        return none
    of_all = float(np.clip(cross.sum() / square.sum(), 0.0, STEEPEST))
    here = weight * moved
    left = (here * (y + of_all * x) ** 2).sum() / max((here * y**2).sum(), 1e-12)
    if of_all <= 0 or left > PAYS:
        return none
    noise = (weight * (y + of_all * x) ** 2).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    own = _leaned(cross, square, noise, of_all)
    return PriceEffects(log_price, own)


def _leaned(cross: Matrix, square: Matrix, noise: Matrix, of_all: float) -> Matrix:
    """Each entity's elasticity leaned on that of all, the more the less certain it is beside how far they differ."""
    seen = square > 0
    variance = np.divide(noise, square, out=np.full(len(square), np.inf), where=seen)
    alone = np.divide(cross, square, out=np.full(len(square), of_all), where=seen)
    apart = (1.4826 * float(np.median(np.abs(alone[seen] - of_all)))) ** 2 - float(np.median(variance[seen]))
    own = 1 / (1 + variance / max(apart, LEAST_APART * of_all**2))
    return np.clip(own * alone + (1 - own) * of_all, 0.0, STEEPEST)


def _off_usual(price: Matrix, periods: int) -> Matrix:
    known, off = last_known(price), np.zeros_like(price)
    moves = np.fmax.reduce(known, axis=0) > np.fmin.reduce(known, axis=0)
    paid = known[:, moves]
    usual = pd.DataFrame(paid).rolling(periods, min_periods=1).median().to_numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        off[:, moves] = np.nan_to_num(np.log(np.where(paid > 0, paid, np.nan) / np.where(usual > 0, usual, np.nan)))
    return np.clip(off, -FURTHEST_PRICE, FURTHEST_PRICE)


def _around(values: Matrix, periods: int) -> Matrix:
    """The mean of as many periods around each, those missing left out."""
    return pd.DataFrame(values).rolling(periods, center=True, min_periods=1).mean().to_numpy()


def _centred(values: Matrix, periods: int) -> Matrix:
    return np.asarray(values - _around(values, periods))
