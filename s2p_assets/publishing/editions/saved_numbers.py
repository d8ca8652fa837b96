"""The numbers of an edition by their ids, with what each was made from, as they were kept so that a reader can ask.

They are kept by `saving_numbers.py`; following a number to its cells is the warehouse's work.
"""

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from s2p_assets.contracts.report import NumberSource
from s2p_assets.publishing.document.number_ids import CELL_OR_POINT_ID, FIGURE_ID, cell_id, figure_id, point_id

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


def saved_of(kept: Path, edition: str | None) -> Path | None:
    """The numbers of the edition of a day, a withdrawn one too, or of the one of the last day; None without any.

    `kept`: the folder that they lie in.
    """
    if edition is None:
        return max(kept.glob("*.json"), default=None)
    found = (kept / f"{edition}.json", kept / WITHDRAWN / f"{edition}.json")
    return next((file for file in found if file.exists()), None)


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
    label = f"{table['title']}, {_row_name(table, row)}, {chosen['title']}"
    return ReportNumber(named, label, values[chosen["name"]], of)


def _row_name(table: Mapping[str, Any], row: int) -> str:
    """What stands first in a row, where that is a text or a day; else its place."""
    first = table["rows"][row][0] if table["rows"][row] else None
    return first if isinstance(first, str) and first else f"row {row + 1}"


def _ranges(content: Mapping[str, Any]) -> Iterator[str]:
    if content["figures"]:
        yield f"F1 to F{len(content['figures'])}"
    for place, table in enumerate(content["tables"], start=1):
        if table["rows"]:
            yield f"T{place}.1.1 to T{place}.{len(table['rows'])}.{len(table['columns'])}"


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
