"""Drawing a chart as SVG, from a Vega-Lite specification, without a browser; and the colours of drawings.

What a chart shows belongs to `plots`; Excel's native charts are drawn by `excel_charts` from the same plots.
"""

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import pandas as pd

from s2p_assets.publishing.charts.plots import Plot, band_colour, dash_of
from s2p_assets.publishing.document import wording

VEGA_LITE = "6.4"
BAR_STEP = 18
NARROW = 500  # pixels; a chart of up to this width has no room for titles at the ends of its lines
END_HEIGHT, END_PLACES = 14, 9  # pixels from a title to the one below; how many places one is long
NO_IDS: Mapping[tuple[int, int], str] = MappingProxyType({})
SHOWN_ID = re.compile(r"\[([CT][0-9.]+)\]")
CHART_FONTS = "Arial, Helvetica, Liberation Sans, sans-serif"


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of a drawing; CSS custom properties where the page decides them."""

    text: str
    faint: str
    grid: str
    series: tuple[str, ...]


SCREEN_PALETTE = Palette(
    "var(--faint)", "var(--faint)", "var(--line)", tuple(f"var(--series-{n})" for n in range(1, 7))
)
PRINT_PALETTE = Palette(
    "#5b6472", "#5b6472", "#e3e6eb", ("#1f5fbf", "#c2570c", "#0f7b6c", "#8a3ffc", "#9f1853", "#5b6472")
)


def chart_svg(
    plot: Plot,
    *,
    width: int,
    height: int,
    currency: str,
    palette: Palette = SCREEN_PALETTE,
    ids: Mapping[tuple[int, int], str] = NO_IDS,
) -> str:
    """The chart as an SVG `width` pixels wide; each place on it carries a `<title>` that names its numbers.

    `ids`: of points, by line and place, shown beside their numbers.
    """
    import vl_convert

    numbers, times, _ = wording.d3_locale()
    drawn: str = vl_convert.vegalite_to_svg(
        specification(plot, width=width, height=height, currency=currency, palette=palette, ids=ids),
        vl_version=VEGA_LITE,
        format_locale=numbers,
        time_format_locale=times,
    )
    return re.sub(r'<path aria-label="([^"]*)"[^>]*?( d="[^"]*")[^>]*?/>', _as_place, drawn)


def _as_place(found: "re.Match[str]") -> str:
    drawn = f'<path class="place"{found[2]} fill-opacity="0"><title>{found[1]}</title></path>'
    numbers = " ".join(SHOWN_ID.findall(found[1]))
    return f'<a data-number="{numbers}">{drawn}</a>' if numbers else drawn


def specification(
    plot: Plot, *, width: int, height: int, currency: str, palette: Palette, ids: Mapping[tuple[int, int], str] = NO_IDS
) -> dict[str, Any]:
    """The Vega-Lite specification: lines or bars, the band under them, and an unseen column over each place."""
    if plot.is_horizontal:
        height = len(plot.x) * (BAR_STEP * len(plot.lines) + 8) + 40
        marks = [_flat_bars(plot, palette)]
    elif plot.chart.kind == "bar":
        marks = [_bars_over_time(n, palette) for n in range(len(plot.lines))]
    else:
        marks = [*_band(plot, palette), *(_line(plot, n, palette) for n in range(len(plot.lines)))]
        marks += [*_marker(plot, palette), *(line_ends(plot, height, palette) if width > NARROW else ())]
    return {
        "width": width,
        "height": height,
        "autosize": {"type": "fit", "contains": "padding"},
        "padding": {"left": _room_for_names(plot), "right": 8, "top": 8, "bottom": 6},
        "background": None,
        "data": {"values": list(_rows(plot, currency, ids))},
        "layer": [*marks, _places_layer(plot, width)],
        "config": _look(plot, width, palette),
    }


def _room_for_names(plot: Plot) -> int:
    """Pixels more than the drawing takes names to need: a reader whose fonts are wider would find them cut."""
    return round(max(len(str(x)) for x in plot.x) * 1.3) if plot.is_horizontal else 0


def _named_ends(plot: Plot) -> list[tuple[int, str, int]]:
    """Line, title and last place of each line; nothing for a single line, which the chart's title explains."""
    if plot.chart.kind != "line" or not plot.over_time or len(plot.lines) < 2:
        return []
    known = {title: values.notna().to_numpy().nonzero()[0] for title, values in plot.lines.items()}
    return [(n, title, int(places[-1])) for n, (title, places) in enumerate(known.items()) if len(places)]


