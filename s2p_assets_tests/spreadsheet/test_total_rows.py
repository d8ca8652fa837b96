"""Promises about rows that sum up others: set aside by the file's own word or by the numbers, and rows never lost."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlsxwriter

from s2p_assets.contracts.columns import Code, Integer, Money, Number, Row, Text, column
from s2p_assets.contracts.findings import ReadResult
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.spreadsheet.formulas import summed_up
from s2p_assets.spreadsheet.reading import read_file

Rows = list[list[Any]]


class Pieces(Row):
    """Pieces of an article."""

    article: Code = column("Article", description="The article")
    pieces: Integer = column("Pieces", description="Pieces")


class Fuel(Row):
    """Litres of a brand's fuel."""

    brand: Text = column("Brand", description="The brand")
    article: Code = column("Article", description="The article")
    litres: Number = column("Litres", description="Litres")
    price: Money = column("Price", description="Price")


class Sale(Row):
    """What a region sold of an article."""

    region: Text = column("Region", description="The region")
    article: Code = column("Article", description="The article", nullable=True)
    pieces: Integer = column("Pieces", description="Pieces")


PIECES = Workbook(rows=Pieces, path="*", owner="o@example.org")
FUEL = Workbook(rows=Fuel, path="*", owner="o@example.org")
SALES = Workbook(rows=Sale, path="*", owner="o@example.org")
ARTICLES: Rows = [["Article", "Pieces"], ["A100", 5], ["A200", 7], ["A300", 9]]


def book(
    tmp_path: Path,
    rows: Sequence[Sequence[Any]],
    levels: Mapping[int, int] | None = None,
    formulas: Mapping[str, tuple[str, float]] | None = None,
) -> Path:
    path = tmp_path / "x.xlsx"
    with xlsxwriter.Workbook(path) as made:
        page = made.add_worksheet()
        for number, row in enumerate(rows):
            page.write_row(number, 0, row)
        for number, level in (levels or {}).items():
            page.set_row(number - 1, None, None, {"level": level})
        for cell, (formula, value) in (formulas or {}).items():
            page.write_formula(cell, formula, None, value)
    return path


def values(reading: ReadResult, name: str = "article") -> list[Any]:
    assert reading.rows is not None, reading.findings
    assert reading.cells["read"] == sum(reading.cells[what] for what in ("loaded", "returned", "ignored"))
    return list(reading.rows.column(name).to_pylist())


def totals(reading: ReadResult) -> list[tuple[str | None, str]]:
    return [(finding.cell, finding.severity) for finding in reading.findings if finding.rule == "totals"]


@pytest.mark.parametrize("word", ["{} Total", "{} Ergebnis", "Total {}", "{} 集計", "{} Итог", "{} Suma", "Totaal {}"])
def test_subtotals_that_excel_writes_are_no_rows_in_any_language(tmp_path: Path, word: str) -> None:
    rows: Rows = [
        ["Article", "Pieces"],
        ["A100", 5],
        ["A100b", 7],
        [word.format("A100"), 12],
        ["B1", 3],
        ["B2", 4],
        [word.format("B"), 7],
        ["Grand Total", 19],
    ]
    reading = read_file(book(tmp_path, rows), [PIECES])
    assert values(reading) == ["A100", "A100b", "B1", "B2"]
    assert totals(reading) == [("A4", "notice")]


def test_subtotals_of_another_function_are_known_by_their_groups_name(tmp_path: Path) -> None:
    rows: Rows = [
        ["Region", "Article", "Pieces"],
        ["North", "A1", 5],
        ["North", "A2", 8],
        ["North Average", None, 7],
        ["South", "A1", 1],
        ["South", "A2", 2],
        ["South Average", None, 2],
        ["Grand Average", None, 4],
    ]
    reading = read_file(book(tmp_path, rows), [SALES])
    assert values(reading, "pieces") == [5, 8, 1, 2]


