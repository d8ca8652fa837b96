"""Promises about a column that a sheet lacks: the header cell at fault is marked, and the rows under it are counted."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import openpyxl
import xlsxwriter

from s2p_assets.contracts.columns import Code, Date, Integer, Row, column
from s2p_assets.contracts.findings import Finding, ReadResult
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.spreadsheet.reading import read_file
from s2p_assets.spreadsheet.returned.copies import write_returned


class StockRow(Row):
    """One line of stock."""

    article: Code = column("Article", description="article")
    pieces: Integer = column("Pieces", description="pieces")
    place: Code = column("Place", description="place")


class DatedRow(Row):
    """One line of stock on a day."""

    article: Code = column("Article", description="article")
    day: Date = column("Day", description="day", value_from="sheet")


STOCK = Workbook(rows=StockRow, path="**", owner="s@example.org")
DATED = Workbook(rows=DatedRow, path="**", owner="s@example.org")


def book(path: Path, sheets: Mapping[str, Sequence[Sequence[object]]]) -> Path:
    with xlsxwriter.Workbook(path) as made:
        for name, rows in sheets.items():
            page = made.add_worksheet(name)
            for number, cells in enumerate(rows):
                page.write_row(number, 0, cells)
    return path


def missing(reading: ReadResult) -> list[Finding]:
    return [finding for finding in reading.findings if finding.rule == "missing_column"]


def test_the_cell_that_is_probably_meant_is_marked_and_the_rows_count_as_read(tmp_path: Path) -> None:
    rows: list[list[object]] = [["Stock"], ["Article", "Piecse", "Place"], ["a", 1, "x"], ["b", 2, "y"], ["Total", 3]]
    path = book(tmp_path / "s.xlsx", {"March": rows})
    reading = read_file(path, [STOCK])
    (found,) = missing(reading)
    assert (found.sheet, found.cell, found.value) == ("March", "B2", "Piecse")
    assert (reading.rows_read, reading.rows_returned, reading.rows_accepted) == (2, 2, 0)
    assert reading.verdict == "returned"
    copy = write_returned(path, reading, tmp_path / "out" / "s.xlsx", name="s.xlsx", owner="s")
    marked = openpyxl.load_workbook(copy)["March"]
    assert marked["B2"].fill.fgColor.rgb.endswith("FFC4C9")
    assert "did you mean" in marked["B2"].comment.text


def test_a_column_that_is_nowhere_is_told_at_the_head_of_the_table(tmp_path: Path) -> None:
    path = book(tmp_path / "s.xlsx", {"March": [["", "Article", "Pieces"], ["", "a", 1]]})
    reading = read_file(path, [STOCK])
    assert [finding.cell for finding in missing(reading)] == ["B1"]
    assert reading.rows_read == 1


def test_rows_of_sheets_that_lack_nothing_are_counted_with_the_others(tmp_path: Path) -> None:
    good: list[list[object]] = [["Article", "Pieces", "Place"], ["a", 1, "x"]]
    path = book(tmp_path / "s.xlsx", {"March": good, "April": [["Article", "Pieces"], ["a", 1], ["b", 1]]})
    reading = read_file(path, [STOCK])
    assert (reading.verdict, reading.rows_read, reading.rows_returned) == ("returned", 3, 3)


def test_a_date_that_no_name_gives_is_told_at_the_header_too(tmp_path: Path) -> None:
    reading = read_file(book(tmp_path / "s.xlsx", {"Sheet1": [["Article"], ["a"]]}), [DATED])
    assert [finding.cell for finding in missing(reading)] == ["A1"]
    assert reading.rows_read == 1
