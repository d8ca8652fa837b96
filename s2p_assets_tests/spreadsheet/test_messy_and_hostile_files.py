"""Promises about the spreadsheets that people really send and the files that harm: each is written here and read.

Further promises of the reader, its sandbox and the marked copy stand in their own files.
"""

import datetime as dt
import os
import unicodedata
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import openpyxl
import psycopg
import pyarrow
import pyarrow.compute as pc
import pytest
import xlsxwriter
from openpyxl.utils import get_column_letter

from s2p_assets.contracts.columns import (
    Boolean,
    Code,
    Date,
    Integer,
    Money,
    Number,
    Percent,
    Row,
    Text,
    Timestamp,
    column,
)
from s2p_assets.contracts.findings import ReadResult
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.graph.assets.workbook_assets import _nothing_lost
from s2p_assets.services.ingested_file import Ingest, IngestedFile
from s2p_assets.spreadsheet.reading import read_file
from s2p_assets.spreadsheet.returned.copies import write_returned
from s2p_assets.spreadsheet.sandbox import Sandbox
from s2p_assets.spreadsheet.template import write_template
from s2p_assets.warehouse.files.archive import archive_file
from s2p_assets.warehouse.files.ledger import ledger_entry
from s2p_assets.warehouse.files.load import load_file

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
SHEET = "xl/worksheets/sheet1.xml"
ODD_FILES = Path(__file__).parents[3] / "shared" / "data" / "odd_files"
MAYBE: dict[str, Any] = {"nullable": True, "required": False}


class SaleRow(Row):
    """One sale."""

    code: Code = column("Code", "Artikel-Nr.", "№", description="article", width=5)
    amount: Number = column("Amount", description="sold")
    price: Money = column("Price", description="price", unit="EUR", **MAYBE)
    share: Percent = column("Share", description="share", **MAYBE)
    pieces: Integer = column("Pieces", description="pieces", **MAYBE)
    seen: Date = column("Seen", description="day", formats=("%d.%m.%Y", "%d. %B %Y", "%d %b %Y"), **MAYBE)
    at: Timestamp = column("At", description="moment", **MAYBE)
    active: Boolean = column("Active", description="on", **MAYBE)
    region: Text = column("Region", description="region", isin=["North Sea", "Alps"], **MAYBE)
    note: Text = column("Note", description="note", **MAYBE)


SALES = Workbook(rows=SaleRow, path="**", owner="s@example.org", max_reject_rate=0.9)


class MonthRow(Row):
    """One article and month."""

    month: Date = column(
        "Month", description="month", value_from=("sheet", "file"), formats=("%B %Y", "%b %Y", "%Y-%m")
    )
    sku: Code = column("SKU", description="article")
    units: Number = column("Units", description="sold")


MONTHS = Workbook(rows=MonthRow, path="**", owner="m@example.org")

Sheets = dict[str, Sequence[Sequence[Any]]]


def book(path: Path, sheets: Sheets, **options: Any) -> Path:
    """A workbook; a cell is a value, a (number, format) pair or a date."""
    with xlsxwriter.Workbook(path, options) as written:
        for name, rows in sheets.items():
            page = written.add_worksheet(name)
            for row, values in enumerate(rows):
                for column, value in enumerate(values):
                    if isinstance(value, tuple):
                        page.write_number(row, column, value[0], written.add_format({"num_format": value[1]}))
                    elif isinstance(value, str):
                        page.write_string(row, column, value)
                    elif value is not None:
                        page.write(row, column, value)
    return path


def sales(tmp_path: Path, *rows: Sequence[Any], contract: Workbook = SALES, **options: Any) -> ReadResult:
    return sound(read_file(book(tmp_path / "Sales.xlsx", {"S": rows}, **options), [contract]))


def sound(reading: ReadResult) -> ReadResult:
    """Nothing is lost, by rows and by cells."""
    assert reading.rows_read == reading.rows_accepted + reading.rows_returned
    cells = reading.cells
    if cells:
        assert cells["read"] == cells["loaded"] + cells["returned"] + cells["ignored"]
    return reading


def values_of(reading: ReadResult, name: str) -> list[Any]:
    assert reading.rows is not None, (reading.error, reading.findings)
    return reading.rows[name].to_pylist()


def said(reading: ReadResult) -> dict[str | None, str]:
    return {finding.cell: finding.message for finding in reading.findings}


def rules(reading: ReadResult) -> list[tuple[str | None, str, str]]:
    return [(finding.cell, finding.rule, finding.severity) for finding in reading.findings]


