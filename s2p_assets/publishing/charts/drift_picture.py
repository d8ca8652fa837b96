"""How far columns moved, as one small picture for the Dagster UI: a bar for each, and the worst of them then and now.

How far that is, and whether it matters, is measured elsewhere; pictures of reports are in `picture.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

MOST_BARS = 20
QUIET, LOUD, THEN, NOW = "#9aa7b8", "#c2410c", "#9aa7b8", "#1d4ed8"


@dataclass(frozen=True)
class ColumnShift:
    """A column: how far it moved (`index`), whether that is too far, and its shares by bin then and now."""

    column: str
    index: float
    too_far: bool
    labels: tuple[str, ...]
    then: tuple[float, ...]
    now: tuple[float, ...]


def drift_png(shifts: Sequence[ColumnShift], *, limit: float, index_title: str) -> bytes:
    """A PNG of some 70 KB: the columns that moved most, with a line at `limit`, and beside them the first in detail.

    Raises ValueError when there is nothing to draw.
    """
    import vl_convert

    if not shifts:
        raise ValueError("no column to draw")
    ordered = sorted(shifts, key=lambda shift: shift.index, reverse=True)[:MOST_BARS]
    spec = {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "background": "white",
        "hconcat": [_bars(ordered, limit, index_title), _detail(ordered[0])],
    }
    return bytes(vl_convert.vegalite_to_png(spec, scale=1))


def _bars(shifts: Sequence[ColumnShift], limit: float, title: str) -> dict[str, Any]:
    values = [{"column": shift.column, "index": round(shift.index, 4), "far": shift.too_far} for shift in shifts]
    colour = {"condition": {"test": "datum.far", "value": LOUD}, "value": QUIET}
    bars = {
        "mark": "bar",
        "encoding": {
            "y": {"field": "column", "type": "nominal", "sort": None, "title": None},
            "x": {"field": "index", "type": "quantitative", "title": title},
            "color": colour,
        },
    }
    line = {"mark": {"type": "rule", "strokeDash": [4, 3]}, "encoding": {"x": {"datum": limit}}}
    return {"data": {"values": values}, "width": 260, "layer": [bars, line]}


def _detail(shift: ColumnShift) -> dict[str, Any]:
    values = [
        {"bin": label, "when": when, "share": share}
        for when, shares in (("then", shift.then), ("now", shift.now))
        for label, share in zip(shift.labels, shares, strict=True)
    ]
    return {
        "data": {"values": values},
        "title": shift.column,
        "width": 320,
        "height": 220,
        "mark": "bar",
        "encoding": {
            "x": {"field": "bin", "type": "nominal", "sort": None, "title": None},
            "xOffset": {"field": "when", "sort": ["then", "now"]},
            "y": {"field": "share", "type": "quantitative", "axis": {"format": "%"}, "title": "share of rows"},
            "color": {
                "field": "when",
                "scale": {"domain": ["then", "now"], "range": [THEN, NOW]},
                "legend": {"title": None, "orient": "top"},
            },
        },
    }
