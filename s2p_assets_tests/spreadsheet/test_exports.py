"""Promises about exports that call themselves workbooks: web pages, web archives, XML of 2003; and other files."""

import email.message
import zipfile
from pathlib import Path

import pytest

from s2p_assets.contracts.columns import Code, Date, Money, Row, column
from s2p_assets.contracts.findings import ReadResult
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.spreadsheet.book import open_book
from s2p_assets.spreadsheet.grid import Sheet, cell_address
from s2p_assets.spreadsheet.not_workbooks import what_to_do
from s2p_assets.spreadsheet.reading import read_file
from s2p_assets.spreadsheet.sandbox import Sandbox
from s2p_assets.spreadsheet.share import scan_share


class OrderRow(Row):
    """One order."""

    article: Code = column("Article", description="article")
    ordered: Date = column("Date", description="day", formats=["%d.%m.%Y"])
    price: Money = column("Price", description="price", unit="EUR", decimal=",")


ORDERS = Workbook(rows=OrderRow, path="**", owner="o@example.org")
ROWS = [["00123", "04.03.2024", "1.234,50"], ["A7", "05.03.2024", "2,00-"]]


def page(rows: list[list[str]], above: str = "", head: str = "") -> str:
    lines = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>\n" for row in rows)
    titles = "<tr><th>Article</th><th>Date</th><th>Price</th></tr>"
    return f"<html><head>{head}</head><body>{above}<table>{titles}{lines}</table></body></html>"


def read(path: Path, content: str | bytes, encoding: str = "utf-8") -> ReadResult:
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return read_file(path, [ORDERS])


def values(reading: ReadResult) -> list[tuple[str, str, float]]:
    assert reading.verdict == "accepted", (reading.error, reading.findings)
    assert reading.rows is not None
    return [
        (row["article"], str(row["ordered"]), float(row["price"]))
        for row in reading.rows.select(["article", "ordered", "price"]).to_pylist()
    ]


def cells(path: Path) -> dict[str, str]:
    with open_book(path) as book:
        return {place: text for sheet in book.sheets() for place, text in texts_of(sheet).items()}


def texts_of(sheet: Sheet) -> dict[str, str]:
    return {
        cell_address(row, number): text
        for number, found in sheet.columns.items()
        for row, text in zip(found.rows.tolist(), found.texts.to_pylist(), strict=True)
    }


RIGHT = [("00123", "2024-03-04", 1234.5), ("A7", "2024-03-05", -2.0)]


@pytest.mark.parametrize(("encoding", "mark"), [("utf-8", ""), ("utf-16", ""), ("utf-8", "\ufeff")])
def test_an_html_table_named_xls_is_read_whatever_unicode_it_is_in(tmp_path: Path, encoding: str, mark: str) -> None:
    reading = read(tmp_path / "orders.xls", mark + page(ROWS), encoding)
    assert values(reading) == RIGHT
    assert [(finding.rule, finding.severity) for finding in reading.findings] == [("suffix", "notice")]


def test_an_html_page_keeps_the_letters_of_the_encoding_that_it_states(tmp_path: Path) -> None:
    head = '<meta http-equiv="Content-Type" content="text/html; charset=windows-1250">'
    rows = [["Łódź", "04.03.2024", "1,00"]]
    assert values(read(tmp_path / "orders.xls", page(rows, head=head), "cp1250"))[0][0] == "Łódź"


def test_cells_of_a_web_page_stand_where_excel_shows_them(tmp_path: Path) -> None:
    path = tmp_path / "stock.xls"
    spans = '<table><tr><td rowspan="2">a</td><td colspan="2">b</td></tr><tr><td>c</td><td>d</td></tr></table>'
    path.write_text(f"<html><body>Stock<br>of&nbsp;March<p>printed</p>{spans}<table><tr><td>e<br>f</td></tr></table>")
    assert cells(path) == {"A1": "Stock", "A2": "of March", "A3": "printed", "A4": "a", "B4": "b", "B5": "c", "C5": "d",
                           "A6": "e\nf"}  # fmt: skip


