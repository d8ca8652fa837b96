"""How far actuals fell from forecasts in backtests, turned into quantiles of future periods and of their sums.

Point forecasts are the forecasters' work; stock decisions that follow from quantiles are in `replenishment.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from s2p_assets.contracts.model import ForecastTask
from s2p_assets.learning.forecasting.seasons import season_of
from s2p_assets.learning.forecasting.series import Matrix, TooLittleHistory, future_times, panel

A_QUARTER = pd.Timedelta(days=91)
MIN_PERIODS = 52
SMALLEST_EXPONENT, LARGEST_EXPONENT = 0.5, 1.0
NOMINAL_LEVELS = np.linspace(0.0, 1.0, 201)


@dataclass(frozen=True)
class ErrorDistribution:
    """Residuals of a backtest in units of volume ** `exponent`, after the idea of Taylor's power law (1961).

    `of_step[k]` holds those of the single step k + 1, `of_sum[k]` those of the sum of steps 1 to k + 1,
    each sorted. Below the volume `least` the spread falls as counts' does, to none where nothing is expected.
    `coverage_of_step`, `coverage_of_sum`: what share of a fold the quantiles of the other folds at `NOMINAL_LEVELS`
    kept; whatever is new has in common what no fold before had, so that a level is claimed by the quantile that kept
    it.
    `by_deviation`: the same in units of each series' own deviation · √steps, or √volume where that is more; for
    rows whose deviation is given. On daily M5 sums that covers what it says and needs a tenth less stock.
    """

    exponent: float
    least: float
    of_step: tuple[Matrix, ...]
    of_sum: tuple[Matrix, ...]
    coverage_of_step: Matrix = field(default_factory=NOMINAL_LEVELS.copy)
    coverage_of_sum: Matrix = field(default_factory=NOMINAL_LEVELS.copy)
    by_deviation: "ErrorDistribution | None" = None

    @property
    def horizon(self) -> int:
        return len(self.of_step)

    def quantiles(
        self, mean: ArrayLike, step: ArrayLike, levels: Sequence[float], deviation: ArrayLike | None = None
    ) -> Matrix:
        """Quantiles of the demand of single periods: (rows × levels), ≥ 0, rising with the level.

        `mean`, `step`: per row the forecast and how many periods ahead; beyond the horizon its last step counts.
        `deviation`: of the row's series, as of `deviations`.
        """
        if deviation is not None and self.by_deviation is not None:
            return self.by_deviation._quantiles(mean, step, levels, np.asarray(deviation, float))
        return self._quantiles(mean, step, levels, None)

    def _quantiles(self, mean: ArrayLike, step: ArrayLike, levels: Sequence[float], deviation: Matrix | None) -> Matrix:
        means, steps = np.asarray(mean, float), np.minimum(np.asarray(step, int), self.horizon)
        wide = _widened(levels, self.coverage_of_step)
        table = np.array([_conformal(residuals, wide) for residuals in self.of_step])
        return self._around(means, table[steps - 1], levels, deviation)

    def sum_quantiles(
        self, total: ArrayLike, periods: ArrayLike, levels: Sequence[float], deviation: ArrayLike | None = None
    ) -> Matrix:
        """Quantiles of the demand of the next `periods` periods together: (rows × levels), ≥ 0, rising.

        `total`: the forecast of that sum; `periods` may be a fraction. Beyond the horizon the residual of
        the longest sum is carried on in proportion to time, as errors of the level do: on the safe side.
        `deviation`: of the row's series in a single period, as of `deviations`.
        """
        if deviation is not None and self.by_deviation is not None:
            return self.by_deviation._sum_quantiles(total, periods, levels, np.asarray(deviation, float))
        return self._sum_quantiles(total, periods, levels, None)

    def _sum_quantiles(
        self, total: ArrayLike, periods: ArrayLike, levels: Sequence[float], deviation: Matrix | None
    ) -> Matrix:
        totals, lengths = np.asarray(total, float), np.asarray(periods, float)
        wide = _widened(levels, self.coverage_of_sum)
        table = np.array([_conformal(residuals, wide) for residuals in self.of_sum])
        within = np.clip(lengths, 1.0, self.horizon) - 1
        below, above = np.floor(within).astype(int), np.ceil(within).astype(int)
        part = (within - below)[:, None]
        offsets = table[below] * (1 - part) + table[above] * part
        beyond = np.maximum(lengths / self.horizon, 1.0) ** (1 - self.exponent)
        of_sum = deviation * np.sqrt(lengths) if deviation is not None else None
        return self._around(totals, offsets * beyond[:, None], levels, of_sum)

    def _around(self, means: Matrix, offsets: Matrix, levels: Sequence[float], deviation: Matrix | None) -> Matrix:
        small = np.sqrt(np.clip(means / self.least, 0.0, 1.0))
        unit = _unit(means, self.exponent, self.least, None) * small
        if deviation is not None:  # what sold lately may sell again, even where nothing is expected
            unit = np.fmax(unit, deviation)
        found = np.maximum(means[:, None] + unit[:, None] * offsets, 0.0)
        order = np.argsort(np.argsort(np.asarray(levels, float)))
        return np.sort(found, axis=1)[:, order]


def deviations(known: pd.DataFrame, task: ForecastTask) -> "pd.Series[float]":
    """Entity → standard deviation of its target over the last year of `known` (learnable), in units a period.

    Over a whole year, as what the shared season leaves of an entity's own is the same then at every cutoff, and over 52
    periods at least, for that of twelve months errs by a fifth. Without the time of year that all share, which is no
    uncertainty, and as wide as counts are at that of the horizon to come. The days of the week stay in: what sells most
    on Saturdays errs most then. 0 for what did not sell for the last quarter: nothing is held for it.
    """
    past = panel(known, task)
    season = replace(season_of(past), week=np.ones(7))
    usual = past.values / season.factors(past.times)[:, None]
    to_come = season.factors(future_times(past.times[-1], task.horizon, task)).mean()
    sells = np.nansum(past.values[past.times > past.times[-1] - A_QUARTER], axis=0) > 0
    deviation = np.nanstd(usual[-max(task.year, MIN_PERIODS) :], axis=0)
    return pd.Series(np.where(sells, deviation * np.sqrt(to_come), 0.0), index=past.entities)


def error_distribution(backtest: pd.DataFrame, task: ForecastTask) -> ErrorDistribution:
    """The spread of a backtest; censored actuals do not count, nor sums that contain one.

    Split conformal prediction with residuals scaled by volume, and where the backtest has each series' deviation as
    of its cutoff, by that too: Lei et al. (2018), Vovk et al. (2005); normalised as in Papadopoulos et al. (2002).
    Raises TooLittleHistory when no actual is left.
    """
    steps = range(1, task.horizon + 1)
    counted = backtest.assign(actual=backtest["actual"].where(~backtest["censored"].astype(bool)))
    wide = {
        name: counted.pivot(index=["fold", "entity"], columns="step", values=name).reindex(columns=steps)
        for name in ("actual", "mean", "deviation")
        if name in counted
    }
    folds = wide["actual"].index.get_level_values("fold").to_numpy()
    actual, volume = (wide[name].to_numpy("float64") for name in ("actual", "mean"))
    deviation = wide["deviation"].to_numpy("float64") if "deviation" in wide else None
    residual = actual - volume
    if np.isnan(residual).all():
        raise TooLittleHistory("the backtest has no uncensored actual to learn a spread from")
    least = float(np.quantile(volume[volume > 0], 0.1)) if (volume > 0).any() else 1.0
    own = None if deviation is None else _spread(residual, volume, folds, SMALLEST_EXPONENT, least, deviation)
    return _spread(residual, volume, folds, _exponent(residual, volume), least, None, own)


def _spread(
    residual: Matrix,
    volume: Matrix,
    folds: "np.ndarray[Any, Any]",
    exponent: float,
    least: float,
    deviation: Matrix | None,
    own: ErrorDistribution | None = None,
) -> ErrorDistribution:
    lengths = np.sqrt(np.arange(1, residual.shape[1] + 1))
    of_sums = deviation * lengths if deviation is not None else None
    step = residual / _unit(volume, exponent, least, deviation)
    together = residual.cumsum(axis=1) / _unit(volume.cumsum(axis=1), exponent, least, of_sums)
    return ErrorDistribution(
        exponent, least, _sorted(step), _sorted(together), _kept(step, folds), _kept(together, folds), own
    )


def _kept(ratio: Matrix, folds: "np.ndarray[Any, Any]") -> Matrix:
    """For each of `NOMINAL_LEVELS`, the mean share of a fold's rows of `ratio` below that quantile of the other folds'.

    With a single fold, what is claimed. After Dunn, Wasserman & Ramdas (2023), whose groups are folds here: rows of one
    fold err together, so that a new fold lies further out than a new row of the old ones would.
    """
    by_fold = [np.sort(part[~np.isnan(part)]) for part in (ratio[folds == fold] for fold in np.unique(folds))]
    by_fold = [part for part in by_fold if len(part)]
    if len(by_fold) < 2:
        return NOMINAL_LEVELS.copy()
    shares = []
    for at, part in enumerate(by_fold):
        others = np.concatenate(by_fold[:at] + by_fold[at + 1 :])
        shares.append(np.searchsorted(part, np.quantile(others, NOMINAL_LEVELS), side="right") / len(part))
    return np.concatenate([[0.0], np.mean(shares, axis=0)[1:-1], [1.0]])


def _widened(levels: Sequence[float], kept: Matrix) -> Matrix:
    """The levels of `NOMINAL_LEVELS` that kept `levels`, where that is further out."""
    nominal = np.asarray(levels, float)
    found = np.interp(nominal, kept, NOMINAL_LEVELS)
    return np.where(nominal >= 0.5, np.maximum(nominal, found), np.minimum(nominal, found))


def _unit(volume: Matrix, exponent: float, least: float, deviation: Matrix | None) -> Matrix:
    """What residuals are measured in: volume ** exponent, or the deviation where that is given and more."""
    usual = np.maximum(volume, least) ** exponent
    return np.asarray(usual if deviation is None else np.fmax(usual, deviation))


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


def _sorted(ratio: Matrix) -> tuple[Matrix, ...]:
    """Per step the residuals in their units, sorted; a step without any takes those of all steps."""
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


def _conformal(residuals: Matrix, levels: ArrayLike) -> Matrix:
    """Order statistics of sorted residuals, one place further out than plain quantiles."""
    count = len(residuals)
    wanted = np.asarray(levels, float) * (count + 1)
    ranks = np.where(np.asarray(levels, float) >= 0.5, np.ceil(wanted), np.floor(wanted))
    return residuals[np.clip(ranks, 1, count).astype(int) - 1]
