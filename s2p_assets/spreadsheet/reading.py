"""Reading one file against contracts: its tables, its rows, its findings, its verdict.

Runs inside the sandbox's child; it opens the file it is given and knows nothing of processes, shares or ledgers.
"""

import datetime as dt
import logging
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow
import pyarrow.compute as pc

from s2p_assets.contracts.columns import Column, arrow_schema
from s2p_assets.contracts.entered import EnteredRows
from s2p_assets.contracts.findings import OWN_SHEETS, Finding, FindingCollector, ReadResult, count_values
from s2p_assets.contracts.workbook import ReferenceValues, ReferenceValuesByWorkbook, Workbook
from s2p_assets.spreadsheet.book import Book, open_book
from s2p_assets.spreadsheet.cell_parser import quoted
from s2p_assets.spreadsheet.contract_matching import best_matching_contract, nearest_contract
from s2p_assets.spreadsheet.foreign_keys import missing_references
from s2p_assets.spreadsheet.grid import Sheet, cell_address
from s2p_assets.spreadsheet.header import (
    MIN_REQUIRED_SHARE,
    Header,
    folded,
    folded_names,
    is_required,
    matches_sheet,
    nearest_header,
    rows_above,
    wanted_headers,
)
from s2p_assets.spreadsheet.header_search import find_header
from s2p_assets.spreadsheet.limits import DAMAGED, TOO_MUCH_MEMORY, WorkbookUnreadable
from s2p_assets.spreadsheet.melting import column_places, read_melted_table
from s2p_assets.spreadsheet.returned.own_copies import refuse_copied_entry, refuse_fresh_workbook, refuse_partial_copy
from s2p_assets.spreadsheet.rules import RuleViolation, TypedRows, final_violations, rule_violations
from s2p_assets.spreadsheet.sheet_names import bracketed_names
from s2p_assets.spreadsheet.stale_values import find_outside_values
from s2p_assets.spreadsheet.table_regions import TableRegion, cells_below, table_regions
from s2p_assets.spreadsheet.table_rows import table_rows
from s2p_assets.spreadsheet.truncation import OLD_LAST_ROW
from s2p_assets.spreadsheet.typed_table import TypedTable, read_typed_table
from s2p_assets.spreadsheet.units import contradiction
from s2p_assets.spreadsheet.unseen_marks import FORMATS_WITHOUT_MARKS, MARKS, unseen_marks
from s2p_assets.spreadsheet.wide_header import missing_periods

_log = logging.getLogger(__name__)


def read_file(
    path: Path,
    workbooks: Sequence[Workbook],
    display_name: str | None = None,
    others: Sequence[Workbook] = (),
    reference_values: ReferenceValuesByWorkbook | None = None,
) -> ReadResult:
    """`path` read against the contract among `workbooks` whose columns are found in it.

    `display_name`: its name on the share; `others`: contracts to name as nearest when none of `workbooks` fits.
    `reference_values`: what the workbooks hold that these refer to; without it references are not looked up.
    Never raises for what the file holds: a file that cannot be read has `ReadResult.error`. After
    5,000 findings of one rule in one column, one more says how many follow.
    """
    reading = ReadResult(file=Path(display_name) if display_name else path)
    every = list(dict.fromkeys([*workbooks, *others]))
    stated = {workbook.encoding for workbook in workbooks}
    encoding = stated.pop() if len(stated) == 1 else None
    try:
        reading.written = dt.datetime.fromtimestamp(path.stat().st_mtime).date()  # noqa: DTZ006  local time is meant
        with open_book(path, display_name, wanted_headers(every), encoding) as book:
            _read_book(book, reading, workbooks, every, {} if reference_values is None else reference_values)
    except WorkbookUnreadable as error:
        return _unreadable(reading, str(error))
    except FileNotFoundError:
        return _unreadable(reading, "the file is gone; it was deleted or renamed while it was read")
    except OSError as error:
        why = error.strerror or "read error"
        return _unreadable(reading, f"the file cannot be opened ({why}); check its permissions")
    except MemoryError:
        return _unreadable(reading, TOO_MUCH_MEMORY)
    except Exception:  # whatever a damaged file provokes in a parser is about that file alone
        _log.warning("%s could not be read", path, exc_info=True)
        return _unreadable(reading, DAMAGED)
    return reading


def _unreadable(reading: ReadResult, message: str) -> ReadResult:
    return ReadResult(file=reading.file, workbook=reading.workbook, error=message)


