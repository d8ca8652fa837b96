"""Every contract of the house catches a bad cell for every rule of every column, at the right address."""

import csv
import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandera.pandas as pa
import pyarrow
import pytest

from s2p_assets.catalog.loading import load_catalog
from s2p_assets.contracts.columns import Column
from s2p_assets.contracts.validation import pandera_schema
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.spreadsheet.grid import cell_address
from s2p_assets.spreadsheet.reading import read_file
from s2p_assets_tests.shelves.test_crm_workbooks import GOOD as CRM
from s2p_assets_tests.shelves.test_f1_workbooks import GOOD as F1
from s2p_assets_tests.shelves.test_retail_workbooks import GOOD as RETAIL

BOOKS = load_catalog(("s2p_assets",)).workbooks
GOOD: dict[str, list[Any]] = RETAIL | CRM | F1
UNREADABLE = {"number": "a few", "money": "a few", "percent": "a few", "integer": "12.5", "boolean": "perhaps"}
BAD_BY_RULE: dict[str, tuple[str, Callable[[dict[str, Any]], object]]] = {
    "greater_than_or_equal_to": ("ge", lambda given: given["min_value"] - 1),
    "greater_than": ("gt", lambda given: given["min_value"]),
    "less_than_or_equal_to": ("le", lambda given: given["max_value"] + 1),
    "not_equal_to": ("ne", lambda given: given["value"]),
    "in_range": ("in_range", lambda given: given["max_value"] + 1),
    "isin": ("isin", lambda _: "No Such Thing"),
    "str_matches": ("str_matches", lambda _: "§"),
}
Cell = tuple[str, str]


def faults(book: Workbook, column: Column) -> Iterator[Cell]:
    """(rule, text) for every way in which a cell of the column can be bad by itself."""
    if not column.nullable:
        yield "required", ""
    if column.kind in UNREADABLE:
        yield "type", UNREADABLE[column.kind]
    if column.kind in ("date", "timestamp"):
        yield "formats", "31/31/3131"
    for check in pandera_schema(book.rows).columns[column.name].checks:
        rule, bad = BAD_BY_RULE[check.name or ""]
        yield rule, str(bad(check.statistics or {}))
    if column.references:
        yield "references", "Nobody Knows"


def sheets_of_faults(book: Workbook) -> Iterator[dict[int, Cell]]:
    """Column number → fault, for as many sheets as it takes; a row that lacks a cell keeps most of its others."""
    left = {number: list(faults(book, column)) for number, column in enumerate(book.columns, start=1)}
    while any(left.values()):
        chosen: dict[int, Cell] = {}
        for number, waiting in left.items():
            empty = sum(rule == "required" for rule, _ in chosen.values())
            if waiting and (waiting[0][0] != "required" or empty < len(book.columns) // 2):
                chosen[number] = waiting.pop(0)
        yield chosen


def written(value: Any, column: Column) -> str:
    if isinstance(value, dt.datetime | dt.date):
        return value.strftime((column.formats or ("%Y-%m-%d",))[0])
    return "" if value is None else str(value)


def test_there_is_a_good_row_for_every_contract() -> None:
    assert set(GOOD) == set(BOOKS)


@pytest.mark.parametrize("book", BOOKS.values(), ids=lambda book: book.name)
def test_every_rule_of_every_column_finds_its_bad_cell(book: Workbook, tmp_path: Path) -> None:
    assert all(
        check.name in BAD_BY_RULE and isinstance(check, pa.Check)
        for column in pandera_schema(book.rows).columns.values()
        for check in column.checks
    )
    good = [written(value, column) for value, column in zip(GOOD[book.full_name], book.columns, strict=True)]
    numbers = {column.name: number for number, column in enumerate(book.columns)}
    there = {one.column: pyarrow.array([good[numbers[one.column]]], pyarrow.string()) for one in book.references}
    for chosen in sheets_of_faults(book):
        bad = [chosen[number][1] if number in chosen else value for number, value in enumerate(good, start=1)]
        path = tmp_path / f"{book.full_name}.csv"
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([[column.headers[0] for column in book.columns], good, bad])
        reading = read_file(path, [book], reference_values={book.full_name: there})
        found = {(finding.cell, finding.rule) for finding in reading.findings if finding.severity == "reject"}
        planted = {(cell_address(3, number), rule) for number, (rule, _) in chosen.items()}
        assert planted <= found
        assert {rule for _, rule in found - planted} <= {"row_rule", "key", "references"}
