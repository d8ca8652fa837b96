"""Promises of the quick ways of small files: each says what the slow one says, over many made tables and texts."""

import datetime as dt
import random
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow
import pytest

from s2p_assets.contracts.columns import Code, Date, Integer, Number, Row, Text, column, row_rule
from s2p_assets.contracts.validation import pandera_schema
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.spreadsheet.date_texts import dates_in_digits
from s2p_assets.spreadsheet.grid import Cells
from s2p_assets.spreadsheet.header import _decomposed, folded
from s2p_assets.spreadsheet.limits import WorkbookUnreadable
from s2p_assets.spreadsheet.readers.csv_text import CsvBook
from s2p_assets.spreadsheet.rules import TypedRows, rule_violations
from s2p_assets.spreadsheet.sandbox import Sandbox
from s2p_assets.spreadsheet.text_values import parse_date
from s2p_assets.spreadsheet.unit_words import without_brackets

DAYS = [None, dt.date(2024, 2, 29), dt.date(2023, 1, 1), dt.date(2025, 1, 1)]


class RuledRow(Row):
    """A row with a rule of every kind."""

    code: Code = column("Code", description="c", str_matches="[A-Z]{2}-[0-9]+$|X", nullable=True)
    start: Text = column("Start", description="s", str_startswith="A", notin=["AB"], ne="AC", nullable=True)
    end: Text = column("End", description="e", str_endswith="Z", str_contains="Y", nullable=True)
    word: Text = column("Word", description="w", isin=["a", "é"], str_length={"max_value": 2}, nullable=True)
    units: Integer = column("Units", description="u", in_range={"min_value": 1, "max_value": 9}, ne=5, nullable=True)
    price: Number = column("Price", description="p", gt=0, le=10, eq=2.5, nullable=True)
    day: Date = column("Day", description="d", ge=dt.date(2024, 1, 1), lt=dt.date(2025, 1, 1), nullable=True)

    @row_rule("fewer units than the price", at="units")
    def few(cls, rows: pd.DataFrame) -> "pd.Series[bool]":
        return rows["units"] < rows["price"]

    @row_rule("a word without a day", at="word", severity="notice")
    def no_day(cls, rows: pd.DataFrame) -> "pd.Series[bool]":
        return rows["word"].notna() | rows["day"].isna()


RULED = Workbook(rows=RuledRow, path="*", owner="a@example.org")


def made_table(chance: random.Random) -> pyarrow.Table:
    """Of a few rows, most of whose values keep their rules, so that whole columns do in some tables."""
    choices: dict[str, list[Any]] = {
        "code": ["AB-1", "ZZ-99", "X", None, "ab-1", "AB-1x"],
        "start": ["A", "Ab", None, "AB", "AC", "b"],
        "end": ["YZ", "aYZ", None, "Z", "Y"],
        "word": ["a", "é", None, "aa", "ééé"],
        "units": [1, 2, 9, None, 0, 10, 5],
        "price": [2.5, 2.5, None, 0.0, 10.0, 10.5],
        "day": [*DAYS],
    }
    odd = chance.random()
    rows = range(chance.randint(1, 6))
    held = {
        name: [chance.choice(values if chance.random() < odd / 2 else values[:2]) for _ in rows]
        for name, values in choices.items()
    }
    return pyarrow.table({one.name: pyarrow.array(held[one.name], one.arrow_type) for one in RULED.columns})


def broken_by_pandera(table: pyarrow.Table) -> set[tuple[str, int]]:
    """Message and row of what pandera itself finds, rule by rule."""
    schema = pandera_schema(RuledRow)
    frame = TypedRows(table, table.column_names).frame
    found = set()
    for name, declared in schema.columns.items():
        kept = frame[name].dropna()
        for check in declared.checks if len(kept) else ():
            output = check(kept).check_output
            found |= {(f"{name} {check.name}", int(row)) for row in output.index[~output.astype(bool)]}
    for check in schema.checks:
        output = check(frame).check_output
        found |= {(str(check.error), int(row)) for row in output.index[~output.astype(bool)]}
    return found


def test_the_rules_find_what_pandera_finds_over_many_made_tables() -> None:
    chance, clean = random.Random(15), 0
    long = {"ge": "greater_than_or_equal_to", "gt": "greater_than", "le": "less_than_or_equal_to", "lt": "less_than"}
    long |= {"eq": "equal_to", "ne": "not_equal_to"}
    for _ in range(60):
        table = made_table(chance)
        found = {
            (one.message if one.rule == "row_rule" else f"{one.column} {long.get(one.rule, one.rule)}", one.position)
            for one in rule_violations(TypedRows(table, table.column_names), RULED)
        }
        assert found == broken_by_pandera(table)
        clean += not found
    assert clean


