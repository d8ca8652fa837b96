"""What stands out in a chart, in a few words for its title: the last value against those before, or the longest bar.

What a chart shows in whole, for whoever cannot see it, is told by `vega`.
"""

from typing import Any

import pandas as pd

from s2p_assets.publishing.charts.plots import Plot
from s2p_assets.publishing.charts.vega import format_x, format_y

FEWEST = 3
"""Of less than so many places nothing stands out."""


def chart_headline(plot: Plot, currency: str) -> str:
    """`Units sold 1,293 (23 Nov 2026), the most since 24 Aug 2026`; empty where nothing stands out."""
    title, values = next(iter(plot.lines.items()))
    known = values.dropna()
    if len(known) < FEWEST or known.nunique() == 1:
        return ""
    name = f"{title} " if len(plot.lines) > 1 else ""
    if plot.over_time:
        return f"{name}{_last_against_before(plot, known, currency)}"
    return f"{name}{_extreme(plot, known, currency)}" if plot.is_horizontal else ""


def _last_against_before(plot: Plot, known: "pd.Series[Any]", currency: str) -> str:
    last, before = known.iloc[-1], known.iloc[:-1]
    when = format_x(plot.x[known.index[-1]])
    at_least, at_most = before[before >= last], before[before <= last]
    word, others = ("most", at_least) if _gap(at_least) <= _gap(at_most) else ("least", at_most)
    since = f"since {format_x(plot.x[others.index[-1]])}" if len(others) else f"of {len(known)}"
    return f"{format_y(last, plot, currency)} ({when}), the {word} {since}"


def _gap(others: "pd.Series[Any]") -> int:
    """The place of the last one: the further back, the more it says."""
    return int(others.index[-1]) if len(others) else -1


def _extreme(plot: Plot, known: "pd.Series[Any]", currency: str) -> str:
    word, value = ("most", known.max()) if abs(known.max()) >= abs(known.min()) else ("least", known.min())
    at = known.index[known == value][0]
    return f"{word} {format_x(plot.x[at])}, {format_y(value, plot, currency)}"