def test_a_table_within_a_table_pushes_its_neighbours_aside(tmp_path: Path) -> None:
    path = tmp_path / "layout.xls"
    inner = "<table><tr><td>1</td><td>2</td></tr><tr><td>3</td></tr></table>"
    path.write_text(f"<table><tr><td>{inner}</td><td>beside</td></tr><tr><td>under</td></tr></table>")
    assert cells(path) == {"A1": "1", "B1": "2", "A2": "3", "C1": "beside", "A3": "under"}


def test_a_bad_cell_of_a_web_page_is_named_by_its_address(tmp_path: Path) -> None:
    rows = [ROWS[0], ["A8", "soon", "1,00"]]
    reading = read(tmp_path / "orders.xls", page(rows, above="<h1>Orders</h1>"))
    assert [finding.cell for finding in reading.findings if finding.severity == "reject"] == ["B4"]


def test_excels_own_marks_in_html_give_the_value_and_not_what_is_shown(tmp_path: Path) -> None:
    head = '<style>td.xl1 {mso-number-format:"Short Date";}\n.xl2 {mso-number-format:"\\#\\,\\#\\#0\\.00";}</style>'
    body = '<td>7</td><td class=xl1 x:num="45355">3/4/24</td><td class=xl2 x:num="1234.567">1,235</td>'
    html = page([], head=head).replace("</table>", f"<tr>{body}</tr></table>")
    assert values(read(tmp_path / "orders.xls", html)) == [("7", "2024-03-04", 1234.567)]


def archive(**parts: str) -> bytes:
    message = email.message.EmailMessage()
    message["MIME-Version"] = "1.0"
    message.make_related()
    for name, html in parts.items():
        part = email.message.EmailMessage()
        part.set_content(html, subtype="html", charset="utf-8", cte="quoted-printable")
        part["Content-Location"] = f"file:///C:/x/{name}.htm"
        message.attach(part)
    return message.as_bytes()


def test_a_web_archive_as_sap_writes_it_is_read(tmp_path: Path) -> None:
    assert values(read(tmp_path / "orders.xls", archive(book=page(ROWS)))) == RIGHT


def test_every_sheet_of_a_web_archive_is_read_under_its_own_name(tmp_path: Path) -> None:
    listed = "".join(
        f'<x:ExcelWorksheet><x:Name>{name}</x:Name><x:WorksheetSource HRef="book_files/{source}.htm"/>'
        "</x:ExcelWorksheet>"
        for name, source in (("March &amp; April", "sheet001"), ("May", "sheet002"))
    )
    path = tmp_path / "orders.xls"
    frames = f"<html><head><xml>{listed}</xml></head><frameset></frameset></html>"
    path.write_bytes(archive(book=frames, sheet001=page(ROWS[:1]), sheet002=page(ROWS[1:])))
    with open_book(path) as book:
        assert [sheet.name for sheet in book.sheets()] == ["March & April", "May"]
    assert values(read_file(path, [ORDERS])) == RIGHT


XML = """<?xml version="1.0"?>
<?mso-application progid="Excel.Sheet"?>
<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet" xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet">
<Styles><Style ss:ID="d"><NumberFormat ss:Format="Short Date"/></Style></Styles>
<Worksheet ss:Name="Orders"><Table>
<Row ss:Index="3"><Cell><Data ss:Type="String">Article</Data></Cell><Cell><Data ss:Type="String">Date</Data></Cell>
<Cell ss:Index="4"><Data ss:Type="String">Price</Data></Cell></Row>
<Row><Cell><Data ss:Type="String">00123</Data></Cell>
<Cell ss:StyleID="d"><Data ss:Type="DateTime">2024-03-04T00:00:00.000</Data></Cell>
<Cell ss:Index="4"><Data ss:Type="Number">1234.5</Data></Cell></Row>
<Row><Cell><Data ss:Type="String">A7</Data></Cell><Cell ss:StyleID="d"><Data ss:Type="Number">45356</Data></Cell>
<Cell ss:Index="4"><Data ss:Type="Number">{last}</Data></Cell></Row>
</Table></Worksheet></Workbook>"""


