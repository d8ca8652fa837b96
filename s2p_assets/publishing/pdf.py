"""A report as PDF on A4, with page numbers and sharp charts, for mail and for paper.

What the report says comes in as a Document; how it looks stands in `templates/report.typ`.
"""

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd

from s2p_assets.publishing import charts, wording
from s2p_assets.publishing.page import card, made, origin, table
from s2p_assets.publishing.report import Document, Imprint, Section
from s2p_assets.publishing.writing import written_whole

TEMPLATE = Path(__file__).parent / "templates" / "report.typ"
FONT = "Roboto"
WIDTH, HEIGHT = 700, 230
ABREAST = 3


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
    with written_whole(target) as draft:
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
        "as_of": wording.long_day(document.as_of),
        "headline": document.headline,
        "figures": [card(figure, place, imprint.currency) for place, figure in enumerate(document.figures)],
        "abreast": ABREAST,
        "sections": [_part(section, place, imprint, root) for place, section in enumerate(document.sections)],
        "notes": list(document.notes),
        "sources": [origin(source) for source in imprint.sources],
        "made": made(imprint),
        "colours": list(charts.PRINT_INK.series),
        "font": FONT,
    }


def _part(section: Section, place: int, imprint: Imprint, root: Path) -> dict[str, Any]:
    plot = charts.plot_of(section)
    shown = table(section, place, imprint.currency)
    return {
        "title": section.title,
        "says": section.says,
        "chart": None if plot is None else _drawing(plot, place, imprint.currency, root),
        "table": shown,
        "widths": [] if shown is None or section.frame is None else _widths(section, section.frame, shown),
        "empty": section.when_empty if plot is None and shown is None and (section.chart or section.columns) else "",
    }


def _drawing(plot: charts.Plot, place: int, currency: str, root: Path) -> dict[str, Any]:
    file = root / f"chart-{place}.svg"
    drawn = charts.svg(plot, width=WIDTH, height=HEIGHT, currency=currency, ink=charts.PRINT_INK)
    file.write_text(drawn.replace(charts.FONT, FONT), encoding="utf-8")
    unit = wording.column_title(plot.chart.y_title, plot.chart.format, currency) if plot.chart.y_title else ""
    return {"file": file.name, "title": plot.chart.title, "unit": unit, "legend": charts.legend(plot)}


def _widths(section: Section, frame: pd.DataFrame, shown: dict[str, Any]) -> list[int]:
    """Relative widths of the columns: of their longest word or number, texts as long as they are up to a bound."""
    widths = []
    for at, column in enumerate(section.columns):
        texts = [row[at]["text"] for row in shown["rows"]]
        title = shown["titles"][at][0]
        longest = max((len(text) for text in texts), default=0)
        most = 34 if column.format == "text" else 16
        room = 2 if column.format == "code" else 0  # a code is not broken over lines
        widths.append(room + min(most, max(longest, *(len(word) for word in title.split()), len(title) // 2)))
    return widths
