"""What a chart shows: its numbers as every renderer draws them, place by place and line by line, and its legend.

Drawing them as SVG belongs to `vega`, drawing them in Excel to `excel_charts`; where a chart stands, to the pages.
"""

import datetime as dt
import functools
from dataclasses import dataclass
from typing import Any

import pandas as pd

from s2p_assets.contracts.report import Chart, Section
from s2p_assets.publishing.document import wording

COLOURS = 6
DASHES: tuple[tuple[int, int], ...] = ((1, 0), (7, 4), (2, 3), (10, 3))


@dataclass(frozen=True)
class Plot:
    """A chart's numbers, ready to draw: one row per place on the x axis, in order, one column per line or bar.

    `x`: dates, numbers or texts. `lines`: title → values. `low`, `high`: the band, or None.
    """

    chart: Chart
    x: "pd.Series[Any]"
    lines: "dict[str, pd.Series[Any]]"
    low: "pd.Series[Any] | None"
    high: "pd.Series[Any] | None"
    x_title: str

    @property
    def over_time(self) -> bool:
        return pd.api.types.is_datetime64_any_dtype(self.x.dtype)

    @property
    def is_horizontal(self) -> bool:
        """Whether bars run from left to right, which leaves room for their names."""
        return self.chart.kind == "bar" and not self.over_time

    @functools.cached_property
    def decimals(self) -> int:
        """How many decimals its numbers need."""
        return wording.decimals_for(pd.concat(list(self.lines.values())), self.chart.format)


def plot_of(section: Section) -> Plot | None:
    """What the section's chart shows; None without a chart, or when it has nothing to show.

    Raises ValueError when two values stand at the same place of one line.
    """
    chart = section.chart
    if chart is None:
        return None
    frame = chart.frame if chart.frame is not None else section.frame
    if frame is None:
        return None
    titles = {column.name: column.title for column in section.columns}
    frame = frame[frame[chart.x].notna()]
    if frame.duplicated([chart.x] if chart.series is None else [chart.x, chart.series]).any():
        raise ValueError(f"{section.title}: the chart has several values at one {chart.x}; sum them or name a series")
    lines = _lines(frame, chart, titles)
    if frame.empty or not any(values.notna().any() for values in lines.values()):
        return None
    index = next(iter(lines.values())).index
    band = frame.drop_duplicates(chart.x).set_index(chart.x).reindex(index)
    low, high = (_numbers(band[name]) for name in chart.band) if chart.band else (None, None)
    x = x_values(pd.Series(index))
    order = x.sort_values(kind="stable").index if chart.kind == "line" and x.dtype != object else x.index
    fresh = {title: values.reset_index(drop=True)[order].reset_index(drop=True) for title, values in lines.items()}
    return Plot(
        chart=chart,
        x=x[order].reset_index(drop=True),
        lines=fresh,
        low=None if low is None else low.reset_index(drop=True)[order].reset_index(drop=True),
        high=None if high is None else high.reset_index(drop=True)[order].reset_index(drop=True),
        x_title=titles.get(chart.x, humanize(chart.x)),
    )


def humanize(name: str) -> str:
    """`units_sold` → `Units sold`."""
    plain = name.replace("_", " ").strip()
    return plain[:1].upper() + plain[1:]


def _lines(frame: pd.DataFrame, chart: Chart, titles: dict[str, str]) -> "dict[str, pd.Series[Any]]":
    """Title → values indexed by place; all with the same index."""
    places = pd.Index(frame[chart.x].drop_duplicates())
    lines: dict[str, pd.Series[Any]] = {}
    for name in chart.y:
        title = titles.get(name, humanize(name))
        if chart.series is None:
            lines[title] = _numbers(frame.drop_duplicates(chart.x).set_index(chart.x)[name])
            continue
        for value, part in frame.groupby(chart.series, sort=False, dropna=True):
            label = str(value) if len(chart.y) == 1 else f"{value}, {title}"
            lines[label] = _numbers(part.drop_duplicates(chart.x).set_index(chart.x)[name]).reindex(places)
    return lines


def _numbers(values: "pd.Series[Any]") -> "pd.Series[Any]":
    numbers = pd.to_numeric(values, errors="coerce").astype("float64")
    return numbers.where(numbers.abs() != float("inf"))


def x_values(values: "pd.Series[Any]") -> "pd.Series[Any]":
    """Values as they stand on an x axis: datetime64, float64 or str objects."""
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        return values.astype("datetime64[ns]")
    if pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_bool_dtype(values.dtype):
        return values.astype("float64")
    if len(values) and all(isinstance(value, dt.date) for value in values):
        return pd.to_datetime(values)
    return values.astype(str).astype(object)


def legend_of(plot: Plot) -> list[dict[str, Any]]:
    """What the colours and dashes mean; empty for a single line without a band, which its title explains."""
    if len(plot.lines) == 1 and plot.low is None:
        return []
    keys = [
        {"title": title, "colour": n % COLOURS + 1, "dash": dash_of(n), "kind": plot.chart.kind}
        for n, title in enumerate(plot.lines)
    ]
    if plot.low is not None:
        keys.append({"title": plot.chart.band_title, "colour": band_colour(plot) + 1, "dash": (), "kind": "band"})
    return keys


def dash_of(n: int) -> tuple[int, int]:
    return DASHES[n % len(DASHES)]


def band_colour(plot: Plot) -> int:
    """That of the line it belongs to; unless the chart says which, of the line that runs inside it the longest."""
    if plot.low is None or plot.high is None:
        return 0
    if plot.chart.band_of in plot.chart.y:
        return plot.chart.y.index(plot.chart.band_of) % COLOURS
    inside = [int(values.between(plot.low, plot.high).sum()) for values in plot.lines.values()]
    return inside.index(max(inside)) % COLOURS
