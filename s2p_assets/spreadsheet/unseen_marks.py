"""What a contract wants to know of a row's look or comments and a file's format cannot say, or s2p cannot see in it.

What marks mean where they can be seen is in `row_marks`.
"""

from collections.abc import Iterator

from s2p_assets.contracts.findings import Finding
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.spreadsheet.grid import Sheet

MARKS = frozenset({"struck", "fills", "comments"})
FORMATS_WITHOUT_MARKS = frozenset({"csv", "html", "mhtml", "xml2003"})
_HEEDED = ("leave_out", "reject")


def unseen_marks(sheet: Sheet, workbook: Workbook) -> Iterator[Finding]:
    """Notices of marks that decide about rows by the contract and could not be looked at in this sheet."""
    handlings = list(dict(workbook.where_filled).values())
    wanted = {
        "struck": ("where_struck", "struck through", workbook.where_struck in _HEEDED),
        "fills": ("where_filled", "filled", bool(set(handlings) & set(_HEEDED))),
        "comments": ("where_commented", "commented", workbook.where_commented in _HEEDED),
    }
    for name, (option, word, heeded) in wanted.items():
        if heeded and name in sheet.marks.unseen:
            message = (
                f"the contract says by {option} what becomes of rows that are {word}; in a file of this format that "
                "cannot be seen, so every row was read; send it as .xlsx"
            )
            yield Finding(sheet.name, None, None, None, "unseen_marks", message, "notice")
