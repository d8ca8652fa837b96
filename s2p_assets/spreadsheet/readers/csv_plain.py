"""Delimited texts without a quotation mark, all records as wide as the first, read by Arrow a batch at a time.

Most exports are such. Every other text is read record by record in `csv_text`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.csv

_BLOCK = 4 * 1024**2


def is_plain(path: Path) -> bool:
    """Whether the text is UTF-8 without a mark at its start, quotation marks, zero bytes, and lines ended by a lone CR.

    That its bytes are right is told by reading it.
    """
    with path.open("rb") as file:
        if file.read(3) == b"\xef\xbb\xbf":
            return False
        file.seek(0)
        ends_in_return = False
        while piece := file.read(_BLOCK):
            piece = b"\r" + piece if ends_in_return else piece
            if b'"' in piece or b"\0" in piece:
                return False
            ends_in_return = piece.endswith(b"\r")
            if piece.count(b"\r") != piece.count(b"\r\n") + ends_in_return:
                return False
    return not ends_in_return


def plain_records(path: Path, delimiter: str) -> Iterator[pyarrow.RecordBatch]:
    """The records in columns of texts, for a text that `is_plain`.

    Raises pyarrow.ArrowInvalid where records differ in width, a line is blank or a byte is wrong.
    """
    with pyarrow.csv.open_csv(path, *_options(delimiter, [])) as first:
        names = first.schema.names
    with pyarrow.csv.open_csv(path, *_options(delimiter, names)) as batches:
        yield from batches


def _options(delimiter: str, names: list[str]) -> tuple[Any, Any, Any]:
    return (
        pyarrow.csv.ReadOptions(use_threads=False, block_size=_BLOCK, autogenerate_column_names=True),
        pyarrow.csv.ParseOptions(delimiter=delimiter, quote_char=False, ignore_empty_lines=False),
        pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(names, pyarrow.string()), strings_can_be_null=False, null_values=[]
        ),
    )
