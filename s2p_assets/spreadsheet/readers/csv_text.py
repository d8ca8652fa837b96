"""Reading `.csv` and `.tsv`: which record stands in which row.

Every cell is a text here; what it means is decided elsewhere, the delimiter in `csv_delimiter.py`, the encoding in
`text_encoding.py`.
"""

import csv
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.compute as pc

from s2p_assets.spreadsheet.grid import CellKind, Cells, Sheet, SheetWriter
from s2p_assets.spreadsheet.limits import MAX_CELLS, MAX_CSV_BYTES, WorkbookUnreadable
from s2p_assets.spreadsheet.readers.csv_delimiter import detect_delimiter
from s2p_assets.spreadsheet.readers.text_encoding import text_encoding

_ROWS_AT_ONCE = 50_000
_SAMPLE = 256 * 1024
_BROKEN = "the text breaks off or is damaged, perhaps because its copy was not finished; copy or save it again"


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
        self._quotes = 0
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
        writer = SheetWriter()
        count = 0
        last: list[str] = []
        self._quotes = 0
        csv.field_size_limit(16 * 1024**2)
        with self._path.open(encoding=self.encoding, newline="") as file:
            records = csv.reader(self._counted(file), delimiter=self.delimiter)
            first = 1
            try:
                while held := list(islice(records, _ROWS_AT_ONCE)):
                    count += sum(map(len, held))
                    if count > MAX_CELLS:
                        raise WorkbookUnreadable(f"the file has more than {MAX_CELLS:,} cells; split it")
                    _write(writer, held, first)
                    first += len(held)
                    last = held[-1]
            except UnicodeDecodeError as error:
                raise WorkbookUnreadable(_BROKEN) from error
            except csv.Error as error:
                raise WorkbookUnreadable(
                    f"the quotes do not match from row {first + records.line_num - 1} on; save the file again"
                ) from error
        if self._quotes % 2 and any("\n" in text for text in last):
            raise WorkbookUnreadable(f"a quotation mark opened in row {first - 1} is never closed; correct it")
        yield Sheet(self._name, columns=writer.columns(), typed=False, semicolons=self.delimiter == ";")

    def _counted(self, lines: Iterable[str]) -> Iterator[str]:
        for line in lines:
            self._quotes += line.count('"')
            yield line


def _write(writer: SheetWriter, records: list[list[str]], first_row: int) -> None:
    width = max(map(len, records), default=0)
    for column in range(width):
        values = [record[column] if column < len(record) else "" for record in records]
        texts = pyarrow.array(values, pyarrow.string())
        if pc.any(pc.match_substring(texts, "\0")).as_py():
            raise WorkbookUnreadable("the file holds zero bytes, its copy was not finished; copy it again")
        rows = np.arange(first_row, first_row + len(records), dtype=np.int32)
        kinds = np.full(len(records), CellKind.TEXT, np.int8)
        writer.add(np.full(len(records), column + 1, np.int32), Cells(rows, kinds, texts))
