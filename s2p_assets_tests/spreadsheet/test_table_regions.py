"""Promises about several tables in one sheet: side by side, below each other, the contract's or another's."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from s2p_assets.contracts.columns import Code, DeclarationError, Integer, Row, Text, column
from s2p_assets.contracts.findings import ReadResult
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.spreadsheet.reading import read_file

Blocks = dict[str, list[list[Any]]]


class Pieces(Row):
    """Pieces of an article."""

    article: Code = column("Article", description="The article")
    pieces: Integer = column("Pieces", description="Pieces")
    note: Text = column("Note", description="Free text", nullable=True, required=False)


ONE = Workbook(rows=Pieces, path="*", owner="o@example.org")
ALL = Workbook(rows=Pieces, path="*", owner="o@example.org", tables="all")
HEADER: list[Any] = ["Article", "Pieces"]


def book(tmp_path: Path, blocks: Mapping[str, Sequence[Sequence[Any]]]) -> Path:
    path = tmp_path / "x.xlsx"
    with xlsxwriter.Workbook(path) as made:
        page = made.add_worksheet("Stock")
        for cell, rows in blocks.items():
            start = xlsxwriter.utility.xl_cell_to_rowcol(cell)
            for number, row in enumerate(rows):
                page.write_row(start[0] + number, start[1], row)
    return path


def pieces(reading: ReadResult) -> dict[str, int]:
    assert reading.rows is not None, reading.findings
    assert reading.cells["read"] == sum(reading.cells[what] for what in ("loaded", "returned", "ignored"))
    rows = reading.rows.to_pydict()
    return dict(zip(rows["article"], rows["pieces"], strict=True))


def said(reading: ReadResult) -> list[tuple[str, str | None, str]]:
    return [(finding.rule, finding.cell, finding.severity) for finding in reading.findings]


SIDE: Blocks = {
    "A1": [HEADER, ["A100", 5], ["A200", 7]],
    "D1": [HEADER, ["B100", 1], ["B200", 2], ["B300", 3]],
}


def test_tables_side_by_side_are_both_read_when_asked_with_the_place_of_each(tmp_path: Path) -> None:
    reading = read_file(book(tmp_path, SIDE), [ALL])
    assert pieces(reading) == {"A100": 5, "A200": 7, "B100": 1, "B200": 2, "B300": 3}
    assert said(reading) == []
    assert reading.rows is not None
    assert reading.rows.column("_sheet").to_pylist() == ["Stock"] * 2 + ["Stock!D1"] * 3
    assert reading.column_letters["Stock!D1"]["pieces"] == "E"


def test_tables_side_by_side_are_named_when_not_asked_for(tmp_path: Path) -> None:
    reading = read_file(book(tmp_path, SIDE), [ONE])
    assert said(reading) == [("several_tables", "D1", "reject")]
    assert 'tables="all"' in reading.findings[0].message
    assert reading.cells["read"] == reading.cells["returned"] == 10


def test_tables_side_by_side_without_a_column_between_are_told_apart(tmp_path: Path) -> None:
    blocks: Blocks = {"A1": [["No", *HEADER], [1, "A1", 5]], "D1": [["No", *HEADER], [1, "B1", 1]]}
    assert pieces(read_file(book(tmp_path, blocks), [ALL])) == {"A1": 5, "B1": 1}


@pytest.mark.parametrize("gap", [0, 1])
def test_a_table_below_in_another_order_of_columns_is_found_without_a_blank_row(tmp_path: Path, gap: int) -> None:
    rows = [HEADER, ["A100", 5], ["A200", 7], *[[]] * gap, ["Pieces", "Article"], [1, "B100"], [2, "B200"]]
    path = book(tmp_path, {"A1": rows})
    assert pieces(read_file(path, [ALL])) == {"A100": 5, "A200": 7, "B100": 1, "B200": 2}
    assert said(read_file(path, [ONE])) == [("several_tables", f"A{4 + gap}", "reject")]


def test_the_same_header_again_without_a_blank_row_is_read_over(tmp_path: Path) -> None:
    path = book(tmp_path, {"A1": [HEADER, ["A100", 5], HEADER, ["B100", 1]]})
    for contract in (ONE, ALL):
        assert pieces(read_file(path, [contract])) == {"A100": 5, "B100": 1}


def test_a_bad_cell_of_the_second_table_is_named_where_it_stands(tmp_path: Path) -> None:
    blocks: Blocks = {"A1": [HEADER, ["A100", 5]], "D1": [HEADER, ["B100", "many"]]}
    assert said(read_file(book(tmp_path, blocks), [ALL])) == [("type", "E2", "reject")]


def test_tables_whose_headers_stand_in_different_rows_are_told_apart(tmp_path: Path) -> None:
    blocks: Blocks = {
        "A1": [HEADER, ["A1", 5], ["A2", 6]],
        "E4": [["South"], HEADER, ["B1", 1], ["B2", 2]],
    }
    reading = read_file(book(tmp_path, blocks), [ALL])
    assert pieces(reading) == {"A1": 5, "A2": 6, "B1": 1, "B2": 2}
    assert said(read_file(book(tmp_path, blocks), [ONE])) == [("several_tables", "E5", "reject")]


def test_another_table_beside_that_shares_a_column_is_not_mixed_in(tmp_path: Path) -> None:
    blocks: Blocks = {
        "A1": [["Article", "Price"], ["A1", 9.5], ["A9", 8.5]],
        "D1": [HEADER, ["A1", 5]],
    }
    reading = read_file(book(tmp_path, blocks), [ONE])
    assert pieces(reading) == {"A1": 5}
    assert said(reading) == [("another_table", "A1", "notice")]


def test_one_column_named_twice_is_still_a_finding(tmp_path: Path) -> None:
    blocks: Blocks = {"A1": [["Article", "Pieces", "Place", "Pieces"], ["A1", 5, "x", 6]]}
    assert said(read_file(book(tmp_path, blocks), [ONE]))[0][0] == "column_twice"


def test_stacked_tables_of_one_layout_are_read_on_and_said(tmp_path: Path) -> None:
    blocks: Blocks = {"A1": [["North"], HEADER, ["A1", 5], [], ["South"], HEADER, ["B1", 1]]}
    reading = read_file(book(tmp_path, blocks), [ALL])
    assert pieces(reading) == {"A1": 5, "B1": 1}
    assert said(reading) == []
    reading = read_file(book(tmp_path, blocks), [ONE])
    assert pieces(reading) == {"A1": 5, "B1": 1}
    assert ("repeated_header", "A6", "notice") in said(reading) or ("repeated_header", "A5", "notice") in said(reading)


def test_stacked_tables_of_another_order_are_read_by_their_own_headers(tmp_path: Path) -> None:
    blocks: Blocks = {"A1": [HEADER, ["1", 5], [], ["Pieces", "Article"], [7, "2"]]}
    reading = read_file(book(tmp_path, blocks), [ALL])
    assert pieces(reading) == {"1": 5, "2": 7}
    assert reading.column_letters["Stock!A4"] == {"article": "B", "pieces": "A"}
    assert said(read_file(book(tmp_path, blocks), [ONE])) == [("several_tables", "A4", "reject")]


def test_another_table_below_is_not_read_as_more_rows(tmp_path: Path) -> None:
    blocks: Blocks = {"A1": [HEADER, ["A1", 5], [], ["Contacts"], ["Name", "Phone"], ["Lind", 4711], ["Berg", 4712]]}
    reading = read_file(book(tmp_path, blocks), [ONE])
    assert pieces(reading) == {"A1": 5}
    assert said(reading) == [("another_table", "A5", "notice")]


def test_blank_rows_and_odd_cells_make_no_other_table(tmp_path: Path) -> None:
    blocks: Blocks = {"A1": [HEADER, ["A1", 5], [], ["A2", 6], [], ["A3", "n/a"], ["A4", 7]]}
    reading = read_file(book(tmp_path, blocks), [ONE])
    assert [rule for rule, *_ in said(reading)] == ["required"]


def test_there_are_one_and_all_tables_alone() -> None:
    with pytest.raises(DeclarationError, match="there is no 'two'"):
        Workbook(rows=Pieces, path="*", owner="o@example.org", tables="two")  # type: ignore[arg-type]
