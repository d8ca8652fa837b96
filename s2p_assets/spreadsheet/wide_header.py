"""Finding a wide table in a sheet: the header whose cells name periods, and which column holds what in which period.

How a text names a period is known in `periods.py`; what becomes of the values under it, in `melting.py`.
"""

import datetime as dt
import difflib
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from s2p_assets.contracts.columns import Column
from s2p_assets.contracts.date_patterns import KIND_NAMES, PERIOD_KINDS, FiscalYear, PeriodKind
from s2p_assets.contracts.findings import Finding
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.spreadsheet.grid import CellKind, Sheet, cell_address, column_letters
from s2p_assets.spreadsheet.header import (
    FIRST_ROWS,
    MIN_REQUIRED_SHARE,
    SEARCHED_ROWS,
    Header,
    MeltedColumn,
    folded,
    folded_names,
    is_required,
    nameless_columns,
    names_column,
)
from s2p_assets.spreadsheet.periods import (
    Period,
    Unclear,
    examples,
    first_day,
    fiscal_year_in,
    label_of_day,
    month_names,
    of_day,
    read_period,
    year_in,
)
from s2p_assets.spreadsheet.text_values import NotADate, serial_to_datetime

MAX_HEADER_ROWS = 3
_FURTHEST_DAYS = {"day": 366, "week": 2 * 366, "month": 3 * 366, "quarter": 5 * 366, "half": 8 * 366, "year": 30 * 366}
"""A period further than this from the next one of its header is a year typed wrong."""
_EDGES = " .,:;/|-–_()[]\n"
_YEAR = re.compile(r"(?:19|20|21)\d\d")
_TOTALS = ("ytd", "y.t.d.", "year to date", "kumuliert", "cumul", "ø", "average", "avg", "mean", "schnitt", "moyenne")


@dataclass(frozen=True, slots=True)
class HeaderCell:
    """A header cell. `says`: what a date cell shows, or its text."""

    row: int
    column: int
    says: str
    day: dt.date | None = None

    @property
    def address(self) -> str:
        return cell_address(self.row, self.column)


@dataclass(frozen=True, slots=True)
class _Part:
    """What one header cell says of its column; all empty where it says nothing that the contract knows."""

    period: Period | None = None
    year: int | None = None
    name: str | None = None
    unclear: str = ""

    @property
    def is_known(self) -> bool:
        return bool(self.period or self.year or self.name or self.unclear)


@dataclass(frozen=True, slots=True)
class _Place:
    """What the cells over one column say together; `cell` is the one that names the period."""

    number: int
    cells: tuple[HeaderCell, ...]
    parts: tuple[_Part, ...]
    cell: HeaderCell | None
    period: Period | None
    year: int | None
    name: str | None
    unclear: str

    @property
    def title(self) -> str:
        return " ".join(cell.says for cell in self.cells)


@dataclass(frozen=True, slots=True)
class _Candidate:
    """Rows that may be the header."""

    header: Header
    places: dict[int, _Place]
    rank: tuple[float, int, int, int]


def find_wide_header(sheet: Sheet, workbook: Workbook, file: str = "") -> Header | None:
    """The best header of a wide `workbook` in `sheet`, its periods over its columns; None where there is none.

    `file`: the file's name, which may say the year. Up to three rows are the header: years, periods and the names of
    the melted columns in any order, each over one column or several.
    """
    best = _best(sheet, workbook, file, sheet.top(FIRST_ROWS))
    if best is None or best.rank[0] < MIN_REQUIRED_SHARE:
        best = _best(sheet, workbook, file, _rows_with_names(sheet, workbook)) or best
    if best is None:
        return None
    return _with_findings(sheet, workbook, file, best)


def _rows_with_names(sheet: Sheet, workbook: Workbook) -> dict[int, dict[int, str]]:
    names = {name for column in workbook.columns if not _is_nameless(column) for name in folded_names(column)}
    rows = sheet.top(SEARCHED_ROWS)
    named = {row for row, cells in rows.items() if any(folded(text) in names for text in cells.values())}
    near = {row + step for row in named for step in range(-MAX_HEADER_ROWS, MAX_HEADER_ROWS)}
    return {row: cells for row, cells in rows.items() if row in near}


