"""Promises of a process that reads without pandas: it is not loaded, and where somebody loads it, Arrow knows it."""

import builtins
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from s2p_assets.contracts.columns import Code, Integer, Row, column
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.spreadsheet.sandbox import Sandbox

MODULE = "s2p_assets_tests.spreadsheet.test_arrow_without_pandas"


class PieceRow(Row):
    """One article."""

    article: Code = column("Article", description="article")
    pieces: Integer = column("Pieces", description="how many", ge=0)


PIECES = Workbook(rows=PieceRow, path="**", owner="a@example.org", key=("article",), max_reject_rate=0.9)


def is_loaded() -> bool:
    return "pandas" in sys.modules


def reading(folder: Path) -> None:
    """A program that reads one file whose rows are good and one with a broken rule, then imports pandas itself."""
    found: dict[str, Any] = {}
    python = builtins.__import__
    for name, pieces in (("good", 3), ("bad", -3)):
        with xlsxwriter.Workbook(folder / f"{name}.xlsx") as book:
            sheet = book.add_worksheet()
            for place, row in enumerate([["Article", "Pieces"], ["A", pieces], ["B", 4]]):
                sheet.write_row(place, 0, row)
    with Sandbox(memory_mb=512) as sandbox:
        for name in ("good", "bad"):
            read = sandbox.read(folder / f"{name}.xlsx", [PIECES])
            found[name] = [read.rows_accepted, [one.rule for one in read.findings]]
            found[f"loaded by {name}"] = [is_loaded(), sandbox.run(is_loaded)]
    import pyarrow

    found["by Arrow's own need"] = pyarrow.table({"a": [1, None]}).to_pandas()["a"].isna().tolist()
    import pandas as pd

    found["missing"] = pyarrow.array(pd.Series([1.0, float("nan")])).null_count
    found["import is Python's"] = builtins.__import__ is python
    found["loader"] = type(pd.__loader__).__name__
    print(json.dumps(found))


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("reading")
    program = f"from pathlib import Path; from {MODULE} import reading; reading(Path({str(folder)!r}))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=240, check=False)
    assert not done.returncode, done.stderr[-2000:]
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_neither_who_asks_nor_who_reads_loads_pandas_for_a_good_file(found: dict[str, Any]) -> None:
    assert found["good"] == [2, []]
    assert found["loaded by good"] == [False, False]


def test_a_broken_rule_is_judged_by_pandera_which_loads_it_in_the_reader(found: dict[str, Any]) -> None:
    assert found["bad"] == [1, ["ge"]]
    assert found["loaded by bad"] == [False, True]


def test_arrow_knows_pandas_as_soon_as_it_is_loaded(found: dict[str, Any]) -> None:
    assert found["by Arrow's own need"] == [False, True]
    assert found["missing"] == 1
    assert found["import is Python's"]
    assert found["loader"] == "SourceFileLoader"
