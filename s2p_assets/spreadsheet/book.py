"""Opening a workbook of any kind: the right reader by what the file is, not by its suffix.

Reading it against a contract is done elsewhere.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

from s2p_assets.spreadsheet.grid import Sheet
from s2p_assets.spreadsheet.limits import Container, container_of

SUFFIXES = frozenset({".xlsx", ".xlsm", ".xlsb", ".xls", ".ods", ".csv", ".tsv", ".xltx", ".xltm"})
_EXPECTED: dict[str, Container] = {
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
    ".xltx": "xlsx",
    ".xltm": "xlsx",
    ".xlsb": "xlsb",
    ".xls": "xls",
    ".ods": "ods",
    ".csv": "csv",
    ".tsv": "csv",
}


class Reader(Protocol):
    """What every format's reader offers."""

    def sheets(self) -> Iterator[Sheet]: ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class Book:
    """An open workbook. `mislabelled`: one line when the suffix says another kind than the bytes."""

    container: Container
    reader: Reader
    mislabelled: str | None = None

    def sheets(self) -> Iterator[Sheet]:
        """The sheets, one in memory at a time. Raises WorkbookUnreadable."""
        return self.reader.sheets()


@contextmanager
def open_book(path: Path, shown_as: str | None = None, wanted: Sequence[str] = ()) -> Iterator[Book]:
    """The workbook at `path`; `shown_as` is its name on the share, `wanted` the folded headers that may stand in it.

    Raises WorkbookUnreadable with one line for the owner. Limits of time and memory are the sandbox's.
    """
    shown = PurePosixPath(shown_as or path.name)
    container = container_of(path)
    reader = _reader(container, path, shown.stem, wanted)
    try:
        yield Book(container, reader, _mislabelled(shown.suffix.lower(), container))
    finally:
        reader.close()


def _reader(container: Container, path: Path, name: str, wanted: Sequence[str]) -> Reader:
    if container == "xlsx":
        from s2p_assets.spreadsheet.readers.xlsx import XlsxBook

        return XlsxBook(path)
    if container == "csv":
        from s2p_assets.spreadsheet.readers.csv_text import CsvBook

        return CsvBook(path, name, wanted)
    if container == "ods":
        from s2p_assets.spreadsheet.readers.ods import OdsBook

        return OdsBook(path)
    from s2p_assets.spreadsheet.readers.binary_books import CalamineBook

    return CalamineBook(path, container)


def _mislabelled(suffix: str, container: Container) -> str | None:
    expected = _EXPECTED.get(suffix)
    if expected is None or expected == container:
        return None
    kind = "a delimited text (CSV)" if container == "csv" else f"an .{container} workbook"
    return f"the file is named {suffix} but is {kind}; it was read as what it is"