def test_subtotals_of_subtotals_are_no_rows(tmp_path: Path) -> None:
    rows: Rows = [["Article", "Pieces"]]
    for group in ("A", "B", "C"):
        rows += [[f"{group}1", 1], [f"{group}2", 2], [f"{group} Total", 3]]
    rows += [["Stores Total", 9], ["D1", 4], ["D2", 5], ["D Total", 9], ["Web Total", 9], ["Grand Total", 18]]
    reading = read_file(book(tmp_path, rows), [PIECES])
    assert values(reading) == ["A1", "A2", "B1", "B2", "C1", "C2", "D1", "D2"]


def test_the_total_row_of_an_excel_table_is_no_row_whatever_its_label(tmp_path: Path) -> None:
    path = tmp_path / "x.xlsx"
    with xlsxwriter.Workbook(path) as made:
        page = made.add_worksheet()
        columns = [{"header": "Article", "total_string": "Summary"}, {"header": "Pieces", "total_value": 12}]
        page.add_table("A1:B4", {"data": [["A100", 5], ["A200", 7]], "columns": columns, "total_row": True})
        page.write("B4", 13)
    reading = read_file(path, [PIECES])
    assert values(reading) == ["A100", "A200"]
    assert totals(reading) == [("A4", "notice")]
    assert "Excel table" in reading.findings[0].message


def test_the_total_row_of_a_table_beside_takes_no_row_away(tmp_path: Path) -> None:
    path = tmp_path / "x.xlsx"
    with xlsxwriter.Workbook(path) as made:
        page = made.add_worksheet()
        for number, row in enumerate(ARTICLES):
            page.write_row(number, 0, row)
        page.add_table("F1:G3", {"data": [["x", 5]], "columns": [{"header": "K"}, {"header": "L"}], "total_row": True})
    assert values(read_file(path, [PIECES])) == ["A100", "A200", "A300"]


@pytest.mark.parametrize(
    "formula", ["=SUBTOTAL(9,B2:B4)", "=_xlfn.AGGREGATE(9,5,B2:B4)", "=SUM(B2:B4)", "=B2+B3+B4", "=ROUND(SUM(B2:B4),2)"]
)
def test_a_formula_that_sums_up_its_column_makes_a_total_of_its_row(tmp_path: Path, formula: str) -> None:
    path = book(tmp_path, [*ARTICLES, ["All stores"]], formulas={"B5": (formula, 21)})
    reading = read_file(path, [PIECES])
    assert values(reading) == ["A100", "A200", "A300"]
    assert totals(reading) == [("A5", "notice")]


def test_a_formula_that_adds_across_its_row_or_counts_along_makes_no_total(tmp_path: Path) -> None:
    rows: Rows = [["Article", "Jan", "Feb", "Pieces"], *([f"A{row}", row, row] for row in range(2, 8))]
    formulas = {f"D{row}": (f"=SUM(B{row}:C{row})", 2 * row) for row in range(2, 8)}
    path = book(tmp_path, rows, formulas=formulas)
    assert len(values(read_file(path, [PIECES]))) == 6
    running = {f"B{row}": (f"=SUBTOTAL(3,B$2:B{row})", row) for row in range(2, 8)}
    path = book(tmp_path, [["Article", "Pieces"], *([f"A{row}"] for row in range(2, 8))], formulas=running)
    assert len(values(read_file(path, [PIECES]))) == 6


def test_an_outlines_summary_rows_are_no_rows_where_they_add_up(tmp_path: Path) -> None:
    rows: Rows = [
        ["Article", "Pieces"],
        ["A1", 5],
        ["A2", 7],
        ["Stores", 12],
        ["B1", 1],
        ["B2", 2],
        ["Web", 3],
        ["All", 15],
    ]
    reading = read_file(book(tmp_path, rows, levels={2: 2, 3: 2, 4: 1, 5: 2, 6: 2, 7: 1}), [PIECES])
    assert values(reading) == ["A1", "A2", "B1", "B2"]
    assert totals(reading) == [("A4", "notice")]


