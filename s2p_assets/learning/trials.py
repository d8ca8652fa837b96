"""Backtests of forecasters, each made once: that of a combination is made of its members' backtests.

How one is made is in `forecasting/backtest.py`.
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import pandas as pd

from s2p_assets.learning.change import fingerprint
from s2p_assets.learning.forecasting.backtest import rolling_origin
from s2p_assets.learning.model import Forecaster, Problem
from s2p_assets.learning.recipes import digest, recipe_of

MOST_KEPT = 8
"""A contest's candidates learn one after the other in one process, so the last few are enough."""

_of_late: OrderedDict[str, pd.DataFrame] = OrderedDict()


@runtime_checkable
class Combining(Protocol):
    """A forecaster without a forecast of its own: `between` makes its rows of its members' rows."""

    members: tuple[Forecaster, ...]

    def between(self, said: Sequence[pd.DataFrame]) -> pd.DataFrame: ...


def tried(forecaster: Forecaster, history: pd.DataFrame, problem: Problem) -> pd.DataFrame:
    """The backtest of an unfitted `forecaster`, as of `rolling_origin`.

    The last few are kept by recipe and by the content of the history: boosting, of which most of a company's training
    consists, is not fitted a second time for the combination that it is a member of.
    """
    if isinstance(forecaster, Combining):
        return forecaster.between([tried(member, history, problem) for member in forecaster.members])
    key = digest(recipe_of(forecaster, problem), fingerprint(history).tobytes())
    known = _of_late.pop(key, None)
    _of_late[key] = rolling_origin(forecaster, history, problem) if known is None else known
    while len(_of_late) > MOST_KEPT:
        _of_late.popitem(last=False)
    return _of_late[key].copy()
