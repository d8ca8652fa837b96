"""A sheet's header, and which of its titles names which column of a contract. Finding it: `header_search.py`."""

import datetime as dt
import difflib
import fnmatch
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from s2p_assets.contracts.columns import Column
from s2p_assets.contracts.findings import Finding
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.spreadsheet.grid import Sheet
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
def folded_whole(text: str) -> str:
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
    if not inner or folded_whole(title) in {folded_whole(name) for name in names}:
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


def rows_above(sheet: Sheet, header: Header) -> dict[int, dict[int, str]]:
    """The rows over the header that hold anything, as `Sheet.top` gives them."""
    first = sheet.top(FIRST_ROWS)
    rows = first if header.top in first else sheet.top(SEARCHED_ROWS)
    return {row: cells for row, cells in rows.items() if row < header.top}


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
