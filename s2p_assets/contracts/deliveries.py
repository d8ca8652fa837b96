"""The declaration of a domain's deliveries: every version of every file that s2p saw, with its verdict.

Nothing on a shelf declares it, as it is derived from the ledger and from no other table; every domain has one.
"""

from dataclasses import dataclass, field
from functools import cached_property

from s2p_assets.contracts.columns import Boolean, Code, Column, Integer, Row, Text, Timestamp, column, columns_of
from s2p_assets.contracts.lineage import LineageRule, LineageRules

_SAME_FILE = LineageRule("file = this.file")
DELIVERIES = "deliveries"
UNCLAIMED = "unclaimed"


_LOADED_ROWS, _REJECTED_CELLS = "s2p__loaded_sheets.rows", ("s2p__rejected_cells.value", "s2p__rejected_cells.message")


class FileDelivery(Row):
    """One version of a file that people put on the share, with its verdict."""

    file: Integer = column(description="Its number in the ledger; none for a file nobody claims", nullable=True)
    path: Text = column(description="Where on the share it lay; of a file that is missing, what it should hold")
    version: Integer = column(
        description="1 for the first bytes seen at that path, 2 for the next; 0 for a file nobody claims"
    )
    workbook: Text = column(description="The kind of workbook that it is; none for a file nobody claims", nullable=True)
    owner: Text = column(description="Who is told when it goes back", nullable=True)
    verdict: Text = column(
        description="accepted, partly, returned, held, duplicate, unclaimed, or missing: it should have come",
        derived_from=(_LOADED_ROWS, *_REJECTED_CELLS),
    )
    status: Text = column(description="current, replaced by newer bytes, gone from the share, forgotten, or expected")
    is_open: Boolean = column(
        description="Whether somebody has to act: it lies there returned, taken in part, held or unclaimed, "
        "or it is gone and rows of it still count"
    )
    rows_read: Integer = column(description="Rows found in it", ge=0, derived_from=(_LOADED_ROWS, *_REJECTED_CELLS))
    rows_accepted: Integer = column(description="Rows taken", ge=0, derived_from=_LOADED_ROWS)
    rows_returned: Integer = column(description="Rows sent back", ge=0, derived_from=_REJECTED_CELLS)
    rows_held: Integer = column(description="Good rows that are not loaded before somebody has decided", nullable=True)
    rows_left: Integer = column(
        description="Rows of a file that is gone which still count, as nobody decided otherwise", nullable=True
    )
    question: Text = column(description="Why it is held, in sentences", nullable=True)
    changes: Text = column(description="What it changed, or would change, in words", nullable=True)
    problems: Integer = column(
        description="Cells and files refused in it, at most 1000", ge=0, derived_from=_REJECTED_CELLS
    )
    problem: Text = column(description="The first of them, in words", nullable=True, derived_from=_REJECTED_CELLS)
    sent_to: Text = column(
        description="Whom a message about it reached, by the record of messages; none before one was sent",
        nullable=True,
    )
    sent_at: Timestamp = column(description="When the first of them was sent, UTC", nullable=True)
    saved_at: Timestamp = column(description="When it was written, UTC; none for a file nobody claims", nullable=True)
    seen_at: Timestamp = column(description="When s2p saw it first, UTC; none for a file nobody claims", nullable=True)
    sha256: Code = column(description="Fingerprint of its bytes", nullable=True)


@dataclass(frozen=True)
class DeliveryTable:
    """The table of deliveries of a domain, declared as tables are that are stored and traced."""

    domain: str
    workbooks: tuple[str, ...]
    name: str = DELIVERIES
    rows: type[Row] = FileDelivery
    key: tuple[str, ...] = ("path", "version")
    lineage: LineageRules = field(
        default_factory=lambda: dict.fromkeys(("s2p__loaded_sheets", "s2p__rejected_cells"), _SAME_FILE)
    )

    @property
    def full_name(self) -> str:
        return f"{self.domain}_{self.name}"

    @property
    def description(self) -> str:
        return (
            "Every version of every file that was put on the share for this domain: what was taken of it, what went "
            "back and to whom; and the files that no kind of workbook claims.\n\nMade from the ledger whenever files "
            "were taken, returned or taken away, also when nothing of them could be loaded."
        )

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        return columns_of(self.rows)
