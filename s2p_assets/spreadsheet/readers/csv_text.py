"""Reading `.csv` and `.tsv`: which record stands in which row.

Every cell is a text here; what it means is decided elsewhere, the delimiter in `csv_delimiter.py`, the encoding in
`text_encoding.py`.
"""

import csv
from collections.abc import Iterator, Sequence
from itertools import islice, zip_longest
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.compute as pc

from s2p_assets.spreadsheet.grid import CellKind, Cells, Sheet, SheetWriter
from s2p_assets.spreadsheet.limits import MAX_CELLS, MAX_CSV_BYTES, WorkbookUnreadable
from s2p_assets.spreadsheet.readers.csv_delimiter import detect_delimiter
from s2p_assets.spreadsheet.readers.csv_plain import is_plain, plain_records
from s2p_assets.spreadsheet.readers.text_encoding import text_encoding

_ROWS_AT_ONCE = 50_000
_SAMPLE = 256 * 1024
_BROKEN = "the text breaks off or is damaged, perhaps because its copy was not finished; copy or save it again"

_EQUALS = ord("=")
_TEXT_FOR_EXCEL = '^="([^"]*)"$'
"""How programs write `00123` so that Excel takes it for a text: `="00123"`."""


class CsvBook:
    """A delimited text as a book of one sheet, named like the file."""

    def __init__(self, path: Path, name: str, wanted: Sequence[str] = (), encoding: str | None = None) -> None:
        """`wanted`: header texts whose presence tells the delimiter; `encoding`: as the contract states it.

        Raises WorkbookUnreadable.
        """
        if path.stat().st_size > MAX_CSV_BYTES:
            raise WorkbookUnreadable("the file is larger than 2 GB; split it into smaller files")
        self._path = path
        self._name = name
        self.text_encoding = text_encoding(path, encoding)
        self.encoding = self.text_encoding.codec
        with path.open(encoding=self.encoding, newline="") as file:
            try:
                sample = file.read(_SAMPLE)
            except UnicodeDecodeError as error:
                raise WorkbookUnreadable(_BROKEN) from error
        if "\0" in sample:
            raise WorkbookUnreadable("the file holds zero bytes, its copy was not finished; copy it again")
        self.delimiter = detect_delimiter(sample, wanted)

    def close(self) -> None:
        """Nothing is held open."""

    def sheets(self) -> Iterator[Sheet]:
        """The one sheet; rows are numbered as Excel numbers the records. Raises WorkbookUnreadable."""
        plain = self._plain_columns()
        yield Sheet(
            self._name,
            columns=self._columns() if plain is None else plain,
            typed=False,
            semicolons=self.delimiter == ";",
        )

    def _plain_columns(self) -> dict[int, Cells] | None:
        """The cells of a text that needs no thought, None for every other."""
        if self.encoding not in ("utf-8", "ascii") or not is_plain(self._path):
            return None
        writer, count = SheetWriter(), 0
        try:
            for batch in plain_records(self._path, self.delimiter):
                _write_columns(writer, batch.columns, count + 1, batch.num_rows)
                count += batch.num_rows
                _check_size(count * batch.num_columns)
        except pyarrow.ArrowInvalid:
            return None
        return writer.columns()

    def _columns(self) -> dict[int, Cells]:
        """The cells of whatever text, record by record."""
        writer = SheetWriter()
        count = 0
        last: list[str] = []
        csv.field_size_limit(16 * 1024**2)
        with self._path.open(encoding=self.encoding, newline="") as file:
            records = csv.reader(file, delimiter=self.delimiter)
            first = 1
            try:
                while held := list(islice(records, _ROWS_AT_ONCE)):
                    count += sum(map(len, held))
                    _check_size(count)
                    _write(writer, held, first)
                    first += len(held)
                    last = held[-1]
            except UnicodeDecodeError as error:
                raise WorkbookUnreadable(_BROKEN) from error
            except csv.Error as error:
                raise WorkbookUnreadable(
                    f"the quotes do not match from row {first + records.line_num - 1} on; save the file again"
                ) from error
        if any("\n" in text for text in last) and self._quotes() % 2:
            raise WorkbookUnreadable(f"a quotation mark opened in row {first - 1} is never closed; correct it")
        return writer.columns()

    def _quotes(self) -> int:
        with self._path.open(encoding=self.encoding, newline="") as file:
            return sum(piece.count('"') for piece in iter(lambda: file.read(_SAMPLE), ""))


def _check_size(cells: int) -> None:
    if cells > MAX_CELLS:
        raise WorkbookUnreadable(f"the file has more than {MAX_CELLS:,} cells; split it")


def _write(writer: SheetWriter, records: list[list[str]], first_row: int) -> None:
    columns = [pyarrow.array(values, pyarrow.string()) for values in zip_longest(*records, fillvalue="")]
    if any(_hold_zero_bytes(texts) for texts in columns):
        raise WorkbookUnreadable("the file holds zero bytes, its copy was not finished; copy it again")
    columns = [_as_excel_shows(texts) for texts in columns]
    _write_columns(writer, columns, first_row, len(records))


def _as_excel_shows(texts: pyarrow.Array) -> pyarrow.Array:
    """The texts without what makes Excel take them for texts: `00123` for `="00123"`."""
    if (np.frombuffer(texts.buffers()[2] or b"", np.uint8) == _EQUALS).any():
        return pc.replace_substring_regex(texts, _TEXT_FOR_EXCEL, r"\1")
    return texts


def _hold_zero_bytes(texts: pyarrow.Array) -> bool:
    written = np.frombuffer(texts.buffers()[2] or b"", np.uint8)
    return not written.all() and bool(pc.any(pc.match_substring(texts, "\0")).as_py())


def _write_columns(writer: SheetWriter, columns: Sequence[pyarrow.Array], first_row: int, count: int) -> None:
    rows = np.arange(first_row, first_row + count, dtype=np.int32)
    kinds = np.full(count, CellKind.TEXT, np.int8)
    for number, texts in enumerate(columns, 1):
        writer.add_column(number, Cells(rows, kinds, texts))