def test_rows_that_are_only_grouped_are_rows(tmp_path: Path) -> None:
    reading = read_file(book(tmp_path, ARTICLES, levels={2: 1, 3: 1}), [PIECES])
    assert values(reading) == ["A100", "A200", "A300"]


@pytest.mark.parametrize("word", ["Average", "Mittelwert", "Minimum", "Max", "Anzahl"])
def test_rows_of_averages_and_extremes_are_no_rows(tmp_path: Path, word: str) -> None:
    value = {"Average": 7, "Mittelwert": 7, "Minimum": 5, "Max": 9, "Anzahl": 3}[word]
    assert values(read_file(book(tmp_path, [*ARTICLES, [word, value]]), [PIECES])) == ["A100", "A200", "A300"]


def test_extremes_one_after_the_other_are_no_rows(tmp_path: Path) -> None:
    more = [["Maximum", 9], ["Minimum", 5], ["Average", 7], ["Count", 3]]
    assert values(read_file(book(tmp_path, [*ARTICLES, *more]), [PIECES])) == ["A100", "A200", "A300"]


@pytest.mark.parametrize("word", ["Übertrag", "Carried forward"])
def test_sums_carried_from_page_to_page_are_no_rows(tmp_path: Path, word: str) -> None:
    rows = [*ARTICLES, [word, 21], ["B1", 2], [word, 23], ["B2", 1]]
    assert values(read_file(book(tmp_path, rows), [PIECES])) == ["A100", "A200", "A300", "B1", "B2"]


def test_an_article_that_is_called_media_is_asked_about_and_not_lost(tmp_path: Path) -> None:
    reading = read_file(book(tmp_path, [*ARTICLES, ["Media", 4], ["Z", 1]]), [PIECES])
    assert totals(reading) == [("A5", "reject")]


def test_a_brand_that_is_called_total_is_not_lost(tmp_path: Path) -> None:
    rows: Rows = [["Brand", "Article", "Litres", "Price"]]
    brands = ["Total", "Shell", "Total", "Esso", "Aral", "Total", "Jet", "OMV"]
    rows += [[brand, f"A{place:03}", 10 + place, 5.5 + place] for place, brand in enumerate(brands)]
    reading = read_file(book(tmp_path, rows), [FUEL])
    assert values(reading, "brand") == brands
    assert totals(reading) == []


@pytest.mark.parametrize("name", ["Total Quartz 5W30", "Sum 41", "Ensemble Paris", "Max"])
def test_an_article_whose_name_holds_such_a_word_is_a_row(tmp_path: Path, name: str) -> None:
    reading = read_file(book(tmp_path, [*ARTICLES, [name, 4], ["Z", 1]]), [PIECES])
    assert values(reading) == ["A100", "A200", "A300", name, "Z"]
    assert totals(reading) == []


def test_a_row_called_total_whose_numbers_say_otherwise_is_asked_about(tmp_path: Path) -> None:
    reading = read_file(book(tmp_path, [*ARTICLES[:2], ["Ensemble", 4], *ARTICLES[2:]]), [PIECES])
    assert totals(reading) == [("A3", "reject")]
    assert "totals=()" in reading.findings[0].message
    none = Workbook(rows=Pieces, path="*", owner="o@example.org", totals=())
    assert "Ensemble" in values(read_file(book(tmp_path, [*ARTICLES, ["Ensemble", 4]]), [none]))


def test_a_last_row_of_sums_without_a_word_is_named(tmp_path: Path) -> None:
    reading = read_file(book(tmp_path, [*ARTICLES, ["Summary", 21]]), [PIECES])
    assert values(reading)[-1] == "Summary"
    assert totals(reading) == [("B5", "notice")]