def line_ends(plot: Plot, height: int, palette: Palette) -> Iterator[dict[str, Any]]:
    """The title of each line beside its last point, moved down where titles would lie on each other.

    A line that ends before the last place has its title above everything that is drawn there.
    """
    drawn = pd.DataFrame(
        {n: values for n, values in enumerate((*plot.lines.values(), plot.high)) if values is not None}
    )
    pixels = height / ((max(drawn.max().max(), 0.0) - min(drawn.min().min(), 0.0)) or 1.0)
    lowest = -float("inf")
    for n, title, place in sorted(_named_ends(plot), key=lambda end: -float(drawn[end[0]].iloc[end[2]])):
        value, below = float(drawn[n].iloc[place]), 0.0
        look: dict[str, Any] = {"align": "left", "dx": 6}
        if place < len(plot.x) - 1:
            value = float(drawn.iloc[max(0, place - END_PLACES) : place + 1].max().max())
            look, below = {"align": "right", "dx": -6}, -END_HEIGHT / 2
        else:
            below = max(0.0, lowest + END_HEIGHT + value * pixels)
            lowest = -value * pixels + below
        colour = palette.series[n % len(palette.series)]
        yield {
            "data": {"values": [{"x": _json(plot.x.iloc[place]), "y": value, "title": title}]},
            "mark": {
                "type": "text",
                "fill": colour,
                "fontWeight": "bold",
                "baseline": "middle",
                "aria": False,
                "dy": below,
            }
            | look,
            "encoding": {"x": _x(plot, "x"), "y": _y("y"), "text": {"field": "title"}},
        }


def _marker(plot: Plot, palette: Palette) -> Iterator[dict[str, Any]]:
    """A line across at the place that the chart marks, and its words at the top, on the side with more room."""
    if plot.chart.marker is None or not plot.over_time:
        return
    place, words = plot.chart.marker
    data = {"values": [{"x": _json(place), "words": words}]}
    yield {
        "data": data,
        "mark": {"type": "rule", "stroke": palette.faint, "strokeDash": [3, 3], "aria": False},
        "encoding": {"x": _x(plot, "x")},
    }
    left = place - plot.x.iloc[0] > plot.x.iloc[-1] - place
    look = {"align": "right" if left else "left", "dx": -5 if left else 5, "baseline": "top", "fontSize": 11}
    yield {
        "data": data,
        "mark": {"type": "text", "fill": palette.faint, "aria": False, "y": 0, **look},
        "encoding": {"x": _x(plot, "x"), "text": {"field": "words"}},
    }


def _rows(plot: Plot, currency: str, ids: Mapping[tuple[int, int], str]) -> Iterator[dict[str, Any]]:
    """One record per place: x, from and to (its extent), y0 …, low, high, and the words for all of them."""
    extents = _extents(plot)
    ends = None if extents is None else tuple(map(list, extents))
    lines = [list(values) for values in plot.lines.values()]
    band = {name: list(end) for name, end in (("low", plot.low), ("high", plot.high)) if end is not None}
    for n, x in enumerate(plot.x):
        row = {"x": _json(x)}
        if ends is not None:
            begin, end = ends[0][n], ends[1][n]
            row |= {"from": _json(begin), "to": _json(end)} | _slots(begin, end, len(lines))
        row |= {f"y{line}": _json(values[n]) for line, values in enumerate(lines)}
        row |= {name: _json(values[n]) for name, values in band.items() if len(band) == 2}
        yield row | {"words": "\n".join(_words(plot, n, currency, ids))}


