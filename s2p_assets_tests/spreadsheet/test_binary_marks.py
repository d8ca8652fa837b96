"""Promises of what `.xls` and `.xlsb` say besides values: it is read as in an `.xlsx`, or it is said what was not."""

import shutil
import struct
import subprocess
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter
from openpyxl.comments import Comment
from openpyxl.styles import Font, PatternFill

from s2p_assets.contracts.columns import Code, Number, Row, column
from s2p_assets.contracts.findings import ReadResult
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.spreadsheet.reading import read_file
from s2p_assets_tests.spreadsheet.test_binary_workbooks import record, wide
from s2p_assets_tests.spreadsheet.test_unreadable_files import biff8, label, number, text8
from s2p_assets_tests.spreadsheet.test_unreadable_files import record as old_record


class Stock(Row):
    """Pieces of an article."""

    __module__ = "shelf.binary_stock"

    article: Code = column("Article", description="article")
    pieces: Number = column("Pieces", description="pieces")


STOCK = Workbook(rows=Stock, path="*", owner="o@example.org")
STRICT = replace(STOCK, where_struck="leave_out", where_filled={"yellow": "leave_out"}, where_commented="leave_out")
ROWS = (("A1", 3), ("A2", 8), ("A3", 21), ("A4", 35))


def rules(reading: ReadResult) -> list[tuple[str | None, str]]:
    assert reading.error is None
    return sorted((one.cell, one.rule) for one in reading.findings)


# -- .xls, as LibreOffice writes it ------------------------------------------------------------------------------------


def _marked(path: Path) -> None:
    book = openpyxl.Workbook()
    page = book.active
    page.append(["Article", "Pieces"])
    for row in ROWS:
        page.append(row)
    for cell in page[2]:
        cell.font = Font(strike=True)
    for cell in page[3]:
        cell.fill = PatternFill("solid", start_color="FFFF00")
    page["B4"].comment = Comment("really 50, typo", "Ann")
    page["B5"].font = Font(color="FFFFFFFF")
    page.column_dimensions["A"].hidden = True
    book.save(path)


def _summed(path: Path) -> None:
    with xlsxwriter.Workbook(path) as book:
        page = book.add_worksheet()
        page.write_row(0, 0, ["Article", "Pieces"])
        for row, cells in enumerate(ROWS, 1):
            page.write_row(row, 0, cells)
        page.write(5, 0, "A5")
        page.write_formula(5, 1, "=SUBTOTAL(9,B2:B5)", value=67)
        page.write(6, 0, "A6")
        page.write_formula(6, 1, "=RAND()*2", value=1)
        page.write(7, 0, "A7")
        page.write_formula(7, 1, "='[Rates.xlsx]S'!B2", value=5)


