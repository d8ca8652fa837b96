"""One sheet's rows as typed columns: each cell read as its column declares, each that cannot be read a finding.

Which sheets bear a table, and the verdict of the file, are decided in `reading`; how a cell is read, in `cell_parser`.
"""

import datetime as dt
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt
import pyarrow
import pyarrow.compute as pc

from s2p_assets.contracts.columns import Column
from s2p_assets.contracts.date_patterns import format_example
from s2p_assets.contracts.findings import Finding, FindingCollector
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.spreadsheet.cell_parser import (
    CellError,
    ParsedColumn,
    cell_error,
    parse_cells,
    quoted,
    without_percent_sign,
)
from s2p_assets.spreadsheet.damaged_codes import (
    codes_of_six_digits,
    codes_shown_otherwise,
    damaged_codes,
    look_alikes,
    rounded_codes_perhaps,
)
from s2p_assets.spreadsheet.far_dates import far_dates, of_another_year
from s2p_assets.spreadsheet.grid import CellKind, Cells, Sheet, cell_address
from s2p_assets.spreadsheet.grouped_labels import repeated_values
from s2p_assets.spreadsheet.hidden_values import hidden_values
from s2p_assets.spreadsheet.mojibake import misread_texts, restored
from s2p_assets.spreadsheet.odd_codes import odd_codes
from s2p_assets.spreadsheet.price_units import price_unit_conflicts
from s2p_assets.spreadsheet.table_regions import TableRegion
from s2p_assets.spreadsheet.table_rows import TableRows, positions_of, spread_over_rows, table_rows
from s2p_assets.spreadsheet.text_values import find_date
from s2p_assets.spreadsheet.thousands import all_in_thousands, ambiguous_thousands, commas_among_semicolons
from s2p_assets.spreadsheet.total_rows import first_row_sums_up, is_summary_word, last_row_sums_up, sums_of_groups
from s2p_assets.spreadsheet.unit_columns import unit_column_conflicts
from s2p_assets.spreadsheet.units import ambiguous_percents, unit_conflicts, unit_formats
from s2p_assets.spreadsheet.volatile_values import volatile_values

_DATES = (CellKind.DATE, CellKind.ISO)
_SUMMABLE = ("number", "money", "integer")
_ENOUGH_CODES = 5
_NONE = np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True)
class CellCounts:
    """Of a table: cells of rows that are not kept, kept cells that say "no value", kept values without a cell."""

    returned: int
    blank: int
    named: int


@dataclass
class TypedTable:
    """One sheet's rows with typed columns.

    `bad` marks rows with a reject finding; `blank` counts per row the cells that say "no value". `name`: the sheet's,
    or where a sheet holds several tables, the sheet's and the cell of the table's header.
    """

    rows: TableRows
    columns: dict[str, pyarrow.Array]
    bad: npt.NDArray[np.bool_]
    blank: npt.NDArray[np.int64]
    name: str

    def address_of(self, position: int, name: str) -> str:
        """The address of a column's cell in a row; for a value from a name, the row's first cell."""
        number = self.rows.header.column_numbers.get(name, min(self.rows.header.column_numbers.values(), default=1))
        return cell_address(int(self.rows.row_numbers[position]), number)

    def cell_counts(self, kept: npt.NDArray[np.bool_]) -> CellCounts:
        """What became of the cells below the header when the rows for which `kept` holds are handed on."""
        absent = [values for name, values in self.columns.items() if name not in self.rows.header.column_numbers]
        named = int(kept.sum()) * sum(values.null_count < len(values) for values in absent)
        named += int(self.rows.filled_down[kept].sum())
        return CellCounts(int(self.rows.filled[~kept].sum()), int(self.blank[kept].sum()), named)


