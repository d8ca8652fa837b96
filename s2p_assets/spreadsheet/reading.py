"""Reading one file against contracts: its tables, its rows, its findings, its verdict.

Runs inside the sandbox's child; it opens the file it is given and knows nothing of processes, shares or ledgers.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow
import pyarrow.compute as pc

from s2p_assets.columns import Column, Severity, arrow_schema
from s2p_assets.spreadsheet.answers import copy_of_loaded_file, rows_of_another_file
from s2p_assets.spreadsheet.book import Book, open_book
from s2p_assets.spreadsheet.cells import Parsed, Problem, example_of, not_a, parse_cells, without_percent_sign
from s2p_assets.spreadsheet.claims import best_claim, nearest_contract
from s2p_assets.spreadsheet.contract import Workbook
from s2p_assets.spreadsheet.findings import OWN_SHEETS, Finding, Reading, values_in
from s2p_assets.spreadsheet.grid import CellKind, Cells, Sheet, address, letters
from s2p_assets.spreadsheet.header import (
    ENOUGH,
    Header,
    did_you_mean,
    find_header,
    is_required,
    matches_sheet,
    rows_above,
    wanted_headers,
)
from s2p_assets.spreadsheet.limits import WorkbookUnreadable
from s2p_assets.spreadsheet.numbers import date_within
from s2p_assets.spreadsheet.rules import Broken, broken_rules, last_gate
from s2p_assets.spreadsheet.table_rows import TableRows, places_of, scattered, table_rows
from s2p_assets.spreadsheet.units import ambiguous_shares, contradicted_units

LIKE_FINDINGS = 5_000
_DATES = (CellKind.DATE, CellKind.ISO)
_SHORTENED = "^-?[0-9][.,][0-9]+E[+][0-9]{2,3}$"
_NONE = np.zeros(0, np.int64)


def read_file(
    path: Path, workbooks: Sequence[Workbook], shown_as: str | None = None, others: Sequence[Workbook] = ()
) -> Reading:
    """`path` read against the contract among `workbooks` whose columns are found in it.

    `shown_as`: its name on the share; `others`: contracts to name as nearest when none of `workbooks` fits.
    Never raises for what the file holds: a file that cannot be read has `Reading.error`. After
    5,000 findings of one rule in one column, one more says how many follow.
    """
    reading = Reading(file=Path(shown_as) if shown_as else path)
    every = list(dict.fromkeys([*workbooks, *others]))
    try:
        with open_book(path, shown_as, wanted_headers(every)) as book:
            _read_book(book, reading, workbooks, every)
    except WorkbookUnreadable as error:
        return _unreadable(reading, str(error))
    except FileNotFoundError:
        return _unreadable(reading, "the file is gone; it was deleted or renamed while it was read")
    except OSError as error:
        why = error.strerror or "read error"
        return _unreadable(reading, f"the file cannot be opened ({why}); check its permissions")
    except Exception as error:  # whatever a damaged file provokes in a parser is about that file alone
        what = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        return _unreadable(reading, f"the file cannot be read ({what}); open it in Excel and save as .xlsx")
    return reading


def _unreadable(reading: Reading, message: str) -> Reading:
    return Reading(file=reading.file, workbook=reading.workbook, error=message)


def _read_book(book: Book, reading: Reading, workbooks: Sequence[Workbook], every: Sequence[Workbook]) -> None:
    whole = list(book.sheets())
    if fresh := rows_of_another_file(whole):
        reading.findings.append(fresh)
        return
    sheets = [sheet for sheet in whole if sheet.name not in OWN_SHEETS]
    claim = best_claim(sheets, workbooks)
    if claim is None:
        reading.findings.append(nearest_contract(sheets, every))
        return
    reading.workbook = claim.name
    if not claim.key and (double := copy_of_loaded_file(whole, reading.file)):
        reading.findings.append(double)
        return
    findings = _Findings()
    if book.mislabelled:
        findings.add(Finding(None, None, None, None, "suffix", book.mislabelled, "notice"))
    tables = _tables(sheets, claim, findings, reading)
    _settle(reading, claim, tables, findings)


class _Findings:
    """Findings as they come, those of one kind in one column cut off after `LIKE_FINDINGS`."""

    def __init__(self) -> None:
        self.kept: list[Finding] = []
        self.file_rejected = False
        self._counts: Counter[tuple[str | None, str | None, str, Severity]] = Counter()

    def add(self, finding: Finding, whole_file: bool = False) -> None:
        kind = (finding.sheet, finding.column, finding.rule, finding.severity)
        self._counts[kind] += 1
        if self._counts[kind] <= LIKE_FINDINGS:
            self.kept.append(finding)
        self.file_rejected |= whole_file and finding.severity == "reject"

    def all(self) -> list[Finding]:
        """Rejects and notices in the order found, then what was cut off."""
        more = [
            Finding(sheet, None, column, None, rule, f"and {count - LIKE_FINDINGS:,} more like these", severity)
            for (sheet, column, rule, severity), count in self._counts.items()
            if count > LIKE_FINDINGS
        ]
        return [*self.kept, *more]


def _tables(sheets: Sequence[Sheet], workbook: Workbook, findings: _Findings, reading: Reading) -> list["_Table"]:
    """The tables of all sheets that bear the contract's header, one per sheet."""
    tables = []
    wanted = [matches_sheet(workbook, sheet.name) for sheet in sheets]
    headers = [
        (sheet, find_header(sheet, workbook) if here else None) for sheet, here in zip(sheets, wanted, strict=True)
    ]
    best = max((header.score(workbook)[0] for _, header in headers if header), default=0.0)
    for sheet, header in headers:
        if header is None or header.score(workbook)[0] < min(best, ENOUGH):
            if len(sheet):
                findings.add(_not_read(sheet, workbook))
            continue
        reading.headers[sheet.name] = [" ".join(header.written[number].split()) for number in sorted(header.written)]
        reading.places[sheet.name] = {name: letters(number) for name, number in header.found.items()}
        if sheet.hidden:
            message = "the sheet is hidden; it was read"
            findings.add(Finding(sheet.name, None, None, None, "hidden_sheet", message, "notice"))
        if above := _rows_above(sheet, header):
            findings.add(above)
        lacking = list(_missing_columns(sheet, header, workbook))
        for finding in lacking:
            findings.add(finding, whole_file=True)
        if not any(finding.severity == "reject" for finding in lacking):
            tables.append(_read_table(sheet, header, workbook, reading.file, findings))
        else:
            reading.cells["returned"] = reading.cells.get("returned", 0) + _cells_below(sheet, header)
    return tables