def _best(sheet: Sheet, workbook: Workbook, file: str, rows: dict[int, dict[int, str]]) -> _Candidate | None:
    named_columns = [column for column in _beside(workbook) if not _is_nameless(column)]
    names = {name for column in named_columns for name in folded_names(column)}
    named = {row for row, cells in rows.items() if any(folded(text) in names for text in cells.values())}
    best: _Candidate | None = None
    for bottom in rows:
        for depth in range(1, MAX_HEADER_ROWS + 1):
            stack = [row for row in range(bottom - depth + 1, bottom + 1) if row in rows]
            if len(stack) < depth or (names and not named & set(stack)):
                continue
            found = _candidate(sheet, workbook, file, stack, rows)
            if found and (best is None or found.rank > best.rank):
                best = found
    return best


def _beside(workbook: Workbook) -> list[Column]:
    """The columns that stand beside the periods, one cell in each row."""
    return [column for column in workbook.columns if not column.melted and not column.from_header]


def _is_nameless(column: Column) -> bool:
    return bool(column.left_of or column.right_of)


def _nameless_beside(
    workbook: Workbook, cells: dict[int, tuple[HeaderCell, ...]], numbers: dict[str, int], first: int | None
) -> dict[str, int]:
    """The columns without a header; one that stands left of the period stands left of the `first` one."""
    written = {number: " ".join(cell.says for cell in own if cell.column == number) for number, own in cells.items()}
    by_name: dict[str, dict[int, str]] = {}
    for name, number in (*numbers.items(), *([(workbook.period.name, first)] if workbook.period and first else [])):
        column = next(column for column in workbook.columns if column.name == name)
        by_name |= {text: {number: text} for text in folded_names(column)}
    return nameless_columns(workbook, by_name, numbers, written)


def _candidate(
    sheet: Sheet, workbook: Workbook, file: str, stack: list[int], rows: dict[int, dict[int, str]]
) -> _Candidate | None:
    if len(stack) > 1 and not _may_be_bottom(sheet, workbook, stack[-1], rows[stack[-1]]):
        return None
    cells = _stacked(sheet, workbook, stack, rows)
    numbers, duplicates = _columns_beside(workbook, cells)
    taken = set(numbers.values())
    places = {number: _place(number, own, workbook) for number, own in cells.items() if number not in taken and own}
    melted = _melted(sheet, workbook, file, places)
    if any(map(_is_nameless, workbook.columns)):
        numbers |= _nameless_beside(workbook, cells, numbers, min((one.number for one in melted), default=None))
    unsure = _unsure(workbook, places)
    found = {*numbers, *unsure, *(one.name for one in melted)}
    if not found:
        return None
    missing = tuple(column for column in workbook.columns if column.name not in found)
    read = {one.number for one in melted}
    titles = {
        number: " ".join(cell.says for cell in own if number in read or cell.column == number)
        for number, own in cells.items()
    }
    titles = {number: title for number, title in titles.items() if title}
    header = Header(stack[0], stack[-1], numbers, titles, missing, duplicates, melted=melted, unsure=unsure)
    own_year = sum(place.year is not None for place in places.values() if place.period)
    return _Candidate(header, places, (header.score(workbook)[0], len(numbers) + len(melted), own_year, -len(stack)))


def _unsure(workbook: Workbook, places: dict[int, _Place]) -> frozenset[str]:
    """The contract's period and the melted columns of which cells speak, however clearly."""
    speaking = [place for place in places.values() if place.period or place.unclear]
    names = {place.name for place in speaking if place.name}
    if speaking and workbook.period:
        names.add(workbook.period.name)
    return frozenset(names)


def _may_be_bottom(sheet: Sheet, workbook: Workbook, row: int, texts: dict[int, str]) -> bool:
    kinds = {number: sheet.kind(row, number) for number in texts}
    return all(
        kind in (CellKind.TEXT, CellKind.DATE, CellKind.ISO)
        or _part(header_cell(sheet, row, number, texts[number]), workbook).is_known
        for number, kind in kinds.items()
    )


