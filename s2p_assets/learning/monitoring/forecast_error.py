"""Whether a version in service errs more than it did in its backtests, measured on newer periods.

Backtests are made in `backtest.py`; what follows from an error above its band is for `graph/`.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from s2p_assets.contracts.model import ForecastTask
from s2p_assets.learning.distributions import student_quantile
from s2p_assets.learning.forecasting.newer_errors import newer_errors
from s2p_assets.learning.forecasting.series import Matrix, lean
from s2p_assets.learning.selection.paired_test import MIN_FOLDS
from s2p_assets.learning.versions import ModelVersion

FALSE_ALARMS = 0.01
"""The chance that one look at one of the two errors cries wolf: with a look a week, about one in a year."""
MOST_LOOKS = 3
"""So often four periods before the newest are looked at: a quarter in all, after which models learn again."""
ALONE = 3
"""As so many further folds counts how far totals would spread if articles erred each for itself."""
LEAST_SPREAD, LEAST_TOTAL = 0.05, 0.05
"""No band is narrower around what is usual: what is off by less is not worth a training."""


@dataclass(frozen=True)
class RecentError:
    """How far a version was off on the newest `periods`, or those up to `until`, and what its folds let expect at most.

    `share`: what one article was off by, over the mean of what was forecast and sold: as much for a half as for the
    double. `total`: the logarithm of what all sold together over what was forecast. Both with what is `usual` in
    backtests and the `highest` that is no reason to train anew, for the total to either side.
    """

    periods: int
    share: float
    usual: float
    highest: float
    total: float
    usual_total: float
    highest_total: float
    until: str = ""

    @property
    def _total_is_further(self) -> bool:
        return abs(self.total - self.usual_total) / self.highest_total > (self.share / self.highest)

    @property
    def error(self) -> float:
        """What is held against the band: whichever of the two lies further out in its own, as a share of its band."""
        off = abs(self.total - self.usual_total) / self.highest_total * self.highest
        return max(self.share, off)

    @property
    def is_above(self) -> bool:
        return self.error > self.highest

    @property
    def _where(self) -> str:
        return f"{self.periods} periods up to {self.until}" if self.until else f"{self.periods} newest periods"

    @property
    def description(self) -> str:
        word = "above" if self.is_above else "within"
        if self._total_is_further:
            sold, least, most = (np.exp(value) for value in (self.total, *self._total_band))
            return (
                f"on the {self._where} {sold:.0%} of what was forecast was sold in all, "
                f"{'outside' if self.is_above else 'within'} {least:.0%} to {most:.0%}, as backtests let expect"
            )
        return (
            f"errors on the {self._where} are {self.share:.1%} of forecast and sales, "
            f"{word} their band: {self.usual:.1%} in backtests, at most {self.highest:.1%}"
        )

    @property
    def _total_band(self) -> tuple[float, float]:
        return self.usual_total - self.highest_total, self.usual_total + self.highest_total


def recent_error(made: ModelVersion[ForecastTask], history: pd.DataFrame) -> RecentError | None:
    """How wrong `made` was on the newest periods in `history`, four at most, that it did not learn from.

    It forecasts them knowing all before, as it would have in service. Where many periods came at once, those before
    were the newest never: of them, too, each four are looked at, and what is above its band is told. The bands are
    prediction intervals for one more fold, by Student's t over the folds' errors at the same steps. How far totals
    spread is known better than by these: later steps of each fold and the articles' own errors tell of it too. None
    when no period is newer, nothing was sold, or there are too few folds to know a band.
    """
    if len(made.cutoffs) < MIN_FOLDS:
        return None
    newest = _error_of(made, history)
    if newest is None or newest.is_above:
        return newest
    task, last = made.task, made.backtest["time"].max()
    whole = lean(history, task)
    periods = pd.to_datetime(whole[task.time])
    times = np.sort(periods[whole[task.target].notna()].unique())
    unseen = times[times > last][: -newest.periods]
    for end in unseen[::-1][:: newest.periods][:MOST_LOOKS]:
        earlier = _error_of(made, whole[periods <= end])
        if earlier is not None and earlier.is_above:
            return replace(earlier, until=f"{pd.Timestamp(end):%Y-%m-%d}")
    return newest


def _error_of(made: ModelVersion[ForecastTask], history: pd.DataFrame) -> RecentError | None:
    if (newer := newer_errors(made, history)) is None:
        return None
    periods = int(newer["step"].max())
    tested = made.backtest.loc[made.backtest["step"] <= periods]
    folds = np.array([_errors(rows) for _, rows in tested.groupby("cutoff")])
    folds = folds[np.isfinite(folds).all(axis=1)]
    share, total, _ = _errors(newer)
    if len(folds) < MIN_FOLDS or not np.isfinite([share, total]).all():
        return None
    usual, wide = _band(folds[:, 0], 1 - FALSE_ALARMS)
    usual_total, wide_total = _band_of_totals(folds, _later_totals(made.backtest, periods))
    highest = usual + max(wide, LEAST_SPREAD)
    return RecentError(periods, share, usual, highest, total, usual_total, max(wide_total, LEAST_TOTAL))


def _later_totals(backtest: pd.DataFrame, periods: int) -> Matrix:
    """The errors of all in as many steps after the first `periods`, fold by fold; none where folds end before."""
    steps = backtest["step"]
    if steps.max() < 2 * periods:
        return np.empty(0)
    later = backtest[(steps > periods) & (steps <= 2 * periods)]
    totals = np.array([_errors(rows)[1] for _, rows in later.groupby("cutoff")])
    return totals[np.isfinite(totals)]


def _band_of_totals(folds: Matrix, later: Matrix) -> tuple[float, float]:
    """The mean of the folds' totals, and how far one more lies from it at most.

    The variance is that of the folds and of their later steps, and, as `ALONE` further folds would have it, that of
    articles that err each for itself: a moderated t, after Smyth (2004). Six folds by themselves know a spread so badly
    that what is found must lie four of them out.
    """
    totals, freedom = folds[:, 1], len(folds) - 1
    squares = freedom * totals.var(ddof=1) + ALONE * float((folds[:, 2] ** 2).mean())
    freedom += ALONE
    if len(later) > 1:
        squares += (len(later) - 1) * later.var(ddof=1)
        freedom += len(later) - 1
    spread = np.sqrt(squares / freedom * (1 + 1 / len(folds)))
    return float(totals.mean()), float(student_quantile(1 - FALSE_ALARMS / 2, freedom) * spread)


def _errors(rows: pd.DataFrame) -> tuple[float, float, float]:
    """The sum of the entities' errors over the mean of forecast and sales, and the logarithm of all sold over that.

    The third is how far that would lie from 0 if entities erred each for itself.

    Where stock ran out, demand was what was sold or more: such a row counts only if more was sold than forecast.
    """
    counted = rows.loc[~rows["censored"].astype(bool) | (rows["actual"] > rows["mean"])]
    sums = counted.groupby("entity", observed=True)[["actual", "mean"]].sum()
    sold, foretold = sums["actual"].to_numpy(float), sums["mean"].to_numpy(float)
    both = float(sold.sum() + foretold.sum()) / 2
    if both <= 0:
        return (float("nan"),) * 3
    least = 1e-3 * both
    share = float(np.abs(sold - foretold).sum()) / both
    alone = float(np.sqrt(((sold - foretold) ** 2).sum())) / both
    return share, float(np.log(max(sold.sum(), least) / max(foretold.sum(), least))), alone


def _band(folds: Matrix, level: float) -> tuple[float, float]:
    """The mean of the folds, and how far one more lies from it at most."""
    wide = student_quantile(level, len(folds) - 1) * folds.std(ddof=1) * np.sqrt(1 + 1 / len(folds))
    return float(folds.mean()), float(wide)