def test_an_xml_spreadsheet_of_2003_is_read_at_its_true_addresses(tmp_path: Path) -> None:
    path = tmp_path / "orders.xls"
    assert values(read(path, XML.format(last="-2"))) == RIGHT
    assert {place: cells(path)[place] for place in ("A3", "D3", "A4", "D5")} == {
        "A3": "Article",
        "D3": "Price",
        "A4": "00123",
        "D5": "-2",
    }


def test_an_xml_spreadsheet_that_is_not_well_formed_is_refused_and_not_read_in_part(tmp_path: Path) -> None:
    reading = read(tmp_path / "orders.xls", XML.format(last="1 & 2"))
    assert "not well-formed in line 12" in (reading.error or "")


def test_a_web_page_or_xml_with_entities_does_no_harm(tmp_path: Path) -> None:
    bomb = '<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]>'
    reading = read(tmp_path / "orders.xls", XML.format(last="&c;").replace("<Workbook", f"{bomb}<Workbook", 1))
    assert "declares XML entities" in (reading.error or "")
    deep = "<table><tr><td>" * 3_000
    with Sandbox(seconds=60) as sandbox:
        path = tmp_path / "deep.xls"
        path.write_text(deep)
        assert sandbox.read(path, [ORDERS]).verdict == "returned"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("<html><body>Please log in</body></html>", "web page without a table"),
        ("ID;PWXL;N;E\r\nP;PGeneral\r\nC;Y1;X1;K1\r\nE\r\n", "SYLK"),
        ('{"url": "https://docs.google.com/open?id=1", "doc_id": "1"}', "Google sheet"),
        ("<?xml version='1.0'?><orders><order/></orders>", "XML file"),
    ],
)
def test_what_is_no_workbook_says_what_it_is_and_what_to_do(tmp_path: Path, content: str, told: str) -> None:
    assert told in (read(tmp_path / "orders.xls", content).error or "")


def put(share: Path, *names: str) -> None:
    for name in names:
        (share / name).parent.mkdir(parents=True, exist_ok=True)
        (share / name).write_bytes(b"x")


def test_files_that_a_person_may_think_are_read_are_named_with_what_to_do(tmp_path: Path) -> None:
    contract = Workbook(rows=OrderRow, path=("orders/**/*.xls*", "**/Stock*.csv"), owner="o@example.org")
    named = ["orders/2024/March.pdf", "orders/March.numbers", "Stock May.txt", "a/b/list.gsheet", "x/Old.xlsx.bak",
             "orders/all.zip", "letter.docx", "orders/March.bak"]  # fmt: skip
    put(tmp_path, *named, "orders/logo.png", "archive/manual.pdf", "README.txt", "orders/script.py", "a/~$x.numbers")
    found = scan_share(tmp_path, [contract])
    assert {file.relative for file in found.unclaimed} == set(named)
    assert all(what_to_do(name) for name in named)


def test_a_text_file_is_read_where_a_contract_names_its_suffix(tmp_path: Path) -> None:
    contract = Workbook(rows=OrderRow, path="orders/*.txt", owner="o@example.org")
    put(tmp_path, "orders/a.txt", "orders/b.pdf")
    found = scan_share(tmp_path, [contract])
    assert [file.relative for file in found.files["test_exports"]] == ["orders/a.txt"]
    assert [file.relative for file in found.unclaimed] == ["orders/b.pdf"]


def test_a_numbers_file_is_called_so(tmp_path: Path) -> None:
    path = tmp_path / "orders.xlsx"
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("Index/Document.iwa", b"x")
    assert "Apple Numbers" in (read_file(path, [ORDERS]).error or "")
