"""Promises about labels that stand for a group of rows: filled down where the contract says so, else named."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from s2p_assets.contracts.columns import Code, DeclarationError, Integer, Row, Text, column
from s2p_assets.contracts.findings import ReadResult
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.spreadsheet.reading import read_file

Rows = list[list[Any]]


class Filled(Row):
    """An order of a region, its label filled down."""

    order_no: Code = column("Order no.", description="The order")
    region: Text = column("Region", description="The region", fill_down=True)
    quantity: Integer = column("Quantity", description="Pieces")


class Unfilled(Row):
    """An order of a region that may be empty."""

    order_no: Code = column("Order no.", description="The order")
    region: Text = column("Region", description="The region", nullable=True)
    quantity: Integer = column("Quantity", description="Pieces")


FILLED = Workbook(rows=Filled, path="*", owner="o@example.org")
UNFILLED = Workbook(rows=Unfilled, path="*", owner="o@example.org")
HEADER: list[Any] = ["Order no.", "Region", "Quantity"]
ROWS: Rows = [["O1", "North", 1], ["O2", None, 2], ["O3", None, 3], ["O4", "South", 4], ["O5", None, 5]]
REGIONS = ["North", "North", "North", "South", "South"]


def book(tmp_path: Path, rows: Sequence[Sequence[Any]], merged: Sequence[tuple[str, str]] = ()) -> Path:
    path = tmp_path / "x.xlsx"
    with xlsxwriter.Workbook(path) as made:
        page = made.add_worksheet()
        for number, row in enumerate(rows):
            for place, value in enumerate(row):
                if value is not None:
                    page.write(number, place, value)
        for cells, text in merged:
            page.merge_range(cells, text)
    return path


def regions(reading: ReadResult) -> list[str | None]:
    assert reading.rows is not None, reading.findings
    assert reading.cells["read"] == sum(reading.cells[what] for what in ("loaded", "returned", "ignored"))
    return list(reading.rows.column("region").to_pylist())


def groups(reading: ReadResult) -> list[tuple[str | None, str, str]]:
    return [(one.cell, one.rule, one.severity) for one in reading.findings if one.rule in ("merged", "grouped")]


def test_a_label_merged_over_its_group_is_filled_down(tmp_path: Path) -> None:
    path = book(tmp_path, [HEADER, *ROWS], [("B2:B4", "North"), ("B5:B6", "South")])
    reading = read_file(path, [FILLED])
    assert (regions(reading), reading.findings) == (REGIONS, [])


def test_a_label_in_the_first_row_of_its_group_is_filled_down(tmp_path: Path) -> None:
    reading = read_file(book(tmp_path, [HEADER, *ROWS]), [FILLED])
    assert (regions(reading), reading.findings) == (REGIONS, [])


def test_a_label_in_a_row_of_its_own_is_filled_down(tmp_path: Path) -> None:
    rows: Rows = [
        HEADER,
        [None, "North"],
        ["O1", None, 1],
        ["O2", None, 2],
        [None, "South"],
        ["O3", None, 3],
    ]
    reading = read_file(book(tmp_path, rows), [FILLED])
    assert regions(reading) == ["North", "North", "South"]
    assert [(one.rule, one.cell, one.severity) for one in reading.findings] == [("heading", "B2", "notice")]


def test_a_label_is_not_filled_beyond_its_merged_cell_nor_from_a_total(tmp_path: Path) -> None:
    rows: Rows = [HEADER, ["O1", None, 1], ["O2", None, 2], ["O3", None, 3]]
    reading = read_file(book(tmp_path, rows, [("B2:B3", "North")]), [FILLED])
    assert [(one.cell, one.rule) for one in reading.findings if one.severity == "reject"] == [("B4", "required")]
    rows = [HEADER, *ROWS[:3], [None, "North Total", 6], *ROWS[3:], [None, "South Total", 9]]
    assert regions(read_file(book(tmp_path, rows), [FILLED])) == REGIONS


def test_a_first_row_without_its_label_is_a_finding(tmp_path: Path) -> None:
    reading = read_file(book(tmp_path, [HEADER, ["O0", None, 9], *ROWS]), [FILLED])
    assert [(one.cell, one.rule) for one in reading.findings] == [("B2", "required")]


@pytest.mark.parametrize(("merged", "rule"), [([("B2:B4", "North"), ("B5:B6", "South")], "merged"), ([], "grouped")])
def test_labels_that_the_contract_does_not_fill_down_are_named_with_the_word(
    tmp_path: Path, merged: list[tuple[str, str]], rule: str
) -> None:
    reading = read_file(book(tmp_path, [HEADER, *ROWS], merged), [UNFILLED])
    assert groups(reading) == [("B2", rule, "notice")]
    assert "fill_down=True" in reading.findings[0].message


def test_a_grouped_first_column_is_named_also_where_it_must_be_filled(tmp_path: Path) -> None:
    class Must(Row):
        """An order of a region."""

        region: Text = column("Region", description="The region")
        quantity: Integer = column("Quantity", description="Pieces")

    rows: Rows = [["Region", "Quantity"], *([row[1], row[2]] for row in ROWS)]
    reading = read_file(book(tmp_path, rows), [Workbook(rows=Must, path="*", owner="o@example.org")])
    assert groups(reading) == [("A2", "grouped", "notice")]
    assert sum(one.severity == "reject" for one in reading.findings) == 3


def test_a_column_that_may_be_empty_is_not_taken_for_labels(tmp_path: Path) -> None:
    remarks = [None, "urgent", None, None, "fragile", None, "urgent", "call", None]
    rows: Rows = [[f"O{place}", remark, place] for place, remark in enumerate(remarks)]
    assert groups(read_file(book(tmp_path, [HEADER, *rows]), [UNFILLED])) == []
    full: Rows = [["O1", "North", 1], ["O2", "North", 2], ["O3", None, 3], ["O4", "South", 4]]
    assert groups(read_file(book(tmp_path, [HEADER, *full]), [UNFILLED])) == []


def test_what_is_filled_down_cannot_be_unique() -> None:
    with pytest.raises(DeclarationError, match="cannot be 'unique'"):

        class Wrong(Row):
            """Contradicts itself."""

            region: Text = column("Region", description="The region", fill_down=True, unique=True)


@pytest.mark.parametrize("mark", ['"', "dito", "Ditto", "dto.", "idem", "〃", "wie oben"])
def test_a_mark_that_repeats_the_value_above_is_filled_down_or_a_finding(tmp_path: Path, mark: str) -> None:
    rows = [[order, mark if region is None else region, number] for order, region, number in ROWS]
    reading = read_file(book(tmp_path, [HEADER, *rows]), [FILLED])
    assert reading.rows is not None
    assert (reading.rows["region"].to_pylist(), reading.findings) == (REGIONS, [])
    reading = read_file(book(tmp_path, [HEADER, *rows]), [UNFILLED])
    assert [(one.cell, one.severity) for one in reading.findings] == [(cell, "reject") for cell in ("B3", "B4", "B6")]
