"""The promises of the archive of original bytes."""

import hashlib
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from s2p_assets.warehouse.files.archive import FileForbidden, FileGone, FileStillChanging, archive_file


@pytest.fixture
def workbook(tmp_path: Path) -> Path:
    path = tmp_path / "Prices März.XLSX"
    path.write_bytes(os.urandom(3_000_000))
    return path


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_the_bytes_are_kept_under_their_hash_and_the_file_is_left_alone(workbook: Path, tmp_path: Path) -> None:
    before = workbook.stat()
    kept = archive_file(workbook, tmp_path / "archive")
    sha256 = hashlib.sha256(workbook.read_bytes()).hexdigest()
    assert (kept.sha256, kept.size, kept.mtime_ns) == (sha256, 3_000_000, before.st_mtime_ns)
    assert kept.stored == tmp_path / "archive" / sha256[:2] / f"{sha256}.xlsx"
    assert kept.stored.read_bytes() == workbook.read_bytes()
    assert workbook.stat().st_mtime_ns == before.st_mtime_ns


def test_the_same_bytes_are_kept_once(workbook: Path, tmp_path: Path) -> None:
    first = archive_file(workbook, tmp_path / "archive")
    number = first.stored.stat().st_ino
    workbook.rename(tmp_path / "other name.xlsx")
    assert archive_file(tmp_path / "other name.xlsx", tmp_path / "archive").stored == first.stored
    assert first.stored.stat().st_ino == number
    assert _files(tmp_path / "archive") == [first.stored]


def test_a_damaged_copy_is_made_anew(workbook: Path, tmp_path: Path) -> None:
    stored = archive_file(workbook, tmp_path / "archive").stored
    stored.chmod(0o644)
    stored.write_bytes(b"half")
    assert archive_file(workbook, tmp_path / "archive").stored.read_bytes() == workbook.read_bytes()


def test_a_file_that_is_being_written_is_left_for_later(workbook: Path, tmp_path: Path) -> None:
    done = threading.Event()

    def write() -> None:
        with workbook.open("ab") as file:
            while not done.is_set():
                file.write(b"more")
                file.flush()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        with pytest.raises(FileStillChanging, match=r"Prices März\.XLSX: still being written"):
            [archive_file(workbook, tmp_path / "archive") for _ in range(20)]
    finally:
        done.set()
        writer.join()


def test_what_is_gone_or_no_plain_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileGone):
        archive_file(tmp_path / "never.xlsx", tmp_path / "archive")
    (tmp_path / "real.xlsx").write_bytes(b"x")
    (tmp_path / "link.xlsx").symlink_to(tmp_path / "real.xlsx")
    (tmp_path / "folder.xlsx").mkdir()
    os.mkfifo(tmp_path / "pipe.xlsx")
    for name in ("link.xlsx", "folder.xlsx", "pipe.xlsx"):
        with pytest.raises(FileForbidden, match=name):
            archive_file(tmp_path / name, tmp_path / "archive")


def test_a_full_disk_is_told_and_leaves_no_half_file(workbook: Path, tmp_path: Path) -> None:
    code = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "from s2p_assets.warehouse.files.archive import archive_file\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))\n"
        "archive_file(Path(sys.argv[1]), Path(sys.argv[2]))\n"
    )
    command = [sys.executable, "-c", code, str(workbook), str(tmp_path / "archive")]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "DiskFull" in ran.stderr
    assert _files(tmp_path / "archive") == []


def test_a_copy_that_a_killed_process_left_half_is_removed(workbook: Path, tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    left = tmp_path / "archive" / "incoming" / f"{ended.pid}-abc"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    kept = archive_file(workbook, tmp_path / "archive")
    assert _files(tmp_path / "archive") == [kept.stored]
