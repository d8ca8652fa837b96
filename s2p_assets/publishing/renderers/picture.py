"""A report as one picture: its headline, its first numbers and its first chart, for lists and for the Dagster UI."""

import textwrap
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

from s2p_assets.contracts.report import Document, Figure
from s2p_assets.publishing.charts.plots import Plot, legend_of, plot_of
from s2p_assets.publishing.charts.vega import CHART_FONTS, PRINT_PALETTE, chart_svg
from s2p_assets.publishing.document import wording
from s2p_assets.publishing.renderers.atomic_file import replace_file

PICTURE_WIDTH, MARGIN = 900, 32
INNER = PICTURE_WIDTH - 2 * MARGIN
CARDS, MOST_LINES = 4, 5
TEXT_COLOUR = "#16202e"
FAINT_COLOUR = PRINT_PALETTE.text


def write_picture(document: Document, target: Path, *, currency: str) -> Path:
    """Write a PNG 900 pixels wide to `target` and return it. Raises OSError when it cannot be written."""
    import vl_convert

    drawn: bytes = vl_convert.svg_to_png(preview_svg(document, currency), scale=1)
    with replace_file(target) as draft:
        draft.write_bytes(drawn)
    return target


def preview_svg(document: Document, currency: str) -> str:
    """The picture as SVG."""
    lines = textwrap.wrap(document.headline, 84)[:MOST_LINES]
    parts = [
        _text(MARGIN, 54, document.title, size=26, weight="bold"),
        _text(MARGIN, 80, f"Data up to {wording.format_long_date(document.as_of)}", size=14, colour=FAINT_COLOUR),
        *(_text(MARGIN, 114 + 24 * n, line, size=18) for n, line in enumerate(lines)),
    ]
    below = 114 + 24 * len(lines)
    if document.figures:
        parts += _cards(document.figures[:CARDS], below, currency)
        below += 104
    plot = next((plot for plot in map(plot_of, document.sections) if plot), None)
    if plot is not None:
        drawing = chart_svg(plot, width=INNER, height=280, currency=currency, palette=PRINT_PALETTE)
        height = int(drawing.split('height="', 1)[1].split('"', 1)[0].split(".")[0])
        parts += [_text(MARGIN, below + 14, plot.chart.title, size=15, weight="bold"), *_legend(plot, below + 38)]
        below += 52 if legend_of(plot) else 26
        parts.append(f'<g transform="translate({MARGIN},{below})">{drawing}</g>')
        below += height
    height = below + MARGIN // 2
    size = f'width="{PICTURE_WIDTH}" height="{height}" viewBox="0 0 {PICTURE_WIDTH} {height}"'
    frame = f'xmlns="http://www.w3.org/2000/svg" {size}'
    return f'<svg {frame}><rect width="100%" height="100%" fill="#fff"/>{"".join(parts)}</svg>'


def _cards(figures: Sequence[Figure], top: int, currency: str) -> Iterator[str]:
    step = INNER / len(figures)
    for n, figure in enumerate(figures):
        left = MARGIN + n * step
        yield _text(
            left, top + 12, textwrap.shorten(figure.label, int(step / 7), placeholder="…"), size=13, colour=FAINT_COLOUR
        )
        value = textwrap.shorten(wording.format_figure(figure, currency), int(step / 15), placeholder="…")
        yield _text(left, top + 42, value, size=25, weight="bold")
        for change in figure.changes[:1]:
            words = "unchanged" if wording.change_direction(change) == 0 else wording.format_share(change.share)
            compared = " ".join((wording.change_arrow(change), words, "vs", change.compared_with))
            yield _text(left, top + 64, compared, size=13)


def _legend(plot: Plot, top: int) -> Iterator[str]:
    left = float(MARGIN)
    for key in legend_of(plot):
        colour = PRINT_PALETTE.series[key["colour"] - 1]
        if key["kind"] == "line":
            dashes = " ".join(map(str, key["dash"]))
            stroke = f'stroke="{colour}" stroke-width="2.5" stroke-dasharray="{dashes}"'
            yield f'<path d="M{left} {top - 4}h26" {stroke}/>'
        else:
            opacity = 0.25 if key["kind"] == "band" else 1
            yield f'<rect x="{left}" y="{top - 10}" width="26" height="12" fill="{colour}" fill-opacity="{opacity}"/>'
        yield _text(left + 33, top, key["title"], size=13, colour=FAINT_COLOUR)
        left += 33 + 7.2 * len(key["title"]) + 18


def _text(x: float, y: float, text: str, *, size: int, weight: str = "normal", colour: str = TEXT_COLOUR) -> str:
    look = f'font-family="{CHART_FONTS}" font-size="{size}" font-weight="{weight}" fill="{colour}"'
    return f'<text x="{x:g}" y="{y:g}" {look}>{escape(text)}</text>'