def read_typed_table(
    region: TableRegion, workbook: Workbook, file: Path, findings: FindingCollector, written: dt.date | None = None
) -> TypedTable:
    """The rows of a table with a finding for every cell that cannot be read; `file` may give absent columns.

    `written`: the day on which the file was saved, against which few dates are held.
    """
    sheet, header = region.sheet, region.header
    rows = table_rows(sheet, header, workbook)
    unsure = volatile_values(sheet, header, workbook.columns, rows.cells)
    for notice in (*rows.notices, *hidden_values(sheet, header, workbook.columns, rows.cells), *unsure):
        findings.add(notice)
    for finding in (*rows.of_file, *unit_conflicts(rows, workbook)):
        findings.add(finding, whole_file=True)
    count = len(rows.row_numbers)
    table = TypedTable(rows, {}, np.zeros(count, dtype=bool), np.zeros(count, np.int64), region.name)
    for column in workbook.columns:
        if column.name in header.column_numbers:
            _read_column(table, column, findings, written)
        else:
            table.columns[column.name] = _absent_column(table, column, file, findings)
            for far in itertools.islice(far_dates(table.columns[column.name][:1], column, written).values(), 1):
                found = Finding(sheet.name, None, column.name, far.value, far.rule, far.message)
                findings.add(found, whole_file=True)
    for finding, place in (*unit_column_conflicts(rows, workbook), *price_unit_conflicts(rows, workbook)):
        findings.add(finding, whole_file=place is None)
        if place is not None:
            table.bad[place] = True
    for row, finding in rows.rejects.items():
        findings.add(finding)
        table.bad[np.searchsorted(rows.row_numbers, row)] = True
    if (
        last := _unnamed_total(table, workbook)
        or _last_row_of_words(table, workbook)
        or _last_row_named(table, workbook)
    ):
        findings.add(last)
    return table


def _unnamed_total(table: TypedTable, workbook: Workbook) -> Finding | None:
    """Says that a row's numbers are the sums of others, of all or of its group, though nothing calls it a total."""
    count = len(table.bad)
    kinds = {column.name: column.kind for column in workbook.columns if column.kind in _SUMMABLE}
    numbers = {name: table.columns[name] for name in kinds if name in table.rows.cells and count}
    last = {name: values for name, values in numbers.items() if values[-1].is_valid}
    if not last or table.bad[-1]:
        return None
    floats = {
        name: pc.fill_null(values.cast(pyarrow.float64(), safe=False), np.nan).to_numpy(zero_copy_only=False)
        for name, values in last.items()
    }
    place, what = count - 1, "the last row's numbers are the sums of all rows above"
    if not last_row_sums_up(floats):
        if first_row_sums_up(floats):
            place, what = 0, "the first row's numbers are the sums of all rows below"
        elif (group := sums_of_groups(floats)) is not None:
            place, what = group, "the row's numbers are the sums of the rows beside it, as in every other group"
        else:
            return None
    where = cell_address(int(table.rows.row_numbers[place]), table.rows.header.column_numbers[next(iter(last))])
    message = f"{what}; it was read as a row. Delete it if it is a total"
    return Finding(table.rows.sheet.name, where, None, None, "totals", message, "notice")


def _last_row_of_words(table: TypedTable, workbook: Workbook) -> Finding | None:
    """Says that the last row is named by words, as `of which blocked`, where all rows above have codes with digits."""
    column = next((column for column in workbook.columns if column.kind == "code"), None)
    if column is None or column.name not in table.rows.cells or len(table.bad) <= _ENOUGH_CODES or table.bad[-1]:
        return None
    codes = table.columns[column.name]
    last = str(codes[-1].as_py() or "")
    if not last or any(map(str.isdigit, last)) or (" " not in last and last.isupper()):
        return None
    if not pc.all(pc.fill_null(pc.match_substring_regex(codes[:-1], r"\d"), False)).as_py():
        return None
    where = table.address_of(len(codes) - 1, column.name)
    message = f"'{quoted(last)}' has no digit, as all codes above have; it was read as a row. Delete it if it is none"
    return Finding(table.rows.sheet.name, where, column.name, last, "last_row", message, "notice")


