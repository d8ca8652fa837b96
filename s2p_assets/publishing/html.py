"""A report as one HTML file that opens offline, on a screen, on a phone and on paper.

What the report says comes in as a Document; how it looks stands in `templates/`.
"""

from collections.abc import Iterator, Sequence
from numbers import Real
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd

from s2p_assets.publishing import charts, wording
from s2p_assets.publishing.numbers import cell_id, figure_id
from s2p_assets.publishing.report import Document, Figure, Imprint, ReportColumn, Section, Source
from s2p_assets.publishing.writing import written_whole

TEMPLATES = Path(__file__).parent / "templates"
ROWS_SHOWN = 200
WIDE, NARROW, HEIGHT = 960, 360, 300


def write_html(document: Document, target: Path, imprint: Imprint) -> Path:
    """Write the report to `target` and return it; the Excel of the same name beside it is linked.

    The same arguments give the same bytes. Raises OSError when `target` cannot be written.
    """
    page = html_of(document, imprint, excel=f"{target.stem}.xlsx")
    with written_whole(target) as draft:
        draft.write_text(page, encoding="utf-8", newline="\n")
    return target


def html_of(document: Document, imprint: Imprint, *, excel: str) -> str:
    """The report's page; `excel` is the name of the file beside it with all rows."""
    return rendered(
        "report.html.j2",
        document=document,
        name=imprint.name,
        as_of=wording.long_day(document.as_of),
        made_at=wording.moment(imprint.made_at),
        figures=[_card(figure, place, imprint.currency) for place, figure in enumerate(document.figures)],
        abreast=_abreast(len(document.figures)),
        sections=[_part(section, place, imprint.currency) for place, section in enumerate(document.sections)],
        sources=[_origin(source) for source in imprint.sources],
        excel=quote(excel),
    )


def rendered(template: str, **values: Any) -> str:
    """A page made from one of the templates; every value is escaped."""
    import jinja2

    loader = jinja2.FileSystemLoader(TEMPLATES)
    environment = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template(template).render(**values)


def _card(figure: Figure, place: int, currency: str) -> dict[str, Any]:
    changes = [
        {
            "arrow": wording.arrow(change),
            "words": "unchanged" if wording.direction(change) == 0 else wording.share(change.share),
            "spoken": ("down", "", "up")[wording.direction(change) + 1],
            "than": change.than,
            "tone": _tone(figure, wording.direction(change)),
        }
        for change in figure.changes
    ]
    return {
        "label": figure.label,
        "value": wording.figure_value(figure, currency),
        "changes": changes,
        "note": figure.note,
        "number": figure_id(place) if figure.of else "",
    }


def _abreast(cards: int) -> int:
    """How many cards stand in a full row, so that no card is left alone in the last one."""
    return cards if cards <= 4 else 3 if cards % 3 == 0 else 5 if cards % 5 == 0 else 4


def _tone(figure: Figure, direction: int) -> str:
    if figure.better is None or direction == 0:
        return "neutral"
    return "good" if (direction > 0) == (figure.better == "higher") else "bad"


def _part(section: Section, place: int, currency: str) -> dict[str, Any]:
    plot = charts.plot_of(section)
    table = _table(section, place, currency)
    is_empty = plot is None and (table is None or not table["rows"])
    return {
        "id": f"section-{place + 1}",
        "title": section.title,
        "says": section.says,
        "chart": None if plot is None else _drawing(plot, currency),
        "table": table if table and table["rows"] else None,
        "empty": section.when_empty if is_empty and (section.chart or section.columns) else "",
    }


def _drawing(plot: charts.Plot, currency: str) -> dict[str, Any]:
    from markupsafe import Markup

    sizes = {"wide": WIDE, "narrow": NARROW}
    drawn = {name: charts.svg(plot, width=width, height=HEIGHT, currency=currency) for name, width in sizes.items()}
    title, unit = plot.chart.title, plot.chart.y_title
    return {
        "title": title,
        "unit": wording.column_title(unit, plot.chart.format, currency) if unit else "",
        "legend": charts.legend(plot),
        "pictures": {name: Markup(picture) for name, picture in drawn.items()},  # noqa: S704 - Vega escaped its texts
    }


def _table(section: Section, place: int, currency: str) -> dict[str, Any] | None:
    if section.frame is None or not section.columns:
        return None
    shown = section.frame.head(ROWS_SHOWN)
    cells = []
    for at, column in enumerate(section.columns):
        ids = [cell_id(place, row, at) for row in range(len(shown))] if section.basis(column) else [""] * len(shown)
        cells.append(list(_cells(shown, column, ids)))
    return {
        "titles": [
            (wording.column_title(column.title, column.format, currency), _alignment(column))
            for column in section.columns
        ],
        "rows": list(zip(*cells, strict=True)),
        "more": len(section.frame) - len(shown),
    }


def _alignment(column: ReportColumn) -> str:
    return {"text": "words", "code": "code", "day": "day"}.get(column.format, "number")


def _cells(frame: pd.DataFrame, column: ReportColumn, ids: Sequence[str]) -> Iterator[dict[str, str]]:
    """`ids`: of each row's number; empty for what cannot be traced."""
    values = frame[column.name]
    decimals = wording.decimals_for(values, column.format)
    for value, number in zip(values, ids, strict=True):
        text = wording.cell(value, column.format, decimals)
        yield {"text": text, "kind": _alignment(column), "mark": _mark(value, column), "number": number}


def _mark(value: Any, column: ReportColumn) -> str:
    """`below`, `above` or nothing."""
    if wording.is_missing(value) or not isinstance(value, Real):
        return ""
    if column.highlight_below is not None and float(value) < column.highlight_below:
        return "below"
    return "above" if column.highlight_above is not None and float(value) > column.highlight_above else ""


def _origin(source: Source) -> dict[str, str]:
    return {
        "path": source.path,
        "sha256": source.sha256,
        "short": source.sha256[:12],
        "rows": f"{source.rows:,}",
        "loaded_at": wording.moment(source.loaded_at),
    }
