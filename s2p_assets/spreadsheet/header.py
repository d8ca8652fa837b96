"""Finding the table in a sheet: the row whose cells bear a contract's column names, and which column is which.

Nothing here reads the rows under the header.
"""

import datetime as dt
import difflib
import fnmatch
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import pairwise

from s2p_assets.contracts.columns import Column
from s2p_assets.contracts.findings import Finding
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.spreadsheet.grid import CellKind, Sheet
from s2p_assets.spreadsheet.unit_words import in_brackets, stated_unit, without_brackets

MIN_REQUIRED_SHARE = 0.5
"""The share of a contract's required columns that makes a row its header."""
FIRST_ROWS, SEARCHED_ROWS = 50, 5_000
_DATE_FORM = re.compile(r"(?:(?:d{1,4}|m{1,4}|y{2,4}|j{2,4}|a{2,4}|t{1,2}|h{1,2}|s{1,2})[\W_]*)+", re.IGNORECASE)
_ASCII_BRACKETS = re.compile(r"[(\[{<]")
_ASCII_LETTERS = {number: chr(number).casefold() if chr(number).isalnum() else None for number in range(128)}
_MARKS = {"#": "number", "№": "number", "%": "percent"}


@lru_cache(maxsize=50_000)
def folded(text: str) -> str:
    """A header without case, accents, spacing, punctuation and what is in brackets: `Unit\\nPrice (EUR)` → `unitprice`.

    Whether what is in brackets makes another column of it is told by `names_column`.
    """
    bare = text if text.isascii() and not _ASCII_BRACKETS.search(text) else without_brackets(text)
    return _letters_of(bare) or _letters_of(text) or "".join(_MARKS.get(mark, "") for mark in text.strip())


def _letters_of(text: str) -> str:
    if text.isascii():
        return text.translate(_ASCII_LETTERS)
    return "".join(mark for mark in _decomposed(text) if mark.isalnum())


def _decomposed(text: str) -> str:
    return unicodedata.normalize("NFKD", text).casefold()


def folded_names(column: Column) -> tuple[str, ...]:
    """The folded names of a column, the preferred first; the column's own name is the last."""
    return tuple(dict.fromkeys(folded(name) for name in (*column.headers, column.name)))


@lru_cache(maxsize=50_000)
def _folded_whole(text: str) -> str:
    """A header as `folded` gives it, with what is in brackets."""
    return "".join(mark if mark.isalnum() or mark in "$€£¥%/" else "" for mark in _decomposed(text))


def names_column(title: str, column: Column) -> bool:
    """Whether a header that folds to a name of the column means the column, by what is in its brackets.

    Units, forms of dates and other names of the column are no part of a name; `(last year)`, `(planned)`, `(2)` are.
    """
    names = frozenset((*column.headers, column.name, column.unit or ""))
    return _names(title, names, column.kind in ("date", "timestamp"))


@lru_cache(maxsize=50_000)
def _names(title: str, names: frozenset[str], is_date: bool) -> bool:
    inner = in_brackets(title)
    if not inner or _folded_whole(title) in {_folded_whole(name) for name in names}:
        return True
    known = {folded(name) for name in names} | {folded(part) for name in names for part in in_brackets(name)}
    return all(
        not _letters_of(part)
        or _letters_of(part) in known
        or not stated_unit(part).rest
        or (is_date and _DATE_FORM.fullmatch(part))
        for part in inner
    )


def is_required(column: Column) -> bool:
    """Whether a sheet must have the column."""
    return not (not column.required or column.value_from)


@dataclass(frozen=True, slots=True)
class MeltedColumn:
    """A column of a wide table: the values of contract column `name` in one period.

    `number`: the sheet's column. `period`: the first day of its period, which cell `period_cell` of the header names.
    """

    name: str
    number: int
    period: dt.date
    period_cell: str


