"""What a marked copy tells the person who gets it back: the heading, the list of findings, a note per bad cell.

Words and limits only; how they are put into a workbook is in the modules beside.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from s2p_assets.contracts.columns import Severity
from s2p_assets.contracts.findings import Finding, ReadResult
from s2p_assets.spreadsheet.grid import CellPosition, parse_cell_address

AUTHOR = "s2p"
FILLS: dict[Severity, str] = {"reject": "FFC4C9", "notice": "FFE9A8"}
INKS: dict[Severity, str] = {"reject": "9C0012", "notice": "7A5200"}
TITLE_INK, LABEL_INK, LINK_INK, RULE_INK, HEADING_FILL = "1F2933", "52606D", "0B5CAD", "D5DAE1", "243B53"
SEVERITY_WORDS: dict[Severity, str] = {"reject": "to correct", "notice": "to look at"}
HEADINGS = ("Sheet", "Cell", "Column", "Value", "Rule", "What was found", "Severity")
COLUMN_WIDTHS = (20, 9, 22, 26, 18, 64, 12)

MAX_LISTED = 20_000
MAX_NOTES = 5_000
MAX_VALUE_LENGTH = 200

_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ESCAPE_LIKE = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
_TITLE = re.compile(r"(.+?) (?:could not be read|was returned: .*|is held: .*|was loaded(?: in part: .*)?)$")


@dataclass(frozen=True, slots=True)
class Note:
    """What is said at one cell, and how grave it is."""

    severity: Severity
    text: str


@dataclass(frozen=True, slots=True)
class Feedback:
    """Everything that a marked copy says.

    `lines`: label and text, for the heading. `listed`: findings, rejects first, at most MAX_LISTED.
    `severities`: per sheet, the severity at each (row, column), 1-based; every one of them is coloured.
    `notes`: per sheet, the note at each of the first MAX_NOTES places.
    `only_sheet`: where findings lie that name no sheet.
    """

    title: str
    verdict: str
    lines: tuple[tuple[str, str], ...]
    listed: tuple[Finding, ...]
    severities: dict[str, dict[CellPosition, Severity]]
    notes: dict[str, dict[CellPosition, Note]]
    only_sheet: str | None

    def list_row(self, finding: Finding) -> tuple[str, ...]:
        """A finding's line in the list, in the order of HEADINGS."""
        return (
            finding.sheet or "",
            finding.cell or "",
            (finding.column or "").replace("_", " "),
            shortened_value(finding.value),
            finding.rule,
            finding.message,
            SEVERITY_WORDS[finding.severity],
        )

    def position_of(self, finding: Finding) -> tuple[str, CellPosition] | None:
        """The sheet and the cell that a finding is about, None when it is about no cell."""
        sheet, place = finding.sheet or self.only_sheet, parse_cell_address(finding.cell)
        return None if sheet is None or place is None else (sheet, place)


def build_feedback(reading: ReadResult, *, name: str, owner: str, in_place: bool) -> Feedback:
    """What to tell `owner` about the file that they know as `name`; `in_place`: in a copy of the file itself."""
    findings = sorted(reading.findings, key=lambda finding: finding.severity != "reject")
    by_place: dict[str, dict[CellPosition, list[Finding]]] = {}
    for finding in findings:
        sheet, place = finding.sheet or reading.sheet, parse_cell_address(finding.cell)
        if sheet is not None and place is not None:
            by_place.setdefault(sheet, {}).setdefault(place, []).append(finding)
    return Feedback(
        title=_title(reading, name),
        verdict=reading.verdict,
        lines=_lines(reading, owner, next_step(reading, name, in_place=in_place)),
        listed=tuple(findings[:MAX_LISTED]),
        severities={
            sheet: {place: found[0].severity for place, found in places.items()} for sheet, places in by_place.items()
        },
        notes=_notes(by_place, reading, "" if in_place else name),
        only_sheet=reading.sheet,
    )


def next_step(
    reading: ReadResult, name: str, *, in_place: bool, here: str = "here", copy: str = "this workbook"
) -> str:
    """What the owner of a file with findings is asked to do. `here`, `copy`: what the marked copy is called there."""
    if reading.error is not None:
        return "Put a whole and readable copy of the file at its old place on the share; it is read again by itself."
    if reading.verdict == "held":
        return (
            f"Nothing has to be done in {copy}. If '{name}' is right as it is, tell the people who look after s2p: "
            "they accept it, and it is loaded. If it is not, save the right one at its old place on the share, or take "
            "it away. Until then the numbers from before stand."
        )
    if in_place:
        return (
            f"Correct the red cells, {here} or in your own file, and save it as '{name}' at its old place on the "
            "share, over the old one; it is read again by itself."
        )
    return (
        f"Correct these cells in '{name}' itself, at the sheet, row and column named {here}, and save it at its "
        f"old place on the share; it is read again by itself. {copy[:1].upper()}{copy[1:]} holds the returned rows "
        "alone and is never loaded."
    )


