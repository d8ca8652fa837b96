"""Promises of codes that are odd in their column: each is told once, at its first cell, and ordinary ones never are."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from s2p_assets.contracts.columns import Code, Integer, Row, column
from s2p_assets.contracts.findings import Finding
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.spreadsheet.reading import read_file


class Stock(Row):
    """Pieces of an article."""

    __module__ = "shelf.odd_stock"

    article: Code = column("Article", description="article")
    pieces: Integer = column("Pieces", description="pieces")


STOCK = Workbook(rows=Stock, path="*", owner="o@example.org", max_reject_rate=0.9)


def told(tmp_path: Path, codes: Sequence[Any]) -> list[Finding]:
    """What is said of a workbook with these articles."""
    path = tmp_path / "stock.xlsx"
    with xlsxwriter.Workbook(path) as book:
        page = book.add_worksheet()
        page.write_row(0, 0, ["Article", "Pieces"])
        for row, code in enumerate(codes, 1):
            page.write(row, 0, code)
            page.write(row, 1, row)
    return read_file(path, [STOCK]).findings


@pytest.mark.parametrize(
    ("codes", "cell", "rule"),
    [
        (["1-Mar", "2-Apr", "3-May"], "A2", "date_for_code"),
        (["2026-03-01", "2026-03-02", "A100"], "A2", "date_for_code"),
        (["A100", True, "A200"], "A3", "truth_for_code"),
        (["A100", 1.1, 1.25], "A3", "fraction_for_code"),
        (["1A5", "22B1", "3C2", 100_000, "4E7"], "A5", "number_for_code"),
        ([*(f"AB-{place}x" for place in range(12)), 220], "A14", "number_for_code"),
        (["K-10", "K-1O"], "A3", "look_alike"),
        (["A11", "Al1"], "A3", "look_alike"),
        ([*(f"K-{place}" for place in range(10, 22)), "K-2I"], "A14", "look_alike"),
    ],
)
def test_a_code_that_is_odd_in_its_column_is_told(tmp_path: Path, codes: Sequence[Any], cell: str, rule: str) -> None:
    found = told(tmp_path, codes)
    assert [(one.cell, one.rule, one.severity) for one in found] == [(cell, rule, "notice")]


@pytest.mark.parametrize(
    "codes",
    [
        ["2026-03-01", "A100", "A200", "MAR-1", "MAYA-7"][1:],
        ["100", "A100", 12345, "B200"],
        [100, 200, 300, 400],
        ["SO100", "SO200", "SO300", "IL1", "OL2", "O1", "I1"],
        ["A0", "AO", "I1", "l1", "A1"],
        [*(f"SOL{place}" for place in range(100, 120))],
        ["7AO3", "8BX1", "9CI2", "1DO7", "K3O2"],
        ["TRUE-1", "FALSE-2"],
        ["1A5", "22B1", "3C2", "4E7", "7D1"],
        [1.0, 2.0, 3.0],
    ],
)
def test_of_ordinary_codes_nothing_is_said(tmp_path: Path, codes: Sequence[Any]) -> None:
    assert told(tmp_path, codes) == []


def test_true_is_a_code_where_the_contract_says_so(tmp_path: Path) -> None:
    class Flags(Row):
        """A flag."""

        __module__ = "shelf.odd_flags"

        article: Code = column("Article", description="flag", isin=["TRUE", "FALSE"])

    told(tmp_path, [True, False])
    assert (
        read_file(tmp_path / "stock.xlsx", [Workbook(rows=Flags, path="*", owner="o", ignores=("Pieces",))]).findings
        == []
    )


def told_of_text(tmp_path: Path, codes: Sequence[str]) -> list[tuple[str | None, str]]:
    path = tmp_path / "stock.csv"
    path.write_text("Article;Pieces\n" + "".join(f"{code};{row}\n" for row, code in enumerate(codes, 1)))
    return [(one.cell, one.rule) for one in read_file(path, [STOCK]).findings]


ZEROS = [f"{place:05}" for place in range(120, 130)]


@pytest.mark.parametrize(
    ("codes", "cell", "rule"),
    [
        (["1000.0", "1001.0", "1002.0"], "A2", "number_for_code"),
        (["1202", "1,203", "1204"], "A3", "number_for_code"),
        (["A100", "'A200"], "A3", "number_for_code"),
        ([*ZEROS, "131"], "A12", "lost_zeros"),
    ],
)
def test_a_code_that_a_program_wrote_as_a_number_is_told(
    tmp_path: Path, codes: Sequence[str], cell: str, rule: str
) -> None:
    assert told_of_text(tmp_path, codes) == [(cell, rule)]


@pytest.mark.parametrize("codes", [ZEROS, [*ZEROS, "A131"], ["1", "2", "10", "100"], ["1.1", "1.10"], ["1,203,A"]])
def test_of_other_codes_with_digits_nothing_is_said(tmp_path: Path, codes: Sequence[str]) -> None:
    assert told_of_text(tmp_path, codes) == []


def test_a_text_that_is_written_for_excel_is_what_excel_shows(tmp_path: Path) -> None:
    path = tmp_path / "stock.csv"
    path.write_text('Article;Pieces\n="00123";1\n"=""00124""";2\n=A1;3\n')
    reading = read_file(path, [STOCK])
    assert reading.rows is not None
    assert reading.rows["article"].to_pylist() == ["00123", "00124", "=A1"]
