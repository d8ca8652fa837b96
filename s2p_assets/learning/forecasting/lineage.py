"""Which rows lie under a weekly feature and under a forecast, as rules for tracing.

How the features are made is in `weekly_features.py`, forecasts in `versions.py`; tracing itself is for `warehouse/`.
"""

from s2p_assets.learning.forecasting.lifecycle import BETWEEN_PEERS
from s2p_assets.learning.forecasting.weekly_features import LAGS, SPANS
from s2p_assets.learning.model import Problem
from s2p_assets.shelves import Under, UnderEach

DAYS_OF_A_WEEK = 7


def under_weekly_features(source: str, *, entity: str, week: str) -> UnderEach:
    """Which rows of `source`, a table of weekly demand with these columns, lie under each of `weekly_features`."""
    same = f"{entity} = this.{entity}"
    before = f"{same} and {week} < this.{week}"

    def within(weeks: int) -> Under:
        return Under(f"{before} and {week} >= this.{week} - {weeks * DAYS_OF_A_WEEK}")

    lagged: UnderEach = {
        (f"lag_{weeks}", source): Under(f"{same} and {week} = this.{week} - {weeks * DAYS_OF_A_WEEK}") for weeks in LAGS
    }
    statistics: UnderEach = {
        (f"{statistic}_{weeks}", source): within(weeks) for weeks in SPANS for statistic in ("mean", "std", "zeros")
    }
    others: UnderEach = {("price_ratio", source): within(13), ("weeks_since_first_sale", source): Under(before)}
    return {**lagged, **statistics, **others}


def under_forecast(source: str, *, entity: str, week: str, target: str, horizon: int = Problem.horizon) -> UnderEach:
    """Which rows of `source`, a weekly feature set with these columns, lie under a row of `forecasts.foresee`.

    All weeks that were known, and what was known in advance of its own; under that of a new entity, the first weeks
    of its peers.
    """
    learned = f"({week} <= this.{week} - ({DAYS_OF_A_WEEK} * this.step)::int or {week} = this.{week})"
    beginning = f"{target} is not null and lag_{horizon} is null"
    peers = f"{entity} = any(string_to_array(this.peers, '{BETWEEN_PEERS}'))"
    return {source: Under(f"({entity} = this.{entity} and {learned}) or ({peers} and {beginning})")}


def under_total_forecast(source: str, *, target: str) -> UnderEach:
    """Which rows of `source`, a weekly feature set, lie under a forecast of the total: all that have a target."""
    return {source: Under(f"{target} is not null")}