def test_totals_of_delimited_text_are_known_by_their_numbers(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("Article;Pieces\nA100;5\nA100b;7\nA100 Total;12\nB1;3\nB Total;3\nGrand Total;15\n")
    assert values(read_file(path, [PIECES])) == ["A100", "A100b", "B1"]


def test_formulas_are_read_in_the_words_of_both_office_programs() -> None:
    assert summed_up("of:=SUBTOTAL(9;[.B2:.B9])", 2) == "SUBTOTAL"
    assert summed_up("SUBTOTAL(109,[Pieces])", 2) == "SUBTOTAL"
    assert summed_up("of:=SUM([$Jan.B2:.B9])", 2) is None
    assert summed_up("SUM('My sheet'!B2:B9)", 2) is None
    assert summed_up("SUM(B2:B9)/2", 2) is None
    assert summed_up("E4+C5", 5) is None


def test_many_subtotals_are_judged_in_good_time(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    groups = (f"G{group},1\nG{group},2\nG{group} Total,3\n" for group in range(5_000))
    path.write_text("Article,Pieces\n" + "".join(groups))
    assert len(values(read_file(path, [PIECES]))) == 10_000


def test_openpyxls_outlines_are_seen(tmp_path: Path) -> None:
    made = openpyxl.Workbook()
    page = made.active
    for row in [*ARTICLES, ["Stores", 21], ["Z", 1]]:
        page.append(row)
    page.row_dimensions.group(2, 4, outline_level=1)
    made.save(tmp_path / "x.xlsx")
    assert values(read_file(tmp_path / "x.xlsx", [PIECES])) == ["A100", "A200", "A300", "Z"]


@pytest.mark.parametrize(
    "names", [("Total Quartz 9000", "K-1", "K-2"), ("MAX-2", "SUM-100", "AVG-7"), ("K-0", "Max Havelaar", "Kids Max")]
)
def test_an_article_whose_name_has_such_a_word_is_no_total_for_a_number_that_is_the_least(
    tmp_path: Path, names: tuple[str, ...]
) -> None:
    rows: Rows = [["Article", "Pieces"], *([name, number] for name, number in zip(names, (4, 4, 7), strict=True))]
    reading = read_file(book(tmp_path, rows), [PIECES])
    assert (values(reading), totals(reading)) == (list(names), [])


GROUPS: Rows = [["K", 42], ["K-10", 14], ["K-11", 3], ["K-12", 25], ["L", 49], ["L-20", 8], ["L-21", 40], ["L-22", 1]]


@pytest.mark.parametrize(
    ("rows", "cell"),
    [
        (GROUPS, "B2"),
        ([*GROUPS[1:4], GROUPS[0], *GROUPS[5:], GROUPS[4]], "B5"),
        ([["Company", 91], *GROUPS], "B3"),
        ([*GROUPS[1:4], GROUPS[0], *GROUPS[5:], GROUPS[4], ["All", 91]], "B5"),
        ([["Company", 91], *GROUPS[1:4], *GROUPS[5:]], "B2"),
    ],
)
def test_sums_that_no_word_names_are_told_wherever_they_stand(tmp_path: Path, rows: Rows, cell: str) -> None:
    reading = read_file(book(tmp_path, [["Article", "Pieces"], *rows]), [PIECES])
    assert totals(reading) == [(cell, "notice")]


@pytest.mark.parametrize("label", ["of which blocked", "davon gesperrt", "Vorjahr", "Check", "% of total"])
def test_a_last_row_named_by_a_word_among_codes_with_digits_is_told(tmp_path: Path, label: str) -> None:
    rows: Rows = [["Article", "Pieces"], *([f"A{number}", 5 + number] for number in range(6)), [label, 3]]
    reading = read_file(book(tmp_path, rows), [PIECES])
    assert [(one.cell, one.severity, one.rule) for one in reading.findings] == [("A8", "notice", "last_row")]


@pytest.mark.parametrize("label", ["SHIPPING", "A-last-7", "Z9 of which"])
def test_a_last_row_that_may_have_a_code_is_left_alone(tmp_path: Path, label: str) -> None:
    rows: Rows = [["Article", "Pieces"], *([f"A{number}", 5 + number] for number in range(6)), [label, 3]]
    assert read_file(book(tmp_path, rows), [PIECES]).findings == []
