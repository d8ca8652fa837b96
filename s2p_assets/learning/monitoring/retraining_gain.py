"""What it is worth to learn again: how much more a fit of earlier errs than a fresh one, as the folds have it.

Whether demand itself has changed is for `forecast_error.py`; what asks for training is for `graph/`.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from s2p_assets.contracts.model import ForecastTask
from s2p_assets.learning.versions import ModelVersion

WORTH = 0.01
"""As much as a challenger must be better by: less is not worth a change of what is in service."""
LONGEST = 0.25
"""Part of a year: no version serves for longer unlearned, for neither its ranges nor its weights have been tried."""


@dataclass(frozen=True)
class RetrainingGain:
    """`periods` have come since the training; learning again is expected to save `share` of the error."""

    periods: int
    share: float
    longest: int

    @property
    def is_worth_it(self) -> bool:
        return self.share >= WORTH or self.periods >= self.longest

    @property
    def description(self) -> str:
        if self.periods >= self.longest:
            return f"trained {self.periods} periods ago, {self.longest} at most"
        word = "worth it" if self.is_worth_it else f"not worth it below {WORTH:.0%}"
        return f"learning again is expected to save {max(self.share, 0.0):.1%} of its error, {word}"


def retraining_gain(made: ModelVersion[ForecastTask], history: pd.DataFrame) -> RetrainingGain | None:
    """What the last fold of `made` lets expect of learning again, as old as it is; None where no fold tells.

    There the fit of the fold before and the fresh one knew the same periods. Errors are root mean squares of an entity
    in units of its deviation; what was lost from one fold to the next is taken to grow evenly with time.
    """
    task, backtest = made.task, made.backtest
    if "aged" not in backtest or len(made.cutoffs) < 2:
        return None
    rows = backtest[backtest["aged"].notna() & ~backtest["censored"].astype(bool) & (backtest["deviation"] > 0)]
    if rows.empty:
        return None
    fresh, aged = (_mean_error(rows, column) for column in ("mean", "aged"))
    apart = len(pd.date_range(made.cutoffs[-2], made.cutoffs[-1], freq=task.every)) - 1
    known = history.loc[history[task.target].notna() & (history[task.time] > backtest["time"].max()), task.time]
    periods = int(known.nunique())
    share = (1 - fresh / aged) * periods / max(apart, 1) if aged > 0 else 0.0
    return RetrainingGain(periods, float(share), max(round(task.year * LONGEST), 2))


def _mean_error(rows: pd.DataFrame, column: str) -> float:
    squared = ((rows[column] - rows["actual"]) / rows["deviation"]) ** 2
    return float(np.sqrt(squared.groupby(rows["entity"], observed=True).mean()).mean())