@dataclass(frozen=True)
class Header:
    """Where the table of one contract stands in a sheet.

    `top`, `bottom`: the first and last header row. `column_numbers`: contract column → sheet column number.
    `titles`: sheet column number → header text. `duplicates`: contract columns that two cells claim.
    `named`: contract column → the text by which it was found, with what stands under it in brackets.
    `melted`: of a wide table, the columns under periods; `unsure`: the contract columns that it has but that are not
    clear; `findings`: what is to be said of its columns; `left_out`: the numbers of those that were not read for it.
    """

    top: int
    bottom: int
    column_numbers: dict[str, int]
    titles: dict[int, str]
    missing: tuple[Column, ...]
    duplicates: dict[str, tuple[int, ...]]
    named: dict[str, str] = field(default_factory=dict)
    melted: tuple[MeltedColumn, ...] = ()
    unsure: frozenset[str] = frozenset()
    findings: tuple[Finding, ...] = ()
    left_out: frozenset[int] = frozenset()

    def score(self, workbook: Workbook) -> tuple[float, int]:
        """The share of required columns that were found, then how many columns were."""
        required = [column for column in workbook.columns if is_required(column)]
        found = {*self.column_numbers, *self.unsure, *(column.name for column in self.melted)}
        if self.melted and workbook.period:
            found.add(workbook.period.name)
        here = sum(column.name in found for column in required)
        return (here / len(required) if required else float(bool(found))), len(found)


def matches_sheet(workbook: Workbook, name: str) -> bool:
    """Whether the contract looks into a sheet of this name; several patterns are separated by `|`.

    A pattern that begins with `!` leaves sheets out: `!*(old)`.
    """
    parts = unicodedata.normalize("NFC", workbook.sheets).casefold().split("|")
    plain = unicodedata.normalize("NFC", name).strip().casefold()
    wanted = [part for part in parts if not part.startswith("!")] or ["*"]
    if any(fnmatch.fnmatchcase(plain, part[1:]) for part in parts if part.startswith("!")):
        return False
    return any(fnmatch.fnmatchcase(plain, part) for part in wanted)


def find_header(sheet: Sheet, workbook: Workbook, file: str = "") -> Header | None:
    """The best header of `workbook` in `sheet`; None when no cell bears a column's name.

    `file`: the file's name, from which a wide table may take the year of its periods.
    It stands in the first rows, or far below much else: then it has most of the required columns.
    """
    if workbook.period:
        from s2p_assets.spreadsheet.wide_header import find_wide_header  # which is made of what is below

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


def rows_above(sheet: Sheet, header: Header) -> dict[int, dict[int, str]]:
    """The rows over the header that hold anything, as `Sheet.top` gives them."""
    first = sheet.top(FIRST_ROWS)
    rows = first if header.top in first else sheet.top(SEARCHED_ROWS)
    return {row: cells for row, cells in rows.items() if row < header.top}


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
    declared = {_folded_whole(name) for name in column.headers}
    exact = [number for number, text in fitting.items() if _folded_whole(text) in declared]
    others = {
        _folded_whole(name) for other in workbook.columns if other is not column for name in other.headers if name
    }
    return exact or [number for number, text in fitting.items() if _folded_whole(text) not in others]


def nameless_columns(
    workbook: Workbook, by_name: dict[str, dict[int, str]], found: dict[str, int], written: dict[int, str]
) -> dict[str, int]:
    """The columns without a header that stand next to one that was found, each where its contract says."""
    places: dict[str, int] = {}
    for column in (*workbook.columns, *reversed(workbook.columns)):  # one may stand next to one that is told later
        beside = column.left_of or column.right_of
        if beside is None or column.name in found or column.name in places:
            continue
        there = places.get(beside) or found.get(beside) or next(iter(by_name.get(folded(beside), ())), None)
        place = 0 if there is None else there - 1 if column.left_of else there + 1
        if place >= 1 and not written.get(place, "").strip() and place not in places.values():
            places[column.name] = place
    return places


def nearest_header(column: Column, written: Iterable[str]) -> str | None:
    """The header that looks most like one of the column's names, if any is near."""
    by_name = {folded(text): text for text in written if folded(text)}
    for name in folded_names(column):
        near = difflib.get_close_matches(name, [text for text in by_name if text[:1] == name[:1]], n=1, cutoff=0.6)
        near = near or difflib.get_close_matches(name, by_name, n=1, cutoff=0.75)
        near = near or [other for other in by_name if len(other) >= 3 and (name.startswith(other) or other in name)]
        if near:
            return " ".join(by_name[near[0]].split())
    return None


def wanted_headers(workbooks: Sequence[Workbook]) -> tuple[str, ...]:
    """The folded names of every column of `workbooks`."""
    return tuple({name for workbook in workbooks for column in workbook.columns for name in folded_names(column)})