def header_cell(sheet: Sheet, row: int, column: int, text: str) -> HeaderCell:
    """A cell of a header, with its day where it is a date."""
    kind = sheet.kind(row, column)
    if kind in (CellKind.DATE, CellKind.ISO):
        try:
            moment = (
                dt.datetime.fromisoformat(text)
                if kind == CellKind.ISO
                else serial_to_datetime(float(text), sheet.starts_1904)
            )
        except (NotADate, ValueError):
            return HeaderCell(row, column, text)
        return HeaderCell(row, column, moment.date().isoformat(), moment.date())
    if kind == CellKind.NUMBER and re.fullmatch(r"\d+\.0+", text):
        text = text.partition(".")[0]
    return HeaderCell(row, column, " ".join(text.split()))


def _stacked(
    sheet: Sheet, workbook: Workbook, stack: list[int], rows: dict[int, dict[int, str]]
) -> dict[int, tuple[HeaderCell, ...]]:
    """The header cells over each column, from above; a cell over several columns counts for each of them."""
    numbers = sorted({number for row in stack for number in rows[row]})
    levels = []
    for row in stack:
        own = {number: header_cell(sheet, row, number, text) for number, text in rows[row].items()}
        levels.append(own if row == stack[-1] else _spread(sheet, workbook, row, own, numbers))
    return {number: tuple(dict.fromkeys(level[number] for level in levels if number in level)) for number in numbers}


def _spread(
    sheet: Sheet, workbook: Workbook, row: int, own: dict[int, HeaderCell], numbers: Sequence[int]
) -> dict[int, HeaderCell]:
    """A row of cells, each over its merged range, or, where it is not merged, up to the next one that says anything."""
    spread = dict(own)
    merged = set()
    for top, left, bottom, right in sheet.merged:
        if top <= row <= bottom and left in own:
            merged.add(left)
            for number in range(left, right + 1):
                spread.setdefault(number, own[left])
    last: HeaderCell | None = None
    for number in numbers:
        if number in own:
            is_open = number not in merged and _part(own[number], workbook).is_known
            last = own[number] if is_open else None
        elif number not in spread and last is not None:
            spread[number] = last
    return spread


def _columns_beside(
    workbook: Workbook, cells: dict[int, tuple[HeaderCell, ...]]
) -> tuple[dict[str, int], dict[str, tuple[int, ...]]]:
    """Contract column → the sheet's column of that name, and those that two cells claim."""
    by_name: dict[str, dict[int, str]] = {}
    for number, own in cells.items():
        texts = [cell.says for cell in own if cell.column == number]
        for text in dict.fromkeys((*texts, " ".join(texts))):
            if name := folded(text):
                by_name.setdefault(name, {}).setdefault(number, text)
    found: dict[str, int] = {}
    duplicates: dict[str, tuple[int, ...]] = {}
    for column in _beside(workbook):
        for name in () if _is_nameless(column) else folded_names(column):
            titled = by_name.get(name, {}).items()
            free = [number for number, text in titled if number not in found.values() and names_column(text, column)]
            if free:
                found[column.name] = free[0]
                if len(free) > 1:
                    duplicates[column.name] = tuple(free)
                break
    return found, duplicates


def _place(number: int, cells: tuple[HeaderCell, ...], workbook: Workbook) -> _Place:
    parts = tuple(_part(cell, workbook) for cell in cells)
    at, period = next(
        ((cell, part.period) for cell, part in zip(cells, parts, strict=True) if part.period),
        (None, None),
    )
    year = period.year if period else None
    if year is None:
        year = next((part.year for part in parts if part.year), None)
    name = next((part.name for part in parts if part.name), None)
    if name is None and len(workbook.melted) == 1:
        name = workbook.melted[0].name
    unknown = any(not part.is_known for part in parts)
    unclear = next((part.unclear for part in parts if part.unclear), "")
    return _Place(number, cells, parts, at, None if unknown else period, year, name, unclear)


