"""Promises of codes: one that a program damaged is a finding, one spelled in several ways is one code or is named."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow
import pytest
import xlsxwriter

from s2p_assets.contracts.columns import Code, Integer, Row, Text, column
from s2p_assets.contracts.findings import ReadResult
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.spreadsheet.code_spelling import skeleton, twins
from s2p_assets.spreadsheet.foreign_keys import missing_references
from s2p_assets.spreadsheet.reading import read_file
from s2p_assets.spreadsheet.rules import TypedRows


class Stock(Row):
    """Pieces of an article."""

    article: Code = column("Article", description="article")
    pieces: Integer = column("Pieces", description="pieces")
    name: Text = column("Name", description="name", nullable=True, required=False)


STOCK = Workbook(rows=Stock, path="*", owner="o@example.org", max_reject_rate=0.9)


def read(tmp_path: Path, *codes: Any) -> ReadResult:
    """A workbook with these articles; one given as (value, format) is shown by that number format."""
    path = tmp_path / "stock.xlsx"
    book = xlsxwriter.Workbook(path)
    page = book.add_worksheet()
    page.write_row(0, 0, ["Article", "Pieces"])
    for row, code in enumerate(codes, 1):
        value, shown = code if isinstance(code, tuple) else (code, None)
        page.write(row, 0, value, book.add_format({"num_format": shown}) if shown else None)
        page.write(row, 1, row)
    book.close()
    return read_file(path, [STOCK])


def read_text(tmp_path: Path, codes: Sequence[str]) -> ReadResult:
    path = tmp_path / "stock.csv"
    path.write_text("Article;Pieces\n" + "".join(f"{code};{row}\n" for row, code in enumerate(codes, 1)))
    return read_file(path, [STOCK])


def rejected(reading: ReadResult) -> list[str | None]:
    return [one.cell for one in reading.findings if one.severity == "reject"]


def articles(reading: ReadResult) -> list[str]:
    assert reading.rows is not None
    return reading.rows["article"].to_pylist()


@pytest.mark.parametrize("shown", ["0.00E+00", "##0.0E+0", "0E+0", 11, 48])
def test_a_code_that_excel_made_a_number_with_an_exponent_is_a_finding(tmp_path: Path, shown: Any) -> None:
    reading = read(tmp_path, (220, shown), (50_000_000_000, shown), "A100", 4006381333931)
    assert rejected(reading) == ["A2", "A3"]
    assert articles(reading) == ["A100", "4006381333931"]
    assert "'2.20E+02' is a number with an exponent" in reading.findings[0].message


@pytest.mark.parametrize("damaged", ["2.20E+02", "2,20E+02", "5E+10", "4.00638E+12", "1.5E-07"])
def test_the_same_in_a_text_file_is_a_finding(tmp_path: Path, damaged: str) -> None:
    reading = read_text(tmp_path, ["A100", damaged, "22E1", "E10"])
    assert rejected(reading) == ["A3"]
    assert articles(reading) == ["A100", "22E1", "E10"]


@pytest.mark.parametrize(
    "damaged", ["1-Mar", "01. Mrz", "Mar-45", "01-mars", "2-Sep", "01.03.2024", "2024-03-01", "3/1/2024"]
)
def test_a_code_that_excel_made_a_date_is_a_finding(tmp_path: Path, damaged: str) -> None:
    texts = read_text(tmp_path, ["A100", "MAR-1", damaged, "APR-20", "MAYA-7"])
    assert rejected(texts) == ["A4"]
    assert articles(texts) == ["A100", "MAR-1", "APR-20", "MAYA-7"]
    assert rejected(read_text(tmp_path, [damaged])) == ["A2"]


def test_a_date_cell_in_a_column_of_codes_is_a_finding(tmp_path: Path) -> None:
    assert rejected(read(tmp_path, (45352, "d-mmm"), "A100")) == ["A2"]


def test_codes_that_are_made_like_dates_are_codes(tmp_path: Path) -> None:
    codes = ["2024-03-01", "2024-03-02", "2024-03-05", "X"]
    assert articles(read_text(tmp_path, codes)) == codes


def test_digits_beyond_the_fifteenth_are_never_lost_in_silence(tmp_path: Path) -> None:
    assert rejected(read(tmp_path, 1234567890123456, 123456789012345, "123456789012345678")) == ["A2"]
    assert rejected(read_text(tmp_path, ["123456789012345000", "A1"])) == ["A2"]
    many = read_text(tmp_path, ["123456789012345678", "123456789012345111", "123456789012346000"])
    assert (rejected(many), [one.cell for one in many.findings]) == ([], ["A4"])


@pytest.mark.parametrize(
    "spelled",
    [
        "AB\u00ad-12",
        "AB\u201312",
        "ＡＢ－１２",
        "\u200eAB-12\u200f",
        "AB\u2011 12".replace(" ", ""),
        "A\u200bB-12",
        "AB-1\u20602",
    ],
)
def test_marks_that_nobody_sees_make_no_other_code(tmp_path: Path, spelled: str) -> None:
    for reading in (read(tmp_path, "AB-12", spelled), read_text(tmp_path, ["AB-12", spelled])):
        assert (articles(reading), reading.findings) == (["AB-12", "AB-12"], [])


def test_composed_and_decomposed_letters_are_one_code(tmp_path: Path) -> None:
    assert articles(read(tmp_path, "\u00c4-1", "A\u0308-1")) == ["\u00c4-1", "\u00c4-1"]


@pytest.mark.parametrize("twin", ["ab-12", "\u0410B-12", "\u0410\u0412-12", "A\u0392-12", "Ab-12"])
def test_a_spelling_that_only_looks_like_a_known_code_is_named(tmp_path: Path, twin: str) -> None:
    reading = read(tmp_path, "AB-12", "X1", twin)
    (found,) = reading.findings
    assert (found.cell, found.rule, found.severity) == ("A4", "look_alike", "notice")
    assert "'AB-12'" in found.message


def test_other_scripts_and_different_codes_are_left_alone(tmp_path: Path) -> None:
    codes = ["Кружка-1", "Чай-2", "ΑΒΓ-3", "茶-1", "A0", "AO", "I1", "l1", "1", "Ä1", "A1"]
    reading = read(tmp_path, *codes)
    assert (articles(reading), reading.findings) == (codes, [])


def test_a_code_with_one_letter_of_another_script_is_named_without_a_twin(tmp_path: Path) -> None:
    (found,) = read(tmp_path, "\u0410B-12", "X1").findings
    assert "has a Cyrillic '\u0410' among Latin letters" in found.message


def test_words_for_no_value_are_still_no_value(tmp_path: Path) -> None:
    assert rejected(read(tmp_path, "\u2013", "-", "A1")) == ["A2", "A3"]


def test_what_a_code_looks_like() -> None:
    assert skeleton("\u0410\u0421-12") == skeleton("ac\u201312") == "ac-12"
    assert twins(pyarrow.array(["A1", "A1", "a1", "B", None])) == {"a1": "A1"}


def test_a_reference_that_only_looks_right_says_so(tmp_path: Path) -> None:
    reading = read(tmp_path, "AB-12", "\u0410B-13")
    assert reading.rows is not None

    class Sale(Row):
        """A sale."""

        article: Code = column("Article", description="article", references="stock.article")

    Sale.__module__ = "shelf.shop_sale"
    book = Workbook(rows=Sale, path="*", owner="o@example.org")
    rows = TypedRows(reading.rows, ["article"])
    found = list(missing_references(rows, book, {"article": pyarrow.array(["AB-12", "AB-13"])}))
    assert [one.position for one in found] == [1]
    assert "looks like 'AB-13' but has letters of another script" in found[0].message


@pytest.mark.parametrize(("code", "other"), [("123", "00123"), ("A  12", "A 12")])
def test_codes_that_differ_in_zeros_or_blanks_are_named(tmp_path: Path, code: str, other: str) -> None:
    reading = read(tmp_path, code, other, other, "B7")
    assert [(one.cell, one.rule) for one in reading.findings] == [("A2", "look_alike")]
    assert articles(reading) == [code, other, other, "B7"]


@pytest.mark.parametrize("shown", ['"A-"000', "000-000", "00\\/000"])
def test_a_code_whose_format_shows_more_than_it_holds_is_named(tmp_path: Path, shown: str) -> None:
    reading = read(tmp_path, (123, shown), "B7")
    assert [(one.cell, one.rule) for one in reading.findings] == [("A2", "shown_code")]


@pytest.mark.parametrize("shown", ["0", "00000", "#,##0", "@", '_-* #,##0_-;-* #,##0_-;_-* "-"_-;_-@_-', '0" "'])
def test_usual_formats_of_codes_are_no_matter(tmp_path: Path, shown: str) -> None:
    assert read(tmp_path, (12345, shown), "B7").findings == []


@pytest.mark.parametrize("error", ["#NAME?", "#REF!", "########", "#BEZUG!"])
def test_an_error_in_a_text_file_is_no_code(tmp_path: Path, error: str) -> None:
    assert rejected(read_text(tmp_path, ["A100", error, "#12"])) == ["A3"]


def test_days_among_codes_are_findings_though_they_are_the_most(tmp_path: Path) -> None:
    assert rejected(read_text(tmp_path, ["01. Mrz", "02. Mrz", "01. Sep", "K-1"])) == ["A2", "A3", "A4"]


def test_long_codes_of_which_six_digits_are_left_are_findings(tmp_path: Path) -> None:
    assert rejected(read_text(tmp_path, ["4006380000000", "4006390000000", "K-1"])) == ["A2", "A3"]


def test_one_long_code_that_ends_in_six_zeros_is_named(tmp_path: Path) -> None:
    reading = read(tmp_path, 4006380000000, 4006381333931, 100000000000)
    assert [(one.cell, one.severity, one.rule) for one in reading.findings] == [("A2", "notice", "rounded")]


def test_a_code_of_foreign_letters_alone_among_latin_ones_is_named(tmp_path: Path) -> None:
    reading = read(tmp_path, "Κ-10", "K-11", "K-12")
    assert [(one.cell, one.rule) for one in reading.findings] == [("A2", "look_alike")]
    assert "has a Greek 'Κ' among Latin letters" in reading.findings[0].message
    assert read(tmp_path, "АБ-1", "ВГ-2", "АВ-3").findings == []
