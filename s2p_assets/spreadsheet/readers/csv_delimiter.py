"""Which mark parts the cells of a delimited text: by the headers that are looked for, else by how regular it makes it.

The text comes decoded; reading its cells belongs to `csv_text`.
"""

import csv
import io
import re
from collections.abc import Sequence
from itertools import islice

from s2p_assets.spreadsheet.header import folded

DELIMITERS = (",", ";", "\t", "|")
_RECORDS_SEARCHED = 50_000
_RECORDS_SCORED = 1_000
_DECLARED = re.compile(r"\s*\"?sep=(.)\"?\r?\n", re.IGNORECASE)
_NUMBER = re.compile(r"[-+(]?[€$£]?\s?\d[\d.,'\s]*[%€$£]?\)?")


def detect_delimiter(sample: str, wanted: Sequence[str] = ()) -> str:
    """The delimiter of a text that begins with `sample`; a comma where nothing speaks for another.

    What Excel's `sep=;` line declares; else the one under which most `wanted` headers stand in one record, two at
    least; else the one that makes the most regular table.
    """
    declared = _DECLARED.match(sample)
    if declared:
        return declared.group(1)
    if {mark for mark in DELIMITERS if mark in sample} <= {","}:
        return ","
    names = set(wanted)
    counts = {mark: _headers_found(sample, mark, names) for mark in DELIMITERS if mark in sample} if names else {}
    best = max(counts, key=lambda mark: counts[mark], default=",")
    if counts and counts[best] >= 2:
        return best
    return max(DELIMITERS, key=lambda mark: _regularity(sample, mark))


def _headers_found(sample: str, delimiter: str, names: set[str]) -> int:
    records = _records(sample, delimiter, _RECORDS_SEARCHED)
    found = {cell: name for cell in set().union(*records) if (name := folded(cell)) in names}
    headers = (record for record in records if not found.keys().isdisjoint(record)) if found else ()
    return max((len({found[cell] for cell in record if cell in found}) for record in headers), default=0)


def _records(sample: str, delimiter: str, count: int) -> list[list[str]]:
    reader = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter)
    try:
        return list(islice(reader, count))
    except csv.Error:
        return []


def _regularity(sample: str, delimiter: str) -> tuple[float, int, int]:
    """How regular a table the delimiter makes, to be compared with others: share, rows, columns.

    The share of records of the usual width from the first such record on, which passes over lines above the table,
    times the share of their cells that hold no other delimiter.
    """
    records = [record for record in _records(sample, delimiter, _RECORDS_SCORED) if record]
    if len(records) > 2:
        records = records[:-1]  # the sample may end within it
    widths = [len(record) for record in records]
    wide = sorted((width for width in widths if width > 1), reverse=True)
    usual = max(wide, key=wide.count, default=0)
    rows = widths.count(usual)
    if not wide or (rows == 1 and len(records) > 2):
        return 0.0, 0, 0
    cells = [cell for record in records if len(record) == usual for cell in record]
    whole = sum(_is_whole(cell, delimiter) for cell in cells) / len(cells)
    return rows / (len(widths) - widths.index(usual)) * whole, rows, usual


def _is_whole(cell: str, delimiter: str) -> bool:
    """Whether no other delimiter stands in the cell, but for the comma of a number or of a sentence."""
    text = cell.strip().replace(", ", " ")
    return _NUMBER.fullmatch(text) is not None or not any(mark in text for mark in DELIMITERS if mark != delimiter)
