"""Promises about values that may be old, and about tables and texts that may have lost their end."""

import io
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pyarrow
import pytest
import xlsxwriter

from s2p_assets.contracts.columns import Code, DeclarationError, Number, Row, Text, column
from s2p_assets.contracts.findings import ReadResult
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.spreadsheet.formulas import other_workbook
from s2p_assets.spreadsheet.grid import CellKind, Cells, Sheet
from s2p_assets.spreadsheet.header_search import find_header
from s2p_assets.spreadsheet.reading import read_file
from s2p_assets.spreadsheet.table_rows import table_rows


class Price(Row):
    """What an article costs."""

    article: Code = column("Article", description="The article")
    price: Number = column("Price", description="The price", nullable=True)
    note: Text = column("Note", description="A note", nullable=True, required=False)


PRICES = Workbook(rows=Price, path="*", owner="o@example.org")
_LINK = (
    '<externalLink xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><externalBook r:id="rId1"/>'
    "</externalLink>"
)
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def said(reading: ReadResult) -> list[tuple[str, str | None, str]]:
    assert reading.error is None, reading.error
    return [(finding.rule, finding.cell, finding.severity) for finding in reading.findings]


def linked(path: Path, *, manual: bool = False, other: str = "Rates%202024.xlsx") -> Path:
    """The workbook at `path` with a link to another, as Excel writes it, and perhaps with manual calculation."""
    with zipfile.ZipFile(path) as made:
        parts = {name: made.read(name).decode() for name in made.namelist()}
    parts["xl/externalLinks/externalLink1.xml"] = _LINK
    parts["xl/externalLinks/_rels/externalLink1.xml.rels"] = (
        f'<Relationships xmlns="{_PACKAGE}"><Relationship Id="rId1" Type="{_OFFICE}/externalLinkPath" '
        f'Target="file:///C:/books/{other}" TargetMode="External"/></Relationships>'
    )
    parts["xl/_rels/workbook.xml.rels"] = parts["xl/_rels/workbook.xml.rels"].replace(
        "</Relationships>",
        f'<Relationship Id="rId99" Type="{_OFFICE}/externalLink" Target="externalLinks/externalLink1.xml"/>'
        "</Relationships>",
    )
    book = parts["xl/workbook.xml"].replace(
        "</sheets>", '</sheets><externalReferences><externalReference r:id="rId99"/></externalReferences>'
    )
    parts["xl/workbook.xml"] = re.sub("<calcPr ", '<calcPr calcMode="manual" ', book) if manual else book
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as again:
        for name, text in parts.items():
            again.writestr(name, text)
    path.write_bytes(buffer.getvalue())
    return path


def book(tmp_path: Path, rows: list[list[Any]], rates: list[list[Any]] | None = None) -> Path:
    """Texts that begin with = are formulas; each has the value 9.5."""
    path = tmp_path / "prices.xlsx"
    with xlsxwriter.Workbook(path) as made:
        for name, table in {"Prices": rows, "Rates": rates or []}.items():
            page = made.add_worksheet(name)
            for number, row in enumerate(table):
                for place, value in enumerate(row):
                    if isinstance(value, str) and value.startswith("="):
                        page.write_formula(number, place, value, None, 9.5)
                    else:
                        page.write(number, place, value)
    return path


HEADER = ["Article", "Price", "Factor"]


@pytest.mark.parametrize(
    ("rows", "cell"),
    [
        ([["A1", 1.5, 1], ["A2", "=[1]Rates!B2", 1], ["A3", "='[1]My rates'!B3", 1]], "B3"),
        ([["A1", "=C2*2", "=[1]Rates!B2"], ["A2", 3.5, 1]], "B2"),
        ([["A1", 1.5, 1], ["A2", "=VLOOKUP(A3,Rates!A1:B9,2,0)", 1]], "B3"),
    ],
    ids=["itself", "through its row", "through another sheet"],
)
def test_a_value_from_another_workbook_is_told_with_its_first_cell(
    tmp_path: Path, rows: list[list[Any]], cell: str
) -> None:
    path = linked(book(tmp_path, [HEADER, *rows], [["A1", 1], ["A2", "=[1]Rates!C7"]]))
    reading = read_file(path, [Workbook(rows=Price, path="*", owner="o@example.org", ignores=("Factor",))])
    assert ("other_workbook", cell, "notice") in said(reading)
    assert [f.message for f in reading.findings if f.rule == "other_workbook" and "workbook" in f.message]
    assert reading.verdict == "accepted"


