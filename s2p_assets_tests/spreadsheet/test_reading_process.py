"""Promises of a reading process that is forked: nothing of its parent's stays with it, and it ends as others do."""

import contextlib
import json
import logging
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from s2p_assets.contracts.columns import Code, Row, column
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.spreadsheet.sandbox import ReadingProcessDied, Sandbox, keep_reader_ready, spare_reader_ended
from s2p_assets_tests.spreadsheet.test_sandbox import crash, hoard, sleep, spin

MODULE = "s2p_assets_tests.spreadsheet.test_reading_process"


class NameRow(Row):
    """One name."""

    name: Code = column("Name", description="name")


NAMES = Workbook(rows=NameRow, path="**", owner="a@example.org")


BEFORE_FORKING: list[str] = []


def looked_at() -> dict[str, Any]:
    """In the child: what it has. It may not look into `/proc`."""
    logging.getLogger("anybody").error("said in the child")
    held = []
    for place in range(3, 256):
        with contextlib.suppress(OSError):
            held.append("pipe" if stat.S_ISFIFO(os.fstat(place).st_mode) else "another")
    return {
        "open": held,
        "group": os.getpgid(0) == os.getpid(),
        "on_term": signal.getsignal(signal.SIGTERM) == signal.SIG_DFL,
        "is_forked": bool(BEFORE_FORKING),
    }


def end_of(deed: Any, **bounds: Any) -> str:
    with Sandbox(**{"memory_mb": 512, "seconds": 60, **bounds}) as sandbox, pytest.raises(ReadingProcessDied) as died:
        sandbox.run(deed)
    return str(died.value)


def forking(folder: Path) -> None:
    """A program with one thread, a file, a socket, a logger and a handler of signals, which reads a workbook."""
    import pyarrow.compute  # noqa: F401  so that it loads what reading needs, before it forks

    BEFORE_FORKING.append("known to who is forked alone")
    with xlsxwriter.Workbook(folder / "names.xlsx") as book:
        book.add_worksheet().write_column(0, 0, ["Name", "a"])
    said: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: said.append(record.getMessage())  # type: ignore[method-assign]
    logging.getLogger("anybody").addHandler(handler)
    signal.signal(signal.SIGTERM, lambda *_: None)
    with (folder / "held").open("w") as held, socket.socket() as connection:
        connection.bind(("127.0.0.1", 0))
        held.write("not to be written twice")
        keep_reader_ready()
        with spare_reader_ended(), Sandbox(memory_mb=512) as sandbox:
            found = sandbox.run(looked_at)
            found["rows"] = sandbox.read(folder / "names.xlsx", [NAMES]).rows_accepted
            waiting = threading.Thread(target=time.sleep, args=(0.5,))
            waiting.start()
            with Sandbox(memory_mb=512) as beside_a_thread:
                found["is_forked_beside_a_thread"] = beside_a_thread.run(looked_at)["is_forked"]
            waiting.join()
        found["ends"] = [end_of(crash), end_of(hoard), end_of(spin, seconds=0.3), end_of(sleep, wait_seconds=0.3)]
    found["said"] = said
    found["held"] = (folder / "held").read_text()
    print(json.dumps(found))


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("forking")
    program = f"from pathlib import Path; from {MODULE} import forking; forking(Path({str(folder)!r}))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=240, check=False)
    assert not done.returncode, done.stderr[-2000:]
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_a_process_with_one_thread_forks_its_reader(found: dict[str, Any]) -> None:
    assert found["is_forked"]
    assert found["rows"] == 1


def test_a_process_with_several_threads_starts_its_reader(found: dict[str, Any]) -> None:
    assert not found["is_forked_beside_a_thread"]


def test_a_forked_reader_keeps_nothing_of_its_parents(found: dict[str, Any]) -> None:
    assert found["open"] == ["pipe", "pipe"]  # for requests and for answers
    assert found["said"] == []
    assert found["held"] == "not to be written twice"
    assert found["group"]
    assert found["on_term"]


def test_a_forked_reader_ends_within_the_same_bounds(found: dict[str, Any]) -> None:
    crashed, hoarded, spun, slept = found["ends"]
    assert "stops its reader" in crashed
    assert "more memory" in hoarded
    assert "S2P_FILE_SECONDS" in spun
    assert "S2P_FILE_WAIT_SECONDS" in slept
