"""Promises of the compiled cutter: what it cuts is what the pure one cuts, and no text whatever makes it misbehave.

They are kept where it was compiled; without it everything is read by the pure one, as the other tests show.
"""

import importlib.util
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from s2p_assets.spreadsheet.book import open_book
from s2p_assets.spreadsheet.grid import Cells
from s2p_assets.spreadsheet.limits import WorkbookUnreadable
from s2p_assets.spreadsheet.readers.row_cutter import cut_cells, use_cutter
from s2p_assets.spreadsheet.readers.xlsx_rows import PlainCells, plain_cells
from s2p_assets_tests.spreadsheet.cutter_fuzzing import altered, build_hook, plain_rows

ODD_FILES = Path(__file__).parents[3] / "shared" / "data"
LARGEST = 3_000_000
IS_COMPILED = importlib.util.find_spec("s2p_assets.spreadsheet.readers._cut_rows") is not None
compiled = pytest.mark.skipif(not IS_COMPILED, reason="the cutter was not compiled")


@pytest.fixture(autouse=True)
def _as_installed() -> Iterator[None]:
    yield
    use_cutter(compiled=True)


def cells_of(cut: PlainCells) -> dict[int, list[tuple[Any, ...]]]:
    """Row, attributes and value of the cells of each column, in the order written."""
    found: dict[int, list[tuple[Any, ...]]] = {}
    texts = zip(cut.attributes.to_pylist(), cut.values.to_pylist(), strict=True)
    for column, row, (given, value) in zip(cut.columns.tolist(), cut.rows.tolist(), texts, strict=True):
        found.setdefault(column, []).append((row, given, value))
    return found


@compiled
def test_the_compiled_cutter_cuts_as_the_pure_one() -> None:
    chance, plain = random.Random(6), 0
    for _ in range(1_500):
        text = plain_rows(chance)
        text = altered(chance, text) if chance.random() < 0.7 else text
        use_cutter(compiled=True)
        ours = cut_cells(text)
        pure = plain_cells(text)
        assert (ours is None) == (pure is None), text
        if ours is not None and pure is not None:
            plain += 1
            assert cells_of(ours) == cells_of(pure), text
    assert plain > 300


@compiled
def test_values_of_digits_come_as_numbers() -> None:
    cut = cut_cells('<row r="7" hidden="1"><c r="B7" t="s"><v>012</v></c><c r="A7"><v>1234567890</v></c></row>')
    assert cut is not None
    assert cut.rows_are_noted
    assert (cut.columns.tolist(), cut.numbers is not None and cut.numbers.tolist()) == ([1, 2], [-1, 12])


def content(cells: Cells) -> tuple[Any, ...]:
    formats = None if cells.formats is None else cells.formats.tolist()
    return cells.rows.tolist(), cells.kinds.tolist(), cells.texts.to_pylist(), formats


def whole(path: Path) -> Any:
    """Every cell of every sheet, or why there is none."""
    try:
        with open_book(path) as book:
            return [
                (
                    (sheet.name, sheet.hidden_rows, sheet.marks.levels, sheet.marks.struck_cells),
                    {number: content(cells) for number, cells in sheet.columns.items()},
                )
                for sheet in book.sheets()
            ]
    except WorkbookUnreadable as error:
        return str(error)


@compiled
@pytest.mark.skipif(not ODD_FILES.exists(), reason="the odd files are not here")
def test_odd_files_are_read_alike_by_both_cutters() -> None:
    files = [file for file in ODD_FILES.rglob("*.xls[xm]") if file.is_file() and file.stat().st_size < LARGEST]
    assert len(files) > 100
    for file in files:
        use_cutter(compiled=True)
        ours = whole(file)
        use_cutter(compiled=False)
        assert ours == whole(file), file


def test_the_pure_cutter_is_there_where_the_other_is_not_wanted() -> None:
    assert use_cutter(compiled=False) == "pure"
    assert use_cutter(compiled=True) == ("compiled" if IS_COMPILED else "pure")


@pytest.mark.parametrize(
    ("target_name", "version", "is_left"),
    [("wheel", "standard", True), ("sdist", "standard", True), ("wheel", "editable", False)],
)
def test_building_a_package_takes_no_cutter_away_from_who_works_with_the_sources(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target_name: str, version: str, is_left: bool
) -> None:
    monkeypatch.setenv("S2P_BUILD", "pure")
    module = build_hook()
    hook = module.CustomBuildHook.__new__(
        type("Hook", (module.CustomBuildHook,), {"root": str(tmp_path), "target_name": target_name})
    )
    made = tmp_path / module.SOURCE.with_name("_cut_rows.abi3.so")
    made.parent.mkdir(parents=True)
    made.touch()
    hook.initialize(version, {})
    assert made.exists() == is_left


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
def test_no_text_makes_the_cutter_read_or_write_beside_its_memory(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "s2p_assets_tests.spreadsheet.cutter_fuzzing", "--texts", "3000"]
    ran = subprocess.run([*command, "--folder", str(tmp_path)], capture_output=True, text=True, check=False)
    if ran.returncode == 3:
        pytest.skip(ran.stdout.strip())
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert "3,000 texts" in ran.stdout
