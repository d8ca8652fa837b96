"""Cells mended in a copy of a file: the new values are read, everything else stays, and nothing is left stale."""

import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlsxwriter

from s2p_assets.spreadsheet.book import open_book
from s2p_assets.spreadsheet.returned.mended import NOT_HERE, MendedCell, MendRequest, write_mended

READ = {"Orders": ["A", "B", "C", "D"]}


def book_of(path: Path, rows: list[list[Any]], **more: Any) -> Path:
    """A workbook written as Excel would; a text that begins with `=` is a formula with the value 1."""
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet("Orders")
        bold = book.add_format({"bold": True, "num_format": "0.00"})
        for row, values in enumerate(rows):
            for column, value in enumerate(values):
                if isinstance(value, str) and value.startswith("="):
                    sheet.write_formula(row, column, value, None, 1)
                else:
                    sheet.write(row, column, value, bold if more.get("bold") else None)
        for name in more.get("sheets", ()):
            book.add_worksheet(name).write(0, 0, "kept")
    return path


def mended(path: Path, *cells: MendedCell, read: Any = READ) -> tuple[str | None, Path]:
    target = path.with_name(f"mended{path.suffix}")
    return write_mended(MendRequest(path.name, cells, read), path, target), target


def cells_of(path: Path) -> dict[tuple[int, int], str]:
    with open_book(path, path.name) as book:
        sheet = next(iter(book.sheets()))
        return {(row, column): text for row in sheet.first_rows(50) for column, text in sheet.row(row).items()}


def test_new_values_are_read_and_everything_else_stays(tmp_path: Path) -> None:
    file = book_of(tmp_path / "a.xlsx", [["No", "Qty"], ["A", "n/a"], ["B", 2]], bold=True, sheets=["Notes"])
    wrong, target = mended(file, MendedCell("Orders", "B2", "3", True), MendedCell("Orders", "A3", "00 <7> & Söhne"))
    assert wrong is None
    before, after = cells_of(file), cells_of(target)
    assert after == before | {(2, 2): "3", (3, 1): "00 <7> & Söhne"}
    sheet = openpyxl.load_workbook(target)["Orders"]
    assert (sheet["B2"].value, sheet["B2"].font.bold, sheet["B2"].number_format) == (3, True, "0.00")
    with zipfile.ZipFile(file) as one, zipfile.ZipFile(target) as other:
        changed = [name for name in one.namelist() if one.read(name) != other.read(name)]
    assert changed == ["xl/worksheets/sheet1.xml"]


def test_a_cell_that_was_not_there_and_one_that_is_emptied(tmp_path: Path) -> None:
    file = book_of(tmp_path / "a.xlsx", [["No", "Qty", "Price"], ["A", None, 5], ["B", 2, 6]])
    wrong, target = mended(
        file, *(MendedCell("Orders", cell, text, True) for cell, text in (("B2", "4"), ("C9", "7"), ("B3", "")))
    )
    assert wrong is None
    assert cells_of(target) == {
        (1, 1): "No",
        (1, 2): "Qty",
        (1, 3): "Price",
        (2, 1): "A",
        (2, 2): "4",
        (2, 3): "5",
        (3, 1): "B",
        (3, 3): "6",
        (9, 3): "7",
    }
    assert openpyxl.load_workbook(target)["Orders"]["C9"].value == 7


@pytest.mark.parametrize(
    ("formula", "is_refused"),
    [
        ("=B2*C2", True),
        ("=SUM(B1:B9)", True),
        ("=SUM(B:B)", True),
        ("=$B$2", True),
        ("=E2", True),  # which is calculated from B2
        ('=INDIRECT("B2")', True),
        ("=rate*2", True),
        ("=Other!A1", True),
        ("=C2*2", False),
        ("=B3+C3", False),
        ('=IF(C2>1,"B2","")', False),
    ],
)
def test_what_is_calculated_from_a_mended_cell_is_not_left_stale(
    tmp_path: Path, formula: str, is_refused: bool
) -> None:
    rows: list[list[Any]] = [["No", "Qty", "Price", "Total", "x"], ["A", "n/a", 5, formula, "=B2"], ["B", 2, 6, 12, 1]]
    wrong, _ = mended(book_of(tmp_path / "a.xlsx", rows, sheets=["Other"]), MendedCell("Orders", "B2", "3", True))
    assert (wrong is not None) == is_refused
    assert wrong is None or "D2 is calculated" in wrong


