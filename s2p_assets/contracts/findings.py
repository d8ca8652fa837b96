"""What was found in a file: the verdict, and every finding with its cell.

Nothing here reads a file; this is the form in which the readers answer.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from s2p_assets.contracts.columns import Severity

if TYPE_CHECKING:
    import pyarrow

MAX_SAME_FINDINGS = 5_000
Verdict = Literal["accepted", "partly", "returned", "held"]

FINDINGS_SHEET = "s2p findings"
ROWS_SHEET = "returned rows"
GUIDE_SHEET = "How to fill this in"
ENTRY_SHEET = "s2p entry"
OWN_SHEETS = frozenset({FINDINGS_SHEET, GUIDE_SHEET, ENTRY_SHEET})
"""Sheets that s2p itself wrote into a copy, a template or an entry; they never hold a table."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong or worth knowing, at one place.

    `cell` is an A1 address, or None when the finding is about a whole sheet or file.
    """

    sheet: str | None
    cell: str | None
    column: str | None
    value: str | None
    rule: str
    message: str
    severity: Severity = "reject"


def finding_line(path: str, finding: Finding) -> str:
    """`Prices.xlsx › March › C5: 'n/a' is not a price`."""
    return " › ".join(filter(None, (Path(path).name, finding.sheet, finding.cell))) + f": {finding.message}"


def count_values(rows: pyarrow.Table | None) -> int:
    """The values in the contract's columns of `rows` (not `_sheet` and `_row`), missing ones not counted."""
    names = [name for name in rows.column_names if name not in ("_sheet", "_row")] if rows is not None else []
    return sum(len(rows[name]) - rows[name].null_count for name in names) if rows is not None else 0


class FindingCollector:
    """Findings as they come, those of one kind in one column cut off after `MAX_SAME_FINDINGS`."""

    def __init__(self) -> None:
        self.kept: list[Finding] = []
        self.file_rejected = False
        self._counts: Counter[tuple[str | None, str | None, str, Severity]] = Counter()

    def add(self, finding: Finding, whole_file: bool = False) -> None:
        kind = (finding.sheet, finding.column, finding.rule, finding.severity)
        self._counts[kind] += 1
        if self._counts[kind] <= MAX_SAME_FINDINGS:
            self.kept.append(finding)
        self.file_rejected |= whole_file and finding.severity == "reject"

    def refused_cells(self) -> set[tuple[str | None, str]]:
        """Sheet and address of the cells that a reject stands at."""
        return {(one.sheet, one.cell) for one in self.kept if one.cell and one.severity == "reject"}

    def all(self) -> list[Finding]:
        """Rejects and notices in the order found, then what was cut off."""
        more = [
            Finding(sheet, None, column, None, rule, f"and {count - MAX_SAME_FINDINGS:,} more like these", severity)
            for (sheet, column, rule, severity), count in self._counts.items()
            if count > MAX_SAME_FINDINGS
        ]
        return [*self.kept, *more]


@dataclass(slots=True)
class ReadResult:
    """One file read against one contract.

    `rows`: the accepted rows: the contract's columns, then `_sheet` (text) and `_row` (1-based row
    number in that sheet). None when nothing is accepted.
    `headers`: per sheet, the header cells as written, for telling layout drift.
    `column_letters`: per sheet, contract column → letters of the sheet's column that it was read from. In a wide
    table, of a melted column: first day of the period → letters; of the period: first day → its cell in the header.
    `cells`: non-empty cells below the header: `read` counts them in the sheet before parsing; `loaded` in `rows`,
    with those that say "no value" (`blank`) and without values taken from names (`named`); `returned`, `ignored`.
    `error`: one line when the file could not be read at all.
    `written`: the day on which the file was saved, where that is known.
    `changes`: what its rows change in what is loaded, in words, once they were compared.
    `verdict`: `held` only once the file was compared with what is loaded; its rows are then good and not stored.
    """

    file: Path
    workbook: str | None = None
    sheet: str | None = None
    verdict: Verdict = "returned"
    rows_read: int = 0
    rows_accepted: int = 0
    rows_returned: int = 0
    findings: list[Finding] = field(default_factory=list)
    error: str | None = None
    rows: pyarrow.Table | None = None
    headers: dict[str, list[str]] = field(default_factory=dict)
    column_letters: dict[str, dict[str, Any]] = field(default_factory=dict)
    cells: dict[str, int] = field(default_factory=dict)
    written: dt.date | None = field(default=None, compare=False)
    changes: str = ""

    def as_json(self) -> dict[str, Any]:
        """The object that `s2p check --json` prints."""
        return {
            "file": str(self.file),
            "workbook": self.workbook,
            "sheet": self.sheet,
            "verdict": self.verdict,
            "rows_read": self.rows_read,
            "rows_accepted": self.rows_accepted,
            "rows_returned": self.rows_returned,
            "findings": [asdict(finding) for finding in self.findings],
            "error": self.error,
        }