def _part(cell: HeaderCell, workbook: Workbook) -> _Part:
    """What a header cell says: a period, a year that its period lacks, a melted column's name, or several of these."""
    period_column = workbook.period
    if period_column is None or period_column.from_header is None:
        return _Part()
    kind, fiscal = period_column.from_header, period_column.fiscal
    if cell.day is not None:
        return _of_reading(of_day(cell.day, kind, fiscal))
    text = _without_unit(cell.says, workbook.melted)
    read = _read(text, period_column)
    if read is not None:
        return _of_reading(read)
    for column in workbook.melted:
        for name in (*column.headers, column.name):
            rest = _rest_beside(text, name)
            if rest is None:
                continue
            if not rest:
                return _Part(name=column.name)
            part = _of_reading(_read(rest, period_column))
            if not part.is_known and _YEAR.fullmatch(rest):
                part = _Part(year=int(rest))
            if part.is_known:
                return replace(part, name=column.name)
    return _year_part(text, period_column)


def _read(text: str, column: Column) -> Period | Unclear | None:
    return read_period(text, column.from_header or "day", column.formats, column.fiscal)


def _year_part(text: str, column: Column) -> _Part:
    """What a header cell says that names no period: a year at most."""
    kind, fiscal = column.from_header or "day", column.fiscal
    if fiscal and kind == "month" and year_in(text) is not None:
        return _Part(unclear=f"may be a year of the calendar or of the company; write {examples('year', (), fiscal)}")
    return _Part(year=year_above(text, kind, fiscal), unclear=_beside_a_period(text, column))


def _beside_a_period(text: str, column: Column) -> str:
    """What is said of a text that names a period and something else: `Mar 24 (old)`, `Plan Jan 24`."""
    noun = KIND_NAMES[column.from_header or "day"]
    words = text.split()
    bracketed = re.search(r"\([^()]*\)|\[[^\[\]]*\]", text)
    others = [bracketed.group()] if bracketed else [words[-1], words[0]] if len(words) > 1 else []
    for other in others:
        rest = text.replace(other, " ", 1) if other != words[-1] else text[: -len(other)]
        if isinstance(_read(rest.strip(_EDGES), column), Period):
            return f"says '{other}' beside its {noun}, which is not known here; correct it, or ask for it to be added"
    return ""


def _of_reading(read: Period | Unclear | None) -> _Part:
    if isinstance(read, Unclear):
        return _Part(unclear=read.why)
    return _Part(period=read)


def _without_unit(text: str, melted: Iterable[Column]) -> str:
    """The text without a bracketed unit that is the contract's own: `Jan 24 (EUR)`."""
    for column in melted:
        if column.unit:
            text = re.sub(rf"[(\[]\s*{re.escape(column.unit)}\s*[)\]]", " ", text, flags=re.IGNORECASE)
    return " ".join(text.split())


def _rest_beside(text: str, name: str) -> str | None:
    """What stands beside a column's name at either end of a text; None where the name does not stand there."""
    plain, wanted = " ".join(text.split()).casefold(), " ".join(name.split()).casefold()
    if folded(plain) == folded(wanted) and not re.search(r"[(\[]", plain):
        return ""
    if plain.startswith(wanted) and not plain[len(wanted) : len(wanted) + 1].isalnum():
        return plain[len(wanted) :].strip(_EDGES)
    if plain.endswith(wanted) and not plain[-len(wanted) - 1 : -len(wanted)].isalnum():
        return plain[: -len(wanted)].strip(_EDGES)
    return None


def year_above(text: str, kind: PeriodKind, fiscal: FiscalYear | None = None) -> int | None:
    """The year that a cell over the periods says: `2024`, `Plan 2024`, `Q1 2024` over months."""
    if kind == "year":
        return None
    for coarser in PERIOD_KINDS[PERIOD_KINDS.index(kind) + 1 :]:
        read = read_period(text, coarser, (), fiscal)
        if isinstance(read, Period) and read.year is not None:
            return read.year
    return (fiscal_year_in(text, fiscal) if fiscal else None) or year_in(text)


def _melted(sheet: Sheet, workbook: Workbook, file: str, places: dict[int, _Place]) -> tuple[MeltedColumn, ...]:
    """The columns whose period and name are sure."""
    given = _year_given(sheet, workbook, file)
    found = []
    for place in places.values():
        if place.period is None or place.cell is None or place.name is None or place.unclear:
            continue
        day = first_day(place.period, place.year if place.year is not None else given)
        if day is not None:
            found.append(MeltedColumn(place.name, place.number, day, place.cell.address))
    return tuple(found)


