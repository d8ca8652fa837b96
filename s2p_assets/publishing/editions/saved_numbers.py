"""The numbers of an edition by their ids, with what each was made from: kept so that a reader can ask.

What an id looks like is decided in `number_ids`; following a number to its cells is the warehouse's work.
"""

import datetime as dt
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pandas as pd

from s2p_assets.contracts.report import Document, Figure, NumberSource, ReportColumn, RowValue, Section
from s2p_assets.publishing.charts.plots import plot_of
from s2p_assets.publishing.document import wording
from s2p_assets.publishing.document.number_ids import CELL_OR_POINT_ID, FIGURE_ID, cell_id, figure_id, point_id, row_id
from s2p_assets.publishing.renderers.atomic_file import replace_file

WITHDRAWN = "withdrawn"


class NumberNotFound(LookupError):
    """The edition has no number of that id; one line that says which there are."""


@dataclass(frozen=True)
class ReportNumber:
    """A number of an edition: what it is called, its value, and what it was made from."""

    id: str
    label: str
    value: Any
    sources: tuple[NumberSource, ...]


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


def saved_of(kept: Path, edition: str | None) -> Path | None:
    """The numbers of the edition of a day, a withdrawn one too, or of the one of the last day; None without any.

    `kept`: the folder that they lie in.
    """
    if edition is None:
        return max(kept.glob("*.json"), default=None)
    found = (kept / f"{edition}.json", kept / WITHDRAWN / f"{edition}.json")
    return next((file for file in found if file.exists()), None)


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


def read_saved_numbers(saved: Path) -> dict[str, Any]:
    """Everything that `save_numbers` kept. Raises OSError when there is no such edition."""
    content: dict[str, Any] = json.loads(saved.read_text(encoding="utf-8"))
    return content


def edition_made_at(saved: Path) -> dt.datetime:
    """When the edition whose numbers were saved was made."""
    return dt.datetime.fromisoformat(read_saved_numbers(saved)["made_at"])


def find_number(saved: Path, wanted: str) -> ReportNumber:
    """The number of an edition that was saved. Raises NoSuchNumber, or OSError when there is no such edition."""
    content = read_saved_numbers(saved)
    if found := FIGURE_ID.fullmatch(wanted):
        figures = content["figures"]
        place = int(found[1]) - 1
        if 0 <= place < len(figures):
            one = figures[place]
            return ReportNumber(figure_id(place), one["label"], one["value"], tuple(_basis(of, {}) for of in one["of"]))
    elif found := CELL_OR_POINT_ID.fullmatch(wanted):
        section, row, column = (int(part) - 1 for part in found.groups()[1:])
        kind, id_of = ("tables", cell_id) if found[1] in "tT" else ("charts", point_id)
        tables = content.get(kind, [])
        if 0 <= section < len(tables) and 0 <= row < len(tables[section]["rows"]):
            return _cell(tables[section], id_of(section, row, column), row, column, wanted)
    raise NumberNotFound(f"{wanted}: {content['title']} of {content['as_of']} has {', '.join(_ranges(content))}")


def _cell(table: Mapping[str, Any], named: str, row: int, column: int, wanted: str) -> ReportNumber:
    columns, values = table["columns"], dict(zip(table["names"], table["rows"][row], strict=True))
    if not 0 <= column < len(columns):
        raise NumberNotFound(f"{wanted}: {table['title']} has {len(columns)} columns")
    chosen = columns[column]
    of = tuple(_basis(of, values) for of in chosen["of"])
    label = f"{table['title']}, row {row + 1}, {chosen['title']}"
    return ReportNumber(named, label, values[chosen["name"]], of)


def _ranges(content: Mapping[str, Any]) -> Iterator[str]:
    if content["figures"]:
        yield f"F1 to F{len(content['figures'])}"
    for place, table in enumerate(content["tables"], start=1):
        if table["rows"]:
            yield f"T{place}.1.1 to T{place}.{len(table['rows'])}.{len(table['columns'])}"


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


def _basis(sources: Mapping[str, Any], row: Mapping[str, Any]) -> NumberSource:
    def resolved(value: Any) -> Any:
        if isinstance(value, dict):
            return row[value["field"]] if "field" in value else slice(value["from"], value["to"])
        return tuple(value) if isinstance(value, list) else value

    return NumberSource(
        resolved(sources["column"]),
        {name: resolved(value) for name, value in sources["where"].items()},
        sources.get("how", "sum"),
    )


def _plain(value: Any) -> Any:
    if wording.is_missing(value):
        return None
    if isinstance(value, pd.Timestamp) and value == value.normalize():
        return value.date().isoformat()
    if isinstance(value, dt.date):
        return value.isoformat()
    return value.item() if hasattr(value, "item") else str(value)
