"""The rows of a wide table: one for each period of a sheet's row in which a value stands, each value with its own cell.

Which column is which period is found in `wide_header.py`; how a cell is read, in `cell_parser.py`.
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow

from s2p_assets.contracts.columns import Column
from s2p_assets.contracts.date_patterns import KIND_NAMES
from s2p_assets.contracts.findings import Finding, FindingCollector
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.spreadsheet.grid import Sheet, cell_address, column_letters, parse_cell_address
from s2p_assets.spreadsheet.header import Header
from s2p_assets.spreadsheet.periods import label_of_day
from s2p_assets.spreadsheet.table_regions import TableRegion
from s2p_assets.spreadsheet.table_rows import positions_of
from s2p_assets.spreadsheet.typed_table import CellCounts, TypedTable, read_typed_table

_IN = "@"
Bools = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class SheetContract(Workbook):
    """A wide contract as its sheet has it: a column of its own for each period."""

    sheet_columns: tuple[Column, ...] = ()

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        return self.sheet_columns


@dataclass
class MeltedTable(TypedTable):
    """The rows of a wide table, one per period with a value; `rows` counts them as `TableRows` counts sheet rows.

    `wide`: the table as it stands in the sheet. `wide_rows`: for each row, which of its rows it is from; `own`: for
    each row, its non-empty cells under its period, and those that say "no value". `beside`: the same of each sheet
    row's cells beside the periods. `period_of`: for each row, which period of `periods` it is of.
    """

    wide: TypedTable
    workbook: Workbook
    periods: list[Any]
    wide_rows: Places
    period_of: Places
    own_filled: Places
    own_blank: Places
    beside_filled: Places
    beside_blank: Places

    def address_of(self, position: int, name: str) -> str:
        """The address of a value: of a melted one under its period, of the period in the header."""
        header = self.rows.header
        period = self.periods[int(self.period_of[position])]
        here = [one for one in header.melted if one.period == period]
        if self.workbook.period and name == self.workbook.period.name:
            return here[0].period_cell
        if any(column.name == name for column in self.workbook.melted):
            number = next((one.number for one in here if one.name == name), here[0].number)
            return cell_address(int(self.rows.row_numbers[position]), number)
        return super().address_of(position, name)

    def cell_counts(self, kept: Bools) -> CellCounts:
        """What became of the cells; a cell beside the periods counts once, however many rows its value stands in."""
        beside = np.zeros(len(self.beside_filled), dtype=bool)
        beside[self.wide_rows[kept]] = True
        given_back = np.zeros(len(self.beside_filled), dtype=bool)
        given_back[self.wide_rows] = True
        given_back &= ~beside
        named = int(kept.sum()) + int(self.wide.rows.filled_down[beside].sum())
        for name, values in self.wide.columns.items():
            if name in self.workbook_columns_beside:
                valid = values.is_valid().to_numpy(zero_copy_only=False)
                once = int(valid[beside].sum()) if name in self.rows.header.column_numbers else 0
                named += int(valid[self.wide_rows[kept]].sum()) - once
        return CellCounts(
            returned=int(self.own_filled[~kept].sum() + self.beside_filled[given_back].sum()),
            blank=int(self.own_blank[kept].sum() + self.beside_blank[beside].sum()),
            named=named,
        )

    @property
    def workbook_columns_beside(self) -> frozenset[str]:
        """The contract's columns that stand beside the periods, or are taken from names."""
        return frozenset(
            column.name for column in self.workbook.columns if not column.melted and not column.from_header
        )


@dataclass
class _WideFindings(FindingCollector):
    """Findings about a wide table under the contract's own column names, kept back until it is melted.

    `bad`: the cells, by row and column number, that a finding rejects.
    """

    held: list[tuple[Finding, bool]] = field(default_factory=list)
    bad: set[tuple[int, int]] = field(default_factory=set)

    def add(self, finding: Finding, whole_file: bool = False) -> None:
        name = finding.column.partition(_IN)[0] if finding.column else None
        place = parse_cell_address(finding.cell)
        if place and finding.severity == "reject":
            self.bad.add(place)
        self.held.append((replace(finding, column=name), whole_file))


def column_places(header: Header, workbook: Workbook) -> dict[str, Any]:
    """Contract column → letters of its column in the sheet; of a wide table by period, and the period's own cells."""
    letters: dict[str, Any] = {name: column_letters(number) for name, number in header.column_numbers.items()}
    if workbook.period and header.melted:
        letters[workbook.period.name] = {one.period.isoformat(): one.period_cell for one in header.melted}
        for one in header.melted:
            letters.setdefault(one.name, {})[one.period.isoformat()] = column_letters(one.number)
    return letters