def _year_given(sheet: Sheet, workbook: Workbook, file: str) -> int | None:
    """The year of periods that have none, from the sheet's or file's name, where the contract takes it from there."""
    names = {"sheet": sheet.name, "file": PurePosixPath(file).stem}
    column = workbook.period
    for source in column.year_from if column else ():
        fiscal = column.fiscal if column else None
        year = fiscal_year_in(names[source], fiscal) if fiscal else None
        if year is None and not (fiscal and column and column.from_header == "month"):
            year = year_in(names[source])
        if year is not None:
            return year
    return None


def _with_findings(sheet: Sheet, workbook: Workbook, file: str, best: _Candidate) -> Header:
    """The header with what is to be said of columns that are no periods and of periods that cannot be as they are."""
    header = best.header
    read = {one.number for one in header.melted}
    findings: list[Finding] = []
    left_out: set[int] = set()
    for number, finding in _unread(sheet, workbook, best, read):
        left_out.add(number)
        findings.append(finding)
    findings += _without_year(sheet, workbook, file, best.places)
    findings += _twice(sheet, header, workbook)
    findings += _out_of_order(sheet, workbook, best)
    findings += _far_off(sheet, header, workbook)
    findings += _incomplete(sheet, header, workbook)
    findings += _named_above(sheet, header, workbook)
    return replace(header, findings=tuple(findings), left_out=frozenset(left_out))


def _period_column(workbook: Workbook) -> tuple[Column, PeriodKind]:
    column = workbook.period
    if column is None or column.from_header is None:
        raise ValueError(f"{workbook.full_name} is no wide table")
    return column, column.from_header


def _unread(sheet: Sheet, workbook: Workbook, best: _Candidate, read: set[int]) -> Iterator[tuple[int, Finding]]:
    """The columns that are not melted: sums, which are left out, and what looks like a period but cannot be read."""
    column, kind = _period_column(workbook)
    noun, shown = KIND_NAMES[kind], examples(kind, column.formats, column.fiscal)
    ignored = {folded(name) for name in workbook.ignores}
    shapes = {_shape(best.header.titles[number]) for number in read}
    first, last = min(read, default=0), max(read, default=0)
    for number, place in best.places.items():
        cells = sheet.columns.get(number)
        below = 0 if cells is None else int((cells.rows > best.header.bottom).sum())
        if number in read or not below or folded(place.title) in ignored:
            continue
        own = [cell for cell in place.cells if cell.column == number] or list(place.cells)
        title = " ".join(cell.says for cell in own)
        if folded(title) in ignored:
            continue
        where, said = own[-1].address, title
        if _is_total(place, workbook):
            its = f"its {below:,} cells were" if below != 1 else "its one cell was"
            message = f"'{said}' is no {noun} but sums up others; {its} left out"
            yield number, Finding(sheet.name, where, said, said, "totals", message, "notice")
        elif place.unclear:
            message = f"'{said}' {place.unclear}"
            yield number, Finding(sheet.name, where, column.name, said, "period", message)
        elif place.period is None and read and (_shape(title) in shapes or _has_month_like(title, kind)):
            message = f"'{said}' cannot be read as a {noun}; write it as {shown}"
            yield number, Finding(sheet.name, where, column.name, said, "period", message)
        elif place.period is not None and place.name is None:
            names = " or ".join(f"'{one.headers[0]}'" for one in workbook.melted)
            message = f"over or under '{said}' it is not said whether it is {names}; add it to the header"
            yield number, Finding(sheet.name, where, column.name, said, "period", message)
    for number in range(first + 1, last):
        cells = sheet.columns.get(number)
        if number in best.header.titles or cells is None or not _has_numbers(sheet, number, best.header.bottom):
            continue
        where = cell_address(best.header.bottom, number)
        message = f"column {column_letters(number)} stands among the {noun}s and has no header; write its {noun}"
        yield number, Finding(sheet.name, where, column.name, None, "period", message)


def _has_numbers(sheet: Sheet, number: int, bottom: int) -> bool:
    cells = sheet.columns[number].where(sheet.columns[number].rows > bottom)
    return bool((cells.kinds == CellKind.NUMBER).any()) or (not sheet.typed and len(cells) > 0)


