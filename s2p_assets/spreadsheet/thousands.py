"""Numbers written with a mark that may part thousands or decimals: `3.000`.

How a number's text is read is in `text_values.py`.
"""

import re

import numpy as np
import pyarrow
import pyarrow.compute as pc

from s2p_assets.contracts.columns import Column
from s2p_assets.spreadsheet.cell_parser import CellError, cell_error
from s2p_assets.spreadsheet.grid import CellKind, Cells, Sheet

FEWEST_IN_THOUSANDS = 3
_ENDINGS = {"integer": "000", "number": "[0-9]{3}", "money": "[0-9]{3}"}


def ambiguous_thousands(cells: Cells, values: pyarrow.Array, column: Column) -> dict[int, CellError]:
    """The texts, by position, of a column of whole numbers that may be three or three thousand: `3.000`.

    Where other texts of the column have three decimals that can be no thousands, as `0.000` and `1250.000` have, and
    none has no decimals, all are decimals.
    """
    texts = cells.kinds == CellKind.TEXT
    if column.kind != "integer" or not texts.any():
        return {}
    mark = column.decimal
    marked = pc.match_substring(cells.texts, mark).to_numpy(zero_copy_only=False) & texts
    if not marked.any():
        return {}
    written = pc.utf8_trim_whitespace(cells.texts)
    shape = rf"^[+-]?[1-9][0-9]{{0,2}}[{mark}][0-9]{{3}}$"
    groups = pc.match_substring_regex(written, shape).to_numpy(zero_copy_only=False) & marked
    if not groups.any():
        return {}
    decimals = pc.match_substring_regex(written, rf"^[+-]?(0|[0-9]{{4,}})[{mark}][0-9]{{3}}$")
    if (marked == texts).all() and pc.any(decimals).as_py():
        return {}
    read = values.is_valid().to_numpy(zero_copy_only=False)
    found = {}
    for place in np.flatnonzero(groups & read).tolist():
        text = str(written[place].as_py())
        less, more = text.partition(mark)[0], text.replace(mark, "")
        found[place] = cell_error(text, column, f"may be {less} or {more}; write it without a mark")
    return found


def commas_among_semicolons(cells: Cells, values: pyarrow.Array, column: Column, sheet: Sheet) -> dict[int, CellError]:
    """The texts, by position, that may be two and a half or two thousand five hundred: `2,500` between semicolons.

    Such a file was mostly written where decimals have a comma. Where a text of the column has its decimal mark, or
    several commas, the others are thousands.
    """
    if not sheet.semicolons or column.kind not in ("number", "money", "integer") or column.decimal == ",":
        return {}
    with_comma = pc.match_substring(cells.texts, ",")
    if not pc.any(with_comma).as_py():
        return {}
    plain = rf"[{re.escape(column.decimal)}][0-9]|[0-9],[0-9]{{3}},[0-9]"
    if pc.any(pc.match_substring_regex(cells.texts, plain)).as_py():
        return {}
    grouped = pc.match_substring_regex(cells.texts, r"^[^0-9,]*[1-9][0-9]{0,2},[0-9]{3}[^0-9,]*$")
    found = {}
    for place in np.flatnonzero(pc.and_(grouped, values.is_valid())).tolist():
        text = str(cells.texts[place].as_py()).strip()
        message = "may have a decimal comma or be thousands; write it without a comma, or the contract says decimal=','"
        found[place] = cell_error(text, column, message)
    return found


def all_in_thousands(cells: Cells, column: Column) -> int | None:
    """The position of the first text of a column of whole numbers that all end in `,000`, or None.

    Of amounts, where all have just three digits behind one comma.

    Programs write quantities with three decimals so: `1,000` is one piece of an SAP list, and a thousand of any other.
    """
    texts = cells.texts.filter(pyarrow.array(cells.kinds == CellKind.TEXT))
    if column.kind not in _ENDINGS or column.decimal == "," or len(texts) < FEWEST_IN_THOUSANDS:
        return None
    if "," not in str(texts[0].as_py()):
        return None
    ends = pc.match_substring_regex(pc.utf8_trim_whitespace(texts), rf"^[+-]?[0-9]{{1,3}},{_ENDINGS[column.kind]}$")
    return int(np.flatnonzero(cells.kinds == CellKind.TEXT)[0]) if pc.all(ends).as_py() else None