def read_melted_table(
    region: TableRegion, workbook: Workbook, file: Path, findings: FindingCollector, written: dt.date | None = None
) -> MeltedTable:
    """The rows of a wide table, with a finding for every cell that cannot be read.

    `written`: the day on which the file was saved, against which few dates are held.
    """
    collected = _WideFindings()
    contract, wide_header = sheet_contract(region.header, workbook)
    wide = read_typed_table(replace(region, header=wide_header), contract, file, collected, written)
    return _Melt(region.sheet, region.header, workbook, wide, collected).table(findings)


def sheet_contract(header: Header, workbook: Workbook) -> tuple[SheetContract, Header]:
    """The contract and header of the table as it stands: each column under a period is a column that may be empty."""
    melted = {column.name: column for column in workbook.melted}
    beside = [column for column in workbook.columns if not column.melted and not column.from_header]
    names = {one.number: f"{one.name}{_IN}{column_letters(one.number)}" for one in header.melted}
    under = [
        replace(melted[one.name], name=names[one.number], nullable=True, melted=False, checks=())
        for one in header.melted
    ]
    given = {each.name: getattr(workbook, each.name) for each in fields(workbook)}
    titles = tuple(header.titles[number] for number in header.left_out if number in header.titles)
    given["ignores"] = (*workbook.ignores, *titles)
    contract = SheetContract(**given, sheet_columns=(*beside, *under))
    numbers = header.column_numbers | {names[one.number]: one.number for one in header.melted}
    return contract, replace(header, column_numbers=numbers, melted=())