def test_the_other_workbook_is_named(tmp_path: Path) -> None:
    reading = read_file(linked(book(tmp_path, [HEADER, ["A1", "=[1]Rates!B2", 1]])), [PRICES])
    (told,) = [finding for finding in reading.findings if finding.rule == "other_workbook"]
    assert "'Rates 2024.xlsx'" in told.message


def test_a_link_that_no_value_of_the_table_uses_is_not_told(tmp_path: Path) -> None:
    path = linked(book(tmp_path, [HEADER, ["A1", "=C2*2", 1], ["A2", 2, "=[1]Rates!B2"]]))
    assert not any(rule == "other_workbook" for rule, *_ in said(read_file(path, [PRICES])))


def test_a_book_that_calculates_by_hand_is_told_where_a_value_is_a_formulas(tmp_path: Path) -> None:
    rows: list[list[Any]] = [HEADER, ["A1", 1.5, 1], ["A2", "=C3*2", 1], ["A3", "=C4*2", 1]]
    assert ("manual_calculation", "B3", "notice") in said(
        read_file(linked(book(tmp_path, rows), manual=True), [PRICES])
    )
    plain = linked(book(tmp_path, [HEADER, ["A1", 1.5, 1], ["A2", 2.5, "=B3*2"]]), manual=True)
    assert not any(rule == "manual_calculation" for rule, *_ in said(read_file(plain, [PRICES])))


def test_formulas_shared_by_cells_are_seen_through(tmp_path: Path) -> None:
    path = book(tmp_path, [HEADER, ["A1", "=[1]Rates!B2", 1], ["A2", "=0+9", 1]])
    with zipfile.ZipFile(path) as made:
        parts = {name: made.read(name).decode() for name in made.namelist()}
    sheet = parts["xl/worksheets/sheet1.xml"]
    sheet = sheet.replace("<f>[1]Rates!B2</f>", '<f t="shared" ref="B2:B3" si="0">[1]Rates!B2</f>')
    parts["xl/worksheets/sheet1.xml"] = sheet.replace("<f>0+9</f>", '<f t="shared" si="0"/>')
    with zipfile.ZipFile(path, "w") as again:
        for name, text in parts.items():
            again.writestr(name, text)
    (told,) = [f for f in read_file(linked(path), [PRICES]).findings if f.rule == "other_workbook"]
    assert "2 such cells" in told.message


@pytest.mark.parametrize(
    "formula", ["[1]Rates!B2", "'[2]A b'!C3*2", "SUM('C:\\x\\[r.xlsx]S'!A1:A9)", "'file:///r.ods'#$S.B2"]
)
def test_formulas_that_look_outside_are_known(formula: str) -> None:
    assert other_workbook(formula)


@pytest.mark.parametrize("formula", ["Table1[2024]", "Table1[[#This Row],[2024]]*2", "Sheet2!B2", 'B2&"[1]"'])
def test_formulas_that_stay_inside_are_known(formula: str) -> None:
    assert not other_workbook(formula)


def ending_on(row: int, limit: int = 1_048_576) -> Sheet:
    rows = np.array([1, row - 1, row], np.int32)
    texts = [pyarrow.array(["Article", "A1", "A2"]), pyarrow.array(["Price", "1", "2"])]
    kinds = np.array([CellKind.TEXT, CellKind.NUMBER, CellKind.NUMBER], np.int8)
    sheet = Sheet("Prices", {1: Cells(rows, np.zeros(3, np.int8), texts[0]), 2: Cells(rows, kinds, texts[1])})
    sheet.marks.row_limit = limit
    return sheet


def told(sheet: Sheet, **words: Any) -> list[tuple[str, str | None, str]]:
    workbook = Workbook(rows=Price, path="*", owner="o@example.org", **words)
    header = find_header(sheet, workbook)
    assert header is not None
    return [(one.rule, one.cell, one.severity) for one in table_rows(sheet, header, workbook).of_file]


