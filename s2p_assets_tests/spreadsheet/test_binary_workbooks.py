"""What a workbook means does not hang on its format: the same sheet as .xlsx, .xls, .ods and .xlsb reads the same."""

import datetime as dt
import shutil
import struct
import subprocess
import zipfile
from pathlib import Path

import pytest
import xlsxwriter

from s2p_assets.contracts.columns import Code, Date, Money, Percent, Row, column
from s2p_assets.contracts.findings import ReadResult
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.spreadsheet.reading import read_file


class PriceRow(Row):
    """One price."""

    article: Code = column("Article", description="article", width=5)
    price: Money = column("Price", description="price", unit="EUR")
    discount: Percent = column("Discount", description="discount")
    since: Date = column("Since", description="from when")


PRICES = Workbook(rows=PriceRow, path="**", owner="p@example.org", max_reject_rate=0.9)

TITLES = ["Article", "Price", "Discount", "Since"]
ZEROS, EURO, SHARE, DATE, DOLLAR = "0000000", "#,##0.00 [$€-407]", "0.0%", "dd/mm/yyyy", "[$$-409]#,##0.00"
FIRST = dt.date(2024, 3, 1)
SINCE_1904 = (FIRST - dt.date(1904, 1, 1)).days
ROWS = [
    [(123, "0"), (1234.5, EURO), (1.5, SHARE), (SINCE_1904, DATE)],
    [(7, ZEROS), (-2.0, EURO), (0.25, SHARE), (SINCE_1904 + 1, DATE)],
    [(9, "0"), (5.0, DOLLAR), (0.25, SHARE), (SINCE_1904 + 2, DATE)],
]
HIDDEN_ROW = 3


def write_xlsx(path: Path) -> Path:
    with xlsxwriter.Workbook(path, {"date_1904": True}) as book:
        page, back = book.add_worksheet("Prices"), book.add_worksheet("Back")
        for sheet in (page, back):
            sheet.write_row(0, 0, TITLES)
        for number, cells in enumerate(ROWS, 1):
            for column, (value, shown) in enumerate(cells):
                page.write_number(number, column, value, book.add_format({"num_format": shown}))
        page.set_row(HIDDEN_ROW - 1, None, None, {"hidden": True})
        for column, (value, shown) in enumerate(ROWS[0]):
            back.write_number(1, column, value, book.add_format({"num_format": shown}))
        back.hide()
    return path


def record(kind: int, body: bytes = b"") -> bytes:
    """A record of [MS-XLSB]: number and length with seven bits a byte, then the body."""
    number = bytes([kind]) if kind < 128 else bytes([kind & 0x7F | 0x80, kind >> 7])
    length, size = b"", len(body)
    while True:
        size, low = size >> 7, size & 0x7F
        length += bytes([low | 0x80 if size else low])
        if not size:
            return number + length + body


def wide(text: str) -> bytes:
    return struct.pack("<I", len(text)) + text.encode("utf-16-le")


def sheet_bin(rows: list[list[tuple[float, str]]], styles: list[str], hidden: int) -> bytes:
    parts = [record(129), record(148, struct.pack("<4I", 0, len(rows), 0, 3)), record(145)]
    for number in range(len(rows) + 1):
        flags = 0x10 if number + 1 == hidden else 0
        parts.append(record(0, struct.pack("<IIHBBBI", number, 0, 300, 0, flags, 0, 0)))
        for place in range(4):
            if number == 0:
                parts.append(record(6, struct.pack("<II", place, 0) + wide(TITLES[place])))
            else:
                value, shown = rows[number - 1][place]
                parts.append(record(5, struct.pack("<IId", place, styles.index(shown), value)))
    return b"".join([*parts, record(146), record(130)])


