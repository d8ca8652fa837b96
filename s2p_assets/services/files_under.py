"""The files under a cell of a table that is made of others, each once.

What files and people say of a cell of a workbook is told in `entries/telling.py`.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from s2p_assets.catalog.catalog import Stored
from s2p_assets.services.context import Context
from s2p_assets.services.trace import trace_table
from s2p_assets.warehouse.trace.file_rows import FileRow
from s2p_assets.warehouse.trace.traced_rows import SourceRows

MOST_FOLLOWED = 12


def files_under_cell(ctx: Context, declared: Stored, where: Mapping[str, str], column: str) -> list[FileRow]:
    """The rows of files that a cell was made from, each once, the weightiest first. Raises NotTraceable."""
    found = trace_table(ctx, declared.full_name, where, (column,), most=MOST_FOLLOWED)
    known: dict[tuple[Any, ...], FileRow] = {}
    for file in _ends(found):
        known.setdefault((file.path, file.sheet, file.row), file)
    return list(known.values())[: MOST_FOLLOWED * 2]


def _ends(step: SourceRows) -> Iterator[FileRow]:
    for row in step.rows:
        if row.file:
            yield row.file
        for under in row.under:
            yield from _ends(under)
