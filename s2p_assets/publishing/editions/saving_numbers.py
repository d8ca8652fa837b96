"""Keeping the numbers of an edition by their ids, with what each was made from, and telling which are other now.

What an id looks like is decided in `number_ids`; a reader's question is answered from `saved_numbers.py`.
"""

import datetime as dt
import json
import math
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pandas as pd

from s2p_assets.contracts.report import Document, Figure, NumberSource, ReportColumn, RowValue, Section
from s2p_assets.publishing.charts.plots import plot_of
from s2p_assets.publishing.document import wording
from s2p_assets.publishing.document.number_ids import cell_id, figure_id, row_id
from s2p_assets.publishing.editions.saved_numbers import WITHDRAWN, edition_made_at
from s2p_assets.publishing.renderers.atomic_file import replace_file


def save_numbers(document: Document, target: Path, *, made_at: dt.datetime) -> None:
    """Write every traceable number of an edition to `target`, a JSON file. Raises OSError."""
    target.parent.mkdir(parents=True, exist_ok=True)
    content = {**_content(document), "made_at": made_at.isoformat()}
    with replace_file(target) as draft:
        draft.write_text(json.dumps(content, ensure_ascii=False, default=_plain), encoding="utf-8")


def set_later_numbers_aside(saved: Path, made_at: dt.datetime) -> None:
    """Move the numbers of older editions of later days than `saved`, made at `made_at`, to `withdrawn` beside it.

    Their data was taken back; a reader who holds such an edition can still ask for its numbers.
    """
    for later in saved.parent.glob("*.json"):
        if later.stem > saved.stem and edition_made_at(later).timestamp() < made_at.timestamp():
            aside = saved.parent / WITHDRAWN / later.name
            aside.parent.mkdir(exist_ok=True)
            later.replace(aside)


def _content(document: Document) -> dict[str, Any]:
    return {
        "title": document.title,
        "as_of": document.as_of.isoformat(),
        "figures": [_figure(figure) for figure in document.figures],
        "tables": [_table(section) for section in document.sections],
        "charts": [_points(section) for section in document.sections],
    }


def changed_numbers(published: Mapping[str, Any], document: Document) -> list[str]:
    """The ids of the numbers in which `document` is not as it was `published`, as kept by `save_numbers`.

    Numbers are the same when they agree to nine digits: a sum in another order differs in the last.
    """
    now = json.loads(json.dumps(_content(document), default=_plain))
    found = [
        figure_id(place)
        for place, (then, here) in enumerate(zip_longest(published["figures"], now["figures"]))
        if then is None or here is None or not _same(then["value"], here["value"])
    ]
    for section, (then, here) in enumerate(zip_longest(published["tables"], now["tables"])):
        if then is None or here is None or then["names"] != here["names"]:
            found.append(f"T{section + 1}")
            continue
        for row, (old, new) in enumerate(zip_longest(then["rows"], here["rows"])):
            if old is None or new is None:
                found.append(row_id(section, row))
            else:
                pairs = zip(old[: len(then["columns"])], new, strict=False)
                found += [cell_id(section, row, at) for at, (one, two) in enumerate(pairs) if not _same(one, two)]
    return found


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, float | int) and isinstance(other, float | int):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)
    return bool(one == other)


def _figure(figure: Figure) -> dict[str, Any]:
    return {"label": figure.label, "value": figure.value, "of": [_of(basis) for basis in figure.sources]}


def _table(section: Section) -> dict[str, Any]:
    if section.frame is None or not section.columns:
        return {"title": section.title, "columns": [], "names": [], "rows": []}
    columns = [_column(section, column) for column in section.columns]
    fields = {field for column in section.columns for basis in section.lineage(column) for field in _fields(basis)}
    names = list(dict.fromkeys([*(column.name for column in section.columns), *sorted(fields)]))
    rows = section.frame[names].astype(object)
    return {
        "title": section.title,
        "columns": columns,
        "names": names,
        "rows": rows.where(rows.notna(), None).to_numpy().tolist(),
    }


def _points(section: Section) -> dict[str, Any]:
    """The points of a section's chart that can be traced, as a table: a row for each place, a column for each line."""
    plot = plot_of(section) if section.chart and section.chart.sources else None
    if plot is None:
        return {"title": section.title, "columns": [], "names": [], "rows": []}
    chart = plot.chart
    columns = [
        {"name": name, "title": title, "of": [_of(basis) for basis in chart.sources.get(name, ())]}
        for name, title in zip(chart.y, plot.lines, strict=True)
    ]
    fields = {field for of in chart.sources.values() for basis in of for field in _fields(basis)} - {chart.x}
    drawn = chart.frame if chart.frame is not None else section.frame
    assert drawn is not None
    rest = drawn.set_index(chart.x).reindex(plot.x)[[*chart.y, *sorted(fields)]].astype(object)
    return {
        "title": chart.title,
        "columns": columns,
        "names": [chart.x, *rest.columns],
        "rows": [[x, *row] for x, row in zip(plot.x, rest.where(rest.notna(), None).to_numpy().tolist(), strict=True)],
    }


def _column(section: Section, column: ReportColumn) -> dict[str, Any]:
    return {"name": column.name, "title": column.title, "of": [_of(basis) for basis in section.lineage(column)]}


def _fields(basis: NumberSource) -> Iterator[str]:
    yield from (value.name for value in (basis.column, *basis.where.values()) if isinstance(value, RowValue))


def _of(basis: NumberSource) -> dict[str, Any]:
    where = {name: _value(value) for name, value in basis.where.items()}
    return {"column": _value(basis.column), "where": where, "how": basis.aggregation}


def _value(value: Any) -> Any:
    """A field or a span as an object, several values as a list, one as itself."""
    if isinstance(value, RowValue):
        return {"field": value.name}
    if isinstance(value, slice):
        return {"from": value.start, "to": value.stop}
    return list(value) if isinstance(value, tuple | list) else value


def _plain(value: Any) -> Any:
    if wording.is_missing(value):
        return None
    if isinstance(value, pd.Timestamp) and value == value.normalize():
        return value.date().isoformat()
    if isinstance(value, dt.date):
        return value.isoformat()
    return value.item() if hasattr(value, "item") else str(value)
