"""A report as PDF on A4, with page numbers and sharp charts, for mail and for paper.

What the report says comes in as a Document; how it looks stands in `templates/report.typ`.
"""

import json
import math
import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from s2p_assets.contracts.report import Document, Imprint, Section
from s2p_assets.publishing.charts.chart_headlines import chart_headline
from s2p_assets.publishing.charts.plots import Plot, legend_of, plot_of
from s2p_assets.publishing.charts.vega import CHART_FONTS, PRINT_PALETTE, chart_svg
from s2p_assets.publishing.document import wording
from s2p_assets.publishing.renderers.atomic_file import replace_file
from s2p_assets.publishing.renderers.page_parts import figure_card, made_at_text, source_text, table_cells

TEMPLATE = Path(__file__).parent / "templates" / "report.typ"
PDF_FONT = "Roboto"
PDF_CHART_WIDTH, PDF_CHART_HEIGHT = 700, 230
ABREAST, MOST_ABREAST = 3, 4
PAGE_WIDTH_PT = 510.0  # points between the margins
CHARACTER_PT, PADDING_PT = 4.2, 8.0  # points of a character, and of what is left free beside a word
SHORT, LONGEST_SHARE = 24, 96
SOURCES_SHOWN = 25
BREAKS = re.compile(r"[\s/]+")


def write_pdf(document: Document, target: Path, imprint: Imprint) -> Path:
    """Write the report to `target` and return it. The same arguments give the same bytes.

    Raises OSError when `target` cannot be written.
    """
    import typst

    with tempfile.TemporaryDirectory(prefix="s2p-pdf-") as place:
        root = Path(place)
        (root / "report.json").write_text(json.dumps(_content(document, imprint, root)), encoding="utf-8")
        shutil.copyfile(TEMPLATE, root / "report.typ")
        fonts = typst.Fonts(include_system_fonts=True, font_paths=[_font_folder()])
        made_at = int(imprint.made_at.timestamp())
        pages = typst.compile(root / "report.typ", root=root, font_paths=fonts, timestamp=made_at)
    with replace_file(target) as draft:
        draft.write_bytes(pages)
    return target


def _font_folder() -> str:
    import font_roboto

    return str(Path(font_roboto.Roboto).parent)


def _content(document: Document, imprint: Imprint, root: Path) -> dict[str, Any]:
    """Everything that the template writes, in plain values; charts are files in `root`."""
    return {
        "title": document.title,
        "day": document.as_of.isoformat(),
        "as_of": wording.format_long_date(document.as_of),
        "headline": document.headline,
        "action": document.action,
        "figures": [figure_card(figure, place, imprint.currency) for place, figure in enumerate(document.figures)],
        "abreast": MOST_ABREAST if len(document.figures) == MOST_ABREAST else ABREAST,
        "sections": [_part(section, place, imprint, root) for place, section in enumerate(document.sections)],
        "notes": list(document.notes),
        "sources": [source_text(source) for source in imprint.sources[:SOURCES_SHOWN]],
        "more_sources": wording.pluralize(len(imprint.sources) - SOURCES_SHOWN, "more file")
        if len(imprint.sources) > SOURCES_SHOWN
        else "",
        "made_at": made_at_text(imprint),
        "colours": list(PRINT_PALETTE.series),
        "font": PDF_FONT,
    }


def _part(section: Section, place: int, imprint: Imprint, root: Path) -> dict[str, Any]:
    plot = plot_of(section)
    shown = table_cells(section, place, imprint.currency)
    return {
        "title": section.title,
        "says": section.says,
        "description": section.description,
        "chart": None if plot is None else _drawing(plot, place, imprint.currency, root),
        "table": shown,
        "widths": [] if shown is None else _widths(shown),
        "empty": section.when_empty if plot is None and shown is None and (section.chart or section.columns) else "",
    }


def _drawing(plot: Plot, place: int, currency: str, root: Path) -> dict[str, Any]:
    file = root / f"chart-{place}.svg"
    drawn = chart_svg(plot, width=PDF_CHART_WIDTH, height=PDF_CHART_HEIGHT, currency=currency, palette=PRINT_PALETTE)
    file.write_text(drawn.replace(CHART_FONTS, PDF_FONT), encoding="utf-8")
    unit = wording.format_column_title(plot.chart.y_title, plot.chart.format, currency) if plot.chart.y_title else ""
    return {
        "file": file.name,
        "title": plot.chart.title,
        "says": chart_headline(plot, currency),
        "unit": unit,
        "legend": legend_of(plot),
    }


def _widths(shown: dict[str, Any]) -> list[tuple[float, str]]:
    """The columns' widths: numbers, days and short texts as many points as they take, longer texts a share of the rest.

    Where that leaves longer texts no room, short texts are broken too; and if that is not enough, all have a share.
    """
    columns = range(len(shown["titles"]))
    rows = shown["rows"]
    longest = [max(len(row[at]["text"]) for row in rows) for at in columns]
    words = [_longest_word(shown, at) for at in columns]
    for shortest in (SHORT, 0):
        flexible = [at for at in columns if shown["titles"][at][1] == "words" and longest[at] > shortest]
        fixed = {
            at: _points(max(longest[at], words[at], len(shown["titles"][at][0]) // 2))
            for at in columns
            if at not in flexible
        }
        if flexible and sum(fixed.values()) + sum(_points(words[at]) for at in flexible) <= PAGE_WIDTH_PT:
            return [
                (fixed[at], "pt") if at in fixed else (max(words[at], _share([row[at]["text"] for row in rows])), "fr")
                for at in columns
            ]
    return [(_points(max(words[at], min(longest[at], SHORT))), "fr") for at in columns]


def _share(texts: Sequence[str]) -> float:
    """Of the room for longer texts: by the longest of a column, less where most of its rows say little or nothing."""
    lengths = [min(len(text), LONGEST_SHARE) for text in texts]
    usual = math.sqrt(sum(length**2 for length in lengths) / len(lengths))
    return math.sqrt(usual * max(lengths))


def _points(characters: int) -> float:
    return characters * CHARACTER_PT + PADDING_PT


def _longest_word(shown: dict[str, Any], at: int) -> int:
    """A number, day or code is one word; a path breaks at its slashes."""
    title, kind = shown["titles"][at]
    cells = (row[at]["text"] for row in shown["rows"])
    words = (word for cell in cells for word in (BREAKS.split(cell) if kind == "words" else [cell]))
    return max(len(word) for word in (*words, *title.split(), ""))