def _last_row_named(table: TypedTable, workbook: Workbook) -> Finding | None:
    """Says that one of the texts of the last row is a word for a total or an average, which stands in no other row."""
    if len(table.bad) <= _ENOUGH_CODES or table.bad[-1] or not workbook.totals:
        return None
    for column in workbook.columns:
        if column.kind in ("text", "code") and column.name in table.rows.cells:
            values = table.columns[column.name]
            last = str(values[-1].as_py() or "")
            if is_summary_word(last, workbook) and not pc.any(pc.equal(values[:-1], last)).as_py():
                message = f"the last row says '{quoted(last)}'; it was read as a row. Delete it if it sums up others"
                where = table.address_of(len(values) - 1, column.name)
                return Finding(table.rows.sheet.name, where, column.name, last, "totals", message, "notice")
    return None


def _read_column(table: TypedTable, column: Column, findings: FindingCollector, written: dt.date | None) -> None:
    rows = table.rows
    cells = rows.cells.get(column.name)
    unread: dict[int, CellError] = {}
    blanks: dict[int, str] = {}
    if cells is None:
        table.columns[column.name] = pyarrow.nulls(len(rows.row_numbers), column.arrow_type)
    else:
        parsed = parse_cells(cells, column, rows.sheet)
        parsed.errors |= _unclear(table, column, cells, parsed) | far_dates(parsed.values, column, written)
        position = positions_of(cells.rows, rows.row_numbers)
        table.columns[column.name] = spread_over_rows(parsed.values, cells.rows, rows.row_numbers)
        unread = {int(position[place]): problem for place, problem in parsed.errors.items()}
        blanks = {int(position[place]): text for place, text in parsed.missing.items()}
        for notice in _doubtful_values(table, column, cells, parsed, position):
            findings.add(notice)
    table.blank[list(blanks)] += 1
    problems = unread if column.nullable else _with_empty(table.columns[column.name], unread, blanks, column)
    for place in sorted(problems):
        problem = problems[place]
        where = table.address_of(place, column.name)
        findings.add(Finding(rows.sheet.name, where, column.name, problem.value or None, problem.rule, problem.message))
        table.bad[place] = True


def _unclear(table: TypedTable, column: Column, cells: Cells, parsed: ParsedColumn) -> dict[int, CellError]:
    """The cells that were read but may mean something else, or have lost something before they came here."""
    sheet, header = table.rows.sheet, table.rows.header
    title = header.titles.get(header.column_numbers[column.name], "")
    unclear = damaged_codes(cells, column, sheet) | ambiguous_percents(cells, parsed.values, sheet, title, column)
    unclear |= ambiguous_thousands(cells, parsed.values, column) | repeated_values(cells, column)
    unclear |= commas_among_semicolons(cells, parsed.values, column, sheet)
    return unclear | {
        place: problem for place, problem in unit_formats(cells, column, sheet).items() if place not in parsed.errors
    }


def _doubtful_values(
    table: TypedTable, column: Column, cells: Cells, parsed: ParsedColumn, position: npt.NDArray[np.int64]
) -> Iterator[Finding]:
    """Notices about cells that were taken as something that their author may not see in them."""
    for written, places in parsed.replaced.items():
        yield _replaced_cells(table, column, written, position[places])
    if column.kind == "text" and (dates := _dates_taken(cells, parsed)).size:
        yield _dates_in_words(table, column, position[dates])
    misread = misread_texts(parsed.values) if column.kind in ("text", "code") else _NONE
    if misread.size:
        yield _misread(table, column, parsed.values, misread, position)
    yield from _doubtful_codes(table, column, cells, parsed, position)
    for of_year, message in of_another_year(parsed.values, column):
        if of_year in parsed.errors:
            continue
        where, text = table.address_of(int(position[of_year]), column.name), str(parsed.values[of_year].as_py())
        yield Finding(table.rows.sheet.name, where, column.name, text, "another_year", message, "notice")
    if (place := all_in_thousands(cells, column)) is not None:
        where, text = table.address_of(int(position[place]), column.name), str(cells.texts[place].as_py()).strip()
        message = (
            f"'{text}' was read as thousands, as all of the column; if they are decimals, the contract says decimal=','"
        )
        yield Finding(table.rows.sheet.name, where, column.name, text, "thousands", message, "notice")
    if column.kind == "percent" and (bare := without_percent_sign(cells, parsed.values, table.rows.sheet)):
        doubtful = [int(position[place]) for place in bare if place not in parsed.errors]
        if doubtful:
            yield _bare_shares(table, column, doubtful)


