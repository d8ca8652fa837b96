"""Promises of values that a sheet does not show, or that another calculation would change: each kind is told once."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from s2p_assets.contracts.columns import Code, Date, Number, Row, Text, column
from s2p_assets.contracts.findings import Finding
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.spreadsheet.formulas import volatile_function
from s2p_assets.spreadsheet.reading import read_file


class Stock(Row):
    """Pieces of an article."""

    __module__ = "shelf.hidden_stock"

    article: Code = column("Article", description="article")
    pieces: Number = column("Pieces", description="pieces")
    since: Date = column("Since", description="since when", nullable=True, required=False)
    note: Text = column("Note", description="note", nullable=True, required=False)


STOCK = Workbook(rows=Stock, path="*", owner="o@example.org")
Change = Callable[[Any, Any], None]


def told(tmp_path: Path, change: Change) -> list[Finding]:
    """What is said of four articles after `change`, which is given the workbook and its sheet."""
    path = tmp_path / "stock.xlsx"
    with xlsxwriter.Workbook(path) as book:
        page = book.add_worksheet()
        page.write_row(0, 0, ["Article", "Pieces", "Since", "Note"])
        for row, (code, pieces) in enumerate((("A1", 3), ("A2", 8), ("A3", 21), ("A4", 35)), 1):
            page.write_row(row, 0, [code, pieces])
        change(book, page)
    reading = read_file(path, [STOCK])
    assert reading.rows_accepted == 4
    return reading.findings


@pytest.mark.parametrize(
    ("change", "cell", "rule"),
    [
        (lambda book, page: page.write(2, 1, 8, book.add_format({"font_color": "white"})), "B3", "hidden_value"),
        (
            lambda book, page: page.write(2, 1, 8, book.add_format({"font_color": "#FFFF00", "bg_color": "#FFFF00"})),
            "B3",
            "hidden_value",
        ),
        (lambda book, page: page.write(3, 1, 21, book.add_format({"num_format": ";;;"})), "B4", "hidden_value"),
        (lambda book, page: page.write(3, 1, 21, book.add_format({"num_format": ";;"})), "B4", "hidden_value"),
        (lambda book, page: page.set_column(1, 1, None, None, {"hidden": True}), "B1", "hidden_column"),
        (lambda book, page: page.write(2, 1, 8, book.add_format({"font_size": 1})), "B3", "hidden_value"),
        (lambda book, page: page.set_column(1, 1, 0), "B1", "hidden_column"),
        (lambda book, page: page.write_formula(1, 1, '=RTD("quotes",,"A1")', value=3), "B2", "volatile"),
        (lambda book, page: page.write_formula(1, 1, "=RAND()*3", value=3), "B2", "volatile"),
        (lambda book, page: page.write_formula(1, 1, "=ROUND(NOW()-A1,0)", value=3), "B2", "volatile"),
        (lambda book, page: page.write_formula(1, 1, "=OFFSET($B$1,3,0)", value=3), "B2", "volatile"),
        (
            lambda book, page: page.write_formula(
                1, 2, "=TODAY()", book.add_format({"num_format": "yyyy-mm-dd"}), 46_000
            ),
            "C2",
            "volatile",
        ),
    ],
)
def test_what_is_not_to_be_seen_or_may_change_is_told(tmp_path: Path, change: Change, cell: str, rule: str) -> None:
    assert [(one.cell, one.rule, one.severity) for one in told(tmp_path, change)] == [(cell, rule, "notice")]


@pytest.mark.parametrize(
    "change",
    [
        lambda book, page: page.write(2, 1, 8, book.add_format({"font_color": "white", "bg_color": "navy"})),
        lambda book, page: page.write(2, 0, "A2", book.add_format({"font_color": "white"})),
        lambda book, page: page.write(2, 1, 8, book.add_format({"num_format": "0;-0;;@"})),
        lambda book, page: page.set_column(7, 9, None, None, {"hidden": True}),
        lambda book, page: page.write_formula(1, 1, '=IF(A2="NOW(",3,3)', value=3),
        lambda book, page: page.write_formula(1, 3, "=TEXT(TODAY(),0)", value="as of today"),
        lambda book, page: page.write_formula(1, 1, "=VLOOKUP(A2,F:G,2,0)", value=3),
    ],
)
def test_of_ordinary_looks_and_formulas_nothing_is_said(tmp_path: Path, change: Change) -> None:
    assert told(tmp_path, change) == []


def test_the_functions_of_the_moment_are_known_by_name() -> None:
    assert [volatile_function(text) for text in ("RAND()", "_xlfn.RANDARRAY(3)", "now ( )", "BRAND(1)", "KNOW(2)")] == [
        "RAND",
        "RANDARRAY",
        "NOW",
        None,
        None,
    ]


def test_texts_cut_at_255_characters_are_told_unless_others_are_longer(tmp_path: Path) -> None:
    def notes(*texts: str) -> Change:
        def change(_: Any, page: Any) -> None:
            page.write_column(1, 3, texts)

        return change

    long, short = "x" * 255, "x" * 80
    (found,) = told(tmp_path, notes(long, short, long))
    assert (found.cell, found.rule) == ("D2", "cut_off")
    assert "(2 such cells)" in found.message
    assert told(tmp_path, notes(long, f"{long}x")) == []
    assert told(tmp_path, notes(f"{long[1:]}.")) == []
