"""Which number each point of a chart draws: the cell of a table where it stands in one, or else a number of its own.

What ids look like is decided in `number_ids.py`; how points are drawn, in `vega.py`.
"""

import math
from collections.abc import Iterator
from typing import Any

import pandas as pd

from s2p_assets.contracts.report import Section
from s2p_assets.publishing.charts.plots import Plot, x_values
from s2p_assets.publishing.document.number_ids import cell_id, point_id

Point = tuple[int, int]
"""The line and the place on it, both counted from 0."""


def point_ids(section: Section, at: int, plot: Plot) -> dict[Point, str]:
    """The ids of the points whose numbers can be traced. `at`: the section's position, counted from 0."""
    chart = plot.chart
    if chart.series is not None:
        return {}
    found: dict[Point, str] = {}
    for line, (name, values) in enumerate(zip(chart.y, plot.lines.values(), strict=True)):
        cells = dict(_cells(section, at, plot, name))
        for place, value in enumerate(values):
            known = cells.get(plot.x.iloc[place])
            if known and _same(known[1], value):
                found[line, place] = known[0]
            elif name in chart.sources and not pd.isna(value):
                found[line, place] = point_id(at, place, line)
    return found


def _cells(section: Section, at: int, plot: Plot, name: str) -> Iterator[tuple[Any, tuple[str, Any]]]:
    """Place → the id and value of the cell that the section's table has for it."""
    frame, x = section.frame, plot.chart.x
    column = next((n for n, one in enumerate(section.columns) if one.name == name and section.lineage(one)), None)
    if frame is None or column is None or x not in frame or frame[x].duplicated().any():
        return
    for row, (place, value) in enumerate(zip(x_values(frame[x]), frame[name], strict=True)):
        yield place, (cell_id(at, row, column), value)


def _same(one: Any, other: Any) -> bool:
    return not pd.isna(one) and not pd.isna(other) and math.isclose(float(one), float(other), rel_tol=1e-9)
