"""Whether probabilities still mean what they say: their calibration over time, and open cases beside decided ones.

The measures over all cases are in `metrics.py`; mending what does not hold is for `recalibration.py`.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from s2p_assets.learning.classification.metrics import calibration_error
from s2p_assets.learning.classification.models.calibration import log_odds
from s2p_assets.learning.classification.recalibration import weighted_calibration
from s2p_assets.learning.forecasting.series import Matrix

DRAWS, SURE = 200, 0.99
KEPT_LOOSE = 50.0
"""How far from 1 and 0 slope and intercept may lie a priori: anywhere."""
CRITICAL, SMALLEST_GAP, SMALLEST_MOVE = 1.95, 0.15, 0.05
"""Kolmogorov & Smirnov's distance for a chance of one in a thousand, times the root of the counts; and what matters,
in shares of the cases and in the probability of a case: base rates that differ a little are no alarm."""
BANDS = 10
FEWEST = 20


def calibration_by_fold(backtest: pd.DataFrame, *, draws: int = DRAWS, seed: int = 0) -> pd.DataFrame:
    """One row per fold, the oldest first: fold, cutoff, cases, predicted and outcome (mean probability, share), slope
    and intercept of the log-odds, error (expected calibration error), most (as large as the error is in 99 of 100 draws
    in which the probabilities hold) and holds (whether it is within that).

    Cox (1958) for slope and intercept: 1 and 0 are right; a slope under 1 is too sure, an intercept under 0 too high.
    Cases of one entity end alike, so they are drawn together. `backtest`: as of `time_folds.backtest_classifier`.
    """
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        [
            {"fold": fold, "cutoff": rows["cutoff"].iloc[0], "cases": len(rows), **_calibration(rows, random, draws)}
            for fold, rows in backtest.groupby("fold")
        ]
    )


def _calibration(rows: pd.DataFrame, random: np.random.Generator, draws: int) -> dict[str, float | bool]:
    said, actual = rows["probability"].to_numpy(float), rows["actual"].to_numpy(float)
    weights = 1 / rows.groupby("entity")["entity"].transform("size").to_numpy(float)
    varied = float(np.std(log_odds(said))) > 1e-6
    slope, intercept = weighted_calibration(said, actual, weights, KEPT_LOOSE)
    most = _largest_error(said, pd.factorize(rows["entity"])[0], random, draws)
    error = calibration_error(actual, said)
    return {
        "predicted": float(said.mean()),
        "outcome": float(actual.mean()),
        "slope": slope if varied else float("nan"),
        "intercept": intercept if varied else float("nan"),
        "error": error,
        "most": most,
        "holds": bool(error <= most),
    }


def _largest_error(
    said: Matrix, entity: "np.ndarray[tuple[int, ...], np.dtype[np.int64]]", random: np.random.Generator, draws: int
) -> float:
    """The error that is hardly exceeded where each entity's cases come about as they are told, all or none of them."""
    chance = random.uniform(size=(draws, int(entity.max()) + 1))
    bins = pd.qcut(pd.Series(said), BANDS, labels=False, duplicates="drop").fillna(0).to_numpy(int)
    count = np.bincount(bins)
    told = np.bincount(bins, said)
    errors = [
        float(np.abs(told - np.bincount(bins, chance[draw, entity] < said, minlength=len(count))).sum() / len(said))
        for draw in range(draws)
    ]
    return float(np.quantile(errors, SURE))


@dataclass(frozen=True)
class OpenBesideDecided:
    """What is told of open cases beside what was told of decided ones, in tests that knew no more.

    `bands`: one row per tenth of the probability: band, low, high, open and decided (shares of the cases). `gap`: the
    largest difference between the shares told at most `at`; `noise`: as large as it may be by chance. `below_open`,
    `below_decided`: these shares. `moved`: how far the probabilities lie apart on average. `cases`: of the open ones.
    """

    bands: pd.DataFrame
    gap: float
    noise: float
    at: float
    below_open: float
    below_decided: float
    moved: float
    cases: int

    @property
    def differs(self) -> bool:
        """Beyond noise, and by enough to matter."""
        is_far = self.gap > max(self.noise, SMALLEST_GAP) and self.moved > SMALLEST_MOVE
        return self.cases >= FEWEST and is_far


def compare_open_cases(backtest: pd.DataFrame, probability: ArrayLike) -> OpenBesideDecided:
    """`probability`: of the open cases. Every row of a decided case counts: at any moment it was open in one of them.

    `backtest`: as of `time_folds.backtest_classifier`.
    """
    now, then = np.sort(np.asarray(probability, float)), np.sort(backtest["probability"].to_numpy(float))
    places = np.unique(np.r_[now, then])
    below = [np.searchsorted(one, places, side="right") / max(len(one), 1) for one in (now, then)]
    at = int(np.abs(below[0] - below[1]).argmax())
    entities = backtest["entity"].nunique()
    edges = np.linspace(0, 1, BANDS + 1)
    shares = [np.histogram(one, edges)[0] / max(len(one), 1) for one in (now, then)]
    bands = pd.DataFrame({"low": edges[:-1], "high": edges[1:], "open": shares[0], "decided": shares[1]})
    bands.insert(0, "band", [f"{low:.0%}–{high:.0%}".replace("%", "", 1) for low, high in pairwise(edges)])
    return OpenBesideDecided(
        bands=bands,
        gap=float(abs(below[0][at] - below[1][at])),
        noise=float(CRITICAL * np.sqrt(1 / max(len(now), 1) + 1 / max(entities, 1))),
        at=float(places[at]),
        below_open=float(below[0][at]),
        below_decided=float(below[1][at]),
        moved=float(np.abs(_spread(now) - _spread(then)).mean()),
        cases=len(now),
    )


def _spread(sorted_values: Matrix) -> Matrix:
    """A hundred quantiles; those of nothing are 0."""
    return np.quantile(sorted_values, np.linspace(0.005, 0.995, 100)) if len(sorted_values) else np.zeros(100)
