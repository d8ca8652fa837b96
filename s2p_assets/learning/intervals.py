"""How far actuals fell from forecasts in backtests, turned into quantiles of future periods and of their sums.

Point forecasts are the forecasters' work; stock decisions that follow from quantiles are in `replenishment.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from s2p_assets.learning.model import Problem
from s2p_assets.learning.series import Matrix, TooLittleHistory

SMALLEST_EXPONENT, LARGEST_EXPONENT = 0.5, 1.0


@dataclass(frozen=True)
class Spread:
    """Residuals of a backtest in units of volume ** `exponent`, after the idea of Taylor's power law (1961).

    `of_step[k]` holds those of the single step k + 1, `of_sum[k]` those of the sum of steps 1 to k + 1,
    each sorted. Below the volume `least` the spread falls as counts' does, to none where nothing is expected.
    """

    exponent: float
    least: float
    of_step: tuple[Matrix, ...]
    of_sum: tuple[Matrix, ...]

    @property
    def horizon(self) -> int:
        return len(self.of_step)

    def quantiles(self, mean: ArrayLike, step: ArrayLike, levels: Sequence[float]) -> Matrix:
        """Quantiles of the demand of single periods: (rows × levels), ≥ 0, rising with the level.

        `mean`, `step`: per row the forecast and how many periods ahead; beyond the horizon its last step counts.
        """
        means, steps = np.asarray(mean, float), np.minimum(np.asarray(step, int), self.horizon)
        table = np.array([_conformal(residuals, levels) for residuals in self.of_step])
        return self._around(means, table[steps - 1], levels)

    def sum_quantiles(self, total: ArrayLike, periods: ArrayLike, levels: Sequence[float]) -> Matrix:
        """Quantiles of the demand of the next `periods` periods together: (rows × levels), ≥ 0, rising.

        `total`: the forecast of that sum; `periods` may be a fraction. Beyond the horizon the residual of
        the longest sum is carried on in proportion to time, as errors of the level do: on the safe side.
        """
        totals, lengths = np.asarray(total, float), np.asarray(periods, float)
        table = np.array([_conformal(residuals, levels) for residuals in self.of_sum])
        within = np.clip(lengths, 1.0, self.horizon) - 1
        below, above = np.floor(within).astype(int), np.ceil(within).astype(int)
        part = (within - below)[:, None]
        offsets = table[below] * (1 - part) + table[above] * part
        beyond = np.maximum(lengths / self.horizon, 1.0) ** (1 - self.exponent)
        return self._around(totals, offsets * beyond[:, None], levels)

    def _around(self, means: Matrix, offsets: Matrix, levels: Sequence[float]) -> Matrix:
        small = np.sqrt(np.clip(means / self.least, 0.0, 1.0))
        volume = np.maximum(means, self.least) ** self.exponent * small
        found = np.maximum(means[:, None] + volume[:, None] * offsets, 0.0)
        order = np.argsort(np.argsort(np.asarray(levels, float)))
        return np.sort(found, axis=1)[:, order]


def spread(backtest: pd.DataFrame, problem: Problem) -> Spread:
    """The spread of a backtest; censored actuals do not count, nor sums that contain one.

    Split conformal prediction with residuals scaled by volume: Lei et al. (2018), Vovk et al. (2005).
    Raises TooLittleHistory when no actual is left.
    """
    steps = range(1, problem.horizon + 1)
    counted = backtest.assign(actual=backtest["actual"].where(~backtest["censored"].astype(bool)))
    actual, volume = (
        counted.pivot(index=["fold", "entity"], columns="step", values=name).reindex(columns=steps).to_numpy("float64")
        for name in ("actual", "mean")
    )
    residual = actual - volume
    if np.isnan(residual).all():
        raise TooLittleHistory("the backtest has no uncensored actual to learn a spread from")
    exponent = _exponent(residual, volume)
    least = float(np.quantile(volume[volume > 0], 0.1)) if (volume > 0).any() else 1.0
    single = _scaled(residual, volume, exponent, least)
    return Spread(exponent, least, single, _scaled(residual.cumsum(axis=1), volume.cumsum(axis=1), exponent, least))


def quantiles_of_totals(backtest: pd.DataFrame, totals: ArrayLike, levels: Sequence[float]) -> Matrix:
    """Quantiles of what all entities together ask for in a period: (rows × levels), ≥ 0, around forecast `totals`.

    From how far the totals of a backtest fell from theirs, as shares of the forecast, all steps alike: much
    narrower than the entities' own quantiles added up. Censored actuals count in neither total.
    Raises TooLittleHistory when none is left.
    """
    known = backtest.loc[~backtest["censored"].astype(bool)]
    sums = known.groupby(["fold", "step"])[["actual", "mean"]].sum()
    counted = sums.loc[sums["mean"] > 0]
    if counted.empty:
        raise TooLittleHistory("the backtest has no uncensored total to learn a spread from")
    shares = np.sort((counted["actual"] / counted["mean"]).to_numpy("float64"))
    return np.maximum(np.asarray(totals, float)[:, None] * _conformal(shares, levels), 0.0)


def _scaled(residual: Matrix, volume: Matrix, exponent: float, least: float) -> tuple[Matrix, ...]:
    """Per step the sorted residuals in units of volume; a step without any takes those of all steps."""
    ratio = residual / np.maximum(volume, least) ** exponent
    every = np.sort(ratio[~np.isnan(ratio)])
    steps = [np.sort(step[~np.isnan(step)]) for step in ratio.T]
    return tuple(step if len(step) else every for step in steps)


def _exponent(residual: Matrix, volume: Matrix) -> float:
    """By which power of the volume errors grow, from 0.5 (as counts do) to 1; by least squares on logarithms."""
    usable = (np.abs(residual) > 0) & (volume > 0)
    x, y = np.log(volume[usable]), np.log(np.abs(residual[usable]))
    if len(x) < 10 or np.ptp(x) < 0.1:
        return SMALLEST_EXPONENT
    slope = float(np.cov(x, y)[0, 1] / x.var(ddof=1))
    return min(max(slope, SMALLEST_EXPONENT), LARGEST_EXPONENT)


def _conformal(residuals: Matrix, levels: Sequence[float]) -> Matrix:
    """Order statistics of sorted residuals, one place further out than plain quantiles."""
    count = len(residuals)
    wanted = np.asarray(levels, float) * (count + 1)
    ranks = np.where(np.asarray(levels) >= 0.5, np.ceil(wanted), np.floor(wanted))
    return residuals[np.clip(ranks, 1, count).astype(int) - 1]
