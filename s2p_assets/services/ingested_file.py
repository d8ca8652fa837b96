"""What was taken from the share: one file and what became of it, all files of one look, and how they are handed on.

How files are taken is in `intake`; knows no Dagster.
"""

import json
import os
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pyarrow
import pyarrow.ipc

from s2p_assets.contracts.findings import Finding, ReadResult, count_values, finding_line
from s2p_assets.warehouse.files.ledger import LedgerEntry
from s2p_assets.warehouse.files.recognition import Recognition

FILE_NAME = "intake.arrow"
CONTENT = b"intake"
HELD_RULE = "what it changes"


@dataclass(frozen=True)
class IngestedFile:
    """One file that was looked at because the ledger called it new or changed.

    `known`: the ledger recognised its bytes, nothing was read. `claimed`: it holds rows of this kind of workbook,
    or of none; false when another kind claims it. `copy`: the marked copy for its owner.
    """

    path: str
    entry: LedgerEntry | None
    rows: pyarrow.Table | None = None
    known: Recognition | None = None
    claimed: bool = True
    stored: str | None = None
    copy: str | None = None
    problem: str | None = None

    @property
    def verdict(self) -> str:
        if self.known:
            return self.known
        return self.entry.verdict if self.entry else "unreadable"

    @property
    def lost(self) -> str:
        """Which sum does not come out, in one line; empty when nothing is lost.

        Rows and non-empty cells in are those handed on, returned and declared ignored. What is handed on is counted
        anew in the rows themselves.
        """
        if self.entry is None:
            return ""
        entry, cells = self.entry, self.entry.cells
        rows = self.rows.num_rows if self.rows is not None else 0
        settled = rows + entry.rows_returned + entry.rows_held
        if settled != entry.rows_read or rows != entry.rows_accepted:
            rest = f"{entry.rows_returned:,} returned, {entry.rows_held:,} held"
            return f"{entry.rows_read:,} rows read, {rows:,} handed on, {rest}"
        handed_on = count_values(self.rows) - cells.get("named", 0) + cells.get("blank", 0)
        read, returned, ignored, held = (cells.get(name, 0) for name in ("read", "returned", "ignored", "held"))
        if read != handed_on + returned + ignored + held or handed_on != cells.get("loaded", 0):
            return f"{read:,} cells read, {handed_on:,} handed on, {returned:,} returned, {ignored:,} ignored"
        return ""

    @property
    def needs_its_owner(self) -> bool:
        return self.verdict in ("partly", "returned", "held", "unreadable")

    @property
    def why(self) -> str:
        """The first thing that is wrong, in one line."""
        if self.entry is None:
            return self.problem or ""
        if self.entry.error:
            return self.entry.error
        if self.entry.questions:
            return f"held: {'; '.join(self.entry.questions)}"
        lines = [finding_line(self.path, finding) for finding in self.entry.findings if finding.severity == "reject"]
        more = f" (and {len(lines) - 1} more)" if len(lines) > 1 else ""
        return (lines[0] + more) if lines else ""


@dataclass(frozen=True)
class Ingest:
    """What one look took from the share for one kind of workbook; what the sheet asset hands on."""

    workbook: str
    version: str
    files: list[IngestedFile] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)

    @property
    def entries(self) -> list[LedgerEntry]:
        return [taken.entry for taken in self.files if taken.entry]

    @property
    def rows_read(self) -> int:
        return sum(entry.rows_read for entry in self.entries)

    @property
    def rows_accepted(self) -> int:
        return sum(entry.rows_accepted for entry in self.entries)

    @property
    def rows_returned(self) -> int:
        return sum(entry.rows_returned for entry in self.entries)

    def cells(self, what: str) -> int:
        """Non-empty cells over all files: `read`, `loaded`, `returned` or `ignored`."""
        return sum(entry.cells.get(what, 0) for entry in self.entries)

    def write(self, folder: Path) -> None:
        """Keep rows and entries as one Arrow file, renamed into its place when whole; several processes may."""
        folder.mkdir(parents=True, exist_ok=True)
        held = [taken.rows for taken in self.files if taken.rows is not None]
        taken = [
            {
                "path": one.path,
                "entry": asdict(one.entry) if one.entry else None,
                "rows": one.rows.num_rows if one.rows is not None else None,
                "known": one.known,
                "claimed": one.claimed,
            }
            for one in self.files
        ]
        whole = {"workbook": self.workbook, "version": self.version, "gone": self.gone, "taken": taken}
        rows = pyarrow.concat_tables(held) if held else pyarrow.table({})
        rows = rows.replace_schema_metadata({CONTENT: json.dumps(whole)})
        handle, beside = tempfile.mkstemp(suffix=".tmp", dir=folder)
        try:
            with os.fdopen(handle, "wb") as file, pyarrow.ipc.new_file(file, rows.schema) as writer:
                writer.write_table(rows)
            Path(beside).replace(folder / FILE_NAME)
        except OSError as error:
            raise OSError(error.errno, error.strerror or str(error), str(folder)) from error
        finally:
            Path(beside).unlink(missing_ok=True)

    @classmethod
    def read(cls, folder: Path) -> "Ingest":
        """What `write` kept, without the paths of copies."""
        with pyarrow.memory_map(str(folder / FILE_NAME)) as source:
            rows = pyarrow.ipc.open_file(source).read_all()
        whole = json.loads(rows.schema.metadata[CONTENT])
        rows = rows.replace_schema_metadata(None)
        start, taken = 0, []
        for one in whole["taken"]:
            held = None
            if one["rows"] is not None:
                held, start = rows.slice(start, one["rows"]), start + one["rows"]
            entry = one["entry"] and LedgerEntry(
                **(one["entry"] | {"findings": [Finding(**finding) for finding in one["entry"]["findings"]]})
            )
            taken.append(IngestedFile(one["path"], entry, held, one["known"], one["claimed"]))
        return cls(whole["workbook"], whole["version"], taken, whole["gone"])


def hold_reading(reading: ReadResult, entry: LedgerEntry) -> None:
    """Make a good reading one of a held file: no rows, and its questions as notices about the whole file."""
    reading.verdict, reading.rows, reading.rows_accepted = "held", None, 0
    reading.findings = [
        *(
            Finding(None, None, None, None, HELD_RULE, line[:1].upper() + line[1:], "notice")
            for line in entry.questions
        ),
        *reading.findings,
    ]
