"""Promises of the quick ways of reading: what is told of all cells at once is what is told of each by itself."""

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa
import pyarrow
import pytest

from s2p_assets.columns import Row, Text, Whole, code, whole
from s2p_assets.spreadsheet.cells import parse_cells
from s2p_assets.spreadsheet.contract import Workbook
from s2p_assets.spreadsheet.grid import CellKind, Cells, Sheet
from s2p_assets.spreadsheet.readers.xlsx import _unescaped
from s2p_assets.spreadsheet.rules import broken_rules


class Counted(Row):
    """One thing that was counted."""

    sku: Text = code("SKU", says="article")
    count: Whole = whole("Count", says="how many")


COUNTED = Workbook(rows=Counted, found_at="*", owner="Ann")
ODD_NUMBERS = ("0xFF", "0xFFFFFFFFF", "007", "-5", "+5", "-0", "1.0", "1e3", "1234567890123456", "nan", "inf", "1e999")


def _parsed(texts: list[str], which: int) -> tuple[list[Any], dict[int, str]]:
    cells = Cells(
        np.arange(1, len(texts) + 1, dtype=np.int32),
        np.full(len(texts), CellKind.NUMBER, np.int8),
        pyarrow.array(texts),
    )
    parsed = parse_cells(cells, COUNTED.columns[which], Sheet("S"))
    return parsed.values.to_pylist(), {place: problem.message for place, problem in parsed.problems.items()}


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


CHECKS = [
    (pa.Check.gt(2), pyarrow.int64(), [2, 3]),
    (pa.Check.ge(2.5), pyarrow.float64(), [2.4, 2.5]),
    (pa.Check.lt(dt.date(2024, 3, 1)), pyarrow.date32(), [dt.date(2024, 2, 29), dt.date(2024, 3, 1)]),
    (pa.Check.le(7), pyarrow.float64(), [7.0, 7.01]),
    (pa.Check.in_range(1, 5), pyarrow.int64(), [0, 1, 5, 6]),
    (pa.Check.in_range(1, 5, include_min=False, include_max=False), pyarrow.int64(), [1, 2, 4, 5]),
    (pa.Check.isin(["a", "é"]), pyarrow.string(), ["a", "é", "A", ""]),
    (pa.Check.isin([1, 2]), pyarrow.int64(), [1, 3]),
    (pa.Check.str_length(2, 3), pyarrow.string(), ["é", "éé", "éée", "éééé"]),
    (pa.Check.str_length(exact_value=2), pyarrow.string(), ["é", "éé"]),
    (pa.Check.str_matches("^[ab]+$"), pyarrow.string(), ["ab", "abc"]),
    (pa.Check(lambda values: values == 1, name="isin"), pyarrow.int64(), [1, 2]),
]


@pytest.mark.parametrize(("check", "kind", "values"), CHECKS)
def test_a_rule_that_is_told_at_once_is_the_rule_that_pandera_puts(
    check: pa.Check, kind: pyarrow.DataType, values: list[Any]
) -> None:
    class Held(Row):
        """One value."""

    schema = pa.DataFrameSchema({"count": pa.Column(pd.ArrowDtype(kind), check)})
    Held.to_schema = classmethod(lambda cls: schema)  # type: ignore[method-assign, assignment]
    workbook = Workbook(rows=Held, found_at="*", owner="Ann")
    workbook.__dict__["columns"] = (COUNTED.columns[1],)
    for value in values:
        series = pd.Series([value], dtype=pd.ArrowDtype(kind))
        found = list(broken_rules(pd.DataFrame({"count": series}), workbook))
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
