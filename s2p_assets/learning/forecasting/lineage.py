"""Which rows lie under a weekly feature and under a forecast, as rules for tracing.

How the features are made is in `weekly_features.py`, forecasts in `versions.py`; tracing itself is for `warehouse/`.
"""

from s2p_assets.contracts.lineage import LineageRule, LineageRules, before_day, has_value, on_day, same_key
from s2p_assets.contracts.model import ForecastTask
from s2p_assets.learning.forecasting.lifecycle import PEER_SEPARATOR
from s2p_assets.learning.forecasting.weekly_features import LAGS, SPANS

DAYS_OF_A_WEEK = 7


def weekly_feature_lineage(source: str, *, entity: str, week: str) -> LineageRules:
    """Which rows of `source`, a table of weekly demand with these columns, lie under each of `weekly_features`."""
    same = same_key(entity)

    def within(weeks: int) -> LineageRule:
        return same & before_day(week, week, within_days=weeks * DAYS_OF_A_WEEK)

    lagged: LineageRules = {
        (f"lag_{weeks}", source): same & on_day(week, week, plus_days=-weeks * DAYS_OF_A_WEEK) for weeks in LAGS
    }
    statistics: LineageRules = {
        (f"{statistic}_{weeks}", source): within(weeks) for weeks in SPANS for statistic in ("mean", "std")
    }
    others: LineageRules = {
        ("zeros_13", source): within(13),
        ("price_ratio", source): within(13),
        ("weeks_since_first_sale", source): same & before_day(week, week),
    }
    return {**lagged, **statistics, **others}


def forecast_lineage(
    source: str, *, entity: str, week: str, target: str, horizon: int = ForecastTask.horizon
) -> LineageRules:
    """Which rows of `source`, a weekly feature set with these columns, lie under a row of `forecasts.forecast_series`.

    All weeks that were known, and what was known in advance of its own; under that of a new entity, the first weeks
    of its peers.
    """
    learned = f"({week} <= this.{week} - ({DAYS_OF_A_WEEK} * this.step)::int or {week} = this.{week})"
    beginning = f"{target} is not null and lag_{horizon} is null"
    peers = f"{entity} = any(string_to_array(this.peers, '{PEER_SEPARATOR}'))"
    return {source: LineageRule(f"({entity} = this.{entity} and {learned}) or ({peers} and {beginning})")}


def total_forecast_lineage(source: str, *, target: str) -> LineageRules:
    """Which rows of `source`, a weekly feature set, lie under a forecast of the total: all that have a target."""
    return {source: has_value(target)}