PATTERNS = ("%Y-%m-%d", "%d.%m.%Y", "%m/%d/%y", "%Y-%m-%d %H:%M:%S", "%d/%m/%Y %H:%M", "%d %b %Y", "%Y%m%d", "%m.%Y")


@pytest.mark.parametrize("pattern", PATTERNS)
def test_dates_in_digits_are_those_that_one_by_one_gives(pattern: str) -> None:
    chance = random.Random(pattern)
    numbers = ["0", "00", "1", "02", "12", "13", "29", "30", "31", "32", "24", "60", "68", "69", "2024", "2023", "0000"]
    texts = [
        "".join(chance.choice(numbers) if letter.isalpha() else letter for letter in pattern.replace("%", ""))
        for _ in range(600)
    ]
    texts += [
        "",
        " ",
        "2024-02-29",
        "29.02.2024",
        "29.02.2023",
        "٢٠٢٤-01-01",
        "2024-01-01 08:26:61",
        "1.1.24",
        "1/2/3 4:5",
    ]
    moments, known = dates_in_digits(pyarrow.array(texts), (pattern,))
    for text, moment, read in zip(texts, moments.astype(object), known.tolist(), strict=True):
        try:
            wanted = parse_date(text, pattern)
        except ValueError:
            wanted = None
        assert not read or moment == wanted, text
    assert known.any() or pattern in ("%d %b %Y", "%Y%m%d", "%m.%Y")


def columns_of(columns: dict[int, Cells]) -> dict[int, tuple[Any, Any, Any]]:
    return {
        number: (cells.rows.tolist(), cells.kinds.tolist(), cells.texts.to_pylist())
        for number, cells in columns.items()
    }


def test_a_plain_text_is_cut_as_record_by_record(tmp_path: Path) -> None:
    chance, plain = random.Random(5), 0
    marks = ["a", "1", ",", "\n", "\r\n", "\r", " ", "é", '"', "\u2028", "\x0b", "\x1c", "x,y\n", "x,y\r\n", "1,\n"]
    weights = [1, 1, 3, 1, 1, 0.1, 1, 1, 0.1, 0.2, 0.2, 0.2, 9, 3, 3]
    file = tmp_path / "x.csv"
    for _ in range(400):
        written = "".join(chance.choices(marks, weights, k=chance.randint(1, 12))).encode()
        file.write_bytes(written + (b"\xff" if chance.random() < 0.02 else b""))
        try:
            book = CsvBook(file, "x")
        except WorkbookUnreadable:
            continue
        at_once = book._plain_columns()
        if at_once is not None:
            plain += 1
            assert columns_of(at_once) == columns_of(book._columns()), written
    assert plain > 40


@pytest.mark.parametrize(
    "text", ["Unit\nPrice (EUR)", "SKU-No.", "a{b}c", "<x>", "(EUR)", "#", "100%", "Q1", "", "[a", "É(b)"]
)
def test_a_header_folds_alike_with_and_without_its_short_way(text: str) -> None:
    def letters(part: str) -> str:
        return "".join(mark for mark in _decomposed(part) if mark.isalnum())

    assert folded(text) in (letters(without_brackets(text)) or letters(text), "number", "percent")


class SmallLine(Row):
    """One line."""

    name: Code = column("Name", description="name")
    amount: Integer = column("Amount", description="amount")


LINES = Workbook(rows=SmallLine, path="**", owner="a@example.org")


def test_of_many_files_one_that_ends_the_child_costs_itself_alone(tmp_path: Path) -> None:
    for number in range(5):
        lines = 3_000_000 if number == 2 else 1
        (tmp_path / f"{number}.csv").write_text("Name,Amount\n" + "a,1\n" * lines)
    files = sorted(tmp_path.iterdir())
    with Sandbox(memory_mb=128) as sandbox:
        readings = list(sandbox.read_many(((file, [LINES], None) for file in files), others=[LINES]))
    errors = [reading.error for reading in readings]
    assert "memory" in str(errors.pop(2))
    assert errors == [None] * 4
    assert np.sum([reading.rows_accepted for reading in readings]) == 4
