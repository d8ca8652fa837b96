"""What a cell's formula says of its row: whether it sums up other rows, and whether it looks into another workbook.

Formulas are never calculated here; their values are those that the file stores.
"""

import re

from s2p_assets.spreadsheet.grid import column_letters

_FUNCTION = re.compile(
    r"[+\s]*(?:_xlfn\.|com\.microsoft\.)*"
    r"(SUBTOTAL|AGGREGATE|SUM|AVERAGE|AVERAGEA|MIN|MAX|MEDIAN|COUNT|COUNTA)\s*\((.*)\)\s*",
    re.IGNORECASE | re.DOTALL,
)
_ROUNDED = re.compile(r"ROUND\((.*),\s*-?[0-9]+\)", re.IGNORECASE | re.DOTALL)
_ADDED = re.compile(r"\+?\$?([A-Z]{1,3})\$?[0-9]{1,7}(?:\+\$?\1\$?[0-9]{1,7})+", re.IGNORECASE)
_RANGE = re.compile(
    r"(?<![\w!.$'])\$?([A-Z]{1,3})\$?([0-9]{1,7})(?::\$?([A-Z]{1,3})\$?([0-9]{1,7}))?(?![\w(!.])", re.IGNORECASE
)
_WHOLE_COLUMN = re.compile(r"\w*\[\[?#?[^\[\]@]+\]?\]")
_OTHER_BOOK = re.compile(
    r"'[^']*\[[^\[\]]+\][^']*'!|(?<![\w\],])\[[0-9]+\][\w. ]*!|'(?:file|https?):///?|\[[^\]\[]+\.(?:xl\w+|ods)\]",
    re.IGNORECASE,
)


VOLATILE = ("RANDBETWEEN", "RANDARRAY", "RAND", "NOW", "TODAY", "OFFSET", "INDIRECT", "RTD", "WEBSERVICE")
"""Functions that give another value whenever they are calculated, or look where their argument points then."""
_VOLATILE = re.compile(rf"(?<![\w.])(?:_xlfn\.|com\.microsoft\.)*({'|'.join(VOLATILE)})\s*\(", re.IGNORECASE)
_IN_QUOTES = re.compile(r'"[^"]*"')


def volatile_function(formula: str) -> str | None:
    """The first function of `VOLATILE` that `formula` calls, None for none."""
    found = _VOLATILE.search(_IN_QUOTES.sub('""', formula))
    return found[1].upper() if found else None


def summed_up(formula: str, column: int) -> str | None:
    """How `formula`, which stands in `column`, sums up cells of that column: `SUBTOTAL`, `SUM`, …; None if it does not.

    `SUM(B2:D2)` in column E adds across its row and sums up no rows; neither does a formula that goes on calculating.
    """
    plain, letters = _plain(formula), column_letters(column)
    if added := _ADDED.fullmatch(plain):
        return "SUM" if added[1].upper() == letters else None
    if (rounded := _ROUNDED.fullmatch(plain)) and _is_one_call(rounded[1]):
        plain = rounded[1]
    found = _FUNCTION.fullmatch(plain)
    if found is None or not _is_one_call(found[2]):
        return None
    name, given = found[1].upper(), found[2]
    ranges = [
        (left.upper(), (right or left).upper(), top, bottom or top)
        for left, top, right, bottom in _RANGE.findall(given)
    ]
    own = [top != bottom for left, right, top, bottom in ranges if left == right == letters]
    if name in ("SUBTOTAL", "AGGREGATE"):
        return name if own or (not ranges and _WHOLE_COLUMN.search(given)) else None
    return name if any(own) or len(own) > 1 else None


def _plain(formula: str) -> str:
    """`formula` as Excel writes it: `of:=SUM([.B2:.B9])` → `SUM(B2:B9)`."""
    text = formula.strip()
    if text.startswith(("of:", "msoxl:")):
        text = text.partition(":")[2].replace("[.", "").replace(":.", ":").replace("]", "").replace(";", ",")
    return text.removeprefix("=").strip()


def _is_one_call(given: str) -> bool:
    """Whether `given`, between the first bracket and the last, is closed in itself: `SUM(A1:A3)+MAX(B1)` is not one."""
    depth = 0
    for mark in given:
        depth += (mark == "(") - (mark == ")")
        if depth < 0:
            return False
    return depth == 0


def other_workbook(formula: str) -> bool:
    """Whether `formula` takes a value from another workbook: `[1]Rates!B2`, `'file:///…'#$Rates.B2`."""
    return bool(_OTHER_BOOK.search(formula))
