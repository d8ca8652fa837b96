"""Promises about what people say with a row's look: struck through, filled, commented."""

from pathlib import Path
from typing import Any, cast

import openpyxl
import pytest
import xlsxwriter
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from openpyxl.styles import PatternFill
from openpyxl.styles.colors import Color

from s2p_assets.contracts.columns import Code, DeclarationError, Integer, Row, column
from s2p_assets.contracts.findings import ReadResult
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.spreadsheet.reading import read_file
from s2p_assets.spreadsheet.row_marks import colour_name


class Pieces(Row):
    """Pieces of an article."""

    article: Code = column("Article", description="The article")
    pieces: Integer = column("Pieces", description="Pieces")


def contract(**words: Any) -> Workbook:
    return Workbook(rows=Pieces, path="*", owner="o@example.org", max_reject_rate=0.9, **words)


@pytest.fixture
def stocks(tmp_path: Path) -> Path:
    path = tmp_path / "x.xlsx"
    with xlsxwriter.Workbook(path) as made:
        page = made.add_worksheet()
        struck, yellow = made.add_format({"font_strikeout": True}), made.add_format({"bg_color": "#FFFF00"})
        page.write_row("A1", ["Article", "Pieces"])
        page.write_row("A2", ["A100", 5])
        page.write_row("A3", ["A200", 7], struck)
        page.write_row("A4", ["A300", 3], yellow)
        page.write_row("A5", ["A400", 4])
        page.write_comment("B5", "really 50, typo", {"author": "Ms Lind"})
    return path


def articles(reading: ReadResult) -> list[str]:
    assert reading.rows is not None, reading.findings
    assert reading.cells["read"] == sum(reading.cells[what] for what in ("loaded", "returned", "ignored"))
    return cast("list[str]", reading.rows.column("article").to_pylist())


def said(reading: ReadResult) -> dict[str, tuple[str | None, str]]:
    return {finding.rule: (finding.cell, finding.severity) for finding in reading.findings}


def test_a_struck_row_and_a_comment_are_told_when_the_contract_says_nothing(stocks: Path) -> None:
    reading = read_file(stocks, [contract()])
    assert articles(reading) == ["A100", "A200", "A300", "A400"]
    assert said(reading) == {"struck_row": ("A3", "notice"), "comment": ("B5", "notice")}
    assert any("really 50, typo" in finding.message for finding in reading.findings)


def test_the_contract_says_what_a_mark_means(stocks: Path) -> None:
    left_out = contract(where_struck="leave_out", where_filled={"yellow": "leave_out"}, where_commented="leave_out")
    reading = read_file(stocks, [left_out])
    assert articles(reading) == ["A100"]
    assert said(reading) == {name: (cell, "notice") for name, cell in
                             (("struck_row", "A3"), ("filled_row", "A4"), ("comment", "B5"))}  # fmt: skip
    back = contract(where_struck="reject", where_filled={"#FFFF00": "reject"}, where_commented="read")
    reading = read_file(stocks, [back])
    assert articles(reading) == ["A100", "A400"]
    assert said(reading) == {"struck_row": ("A3", "reject"), "filled_row": ("A4", "reject")}
    assert said(read_file(stocks, [contract(where_struck="read", where_commented="read")])) == {}


def test_colours_of_the_theme_are_colours(tmp_path: Path) -> None:
    made = openpyxl.Workbook()
    page = made.active
    for row in (["Article", "Pieces"], ["A1", 1], ["A2", 2], ["A3", 3]):
        page.append(row)
    for cell in page[3]:
        cell.fill = PatternFill("solid", fgColor=Color(theme=5, tint=0.6))
    for cell in page[4]:
        cell.fill = PatternFill("solid", fgColor=Color(indexed=13))
    made.save(tmp_path / "x.xlsx")
    assert articles(read_file(tmp_path / "x.xlsx", [contract(where_filled={"any": "leave_out"})])) == ["A1"]
    assert articles(read_file(tmp_path / "x.xlsx", [contract(where_filled={"yellow": "leave_out"})])) == ["A1", "A2"]


def test_a_cell_that_is_struck_within_its_text_is_told(tmp_path: Path) -> None:
    made = openpyxl.Workbook()
    page = made.active
    for row in (["Article", "Pieces"], ["A1", 1], ["A2", 2]):
        page.append(row)
    page["A3"] = CellRichText(TextBlock(InlineFont(strike=True), "A2"), "B2")
    made.save(tmp_path / "x.xlsx")
    with xlsxwriter.Workbook(tmp_path / "y.xlsx") as other:
        sheet, struck = other.add_worksheet(), other.add_format({"font_strikeout": True})
        sheet.write_row("A1", ["Article", "Pieces"])
        sheet.write_row("A2", ["A1", 1])
        sheet.write_rich_string("A3", struck, "A2", " ", "B2")
        sheet.write("B3", 3)
    reading = read_file(tmp_path / "y.xlsx", [contract()])
    assert said(reading) == {"struck_row": ("A3", "notice")}


def test_one_struck_cell_of_many_is_told_and_takes_no_row_away(tmp_path: Path) -> None:
    class Wide(Row):
        """Three columns."""

        article: Code = column("Article", description="The article")
        pieces: Integer = column("Pieces", description="Pieces")
        boxes: Integer = column("Boxes", description="Boxes")

    with xlsxwriter.Workbook(tmp_path / "x.xlsx") as made:
        page = made.add_worksheet()
        page.write_row("A1", ["Article", "Pieces", "Boxes"])
        page.write_row("A2", ["A1", 1, 2])
        page.write("B2", 1, made.add_format({"font_strikeout": True}))
    book = Workbook(rows=Wide, path="*", owner="o@example.org", where_struck="leave_out")
    reading = read_file(tmp_path / "x.xlsx", [book])
    assert (articles(reading), said(reading)) == (["A1"], {"struck_cell": ("B2", "notice")})


def test_words_that_there_are_none_of_are_a_fault_of_the_contract() -> None:
    with pytest.raises(DeclarationError, match="there is no 'drop'"):
        contract(where_struck="drop")
    with pytest.raises(DeclarationError, match="'lemon' is no colour"):
        contract(where_filled={"lemon": "leave_out"})


def test_colours_have_the_names_that_people_give_them() -> None:
    names = {"FFFF00": "yellow", "FF0000": "red", "92D050": "green", "00B0F0": "blue", "FFC000": "orange"}
    assert {fill: colour_name(fill) for fill in names} == names
    assert [colour_name(fill) for fill in ("7030A0", "BFBFBF", "FFFF99", "C6EFCE")] == [
        "purple", "grey", "yellow", "green"]  # fmt: skip
