"""Finding the table in a sheet: the row, or two, whose cells bear a contract's column names.

Nothing here reads the rows under the header.
"""

from dataclasses import replace
from functools import lru_cache
from itertools import pairwise

from s2p_assets.contracts.columns import Column
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.spreadsheet.grid import CellKind, Sheet
from s2p_assets.spreadsheet.header import (
    FIRST_ROWS,
    MIN_REQUIRED_SHARE,
    SEARCHED_ROWS,
    Header,
    folded,
    folded_names,
    folded_whole,
    nameless_columns,
    names_column,
)
from s2p_assets.spreadsheet.unit_words import in_brackets, stated_unit
from s2p_assets.spreadsheet.wide_header import find_wide_header


def find_header(sheet: Sheet, workbook: Workbook, file: str = "") -> Header | None:
    """The best header of `workbook` in `sheet`; None when no cell bears a column's name.

    `file`: the file's name, from which a wide table may take the year of its periods.
    It stands in the first rows, or far below much else: then it has most of the required columns.
    """
    if workbook.period:
        return find_wide_header(sheet, workbook, file)
    best = _best_header(sheet, workbook, sheet.top(FIRST_ROWS))
    if best is None or best.score(workbook)[0] < MIN_REQUIRED_SHARE:
        names = {name for column in workbook.columns for name in folded_names(column)}
        rows = sheet.top(SEARCHED_ROWS).items()
        named = {row: cells for row, cells in rows if any(folded(text) in names for text in cells.values())}
        deep = _best_header(sheet, workbook, named)
        if deep and deep.score(workbook)[0] >= MIN_REQUIRED_SHARE:
            best = deep
    return _past_empty_columns(sheet, best, workbook) if best else None


def _past_empty_columns(sheet: Sheet, header: Header, workbook: Workbook) -> Header:
    """The header with each column that has none, and would lie in an empty one, in the next filled one that way."""
    placed = [one for one in workbook.columns if (one.left_of or one.right_of) and one.name in header.column_numbers]
    numbers = dict(header.column_numbers)
    for column in placed:
        place, step = numbers[column.name], -1 if column.left_of else 1
        while place not in sheet.columns and 1 <= place <= max(sheet.columns, default=0):
            place += step
        if place in sheet.columns and place not in numbers.values() and not header.titles.get(place, "").strip():
            numbers[column.name] = place
    return replace(header, column_numbers=numbers)


def header_at(sheet: Sheet, workbook: Workbook, row: int) -> Header | None:
    """What one row is as a header of `workbook`; None when none of its cells bears a column's name."""
    cells = sheet.row(row)
    found = _match(workbook, row, row, {at: [text] for at, text in cells.items()}, cells)
    return found if found.column_numbers else None


def _best_header(sheet: Sheet, workbook: Workbook, texts: dict[int, dict[int, str]]) -> Header | None:
    best: Header | None = None
    for row, cells in texts.items():
        best = _better(workbook, best, _match(workbook, row, row, {at: [text] for at, text in cells.items()}, cells))
        if best and not best.missing:
            return best
    for upper, lower in pairwise(texts):
        if lower - upper == 1 and _may_be_header(sheet, lower, texts[lower]):
            joined = joined_headers(sheet, upper, lower, texts)
            written = {column: names[0] for column, names in joined.items()}
            best = _better(workbook, best, _match(workbook, upper, lower, joined, written))
    return best


def _better(workbook: Workbook, best: Header | None, other: Header) -> Header | None:
    if not other.column_numbers:
        return best
    return other if best is None or other.score(workbook) > best.score(workbook) else best


def _may_be_header(sheet: Sheet, row: int, texts: dict[int, str]) -> bool:
    return all(sheet.kind(row, column) == CellKind.TEXT for column in texts)


def joined_headers(sheet: Sheet, upper: int, lower: int, texts: dict[int, dict[int, str]]) -> dict[int, list[str]]:
    """Per column the names that two header rows may give it: both together, the lower, the upper."""
    above = dict(texts[upper])
    for top, left, bottom, right in sheet.merged:
        if top <= upper <= bottom and left in above:
            for column in range(left, min(right, left + 500) + 1):
                above.setdefault(column, above[left])
    names: dict[int, list[str]] = {}
    for column in sorted(above.keys() | texts[lower].keys()):
        parts = [part for part in (above.get(column), texts[lower].get(column)) if part]
        both = [parts[1], f"{parts[0]} ({parts[1]})", f"{parts[1]} {parts[0]}"] if len(parts) == 2 else []
        names[column] = [" ".join(parts), *both]
    return names


def _match(workbook: Workbook, top: int, bottom: int, names: dict[int, list[str]], written: dict[int, str]) -> Header:
    by_name: dict[str, dict[int, str]] = {}
    for number, texts in names.items():
        for text in texts:
            if folded(text):
                by_name.setdefault(folded(text), {}).setdefault(number, text)
    found: dict[str, int] = {}
    named: dict[str, str] = {}
    duplicates: dict[str, tuple[int, ...]] = {}
    for column in workbook.columns:
        for name in folded_names(column):
            free = {number: text for number, text in by_name.get(name, {}).items() if number not in found.values()}
            places = _meant(free, column, workbook) if free else []
            if places:
                found[column.name] = places[0]
                named[column.name] = free[places[0]]
                if len(places) > 1:
                    duplicates[column.name] = tuple(places)
                break
    for column in workbook.columns if len(found) < len(workbook.columns) else ():
        place = _with_its_unit(column, names, found) if column.unit and column.name not in found else None
        if place:
            found[column.name], named[column.name] = place
    found |= nameless_columns(workbook, by_name, found, written)
    missing = tuple(column for column in workbook.columns if column.name not in found)
    return Header(top, bottom, found, written, missing, duplicates, named)


def _with_its_unit(column: Column, names: dict[int, list[str]], found: dict[str, int]) -> tuple[int, str] | None:
    """The one sheet column whose title is a name of `column` and its own unit, without brackets: `Price in EUR`."""
    wanted = folded_names(column)
    fitting: dict[int, str] = {}
    for number, texts in names.items():
        for text in texts if number not in found.values() else ():
            if folded(text).startswith(wanted) and _names_with_unit(text, wanted, column.unit or ""):
                fitting.setdefault(number, text)
    return next(iter(fitting.items())) if len(fitting) == 1 else None


@lru_cache(maxsize=2048)
def _names_with_unit(title: str, wanted: tuple[str, ...], unit: str) -> bool:
    words = title.split()
    for count in range(1, len(words)):
        name, said = words[:-count], stated_unit(" ".join(words[-count:]), True)
        name = name[:-1] if len(name) > 1 and name[-1].casefold() in ("in", "en", "w") else name
        if not said.rest and said == stated_unit(unit, True) and folded(" ".join(name)) in wanted:
            return True
    return False


def _meant(titles: dict[int, str], column: Column, workbook: Workbook) -> list[int]:
    """The sheet columns, of those whose titles fold to a name of `column`, that are it: as declared, else nearly."""
    fitting = {number: text for number, text in titles.items() if names_column(text, column)}
    if len(fitting) == len(titles) == 1 and not in_brackets(next(iter(titles.values()))):
        return list(fitting)
    declared = {folded_whole(name) for name in column.headers}
    exact = [number for number, text in fitting.items() if folded_whole(text) in declared]
    others = {folded_whole(name) for other in workbook.columns if other is not column for name in other.headers if name}
    return exact or [number for number, text in fitting.items() if folded_whole(text) not in others]
