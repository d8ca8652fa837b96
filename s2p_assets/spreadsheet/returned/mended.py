"""A copy of a file in which cells have other values, as a person typed them; everything else of it stays.

Whether the new values are right is told by reading the copy. Texts are mended here, record by record; what an .xlsx
needs is in `mended_xlsx.py`.
"""

import csv
import re
import struct
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from s2p_assets.spreadsheet.grid import CellPosition, cell_address, parse_cell_address
from s2p_assets.spreadsheet.limits import WorkbookUnreadable, detect_file_format
from s2p_assets.spreadsheet.returned.sheet_xml import UnmarkableError

MENDABLE = ("xlsx", "csv")
NOT_HERE = "this kind of file cannot be mended here; correct it in the program that wrote it, or save it as .xlsx"
_UNWRITABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


class UnmendableError(Exception):
    """What cannot be mended here; one line that says why and what to do."""


@dataclass(frozen=True, slots=True)
class MendedCell:
    """A cell and what it is to hold; nothing, for no text. `is_number`: whether the text is a number's digits."""

    sheet: str
    cell: str
    text: str
    is_number: bool = False

    @property
    def place(self) -> CellPosition:
        """Raises UnmendableError for what is no cell."""
        found = parse_cell_address(self.cell)
        if found is None or cell_address(*found) != self.cell:
            raise UnmendableError(f"{self.cell[:20]!r} is no cell")
        return found


@dataclass(frozen=True, slots=True)
class MendRequest:
    """The cells of a file that are to be other.

    `read_columns`: sheet → the letters of the columns that are read from it: a value there that is calculated from a
    mended cell would stay as it was, for only the program that wrote the file calculates. `encoding`: of a text file,
    where its contract states it; `wanted`: folded headers, by which its delimiter is told.
    """

    display_name: str
    cells: Sequence[MendedCell]
    read_columns: Mapping[str, Sequence[str]]
    encoding: str | None = None
    wanted: Sequence[str] = ()


def write_mended(asked: MendRequest, original: Path, target: Path) -> str | None:
    """Write the mended copy of `original` to `target`; what is said is why it cannot be, None when it was done."""
    try:
        if any(_UNWRITABLE.search(one.text) for one in asked.cells):
            raise UnmendableError("a value holds a mark that no workbook can hold; type it anew")
        found = detect_file_format(original)
        if found not in MENDABLE:
            raise UnmendableError(NOT_HERE)
        if found == "xlsx":
            from s2p_assets.spreadsheet.returned.mended_xlsx import mend_package  # lxml, for the process that mends

            mend_package(asked, original, target)
        else:
            _mend_text(asked, original, target)
    except UnmendableError as error:
        return str(error)
    except (
        *(WorkbookUnreadable, UnmarkableError, SyntaxError, zipfile.BadZipFile),  # lxml's is a SyntaxError
        *(csv.Error, KeyError, ValueError, struct.error),
    ) as error:
        return f"the file is not in such order that it can be mended here ({error}); mend it in the program it is from"
    return None


def _mend_text(asked: MendRequest, original: Path, target: Path) -> None:
    from s2p_assets.spreadsheet.readers.csv_text import CsvBook

    book = CsvBook(original, Path(asked.display_name).stem, asked.wanted, asked.encoding)
    csv.field_size_limit(16 * 1024**2)
    with original.open(encoding=book.encoding, newline="") as file:
        records = list(csv.reader(file, delimiter=book.delimiter))
        file.seek(0)
        ends = "\r\n" if "\r\n" in file.read(100_000) else "\n"
    for one in asked.cells:
        row, column = one.place
        if row > len(records):
            raise UnmendableError(f"the file has no row {row}")
        record = records[row - 1]
        record += [""] * (column - len(record))
        record[column - 1] = one.text
    try:
        with target.open("w", encoding=book.encoding, newline="") as file:
            csv.writer(file, delimiter=book.delimiter, lineterminator=ends).writerows(records)
    except UnicodeEncodeError as error:
        letter, name = error.object[error.start], book.encoding
        raise UnmendableError(
            f"{letter!r} is no letter of this file's encoding ({name}); write it otherwise"
        ) from error