def test_a_table_that_ends_on_the_last_row_of_its_format_goes_back() -> None:
    assert told(ending_on(1_048_576)) == [("cut_off", "A1048576", "reject")]
    assert told(ending_on(65_536, 65_536)) == [("cut_off", "A65536", "reject")]
    assert told(ending_on(65_536)) == [("cut_off", "A65536", "notice")]
    assert told(ending_on(65_535)) == told(ending_on(1_048_575)) == []


def test_a_contract_says_that_a_full_sheet_is_complete() -> None:
    assert told(ending_on(1_048_576), where_full="read") == []
    assert told(ending_on(1_048_576), where_full="notice") == [("cut_off", "A1048576", "notice")]
    with pytest.raises(DeclarationError, match="where_full"):
        Workbook(rows=Price, path="*", owner="o@example.org", where_full="leave_out")  # type: ignore[arg-type]


def test_a_delimited_text_that_a_full_sheet_was_saved_as_is_told(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_text("Article,Price\n" + "".join(f"A{row},1\n" for row in range(65_535)))
    assert said(read_file(path, [PRICES])) == [("cut_off", "A65536", "notice")]


@pytest.mark.parametrize(("length", "found"), [(32_767, True), (32_766, False), (40_000, False)])
def test_a_text_as_long_as_a_cell_can_hold_is_told(tmp_path: Path, length: int, found: bool) -> None:
    path = tmp_path / "prices.csv"
    path.write_text(f"Article,Price,Note\nA1,1,{'é' * length}\nA2,2,short\n", encoding="utf-8")
    assert said(read_file(path, [PRICES])) == ([("cut_off", "C2", "notice")] if found else [])


def test_a_long_text_of_a_workbook_is_told(tmp_path: Path) -> None:
    made = openpyxl.Workbook()
    for row in [["Article", "Price", "Note"], ["A1", 1, "x" * 32_767], ["A2", 2, "y"]]:
        made.active.append(row)
    made.save(tmp_path / "prices.xlsx")
    assert said(read_file(tmp_path / "prices.xlsx", [PRICES])) == [("cut_off", "C2", "notice")]


_NAMES = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{kind}:1.0"'
    for name, kind in {**{n: n for n in ("office", "table", "text", "style")}, "fo": "xsl-fo-compatible"}.items()
)
_ODS = (
    f"<office:document-content {_NAMES}><office:automatic-styles>"
    '<style:style style:name="s" style:family="table-cell">'
    '<style:text-properties style:text-line-through-style="solid"/></style:style></office:automatic-styles>'
    '<office:body><office:spreadsheet><table:table table:name="Prices">{}</table:table></office:spreadsheet>'
    "</office:body></office:document-content>"
)


def ods_row(article: str, price: float | str, *, style: str = "", formula: str = "", note: str = "") -> str:
    look = f' table:style-name="{style}"' if style else ""
    written = f' table:formula="{formula}"' if formula else ""
    value = f'office:value-type="float" office:value="{price}"'
    kind = value if isinstance(price, float) else 'office:value-type="string"'
    comment = f"<office:annotation><text:p>{note}</text:p></office:annotation>" if note else ""
    name = f'<table:table-cell{look} office:value-type="string"><text:p>{article}</text:p></table:table-cell>'
    cell = f"<table:table-cell{look}{written} {kind}>{comment}<text:p>{price}</text:p></table:table-cell>"
    return f"<table:table-row>{name}{cell}</table:table-row>"


def test_an_opendocument_sheet_says_the_same(tmp_path: Path) -> None:
    rows = (
        ods_row("Article", "Price"),
        ods_row("A1", 1.5, style="s"),
        ods_row("A2", 2.5, formula="of:='file:///C:/Rates.ods'#$Rates.B2"),
        ods_row("A3", 3.5, note="really 4"),
        ods_row("All", 7.5, formula="of:=SUBTOTAL(9;[.B2:.B4])"),
    )
    path = tmp_path / "prices.ods"
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        made.writestr("content.xml", _ODS.format("".join(rows)))
    reading = read_file(path, [PRICES])
    assert sorted(said(reading)) == [
        ("comment", "B4", "notice"),
        ("other_workbook", "B3", "notice"),
        ("struck_row", "A2", "notice"),
        ("totals", "A5", "notice"),
    ]
    assert reading.rows is not None
    assert reading.rows.column("price").to_pylist() == [1.5, 2.5, 3.5]
