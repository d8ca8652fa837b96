"""Promises of the sandbox: no file takes the system down, every file ends in a verdict, the next file is read."""

import os
import pickle
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow
import pytest
import xlsxwriter

from s2p_assets.contracts.columns import Code, Number, Row, column
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.spreadsheet.sandbox import ReadingProcessDied, Sandbox

ODD_FILES = Path(__file__).parents[3] / "shared" / "data" / "odd_files"
SUFFIXES = {".xlsx", ".xlsm", ".xlsb", ".xls", ".ods", ".csv"}


class LineRow(Row):
    """One line."""

    name: Code = column("Name", description="name")
    amount: Number = column("Amount", description="amount")


LINES = Workbook(rows=LineRow, path="**", owner="a@example.org")


def good(path: Path) -> Path:
    with xlsxwriter.Workbook(path) as book:
        page = book.add_worksheet()
        page.write_row(0, 0, ["Name", "Amount"])
        page.write_row(1, 0, ["a", 1.5])
    return path


def sheet_xml(path: Path, data: str, *, prolog: str = "") -> Path:
    """A workbook whose one sheet holds exactly `data`."""
    good(path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    namespace = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    sheet = f'{prolog}<worksheet xmlns="{namespace}"><sheetData>{data}</sheetData></worksheet>'
    members["xl/worksheets/sheet1.xml"] = sheet.encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def crash() -> None:
    os.abort()


def hoard() -> int:
    return len(bytearray(8 * 1024**3))


def spin() -> None:
    while True:
        pass


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """One reading process for all that ends none."""
    with Sandbox(seconds=60, memory_mb=1024) as sandbox:
        yield sandbox


def test_rows_come_back_from_the_child(sandbox: Sandbox, tmp_path: Path) -> None:
    reading = sandbox.read(good(tmp_path / "0f3a"), [LINES], display_name="lines/Lines.xlsx")
    assert (reading.verdict, str(reading.file)) == ("accepted", "lines/Lines.xlsx")
    assert reading.rows is not None
    assert reading.rows.to_pylist() == [{"name": "a", "amount": 1.5, "_sheet": "Sheet1", "_row": 2}]


class PlaceRow(Row):
    """A line that names something known."""

    name: Code = column("Name", description="name", references="acme_names.name")
    amount: Number = column("Amount", description="amount")


PLACES = Workbook(rows=PlaceRow, path="**", owner="a@example.org")


def test_what_a_file_may_refer_to_is_asked_once_it_is_known_what_it_is(sandbox: Sandbox, tmp_path: Path) -> None:
    asked: list[str] = []

    def look_up(workbook: str) -> dict[str, pyarrow.Array]:
        asked.append(workbook)
        return {"name": pyarrow.array(["b"])}

    reading = sandbox.read(good(tmp_path / "0f3a"), [PLACES], display_name="Places.xlsx", look_up=look_up)
    assert asked == [PLACES.full_name]
    assert [(one.cell, one.rule) for one in reading.findings] == [("A2", "references")]
    sandbox.read(good(tmp_path / "0f3b"), [LINES], look_up=look_up)
    assert asked == [PLACES.full_name], "nothing is asked for a contract that refers to nothing"


def test_a_question_after_what_was_not_offered_is_refused(sandbox: Sandbox, tmp_path: Path) -> None:
    reading = sandbox.read(good(tmp_path / "0f3a"), [PLACES], look_up=dict[str, Any]().__getitem__)
    assert reading.error is not None
    assert "what no reader says" in reading.error


@pytest.mark.parametrize("deed", [crash, hoard, spin])
def test_a_child_that_dies_is_replaced_for_the_next_file(tmp_path: Path, deed: object) -> None:
    with Sandbox(seconds=1.5, memory_mb=512) as sandbox:
        with pytest.raises(ReadingProcessDied):
            sandbox.run(deed)  # type: ignore[arg-type]
        assert sandbox.read(good(tmp_path / "a.xlsx"), [LINES]).verdict == "accepted"


def sleep() -> None:
    time.sleep(60)


def work_beside_others(seconds: float) -> float:
    """Works for a third of `seconds`, in which more passes by the clock, as on a busy machine."""
    begun, spent = time.monotonic(), time.process_time() + seconds / 3
    while time.process_time() < spent or time.monotonic() < begun + seconds:
        time.sleep(seconds / 20)
        sum(range(1_000_000))
    return time.monotonic() - begun


def test_work_within_its_bound_is_done_however_long_it_takes_by_the_clock() -> None:
    with Sandbox(seconds=1, memory_mb=512) as sandbox:
        for _ in range(2):
            assert sandbox.run(work_beside_others, 1.2) > 1


@pytest.mark.parametrize(
    ("deed", "seconds", "wait_seconds", "said"),
    [
        (spin, 0.3, 600, "0.3 CPU seconds; split it, or ask for a larger bound (S2P_FILE_SECONDS)"),
        (sleep, 600, 0.5, "0.5 seconds by the clock; drop it again, or ask for help (S2P_FILE_WAIT_SECONDS)"),
    ],
)
def test_the_bound_that_was_met_is_named_with_its_setting(
    deed: Callable[[], None], seconds: float, wait_seconds: float, said: str
) -> None:
    bounded = Sandbox(memory_mb=512, seconds=seconds, wait_seconds=wait_seconds)
    with bounded as sandbox, pytest.raises(ReadingProcessDied) as died:
        sandbox.run(deed)
    assert said in str(died.value)


def test_many_files_are_answered_in_order_from_any_thread(tmp_path: Path) -> None:
    paths = [good(tmp_path / f"{number}.xlsx") for number in range(6)]
    paths[2].write_bytes(b"no workbook\0\1\2")
    verdicts: list[list[str]] = []
    with Sandbox(seconds=60, memory_mb=1024, workers=2) as sandbox:

        def read() -> None:
            readings = sandbox.read_many((path, [LINES], None) for path in paths)
            verdicts.append([f"{reading.file.name} {reading.verdict}" for reading in readings])

        threads = [threading.Thread(target=read) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    wanted = [f"{number}.xlsx {'returned' if number == 2 else 'accepted'}" for number in range(6)]
    assert verdicts == [wanted, wanted]


def test_hostile_workbooks_end_in_a_verdict(sandbox: Sandbox, tmp_path: Path) -> None:
    corner = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>2</v></c></row>'
    entity = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">]>'
    far = '<row r="9999999"><c r="A9999999"><v>1</v></c></row>'
    bomb = tmp_path / "bomb.xlsx"
    sheet_xml(bomb, "<row>" + " " * 60_000_000 + "</row>")
    paths = [
        sheet_xml(tmp_path / "corner.xlsx", corner),
        sheet_xml(tmp_path / "entity.xlsx", "", prolog=entity),
        sheet_xml(tmp_path / "far.xlsx", far),
        bomb,
    ]
    readings = list(sandbox.read_many((path, [LINES], None) for path in paths))
    assert [reading.verdict for reading in readings] == ["returned"] * 4
    assert readings[0].error is None
    assert "entities" in str(readings[1].error)
    assert "beyond the last row" in str(readings[2].error)
    assert "100 times" in str(readings[3].error)


def test_a_flipped_byte_is_noticed(sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with zipfile.ZipFile(good(path)) as archive:
        start = archive.getinfo("xl/worksheets/sheet1.xml").header_offset + 80
    content = bytearray(path.read_bytes())
    content[start] ^= 0x10
    path.write_bytes(content)
    assert "damaged" in str(sandbox.read(path, [LINES]).error)


def test_a_file_that_is_gone_is_said(sandbox: Sandbox, tmp_path: Path) -> None:
    assert "gone" in str(sandbox.read(tmp_path / "a.xlsx", [LINES]).error)


@pytest.mark.skipif(not ODD_FILES.exists(), reason="the odd files are not here")
def test_every_odd_file_ends_in_a_verdict(sandbox: Sandbox) -> None:
    paths = sorted(path for path in ODD_FILES.rglob("*") if path.suffix in SUFFIXES)
    readings = list(sandbox.read_many((path, [LINES], None) for path in paths))
    assert [reading.file for reading in readings] == paths
    for reading in readings:
        assert reading.rows_read == reading.rows_accepted + reading.rows_returned
        assert reading.error is None or "\n" not in reading.error
        assert reading.error or reading.findings or reading.verdict == "accepted"


def test_a_contract_that_cannot_be_imported_is_the_callers_mistake(sandbox: Sandbox, tmp_path: Path) -> None:
    stray = type("Stray", (LineRow,), {"__module__": "nowhere_at_all"})
    with pytest.raises((RuntimeError, AttributeError, ModuleNotFoundError, pickle.PicklingError)):
        sandbox.read(good(tmp_path / "a.xlsx"), [Workbook(rows=stray, path="*", owner="a@example.org")])
    assert sandbox.read(good(tmp_path / "a.xlsx"), [LINES]).verdict == "accepted"