def _read_book(
    book: Book,
    reading: ReadResult,
    workbooks: Sequence[Workbook],
    every: Sequence[Workbook],
    reference_values: ReferenceValuesByWorkbook,
) -> None:
    whole = list(book.sheets())
    for sheet in whole if book.file_format == "xls" else ():
        sheet.marks.row_limit = OLD_LAST_ROW
    for sheet in whole if book.file_format in FORMATS_WITHOUT_MARKS else ():
        sheet.marks.unseen |= MARKS
    find_outside_values(whole)
    entered = any(isinstance(workbook, EnteredRows) for workbook in workbooks)
    if own := refuse_fresh_workbook(whole) or (None if entered else refuse_copied_entry(whole)):
        reading.findings.append(own)
        return
    sheets = [sheet for sheet in whole if sheet.name not in OWN_SHEETS]
    contract = best_matching_contract(sheets, workbooks, reading.file.name)
    if contract is None:
        reading.findings.append(nearest_contract(sheets, every, reading.file.name))
        return
    reading.workbook = contract.full_name
    if not contract.key and (double := refuse_partial_copy(whole, reading.file)):
        reading.findings.append(double)
        return
    findings = FindingCollector()
    if book.mislabelled:
        findings.add(Finding(None, None, None, None, "suffix", book.mislabelled, "notice"))
    if book.assumed_encoding:
        findings.add(_assumed_encoding(sheets, book.assumed_encoding))
    tables = _tables(sheets, contract, findings, reading)
    known = reference_values.get(contract.full_name, {}) if contract.references else {}
    _settle(reading, contract, tables, findings, known)


def _assumed_encoding(sheets: Sequence[Sheet], label: str) -> Finding:
    """Names the encoding that a text file was read in, with the first text by which a person sees if it is right."""
    for sheet in sheets:
        first: tuple[int, int, str] | None = None
        for number, cells in sheet.columns.items():
            odd = np.flatnonzero(~pc.string_is_ascii(cells.texts).to_numpy(zero_copy_only=False))
            if len(odd) and (first is None or int(cells.rows[odd[0]]) < first[0]):
                first = int(cells.rows[odd[0]]), number, str(cells.texts[int(odd[0])].as_py())
        if first:
            row, number, text = first
            message = f"the file does not say its encoding; it was read as {label}, which makes this '{quoted(text)}'"
            where = cell_address(row, number)
            return Finding(sheet.name, where, None, quoted(text), "encoding", message, "notice")
    return Finding(None, None, None, None, "encoding", f"the text was read as {label}", "notice")


def _tables(
    sheets: Sequence[Sheet], workbook: Workbook, findings: FindingCollector, reading: ReadResult
) -> list[TypedTable]:
    """The tables of all sheets that bear the contract's header."""
    tables: list[TypedTable] = []
    wanted = [matches_sheet(workbook, sheet.name) for sheet in sheets]
    headers = [
        (sheet, find_header(sheet, workbook, reading.file.name) if here else None)
        for sheet, here in zip(sheets, wanted, strict=True)
    ]
    best = max((header.score(workbook)[0] for _, header in headers if header), default=0.0)
    least = min(best, MIN_REQUIRED_SHARE)
    names = [sheet.name for sheet, header in headers if header and header.score(workbook)[0] >= least]
    for sheet, header in headers:
        if header is None or header.score(workbook)[0] < least:
            if len(sheet):
                findings.add(_not_read(sheet, workbook))
            continue
        if sheet.hidden:
            message = "the sheet is hidden; it was read"
            findings.add(Finding(sheet.name, None, None, None, "hidden_sheet", message, "notice"))
        for finding in unseen_marks(sheet, workbook):
            findings.add(finding)
        for finding in bracketed_names(names, sheet.name, header, workbook):
            findings.add(finding, whole_file=True)
        regions = table_regions(sheet, header, workbook, reading.file.name)
        reading.cells["ignored"] = reading.cells.get("ignored", 0) + regions.unread
        for finding in regions.findings:
            findings.add(finding, whole_file=True)
        twice = any(finding.severity == "reject" for finding in regions.findings)
        for region in regions.tables:
            _add_table(region, workbook, findings, reading, tables, twice)
    return tables


