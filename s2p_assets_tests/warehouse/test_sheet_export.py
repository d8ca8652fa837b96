"""Rows written as an Excel sheet come back as they were: types, days, and texts that Excel would take for something."""

import datetime as dt
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow
import pytest

from s2p_assets.contracts.columns import Kind, arrow_type
from s2p_assets.warehouse.tables.sheet_export import TooManyRows, write_sheet

MOMENT = dt.datetime(2026, 3, 31, 14, 5, 30)
VALUES: list[tuple[Kind, Any, Any]] = [
    ("text", 'Käse & <Brot>\n"zwei"', 'Käse & <Brot>\n"zwei"'),
    ("text", "=1+1", "=1+1"),
    ("text", "  spaces  ", "  spaces  "),
    ("text", "_x0041_", "_x005F_x0041_"),  # as Excel escapes it, and takes back; openpyxl does not
    ("text", "a\x01b", "a\ufffdb"),
    ("text", "x" * 40_000, "x" * 32_767),
    ("code", "00012", "00012"),
    ("integer", -12, -12),
    ("integer", 12345678901234567, "12345678901234567"),
    ("number", 0.1, 0.1),
    ("number", 1e300, 1e300),
    ("number", float("inf"), "inf"),
    ("money", 12.5, 12.5),
    ("percent", 0.25, 0.25),
    ("boolean", True, True),
    ("boolean", False, False),
    ("date", dt.date(2026, 3, 31), dt.datetime(2026, 3, 31)),
    ("date", dt.date(1899, 5, 1), "1899-05-01"),
    ("timestamp", MOMENT, MOMENT),
    ("text", None, None),
    ("number", None, None),
    ("date", None, None),
]


def batch_of(values: list[tuple[Kind, Any, Any]]) -> tuple[pyarrow.RecordBatch, list[tuple[str, Kind]]]:
    schema = [(f"c{at}", kind) for at, (kind, *_) in enumerate(values)]
    arrays = [pyarrow.array([value], arrow_type(kind)) for kind, value, _ in values]
    return pyarrow.RecordBatch.from_arrays(arrays, names=[name for name, _ in schema]), schema


def test_every_kind_of_value_comes_back_from_excel_as_it_was(tmp_path: Path) -> None:
    batch, schema = batch_of(VALUES)
    write_sheet([batch, batch], schema, tmp_path / "x.xlsx")
    rows = list(openpyxl.load_workbook(tmp_path / "x.xlsx", read_only=True).worksheets[0].iter_rows(values_only=True))
    assert rows[0] == tuple(name for name, _ in schema)
    padded = [row + (None,) * (len(VALUES) - len(row)) for row in rows]
    assert padded[1:] == [tuple(value for *_, value in VALUES)] * 2


def test_no_row_at_all_is_a_header(tmp_path: Path) -> None:
    write_sheet([], [("sku", "code"), ("price", "money")], tmp_path / "x.xlsx")
    assert list(openpyxl.load_workbook(tmp_path / "x.xlsx").worksheets[0].values) == [("sku", "price")]


def test_more_rows_than_a_sheet_has_are_refused(tmp_path: Path) -> None:
    batch, schema = batch_of(VALUES[:3])
    with pytest.raises(TooManyRows, match="take CSV"):
        write_sheet([batch, batch], schema, tmp_path / "x.xlsx", most_rows=2)
