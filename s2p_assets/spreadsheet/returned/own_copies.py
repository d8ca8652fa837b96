"""Knowing s2p's own answers again when people put them on the share, so that no row is loaded twice or by halves.

What an answer says is decided in `feedback`; how it is written, in the modules beside.
"""

import unicodedata
from collections.abc import Sequence
from pathlib import Path

from s2p_assets.contracts.findings import ENTRY_SHEET, FINDINGS_SHEET, OWN_SHEETS, ROWS_SHEET, Finding
from s2p_assets.spreadsheet.grid import Sheet
from s2p_assets.spreadsheet.returned.feedback import original_name


def refuse_fresh_workbook(sheets: Sequence[Sheet]) -> Finding | None:
    """Refuses the fresh workbook that answers a file which cannot be marked itself: it holds a part of that file."""
    original = _original_name(sheets)
    if original is None or any(sheet.name not in OWN_SHEETS | {ROWS_SHEET} for sheet in sheets):
        return None
    message = (
        f"this is the answer to '{original}', with its returned rows alone; correct them in '{original}' itself, "
        "save that at its old place, and delete this one"
    )
    return Finding(None, None, None, None, "own_copy", message)


def refuse_partial_copy(sheets: Sequence[Sheet], file: Path) -> Finding | None:
    """Refuses the marked copy of a file that was loaded in part, under another name: the part would count twice."""
    original = _original_name(sheets, "was loaded in part")
    if original is None or _plain(original) == _plain(file.name):
        return None
    message = (
        f"this is the marked copy of '{original}', whose other rows are loaded already; save it as '{original}' "
        "over that file, so that no row counts twice"
    )
    return Finding(None, None, None, None, "own_copy", message)


def refuse_copied_entry(sheets: Sequence[Sheet]) -> Finding | None:
    """Refuses a copy of what somebody entered on the screen, which would then count beside the entry itself."""
    if all(sheet.name != ENTRY_SHEET for sheet in sheets):
        return None
    message = (
        f"its sheet '{ENTRY_SHEET}' says that it is a copy of what somebody entered, which is read where s2p keeps it; "
        "to hand in rows of it, delete that sheet and save it again"
    )
    return Finding(ENTRY_SHEET, None, None, None, "own_copy", message)


def _original_name(sheets: Sequence[Sheet], phrase: str = "") -> str | None:
    """The name of the file that the workbook answers, if it is an answer whose title says that."""
    title = next((sheet.row(1).get(1, "") for sheet in sheets if sheet.name == FINDINGS_SHEET), "")
    return original_name(title) if phrase in title else None


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