def _cells_below(sheet: Sheet, header: Header) -> int:
    return sum(int((cells.rows > header.bottom).sum()) for cells in sheet.columns.values())


def _rows_above(sheet: Sheet, header: Header) -> Finding | None:
    """Says that rows over the header look like a table of their own; titles and the like do not."""
    wide = max(3, (len(header.found) + 1) // 2)
    rows = [row for row, cells in rows_above(sheet, header).items() if len(cells) >= wide]
    if len(rows) < 2:
        return None
    message = f"{len(rows):,} rows above the header look like another table; they were not read"
    return Finding(sheet.name, address(rows[0], 1), None, None, "above_header", message, "notice")


def _not_read(sheet: Sheet, workbook: Workbook) -> Finding:
    message = "the sheet holds no table of this kind; it was not read"
    if not matches_sheet(workbook, sheet.name):
        message = f"the contract reads only sheets named {workbook.sheets}; this one was not read"
    return Finding(sheet.name, None, None, None, "sheet", message, "notice")


def _missing_columns(sheet: Sheet, header: Header, workbook: Workbook) -> Iterable[Finding]:
    mapped = set(header.found.values())
    spare = [text for number, text in header.written.items() if number not in mapped]
    row = f"row {header.bottom}" if header.top == header.bottom else f"rows {header.top} and {header.bottom}"
    where = address(header.bottom, min(header.written, default=1))
    for column in header.missing:
        title = " ".join(column.headers[0].split())
        if not is_required(column):
            continue
        near = did_you_mean(column, spare)
        hint = f"; did you mean '{near}'? Then rename it, or add it to the contract's headers" if near else ""
        message = f"the header ({row}) has no column '{title}'{hint or '; add it'}"
        yield Finding(sheet.name, where, column.name, None, "missing_column", message)
    for name, places in header.twice.items():
        cells = " and ".join(address(header.bottom, place) for place in places)
        title = " ".join(header.written[places[0]].split())
        message = f"two columns are named '{title}' ({cells}); rename the one that is not meant"
        yield Finding(sheet.name, address(header.bottom, places[1]), name, title, "column_twice", message)


@dataclass
class _Table:
    """One sheet's rows with typed columns.

    `bad` marks rows with a reject finding; `blank` counts per row the cells that say "no value".
    """

    rows: TableRows
    columns: dict[str, pyarrow.Array]
    bad: npt.NDArray[np.bool_]
    blank: npt.NDArray[np.int64]

    def where(self, position: int, name: str) -> str:
        """The address of a column's cell in a row; for a value from a name, the row's first cell."""
        number = self.rows.header.found.get(name, min(self.rows.header.found.values(), default=1))
        return address(int(self.rows.numbers[position]), number)


def _read_table(sheet: Sheet, header: Header, workbook: Workbook, file: Path, findings: _Findings) -> _Table:
    rows = table_rows(sheet, header, workbook)
    for notice in rows.notices:
        findings.add(notice)
    for unit in contradicted_units(rows, workbook):
        findings.add(unit, whole_file=True)
    count = len(rows.numbers)
    table = _Table(rows, {}, np.zeros(count, dtype=bool), np.zeros(count, np.int64))
    for column in workbook.columns:
        if column.name in header.found:
            _read_column(table, column, findings)
        else:
            table.columns[column.name] = _absent_column(table, column, file, findings)
    return table


def _read_column(table: _Table, column: Column, findings: _Findings) -> None:
    rows = table.rows
    cells = rows.cells.get(column.name)
    if cells is None:
        table.columns[column.name] = pyarrow.nulls(len(rows.numbers), column.arrow_type)
        unread, blanks = {}, {}
    else:
        parsed = parse_cells(cells, column, rows.sheet)
        position = places_of(cells.rows, rows.numbers)
        table.columns[column.name] = scattered(parsed.values, cells.rows, rows.numbers)
        unread = {int(position[place]): problem for place, problem in parsed.problems.items()}
        title = rows.header.written.get(rows.header.found[column.name], "")
        unclear = _shortened(cells, column, rows.sheet)
        unclear |= ambiguous_shares(cells, parsed.values, rows.sheet, title, column)
        unread |= {int(position[place]): problem for place, problem in unclear.items()}
        blanks = {int(position[place]): text for place, text in parsed.blanks.items()}
        if column.kind == "text" and (dates := _dates_taken(cells, parsed)).size:
            findings.add(_dates_in_words(table, column, position[dates]))
        if (
            column.kind == "percent"
            and not unclear
            and (bare := without_percent_sign(cells, parsed.values, rows.sheet))
        ):
            findings.add(_bare_shares(table, column, [int(position[place]) for place in bare]))
    table.blank[list(blanks)] += 1
    problems = unread if column.optional else _with_empty(table.columns[column.name], unread, blanks, column)
    for place in sorted(problems):
        problem = problems[place]
        where = table.where(place, column.name)
        findings.add(Finding(rows.sheet.name, where, column.name, problem.value or None, problem.rule, problem.message))
        table.bad[place] = True


def _bare_shares(table: _Table, column: Column, places: list[int]) -> Finding:
    """Says that 25 was read as 2,500 %, which is what it says, and perhaps not what is meant."""
    value = table.columns[column.name][places[0]].as_py()
    more = f" ({len(places):,} such cells)" if len(places) > 1 else ""
    message = f"{value:g} has no percent sign and was read as {value:,.4g} times the whole{more}"
    where = table.where(places[0], column.name)
    return Finding(table.rows.sheet.name, where, column.name, f"{value:g}", "bare_share", message, "notice")


def _shortened(cells: Cells, column: Column, sheet: Sheet) -> dict[int, Problem]:
    """The codes of a text file that Excel wrote as `1.23457E+17` when it saved it: their last digits are gone."""
    if sheet.typed or column.kind != "code":
        return {}
    found = pc.match_substring_regex(pc.utf8_trim_whitespace(cells.texts), _SHORTENED)
    message = "is a number that was shortened when the file was saved; save its digits in full, as text"
    texts = {int(place): cells.texts[int(place)].as_py() for place in np.flatnonzero(found)}
    return {place: not_a(text, column, message) for place, text in texts.items()}


def _dates_taken(cells: Cells, parsed: Parsed) -> npt.NDArray[np.int64]:
    """The positions of date cells that were read as texts."""
    dates = np.isin(cells.kinds, _DATES)
    return np.flatnonzero(dates & parsed.values.is_valid().to_numpy(zero_copy_only=False)) if dates.any() else _NONE


def _dates_in_words(table: _Table, column: Column, places: npt.NDArray[np.int64]) -> Finding:
    """Says that a text column took a real date by its ISO form, whatever form the sheet shows."""
    value = table.columns[column.name][int(places[0])].as_py()
    more = f" ({len(places):,} such cells)" if len(places) > 1 else ""
    message = f"the cell holds a date, which was read as the text '{value}'{more}; format it as text if it is none"
    where = table.where(int(places[0]), column.name)
    return Finding(table.rows.sheet.name, where, column.name, value, "date_in_text", message, "notice")


def _with_empty(
    values: pyarrow.Array, unread: dict[int, Problem], blanks: dict[int, str], column: Column
) -> dict[int, Problem]:
    """`unread` and every empty cell of a column that must be filled."""
    problems = dict(unread)
    if values.null_count:
        empty = Problem("required", f"'{' '.join(column.headers[0].split())}' is empty", "")
        for place in np.flatnonzero(values.is_null().to_numpy(zero_copy_only=False)):
            text = blanks.get(int(place), "")
            written = Problem("required", not_a(text, column).message, text) if text.strip() else empty
            problems.setdefault(int(place), written)
    return problems


def _absent_column(table: _Table, column: Column, file: Path, findings: _Findings) -> pyarrow.Array:
    """The column's value from the sheet's or file's name, where the contract takes it from there; else nulls."""
    count = len(table.rows.numbers)
    sheet = table.rows.sheet.name
    names = {"sheet": sheet, "file": PurePosixPath(file).stem}
    for source in column.meaning.or_from:
        value = _value_of_name(names[source], column)
        if value is not None:
            return pyarrow.array([value] * count, column.arrow_type)
    if column.meaning.or_from and not column.optional:
        patterns = " or ".join(map(example_of, _patterns(column)))
        sources = " and ".join(f"the {source}'s name '{names[source]}'" for source in column.meaning.or_from)
        wanted = f"holds no date written as {patterns}" if column.kind in ("day", "moment") else "gives none"
        title = " ".join(column.headers[0].split())
        message = f"the sheet has no column '{title}' and {sources} {wanted}; add the column or rename"
        findings.add(Finding(sheet, None, column.name, None, "missing_column", message), whole_file=True)
    elif not column.optional and count:
        message = f"the sheet has no column '{' '.join(column.headers[0].split())}'; it must be filled"
        findings.add(Finding(sheet, None, column.name, None, "missing_column", message), whole_file=True)
    return pyarrow.nulls(count, column.arrow_type)


def _patterns(column: Column) -> tuple[str, ...]:
    return column.meaning.written or ("%Y-%m-%d", "%Y-%m")


def _value_of_name(name: str, column: Column) -> object:
    if column.kind in ("day", "moment"):
        for pattern in _patterns(column):
            found = date_within(name, pattern)
            if found is not None:
                return found.date() if column.kind == "day" else found
        return None
    return _convert(name.strip(), column)


def _convert(text: str, column: Column) -> object:
    cells = Cells(np.array([1], np.int32), np.array([CellKind.TEXT], np.int8), pyarrow.array([text]))
    return parse_cells(cells, column, Sheet("")).values[0].as_py()


def _settle(reading: Reading, workbook: Workbook, tables: list[_Table], findings: _Findings) -> None:
    """Puts the rules to all rows together, then draws the verdict."""
    arrow = _combined(tables, workbook)
    bad = np.concatenate([table.bad for table in tables]) if tables else np.zeros(0, dtype=bool)
    frame = _frame(arrow, workbook)
    place = _places(tables)
    for broken in broken_rules(frame, workbook):
        findings.add(_finding(broken, place), whole_file=broken.position is None)
        if broken.position is not None and broken.severity == "reject":
            bad[broken.position] = True
    good = frame if not bad.any() else frame[~bad].reset_index(drop=True)
    if len(good) and not findings.file_rejected:
        for broken in last_gate(good, workbook, put_as_it_is=not bad.any()):
            findings.add(_finding(broken, place), whole_file=True)
    reading.sheet = ", ".join(table.rows.sheet.name for table in tables) or None
    _draw_verdict(reading, workbook, arrow, bad, findings)
    _count_cells(reading, tables, bad)
    if tables and not len(bad):
        name = tables[0].rows.sheet.name
        findings.add(Finding(name, None, None, None, "no_rows", "the table has its header but no rows", "notice"))
    reading.findings = findings.all()


def _combined(tables: list[_Table], workbook: Workbook) -> pyarrow.Table:
    """All rows of all tables: the contract's columns, then `_sheet` and `_row`."""
    schema = arrow_schema(workbook.columns)
    schema = schema.append(pyarrow.field("_sheet", pyarrow.string())).append(pyarrow.field("_row", pyarrow.int64()))
    parts = []
    for table in tables:
        arrays = [table.columns[column.name].cast(column.arrow_type) for column in workbook.columns]
        names = pyarrow.array([table.rows.sheet.name]).take(pyarrow.array(np.zeros(len(table.bad), np.int32)))
        numbers = pyarrow.array(table.rows.numbers.astype(np.int64))
        parts.append(pyarrow.Table.from_arrays([*arrays, names, numbers], schema=schema))
    return pyarrow.concat_tables(parts).combine_chunks() if parts else schema.empty_table()


def _frame(arrow: pyarrow.Table, workbook: Workbook) -> pd.DataFrame:
    declared = {column.name: pd.ArrowDtype(column.arrow_type) for column in workbook.columns}
    return pd.DataFrame({name: pd.Series(arrow.column(name), dtype=dtype) for name, dtype in declared.items()})


def _places(tables: list[_Table]) -> Callable[[int, str | None], tuple[str, str]]:
    """Position over all tables and column → sheet name and cell address."""
    ends = np.cumsum([len(table.bad) for table in tables])

    def place(position: int, column: str | None) -> tuple[str, str]:
        which = int(np.searchsorted(ends, position, side="right"))
        table = tables[which]
        first = int(ends[which]) - len(table.bad)
        return table.rows.sheet.name, table.where(position - first, column or "")

    return place


def _finding(broken: Broken, place: Callable[[int, str | None], tuple[str, str]]) -> Finding:
    if broken.position is None:
        return Finding(None, None, broken.column, broken.value, broken.rule, broken.message, broken.severity)
    sheet, cell = place(broken.position, broken.column)
    message = broken.message
    if broken.earlier is not None:
        other, where = place(broken.earlier, broken.column)
        message = f"{message} {where if other == sheet else f'{other} › {where}'}"
    return Finding(sheet, cell, broken.column, broken.value, broken.rule, message, broken.severity)


def _draw_verdict(
    reading: Reading, workbook: Workbook, arrow: pyarrow.Table, bad: npt.NDArray[np.bool_], findings: _Findings
) -> None:
    reading.rows_read = len(bad)
    returned = int(bad.sum())
    if findings.file_rejected:
        reading.verdict = "returned"
    elif not returned:
        reading.verdict = "accepted"
    elif returned < len(bad) and returned / len(bad) <= workbook.returns_up_to:
        reading.verdict = "partly"
    else:
        reading.verdict = "returned"
    if reading.verdict == "returned":
        returned = len(bad)
    else:
        reading.rows = arrow if not returned else arrow.filter(pyarrow.array(~bad))
    reading.rows_returned = returned
    reading.rows_accepted = len(bad) - returned


def _count_cells(reading: Reading, tables: list[_Table], bad: npt.NDArray[np.bool_]) -> None:
    """Counts what stood in the file and, in the rows handed on, what became of it: two counts that must agree."""
    unread = reading.cells.get("returned", 0)
    filled = np.concatenate([table.rows.filled for table in tables]) if tables else _NONE
    kept = ~bad if reading.rows is not None else np.zeros(len(bad), dtype=bool)
    blank = int(np.concatenate([table.blank for table in tables])[kept].sum()) if tables else 0
    named = _named(tables, kept)
    reading.cells = {
        "read": unread + sum(table.rows.below for table in tables),
        "loaded": values_in(reading.rows) - named + blank,
        "returned": unread + int(filled[~kept].sum()),
        "ignored": sum(table.rows.ignored for table in tables),
        "blank": blank,
        "named": named,
    }


def _named(tables: list[_Table], kept: npt.NDArray[np.bool_]) -> int:
    """The values of kept rows that come from a sheet's or file's name, not from a cell."""
    named, start = 0, 0
    for table in tables:
        here = int(kept[start : start + len(table.bad)].sum())
        start += len(table.bad)
        absent = (values for name, values in table.columns.items() if name not in table.rows.header.found)
        named += here * sum(values.null_count < len(values) for values in absent)
    return named
