"""A report's cards, tables and sources as texts, the same for HTML and PDF.

How they look belongs to the templates; Excel writes values, not words.
"""

from collections.abc import Iterator, Sequence
from numbers import Real
from typing import Any

import pandas as pd

from s2p_assets.contracts.report import Figure, Imprint, ReportColumn, Section, SourceFile
from s2p_assets.publishing.document import wording
from s2p_assets.publishing.document.number_ids import cell_id, figure_id

ROWS_SHOWN = 200
LONG_TEXT = 48


def figure_card(figure: Figure, place: int, currency: str) -> dict[str, Any]:
    """A headline number with its comparisons. `place`: of the figure, counted from 0."""
    changes = [
        {
            "arrow": wording.change_arrow(change),
            "words": "unchanged" if wording.change_direction(change) == 0 else wording.format_share(change.share),
            "spoken": ("down", "", "up")[wording.change_direction(change) + 1],
            "than": change.compared_with,
            "tone": _tone(figure, wording.change_direction(change)),
        }
        for change in figure.changes
    ]
    return {
        "label": figure.label,
        "value": wording.format_figure(figure, currency),
        "changes": changes,
        "note": figure.note,
        "number": figure_id(place) if figure.sources and not wording.is_missing(figure.value) else "",
    }


def _tone(figure: Figure, direction: int) -> str:
    if figure.better is None or direction == 0:
        return "neutral"
    return "good" if (direction > 0) == (figure.better == "higher") else "bad"


def table_cells(section: Section, place: int, currency: str) -> dict[str, Any] | None:
    """The first 200 rows of a section's table; None when it has no rows. `place`: of the section, counted from 0."""
    if section.frame is None or section.frame.empty or not section.columns:
        return None
    shown = section.frame.head(ROWS_SHOWN)
    cells = []
    for at, column in enumerate(section.columns):
        ids = [cell_id(place, row, at) for row in range(len(shown))] if section.lineage(column) else [""] * len(shown)
        cells.append(list(_cells(shown, column, ids)))
        if column.format == "text" and max(len(cell["text"]) for cell in cells[-1]) > LONG_TEXT:
            cells[-1] = [cell | {"kind": f"{cell['kind']} long"} for cell in cells[-1]]
    return {
        "titles": [
            (wording.format_column_title(column.title, column.format, currency), _alignment(column))
            for column in section.columns
        ],
        "rows": list(zip(*cells, strict=True)),
        "more": wording.pluralize(len(section.frame) - len(shown), "more row")
        if len(section.frame) > len(shown)
        else "",
    }


def _alignment(column: ReportColumn) -> str:
    return {"text": "words", "code": "code", "date": "date"}.get(column.format, "number")


def _cells(frame: pd.DataFrame, column: ReportColumn, ids: Sequence[str]) -> Iterator[dict[str, str]]:
    """`ids`: of each row's number; empty for what cannot be traced."""
    values = frame[column.name]
    decimals = wording.decimals_for(values, column.format)
    for value, number in zip(values, ids, strict=True):
        text = wording.format_cell(value, column.format, decimals)
        known = "" if wording.is_missing(value) else number
        yield {"text": text, "kind": _alignment(column), "mark": _mark(value, column), "number": known}


def _mark(value: Any, column: ReportColumn) -> str:
    """`below`, `above` or nothing."""
    if wording.is_missing(value) or not isinstance(value, Real):
        return ""
    if column.highlight_below is not None and float(value) < column.highlight_below:
        return "below"
    return "above" if column.highlight_above is not None and float(value) > column.highlight_above else ""


def made_at_text(imprint: Imprint) -> str:
    """When the edition was made, and from what was known when, if that was earlier."""
    when = f"Made {wording.format_timestamp(imprint.made_at)} by s2p"
    return (
        f"{when}, from what was known on {wording.format_timestamp(imprint.known_at)}."
        if imprint.known_at
        else f"{when}."
    )


def source_text(source: SourceFile) -> dict[str, str]:
    """A file that the report was made from."""
    return {
        "path": source.path,
        "sha256": source.sha256,
        "short": source.sha256[:12],
        "rows": wording.format_number(source.rows),
        "loaded_at": wording.format_timestamp(source.loaded_at),
    }
