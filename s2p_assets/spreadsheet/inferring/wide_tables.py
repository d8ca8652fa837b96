"""Whether a sheet is a wide table: periods in its header, each over a column of numbers.

How such a table is read once it is described is in `wide_header.py` and `melting.py`.
"""

import datetime as dt
import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pyarrow

from s2p_assets.contracts.date_patterns import FISCAL_WEEKS, PERIOD_KINDS, FiscalYear, PeriodKind
from s2p_assets.contracts.workbook import TOTAL_WORDS
from s2p_assets.spreadsheet.grid import CellKind, Cells, Sheet
from s2p_assets.spreadsheet.header import folded
from s2p_assets.spreadsheet.inferring.shelf_file import DraftColumn
from s2p_assets.spreadsheet.periods import Period, Reading, fiscal_year_in, of_day, read_period, year_in
from s2p_assets.spreadsheet.wide_header import header_cell, year_above

LEAST_PERIODS = 3
_SEARCHED_ROWS = 60
_MOST_NUMBERS = 0.7
"""The share of the cells under the periods that must be numbers."""
_SOME_YEAR = FiscalYear(1)
_YEARS_GUESSED = range(2000, 2100)
_OF_WEEKS = FiscalYear(
    1,
    weeks=FISCAL_WEEKS["13 periods"],
    years=tuple((year, dt.date.fromisocalendar(year, 1, 1)) for year in _YEARS_GUESSED),
)
_EDGES = " .,:;/|-–_()[]"


@dataclass(frozen=True, slots=True)
class WideTable:
    """A wide table as it seems to stand in a sheet.

    `periods`: the sheet's columns under periods, with the name of what stands under each, empty where it has none.
    `beside`: the other named columns; `totals`: those of them that sum up the periods, by their names.
    `nameless`: filled columns without a header that stand left of the periods, one by one.
    `fiscal`: what a contract would say of the company's own year, of which its periods are; its start is a guess.
    """

    sheet: Sheet
    kind: PeriodKind
    top: int
    bottom: int
    periods: dict[int, str]
    beside: dict[int, str]
    totals: dict[int, str]
    year_from: tuple[str, ...] = ()
    nameless: tuple[int, ...] = ()
    fiscal: dict[str, Any] = field(default_factory=dict)

    @property
    def measures(self) -> list[str]:
        """The names of what stands under the periods, in order; one empty name where none is written."""
        return list(dict.fromkeys(self.periods.values()))

    def columns(self, beside: Sequence[DraftColumn]) -> list[DraftColumn]:
        """`beside` and the columns of the period and of what stands under it."""
        taken = {column.name for column in beside}
        options: dict[str, Any] = {"from_header": self.kind}
        if self.year_from:
            options["year_from"] = self.year_from
        options |= self.fiscal
        name = self.kind if self.kind not in taken else "period"
        description = f"The {self.kind} that stands over the values"
        period = DraftColumn(name, name.capitalize(), "date", description, options=options)
        if self.fiscal:
            period.remarks.append("the first day of your fiscal year is not in the file: what stands here is a guess")
        measures = []
        for header in self.measures:
            plain = re.sub(r"\W+", "_", header.casefold(), flags=re.ASCII).strip("_") or "value"
            plain = plain if plain.isidentifier() and plain not in taken | {name} else f"{plain}_value"
            measure = DraftColumn(plain, header or "Value", "number", options={"melted": True})
            if not header:
                measure.remarks.append(f"what stands under the {self.kind}s has no name in the file: name it")
            measures.append(measure)
        return [*beside, period, *measures]


@dataclass(slots=True)
class _Row:
    """A row that may name periods: what each cell says besides its period."""

    number: int
    kind: PeriodKind
    periods: dict[int, Period] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)

    @property
    def fiscal(self) -> FiscalYear | None:
        """The fiscal year of which its periods seem to be, with a start that is a guess; None for the calendar's."""
        given = [period.fiscal for period in self.periods.values() if period.fiscal]
        return max(given, key=lambda one: one.periods) if given else None

    def fiscal_options(self, years: set[int]) -> dict[str, Any]:
        """What a contract would say of that year, of which the header names `years`."""
        if self.fiscal is None:
            return {}
        if not self.fiscal.weeks:
            return {"fiscal_year_start": 1}
        span = range(min(years), max(years) + 1) if years else ()
        starts = {year: dt.date.fromisocalendar(year, 1, 1).isoformat() for year in span}
        return {"fiscal_weeks": "13 periods", "fiscal_years": starts} if starts else {}


def find_wide_table(sheet: Sheet, file: str) -> WideTable | None:
    """The wide table of a sheet: three periods or more, each over numbers; None where there is none.

    `file`: the file's name, which may say the year.
    """
    found = (_table(sheet, row, file) for row in _rows_of_periods(sheet))
    return next((table for table in found if table is not None), None)