def changed(path: Path, parts: dict[str, bytes | Callable[[bytes], bytes]]) -> Path:
    """The workbook with some of its parts replaced."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    for name, part in parts.items():
        members[name] = part(members[name]) if callable(part) else part
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def sheet_xml(*rows: str) -> bytes:
    return f'<worksheet xmlns="{MAIN}"><sheetData>{"".join(rows)}</sheetData></worksheet>'.encode()


def written(cell: str, value: str) -> str:
    return f'<c r="{cell}" t="inlineStr"><is><t>{value}</t></is></c>'


HEADER = f'<row r="1">{written("A1", "Code")}{written("B1", "Amount")}</row>'
GOOD = f'<row r="2">{written("A2", "a")}<c r="B2"><v>1</v></c></row>'


def good(path: Path) -> Path:
    return book(path, {"S": [["Code", "Amount"], ["a", 1]]})


# Finding the table


def test_title_rows_and_blank_rows_and_columns_before_the_header_shift_no_address(tmp_path: Path) -> None:
    above: list[list[Any]] = [[], [None, None, "Sales of March"], [None, None, None, "ACME Ltd."], []]
    reading = sales(tmp_path, *above, [None, None, "Code", "Amount"], [None, None, "a", 1], [None, None, "b", "x"])
    assert values_of(reading, "_row") == [6]
    assert said(reading) == {"D7": "'x' is not an amount"}


def test_a_table_on_the_third_sheet_is_found_and_the_others_are_named(tmp_path: Path) -> None:
    sheets: Sheets = {
        "Cover": [["ACME"]],
        "Empty": [],
        "Contents": [["1", "Sales"]],
        "Data": [["Code", "Amount"], ["a", 1]],
    }
    reading = sound(read_file(book(tmp_path / "x.xlsx", sheets), [SALES]))
    assert values_of(reading, "_sheet") == ["Data"]
    assert [(finding.sheet, finding.rule) for finding in reading.findings] == [
        ("Cover", "sheet"),
        ("Contents", "sheet"),
    ]


def test_sheets_named_by_month_are_read_in_the_language_of_the_office(tmp_path: Path) -> None:
    names = [
        "January 2024",
        "Februar 2024",
        "März 2024",
        "avril 2024",
        "mayo 2024",
        "juin 2024",
        "Sept. 2024",
        "Dez 2024",
    ]
    names[2] = unicodedata.normalize("NFD", names[2])
    reading = sound(
        read_file(book(tmp_path / "x.xlsx", {name: [["SKU", "Units"], ["a", 1]] for name in names}), [MONTHS])
    )
    assert [month.month for month in values_of(reading, "month")] == [1, 2, 3, 4, 5, 6, 9, 12]
    assert reading.cells["named"] == 8


def test_hidden_rows_are_read_and_said(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "x.xlsx") as file:
        page = file.add_worksheet()
        for row, values in enumerate([["Code", "Amount"], ["a", 1], ["b", 2], ["c", 3]]):
            page.write_row(row, 0, values)
        page.set_row(2, None, None, {"hidden": True})
        page.set_column(1, 1, None, None, {"hidden": True})
    reading = sound(read_file(tmp_path / "x.xlsx", [SALES]))
    assert values_of(reading, "code") == ["a", "b", "c"]
    assert rules(reading) == [("A3", "hidden_row", "notice"), ("B1", "hidden_column", "notice")]


def test_a_header_repeated_with_its_title_and_its_first_row_is_no_data(tmp_path: Path) -> None:
    head: list[list[Any]] = [["Sales list"], [], ["Article", None, "March"], ["Code", "Note", "Amount"]]
    reading = sales(tmp_path, *head, ["a", "x", 1], [], *head, ["b", "y", 2])
    assert (reading.verdict, values_of(reading, "code")) == ("accepted", ["a", "b"])
    assert rules(reading) == [("A7", "repeated_header", "notice")]
    assert reading.cells["ignored"] == 6


@pytest.mark.parametrize(
    "word",
    [
        *("Total", "GRAND TOTAL:", "Summe", "Zwischensumme", "Gesamtergebnis", "Somme", "Totale", "Итого", "合计"),
        *(
            "Total general",
            "Suma total",
            "Totale complessivo",
            "Łącznie",
            "Összesen",
            "I alt",
            "Genel Toplam",
            "σύνολο",
        ),
    ],
)
def test_totals_are_known_in_the_language_of_the_office(tmp_path: Path, word: str) -> None:
    reading = sales(tmp_path, ["Code", "Amount"], ["a", 1], [word, 1])
    assert (values_of(reading, "code"), rules(reading)) == (["a"], [("A3", "totals", "notice")])


def test_a_totals_row_without_a_word_is_a_finding(tmp_path: Path) -> None:
    assert said(sales(tmp_path, ["Code", "Amount"], ["a", 1], [None, 1])) == {"A3": "'Code' is empty"}


def test_notes_under_the_table_are_no_rows(tmp_path: Path) -> None:
    rows: list[list[Any]] = [["a", 1], ["b", 2], [], ["* preliminary"], ["Printed by Ann, 3 April"]]
    reading = sales(tmp_path, ["Code", "Amount"], *rows)
    assert (values_of(reading, "code"), rules(reading)) == (["a", "b"], [("A5", "note", "notice")])


@pytest.mark.parametrize("header", ["ARTIKEL NR", "artikel_nr", "Artikel-\nNr.", " Ártikel  nr:", "Code [text]", "№"])
def test_a_header_matches_through_alias_case_spacing_punctuation_and_accents(tmp_path: Path, header: str) -> None:
    assert sales(tmp_path, [header, "Amount"], ["a", 1]).findings == []


class GoodsRow(Row):
    """Goods."""

    size: Text = column("Größe", description="size")
    price: Number = column("Цена", "価格", description="price")


GOODS = Workbook(rows=GoodsRow, path="*", owner="g@example.org", sheets="Zürich*|数据")


def test_headers_and_sheets_in_any_script_and_any_normal_form_match(tmp_path: Path) -> None:
    for sheet, header in (("数据", "価格"), (unicodedata.normalize("NFD", "Zürich 1"), "ЦЕНА")):
        path = book(tmp_path / "x.xlsx", {sheet: [[unicodedata.normalize("NFD", "GRÖSSE"), header], ["a", 1]]})
        assert sound(read_file(path, [GOODS])).verdict == "accepted"


def test_a_near_miss_of_a_column_that_may_be_absent_is_not_guessed(tmp_path: Path) -> None:
    reading = sales(tmp_path, ["Code", "Amount", "Pricce"], ["a", 1, 9])
    assert said(reading) == {
        "C1": "column 'Pricce' is not expected here; its one cell was ignored; did you mean 'Price'?"
    }
    assert values_of(reading, "price") == [None]


# Reading the cell


@pytest.mark.parametrize(
    ("number_format", "message"),
    [
        ('"$"#,##0.00', "5 is shown in $, not in EUR"),
        ("[$$-409]#,##0.00", "5 is shown in $, not in EUR"),
        ("#,##0.00 [$CHF]", "5 is shown in CHF, not in EUR"),
        ("[$-407]#,##0.00", None),
        ("#,##0.00 [$€-407]", None),
        ('0.00 "per piece"', None),
    ],
)
def test_a_number_shown_in_another_currency_is_a_finding(
    tmp_path: Path, number_format: str, message: str | None
) -> None:
    reading = sales(tmp_path, ["Code", "Amount", "Price"], ["a", 1, 5], ["b", 1, (5, number_format)])
    assert said(reading) == ({"C3": message} if message else {})


@pytest.mark.parametrize(
    ("title", "unit", "message"),
    [
        ("Price (USD)", None, "'USD' is in USD, not in EUR; convert the column"),
        ("Price [in 1000 €]", None, "'in 1000 €' says that the numbers are shortened; write them in full"),
        ("Price (TEUR)", None, "'TEUR' says that the numbers are shortened"),
        ("Price", "$", "'$' is in $, not in EUR"),
        ("Price (EUR)", "€", None),
        ("Price (per piece)", None, None),
    ],
)
def test_a_unit_of_a_column_that_contradicts_the_contract_is_a_finding(
    tmp_path: Path, title: str, unit: str | None, message: str | None
) -> None:
    units = [[None, "kg", unit]] if unit else []
    reading = sales(tmp_path, ["Code", "Amount", title], *units, ["a", 1, 5])
    rejects = [finding for finding in reading.findings if finding.severity == "reject"]
    assert [(finding.cell, finding.rule) for finding in rejects] == (
        [("C2" if unit else "C1", "unit")] if message else []
    )
    assert all(message and finding.message.startswith(message) for finding in rejects)
    assert reading.verdict == ("returned" if message else "accepted")


def test_how_an_opendocument_cell_is_shown_counts_too(tmp_path: Path) -> None:
    names = {name: f"urn:oasis:names:tc:opendocument:xmlns:{name}:1.0" for name in ("office", "table", "text")}

    def cell(kind: str, value: str, shown: str) -> str:
        start = f'<table:table-cell office:value-type="{kind}" office:currency="USD" office:value="{value}">'
        return f"{start}<text:p>{shown}</text:p></table:table-cell>"

    header = "".join(cell("string", "", title) for title in ("Code", "Amount", "Share", "Price"))
    row = cell("float", "123", "0000123") + cell("float", "1", "1") + cell("percentage", "1.5", "150 %")
    unknown = '<table:table-cell table:formula="of:=[.A1]"/>'
    rows = [header, row, row + cell("currency", "5", "$5.00"), row + cell("float", "5", "$ 5.00"), row + unknown]
    table = "".join(f"<table:table-row>{cells}</table:table-row>" for cells in rows)
    spaces = " ".join(f'xmlns:{name}="{uri}"' for name, uri in names.items())
    sheet = f'<office:spreadsheet><table:table table:name="S">{table}</table:table></office:spreadsheet>'
    inner = f"<office:body>{sheet}</office:body>"
    with zipfile.ZipFile(tmp_path / "x.ods", "w") as archive:
        archive.writestr("content.xml", f"<office:document-content {spaces}>{inner}</office:document-content>")
    reading = sound(read_file(tmp_path / "x.ods", [SALES]))
    assert (values_of(reading, "code"), values_of(reading, "share")) == (["0000123"], [1.5])
    assert said(reading) == {
        "D3": "5 is shown in USD, not in EUR",
        "D4": "5 is shown in $, not in EUR",
        "D5": "the formula was saved without its result; open and save it in Excel",
    }


def test_shares_are_read_with_their_signs(tmp_path: Path) -> None:
    shares = [(0.25, "0%"), "25 %", "25\u00a0%", "(5%)", "5%-", "-5 %"]
    reading = sales(tmp_path, ["Code", "Amount", "Share"], *([f"c{i}", 1, share] for i, share in enumerate(shares)))
    assert values_of(reading, "share") == [0.25, 0.25, 0.25, -0.05, -0.05, -0.05]
    assert reading.findings == []


def test_a_share_above_one_without_its_sign_is_said(tmp_path: Path) -> None:
    reading = sales(tmp_path, ["Code", "Amount", "Share"], ["a", 1, (1.5, "0%")], ["b", 1, 25])
    assert said(reading)["C3"].startswith("'25' is ambiguous: other cells of the column have a percent sign")


def test_a_share_without_its_sign_under_a_header_with_it_is_a_finding(tmp_path: Path) -> None:
    rows = [["a", 1, (0.25, "0%")], ["b", 1, "25 %"], ["c", 1, 25], ["d", 1, 0.5], ["e", 1, 0]]
    reading = sales(tmp_path, ["Code", "Amount", "Share (%)"], *rows)
    assert values_of(reading, "share") == [0.25, 0.25, 0]
    assert list(said(reading)) == ["C4", "C5"]
    assert "is ambiguous under 'Share (%)'" in said(reading)["C5"]


def test_non_breaking_and_invisible_blanks_make_no_other_code(tmp_path: Path) -> None:
    header = ["Code", "Amount", "Region", "Note"]
    reading = sales(tmp_path, header, ["\u00a0AB\u00a012\u200b", "\u00a01,234.50", "North\u00a0Sea", "as\u00a0is"])
    assert (values_of(reading, "code"), values_of(reading, "amount")) == (["AB 12"], [1234.5])
    assert (values_of(reading, "region"), values_of(reading, "note")) == (["North Sea"], ["as\u00a0is"])


def test_dates_in_words_are_read_in_the_language_of_the_office(tmp_path: Path) -> None:
    dates = ["1. March 2024", "1. März 2024", "1 mars 2024", "01 mrz 2024", "1 Mrz. 2024", "01.03.2024", "1 Marz 2024"]
    reading = sales(tmp_path, ["Code", "Amount", "Seen"], *([f"c{i}", 1, date] for i, date in enumerate(dates)))
    assert values_of(reading, "seen") == [dt.date(2024, 3, 1)] * 6
    assert list(said(reading)) == ["C8"]


def test_a_date_that_a_text_column_takes_is_said_once(tmp_path: Path) -> None:
    day = dt.date(2024, 3, 1)
    reading = sales(
        tmp_path,
        ["Code", "Amount", "Note"],
        ["a", 1, "May"],
        ["b", 2, day],
        ["c", 3, day],
        default_date_format="dd/mm/yyyy",
    )
    assert values_of(reading, "note") == ["May", "2024-03-01", "2024-03-01"]
    assert rules(reading) == [("C3", "date_in_text", "notice")]
    assert "read as the text '2024-03-01' (2 such cells)" in said(reading)["C3"]


def test_truth_is_read_in_words(tmp_path: Path) -> None:
    words = [True, "Yes", "WAHR", "vrai", 1, False, "falsch", "faux", "nein", "N", 0]
    reading = sales(tmp_path, ["Code", "Amount", "Active"], *([f"c{i}", 1, word] for i, word in enumerate(words)))
    assert values_of(reading, "active") == [True] * 5 + [False] * 6


@pytest.mark.parametrize("mark", ["N/A", "n/a", "-", "–", "#N/A"])
def test_a_mark_for_no_value_is_counted_as_such(tmp_path: Path, mark: str) -> None:
    reading = sales(tmp_path, ["Code", "Amount", "Price", "Note"], ["a", 1, mark, mark])
    assert reading.cells == {"read": 4, "loaded": 4, "returned": 0, "ignored": 0, "blank": 2, "named": 0}
    assert said(sales(tmp_path, ["Code", "Amount"], ["a", mark], ["b", 1]))["B2"] == f"'{mark}' is not an amount"


def test_cells_of_a_sheet_that_lacks_a_column_are_counted_as_returned(tmp_path: Path) -> None:
    reading = sales(tmp_path, ["Code", "Amuont"], ["a", 1], ["b", 2])
    assert (reading.verdict, reading.cells["read"], reading.cells["returned"]) == ("returned", 4, 4)


# No silent change: each row of the table of what the libraries do to a cell without a word


def test_a_cell_in_the_farthest_corner_is_named_and_the_table_is_read(tmp_path: Path) -> None:
    far = '<row r="1048576"><c r="XFD1048576"><v>2</v></c></row>'
    reading = sound(read_file(changed(good(tmp_path / "x.xlsx"), {SHEET: sheet_xml(HEADER, GOOD, far)}), [SALES]))
    assert (values_of(reading, "code"), rules(reading)) == (["a"], [("XFD1", "unnamed_column", "notice")])


@pytest.mark.parametrize("head", [b"", bytes.fromhex("d0cf11e0a1b11ae1")], ids=["from the start", "after the head"])
def test_a_zero_filled_workbook_asks_for_a_whole_copy(tmp_path: Path, head: bytes) -> None:
    (tmp_path / "x.xls").write_bytes(head + b"\0" * 1_000_000)
    assert "its copy was not finished, copy it again" in str(read_file(tmp_path / "x.xls", [SALES]).error)


def test_an_error_cell_is_a_finding_by_address_also_in_an_optional_column(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "x.xlsx") as file:
        page = file.add_worksheet()
        page.write_row(0, 0, ["Code", "Amount", "Note"])
        page.write_row(1, 0, ["a", 1])
        page.write_formula("C2", "=NA()", None, "#N/A")
        page.write_row(2, 0, ["b"])
        page.write_formula("B3", "=[1]Far!A1", None, "#REF!")
    reading = sound(read_file(tmp_path / "x.xlsx", [SALES]))
    assert said(reading) == {
        "C2": "the cell holds the error #N/A; correct its formula",
        "B3": "the cell holds the error #REF!; correct its formula",
    }


def test_zeros_that_a_format_shows_or_the_contract_counts_are_kept(tmp_path: Path) -> None:
    rows: list[list[Any]] = [["00123", 1], [(123, "00000000"), 1], [123, 1], ["0012345678901234567890", 1]]
    reading = sales(tmp_path, ["Code", "Amount"], *rows)
    assert values_of(reading, "code") == ["00123", "00000123", "00123", "0012345678901234567890"]


@pytest.mark.parametrize(
    ("title", "value", "message"),
    [
        ("Pieces", 42.5, "42.5 is not a whole number"),
        ("Pieces", 0.125, "0.125 is not a whole number"),
        ("Pieces", 1.2e19, "1.2E+19 is stored as a rounded number; keep it as text"),
        ("Seen", 12, "12 is a number, not a date; format the cell as a date"),
        ("Seen", "12", "'12' is not written as DD.MM.YYYY or DD. Month YYYY or DD Mon YYYY"),
        ("Seen", (-5, "yyyy-mm-dd"), "'-5' is beyond Excel's calendar"),
        ("Seen", (0, "yyyy-mm-dd"), "'0' is zero, shown as a date"),
        ("Seen", (60, "yyyy-mm-dd"), "'60' is 29 February 1900, a day that never was"),
        ("At", "2024-03-01T08:00:00+02:00", "'2024-03-01T08:00:00+02:00' is not written as YYYY-MM-DD"),
        ("Price", "NA", "'NA' is not a price"),
        ("Price", "31/12/2024", "'31/12/2024' is not a price"),
    ],
)
def test_a_value_of_another_type_is_a_finding_and_never_bent(
    tmp_path: Path, title: str, value: Any, message: str
) -> None:
    reading = sales(tmp_path, ["Code", "Amount", title], ["a", 1, value], ["b", 1])
    assert said(reading) == {"C2": message}


def test_a_code_that_was_shortened_on_its_way_to_a_text_file_is_a_finding(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("Code,Amount\n1E5,1\n1.23457E+17,1\n1.5,1\n")
    reading = sound(read_file(tmp_path / "x.csv", [SALES]))
    assert values_of(reading, "code") == ["1E5", "1.5"]
    assert list(said(reading)) == ["A3"]
    assert "shortened" in said(reading)["A3"]


def test_a_code_of_more_digits_than_a_number_holds_is_a_finding(tmp_path: Path) -> None:
    cell = '<row r="2"><c r="A2"><v>9007199254740993</v></c><c r="B2"><v>1</v></c></row>'
    reading = sound(read_file(changed(good(tmp_path / "x.xlsx"), {SHEET: sheet_xml(HEADER, cell)}), [SALES]))
    assert "is stored as a rounded number (Excel keeps 15 digits)" in said(reading)["A2"]


def test_a_declared_size_that_is_too_small_hides_no_cell(tmp_path: Path) -> None:
    path = changed(good(tmp_path / "x.xlsx"), {SHEET: lambda xml: xml.replace(b'ref="A1:B2"', b'ref="A1"')})
    assert values_of(sound(read_file(path, [SALES])), "amount") == [1.0]


def test_the_text_na_stays_a_text(tmp_path: Path) -> None:
    words = ["NA", "nan", "NULL", "None", "TRUE"]
    reading = sales(tmp_path, ["Code", "Amount", "Note"], *([f"c{i}", 1, word] for i, word in enumerate(words)))
    assert values_of(reading, "note") == words


def test_a_flipped_byte_is_noticed_before_a_value_is_believed(tmp_path: Path) -> None:
    path = good(tmp_path / "x.xlsx")
    with zipfile.ZipFile(path) as archive:
        start = archive.getinfo(SHEET).header_offset + 100
    content = bytearray(path.read_bytes())
    content[start] ^= 0x10
    path.write_bytes(content)
    assert "damaged" in str(read_file(path, [SALES]).error)


def test_a_formula_without_a_value_is_a_finding_also_in_an_optional_column(tmp_path: Path) -> None:
    cells = f'<row r="2">{written("A2", "a")}<c r="B2"><v>1</v></c><c r="C2"><f>1+1</f></c></row>'
    header = HEADER.replace("</row>", f"{written('C1', 'Price')}</row>")
    reading = sound(read_file(changed(good(tmp_path / "x.xlsx"), {SHEET: sheet_xml(header, cells)}), [SALES]))
    assert said(reading) == {"C2": "the formula was saved without its result; open and save it in Excel"}


def test_escaped_characters_and_dates_with_offsets_are_read_as_what_they_are(tmp_path: Path) -> None:
    titles = "".join(written(f"{at}1", name) for at, name in zip("ABCD", ("Code", "Amount", "Note", "At"), strict=True))
    header = f'<row r="1">{titles}</row>'
    first = f'<row r="2">{written("A2", "a")}<c r="B2"><v>1</v></c>{written("C2", "one_x000D_&#10;two _x005F_x")}</row>'
    dated = '<c r="D3" t="d"><v>2024-03-01T08:00:00+02:00</v></c>'
    second = f'<row r="3">{written("A3", "b")}<c r="B3"><v>1</v></c>{dated}</row>'
    reading = sound(read_file(changed(good(tmp_path / "x.xlsx"), {SHEET: sheet_xml(header, first, second)}), [SALES]))
    assert values_of(reading, "note") == ["one\ntwo _x"]
    assert said(reading) == {"D3": "'2024-03-01T08:00:00+02:00' has a time zone; write the local time"}


def test_a_text_that_the_file_does_not_hold_is_no_blank(tmp_path: Path) -> None:
    strings = f'<sst xmlns="{MAIN}"><si><t>Code</t></si><si><t>Amount</t></si></sst>'.encode()
    path = changed(good(tmp_path / "x.xlsx"), {"xl/sharedStrings.xml": strings})
    assert "texts are missing" in str(read_file(path, [SALES]).error)


def test_a_file_that_is_gone_or_is_no_file_is_said(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.xlsx")
    assert "gone" in str(read_file(tmp_path / "x.xlsx", [SALES]).error)
    assert "no file" in str(read_file(tmp_path / "pipe.xlsx", [SALES]).error)
    assert "no file" in str(read_file(tmp_path, [SALES]).error)


# The blocking check


@pytest.fixture
def taken(tmp_path: Path) -> IngestedFile:
    """A file read with one row returned, one column ignored, one mark for no value."""
    rows: list[list[Any]] = [["a", 1, "n/a", "x"], ["b", 2, 5, "y"], ["c", "?", 5, "z"]]
    path = book(tmp_path / "x.xlsx", {"S": [["Code", "Amount", "Price", "Shelf"], *rows]})
    reading = sound(read_file(path, [SALES]))
    return IngestedFile(
        "x.xlsx", ledger_entry(reading, archive_file(path, tmp_path / "archive"), "x.xlsx", SALES), reading.rows
    )


def test_the_cells_of_a_file_add_up_in_the_check(taken: IngestedFile) -> None:
    result = _nothing_lost(Ingest("sales", "1", [taken]))
    assert result.passed
    shown = {name: value.value for name, value in result.metadata.items() if name.startswith("cells")}
    assert shown == {"cells read": 12, "cells loaded": 6, "cells returned": 3, "cells declared ignored": 3}


@pytest.mark.parametrize("loss", ["value", "row", "column"])
def test_the_check_fails_when_a_value_is_dropped_between_reading_and_storing(taken: IngestedFile, loss: str) -> None:
    rows = taken.rows
    assert rows is not None
    if loss == "value":
        place = rows.schema.get_field_index("amount")
        amounts = pc.if_else(pc.equal(rows["amount"], 2.0), pyarrow.scalar(None, pyarrow.float64()), rows["amount"])
        lacking = rows.set_column(place, "amount", amounts)
    else:
        lacking = rows.slice(1) if loss == "row" else rows.drop_columns(["price"])
    result = _nothing_lost(Ingest("sales", "1", [replace(taken, rows=lacking)]))
    assert not result.passed
    assert str(result.metadata["files that do not add up"].value).startswith("x.xlsx: ")


def test_the_counts_survive_on_disk(taken: IngestedFile, tmp_path: Path) -> None:
    Ingest("sales", "1", [taken]).write(tmp_path / "kept")
    (again,) = Ingest.read(tmp_path / "kept").files
    assert taken.entry is not None
    lists: dict[str, Any] = {"findings": list(taken.entry.findings), "questions": list(taken.entry.questions)}
    assert (again.entry, again.lost) == (replace(taken.entry, **lists), "")


def test_the_counts_and_a_sheet_name_like_sql_reach_the_ledger_and_the_table(
    conn: psycopg.Connection, tmp_path: Path
) -> None:
    name = "x'); DROP TABLE files;--"
    path = book(tmp_path / "x.xlsx", {name: [["Code", "Amount", "Note"], ["a", 1, "-"]]})
    reading = sound(read_file(path, [SALES]))
    load_file(
        conn, SALES, ledger_entry(reading, archive_file(path, tmp_path / "archive"), "x.xlsx", SALES), reading.rows
    )
    assert conn.execute("select cells from s2p.files").fetchall() == [(reading.cells,)]
    assert conn.execute("select _sheet from test.messy_and_hostile_files").fetchall() == [(name,)]


# Sheets that s2p itself wrote


def test_a_marked_copy_that_its_owner_corrected_is_accepted_without_a_word(tmp_path: Path) -> None:
    path = book(tmp_path / "x.xlsx", {"S": [["Code", "Amount"], ["a", 1], ["b", "?"]]})
    reading = read_file(path, [SALES])
    copy = write_returned(path, reading, tmp_path / "back" / "x.xlsx", name="x.xlsx", owner="Ann")
    corrected = openpyxl.load_workbook(copy)
    corrected["S"]["B3"] = 2
    corrected.save(copy)
    again = sound(read_file(copy, [SALES]))
    assert (again.verdict, again.findings, values_of(again, "amount")) == ("accepted", [], [1.0, 2.0])


def test_a_filled_template_is_accepted_without_a_word(tmp_path: Path) -> None:
    path = write_template(SALES, tmp_path / "t.xlsx")
    filled = openpyxl.load_workbook(path)
    page = filled.worksheets[0]
    page["A2"], page["B2"] = "a", 1
    filled.save(path)
    assert (read_file(path, [SALES]).verdict, read_file(path, [SALES]).findings) == ("accepted", [])


# Hostile files


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(seconds=60, memory_mb=1024) as opened:
        yield opened


def test_a_sheet_of_every_column_is_read_and_its_strangers_are_summed_up(sandbox: Sandbox, tmp_path: Path) -> None:
    letters = [get_column_letter(number) for number in range(3, 16_385)]
    header = HEADER.replace("</row>", "".join(written(f"{name}1", f"col {name}") for name in letters) + "</row>")
    row = GOOD.replace("</row>", "".join(f'<c r="{name}2"><v>1</v></c>' for name in letters) + "</row>")
    reading = sound(sandbox.read(changed(good(tmp_path / "x.xlsx"), {SHEET: sheet_xml(header, row)}), [SALES]))
    assert (reading.verdict, reading.cells["loaded"], reading.cells["ignored"]) == ("accepted", 2, 16_382)
    assert [finding.rule for finding in reading.findings] == ["unknown_column"] * 31 + ["cut_off"]
    assert reading.findings[-2].message == "and 16,352 more columns are not expected here; cells ignored there: 16,352"


def test_a_million_shared_texts_are_no_harm(sandbox: Sandbox, tmp_path: Path) -> None:
    items = "".join(f"<si><t>{number}x</t></si>" for number in range(1_000_000))
    strings = f'<sst xmlns="{MAIN}" uniqueCount="4294967295">{items}</sst>'.encode()
    row = '<row r="2"><c r="A2" t="s"><v>999999</v></c><c r="B2"><v>1</v></c></row>'
    path = changed(good(tmp_path / "x.xlsx"), {"xl/sharedStrings.xml": strings, SHEET: sheet_xml(HEADER, row)})
    assert values_of(sandbox.read(path, [SALES]), "code") == ["999999x"]


LAUGHS = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">{}]>'.format(
    "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(10))
)


@pytest.mark.parametrize("before", ["", f"<!--{'x' * 70_000}-->"], ids=["plain", "behind a long comment"])
@pytest.mark.parametrize("part", ["xl/workbook.xml", "xl/styles.xml", "xl/sharedStrings.xml", SHEET])
def test_a_billion_laughs_are_not_listened_to(sandbox: Sandbox, tmp_path: Path, part: str, before: str) -> None:
    def laugh(xml: bytes) -> bytes:
        head, _, rest = xml.decode().partition("?>")
        return f"{head}?>{before}{LAUGHS}{rest.replace('</', '&k;</', 1)}".encode()

    reading = sandbox.read(changed(good(tmp_path / "x.xlsx"), {part: laugh}), [SALES])
    assert "entities" in str(reading.error)


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "'); DROP TABLE s2p.files;--", "数据 лист", "a\u202eb", "=1+1", "<b>&amp;", "x" * 31]
)
def test_a_sheet_of_any_name_is_read_under_that_name(tmp_path: Path, name: str) -> None:
    file = openpyxl.Workbook()
    page = file.worksheets[0]
    page._WorkbookChild__title = name  # the library refuses what Excel would not write
    for row in (["Code", "Amount"], ["a", 1]):
        page.append(row)
    file.save(tmp_path / "x.xlsx")
    assert values_of(sound(read_file(tmp_path / "x.xlsx", [SALES])), "_sheet") == [name]


def test_macros_and_links_to_other_files_are_neither_run_nor_followed(tmp_path: Path) -> None:
    path = good(tmp_path / "x.xlsx").rename(tmp_path / "x.xlsm")
    link = f'<externalLink xmlns="{MAIN}"><externalBook/></externalLink>'.encode()
    namespace = "http://schemas.openxmlformats.org/package/2006/relationships"
    target = '<Relationship Id="r" Type="x/externalLinkPath" Target="file:///etc/passwd" TargetMode="External"/>'
    relations = f'<Relationships xmlns="{namespace}">{target}</Relationships>'.encode()
    row = f'<row r="2">{written("A2", "a")}<c r="B2"><f>[1]S!A1</f><v>7</v></c></row>'
    parts: dict[str, bytes | Callable[[bytes], bytes]] = {
        "xl/vbaProject.bin": b"macro", "xl/externalLinks/externalLink1.xml": link,
        "xl/externalLinks/_rels/externalLink1.xml.rels": relations, SHEET: sheet_xml(HEADER, row),
    }  # fmt: skip
    reading = sound(read_file(changed(path, parts), [SALES]))
    assert (reading.verdict, values_of(reading, "amount"), reading.findings) == ("accepted", [7.0], [])


OLE = bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 504


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("x.xlsx", OLE + "EncryptedPackage".encode("utf-16-le"), "remove the password"),
        ("x.xls", OLE + b"\0" * 9000, "copy it again"),
        ("x.xls", OLE + b"data" * 9000, "copy it again"),
        ("x.xls", b"", "0 bytes"),
        ("x.xls", b"\xef\xbb\xbf\n <!DOCTYPE html><html>", "web page"),
        ("x.xlsx", b'<?xml version="1.0"?><Workbook/>', "XML file"),
        ("x.xlsx", b"PK\x05\x06" + b"\0" * 18, "zip archive"),
    ],
)
def test_what_cannot_be_read_says_what_to_do(tmp_path: Path, name: str, content: bytes, word: str) -> None:
    (tmp_path / name).write_bytes(content)
    reading = read_file(tmp_path / name, [SALES])
    assert (reading.verdict, reading.rows) == ("returned", None)
    assert word in str(reading.error)


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.99])
@pytest.mark.parametrize("filled", [False, True], ids=["cut off", "zeros to its full length"])
def test_a_file_that_was_not_copied_to_its_end_is_said(tmp_path: Path, kept: float, filled: bool) -> None:
    path = good(tmp_path / "x.xlsx")
    content = path.read_bytes()
    head = content[: int(len(content) * kept)]
    path.write_bytes(head.ljust(len(content), b"\0") if filled else head)
    assert "copy" in str(read_file(path, [SALES]).error)


@pytest.mark.skipif(not ODD_FILES.exists(), reason="the odd files are not here")
@pytest.mark.parametrize("name", ["pass_protected.xlsb", "pass_protected.ods", "pass_protected.xlsx"])
def test_a_password_is_asked_to_be_removed(name: str) -> None:
    assert "remove the password" in str(read_file(ODD_FILES / "calamine" / name, [SALES]).error)


def test_a_finding_is_one_line_however_odd_the_cell(tmp_path: Path) -> None:
    rows = [["a", "٣"], ["b", "x\x07\ny"], ["c", "z" * 32_767]]
    reading = sales(tmp_path, ["Code", "Amount"], *rows)
    assert values_of(reading, "amount") == [3.0]
    assert [finding.cell for finding in reading.findings] == ["B3", "B4"]
    assert all("\n" not in finding.message and len(finding.message) < 200 for finding in reading.findings)


def test_a_header_far_below_another_table_is_found_and_what_stands_above_is_said(tmp_path: Path) -> None:
    above: list[list[Any]] = [
        ["Region", "Manager", "Since"],
        *(["North", f"Manager {number}", 2000 + number] for number in range(300)),
    ]
    reading = sales(tmp_path, *above, [], ["Code", "Amount"], ["a", 1], ["b", 2])
    assert values_of(reading, "code") == ["a", "b"]
    assert said(reading) == {"A1": "301 rows above the header look like another table; they were not read"}
