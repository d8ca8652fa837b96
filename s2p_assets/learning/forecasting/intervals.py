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
NOMINAL_LEVELS = np.linspace(0.0, 1.0, 401)
GROUPS, SERIES_A_GROUP = 3, 12
LEANED_ON, NEWER = 40.0, 0.9
"""A group of volume counts as much as all together from so many tested series on; a fold, by so much of the next."""
MOST_FITTED, MOST_PLACED, ROUNDS, MOST_OVER = 20_000, 60_000, 12, 6.0

Positions = np.ndarray[tuple[int, ...], np.dtype[np.intp]]


@dataclass(frozen=True)
class ErrorUnit:
    """What residuals are measured in: e^`constant` · volume^`of_volume` · deviation^`of_deviation`.

    After the idea of Taylor's power law (1961). Below `least_volume` and `least_deviation` it is as there; a series of
    which no deviation is known has `usual_deviation` · √volume. Nothing where neither is any.
    """

    of_volume: float
    least_volume: float
    of_deviation: float = 0.0
    least_deviation: float = 1.0
    usual_deviation: float = 1.0
    constant: float = 0.0

    @property
    def growth(self) -> float:
        """By which power of the number of periods the unit of their sum grows."""
        return self.of_volume + self.of_deviation / 2

    def of(self, volume: Matrix, deviation: Matrix | None) -> Matrix:
        seen = np.maximum(volume, self.least_volume)
        if deviation is None:
            return np.asarray(np.exp(self.constant) * seen**self.of_volume)
        own = np.where(deviation > 0, deviation, self.usual_deviation * np.sqrt(seen))
        own = np.maximum(own, self.least_deviation) ** self.of_deviation
        return np.asarray(np.exp(self.constant) * seen**self.of_volume * own)


@dataclass(frozen=True)
class Residuals:
    """Residuals of a backtest in their unit, and by how much more or less than they say groups of volume keep.

    `of_step[k]` holds those of the single step k + 1, `of_sum[k]` those of the sum of steps 1 to k + 1, each sorted.
    `volumes`: the middle of each group, rising; between two of them both count. `coverage_of_step`, `coverage_of_sum`
    (groups × `NOMINAL_LEVELS`): what share of a fold's rows the quantiles of the other folds kept. Whatever is new has
    in common what no fold before had, so that a level is claimed by the quantile that kept it.
    """

    unit: ErrorUnit
    of_step: tuple[Matrix, ...]
    of_sum: tuple[Matrix, ...]
    volumes: Matrix = field(default_factory=lambda: np.ones(1))
    coverage_of_step: Matrix = field(default_factory=NOMINAL_LEVELS[None].copy)
    coverage_of_sum: Matrix = field(default_factory=NOMINAL_LEVELS[None].copy)

    def offsets(self, volume: Matrix, at: Positions, levels: Sequence[float], *, of_sums: bool) -> Matrix:
        """Quantiles of the residuals (rows × levels) of rows of some volume a period, `at` a place in the tuple."""
        residuals, coverage = (self.of_sum, self.coverage_of_sum) if of_sums else (self.of_step, self.coverage_of_step)
        wanted = [np.interp(np.asarray(levels, float), kept, NOMINAL_LEVELS) for kept in coverage]
        table = np.array([[_conformal(one, wide) for one in residuals] for wide in wanted])
        groups = np.arange(len(self.volumes))
        place = np.interp(np.log(np.maximum(volume, self.volumes[0])), np.log(self.volumes), groups)
        below, above = np.floor(place).astype(int), np.ceil(place).astype(int)
        part = (place - below)[:, None]
        return np.asarray(table[below, at] * (1 - part) + table[above, at] * part)


