"""Backtests and fits of forecasters, each made once: those of a combination are made of its members'.

How a backtest is made is in `forecasting/backtest.py`.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Protocol, TypeVar, runtime_checkable

import pandas as pd

from s2p_assets.contracts.model import Forecaster, ForecastTask
from s2p_assets.learning.fingerprint import digest, fingerprint_of
from s2p_assets.learning.forecasting.backtest import prepared, rolling_origin, seen_by
from s2p_assets.learning.forecasting.learnable import learnable
from s2p_assets.learning.row_hashes import sorted_row_hashes_once

MAX_CACHED = 16
"""A contest's candidates learn one after the other in one process, so the last few are enough."""

F = TypeVar("F")

_cache: OrderedDict[str, Any] = OrderedDict()


@runtime_checkable
class CombinedForecaster(Protocol):
    """A forecaster without a forecast of its own: `combine` makes its backtest of its members', `fitted` it of theirs.

    Both take the members' backtests, as of `rolling_origin`.
    """

    members: tuple[Forecaster, ...]

    def combine(self, backtests: Sequence[pd.DataFrame], task: ForecastTask) -> pd.DataFrame: ...

    def fitted(
        self, members: Sequence[Forecaster], backtests: Sequence[pd.DataFrame], task: ForecastTask
    ) -> Forecaster: ...


def cached_backtest(forecaster: Forecaster, history: pd.DataFrame, task: ForecastTask) -> pd.DataFrame:
    """The backtest of an unfitted `forecaster`, as of `rolling_origin`.

    The last few are kept by fingerprint and by the content of the history: boosting, of which most of a company's
    training consists, is not fitted a second time for the combination that it is a member of.
    """
    if isinstance(forecaster, CombinedForecaster):
        return forecaster.combine(_backtests_of_members(forecaster, history, task), task)
    made: pd.DataFrame = _made_once(
        "backtest", forecaster, history, task, lambda: rolling_origin(forecaster, history, task)
    )
    return made.copy(deep=False)


def cached_fit(forecaster: Any, history: pd.DataFrame, task: ForecastTask) -> Any:
    """A copy of an unfitted `forecaster` fitted on all of `history`; a combination's members as if they stood alone.

    `history`: as `cached_backtest` takes it.
    """
    if isinstance(forecaster, CombinedForecaster):
        members = [cached_fit(member, history, task) for member in forecaster.members]
        return forecaster.fitted(members, _backtests_of_members(forecaster, history, task), task)
    return _made_once("fit", forecaster, history, task, lambda: _lightened(_fit(forecaster, history, task)))


def _fit(forecaster: Any, history: pd.DataFrame, task: ForecastTask) -> Any:
    sold = prepared(history, task, seen_by(forecaster, history, task))
    return forecaster.fit(learnable(sold, task), task)


def _backtests_of_members(
    forecaster: CombinedForecaster, history: pd.DataFrame, task: ForecastTask
) -> list[pd.DataFrame]:
    return [cached_backtest(member, history, task) for member in forecaster.members]


def _lightened(fitted: Any) -> Any:
    """Without what a forecaster kept of its history: a backtest asks for it at once, a version never."""
    return replace(fitted, fit_inputs=None) if hasattr(fitted, "fit_inputs") else fitted


def _made_once(
    what: str, forecaster: Forecaster, history: pd.DataFrame, task: ForecastTask, make: Callable[[], F]
) -> F:
    key = digest([what, fingerprint_of(forecaster, task)], sorted_row_hashes_once(history).tobytes())
    known = _cache.pop(key, None)
    _cache[key] = make() if known is None else known
    while len(_cache) > MAX_CACHED:
        _cache.popitem(last=False)
    found: F = _cache[key]
    return found