def _rows_of_periods(sheet: Sheet) -> Iterator[_Row]:
    """Rows that name three different periods of one kind or more, those that name most first."""
    rows = []
    for number, texts in sheet.top(_SEARCHED_ROWS).items():
        for kind in PERIOD_KINDS:
            row = _Row(number, kind)
            for column, text in texts.items():
                cell = header_cell(sheet, number, column, text)
                read = of_day(cell.day, kind) if cell.day else _read(cell.says, kind)
                if isinstance(read, Period):
                    row.periods[column] = read
                elif cell.day is None and (named := _named_period(cell.says, kind)):
                    row.names[column], row.periods[column] = named
            if len(set(row.periods.values())) >= LEAST_PERIODS:
                rows.append(row)
    return iter(sorted(rows, key=lambda row: (-len(row.periods), -PERIOD_KINDS.index(row.kind), row.number)))


def _read(text: str, kind: PeriodKind) -> Reading:
    """The period of this kind that a text names, of the calendar's year or else of a company's own."""
    read = read_period(text, kind)
    for fiscal in () if isinstance(read, Period) else (_SOME_YEAR, _OF_WEEKS):
        own = read_period(text, kind, (), fiscal)
        if isinstance(own, Period) and own.fiscal and not isinstance(read, Period):
            read = own
    return read


def _named_period(text: str, kind: PeriodKind) -> tuple[str, Period] | None:
    """What stands beside the period in one header cell: `Quantity Jan 24` → Quantity."""
    words = text.split()
    for count in range(1, len(words)):
        for rest, name in ((words[count:], words[:count]), (words[:-count], words[-count:])):
            read = _read(" ".join(rest).strip(_EDGES), kind)
            said = " ".join(name).strip(_EDGES)
            if isinstance(read, Period) and len(said) > 1 and not any(mark.isdigit() for mark in said):
                return said, read
    return None


def _table(sheet: Sheet, row: _Row, file: str) -> WideTable | None:
    rows = sheet.top(_SEARCHED_ROWS)
    numbers = sorted(row.periods)
    under = _names_under(sheet, row, rows)
    over = {} if under or row.names else _names_over(sheet, row, rows)
    bottom = row.number + 1 if under else row.number
    top = row.number - 1 if over else row.number
    names = under or over or {number: row.names.get(number, "") for number in numbers}
    if not _in_order(row, names) or not _over_numbers(sheet, names, bottom):
        return None
    if _is_under_names(sheet, row, rows):
        return None
    year_from: tuple[str, ...] = ()
    years = _row_of_years(row, rows) if any(period.year is None for period in row.periods.values()) else None
    top = min(
        top, years or top, *(up for up, left, down, _ in sheet.merged if up < down == bottom and left not in names)
    )
    if years is None and any(period.year is None for period in row.periods.values()):
        places = {"sheet": sheet.name, "file": PurePosixPath(file).stem}
        named = {
            source: year_in(name) or (_fiscal_year(name) if row.fiscal else None) for source, name in places.items()
        }
        year_from = tuple(source for source, year in named.items() if year is not None)[:1]
        if not year_from:
            return None
    stated = {
        year for year in (year_in(text) or _fiscal_year(text) for text in rows.get(years or 0, {}).values()) if year
    }
    stated |= {period.year for period in row.periods.values() if period.year}
    beside, totals = _others(sheet, row, rows, names, top, bottom)
    nameless = _nameless(sheet, bottom, names, {*beside, *totals})
    if not beside and not nameless:
        return None
    return WideTable(
        sheet, row.kind, top, bottom, names, beside, totals, year_from, nameless, row.fiscal_options(stated)
    )


def _fiscal_year(text: str) -> int | None:
    return fiscal_year_in(text, _SOME_YEAR)


def _names_under(sheet: Sheet, row: _Row, rows: dict[int, dict[int, str]]) -> dict[int, str]:
    """The names under the periods, the same ones under each: `Quantity`, `Revenue`; empty where there are none."""
    texts = rows.get(row.number + 1, {})
    first, last = min(row.periods), max(row.periods)
    span = next((right for up, left, down, right in sheet.merged if up <= row.number <= down and left == last), last)
    names = {
        number: " ".join(text.split())
        for number, text in texts.items()
        if first <= number and sheet.kind(row.number + 1, number) == CellKind.TEXT
    }
    starts = sorted(row.periods)
    width = max((after - before for before, after in itertools.pairwise(starts)), default=1)
    names = {number: text for number, text in names.items() if number <= max(span, last + width - 1)}
    counts = Counter(names.values())
    if not names or not all(any(mark.isalpha() for mark in name) for name in counts):
        return {}
    return names if set(starts) <= set(names) and min(counts.values()) >= max(2, len(starts) - 1) else {}


def _names_over(sheet: Sheet, row: _Row, rows: dict[int, dict[int, str]]) -> dict[int, str]:
    """The names over the periods, each over several: `Quantity` over January to March; empty where there are none."""
    texts = rows.get(row.number - 1, {})
    starts = {number: " ".join(text.split()) for number, text in texts.items() if number in row.periods}
    if len(starts) < 2 or any(year_above(text, row.kind) or text.isdigit() for text in starts.values()):
        return {}
    names, last = {}, ""
    for number in sorted(row.periods):
        last = starts.get(number, last)
        names[number] = last
    return names if all(names.values()) else {}