@pytest.fixture(scope="module")
def old_books(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not shutil.which("soffice"):
        pytest.skip("needs LibreOffice")
    folder = tmp_path_factory.mktemp("old")
    _marked(folder / "marked.xlsx")
    _summed(folder / "summed.xlsx")
    profile = f"-env:UserInstallation=file://{folder}/profile"
    command = ["soffice", profile, "--headless", "--convert-to", "xls", "--outdir", str(folder)]
    subprocess.run([*command, *map(str, folder.glob("*.xlsx"))], check=True, capture_output=True, timeout=180)
    return folder


def test_looks_and_comments_of_an_xls_are_read_as_in_an_xlsx(old_books: Path) -> None:
    told = [
        ("A1", "hidden_column"),
        ("A2", "struck_row"),
        ("B4", "comment"),
        ("B5", "hidden_value"),
    ]
    assert rules(read_file(old_books / "marked.xlsx", [STOCK])) == told
    assert rules(read_file(old_books / "marked.xls", [STOCK])) == told
    reading = read_file(old_books / "marked.xls", [STRICT])
    assert reading.rows is not None
    assert reading.rows["article"].to_pylist() == ["A4"]


def test_formulas_of_an_xls_are_read_as_in_an_xlsx(old_books: Path) -> None:
    told = [("A6", "totals"), ("B7", "volatile"), ("B8", "other_workbook")]
    assert rules(read_file(old_books / "summed.xlsx", [STOCK])) == told
    reading = read_file(old_books / "summed.xls", [STOCK])
    assert rules(reading) == told
    assert "'Rates.xlsx'" in next(one.message for one in reading.findings if one.rule == "other_workbook")


# -- .xls as its records, [MS-XLS] -------------------------------------------------------------------------------------


def _xls(path: Path, cells: list[bytes], titles: tuple[str, ...] = ("Article", "Pieces", "A1", "A2")) -> Path:
    table = struct.pack("<II", len(titles), len(titles)) + b"".join(map(text8, titles))
    path.write_bytes(biff8(old_record(0xFC, table), cells))
    return path


def _formula(row: int, at: int, value: float, code: bytes) -> bytes:
    return old_record(6, struct.pack("<HHHdHIH", row, at, 0, value, 0, 0, len(code)) + code)


def test_an_xls_that_calculates_by_hand_is_told(tmp_path: Path) -> None:
    double = struct.pack("<BHHBHB", 0x44, 1, 0xC000, 0x1E, 2, 0x05)  # A2*2
    cells = [label(0, 0, 0), label(0, 1, 1), label(1, 0, 2), _formula(1, 1, 5, double)]
    by_hand = _xls(tmp_path / "hand.xls", [old_record(0x0D, b"\0\0"), *cells])
    assert rules(read_file(by_hand, [STOCK])) == [("B2", "manual_calculation")]
    assert rules(read_file(_xls(tmp_path / "auto.xls", [old_record(0x0D, b"\1\0"), *cells]), [STOCK])) == []


def test_the_total_row_of_a_table_in_an_xls_is_left_out(tmp_path: Path) -> None:
    place = struct.pack("<4H", 0, 2, 0, 1)
    table = struct.pack("<HH8sHBIHIH", 0x0872, 0, place, 5, 0, 0, 1, 0, 0) + place + struct.pack("<4I", 0, 1, 1, 1)
    cells = [label(0, 0, 0), label(0, 1, 1), label(1, 0, 2), number(1, 1, 5), label(2, 0, 3), number(2, 1, 9)]
    reading = read_file(_xls(tmp_path / "x.xls", [*cells, old_record(0x0872, table)]), [STOCK])
    assert (rules(reading), reading.rows_accepted) == ([("A3", "totals")], 1)


@pytest.mark.parametrize(("columns", "told"), [(256, [("IV1", "cut_off")]), (255, [])])
def test_an_xls_that_is_full_to_its_last_column_is_told(
    tmp_path: Path, columns: int, told: list[tuple[str, str]]
) -> None:
    titles = ("Article", "Pieces", *(f"Note {place}" for place in range(2, columns)), "A1")
    cells = [*(label(0, place, place) for place in range(columns)), label(1, 0, columns), number(1, 1, 5)]
    ignoring = replace(STOCK, ignores=titles[2:-1])
    assert rules(read_file(_xls(tmp_path / "x.xls", cells, titles), [ignoring])) == told


@pytest.mark.parametrize(("row", "verdict"), [(65_536, "returned"), (65_535, "accepted")])
def test_an_xls_that_is_full_to_its_last_row_goes_back(tmp_path: Path, row: int, verdict: str) -> None:
    cells = [label(0, 0, 0), label(0, 1, 1), label(row - 1, 0, 2), number(row - 1, 1, 5)]
    assert read_file(_xls(tmp_path / "x.xls", cells), [STOCK]).verdict == verdict


# -- .xlsb as its records, [MS-XLSB] -----------------------------------------------------------------------------------

_NO_COLOUR, _WHITE, _YELLOW = bytes(8), bytes([5, 0, 0, 0, 255, 255, 255, 255]), bytes([5, 0, 0, 0, 255, 255, 0, 255])
PLAIN, STRUCK, FILLED, PALE = range(4)


def _styles() -> bytes:
    fonts = [struct.pack("<HHHHBBBB", 220, flags, 400, 0, 0, 0, 0, 0) + colour + b"\0" + wide("Calibri")
             for flags, colour in ((0, _NO_COLOUR), (8, _NO_COLOUR), (0, _WHITE))]  # fmt: skip
    fills = [struct.pack("<I", pattern) + colour + bytes(8) for pattern, colour in ((0, _NO_COLOUR), (1, _YELLOW))]
    looks = [struct.pack("<HHHHH6x", 0, 0, font, fill, 0) for font, fill in ((0, 0), (1, 0), (0, 1), (2, 0))]
    parts = []
    for begin, end, kind, bodies in ((611, 612, 43, fonts), (603, 604, 45, fills), (617, 618, 47, looks)):
        parts += [record(begin, struct.pack("<I", len(bodies))), *(record(kind, body) for body in bodies), record(end)]
    return b"".join([record(278), *parts, record(279)])


Cell = tuple[float, int, bytes]


def _sheet(rows: Sequence[tuple[str, Cell]], levels: dict[int, int]) -> bytes:
    parts = [record(129), record(147, struct.pack("<B", 0x40) + bytes(18)), record(148, struct.pack("<4I", 0, 9, 0, 1))]
    parts += [record(390), record(60, struct.pack("<IIIIH", 0, 0, 0, 0, 1)), record(391), record(145)]
    for place, (title, (value, look, code)) in enumerate([("Article", (0, 0, b"")), *rows]):
        parts.append(record(0, struct.pack("<IIHBBBI", place, 0, 300, 0, levels.get(place, 0), 0, 0)))
        parts.append(record(6, struct.pack("<II", 0, look) + wide(title)))
        if place == 0:
            parts.append(record(6, struct.pack("<II", 1, 0) + wide("Pieces")))
        elif code:
            formula = struct.pack("<HI", 0, len(code)) + code + bytes(4)
            parts.append(record(9, struct.pack("<IId", 1, look, value) + formula))
        else:
            parts.append(record(5, struct.pack("<IId", 1, look, value)))
    return b"".join([*parts, record(146), record(130)])


def _comments() -> bytes:
    at_b4 = struct.pack("<5I16x", 0, 3, 3, 1, 1)
    return b"".join(
        [record(628), record(630), record(632, wide("Ann")), record(631), record(633), record(635, at_b4),
         record(637, b"\0" + wide("really 50, typo")), record(636), record(634), record(629)]
    )  # fmt: skip


def _xlsb(path: Path, sheet: bytes, comments: bool = False, more: bytes = b"") -> Path:
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    head = "http://schemas.openxmlformats.org/package/2006"

    def links(*given: tuple[str, str]) -> str:
        each = (
            f'<Relationship Id="rId{n}" Type="{office}/{kind}" Target="{to}"/>' for n, (kind, to) in enumerate(given, 1)
        )
        return f'<Relationships xmlns="{head}/relationships">{"".join(each)}</Relationships>'

    sheets = record(156, struct.pack("<II", 0, 1) + wide("rId1") + wide("Stock"))
    book = [record(131), record(153, struct.pack("<II", 0, 0) + wide("")), record(143), sheets, record(144), more]
    with zipfile.ZipFile(path, "w") as archive:
        kinds = '<Default Extension="bin" ContentType="application/vnd.ms-excel.sheet.binary.macroEnabled.main"/>'
        archive.writestr("[Content_Types].xml", f'<Types xmlns="{head}/content-types">{kinds}</Types>')
        archive.writestr("_rels/.rels", links(("officeDocument", "xl/workbook.bin")))
        archive.writestr(
            "xl/_rels/workbook.bin.rels", links(("worksheet", "worksheets/sheet1.bin"), ("styles", "styles.bin"))
        )
        archive.writestr("xl/workbook.bin", b"".join([*book, record(132)]))
        archive.writestr("xl/styles.bin", _styles())
        archive.writestr("xl/worksheets/sheet1.bin", sheet)
        if comments:
            archive.writestr("xl/worksheets/_rels/sheet1.bin.rels", links(("comments", "../comments1.bin")))
            archive.writestr("xl/comments1.bin", _comments())
    return path


def test_looks_and_comments_of_an_xlsb_are_read(tmp_path: Path) -> None:
    looks = [("A1", (3, STRUCK, b"")), ("A2", (8, FILLED, b"")), ("A3", (21, PLAIN, b"")), ("A4", (35, PALE, b""))]
    path = _xlsb(tmp_path / "x.xlsb", _sheet(looks, {}), comments=True)
    told = [("A1", "hidden_column"), ("A2", "struck_row"), ("B4", "comment"), ("B5", "hidden_value")]
    assert rules(read_file(path, [STOCK])) == told
    reading = read_file(path, [STRICT])
    assert reading.rows is not None
    assert reading.rows["article"].to_pylist() == ["A4"]


def _area(top: int, bottom: int) -> bytes:
    return struct.pack("<BIIHH", 0x25, top, bottom, 0xC001, 0xC001)


_SUBTOTAL = b"\x1e\x09\x00" + _area(1, 2) + b"\x42\x02" + struct.pack("<H", 344)
_RAND = b"\x41" + struct.pack("<H", 63)
_SUM = _area(1, 2) + b"\x19\x10\x00\x00"
_ADDED = struct.pack("<BIH", 0x44, 1, 0xC001) + struct.pack("<BIH", 0x44, 2, 0xC001) + b"\x03"
_ELSEWHERE = struct.pack("<BHIH", 0x5A, 0, 1, 0xC001)


@pytest.mark.parametrize(
    ("code", "cell", "rule"),
    [
        (_SUBTOTAL, "A4", "totals"),
        (_SUM, "A4", "totals"),
        (_ADDED, "A4", "totals"),
        (_RAND, "B4", "volatile"),
        (_ELSEWHERE, "B4", "other_workbook"),
    ],
)
def test_formulas_of_an_xlsb_are_read(tmp_path: Path, code: bytes, cell: str, rule: str) -> None:
    rows = [("A1", (3, 0, b"")), ("A2", (8, 0, b"")), ("A3", (11.5, 0, code)), ("A4", (35, 0, b""))]
    links = record(353) + record(355, wide("rId9")) + record(362, struct.pack("<IIii", 1, 0, 0, 0)) + record(354)
    found = rules(read_file(_xlsb(tmp_path / "x.xlsb", _sheet(rows, {}), more=links), [STOCK]))
    assert (cell, rule) in found
    assert {one for _, one in found} <= {rule, "hidden_column"}


def test_an_xlsb_that_calculates_by_hand_is_told(tmp_path: Path) -> None:
    rows = [("A1", (3, 0, b"")), ("A2", (8, 0, struct.pack("<BIH", 0x44, 1, 0xC001)))]
    by_hand = record(157, struct.pack("<II", 0, 0) + bytes(18))
    path = _xlsb(tmp_path / "x.xlsb", _sheet(rows, {}), more=by_hand)
    assert ("B3", "manual_calculation") in rules(read_file(path, [STOCK]))


def test_sums_of_an_outline_in_an_xlsb_are_left_out(tmp_path: Path) -> None:
    rows = [
        ("A1", (3, 0, b"")),
        ("A2", (8, 0, b"")),
        ("North", (11, 0, b"")),
        ("A4", (35, 0, b"")),
        ("A5", (36, 0, b"")),
    ]
    reading = read_file(_xlsb(tmp_path / "x.xlsb", _sheet(rows, {1: 1, 2: 1})), [STOCK])
    assert ("A4", "totals") in rules(reading)


# -- what a format cannot say ------------------------------------------------------------------------------------------


def _text(path: Path) -> None:
    path.write_text("Article;Pieces\nA1;3\nA2;8\n")


def _page(path: Path) -> None:
    rows = "".join(f"<tr><td>{one}</td><td>{other}</td></tr>" for one, other in (("Article", "Pieces"), *ROWS))
    path.write_text(f"<html><body><table>{rows}</table></body></html>")


@pytest.mark.parametrize(("write", "name"), [(_text, "x.csv"), (_page, "x.html")])
def test_what_a_contract_makes_of_marks_and_a_format_cannot_show_is_told(
    write: Callable[[Path], None], name: str, tmp_path: Path
) -> None:
    write(tmp_path / name)
    assert rules(read_file(tmp_path / name, [STOCK])) == []
    reading = read_file(tmp_path / name, [STRICT])
    assert [one.rule for one in reading.findings] == ["unseen_marks"] * 3
    assert "where_struck" in reading.findings[0].message
