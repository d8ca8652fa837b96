"""What a page shows of a file: the rows around a cell, the cell marked, whatever stands in it, and never an error."""

import datetime as dt
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from s2p_assets.spreadsheet.sheet_window import SheetWindow, read_window


def workbook(folder: Path, rows: list[list[Any]], name: str = "Stock.xlsx") -> Path:
    book = openpyxl.Workbook()
    book.worksheets[0].title = "Hall B"
    for row in rows:
        book.worksheets[0].append(row)
    book.save(folder / name)
    return folder / name


def shown(window: SheetWindow) -> dict[str, str]:
    return {cell.address: cell.text for _, row in window.rows for cell in row}


def test_the_rows_around_a_cell_and_the_header_are_shown_and_the_cell_is_marked(tmp_path: Path) -> None:
    rows: list[list[Any]] = [["SKU", "Counted", "Units"], *([f"A-{n}", dt.date(2026, 3, 1), n / 3] for n in range(60))]
    window = read_window(workbook(tmp_path, rows), "Stock.xlsx", "Hall B", ["C40"], 40)
    assert window.letters == ("A", "B", "C")
    assert [number for number, _ in window.rows] == [1, 2, *range(36, 45)]
    assert [cell.address for _, row in window.rows for cell in row if cell.marked] == ["C40"]
    assert shown(window)["B40"] == "2026-03-01"
    assert shown(window)["A1"] == "SKU"
    assert next(cell.kind for _, row in window.rows for cell in row if cell.marked) == "number"


def test_a_wide_sheet_is_shown_around_the_cell_with_what_names_its_row(tmp_path: Path) -> None:
    window = read_window(workbook(tmp_path, [list(range(300))] * 3), "Stock.xlsx", "Hall B", ["GR2"], 2)
    assert window.letters[0] == "A"
    assert "GR" in window.letters
    assert len(window.letters) < 20


def test_a_whole_sheet_is_shown_from_its_top_and_a_missing_cell_where_it_would_stand(tmp_path: Path) -> None:
    file = workbook(tmp_path, [["SKU", "Units"], ["A-1", 5]])
    assert [number for number, _ in read_window(file, "Stock.xlsx", "Hall B", [], 0).rows] == [1, 2]
    assert "D2" in shown(read_window(file, "Stock.xlsx", "Hall B", ["D2"], 2))


@pytest.mark.parametrize(
    ("name", "content"), [("Stock.csv", b"SKU;Units\nA-1;5\nA-2;7\n"), ("Renamed.csv", b"SKU;Units\nA-1;5\nA-2;7\n")]
)
def test_a_text_file_has_one_sheet_whatever_it_is_called(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    assert shown(read_window(tmp_path / name, name, "Stock", ["B3"], 3))["B3"] == "7"


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut off", b"\x00" * 5000])
def test_a_file_that_cannot_be_read_says_why_in_a_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "Bad.xlsx").write_bytes(content)
    window = read_window(tmp_path / "Bad.xlsx", "Bad.xlsx", "Hall B", ["A1"], 1)
    assert window.problem
    assert window.rows == ()


def test_a_sheet_that_is_not_there_is_said(tmp_path: Path) -> None:
    assert "no sheet 'Hall C'" in read_window(workbook(tmp_path, [["x"]]), "Stock.xlsx", "Hall C", [], 0).problem