def _is_total(place: _Place, workbook: Workbook) -> bool:
    """Whether a column sums up others: by a word for it, or as a period that is longer than the others."""
    words = {word.casefold() for word in (*workbook.totals, *_TOTALS)}
    for cell in place.cells:
        text = cell.says.casefold()
        if text.strip(_EDGES) in words or any(
            re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) for word in words if not word.isascii() or len(word) > 2
        ):
            return True
    if place.period is not None:
        return False
    column, kind = _period_column(workbook)
    longer = PERIOD_KINDS[PERIOD_KINDS.index(kind) + 1 :]
    own = [cell.says for cell in place.cells if cell.column == place.number]
    is_longer = any(isinstance(read_period(text, other, (), column.fiscal), Period) for text in own for other in longer)
    return is_longer or (any(part.year for part in place.parts) and all(part.is_known for part in place.parts))


def _shape(text: str) -> str:
    """`Jan 24` → `a 0`: what kinds of marks a text is made of."""
    return re.sub(r"\d+", "0", re.sub(r"[^\W\d_]+", "a", " ".join(text.split())))


def _has_month_like(text: str, kind: PeriodKind) -> bool:
    """Whether a word of the text is nearly a month's name: `Marhc 24`."""
    if kind != "month":
        return False
    for word in re.findall(r"[^\W\d_]{3,}", text.casefold()):
        if word in month_names() or (
            len(word) > 3 and difflib.get_close_matches(word, [*month_names()], n=1, cutoff=0.8)
        ):
            return True
    return False


def _without_year(sheet: Sheet, workbook: Workbook, file: str, places: dict[int, _Place]) -> Iterator[Finding]:
    """Periods that say no year, where none is found beside them either; and those that their year does not have."""
    column, kind = _period_column(workbook)
    given = _year_given(sheet, workbook, file)
    lacking: dict[str, _Place] = {}
    for place in places.values():
        if place.period is None or place.cell is None or place.unclear:
            continue
        year = place.year if place.year is not None else given
        if year is None:
            lacking.setdefault(place.cell.address, place)
        elif first_day(place.period, year) is None:
            message = f"'{place.cell.says}' names a {KIND_NAMES[kind]} that {year} does not have"
            yield Finding(sheet.name, place.cell.address, column.name, place.cell.says, "period", message)
    if not lacking:
        return
    where, place = next(iter(lacking.items()))
    said = place.cell.says if place.cell else ""
    more = f" ({len(lacking):,} such cells)" if len(lacking) > 1 else ""
    beside = f", or in the name of the {' or the '.join(column.year_from)}" if column.year_from else ""
    own = f", as {examples('year', (), column.fiscal)}" if column.fiscal else ""
    message = f"'{said}' has no year{more}; write it there or in the row above{own}{beside}"
    yield Finding(sheet.name, where, column.name, said, "period", message)


def _twice(sheet: Sheet, header: Header, workbook: Workbook) -> Iterator[Finding]:
    column, kind = _period_column(workbook)
    first: dict[tuple[str, dt.date], int] = {}
    for one in header.melted:
        earlier = first.setdefault((one.name, one.period), one.number)
        if earlier != one.number:
            where, other = cell_address(header.bottom, one.number), cell_address(header.bottom, earlier)
            said = label_of_day(one.period, kind, column.fiscal)
            message = f"is {said} like {other}; correct the one that is meant otherwise"
            title = header.titles[one.number]
            yield Finding(sheet.name, where, column.name, title, "period_twice", f"'{title}' {message}")