@dataclass
class _Melt:
    """One wide table on its way to rows. Grids have a row per sheet row and a column per period."""

    sheet: Sheet
    header: Header
    workbook: Workbook
    wide: TypedTable
    collected: _WideFindings

    def __post_init__(self) -> None:
        self.periods = list(dict.fromkeys(one.period for one in self.header.melted))
        self.place = {(one.name, one.period): one for one in self.header.melted}
        self.numbers = self.wide.rows.row_numbers
        shape = (len(self.numbers), len(self.periods))
        names = [column.name for column in self.workbook.melted]
        self.filled = {name: np.zeros(shape, dtype=bool) for name in names}
        self.valid = {name: np.zeros(shape, dtype=bool) for name in names}
        self.bad = {name: np.zeros(shape, dtype=bool) for name in names}
        bad_by_column: dict[int, list[int]] = {}
        for row, number in self.collected.bad:
            bad_by_column.setdefault(number, []).append(row)
        for at, period in enumerate(self.periods):
            for name in names:
                one = self.place.get((name, period))
                if one is None:
                    continue
                own = f"{name}{_IN}{column_letters(one.number)}"
                cells = self.wide.rows.cells.get(own)
                if cells is not None:
                    self.filled[name][positions_of(cells.rows, self.numbers), at] = True
                self.valid[name][:, at] = self.wide.columns[own].is_valid().to_numpy(zero_copy_only=False)
                if one.number in bad_by_column:
                    self.bad[name][np.isin(self.numbers, bad_by_column[one.number]), at] = True

    def table(self, findings: FindingCollector) -> MeltedTable:
        """The melted table; `findings` are told all that was found."""
        shape = (len(self.numbers), len(self.periods))
        valid, bad = _any(self.valid, shape), _any(self.bad, shape)
        keep = valid | bad
        own_filled = _sum(self.filled, shape)
        own_blank = _sum({name: self.filled[name] & ~self.valid[name] & ~self.bad[name] for name in self.filled}, shape)
        beside_filled = self.wide.rows.filled - own_filled.sum(axis=1)
        beside_blank = self.wide.blank - own_blank.sum(axis=1)
        gives_rows: Bools = np.asarray(keep.any(axis=1))
        wide_rows, period_of = np.nonzero(keep)
        ignored = int(own_filled[~keep].sum() + beside_filled[~gives_rows].sum())
        rows = replace(
            self.wide.rows,
            header=self.header,
            row_numbers=self.numbers[wide_rows],
            filled=own_filled[keep],
            ignored=self.wide.rows.ignored + ignored,
        )
        has_bad_value = bad.any(axis=1)
        beside_bad = self.wide.bad & (self._rows_bad_beside() | ~has_bad_value)
        table = MeltedTable(
            rows=rows,
            columns=self._columns(wide_rows, period_of),
            bad=bad[keep] | beside_bad[wide_rows],
            blank=own_blank[keep],
            name=self.wide.name,
            wide=self.wide,
            workbook=self.workbook,
            periods=self.periods,
            wide_rows=wide_rows,
            period_of=period_of,
            own_filled=own_filled[keep],
            own_blank=own_blank[keep],
            beside_filled=beside_filled,
            beside_blank=beside_blank,
        )
        self._tell(findings, gives_rows)
        for finding in self._empty(table, keep):
            findings.add(finding)
        return table

    def _rows_bad_beside(self) -> Bools:
        """The sheet's rows with a rejected cell beside the periods."""
        under = {one.number for one in self.header.melted}
        rows = [row for row, number in self.collected.bad if number not in under]
        return np.isin(self.numbers, rows)

    def _columns(self, wide_rows: Places, period_of: Places) -> dict[str, pyarrow.Array]:
        columns = {}
        count = len(self.numbers)
        which = pyarrow.array(wide_rows)
        for column in self.workbook.columns:
            if column.from_header:
                days = pyarrow.array(self.periods, column.arrow_type)
                columns[column.name] = days.take(pyarrow.array(period_of))
            elif column.melted:
                parts = [self._under(column, period, count) for period in self.periods]
                values = pyarrow.concat_arrays(parts) if parts else pyarrow.nulls(0, column.arrow_type)
                columns[column.name] = values.take(pyarrow.array(period_of * count + wide_rows))
            else:
                columns[column.name] = self.wide.columns[column.name].take(which)
        return columns

    def _under(self, column: Column, period: Any, count: int) -> pyarrow.Array:
        one = self.place.get((column.name, period))
        if one is None:
            return pyarrow.nulls(count, column.arrow_type)
        return self.wide.columns[f"{column.name}{_IN}{column_letters(one.number)}"].cast(column.arrow_type)

    def _tell(self, findings: FindingCollector, gives_rows: Bools) -> None:
        """Hands on what was found, but not of rows that give none; these are named once."""
        empty = self.numbers[~gives_rows]
        silent = {int(row) for row in empty}
        for finding, whole_file in self.collected.held:
            place = parse_cell_address(finding.cell)
            if whole_file or place is None or place[0] not in silent or place[1] not in self._read_numbers:
                findings.add(finding, whole_file)
        if len(empty):
            row = int(empty[0])
            first = min(self.sheet.row(row), default=1)
            over = self.workbook.period.from_header if self.workbook.period else None
            kind = KIND_NAMES[over] if over else "period"
            more = f"; {len(empty):,} such rows gave none" if len(empty) > 1 else "; it gave no row"
            message = f"the row has no value under any {kind}{more}"
            said = self.sheet.row(row).get(first)
            findings.add(Finding(self.sheet.name, cell_address(row, first), None, said, "no_values", message, "notice"))

    @property
    def _read_numbers(self) -> set[int]:
        return {*self.header.column_numbers.values(), *(one.number for one in self.header.melted)}

    def _empty(self, table: MeltedTable, keep: Bools) -> Iterator[Finding]:
        """A finding for each value that must be filled and is not, while another one of its period is."""
        if len(self.workbook.melted) < 2:
            return
        over = self.workbook.period
        kind, fiscal = (over.from_header, over.fiscal) if over else (None, None)
        for column in self.workbook.melted:
            if column.nullable or kind is None:
                continue
            lacking = (~self.valid[column.name] & ~self.bad[column.name])[keep]
            title = " ".join(column.headers[0].split())
            for position in np.flatnonzero(lacking).tolist():
                period = self.periods[int(table.period_of[position])]
                message = f"'{title}' of {label_of_day(period, kind, fiscal)} is empty, though it has other values"
                where = table.address_of(position, column.name)
                table.bad[position] = True
                yield Finding(self.sheet.name, where, column.name, None, "required", message)


def _any(grids: dict[str, Bools], shape: tuple[int, int]) -> Bools:
    found = np.zeros(shape, dtype=bool)
    for grid in grids.values():
        found |= grid
    return found


def _sum(grids: dict[str, Bools], shape: tuple[int, int]) -> Places:
    found = np.zeros(shape, dtype=np.int64)
    for grid in grids.values():
        found += grid
    return found
