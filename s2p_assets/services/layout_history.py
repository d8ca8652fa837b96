"""The deliveries of one kind of workbook in the order in which they were written, to tell layout drift between them.

What drift is, is decided in the spreadsheet room; this joins it with the ledger.
"""

import datetime as dt
from bisect import bisect_left, insort
from collections.abc import Sequence

import psycopg

from s2p_assets.contracts.findings import ReadResult
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.spreadsheet.layout_changes import FILES_COMPARED, EarlierFile, with_layout_changes
from s2p_assets.warehouse.files import summaries
from s2p_assets.warehouse.files.summaries import HeaderVersion


class LayoutHistory:
    """What the ledger knows of earlier layouts, and those of the files that are being taken now."""

    def __init__(self, connection: psycopg.Connection, workbook: Workbook, as_of_ns: Sequence[int]) -> None:
        """`as_of_ns`: when the files that are to be compared were written, Unix time in ns."""
        self._workbook = workbook
        self._known: list[HeaderVersion] = []  # oldest first
        if as_of_ns:
            oldest, newest = min(as_of_ns), max(as_of_ns)
            newest_first = summaries.header_versions(connection, workbook.full_name, oldest, newest, FILES_COMPARED)
            self._known = newest_first[::-1]

    def compare(self, reading: ReadResult, path: str, as_of_ns: int) -> None:
        """Add to the findings of `reading` what changed in its layout; when it is taken, later files know it."""
        if reading.workbook != self._workbook.full_name:
            return
        place = bisect_left(self._known, as_of_ns, key=_written)
        earlier = (_delivery(self._known[number]) for number in reversed(range(place)))
        reading.findings = with_layout_changes(reading.findings, reading.headers, earlier, self._workbook)
        if reading.verdict != "returned":
            insort(self._known, HeaderVersion(path, as_of_ns, reading.headers), key=_written)


def _written(known: HeaderVersion) -> int:
    return known.as_of_ns


def _delivery(known: HeaderVersion) -> EarlierFile:
    day = dt.datetime.fromtimestamp(known.as_of_ns / 1e9, dt.UTC).astimezone().date()
    return EarlierFile(known.path, day, known.headers)