def _out_of_order(sheet: Sheet, workbook: Workbook, best: _Candidate) -> Iterator[Finding]:
    """Periods without a year of their own that begin again: `KW 51, KW 52, KW 1` are of two years, and which is unsaid.

    Those under one cell that says their year are looked at together.
    """
    column, _ = _period_column(workbook)
    groups: dict[tuple[object, ...], list[_Place]] = {}
    for place in best.places.values():
        if place.period is None or place.cell is None or place.period.year is not None:
            continue
        over = tuple(
            cell.address for cell, part in zip(place.cells, place.parts, strict=True) if part.year and not part.period
        )
        groups.setdefault((over, place.name), []).append(place)
    for places in groups.values():
        numbers = [place.period.number for place in places if place.period]
        steps = [after - before for before, after in itertools.pairwise(numbers)]
        if any(step > 0 for step in steps) and any(step < 0 for step in steps):
            turn = next(at for at, step in enumerate(steps, 1) if (step > 0) != (steps[0] > 0))
            place, before = places[turn], places[turn - 1]
            said, earlier = (one.cell.says if one.cell else one.title for one in (place, before))
            message = f"'{said}' follows '{earlier}', so that they are of two years; write the year beside each"
            where = place.cell.address if place.cell else None
            yield Finding(sheet.name, where, column.name, said, "period", message)


def _far_off(sheet: Sheet, header: Header, workbook: Workbook) -> Iterator[Finding]:
    """A period that lies years from all others of its header: a year typed wrong."""
    column, kind = _period_column(workbook)
    days = sorted({one.period for one in header.melted})
    if len(days) < 3:
        return
    groups = [[days[0]]]
    for day in days[1:]:
        if (day - groups[-1][-1]).days > _FURTHEST_DAYS[kind]:
            groups.append([])
        groups[-1].append(day)
    most = max(groups, key=len)
    for group in groups:
        for day in group if group is not most else ():
            cell = next(one.period_cell for one in header.melted if one.period == day)
            said = label_of_day(day, kind, column.fiscal)
            message = f"{said} lies years from the other {KIND_NAMES[kind]}s of the header; correct its year"
            yield Finding(sheet.name, cell, column.name, said, "period", message)


def _incomplete(sheet: Sheet, header: Header, workbook: Workbook) -> Iterator[Finding]:
    """Periods over which a column stands that must be filled, while another period lacks it."""
    over, kind = _period_column(workbook)
    here = {(one.name, one.period) for one in header.melted}
    periods = {one.period: one.period_cell for one in header.melted}
    for column in workbook.melted:
        if column.nullable or not any(name == column.name for name, _ in here):
            continue
        for period, cell in periods.items():
            if (column.name, period) not in here:
                title = " ".join(column.headers[0].split())
                said = label_of_day(period, kind, over.fiscal)
                message = f"{said} has no column '{title}', as the other {KIND_NAMES[kind]}s have"
                yield Finding(sheet.name, cell, column.name, None, "missing_column", message)


def _named_above(sheet: Sheet, header: Header, workbook: Workbook) -> Iterator[Finding]:
    """A text right over the periods that the contract does not know: perhaps what the values are."""
    above = sheet.row(header.top - 1) if header.top > 1 else {}
    read = {one.number for one in header.melted}
    for number, text in above.items():
        cell = header_cell(sheet, header.top - 1, number, text)
        if number in read and not _part(cell, workbook).is_known and any(mark.isalpha() for mark in text):
            names = " and ".join(f"'{' '.join(one.headers[0].split())}'" for one in workbook.melted)
            message = f"'{cell.says}' stands over the periods; what is under it was read as {names}"
            yield Finding(sheet.name, cell.address, None, cell.says, "above_periods", message, "notice")


def missing_periods(sheet: Sheet, header: Header, workbook: Workbook) -> Iterator[Finding]:
    """What a wide table lacks altogether: its periods, or a melted column."""
    column, kind = _period_column(workbook)
    noun = KIND_NAMES[kind]
    row = f"row {header.bottom}" if header.top == header.bottom else f"rows {header.top} to {header.bottom}"
    where = cell_address(header.bottom, max(header.titles, default=1))
    if not header.melted:
        if not any(finding.rule == "period" for finding in header.findings):
            shown = examples(kind, column.formats, column.fiscal)
            message = f"the header ({row}) names no {noun}; write each over its column, as {shown}"
            yield Finding(sheet.name, where, column.name, None, "missing_column", message)
        return
    for lacking in header.missing:
        if lacking.melted and is_required(lacking):
            title = " ".join(lacking.headers[0].split())
            message = f"no {noun} has a column '{title}'; add it under or over each {noun}"
            yield Finding(sheet.name, where, lacking.name, None, "missing_column", message)
