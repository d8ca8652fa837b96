"""Views of the ledger within a file: the sheets of which rows were loaded, and the cells that were rejected.

They let a trace go on from a file to its cells. Whole files are in `deliveries.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from s2p_assets.columns import Column, Row, Text, Whole, code, columns_of, text, whole
from s2p_assets.shelves import UnderEach

LEDGER = "s2p"


class Taken(Row):
    """A sheet of a file, of which rows were loaded."""

    file: Whole = whole(says="The file's number in the ledger")
    sheet: Text = text(says="The sheet")
    rows: Whole = whole(says="Rows that were loaded of it", ge=0)


class Refused(Row):
    """A cell that was rejected, or a file that could not be read at all."""

    file: Whole = whole(says="The file's number in the ledger")
    place: Whole = whole(says="1 for the first finding in the file; 0 says why it could not be read")
    sheet: Text = text(says="The sheet", optional=True)
    cell: Text = code(says="The cell's address; none where a whole column is missing", optional=True)
    value: Text = text(says="What stands in it", optional=True)
    message: Text = text(says="What is wrong with it")


@dataclass(frozen=True)
class LedgerView:
    """A view of `s2p.files`, declared as stored tables are that are traced; it is the same at every moment."""

    thing: str
    rows: type[Row]
    key: tuple[str, ...]
    domain: str = LEDGER
    under: UnderEach = field(default_factory=dict)

    @property
    def says(self) -> str:
        return str(self.rows.__doc__)

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        return columns_of(self.rows)


TAKEN = LedgerView("taken", Taken, ("file", "sheet"))
REFUSED = LedgerView("refused", Refused, ("file", "place"))
LEDGER_VIEWS: Mapping[tuple[str, str], LedgerView] = {(view.domain, view.thing): view for view in (TAKEN, REFUSED)}
