"""Views of the ledger within a file: the sheets of which rows were loaded, and the cells that were rejected.

They let a trace go on from a file to its cells. Whole files are in `deliveries.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from s2p_assets.contracts.columns import Code, Column, Integer, Row, Text, column, columns_of
from s2p_assets.contracts.lineage import LineageRules

LEDGER_SCHEMA = "s2p"


class LoadedSheet(Row):
    """A sheet of a file, of which rows were loaded."""

    file: Integer = column(description="The file's number in the ledger")
    sheet: Text = column(description="The sheet")
    rows: Integer = column(description="Rows that were loaded of it", ge=0)


class RejectedCell(Row):
    """A cell that was rejected, or a file that could not be read at all."""

    file: Integer = column(description="The file's number in the ledger")
    finding_number: Integer = column(description="1 for the first finding in the file; 0 says why it could not be read")
    sheet: Text = column(description="The sheet", nullable=True)
    cell: Code = column(description="The cell's address; none where a whole column is missing", nullable=True)
    value: Text = column(description="What stands in it", nullable=True)
    message: Text = column(description="What is wrong with it")


@dataclass(frozen=True)
class LedgerView:
    """A view of `s2p.files`, declared as stored tables are that are traced; it is the same at every moment."""

    name: str
    rows: type[Row]
    key: tuple[str, ...]
    domain: str = LEDGER_SCHEMA
    lineage: LineageRules = field(default_factory=dict)

    @property
    def description(self) -> str:
        return str(self.rows.__doc__)

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        return columns_of(self.rows)


LOADED_SHEETS = LedgerView("loaded_sheets", LoadedSheet, ("file", "sheet"))
REJECTED_CELLS = LedgerView("rejected_cells", RejectedCell, ("file", "finding_number"))
LEDGER_VIEWS: Mapping[tuple[str, str], LedgerView] = {
    (view.domain, view.name): view for view in (LOADED_SHEETS, REJECTED_CELLS)
}