@dataclass(frozen=True)
class ErrorDistribution:
    """How far actuals fall from forecasts, by volume, and where it is known by each series' own deviation.

    `by_volume`: residuals in units of volume to some power, for rows of which no deviation is given; below its least
    volume the spread falls as counts' does, to none where nothing is expected. `by_deviation`: in units of volume and
    deviation both. On daily M5 sums that covers what it says and needs a tenth less stock.
    `width`: by how much ranges are wider than the backtest has them, by what came since.
    """

    by_volume: Residuals
    by_deviation: Residuals | None = None
    width: float = 1.0

    @property
    def horizon(self) -> int:
        return len(self.by_volume.of_step)

    def quantiles(
        self, mean: ArrayLike, step: ArrayLike, levels: Sequence[float], deviation: ArrayLike | None = None
    ) -> Matrix:
        """Quantiles of the demand of single periods: (rows × levels), ≥ 0, rising with the level.

        `mean`, `step`: per row the forecast and how many periods ahead; beyond the horizon its last step counts.
        `deviation`: of the row's series, as of `deviations`.
        """
        means, steps = np.asarray(mean, float), np.minimum(np.asarray(step, int), self.horizon)
        residuals, own = self._measured(deviation)
        return self._around(means, residuals, own, residuals.offsets(means, steps - 1, levels, of_sums=False), levels)

    def sum_quantiles(
        self, total: ArrayLike, periods: ArrayLike, levels: Sequence[float], deviation: ArrayLike | None = None
    ) -> Matrix:
        """Quantiles of the demand of the next `periods` periods together: (rows × levels), ≥ 0, rising.

        `total`: the forecast of that sum; `periods` may be a fraction. Beyond the horizon the residual of
        the longest sum is carried on in proportion to time, as errors of the level do: on the safe side.
        `deviation`: of the row's series in a single period, as of `deviations`.
        """
        totals, lengths = np.asarray(total, float), np.asarray(periods, float)
        residuals, own = self._measured(deviation)
        within = np.clip(lengths, 1.0, self.horizon) - 1
        below, above = np.floor(within).astype(int), np.ceil(within).astype(int)
        part, volume = (within - below)[:, None], totals / np.maximum(lengths, 1e-9)
        offsets = residuals.offsets(volume, below, levels, of_sums=True) * (1 - part)
        offsets = offsets + residuals.offsets(volume, above, levels, of_sums=True) * part
        beyond = np.maximum(lengths / self.horizon, 1.0) ** (1 - residuals.unit.growth)
        of_sum = own * np.sqrt(lengths) if own is not None else None
        return self._around(totals, residuals, of_sum, offsets * beyond[:, None], levels)

    def _measured(self, deviation: ArrayLike | None) -> tuple[Residuals, Matrix | None]:
        if deviation is None or self.by_deviation is None:
            return self.by_volume, None
        return self.by_deviation, np.asarray(deviation, float)

    def _around(
        self, means: Matrix, residuals: Residuals, own: Matrix | None, offsets: Matrix, levels: Sequence[float]
    ) -> Matrix:
        unit = residuals.unit.of(means, own) * self.width
        small = np.sqrt(np.clip(means / residuals.unit.least_volume, 0.0, 1.0))
        # What sold lately may sell again, even where nothing is expected.
        unit = unit * small if own is None else np.where(own > 0, unit, unit * small)
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
    What a group of volume kept of other folds, the newer the more, corrects what it claims.
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
    by_volume = _residuals(ErrorUnit(_exponent(residual, volume), least), residual, volume, None, folds)
    if deviation is None:
        return ErrorDistribution(by_volume)
    unit = _fitted_unit(residual, volume, deviation, least)
    return ErrorDistribution(by_volume, _residuals(unit, residual, volume, deviation, folds))


def as_wide_as(errors: ErrorDistribution, rows: pd.DataFrame) -> ErrorDistribution:
    """`errors` with the width that the ranges of `rows` have, which know what fell out of them since the training.

    `rows`: as of `forecast_series`, with mean, step, deviation and q90.
    """
    if rows.empty:
        return errors
    above = errors.quantiles(rows["mean"], rows["step"], (0.9,), rows["deviation"])[:, 0] - rows["mean"]
    told = rows["q90"] - rows["mean"]
    usable = (above > 0) & (told > 0)
    return replace(errors, width=float((told[usable] / above[usable]).median())) if usable.any() else errors


def _residuals(
    unit: ErrorUnit, residual: Matrix, volume: Matrix, deviation: Matrix | None, folds: "np.ndarray[Any, Any]"
) -> Residuals:
    lengths = np.sqrt(np.arange(1, residual.shape[1] + 1))
    step = residual / unit.of(volume, deviation)
    of_sums = deviation * lengths if deviation is not None else None
    together = residual.cumsum(axis=1) / unit.of(volume.cumsum(axis=1), of_sums)
    if np.isnan(together).all():  # no sum is known whole
        together = step
    groups, middles = _groups(volume, folds, unit.least_volume)
    kept = (_kept(ratio, folds, groups, len(middles)) for ratio in (step, together))
    return Residuals(unit, _sorted(step), _sorted(together), middles, *kept)