def test_a_formula_filled_down_looks_at_its_own_row(tmp_path: Path) -> None:
    file = book_of(tmp_path / "a.xlsx", [["No", "Qty", "Price", "Total"], ["A", 1, 5, "=B2*C2"], ["B", 2, 6, "=1"]])
    shared = tmp_path / "shared.xlsx"
    with zipfile.ZipFile(file) as one, zipfile.ZipFile(shared, "w") as other:
        for name in one.namelist():
            content = one.read(name).decode() if name.endswith("sheet1.xml") else ""
            content = content.replace("<f>B2*C2</f>", '<f t="shared" ref="D2:D3" si="0">B2*C2</f>')
            content = content.replace("<f>1</f>", '<f t="shared" si="0"/>')
            other.writestr(name, content or one.read(name))
    wrong, _ = mended(shared, MendedCell("Orders", "B3", "9", True))
    assert wrong is not None
    assert "D3 is calculated" in wrong
    assert "formula that other cells share" in str(mended(shared, MendedCell("Orders", "D2", "9", True))[0])


def test_a_formula_that_gives_way_leaves_the_list_of_what_is_calculated(tmp_path: Path) -> None:
    file = book_of(tmp_path / "a.xlsx", [["No", "Qty"], ["A", "=1/0"]])
    chained = tmp_path / "chained.xlsx"
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/calcChain"
    override = '<Override PartName="/xl/calcChain.xml" ContentType="application/x"/></Types>'
    with zipfile.ZipFile(file) as one, zipfile.ZipFile(chained, "w") as other:
        for name in one.namelist():
            content = one.read(name).decode()
            if name == "[Content_Types].xml":
                content = content.replace("</Types>", override)
            if name == "xl/_rels/workbook.xml.rels":
                link = f'<Relationship Id="rId99" Type="{kind}" Target="calcChain.xml"/></Relationships>'
                content = content.replace("</Relationships>", link)
            other.writestr(name, content)
        other.writestr("xl/calcChain.xml", "<calcChain/>")
    wrong, target = mended(chained, MendedCell("Orders", "B2", "3", True))
    assert wrong is None
    with zipfile.ZipFile(target) as archive:
        assert not [name for name in archive.namelist() if "calcChain" in name]
        assert b"calcChain" not in archive.read("[Content_Types].xml") + archive.read("xl/_rels/workbook.xml.rels")
    assert openpyxl.load_workbook(target)["Orders"]["B2"].value == 3


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "cp1252"])
def test_a_text_keeps_its_delimiter_encoding_and_line_ends(tmp_path: Path, codec: str) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes('No;Name;Qty\r\nA;"Käse; alt";n/a\r\nB;Brot;2\r\n'.encode(codec))
    wrong, target = mended(file, MendedCell("a", "C2", "3,5"))
    assert wrong is None
    assert target.read_bytes().decode(codec) == 'No;Name;Qty\r\nA;"Käse; alt";3,5\r\nB;Brot;2\r\n'


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        (MendedCell("Nowhere", "B2", "3"), "no sheet"),
        (MendedCell("Orders", "2B", "3"), "is no cell"),
        (MendedCell("Orders", "XFE1", "3"), "is no cell"),
        (MendedCell("Orders", "B2", "a\x00b"), "no workbook can hold"),
    ],
)
def test_what_cannot_be_mended_is_said_in_one_line(tmp_path: Path, cell: MendedCell, says: str) -> None:
    wrong, _ = mended(book_of(tmp_path / "a.xlsx", [["No", "Qty"], ["A", "n/a"]]), cell)
    assert wrong is not None
    assert says in wrong
    assert "\n" not in wrong


def test_a_kind_of_file_that_is_not_mended_here_says_so(tmp_path: Path) -> None:
    file = tmp_path / "a.html"
    file.write_text("<html><body><table><tr><td>No</td></tr></table></body></html>")
    assert mended(file, MendedCell("a", "A1", "x"))[0] == NOT_HERE
    broken = tmp_path / "b.xlsx"
    broken.write_bytes(b"PK\x03\x04 broken")
    assert "cannot be mended" in str(mended(broken, MendedCell("a", "A1", "x"))[0]) or mended(broken)[0]
