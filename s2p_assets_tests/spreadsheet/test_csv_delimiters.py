"""Promises of reading delimited texts that no contract describes: the cells are parted where their author parted them.

The generated cases and the real files were put to DuckDB's sniffer once, which found the same delimiters; of the hard
ones below it got eight wrong.
"""

import csv
import io
from itertools import product
from pathlib import Path

import pytest

from s2p_assets.spreadsheet.book import open_book
from s2p_assets.spreadsheet.grid import Sheet
from s2p_assets.spreadsheet.readers.csv_delimiter import detect_delimiter

DELIMITERS = (",", ";", "\t", "|")
ENCODINGS = ("utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le")
PREAMBLE = "Sales report, March 2024\r\nPrepared by: Anna; checked\r\n\r\n"
HEADER = ["Article", "Name", "Price", "Share", "Remark"]
NAMES = ("Müller", "Schmidt, Anna", "O'Brien", "Käse & Wein")
CASES = [*product(DELIMITERS, ".,", (False, True), (False, True), ENCODINGS)]


def records_of(decimal: str, has_line_breaks: bool) -> list[list[str]]:
    """A header and twelve rows of names, prices, shares and remarks."""
    rows = []
    for number in range(12):
        price, share = f"{3 * number + 1}{decimal}{number % 10}5", f"{number}{decimal}5 %"
        remark = (
            "first line\nsecond, line; here" if has_line_breaks and number % 3 == 0 else ("ok" if number % 2 else "")
        )
        rows.append([f"A{number:03}", NAMES[number % 4], price, share, remark])
    return [HEADER, *rows]


def written(records: list[list[str]], delimiter: str) -> str:
    """The records as a spreadsheet program saves them: quotes only where they are needed."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows(records)
    return text.getvalue()


def rows_of(sheet: Sheet) -> list[list[str]]:
    return [[sheet.row(number).get(column, "") for column in range(1, 6)] for number in sheet.first_rows(50)]


@pytest.mark.parametrize(
    ("delimiter", "decimal", "has_preamble", "has_line_breaks", "encoding"),
    CASES,
    ids=[
        f"{delimiter!r} {decimal} {'preamble' if above else 'bare'} {'breaks' if breaks else 'plain'} {encoding}"
        for delimiter, decimal, above, breaks, encoding in CASES
    ],
)
def test_a_text_that_no_contract_describes_is_parted_as_its_author_parted_it(
    tmp_path: Path, *, delimiter: str, decimal: str, has_preamble: bool, has_line_breaks: bool, encoding: str
) -> None:
    records = records_of(decimal, has_line_breaks)
    text = (PREAMBLE if has_preamble else "") + written(records, delimiter)
    (tmp_path / "x.csv").write_bytes(text.encode(encoding))
    with open_book(tmp_path / "x.csv") as book:
        (sheet,) = book.sheets()
    assert rows_of(sheet)[2 * has_preamble :] == records


@pytest.mark.parametrize(
    ("delimiter", "text"),
    [
        (";", "Name;City\nSmith, John;Bern\nMeier, Anna;Basel\nFoo, Bar;Genf\n"),
        (";", "Last, First;City\nSmith, John;Bern\nMeier, Anna;Basel\nFoo, Bar;Genf\n"),
        (";", "1,5;2,5;3,5\n2,5;3,5;4,5\n"),
        (";", "Preis;Menge\n1,50;1,0\n2,75;1,5\n3,10;2,0\n"),
        (";", "SKU;Menge;Zeit\nA1;1.234,5;2025-01-31 14:30:00\n"),
        (";", "SKU;Tags\nA;red,blue\nB;red\nC;green,blue,x\n"),
        (";", "a;b\n1,000;2,000\n3,000;4,000\n"),
        (";", "Kunde;Adresse;Ort\nA;Weg 1, 3000 Bern, CH;Bern\nB;Weg 2, 4000 Basel, CH;Basel\n"),
        (";", "Firma, Bern, Schweiz\nStand: 1, 2, 3\nFilter: a, b, c\nStand: 1, 2, 3\nA;B\n1;2\n3;4\n"),
        (";", '"a";"b";"c"\n"1,5";"x,y";"z"\n"2,5";"x,y";"z"\n'),
        (";", 'a;b\n12" nail;3\n5" nail;4\nx;5\n'),
        (";", 'id;data\n1;{"a":1,"b":2}\n2;{"a":3,"b":4}\n'),
        (";", "a;b;;;\n1;2;;;\n3;4;;;\n"),
        (";", "a;b;c"),
        (";", "a;b\r1;2\r3;4\r"),
        ("\t", "Name\tAmount\nSmith, John\t1,200.50\nMeier, A\t2,300.10\n"),
        ("\t", "a\tb\n1,000\t2,000\n3,000\t4,000\n"),
        (",", '"Item\nno","Price; EUR"\n1,2\n3,4\n'),
        (",", "id,path,n\n1,a|b|c,5\n2,d|e|f,6\n3,g|h|i,7\n"),
        (",", "id,tags\n1,x;y;z\n2,x;y;z\n3,x;y;z\n"),
        (",", "a, b, c\n1, 2, 3\n4, 5, 6\n"),
        (",", "a,b,c\n1,2\n3,4,5,6\n7,8,9\n"),
        (",", "SKU\na\nb\nc\n"),
        (",", "Remark\nfine; ok\nso so\nbad\n"),
    ],
)
def test_marks_within_texts_and_numbers_are_no_delimiters(delimiter: str, text: str) -> None:
    assert detect_delimiter(text) == delimiter


def test_headers_that_are_looked_for_outweigh_a_more_regular_table() -> None:
    text = "sku;x,y\nqty;1,2\n1;3,4\nsku,qty;z,u\n"
    assert detect_delimiter(text) == ";"
    assert detect_delimiter(text, ["sku", "qtyz"]) == ","