def _groups(volume: Matrix, folds: "np.ndarray[Any, Any]", least: float) -> tuple[Positions, Matrix]:
    """The group of each row (fold and series) by its mean volume, and the middle of each group, in units a period."""
    mean = np.nan_to_num(np.nanmean(np.where(np.isnan(volume).all(axis=1, keepdims=True), 0.0, volume), axis=1))
    most = len(folds) / max(len(np.unique(folds)), 1)
    wanted = int(np.clip(most // SERIES_A_GROUP, 1, GROUPS))
    edges = np.quantile(mean, np.arange(1, wanted) / wanted)
    groups = np.searchsorted(edges, mean, side="right")
    found = np.unique(groups)
    middles = np.maximum([np.median(mean[groups == one]) for one in found], least * 1e-3)
    rising = np.maximum.accumulate(middles * (1 + 1e-9 * np.arange(len(middles))))
    return np.searchsorted(found, groups), rising


def _kept(ratio: Matrix, folds: "np.ndarray[Any, Any]", groups: Positions, count: int) -> Matrix:
    """For each group and each of `NOMINAL_LEVELS`, the share of rows of `ratio` below that quantile of other folds.

    With a single fold, what is claimed. After Dunn, Wasserman & Ramdas (2023), whose groups are folds here: rows of one
    fold err together, so that a new fold lies further out than a new row of the old ones would. The newer a fold the
    more it counts, and what a group of volume kept is leaned on what all did, the more the fewer series it has.
    """
    names = np.unique(folds)
    if len(names) < 2:
        return np.tile(NOMINAL_LEVELS, (count, 1))
    some = slice(None, None, max(ratio.size // MOST_PLACED, 1))
    ratio, folds, groups = ratio[some], folds[some], groups[some]
    place = _places_among_others(ratio, folds)
    weight = NEWER ** (len(names) - 1 - np.searchsorted(names, folds)).astype(float)
    counted = ~np.isnan(place)
    of_all = _shares_below(place[counted], np.broadcast_to(weight[:, None], place.shape)[counted])
    found = []
    for one in range(count):
        here = counted & (groups == one)[:, None]
        tested = float(here.any(axis=1).sum())
        own = _shares_below(place[here], np.broadcast_to(weight[:, None], place.shape)[here])
        kept = (tested * own + LEANED_ON * of_all) / (tested + LEANED_ON)
        found.append(np.concatenate([[0.0], kept[1:-1], [1.0]]))
    return np.array(found)


def _places_among_others(ratio: Matrix, folds: "np.ndarray[Any, Any]") -> Matrix:
    """Of each entry the share of the other folds' entries of its column that lie below it; of equal ones the half."""
    found = np.full(ratio.shape, np.nan)
    for column in range(ratio.shape[1]):
        values = ratio[:, column]
        every = np.sort(values[~np.isnan(values)])
        for fold in np.unique(folds):
            here = (folds == fold) & ~np.isnan(values)
            own = np.sort(values[here])
            others = len(every) - len(own)
            if not others or not len(own):
                continue
            below = [
                np.searchsorted(every, own, side=side) - np.searchsorted(own, own, side=side)
                for side in ("left", "right")
            ]
            share = (below[0] + below[1]) / (2 * others)
            found[here, column] = share[np.argsort(np.argsort(values[here], kind="stable"), kind="stable")]
    return found


def _shares_below(places: Matrix, weights: Matrix) -> Matrix:
    """At each of `NOMINAL_LEVELS` the weight of the places up to it, as a share; the levels themselves without any."""
    if not len(places):
        return NOMINAL_LEVELS.copy()
    at = np.searchsorted(NOMINAL_LEVELS, places, side="left")
    return np.asarray(np.cumsum(np.bincount(at, weights, len(NOMINAL_LEVELS))) / weights.sum())


def _fitted_unit(residual: Matrix, volume: Matrix, deviation: Matrix, least: float) -> ErrorUnit:
    """By which powers of volume and deviation errors grow: a regression of their size with a logarithmic link.

    Weighted as for a spread in proportion to the mean; what is over six times as large as expected counts as that.
    """
    known = ~np.isnan(residual) & ~np.isnan(volume) & (deviation > 0)
    usual = float(np.median(deviation[known] / np.sqrt(np.maximum(volume[known], least)))) if known.any() else 1.0
    smallest = float(np.quantile(deviation[known], 0.05)) if known.any() else 1.0
    size, seen, own = (part[known] for part in (np.abs(residual), np.maximum(volume, least), deviation))
    every = max(len(size) // MOST_FITTED, 1)
    size, seen, own = size[::every], np.log(seen[::every]), np.log(np.maximum(own[::every], smallest))
    powers = np.array([0.0, 0.2, 0.7])
    if len(size) < 10 or size.sum() <= 0:
        return ErrorUnit(powers[1], least, powers[2], smallest, usual)
    rows = np.column_stack([np.ones(len(size)), seen, own])
    powers[0] = np.log(size.mean()) - np.log(np.exp(rows @ powers).mean())
    prior, held = np.diag([0.0, 1.0, 1.0]), powers.copy()
    squares = rows.T @ rows + prior
    for _ in range(ROUNDS):
        expected = np.exp(np.clip(rows @ powers, -50, 50))
        step = (np.minimum(size, MOST_OVER * expected) - expected) / expected
        powers = powers + np.linalg.solve(squares, rows.T @ step - prior @ (powers - held))
        powers[1:] = np.clip(powers[1:], 0.0, 1.0)
    return ErrorUnit(float(powers[1]), least, float(powers[2]), smallest, usual, float(powers[0]))


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
