"""A reading process that a file has taken over: what it reaches, and what its parent makes of what it says."""

import errno
import importlib
import os
import pickle
import shutil
import signal
import socket
import struct
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow
import pytest

from s2p_assets.contracts.findings import Finding, ReadResult
from s2p_assets.spreadsheet.child_answers import AnswerRefused, decode_answer, encode_answer
from s2p_assets.spreadsheet.confinement import is_confinable
from s2p_assets.spreadsheet.reading_desk import FileToRead, FileToWrite, checked_rows
from s2p_assets.spreadsheet.sandbox import ReadingProcessDied, Sandbox
from s2p_assets_tests.spreadsheet.test_sandbox import LINES, good

confined = pytest.mark.skipif(not is_confinable(), reason="this kernel knows no Landlock, or the machine is another")


def try_each(deeds: list[tuple[str, Any]]) -> dict[str, str]:
    """In the child: what came of each deed."""
    return {name: _outcome(name, argument) for name, argument in deeds}


def _outcome(name: str, argument: Any) -> str:
    try:
        done = DEEDS[name](argument)
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, str(error))
    return f"done: {done!r}"[:60]


def _connect(port: int) -> None:
    socket.create_connection(("127.0.0.1", port), timeout=2).close()


def _speak(path: str) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.connect(path)


def _change(path: str) -> None:
    with open(path, "r+b") as file:
        file.write(b"x")


DEEDS: dict[str, Callable[[Any], Any]] = {
    "read a secret": lambda path: Path(path).read_text(),
    "read another file of the company": lambda path: Path(path).read_bytes(),
    "list the folder of its input": os.listdir,
    "read who there is": lambda _: Path("/etc/passwd").read_text(),
    "read its parent's memory": lambda pid: os.close(os.open(f"/proc/{pid}/mem", os.O_RDONLY)),
    "read its parent's environment": lambda pid: Path(f"/proc/{pid}/environ").read_bytes(),
    "write beside": lambda path: Path(path).write_text("x"),
    "change its input": _change,
    "cut a file off": lambda path: os.truncate(path, 0),
    "change a mode": lambda path: os.chmod(path, 0o777),
    "link to a secret": lambda pair: os.symlink(*pair),
    "reach the network": _connect,
    "reach a socket": _speak,
    "start a program": lambda _: subprocess.run(["/bin/true"], check=True),
    "become a program": lambda _: os.execv("/bin/true", ["true"]),
    "end its parent": lambda pid: os.kill(pid, signal.SIGTERM),
}


@confined
@pytest.mark.parametrize("forked", [True, False], ids=["forked", "started"])
def test_a_child_that_was_taken_over_reaches_neither_network_nor_files_nor_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forked: bool
) -> None:
    secret, other, spool = tmp_path / ".env", tmp_path / "other.xlsx", tmp_path / "spool"
    secret.write_text("S2P_SMTP_PASSWORD=secret")
    spool.mkdir()
    (spool / "of another").write_text("rows")
    given = good(tmp_path / "given.xlsx")
    good(other)
    before = given.read_bytes()
    monkeypatch.setenv("S2P_SMTP_PASSWORD", "secret")
    path = str(tmp_path / "listening")
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as local:
        local.bind(path)
        local.listen()
        deeds = [
            ("read a secret", str(secret)),
            ("read another file of the company", str(other)),
            ("list the folder of its input", str(tmp_path)),
            ("read who there is", None),
            ("read its parent's memory", os.getpid()),
            ("read its parent's environment", os.getpid()),
            ("write beside", str(spool / "of another")),
            ("change its input", str(given)),
            ("cut a file off", str(given)),
            ("change a mode", str(secret)),
            ("link to a secret", (str(secret), str(spool / "link"))),
            ("reach the network", server.getsockname()[1]),
            ("reach a socket", path),
            ("start a program", None),
            ("become a program", None),
            ("end its parent", os.getpid()),
        ]
        assert {name for name, _ in deeds} == set(DEEDS)
        with _beside_a_thread(not forked), Sandbox(seconds=30, memory_mb=1024, spool=spool) as sandbox:
            came_of_it = sandbox.run(try_each, deeds)
            assert {name: what for name, what in came_of_it.items() if what not in ("EPERM", "EACCES")} == {}
            assert sandbox.run(_own_environment) == []
            assert sandbox.run(_size_and_change, FileToRead(given)) == (len(before), "EACCES")
            assert sandbox.read(given, [LINES]).verdict == "accepted"
    assert given.read_bytes() == before
    assert secret.stat().st_mode & 0o777 != 0o777


class _beside_a_thread:  # noqa: N801
    """Where there is another thread, a child is not forked but started."""

    def __init__(self, wanted: bool) -> None:
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._ended.wait) if wanted else None

    def __enter__(self) -> None:
        if self._thread:
            self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._ended.set()


def _own_environment() -> list[str]:
    return [name for name in os.environ if "PASSWORD" in name]


def _size_and_change(path: Path) -> tuple[int, str]:
    return len(path.read_bytes()), _outcome("change its input", str(path))


@confined
def test_nothing_of_one_file_is_there_for_the_next(tmp_path: Path) -> None:
    with Sandbox(seconds=30, memory_mb=1024, spool=tmp_path) as sandbox:
        place = sandbox.run(_leave_behind, FileToWrite(tmp_path / "a"))
        assert sandbox.run(_seen_in, place) == []
    assert list(tmp_path.glob("s2p-reading-*")) == []


