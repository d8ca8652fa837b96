"""Promises of the quick ways of reading: what is told of all cells at once is what is told of each by itself."""

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pyarrow
import pytest

from s2p_assets.contracts import columns as c
from s2p_assets.contracts.columns import Code, Integer, Row, column
from s2p_assets.contracts.validation import pandera_schema
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.spreadsheet.cell_parser import parse_cells
from s2p_assets.spreadsheet.grid import CellKind, Cells, Sheet
from s2p_assets.spreadsheet.readers.xlsx import _unescaped
from s2p_assets.spreadsheet.rules import TypedRows, rule_violations


class Counted(Row):
    """One thing that was counted."""

    sku: Code = column("SKU", description="article")
    count: Integer = column("Count", description="how many")


COUNTED = Workbook(rows=Counted, path="*", owner="Ann")
ODD_NUMBERS = ("0xFF", "0xFFFFFFFFF", "007", "-5", "+5", "-0", "1.0", "1e3", "1234567890123456", "nan", "inf", "1e999")


def _parsed(texts: list[str], which: int) -> tuple[list[Any], dict[int, str]]:
    cells = Cells(
        np.arange(1, len(texts) + 1, dtype=np.int32),
        np.full(len(texts), CellKind.NUMBER, np.int8),
        pyarrow.array(texts),
    )
    parsed = parse_cells(cells, COUNTED.columns[which], Sheet("S"))
    return parsed.values.to_pylist(), {place: problem.message for place, problem in parsed.errors.items()}


@pytest.mark.parametrize("which", [0, 1], ids=["code", "whole"])
def test_a_number_is_read_alike_alone_and_among_others(which: int) -> None:
    alone = [_parsed([text], which) for text in ODD_NUMBERS]
    together = _parsed([*ODD_NUMBERS, "17"], which)
    assert together[0][:-1] == [values[0] for values, _ in alone]
    assert together[1] == {place: problems[0] for place, (_, problems) in enumerate(alone) if problems}


def test_a_number_written_in_another_base_is_no_code() -> None:
    for text in ("0xFF", "0xFFFFFFFFF"):
        values, problems = _parsed([text], 0)
        assert values == [None]
        assert list(problems) == [0]


CHECKS: list[tuple[str, Any, type[c.ColumnType], list[Any]]] = [
    ("gt", 2, c.Integer, [2, 3]),
    ("ge", 2.5, c.Number, [2.4, 2.5]),
    ("lt", dt.date(2024, 3, 1), c.Date, [dt.date(2024, 2, 29), dt.date(2024, 3, 1)]),
    ("le", 7, c.Number, [7.0, 7.01]),
    ("in_range", {"min_value": 1, "max_value": 5}, c.Integer, [0, 1, 5, 6]),
    ("in_range", {"min_value": 1, "max_value": 5, "include_min": False, "include_max": False}, c.Integer, [1, 2, 4, 5]),
    ("isin", ["a", "é"], c.Text, ["a", "é", "A", ""]),
    ("isin", [1, 2], c.Integer, [1, 3]),
    ("str_length", {"min_value": 2, "max_value": 3}, c.Text, ["é", "éé", "éée", "éééé"]),
    ("str_length", {"exact_value": 2}, c.Text, ["é", "éé"]),
    ("str_matches", "^[ab]+$", c.Text, ["ab", "abc"]),
]


@pytest.mark.parametrize(("name", "given", "kind", "values"), CHECKS)
def test_a_rule_checked_on_all_values_at_once_is_the_rule_of_pandera(
    name: str, given: Any, kind: type[c.ColumnType], values: list[Any]
) -> None:
    body = {"__annotations__": {"count": kind}, "count": c.column(description="one value", **{name: given})}
    held: type[c.Row] = type("Held", (c.Row,), body)
    workbook = Workbook(rows=held, path="*", owner="Ann")
    (check,) = pandera_schema(held).columns["count"].checks
    for value in values:
        series = pd.Series([value], dtype=pd.ArrowDtype(c.arrow_type(kind.kind)))
        found = list(rule_violations(TypedRows(pyarrow.table({"count": pyarrow.array(series)}), ["count"]), workbook))
        assert bool(found) == (not bool(check(series).check_passed)), value


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("a &amp; b", "a & b"),
        ("&amp;lt;", "&lt;"),
        ("&lt;&gt;&quot;&apos;&amp;&amp;", "<>\"'&&"),
        ("&#38; &amp;", "& &"),
        ("&amp;_x000D_", "&\r"),
        ("AT&T", "AT&T"),
        ("a\r\nb &amp;", "a\nb &"),
    ],
)
def test_marks_written_as_entities_are_themselves(written: str, meant: str) -> None:
    assert _unescaped(pyarrow.array([written])).to_pylist() == [meant]
    assert _unescaped(pyarrow.array(["x", written, "&amp;"]))[1:2].to_pylist() == [meant]
