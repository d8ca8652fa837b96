"""Promises about files that cannot be read, or hardly: what is said is for the person who has to mend them."""

import os
import re
import struct
import zipfile
from pathlib import Path

import pyarrow
import pytest
import xlsxwriter

from s2p_assets.contracts.columns import Code, Number, Row, column
from s2p_assets.contracts.findings import ReadResult
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.spreadsheet.readers import csv_text
from s2p_assets.spreadsheet.reading import read_file
from s2p_assets.spreadsheet.sandbox import ReadingProcessDied, Sandbox

CODE_WORDS = re.compile(
    r"Error|Exception|Cfb|malloc|codepage|_rels|\.rels|\.xml|utf-|sector|4,?096|None|0x", re.IGNORECASE
)


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


def replaced(path: Path, member: str, content: bytes) -> Path:
    good(path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, held in (members | {member: content}).items():
            archive.writestr(name, held)
    return path


def plain(message: str | None) -> str:
    assert message
    assert not CODE_WORDS.search(message.replace(".xlsx", "")), message
    assert any(word in message for word in ("save", "copy", "open it", "split", "delete", "remove")), message
    return message


def spend() -> None:
    os.write(2, b"memory allocation of 123456 bytes failed\n")
    os.abort()


def hoard() -> int:
    return len(bytearray(64 * 1024**3))


@pytest.mark.parametrize("member", ["xl/workbook.xml", "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"])
def test_a_damaged_part_is_told_without_its_name(tmp_path: Path, member: str) -> None:
    path = replaced(tmp_path / "x.xlsx", member, b"<a><b>\xff\xfe</a>")
    plain(read_file(path, [LINES]).error)


def test_a_workbook_whose_directory_of_parts_is_damaged_is_read_all_the_same(tmp_path: Path) -> None:
    reading = read_file(replaced(tmp_path / "x.xlsx", "_rels/.rels", b"<a><b></a>"), [LINES])
    assert (reading.error, reading.verdict) == (None, "accepted")


def test_want_of_memory_is_told_by_what_a_clerk_can_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_memory(*_: object) -> None:
        raise pyarrow.ArrowMemoryError("malloc of size 8589934592 failed")

    monkeypatch.setattr(csv_text, "_write_columns", no_memory)
    (tmp_path / "x.csv").write_text("Name,Amount\na,1\n")
    assert "memory" in plain(read_file(tmp_path / "x.csv", [LINES]).error)


@pytest.mark.parametrize("waste", [spend, hoard])
def test_a_reading_process_that_dies_of_memory_says_so(waste: object) -> None:
    with Sandbox(memory_mb=512) as sandbox, pytest.raises(ReadingProcessDied) as died:
        sandbox.run(waste)  # type: ignore[arg-type]
    assert "memory" in plain(str(died.value))


def test_what_a_parser_trips_over_is_not_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def trip(*_: object) -> None:
        raise KeyError("Codepage D938 not found")

    monkeypatch.setattr(csv_text, "_write_columns", trip)
    (tmp_path / "x.csv").write_text("Name,Amount\na,1\n")
    plain(read_file(tmp_path / "x.csv", [LINES]).error)


# -- .xls as its records, [MS-XLS] -------------------------------------------------------------------------------------


def record(kind: int, body: bytes = b"") -> bytes:
    return struct.pack("<HH", kind, len(body)) + body


def bof(version: int, substream: int) -> bytes:
    return record(
        0x0809, struct.pack("<HHHHII", version, substream, 0x0DBB, 1996, 0, 6)[: 16 if version == 0x600 else 8]
    )


def text8(text: str) -> bytes:
    return struct.pack("<HB", len(text), 1) + text.encode("utf-16-le")


def biff8(texts: bytes, cells: list[bytes]) -> bytes:
    """A workbook of one sheet: `texts` is its string table as records."""
    head = bof(0x600, 5)
    sheet = bof(0x600, 0x10) + b"".join(cells) + record(0x0A)
    bound = struct.pack("<HBB", 0, 5, 0) + b"Lines"
    start = len(head) + 4 + 4 + len(bound) + len(texts) + 4
    return head + record(0x85, struct.pack("<I", start) + bound) + texts + record(0x0A) + sheet


def label(row: int, column: int, text: int) -> bytes:
    return record(0xFD, struct.pack("<HHHI", row, column, 0, text))


def number(row: int, column: int, value: float) -> bytes:
    return record(0x203, struct.pack("<HHHd", row, column, 0, value))


def continued(text: str, sizes: list[int]) -> bytes:
    """A string table of Name, Amount and `text`, which is cut over CONTINUE records of `sizes` characters."""
    table = struct.pack("<II", 3, 3) + text8("Name") + text8("Amount") + struct.pack("<HB", len(text), 1)
    parts, at = [], 0
    for size in sizes:
        parts.append(text[at : at + size].encode("utf-16-le"))
        at += size
    assert at == len(text)
    return record(0xFC, table + parts[0]) + b"".join(record(0x3C, b"\1" + part) for part in parts[1:])


def test_a_text_over_several_continue_records_is_read_whole(tmp_path: Path) -> None:
    text = "".join(chr(0x100 + place % 500) for place in range(12_000))
    cells = [label(0, 0, 0), label(0, 1, 1), label(1, 0, 2), number(1, 1, 5)]
    (tmp_path / "x.xls").write_bytes(biff8(continued(text, [4_000, 4_100, 3_900]), cells))
    reading = read_file(tmp_path / "x.xls", [LINES])
    assert reading.verdict == "accepted", (reading.error, reading.findings)
    assert reading.rows is not None
    assert reading.rows["name"].to_pylist() == [text]


def test_a_text_that_is_shorter_than_its_record_says_is_no_text(tmp_path: Path) -> None:
    table = record(
        0xFC, struct.pack("<II", 3, 3) + text8("Name") + text8("Amount") + struct.pack("<HB", 5_000, 1) + b"a\0"
    )
    cells = [label(0, 0, 0), label(0, 1, 1), label(1, 0, 2), number(1, 1, 5)]
    (tmp_path / "x.xls").write_bytes(biff8(table, cells))
    reading = read_file(tmp_path / "x.xls", [LINES])
    assert reading.rows is None
    plain(reading.error)


def biff5(codepage: int | None, name: bytes, fonts: bytes = b"") -> bytes:
    head = bof(0x500, 5) + (record(0x42, struct.pack("<H", codepage)) if codepage else b"") + fonts
    cells = [
        record(0x204, struct.pack("<HHHH", row, at, 0, len(text)) + text)
        for row, at, text in ((0, 0, b"Name"), (0, 1, b"Amount"), (1, 0, name))
    ]
    sheet = bof(0x500, 0x10) + b"".join(cells) + number(1, 1, 5) + record(0x0A)
    bound = struct.pack("<HB", 0, 5) + b"Lines"
    start = len(head) + 4 + 4 + len(bound) + 4
    return head + record(0x85, struct.pack("<I", start) + bound) + record(0x0A) + sheet


def font(charset: int) -> bytes:
    return record(0x31, struct.pack("<HHHHHBBBB", 200, 0, 8, 400, 0, 0, 0, charset, 0) + b"\5Arial")


@pytest.mark.parametrize(
    ("codepage", "encoding", "fonts", "name"),
    [
        (1251, "cp1251", b"", "Краска"),
        (1250, "cp1250", b"", "Łódź"),
        (932, "cp932", b"", "鉛筆"),
        (None, "cp1251", font(204), "Краска"),
        (None, "cp1252", font(0), "Müller"),
    ],
)
def test_a_workbook_of_excel_95_has_the_letters_of_its_code_page(
    tmp_path: Path, codepage: int | None, encoding: str, fonts: bytes, name: str
) -> None:
    (tmp_path / "x.xls").write_bytes(biff5(codepage, name.encode(encoding), fonts))
    assert names(read_file(tmp_path / "x.xls", [LINES])) == [name]


def names(reading: ReadResult) -> list[str]:
    assert reading.verdict == "accepted", (reading.error, reading.findings)
    assert reading.rows is not None
    return list(reading.rows["name"].to_pylist())


def test_a_code_page_that_nobody_knows_is_told_and_not_guessed(tmp_path: Path) -> None:
    (tmp_path / "x.xls").write_bytes(biff5(55_608, "Müller".encode("cp1252")))
    assert "is not known" in (read_file(tmp_path / "x.xls", [LINES]).error or "")


def older(version: int) -> bytes:
    """The same sheet as BIFF2, 3 or 4 writes it: one sheet, no container."""
    begin = {2: 0x0009, 3: 0x0209, 4: 0x0409}[version]
    shape = bytes(3) if version == 2 else struct.pack("<H", 0)
    text = 0x0004 if version == 2 else 0x0204
    size = "<B" if version == 2 else "<H"
    cells = [
        record(text, struct.pack("<HH", row, at) + shape + struct.pack(size, len(held)) + held)
        for row, at, held in ((0, 0, b"Name"), (0, 1, b"Amount"), (1, 0, b"M\xfcller"))
    ]
    amount = 0x0003 if version == 2 else 0x0203
    cells.append(record(amount, struct.pack("<HH", 1, 1) + shape + struct.pack("<d", 5)))
    start = struct.pack("<HHH", 0, 0x10, 0)[: 4 if version == 2 else 6]
    page = record(0x42, struct.pack("<H", 0x8001))
    return record(begin, start) + page + b"".join(cells) + record(0x0A)


@pytest.mark.parametrize("version", [2, 3, 4])
@pytest.mark.parametrize("name", ["x.xls", "x.csv", "x.xlsx"])
def test_a_workbook_from_before_1995_is_read_under_any_name(tmp_path: Path, version: int, name: str) -> None:
    (tmp_path / name).write_bytes(older(version))
    assert names(read_file(tmp_path / name, [LINES])) == ["Müller"]


@pytest.mark.parametrize(("body", "word"), [(b"\0\0\1\2\3\4", "XOR"), (b"\1\0\1\0\1\0" + bytes(48), "password")])
def test_an_encrypted_xls_is_called_so(tmp_path: Path, body: bytes, word: str) -> None:
    (tmp_path / "x.xls").write_bytes(bof(0x600, 5) + record(0x2F, body) + record(0x0A) + bytes(60))
    told = plain(read_file(tmp_path / "x.xls", [LINES]).error)
    assert word in told
    assert "remove the password" in told


@pytest.mark.parametrize("encoding", ["utf-32", "utf-32-le", "utf-32-be", "utf-16", "utf-16-le", "utf-16-be"])
def test_text_of_wide_characters_is_read(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "x.csv").write_bytes("Name;Amount\nMüller;5\nŁódź;6\n".encode(encoding))
    assert names(read_file(tmp_path / "x.csv", [LINES])) == ["Müller", "Łódź"]