def test_a_child_whose_desk_was_tidied_away_is_replaced(tmp_path: Path) -> None:
    with Sandbox(spool=tmp_path) as sandbox:
        sandbox.run(str)
        (desk,) = tmp_path.glob("s2p-reading-*")
        shutil.rmtree(desk)
        assert sandbox.read(good(tmp_path / "given.xlsx"), [LINES]).error is None


def _leave_behind(path: Path) -> str:
    (path.parent / "kept").write_text("of one owner")
    return str(path.parent)


def _seen_in(place: str) -> list[str]:
    return os.listdir(place)


class Evil:
    def __reduce__(self) -> Any:
        return os.system, ("touch /tmp/s2p-was-here",)


def say(payload: bytes) -> None:
    """In the child: an answer of its own choice, at once."""
    for place in range(3, 64):  # wherever the answers go
        try:
            os.write(place, struct.pack(">Q", len(payload)) + payload)
        except OSError:
            continue
    os.write(1, b"")


def claim(length: int) -> None:
    for place in range(3, 64):
        try:
            os.write(place, struct.pack(">Q", length) + b"x" * 100)
        except OSError:
            continue


@pytest.mark.parametrize("said_in", ["a_package_of_contracts/__init__.py", "a_folder_of_contracts/said.py"])
def test_contracts_are_found_though_a_file_was_saved_beside_them_since_the_child_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said_in: str
) -> None:
    """The child may not list the folder that they lie in, and what it knew of it is out of date then."""
    source = tmp_path / said_in
    source.parent.mkdir()
    source.write_text("def said() -> str:\n    return __name__\n")
    monkeypatch.syspath_prepend(tmp_path)
    with Sandbox(packages=(source.parent.name,)) as sandbox:
        sandbox.run(str)
        (tmp_path / "saved since.xlsx").touch()
        name = said_in.replace("/__init__", "").removesuffix(".py").replace("/", ".")
        assert sandbox.run(importlib.import_module(name).said) == name


def test_whatever_a_child_says_is_data_and_never_run(tmp_path: Path) -> None:
    mark = Path("/tmp/s2p-was-here")
    mark.unlink(missing_ok=True)
    with Sandbox(seconds=30, memory_mb=1024) as sandbox:
        for payload in (
            pickle.dumps((False, Evil())),
            b"{}",
            b'{"$":"os.system","of":["id"]}',
            b"\xff",
            b"[" * 100_000,
        ):
            with pytest.raises(ReadingProcessDied, match="what no reader says"):
                sandbox.run(say, payload)
        with pytest.raises(ReadingProcessDied, match="what no reader says"):
            sandbox.run(claim, 1 << 60)
        assert sandbox.read(good(tmp_path / "a.xlsx"), [LINES]).verdict == "accepted"
    assert not mark.exists()


def test_what_an_honest_child_says_comes_back_as_it_was() -> None:
    finding = Finding("März", "C5", "price", "n/a", "type", "'n/a' is not a price")
    reading = ReadResult(Path("a/b.xlsx"), "retail_prices", "März", "partly", 3, 2, 1, [finding])
    reading.headers, reading.column_letters = {"März": ["Ärtikel"]}, {"März": {"price": {"x": "C"}}}
    assert decode_answer(encode_answer((False, reading))) == (False, reading)
    with pytest.raises(TypeError):
        encode_answer((False, object()))


@pytest.mark.parametrize(
    "change",
    [
        {"verdict": "wonderful"},
        {"rows_read": -1},
        {"rows_read": True},
        {"findings": ["none"]},
        {"error": 5},
        {"file": "not a path"},
        {"rows": []},
    ],
    ids=str,
)
def test_a_result_of_other_types_is_refused(change: dict[str, Any]) -> None:
    reading = ReadResult(Path("a.xlsx"))
    for name, value in change.items():
        setattr(reading, name, value)
    with pytest.raises(AnswerRefused):
        decode_answer(encode_answer(reading))


def test_rows_whose_offsets_lead_elsewhere_are_refused(tmp_path: Path) -> None:
    offsets = pyarrow.array([0, 1 << 30, 1], pyarrow.int32()).buffers()[1]
    text = pyarrow.Array.from_buffers(pyarrow.string(), 2, [None, offsets, pyarrow.py_buffer(b"x")])
    file = tmp_path / "rows.arrow"
    with pyarrow.OSFile(str(file), "wb") as sink, pyarrow.ipc.new_file(sink, pyarrow.schema([("a", "string")])) as out:
        out.write_batch(pyarrow.RecordBatch.from_arrays([text], ["a"]))
    with pytest.raises(AnswerRefused):
        checked_rows(file)


def test_a_file_that_is_none_is_not_taken(tmp_path: Path) -> None:
    with Sandbox(seconds=30, memory_mb=1024) as sandbox, pytest.raises((ReadingProcessDied, RuntimeError)):
        sandbox.run(_make_a_pipe, FileToWrite(tmp_path / "copy.xlsx"))
    assert not (tmp_path / "copy.xlsx").exists()


def _make_a_pipe(path: Path) -> None:
    os.mkfifo(path)
