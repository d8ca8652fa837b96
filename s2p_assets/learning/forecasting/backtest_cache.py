"""Backtests of forecasters, each made once: that of a combination is made of its members' backtests.

How one is made is in `forecasting/backtest.py`.
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import pandas as pd

from s2p_assets.contracts.model import Forecaster, ForecastTask
from s2p_assets.learning.fingerprint import digest, fingerprint_of
from s2p_assets.learning.forecasting.backtest import rolling_origin
from s2p_assets.learning.row_hashes import sorted_row_hashes

MAX_CACHED = 8
"""A contest's candidates learn one after the other in one process, so the last few are enough."""

_cache: OrderedDict[str, pd.DataFrame] = OrderedDict()


@runtime_checkable
class CombinedForecaster(Protocol):
    """A forecaster without a forecast of its own: `combine` makes its rows of its members' rows."""

    members: tuple[Forecaster, ...]

    def combine(self, forecasts: Sequence[pd.DataFrame]) -> pd.DataFrame: ...


def cached_backtest(forecaster: Forecaster, history: pd.DataFrame, task: ForecastTask) -> pd.DataFrame:
    """The backtest of an unfitted `forecaster`, as of `rolling_origin`.

    The last few are kept by fingerprint and by the content of the history: boosting, of which most of a company's
    training consists, is not fitted a second time for the combination that it is a member of.
    """
    if isinstance(forecaster, CombinedForecaster):
        return forecaster.combine([cached_backtest(member, history, task) for member in forecaster.members])
    key = digest(fingerprint_of(forecaster, task), sorted_row_hashes(history).tobytes())
    known = _cache.pop(key, None)
    _cache[key] = rolling_origin(forecaster, history, task) if known is None else known
    while len(_cache) > MAX_CACHED:
        _cache.popitem(last=False)
    return _cache[key].copy()