def _extents(plot: Plot) -> "tuple[pd.Series[Any], pd.Series[Any]] | None":
    """Half the shortest gap to both sides of each place; None where places are names."""
    if plot.x.dtype == object or plot.is_horizontal:
        return None
    gap = plot.x.sort_values().diff().dropna().min() if len(plot.x) > 1 else pd.Timedelta(days=7)
    if len(plot.x) == 1 and not plot.over_time:
        gap = 1.0
    return plot.x - gap / 2, plot.x + gap / 2


def _slots(begin: Any, end: Any, lines: int) -> dict[str, Any]:
    """Where bars stand beside each other in one place, with a tenth of it free on both sides."""
    edges = [begin + (end - begin) * (0.1 + 0.8 * n / lines) for n in range(lines + 1)]
    return {f"from{n}": _json(edges[n]) for n in range(lines)} | {f"to{n}": _json(edges[n + 1]) for n in range(lines)}


def _json(value: Any) -> Any:
    if pd.isna(value):
        return None
    return value.isoformat() if isinstance(value, dt.date) else value


def _words(plot: Plot, n: int, currency: str, ids: Mapping[tuple[int, int], str]) -> Iterator[str]:
    yield format_x(plot.x.iloc[n])
    for line, (title, values) in enumerate(plot.lines.items()):
        if not pd.isna(values.iloc[n]):
            known = f" [{ids[line, n]}]" if (line, n) in ids else ""
            yield f"{title}: {format_y(values.iloc[n], plot, currency)}{known}"
    if plot.low is not None and plot.high is not None and not pd.isna(plot.low.iloc[n]):
        ends = (format_y(end.iloc[n], plot, currency) for end in (plot.low, plot.high))
        yield f"{plot.chart.band_title}: {' to '.join(ends)}"


def describe_plot(plot: Plot, currency: str) -> str:
    """What a chart shows, in words, for whoever cannot see it: where each line begins and ends and its extremes."""
    return " ".join(_line_in_words(plot, title, values, currency) for title, values in plot.lines.items())


def _line_in_words(plot: Plot, title: str, values: "pd.Series[Any]", currency: str) -> str:
    known = values.dropna()
    if known.empty:
        return f"{title}: nothing."
    at = dict(zip(("first", "last"), (known.index[0], known.index[-1]), strict=True))
    at |= {"highest": known.idxmax(), "lowest": known.idxmin()}
    told = {
        name: f"{format_y(values[place], plot, currency)} ({format_x(plot.x[place])})" for name, place in at.items()
    }
    if plot.chart.kind == "line":
        return f"{title}: from {told['first']} to {told['last']}; highest {told['highest']}, lowest {told['lowest']}."
    return f"{title}: {len(known)} bars; highest {told['highest']}, lowest {told['lowest']}."


def format_x(x: Any) -> str:
    """A place on the x axis as a reader would name it."""
    if isinstance(x, dt.date):
        return wording.format_date(x)
    return f"{x:g}" if isinstance(x, float) else str(x)


def format_y(value: float, plot: Plot, currency: str) -> str:
    if plot.chart.format == "money":
        return wording.format_money(value, currency, 0 if abs(value) >= 1000 else 2)
    return wording.format_cell(value, plot.chart.format, plot.decimals)


def _x(plot: Plot, field: str) -> dict[str, Any]:
    if plot.over_time:
        return {"field": field, "type": "temporal", "title": None}
    if plot.x.dtype == object:
        axis = {"labelOverlap": True, "labelAngle": 0}
        return {"field": field, "type": "ordinal", "title": None, "sort": None, "axis": axis}
    return {"field": field, "type": "quantitative", "title": plot.x_title, "scale": {"zero": False, "nice": False}}


def _y(field: str) -> dict[str, Any]:
    return {"field": field, "type": "quantitative", "title": None}


def _line(plot: Plot, n: int, palette: Palette) -> dict[str, Any]:
    values = list(plot.lines.values())[n]
    alone = values.notna() & values.shift(1).isna() & values.shift(-1).isna()
    mark = {
        "type": "line",
        "stroke": palette.series[n % len(palette.series)],
        "strokeWidth": 2.2,
        "strokeDash": list(dash_of(n)),
        "strokeJoin": "round",
        "invalid": "break-paths-filter-domains",
        "aria": False,
    }
    if alone.any():
        mark["point"] = {"fill": mark["stroke"], "stroke": mark["stroke"], "size": 40, "aria": False}
    return {"mark": mark, "encoding": {"x": _x(plot, "x"), "y": _y(f"y{n}")}}