def write_xlsb(path: Path) -> Path:
    styles = ["General", *dict.fromkeys(shown for row in ROWS for _, shown in row)]
    formats = [record(44, struct.pack("<H", 164 + n) + wide(shown)) for n, shown in enumerate(styles)]
    cells = [record(47, struct.pack("<HH10xH", 0, 164 + n, 0x3F)) for n in range(len(styles))]
    count = struct.pack("<I", len(styles))
    numbered = [record(615, count), *formats, record(616), record(617, count), *cells, record(618)]
    sheets = [
        record(156, struct.pack("<II", hidden, number) + wide(f"rId{number}") + wide(name))
        for number, (name, hidden) in enumerate((("Prices", 0), ("Back", 1)), 1)
    ]
    book = [record(131), record(153, struct.pack("<II", 1, 0) + wide("")), record(143), *sheets, record(144)]
    office, package = (
        "http://schemas.openxmlformats.org/officeDocument/2006",
        "http://schemas.openxmlformats.org/package",
    )
    kinds = {"worksheet": "application/vnd.ms-excel.worksheet", "styles": "application/vnd.ms-excel.styles"}
    links = "".join(
        f'<Relationship Id="{name}" Type="{office}/relationships/{kind}" Target="{target}"/>'
        for name, kind, target in (
            ("rId1", "worksheet", "worksheets/sheet1.bin"),
            ("rId2", "worksheet", "worksheets/sheet2.bin"),
            ("rId3", "styles", "styles.bin"),
        )
    )
    types = "".join(
        f'<Override PartName="/xl/{part}" ContentType="{kinds[kind]}"/>'
        for part, kind in (
            ("worksheets/sheet1.bin", "worksheet"),
            ("worksheets/sheet2.bin", "worksheet"),
            ("styles.bin", "styles"),
        )
    )
    default = '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    main = '<Default Extension="bin" ContentType="application/vnd.ms-excel.sheet.binary.macroEnabled.main"/>'
    root = f'<Relationship Id="rId1" Type="{office}/relationships/officeDocument" Target="xl/workbook.bin"/>'
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "[Content_Types].xml", f'<Types xmlns="{package}/2006/content-types">{default}{main}{types}</Types>'
        )
        for name, inner in (("_rels/.rels", root), ("xl/_rels/workbook.bin.rels", links)):
            archive.writestr(name, f'<Relationships xmlns="{package}/2006/relationships">{inner}</Relationships>')
        archive.writestr("xl/workbook.bin", b"".join([*book, record(132)]))
        archive.writestr("xl/styles.bin", b"".join([record(278), *numbered, record(279)]))
        archive.writestr("xl/worksheets/sheet1.bin", sheet_bin(ROWS, styles, HIDDEN_ROW))
        archive.writestr("xl/worksheets/sheet2.bin", sheet_bin(ROWS[:1], styles, 0))
    return path


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The same workbook by suffix; `.xls` and `.ods` where LibreOffice is here to write them."""
    folder = tmp_path_factory.mktemp("books")
    found = {".xlsx": write_xlsx(folder / "Prices.xlsx"), ".xlsb": write_xlsb(folder / "Prices.xlsb")}
    if shutil.which("soffice"):
        profile = f"-env:UserInstallation=file://{folder}/profile"
        for suffix in ("xls", "ods"):
            command = ["soffice", profile, "--headless", "--convert-to", suffix, "--outdir", str(folder)]
            subprocess.run([*command, str(found[".xlsx"])], check=True, capture_output=True, timeout=120)
            found[f".{suffix}"] = folder / f"Prices.{suffix}"
    return found


@pytest.fixture(params=[".xlsx", ".xls", ".ods", ".xlsb"])
def reading(request: pytest.FixtureRequest, books: dict[str, Path]) -> ReadResult:
    if request.param not in books:
        pytest.skip("needs LibreOffice")
    return read_file(books[request.param], [PRICES])


def test_zeros_shares_and_dates_from_1904_are_read_in_every_format(reading: ReadResult) -> None:
    assert reading.rows is not None, reading.error or reading.findings
    prices = reading.rows.filter([sheet == "Prices" for sheet in reading.rows["_sheet"].to_pylist()])
    assert prices["article"].to_pylist() == ["00123", "0000007"]
    assert prices["discount"].to_pylist() == [1.5, 0.25]
    assert prices["price"].to_pylist() == [1234.5, -2.0]
    assert prices["since"].to_pylist() == [FIRST, FIRST + dt.timedelta(days=1)]


@pytest.mark.parametrize("suffix", [".xls", ".xlsx", ".ods"])
def test_a_binary_workbook_is_read_by_its_content_under_any_suffix(
    books: dict[str, Path], tmp_path: Path, suffix: str
) -> None:
    named = shutil.copy(books[".xlsb"], tmp_path / f"Prices{suffix}")
    reading, own = read_file(Path(named), [PRICES]), read_file(books[".xlsb"], [PRICES])
    assert (reading.error, reading.rows_accepted) == (None, own.rows_accepted)
    assert any("was read as what it is" in finding.message for finding in reading.findings)


def test_another_currency_and_what_is_hidden_are_told_in_every_format(reading: ReadResult) -> None:
    found = {(finding.sheet, finding.cell, finding.rule): finding.message for finding in reading.findings}
    assert set(found) == {("Prices", "B4", "type"), ("Prices", "A3", "hidden_row"), ("Back", None, "hidden_sheet")}
    assert found["Prices", "B4", "type"].endswith("not in EUR")


def test_a_binary_workbook_that_cannot_be_made_out_in_full_is_no_guess(books: dict[str, Path], tmp_path: Path) -> None:
    broken = tmp_path / "Prices.xlsb"
    with zipfile.ZipFile(books[".xlsb"]) as whole, zipfile.ZipFile(broken, "w") as archive:
        for name in whole.namelist():
            content = whole.read(name)
            archive.writestr(name, content[:-9] if name.endswith("styles.bin") else content)
    assert "in Excel" in str(read_file(broken, [PRICES]).error)