def _in_order(row: _Row, names: dict[int, str]) -> bool:
    """Whether the periods under each name go one way."""
    for name in set(names.values()):
        values = [
            (period.year or 0, period.number)
            for number, period in sorted(row.periods.items())
            if names.get(number) == name
        ]
        own_years = {year for year, _ in values}
        pairs = list(itertools.pairwise(values))
        ascending, descending = (all(sign * (a > b) - sign * (a < b) < 0 for a, b in pairs) for sign in (1, -1))
        if not (ascending or descending or own_years == {0}):
            return False
    return True


def _over_numbers(sheet: Sheet, names: dict[int, str], bottom: int) -> bool:
    numbers = cells = 0
    for number in names:
        held = sheet.columns.get(number)
        if held is None:
            continue
        below = held.where(held.rows > bottom)
        cells += len(below)
        if sheet.typed:
            numbers += int((below.kinds == CellKind.NUMBER).sum())
        else:
            numbers += sum(
                bool(re.fullmatch(r"[-+(]?[\d.,'’ ]+%?\)?", text)) for text in below.texts.to_pylist()[:2000]
            )
            cells -= max(0, len(below) - 2000)
    return bool(cells) and numbers >= _MOST_NUMBERS * cells


def _is_under_names(sheet: Sheet, row: _Row, rows: dict[int, dict[int, str]]) -> bool:
    """Whether a row above names the same columns, so that this one is a row of data."""
    for above in (number for number in rows if number < row.number - 2):
        named = [number for number in row.periods if sheet.kind(above, number) == CellKind.TEXT]
        if len(named) * 2 > len(row.periods):
            return True
    near = rows.get(row.number - 1, {})
    named = [number for number in row.periods if number in near and sheet.kind(row.number - 1, number) == CellKind.TEXT]
    distinct = {near[number] for number in named if not year_above(near[number], row.kind)}
    return len(named) * 2 > len(row.periods) and len(distinct) * 2 > len(row.periods)


def _row_of_years(row: _Row, rows: dict[int, dict[int, str]]) -> int | None:
    """Which of the two rows above says the years of the periods, None where neither does."""
    first = min(row.periods)
    for above in (row.number - 1, row.number - 2):
        texts = rows.get(above, {}).items()
        if any(number >= first and year_above(text, row.kind, row.fiscal) for number, text in texts):
            return above
    return None


def _others(
    sheet: Sheet, row: _Row, rows: dict[int, dict[int, str]], names: dict[int, str], top: int, bottom: int
) -> tuple[dict[int, str], dict[int, str]]:
    """The named columns that are under no period, and those of them that sum periods up."""
    beside: dict[int, str] = {}
    totals: dict[int, str] = {}
    longer = PERIOD_KINDS[PERIOD_KINDS.index(row.kind) + 1 :]
    for level in range(max(top, bottom - 2), bottom + 1):
        for number, text in rows.get(level, {}).items():
            if number in names or not folded(text) or (number in row.periods and level == row.number):
                continue
            title = " ".join(header_cell(sheet, level, number, text).says.split())
            is_total = any(folded(word) == folded(title) for word in TOTAL_WORDS)
            is_total |= any(isinstance(read_period(title, kind), Period) for kind in longer)
            words = title.casefold().split()
            is_total |= len(words) > 1 and any(word in words for word in ("total", "summe", "gesamt", "sum", "somme"))
            found = totals if is_total else beside
            found[number] = f"{found[number]} {title}" if number in found else title
    return {number: title for number, title in beside.items() if number not in totals}, totals


def _nameless(sheet: Sheet, bottom: int, periods: dict[int, str], named: set[int]) -> tuple[int, ...]:
    found = []
    for number in range(min(periods) - 1, 0, -1):
        cells = sheet.columns.get(number)
        if number not in named:
            if cells is None or not (cells.rows > bottom).any():
                break
            found.append(number)
    return tuple(reversed(found))


def cells_under(table: WideTable, measure: str) -> Cells:
    """All cells under the periods that bear this name, as if they stood in one column."""
    parts = []
    for number, name in table.periods.items():
        held = table.sheet.columns.get(number)
        if name == measure and held is not None:
            parts.append(held.where(held.rows > table.bottom))
    formats = [part.formats for part in parts]
    return Cells(
        np.concatenate([part.rows for part in parts]) if parts else np.zeros(0, np.int32),
        np.concatenate([part.kinds for part in parts]) if parts else np.zeros(0, np.int8),
        pyarrow.concat_arrays([part.texts for part in parts]) if parts else pyarrow.array([], pyarrow.string()),
        np.concatenate([each for each in formats if each is not None])
        if parts and all(each is not None for each in formats)
        else None,
    )