def _doubtful_codes(
    table: TypedTable, column: Column, cells: Cells, parsed: ParsedColumn, position: npt.NDArray[np.int64]
) -> Iterator[Finding]:
    """Notices about codes that look like others, or are not what the cell shows or once held."""
    for place, code, message in look_alikes(parsed.values, column):
        where = table.address_of(int(position[place]), column.name)
        yield Finding(table.rows.sheet.name, where, column.name, code, "look_alike", message, "notice")
    for odd in odd_codes(cells, parsed.values, column):
        if odd.place not in parsed.errors:
            where = table.address_of(int(position[odd.place]), column.name)
            yield Finding(table.rows.sheet.name, where, column.name, odd.text, odd.rule, odd.message, "notice")
    for place in codes_shown_otherwise(cells, column, table.rows.sheet)[:1].tolist():
        where, text = table.address_of(int(position[place]), column.name), str(parsed.values[place].as_py())
        message = f"the cell holds '{text}' and shows more by its format; type the whole code as text if that is meant"
        yield Finding(table.rows.sheet.name, where, column.name, text, "shown_code", message, "notice")
    for place in rounded_codes_perhaps(cells, column)[:1].tolist():
        where, text = table.address_of(int(position[place]), column.name), str(cells.texts[place].as_py())
        message = f"'{text}' ends in zeros from its 16th digit on; if Excel rounded it, enter it as text"
        yield Finding(table.rows.sheet.name, where, column.name, text, "rounded", message, "notice")
    for place in codes_of_six_digits(cells, column)[:1].tolist():
        where, text = table.address_of(int(position[place]), column.name), str(cells.texts[place].as_py())
        message = f"'{text}' ends in zeros from its 7th digit on; if a program shortened it, enter it as text"
        yield Finding(table.rows.sheet.name, where, column.name, text, "rounded", message, "notice")


def _replaced_cells(table: TypedTable, column: Column, written: str, places: npt.NDArray[np.int64]) -> Finding:
    """Says that cells were taken for what the contract says they mean."""
    more = f" ({len(places):,} such cells)" if len(places) > 1 else ""
    message = f"'{written}' was read as '{dict(column.replace)[written]}', as agreed for this column{more}"
    where = table.address_of(int(places[0]), column.name)
    return Finding(table.rows.sheet.name, where, column.name, written, "replace", message, "notice")


def _misread(
    table: TypedTable,
    column: Column,
    values: pyarrow.Array,
    places: npt.NDArray[np.int64],
    position: npt.NDArray[np.int64],
) -> Finding:
    """Says that texts look as if their letters were lost or taken for others before the file came here."""
    text = str(values[int(places[0])].as_py())
    right = f", perhaps '{quoted(restored(text))}'" if restored(text) != text else ""
    more = f" ({len(places):,} such cells)" if len(places) > 1 else ""
    message = f"'{quoted(text)}' looks wrongly decoded{right}{more}; export it again, as 'CSV UTF-8'"
    where = table.address_of(int(position[places[0]]), column.name)
    return Finding(table.rows.sheet.name, where, column.name, quoted(text), "encoding", message, "notice")


