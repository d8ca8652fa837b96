"""Promises about the marked copy that goes back to a file's owner. How files are read is tested elsewhere."""

import re
import shutil
import subprocess
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter
from lxml import etree
from openpyxl.comments import Comment
from openpyxl.worksheet.worksheet import Worksheet

from s2p_assets.contracts.columns import Code, Money, Row, Severity, Text, column
from s2p_assets.contracts.findings import FINDINGS_SHEET, Finding, ReadResult
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.spreadsheet.book import open_book
from s2p_assets.spreadsheet.grid import cell_address
from s2p_assets.spreadsheet.limits import WorkbookUnreadable
from s2p_assets.spreadsheet.reading import read_file
from s2p_assets.spreadsheet.returned.copies import write_returned
from s2p_assets.spreadsheet.returned.feedback import FILLS, MAX_NOTES
from s2p_assets.spreadsheet.returned.returned_files import returned_copies
from s2p_assets.spreadsheet.returned.sheet_xml import SheetPatch, UnmarkableError, patched_sheet
from s2p_assets.spreadsheet.sandbox import Sandbox

REAL_FILES = Path(__file__).parents[3] / "shared" / "data"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


class Prices(Row):
    """What an article costs."""

    sku: Code = column("SKU", description="Article number")
    name: Text = column("Name", description="Article name")
    price: Money = column("Price", description="Price of one unit", ge=0)


PRICES = Workbook(rows=Prices, path="prices/*", owner="purchasing@example.com", key=("sku",))


def bad(
    cell: str,
    message: str = "'n/a' is not a price",
    *,
    sheet: str = "March",
    value: str = "n/a",
    severity: Severity = "reject",
) -> Finding:
    return Finding(sheet, cell, "price", value, "type", message, severity)


def mark(original: Path, findings: Sequence[Finding], target: Path | None = None) -> Path:
    reading = ReadResult(original, "any_prices", "March", "returned", 3, 0, 3, list(findings))
    return answer(original, reading, target or original.parent / "returned" / original.name)


def answer(original: Path, reading: ReadResult, target: Path) -> Path:
    return write_returned(original, reading, target, name=original.name, owner="anna@example.com")


@pytest.fixture
def prices(tmp_path: Path) -> Path:
    """Two sheets, a number format, a person's own comment, a print area and a picture of the sheet that was open."""
    book = openpyxl.Workbook()
    other = book.active
    assert isinstance(other, Worksheet)
    other.title = "Notes"
    other["A1"] = "nothing here"
    sheet = book.create_sheet("March")
    for row in (["SKU", "Name", "Price"], ["00123", "Chair", 12.5], ["00124", "Table", "n/a"], ["00125", None, 3]):
        sheet.append(row)
    sheet["C2"].number_format = "#,##0.00 [$€-407]"
    sheet["B3"].comment = Comment("Ask Bob about this", "Anna")
    sheet.print_area = "A1:C4"
    book.active = 1
    path = tmp_path / "prices.xlsx"
    book.save(path)
    return path


def opened(path: Path) -> tuple[Worksheet, Worksheet]:
    """The list of findings and the sheet `March`."""
    book = openpyxl.load_workbook(path)
    return book[FINDINGS_SHEET], book["March"]


def fill(sheet: Worksheet, cell: str) -> str:
    return str(sheet[cell].fill.fgColor.rgb)[2:]


def note(sheet: Worksheet, cell: str) -> str:
    comment = sheet[cell].comment
    return comment.text if comment else ""