def _band(plot: Plot, palette: Palette) -> list[dict[str, Any]]:
    if plot.low is None:
        return []
    mark = {"type": "area", "fill": palette.series[band_colour(plot)], "fillOpacity": 0.2, "aria": False}
    mark["invalid"] = "break-paths-filter-domains"
    return [{"mark": mark, "encoding": {"x": _x(plot, "x"), "y": _y("low"), "y2": {"field": "high"}}}]


def _bars_over_time(n: int, palette: Palette) -> dict[str, Any]:
    """Rectangles from zero, because Vega-Lite has no bars beside each other on a time axis."""
    time = {"type": "temporal", "title": None}
    place = {"x": {"field": f"from{n}", **time}, "x2": {"field": f"to{n}"}}
    mark = {"type": "bar", "fill": palette.series[n % len(palette.series)], "aria": False}
    return {"mark": mark, "encoding": {**place, "y": _y(f"y{n}"), "y2": {"datum": 0}}}


def _flat_bars(plot: Plot, palette: Palette) -> dict[str, Any]:
    fields = [f"y{n}" for n in range(len(plot.lines))]
    colours = [palette.series[n % len(palette.series)] for n in range(len(fields))]
    return {
        "transform": [{"fold": fields, "as": ["line", "value"]}],
        "mark": {"type": "bar", "aria": False},
        "encoding": {
            "y": {"field": "x", "type": "nominal", "sort": None, "title": None},
            "yOffset": {"field": "line", "sort": fields},
            "x": {"field": "value", "type": "quantitative", "title": None},
            "fill": {"field": "line", "scale": {"domain": fields, "range": colours}, "legend": None},
        },
    }


def _places_layer(plot: Plot, width: int) -> dict[str, Any]:
    words = {"description": {"field": "words"}}
    mark = {"type": "rect", "aria": True, "fillOpacity": 0}
    if plot.is_horizontal:
        return {"mark": mark, "encoding": {"y": {"field": "x", "type": "nominal", "sort": None}, **words}}
    if plot.x.dtype == object:
        return {"mark": mark, "encoding": {"x": _x(plot, "x"), **words}}
    x = _x(plot, "from") | ({"axis": _dates(plot, width)} if plot.over_time else {})
    return {"mark": mark, "encoding": {"x": x, "x2": {"field": "to"}, **words}}


def _look(plot: Plot, width: int, palette: Palette) -> dict[str, Any]:
    largest = max(float(values.abs().max()) for values in plot.lines.values() if values.notna().any())
    written = ".0%" if plot.chart.format == "percent" else "~s" if largest >= 1_000_000 else ",~r"
    label = {
        "labelColor": palette.text,
        "labelFont": CHART_FONTS,
        "labelFontSize": 12,
        "titleColor": palette.text,
        "titleFont": CHART_FONTS,
    }
    numbers = {
        "gridColor": palette.grid,
        "format": written,
        "tickCount": 5 if width > 500 or not plot.is_horizontal else 3,
    }
    names = {"grid": False, "labelLimit": int(width * 0.4)}
    across, upwards = (numbers, names) if plot.is_horizontal else (names, numbers)
    return {
        "axis": {**label, "domain": False, "ticks": False, "labelPadding": 6, "titleFontWeight": "normal"},
        "axisX": across,
        "axisY": upwards,
        "view": {"stroke": None},
        "font": CHART_FONTS,
    }


def _dates(plot: Plot, width: int) -> dict[str, Any]:
    """Every so many of the chart's own dates, so that a weekly chart names the days its weeks begin with."""
    room = max(2, width // 110)
    step = -(-len(plot.x) // room)
    return {"values": [_json(x) for x in plot.x.iloc[step // 2 :: step]], "format": wording.d3_locale()[2]}