def _add_table(
    region: TableRegion,
    workbook: Workbook,
    findings: FindingCollector,
    reading: ReadResult,
    tables: list[TypedTable],
    unread: bool,
) -> None:
    """Reads one table into `tables`, unless it lacks columns or is `unread`: one of several that nobody asked for."""
    sheet, header = region.sheet, region.header
    periods = {one.number for one in header.melted}
    beside = [number for number in sorted(header.titles) if number not in periods]
    reading.headers[region.name] = [" ".join(header.titles[number].split()) for number in beside]
    reading.column_letters[region.name] = column_places(header, workbook)
    if above := _rows_above(sheet, header):
        findings.add(above)
    lacking = list(_missing_columns(sheet, header, workbook))
    for finding in lacking:
        findings.add(finding, whole_file=True)
    if unread or any(finding.severity == "reject" for finding in lacking):
        reading.cells["returned"] = reading.cells.get("returned", 0) + cells_below(sheet, header)
        reading.rows_read += len(table_rows(sheet, header, workbook).row_numbers)
    else:
        read = read_melted_table if header.melted else read_typed_table
        tables.append(read(region, workbook, reading.file, findings, reading.written))


def _rows_above(sheet: Sheet, header: Header) -> Finding | None:
    """Says that rows over the header look like a table of their own; titles and the like do not."""
    wide = max(3, (len(header.column_numbers) + 1) // 2)
    rows = [row for row, cells in rows_above(sheet, header).items() if len(cells) >= wide]
    if len(rows) < 2:
        return None
    message = f"{len(rows):,} rows above the header look like another table; they were not read"
    return Finding(sheet.name, cell_address(rows[0], 1), None, None, "above_header", message, "notice")


def _not_read(sheet: Sheet, workbook: Workbook) -> Finding:
    message = "the sheet holds no table of this kind; it was not read"
    if not matches_sheet(workbook, sheet.name):
        message = f"only sheets named {workbook.sheets} are read; this one was not"
    return Finding(sheet.name, None, None, None, "sheet", message, "notice")


def _missing_columns(sheet: Sheet, header: Header, workbook: Workbook) -> Iterable[Finding]:
    mapped = set(header.column_numbers.values())
    spare = {" ".join(text.split()): number for number, text in header.titles.items() if number not in mapped}
    row = f"row {header.bottom}" if header.top == header.bottom else f"rows {header.top} and {header.bottom}"
    first = min(header.titles, default=1)
    for column in header.missing:
        title = " ".join(column.headers[0].split())
        if not is_required(column) or column.melted or column.from_header:
            continue
        near = nearest_header(column, spare)
        hint = f"; did you mean '{near}'? Then rename it" if near else ""
        if near and folded(near) in folded_names(column):
            hint = f"; '{near}' is not taken for it, for what it says in brackets; rename it only if it is the same"
        elif near and (wrong := _said_beside(near, column)):
            hint = f"; '{near}' {wrong}"
        message = f"the header ({row}) has no column '{title}'{hint or '; add it'}"
        where = cell_address(header.bottom, spare.get(near or "", first))
        yield Finding(sheet.name, where, column.name, near, "missing_column", message)
    yield from header.findings
    if workbook.period:
        yield from missing_periods(sheet, header, workbook)
    for name, places in header.duplicates.items():
        cells = " and ".join(cell_address(header.bottom, place) for place in places)
        title = " ".join(header.titles[places[0]].split())
        message = f"two columns are named '{title}' ({cells}); rename the one that is not meant"
        yield Finding(sheet.name, cell_address(header.bottom, places[1]), name, title, "column_twice", message)


def _said_beside(header: str, column: Column) -> str:
    """What a header that begins with a name of the column says against the contract: `Price in TEUR`."""
    plain = header.casefold()
    names = [name for name in map(str.casefold, column.headers) if plain.startswith(name)]
    return contradiction(header[len(max(names, key=len)) :], column) if names else ""


def _settle(
    reading: ReadResult,
    workbook: Workbook,
    tables: list[TypedTable],
    findings: FindingCollector,
    values: ReferenceValues,
) -> None:
    """Puts the rules to all rows together, then draws the verdict."""
    arrow = _combined(tables, workbook)
    bad = np.concatenate([table.bad for table in tables]) if tables else np.zeros(0, dtype=bool)
    rows = TypedRows(arrow, [column.name for column in workbook.columns])
    place = _places(tables)
    said: set[tuple[str | None, str | None, str]] = set()
    refused = findings.refused_cells()
    for violation in chain(rule_violations(rows, workbook), missing_references(rows, workbook, values)):
        if refused and violation.position is not None and _is_unsure(violation, place, refused):
            continue
        finding = _finding(violation, place)
        where = (finding.sheet, finding.cell, finding.rule)
        if not workbook.period or violation.position is None or where not in said:
            findings.add(finding, whole_file=violation.position is None)
        said.add(where)  # one cell beside the periods stands in many rows
        if violation.position is not None and violation.severity == "reject":
            bad[violation.position] = True
    if not bad.all() and not findings.file_rejected:
        for violation in final_violations(rows, bad, workbook):
            findings.add(_finding(violation, place), whole_file=True)
    reading.sheet = ", ".join(dict.fromkeys(table.rows.sheet.name for table in tables)) or None
    _draw_verdict(reading, workbook, arrow, bad, findings)
    _count_cells(reading, tables, bad)
    if tables and not len(bad):
        name = tables[0].rows.sheet.name
        findings.add(Finding(name, None, None, None, "no_rows", "the table has its header but no rows", "notice"))
    reading.findings = findings.all()


def _combined(tables: list[TypedTable], workbook: Workbook) -> pyarrow.Table:
    """All rows of all tables: the contract's columns, then `_sheet` and `_row`."""
    schema = arrow_schema(workbook.columns)
    schema = schema.append(pyarrow.field("_sheet", pyarrow.string())).append(pyarrow.field("_row", pyarrow.int64()))
    parts = []
    for table in tables:
        arrays = [table.columns[column.name].cast(column.arrow_type) for column in workbook.columns]
        names = pyarrow.array([table.name]).take(pyarrow.array(np.zeros(len(table.bad), np.int32)))
        numbers = pyarrow.array(table.rows.row_numbers.astype(np.int64))
        parts.append(pyarrow.Table.from_arrays([*arrays, names, numbers], schema=schema))
    return pyarrow.concat_tables(parts).combine_chunks() if parts else schema.empty_table()


def _places(tables: list[TypedTable]) -> Callable[[int, str | None], tuple[str, str]]:
    """Position over all tables and column → sheet name and cell address."""
    ends = np.cumsum([len(table.bad) for table in tables])

    def place(position: int, column: str | None) -> tuple[str, str]:
        which = int(np.searchsorted(ends, position, side="right"))
        table = tables[which]
        first = int(ends[which]) - len(table.bad)
        return table.rows.sheet.name, table.address_of(position - first, column or "")

    return place


def _is_unsure(
    violation: RuleViolation, place: Callable[[int, str | None], tuple[str, str]], refused: set[tuple[str | None, str]]
) -> bool:
    """Whether a rule of rows looked at a cell that could not be read, which is said already and was no value to it."""
    return any(place(violation.position or 0, name) in refused for name in violation.looks_at)


def _finding(violation: RuleViolation, place: Callable[[int, str | None], tuple[str, str]]) -> Finding:
    if violation.position is None:
        return Finding(
            None, None, violation.column, violation.value, violation.rule, violation.message, violation.severity
        )
    sheet, cell = place(violation.position, violation.column)
    message = violation.message
    if violation.earlier is not None:
        other, where = place(violation.earlier, violation.column)
        message = f"{message} {where if other == sheet else f'{other} › {where}'}"
    return Finding(sheet, cell, violation.column, violation.value, violation.rule, message, violation.severity)


def _draw_verdict(
    reading: ReadResult,
    workbook: Workbook,
    arrow: pyarrow.Table,
    bad: npt.NDArray[np.bool_],
    findings: FindingCollector,
) -> None:
    unread = reading.rows_read  # those under a header that lacks a column
    reading.rows_read = len(bad) + unread
    returned = int(bad.sum())
    if findings.file_rejected:
        reading.verdict = "returned"
    elif not returned:
        reading.verdict = "accepted"
    elif returned < len(bad) and returned / len(bad) <= workbook.max_reject_rate:
        reading.verdict = "partly"
    else:
        reading.verdict = "returned"
    if reading.verdict == "returned":
        returned = reading.rows_read
    else:
        reading.rows = arrow if not returned else arrow.filter(pyarrow.array(~bad))
    reading.rows_returned = returned
    reading.rows_accepted = reading.rows_read - returned


def _count_cells(reading: ReadResult, tables: list[TypedTable], bad: npt.NDArray[np.bool_]) -> None:
    """Counts what stood in the file and, in the rows handed on, what became of it: two counts that must agree."""
    unread, others = reading.cells.get("returned", 0), reading.cells.get("ignored", 0)
    kept = ~bad if reading.rows is not None else np.zeros(len(bad), dtype=bool)
    counts, start = [], 0
    for table in tables:
        counts.append(table.cell_counts(kept[start : start + len(table.bad)]))
        start += len(table.bad)
    named, blank = sum(count.named for count in counts), sum(count.blank for count in counts)
    reading.cells = {
        "read": unread + others + sum(table.rows.below for table in tables),
        "loaded": count_values(reading.rows) - named + blank,
        "returned": unread + sum(count.returned for count in counts),
        "ignored": others + sum(table.rows.ignored for table in tables),
        "blank": blank,
        "named": named,
    }