def parts(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def test_a_bad_cell_is_coloured_and_told_what_to_do(prices: Path) -> None:
    _, sheet = opened(mark(prices, [bad("C3"), bad("C2", "is it really so dear?", severity="notice")]))
    assert fill(sheet, "C3") == FILLS["reject"]
    assert fill(sheet, "C2") == FILLS["notice"]
    assert "'n/a' is not a price" in note(sheet, "C3")
    assert "Please correct this cell" in note(sheet, "C3")
    assert "does not keep the row from being loaded" in note(sheet, "C2")
    assert fill(sheet, "A2") not in FILLS.values()


def test_a_marked_cell_keeps_its_value_and_number_format(prices: Path) -> None:
    _, sheet = opened(mark(prices, [bad("C2")]))
    assert sheet["C2"].value == 12.5
    assert sheet["C2"].number_format == "#,##0.00 [$€-407]"


def test_every_message_of_a_cell_stands_in_its_one_note(prices: Path) -> None:
    _, sheet = opened(mark(prices, [bad("C3", "not a price"), bad("C3", "not positive"), bad("C3", "not a price")]))
    assert note(sheet, "C3").count("not a price") == 1
    assert "not positive" in note(sheet, "C3")


def test_empty_cells_and_rows_that_are_not_in_the_file_can_be_marked(prices: Path) -> None:
    _, sheet = opened(mark(prices, [bad("B4"), bad("AA4"), bad("C40"), bad("A1")]))
    for cell in ("B4", "AA4", "C40", "A1"):
        assert fill(sheet, cell) == FILLS["reject"], cell
        assert note(sheet, cell), cell
    assert sheet["A4"].value == "00125"


def test_the_list_of_findings_comes_first_and_links_to_each_cell(prices: Path) -> None:
    path = mark(prices, [bad("C2", severity="notice"), bad("C3", value="n/a")])
    book = openpyxl.load_workbook(path)
    listed = book[FINDINGS_SHEET]
    assert book.sheetnames == [FINDINGS_SHEET, "Notes", "March"]
    assert book.active.title == FINDINGS_SHEET
    assert [sheet.title for sheet in book if sheet.sheet_view.tabSelected] == [FINDINGS_SHEET]
    texts = [[cell.value for cell in row] for row in listed.iter_rows()]
    assert "prices.xlsx was returned" in str(texts[0][0])
    assert ["Owner", "anna@example.com"] in [row[:2] for row in texts]
    steps = [row[1] for row in texts if row[0] == "Next step"]
    assert len(steps) == 1
    assert "save it as 'prices.xlsx' at its old place" in str(steps[0])
    top = next(number for number, row in enumerate(texts, 1) if row[0] == "Sheet")
    assert texts[top] == ["March", "C3", "price", "n/a", "type", "'n/a' is not a price", "to correct"]
    assert texts[top + 1][1] == "C2"
    assert listed.cell(top + 1, 2).hyperlink.location == "'March'!C3"
    assert listed.freeze_panes == f"A{top + 1}"


def test_print_areas_still_belong_to_their_sheet(prices: Path) -> None:
    _, sheet = opened(mark(prices, [bad("C3")]))
    assert "$A$1:$C$4" in str(sheet.print_area)


def test_a_persons_own_comment_stays_above_ours(prices: Path) -> None:
    _, sheet = opened(mark(prices, [bad("B3", "no such article"), bad("C3")]))
    assert note(sheet, "B3").startswith("Ask Bob about this")
    assert "no such article" in note(sheet, "B3")
    assert note(sheet, "C3").startswith("'n/a'")


THREAD = "{3E1F8A52-0C77-4C43-9A42-5C1D2E6B7A01}"
REPLY = "{3E1F8A52-0C77-4C43-9A42-5C1D2E6B7A02}"
PERSON = "{A7C1B6E0-52D4-4B61-8E55-0B7D9F3C2D10}"
THREADS = "http://schemas.microsoft.com/office/spreadsheetml/2018/threadedcomments"


def threaded(prices: Path) -> tuple[Path, dict[str, bytes]]:
    """The workbook with its note turned into a conversation as Excel 365 keeps one, and the conversation's parts."""
    reply = f'<threadedComment ref="B3" dT="2024-03-01T11:00:00.00" personId="{PERSON}" id="{REPLY}" '
    talk = {
        "xl/threadedComments/threadedComment1.xml": f'''<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<ThreadedComments xmlns="{THREADS}"><threadedComment ref="B3" dT="2024-03-01T10:00:00.00" personId="{PERSON}"
 id="{THREAD}"><text>Ask Bob &amp; Eve</text></threadedComment>{reply}parentId="{THREAD}"><text>Asked.</text>
</threadedComment></ThreadedComments>'''.encode(),
        "xl/persons/person.xml": f'''<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<personList xmlns="{THREADS}"><person displayName="Anna" id="{PERSON}" userId="anna" providerId="None"/></personList>
'''.encode(),
    }
    links = "http://schemas.microsoft.com/office/2017/10/relationships"
    content = parts(prices)
    (comments,) = [name for name in content if name.startswith("xl/comments/")]
    (sheet_links,) = [name for name in content if name.startswith("xl/worksheets/_rels")]
    revision = 'xmlns:xr="http://schemas.microsoft.com/office/spreadsheetml/2014/revision"'

    def changed(name: str, *pairs: tuple[str, str]) -> None:
        text = content[name].decode()
        for old, new in pairs:
            assert old in text, (name, text)
            text = text.replace(old, new)
        content[name] = text.encode()

    changed(
        comments, (">Anna<", f">tc={THREAD}<"), ('<comment ref="B3"', f'<comment ref="B3" {revision} xr:uid="{THREAD}"')
    )
    thread = (
        f'<Relationship Id="rIdT" Type="{links}/threadedComment" Target="../threadedComments/threadedComment1.xml"/>'
    )
    changed(sheet_links, ("</Relationships>", f"{thread}</Relationships>"))
    person = f'<Relationship Id="rIdP" Type="{links}/person" Target="persons/person.xml"/>'
    changed("xl/_rels/workbook.xml.rels", ("</Relationships>", f"{person}</Relationships>"))
    kinds = "".join(
        f'<Override PartName="/{part}" ContentType="application/vnd.ms-excel.{kind}+xml"/>'
        for part, kind in zip(talk, ("threadedcomments", "person"), strict=True)
    )
    changed("[Content_Types].xml", ("</Types>", f"{kinds}</Types>"))
    path = prices.with_name("threaded.xlsx")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in (content | talk).items():
            archive.writestr(name, part)
    return path, talk


def test_a_conversation_at_a_cell_is_kept_byte_for_byte(prices: Path) -> None:
    original, talk = threaded(prices)
    copy = mark(original, [bad("B3", "no such article"), bad("C3")])
    again = mark(copy, [bad("C3", "a second finding")], copy.with_name("again.xlsx"))
    for path, told in ((copy, "'n/a' is not a price"), (again, "a second finding")):
        content = parts(path)
        assert {name: content[name] for name in talk} == talk
        (sheet_links,) = [links for name, links in content.items() if b"/threadedComment" in links and ".rels" in name]
        assert sheet_links.count(b"/relationships/comments") == 1
        (comments,) = [
            part for name, part in content.items() if "comment" in name.lower() and f"tc={THREAD}".encode() in part
        ]
        assert f'uid="{THREAD}"'.encode() in comments
        assert b"/relationships/person" in content["xl/_rels/workbook.xml.rels"]
        _, sheet = opened(path)
        assert told in note(sheet, "C3")
        assert note(sheet, "B3").startswith("Ask Bob about this")
    assert "no such article" in note(opened(copy)[1], "B3")
    assert "no such article" not in note(opened(again)[1], "B3")


def test_what_is_not_concerned_is_the_same_byte_for_byte(prices: Path) -> None:
    before, after = parts(prices), parts(mark(prices, [bad("C3")]))
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {
        "[Content_Types].xml",
        "xl/_rels/workbook.xml.rels",
        "xl/comments/comment1.xml",
        "xl/drawings/commentsDrawing1.vml",
        "xl/styles.xml",
        "xl/workbook.xml",
        "xl/worksheets/sheet2.xml",
    } | ({"xl/worksheets/_rels/sheet2.xml.rels"} & changed)


def test_a_marked_copy_that_is_marked_again_shows_the_new_findings_alone(prices: Path) -> None:
    first = mark(prices, [bad("C3"), bad("B4", "empty"), bad("B3", "no such article")])
    second = mark(first, [bad("A2", "not a SKU"), bad("C3", "still no price")], prices.parent / "again.xlsx")
    book = openpyxl.load_workbook(second)
    sheet = book["March"]
    assert book.sheetnames == [FINDINGS_SHEET, "Notes", "March"]
    assert fill(sheet, "A2") == fill(sheet, "C3") == FILLS["reject"]
    assert fill(sheet, "B4") not in FILLS.values()
    assert note(sheet, "B4") == ""
    assert note(sheet, "B3") == "Ask Bob about this"
    assert "still no price" in note(sheet, "C3")
    assert "'n/a'" not in note(sheet, "C3")
    drawing = next(content for name, content in parts(second).items() if name.endswith(".vml"))
    assert drawing.count(b'ObjectType="Note"') == 3


def test_text_that_begins_like_a_formula_stays_text(prices: Path, tmp_path: Path) -> None:
    attack = '=HYPERLINK("http://example.com","click")'
    listed, _ = opened(mark(prices, [bad("C3", f"{attack} is not a price", value=attack)]))
    cells = [cell for row in listed.iter_rows() for cell in row if cell.value and "HYPERLINK" in str(cell.value)]
    assert len(cells) == 2
    assert all(cell.data_type in ("s", "inlineStr") and cell.quotePrefix for cell in cells)
    csv = tmp_path / "prices.csv"
    csv.write_text(f'SKU,Name,Price\n1,+1+1,@SUM(A1)\n2,Chair,"{attack.replace(chr(34), chr(34) * 2)}"\n')
    book = openpyxl.load_workbook(mark(csv, [bad("C2", sheet="prices"), bad("C3", value=attack, sheet="prices")]))
    written = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert {"+1+1", "@SUM(A1)", attack} <= {cell.value for cell in written}
    assert all(cell.data_type != "f" for cell in written)


def test_values_that_xml_cannot_hold_are_still_listed(prices: Path) -> None:
    listed, sheet = opened(mark(prices, [bad("C3", "\x0b<&> _x000D_ is not a price", value="a\x00b")]))
    assert any("_x000D_ is not a price" in str(cell.value) for row in listed.iter_rows() for cell in row)
    assert "<&>" in note(sheet, "C3")


def test_a_csv_is_answered_by_a_workbook_with_its_bad_rows(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_text("Prices of March\n\nSKU,Name,Price\n00123,Chair,12.5\n00124,Table,n/a\n00125,Lamp,3\n")
    reading = read_file(path, [PRICES])
    written = answer(path, reading, tmp_path / "out" / "prices.csv")
    assert written.name == "prices.csv.returned.xlsx"
    book = openpyxl.load_workbook(written)
    assert book.sheetnames == [FINDINGS_SHEET, "returned rows"]
    rows = [[cell.value for cell in row] for row in book["returned rows"].iter_rows()]
    assert rows == [["Sheet", "Row", "A · SKU", "B · Name", "C · Price"], ["prices", 5, "00124", "Table", "n/a"]]
    assert fill(book["returned rows"], "E2") == FILLS["reject"]
    assert "is not a price" in note(book["returned rows"], "E2")
    link = next(cell.hyperlink for row in book[FINDINGS_SHEET].iter_rows() for cell in row if cell.hyperlink)
    assert link.location == "'returned rows'!E2"


def test_the_answer_to_a_csv_says_where_to_correct_and_is_never_loaded_itself(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_text("SKU,Name,Price\n00123,Chair,12.5\n00124,Table,n/a\n00125,Lamp,3\n")
    written = answer(path, read_file(path, [PRICES]), tmp_path / "out" / "prices.csv")
    book = openpyxl.load_workbook(written)
    steps = [row[1].value for row in book[FINDINGS_SHEET].iter_rows() if row[0].value == "Next step"]
    assert "Correct these cells in 'prices.csv' itself" in str(steps[0])
    assert "cell C3 of 'prices.csv'" in note(book["returned rows"], "E2")
    book["returned rows"]["E2"] = 4
    dropped = tmp_path / "prices corrected.xlsx"
    book.save(dropped)
    again = read_file(dropped, [PRICES])
    assert (again.verdict, again.rows) == ("returned", None)
    assert [finding.rule for finding in again.findings] == ["own_copy"]
    assert "correct them in 'prices.csv' itself" in again.findings[0].message


def test_a_marked_copy_counts_no_row_twice_beside_the_file_that_it_marks(tmp_path: Path, prices: Path) -> None:
    in_part = Workbook(rows=Prices, path="*", owner="anna@example.com", max_reject_rate=0.7)
    reading = read_file(prices, [in_part])
    assert reading.verdict == "partly"
    written = answer(prices, reading, tmp_path / "out" / "prices.xlsx")
    book = openpyxl.load_workbook(written)
    book["March"]["C3"], book["March"]["B4"] = 4.5, "Lamp"
    for name, verdict in (("prices corrected.xlsx", "returned"), ("Prices.xlsx", "accepted")):
        book.save(tmp_path / "out" / name)
        again = read_file(tmp_path / "out" / name, [in_part])
        assert again.verdict == verdict, again.findings
        assert ("save it as 'prices.xlsx'" in " ".join(finding.message for finding in again.findings)) == (
            verdict == "returned"
        )


def test_a_file_that_cannot_be_read_is_answered_with_the_reason_alone(tmp_path: Path) -> None:
    path = tmp_path / "prices.xlsx"
    path.write_bytes(b"PK\x03\x04 and then nothing")
    reading = read_file(path, [PRICES])
    book = openpyxl.load_workbook(answer(path, reading, tmp_path / "out.xlsx"))
    texts = [str(cell.value) for row in book[FINDINGS_SHEET].iter_rows() for cell in row]
    assert book.sheetnames == [FINDINGS_SHEET]
    assert "prices.xlsx could not be read" in texts
    assert reading.error in texts
    assert any("readable copy" in text for text in texts)


def test_a_file_whose_sheet_is_out_of_order_is_answered_by_a_fresh_workbook(tmp_path: Path) -> None:
    rows = '<row r="3"><c r="A3"><v>3</v></c></row><row r="2"><c r="A2"><v>2</v></c></row>'
    path = package(tmp_path, f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>')
    book = openpyxl.load_workbook(mark(path, [bad("A2"), bad("A3")]))
    assert book.sheetnames == [FINDINGS_SHEET, "returned rows"]


def package(folder: Path, sheet: str, namespace: str = MAIN) -> Path:
    """The smallest workbook: no styles, no shared strings, one sheet `March`."""
    strict = "purl.oclc" in namespace
    links = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    kinds = "http://purl.oclc.org/ooxml/officeDocument/relationships" if strict else links
    types = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    package_links = "http://schemas.openxmlformats.org/package/2006"
    written = {
        "[Content_Types].xml": f'<Types xmlns="{package_links}/content-types">'
        f'<Override PartName="/_rels/.rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/workbook.xml" ContentType="{types}.sheet.main+xml"/>'
        f'<Override PartName="/_rels/workbook.xml.rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/sheet.xml" ContentType="{types}.worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package_links}/relationships">'
        f'<Relationship Id="rId1" Type="{kinds}/officeDocument" Target="workbook.xml"/></Relationships>',
        "workbook.xml": f'<workbook xmlns="{namespace}" xmlns:r="{kinds}"><sheets>'
        '<sheet name="March" sheetId="7" r:id="rIdS2p1"/></sheets></workbook>',
        "_rels/workbook.xml.rels": f'<Relationships xmlns="{package_links}/relationships">'
        f'<Relationship Id="rIdS2p1" Type="{kinds}/worksheet" Target="sheet.xml"/></Relationships>',
        "sheet.xml": sheet,
    }
    path = folder / "smallest.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in written.items():
            archive.writestr(name, content)
    return path


PLAIN = f"""<worksheet xmlns="{MAIN}"><sheetData><row r="1" spans="1:2"><c r="A1" t="inlineStr"><is>
<t><![CDATA[</row><row r="9">]]></t></is></c><c r="C1"><v>1</v></c></row><!-- <row r="5"/> --><row r="2"/>
<row r="8"><c r="C8" s='0'><v>8</v></c></row></sheetData><tableParts count="0"/></worksheet>"""
PREFIXED = f"""<?xml version="1.0" encoding="utf-8"?><x:worksheet xmlns:x="{MAIN}"><x:cols><x:col min="2" max="3"
style="0" width="9"/></x:cols><x:sheetData><x:row r="1"><x:c r="A1"><x:v>1</x:v></x:c></x:row></x:sheetData>
<x:extLst/></x:worksheet>"""
IMPLIED = f"""<worksheet xmlns="{MAIN}"><sheetData><row><c><v>1</v></c><c><v>2</v></c></row><row><c><v>3</v></c></row>
</sheetData></worksheet>"""
EMPTY = f'<worksheet xmlns="{MAIN}"><sheetData/></worksheet>'
STRICT = "http://purl.oclc.org/ooxml/spreadsheetml/main"


@pytest.mark.parametrize("sheet", [PLAIN, PREFIXED, IMPLIED, EMPTY, IMPLIED.replace(MAIN, STRICT)])
def test_sheets_are_marked_however_their_xml_is_written(tmp_path: Path, sheet: str) -> None:
    cells = ["A1", "B1", "C1", "B2", "A4", "C8"]
    path = package(tmp_path, sheet, STRICT if STRICT in sheet else MAIN)
    before = cells_of(path)
    written = mark(path, [bad(cell) for cell in cells])
    assert cells_of(written) == before
    check_package(written)
    if STRICT in sheet:  # openpyxl finds no sheet in a strict workbook
        return
    _, march = opened(written)
    for cell in cells:
        assert fill(march, cell) == FILLS["reject"], cell
        assert note(march, cell), cell


def cells_of(path: Path) -> dict[str, dict[int, tuple[list[int], list[str]]]]:
    """Sheet → column → rows and texts, without the list of findings."""
    with open_book(path) as book:
        return {
            sheet.name: {
                number: (cells.rows.tolist(), cells.texts.to_pylist()) for number, cells in sheet.columns.items()
            }
            for sheet in book.sheets()
            if sheet.name != FINDINGS_SHEET
        }


def check_package(path: Path) -> None:
    """Every part of ours has a type, every relationship a target, no id stands twice."""
    held = parts(path)
    types = etree.fromstring(held["[Content_Types].xml"])
    extensions = {entry.get("Extension", "").lower() for entry in types}
    overrides = [entry.get("PartName", "").lstrip("/").lower() for entry in types if entry.get("PartName")]
    assert len(overrides) == len(set(overrides))
    for name, content in held.items():
        ours = "s2p-" in name
        assert not ours or name.lower() in overrides or name.rpartition(".")[2] in extensions - {"xml"}, name
        if not name.endswith(".rels"):
            continue
        links = etree.fromstring(content)
        ids = [link.get("Id") for link in links]
        assert len(ids) == len(set(ids)), name
        for link in links:
            target = str(link.get("Target")).lstrip("/")
            assert "s2p-" not in target or target in held, target


def test_a_sheet_streams_through_in_little_memory() -> None:
    def chunks() -> Iterator[bytes]:
        yield f'<worksheet xmlns="{MAIN}"><sheetData>'.encode()
        for start in range(1, 100_001, 1_000):
            rows = (f'<row r="{row}"><c r="A{row}"><v>{row}</v></c></row>' for row in range(start, start + 1_000))
            yield "".join(rows).encode()
        yield b"</sheetData></worksheet>"

    cells = {(row, 1): "reject" for row in range(100, 100_001, 100)}
    patch = SheetPatch(cells, lambda _style, _severity: 4)  # type: ignore[arg-type]
    tracemalloc.start()
    marked = sum(piece.count(b' s="4"') for piece in patched_sheet(chunks(), patch))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert marked == 1_000
    assert peak < 4 << 20


@pytest.mark.parametrize("broken", ["<!DOCTYPE a [<!ENTITY b 'c'>]>" + EMPTY, EMPTY[:-5], EMPTY + "<", "no XML"])
def test_a_sheet_that_is_not_in_order_is_refused(broken: str) -> None:
    with pytest.raises(UnmarkableError):
        list(patched_sheet([broken.encode()], SheetPatch({(1, 1): "reject"})))


def test_the_original_is_never_written_over(prices: Path) -> None:
    before = prices.read_bytes()
    with pytest.raises(ValueError, match="is the file itself"):
        mark(prices, [bad("C3")], prices)
    assert prices.read_bytes() == before


def test_a_copy_takes_the_place_of_the_one_before_and_leaves_nothing_beside(prices: Path) -> None:
    first = mark(prices, [bad("C3")])
    assert mark(prices, [bad("C2")]) == first
    assert [path.name for path in first.parent.iterdir()] == ["prices.xlsx"]
    assert returned_copies(first) == (first,)
    _, sheet = opened(first)
    assert fill(sheet, "C3") not in FILLS.values()


def test_a_copy_of_a_macro_workbook_is_named_so_that_excel_opens_it(tmp_path: Path) -> None:
    path = tmp_path / "macro.xlsm"
    with xlsxwriter.Workbook(str(path)) as book:
        book.add_worksheet("March").write(0, 0, 1)
        project = tmp_path / "project.bin"
        project.write_bytes(b"a macro")
        book.add_vba_project(str(project))
    written = mark(path, [bad("A1")], tmp_path / "out.xlsx")
    assert written.name == "out.xlsx.returned.xlsm"
    assert parts(written)["xl/vbaProject.bin"] == b"a macro"
    assert returned_copies(tmp_path / "out.xlsx") == (written,)


def test_findings_by_the_thousand_are_all_coloured_and_the_first_are_annotated(tmp_path: Path) -> None:
    path = tmp_path / "many.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet("March")
        for row in range(6_000):
            sheet.write(row, 0, row)
    held = parts(mark(path, [bad(f"A{row}") for row in range(1, 6_001)]))
    highlighted = {
        entry.get("r")
        for entry in etree.fromstring(held["xl/worksheets/sheet1.xml"]).iter(f"{{{MAIN}}}c")
        if int(entry.get("s") or 0) > 0
    }
    assert highlighted == {f"A{row}" for row in range(1, 6_001)}
    assert held["xl/s2p-comments.xml"].count(b"<comment ") == MAX_NOTES
    assert held["xl/drawings/s2p-notes.vml"].count(b'ObjectType="Note"') == MAX_NOTES
    assert len(set(re.findall(rb"_x0000_s\d+", held["xl/drawings/s2p-notes.vml"]))) == MAX_NOTES


def test_what_the_reader_finds_is_marked_where_it_found_it(prices: Path) -> None:
    with Sandbox() as sandbox:
        reading = sandbox.read(prices, [PRICES])
        written = write_returned(
            prices,
            reading,
            prices.parent / "out.xlsx",
            name="a",
            owner=PRICES.owner,
            sandbox=sandbox,
        )
    _, sheet = opened(written)
    coloured = {
        cell.coordinate for row in sheet.iter_rows() for cell in row if fill(sheet, cell.coordinate) in FILLS.values()
    }
    assert coloured == {finding.cell for finding in reading.findings if finding.cell} == {"C3", "B4", "B3"}
    sheet["C3"], sheet["B4"] = 4.5, "Lamp"
    corrected = prices.parent / "corrected.xlsx"
    sheet.parent.save(corrected)
    assert read_file(corrected, [PRICES]).verdict == "accepted"


@pytest.mark.skipif(shutil.which("soffice") is None, reason="needs LibreOffice")
@pytest.mark.parametrize("talked_about", [False, True])
def test_libreoffice_opens_a_marked_copy_with_its_notes_hidden(
    prices: Path, tmp_path: Path, talked_about: bool
) -> None:
    original = threaded(prices)[0] if talked_about else prices
    written = mark(original, [bad("C3"), bad("B3", "no such article")])
    profile = f"-env:UserInstallation=file://{tmp_path}/profile"
    command = ["soffice", profile, "--headless", "--convert-to", "ods", "--outdir", str(tmp_path), str(written)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    with zipfile.ZipFile(tmp_path / f"{written.stem}.ods") as archive:
        content = archive.read("content.xml").decode()
    assert content.index(FINDINGS_SHEET) < content.index('table:name="March"')
    assert "no such article" in content
    assert 'office:display="true"' not in content


REAL_WORKBOOKS = sorted(REAL_FILES.glob("odd_files/**/*.xls[xm]"))[::4]


@pytest.mark.skipif(not REAL_WORKBOOKS, reason="needs the shared data")
def test_real_and_odd_workbooks_keep_every_cell_when_marked(tmp_path: Path) -> None:
    marked = 0
    for path in REAL_WORKBOOKS:
        before = _readable(path, cells_of)
        if not before or path.name == "SheetsWithoutRelId.xlsx":
            continue
        sheet = next(iter(before))
        findings = [bad(cell_address(row, 2), sheet=sheet) for row in (1, 3, 7)]
        written = mark(path, findings, tmp_path / path.name)
        assert cells_of(written) == before, path.name
        check_package(written)
        marked += 1
    assert marked > 20


def _readable(
    path: Path, read: Callable[[Path], dict[str, dict[int, tuple[list[int], list[str]]]]]
) -> dict[str, object]:
    try:
        return dict(read(path))
    except WorkbookUnreadable:
        return {}
