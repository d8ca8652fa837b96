"""Opening a workbook of any kind: the right reader by what the file is, not by its suffix.

Reading it against a contract is done elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Protocol

from s2p_assets.spreadsheet.limits import DAMAGED, FileFormat, WorkbookUnreadable, detect_file_format

if TYPE_CHECKING:
    from s2p_assets.spreadsheet.grid import Sheet

SPREADSHEET_SUFFIXES = frozenset({".xlsx", ".xlsm", ".xlsb", ".xls", ".ods", ".csv", ".tsv", ".xltx", ".xltm"})
_EXPECTED: dict[str, FileFormat] = {
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
    ".xltx": "xlsx",
    ".xltm": "xlsx",
    ".xlsb": "xlsb",
    ".xls": "xls",
    ".ods": "ods",
    ".csv": "csv",
    ".tsv": "csv",
    ".htm": "html",
    ".html": "html",
    ".mht": "mhtml",
    ".mhtml": "mhtml",
    ".xml": "xml2003",
}
_IN_WORDS: dict[FileFormat, str] = {
    "csv": "a delimited text (CSV)",
    "html": "a web page (HTML)",
    "mhtml": "a web archive (MHTML)",
    "xml2003": "an XML spreadsheet of Excel 2003",
}


class Reader(Protocol):
    """What every format's reader offers."""

    def sheets(self) -> Iterator[Sheet]: ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class Book:
    """An open workbook. `mislabelled`: one line when the suffix says another kind than the bytes.

    `assumed_encoding`: what people call the encoding of a text file where neither its bytes nor a contract say it.
    """

    file_format: FileFormat
    reader: Reader
    mislabelled: str | None = None
    assumed_encoding: str | None = None

    def sheets(self) -> Iterator[Sheet]:
        """The sheets, one in memory at a time. Raises WorkbookUnreadable."""
        return self.reader.sheets()


@contextmanager
def open_book(
    path: Path, display_name: str | None = None, wanted: Sequence[str] = (), encoding: str | None = None
) -> Iterator[Book]:
    """The workbook at `path`; `display_name` is its name on the share, `wanted` the folded headers that may stand in
    it, `encoding` that of a text file as its contract states it.

    Raises WorkbookUnreadable with one line for the owner. Limits of time and memory are the sandbox's.
    """
    shown = PurePosixPath(display_name or path.name)
    file_format = detect_file_format(path)
    reader = _reader(file_format, path, shown.stem, wanted, encoding)
    found = getattr(reader, "text_encoding", None)
    assumed = found.label if found is not None and found.assumed else None
    try:
        yield Book(file_format, reader, _mislabelled(shown.suffix.lower(), file_format), assumed)
    finally:
        reader.close()


def read_sheets(
    path: Path, display_name: str | None = None, wanted: Sequence[str] = (), encoding: str | None = None
) -> list[Sheet]:
    """All sheets of a workbook, to be shown; the arguments as of `open_book`.

    Raises WorkbookUnreadable, also for whatever a damaged file provokes in a parser; what is raised by who shows them
    afterwards is therefore a fault of s2p's own.
    """
    try:
        with open_book(path, display_name, wanted, encoding) as book:
            return list(book.sheets())
    except (WorkbookUnreadable, OSError, MemoryError):
        raise
    except Exception as error:
        raise WorkbookUnreadable(DAMAGED) from error


def _reader(
    file_format: FileFormat, path: Path, name: str, wanted: Sequence[str], encoding: str | None = None
) -> Reader:
    if file_format == "xlsx":
        from s2p_assets.spreadsheet.readers.xlsx import XlsxBook

        return XlsxBook(path)
    if file_format == "csv":
        from s2p_assets.spreadsheet.readers.csv_text import CsvBook

        return CsvBook(path, name, wanted, encoding)
    if file_format == "ods":
        from s2p_assets.spreadsheet.readers.ods import OdsBook

        return OdsBook(path)
    if file_format in ("html", "mhtml"):
        from s2p_assets.spreadsheet.readers.web_pages import WebPageBook

        return WebPageBook(path, name, archive=file_format == "mhtml")
    if file_format == "xml2003":
        from s2p_assets.spreadsheet.readers.xml_2003 import Xml2003Book

        return Xml2003Book(path)
    if file_format == "xls":
        from s2p_assets.spreadsheet.readers.xls import open_xls

        return open_xls(path)
    from s2p_assets.spreadsheet.readers.binary_books import CalamineBook

    return CalamineBook(path, file_format)


def _mislabelled(suffix: str, file_format: FileFormat) -> str | None:
    expected = _EXPECTED.get(suffix)
    if expected is None or expected == file_format:
        return None
    kind = _IN_WORDS.get(file_format) or f"an .{file_format} workbook"
    return f"the file is named {suffix} but is {kind}; it was read as what it is"