def original_name(title: str) -> str | None:
    """The file that a marked copy of this title answers; None for what is no such title."""
    found = _TITLE.match(" ".join(title.split()))
    return found[1] if found else None


def internal_link(sheet: str, cell: str) -> str:
    """The target of a link inside a workbook: `'My sheet'!C5`."""
    quoted = sheet.replace("'", "''")
    return f"'{quoted}'!{cell}"


def lines_needed(texts: Iterable[str]) -> int:
    """How many lines the tallest of a finding's cells takes at the list's column widths."""
    needed = (
        sum(1 + len(line) // (width - 1) for line in text.splitlines())
        for text, width in zip(texts, COLUMN_WIDTHS, strict=True)
    )
    return min(max([1, *needed]), 12)


def sanitized(text: str) -> str:
    """`text` without the characters that no workbook can hold, `_x000D_` kept from being decoded."""
    return _ESCAPE_LIKE.sub("_x005F_", _UNWRITABLE.sub("\ufffd", text))


def shortened_value(value: str | None) -> str:
    """A value as it stands in the list of findings: one cell's worth of it."""
    text = value or ""
    return text if len(text) <= MAX_VALUE_LENGTH else text[: MAX_VALUE_LENGTH - 1] + "…"


def _title(reading: ReadResult, name: str) -> str:
    if reading.error is not None:
        return f"{name} could not be read"
    if reading.verdict == "returned":
        return f"{name} was returned: nothing of it was loaded"
    if reading.verdict == "held":
        return f"{name} is held: nothing of it is loaded before somebody has decided"
    if reading.verdict == "partly":
        return f"{name} was loaded in part: {reading.rows_accepted:,} of {reading.rows_read:,} rows"
    return f"{name} was loaded"


def _lines(reading: ReadResult, owner: str, next_step: str) -> tuple[tuple[str, str], ...]:
    rejects = sum(finding.severity == "reject" for finding in reading.findings)
    notices = len(reading.findings) - rejects
    lines = [("What happened", reading.error)] if reading.error is not None else []
    if reading.error is None:
        counts = (
            f"{reading.rows_read:,} rows read, {reading.rows_accepted:,} loaded, {reading.rows_returned:,} returned"
        )
        lines.append(("Rows", counts))
    if reading.changes:
        lines.append(("What it would change" if reading.verdict == "held" else "What it changed", reading.changes))
    lines += [("Owner", owner), ("Next step", next_step)]
    if reading.findings:
        lines.append(("Findings", f"{rejects:,} to correct (red), {notices:,} to look at (yellow)" + _cut(reading)))
    return tuple(lines)


def _cut(reading: ReadResult) -> str:
    surplus = len(reading.findings) - MAX_LISTED
    return f"; the first {MAX_LISTED:,} are listed, {surplus:,} more are not" if surplus > 0 else ""


def _notes(
    by_place: dict[str, dict[CellPosition, list[Finding]]], reading: ReadResult, elsewhere: str
) -> dict[str, dict[CellPosition, Note]]:
    notes: dict[str, dict[CellPosition, Note]] = {}
    written = 0
    for sheet, places in by_place.items():
        for place, findings in places.items():
            if written == MAX_NOTES:
                return notes
            notes.setdefault(sheet, {})[place] = Note(findings[0].severity, _note(findings, reading, elsewhere))
            written += 1
    return notes


def _note(findings: list[Finding], reading: ReadResult, elsewhere: str) -> str:
    said = list(dict.fromkeys(finding.message for finding in findings))
    cell = f"cell {findings[0].cell} of '{elsewhere}'" if elsewhere else "this cell"
    return "\n".join([*said, _to_do(findings[0].severity, reading, cell)])


def _to_do(severity: Severity, reading: ReadResult, cell: str) -> str:
    if severity == "notice":
        return "→ Please look at it; it does not keep the row from being loaded."
    if reading.verdict in ("returned", "held"):
        return f"→ Please correct {cell}; the file is loaded once every red cell is in order."
    return f"→ Please correct {cell}; its row was not loaded, the other rows were."