def _bare_shares(table: TypedTable, column: Column, places: list[int]) -> Finding:
    """Says that 25 was read as 2,500 %, which is what it says, and perhaps not what is meant."""
    value = table.columns[column.name][places[0]].as_py()
    more = f" ({len(places):,} such cells)" if len(places) > 1 else ""
    message = f"{value:g} has no percent sign and was read as {value:,.4g} times the whole{more}"
    where = table.address_of(places[0], column.name)
    return Finding(table.rows.sheet.name, where, column.name, f"{value:g}", "bare_share", message, "notice")


def _dates_taken(cells: Cells, parsed: ParsedColumn) -> npt.NDArray[np.int64]:
    """The positions of date cells that were read as texts."""
    dates = np.isin(cells.kinds, _DATES)
    return np.flatnonzero(dates & parsed.values.is_valid().to_numpy(zero_copy_only=False)) if dates.any() else _NONE


def _dates_in_words(table: TypedTable, column: Column, places: npt.NDArray[np.int64]) -> Finding:
    """Says that a text column took a real date by its ISO form, whatever form the sheet shows."""
    value = table.columns[column.name][int(places[0])].as_py()
    more = f" ({len(places):,} such cells)" if len(places) > 1 else ""
    message = f"the cell holds a date, which was read as the text '{value}'{more}; format it as text if it is none"
    where = table.address_of(int(places[0]), column.name)
    return Finding(table.rows.sheet.name, where, column.name, value, "date_in_text", message, "notice")


def _with_empty(
    values: pyarrow.Array, unread: dict[int, CellError], blanks: dict[int, str], column: Column
) -> dict[int, CellError]:
    """`unread` and every empty cell of a column that must be filled."""
    problems = dict(unread)
    if values.null_count:
        empty = CellError("required", f"'{' '.join(column.headers[0].split())}' is empty", "")
        for place in np.flatnonzero(values.is_null().to_numpy(zero_copy_only=False)):
            text = blanks.get(int(place), "")
            written = CellError("required", cell_error(text, column).message, text) if text.strip() else empty
            problems.setdefault(int(place), written)
    return problems


def _absent_column(table: TypedTable, column: Column, file: Path, findings: FindingCollector) -> pyarrow.Array:
    """The column's value from the sheet's or file's name, where the contract takes it from there; else nulls."""
    count = len(table.rows.row_numbers)
    sheet, header = table.rows.sheet.name, table.rows.header
    first = cell_address(header.bottom, min(header.titles, default=1))
    names = {"sheet": sheet, "file": PurePosixPath(file).stem}
    for source in column.value_from:
        value = _value_of_name(names[source], column)
        if value is not None:
            return pyarrow.array([value] * count, column.arrow_type)
    if column.value_from and not column.nullable:
        patterns = " or ".join(map(format_example, _patterns(column)))
        sources = " and ".join(f"the {source}'s name '{names[source]}'" for source in column.value_from)
        wanted = f"holds no date written as {patterns}" if column.kind in ("date", "timestamp") else "gives none"
        title = " ".join(column.headers[0].split())
        message = f"the sheet has no column '{title}' and {sources} {wanted}; add the column or rename"
        findings.add(Finding(sheet, first, column.name, None, "missing_column", message), whole_file=True)
    elif not column.nullable and count:
        message = f"the sheet has no column '{' '.join(column.headers[0].split())}'; it must be filled"
        findings.add(Finding(sheet, first, column.name, None, "missing_column", message), whole_file=True)
    return pyarrow.nulls(count, column.arrow_type)


def _patterns(column: Column) -> tuple[str, ...]:
    return column.formats or ("%Y-%m-%d", "%Y-%m")


def _value_of_name(name: str, column: Column) -> object:
    if column.kind in ("date", "timestamp"):
        for pattern in _patterns(column):
            found = find_date(name, pattern, column.fiscal)
            if found is not None:
                return found.date() if column.kind == "date" else found
        return None
    return _convert(name.strip(), column)


def _convert(text: str, column: Column) -> object:
    cells = Cells(np.array([1], np.int32), np.array([CellKind.TEXT], np.int8), pyarrow.array([text]))
    return parse_cells(cells, column, Sheet("")).values[0].as_py()
