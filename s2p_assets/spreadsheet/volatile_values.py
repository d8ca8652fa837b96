"""Numbers and dates by a formula whose value hangs on the moment: drawn by lot, of today, or looked up by a text.

What a formula's own text says is known in `formulas`; values that are merely old are told in `stale_values`.
"""

from collections.abc import Iterator, Mapping

import numpy as np

from s2p_assets.contracts.columns import Column
from s2p_assets.contracts.findings import Finding
from s2p_assets.spreadsheet.grid import Cells, Sheet, cell_address
from s2p_assets.spreadsheet.header import Header

_KINDS = ("number", "money", "percent", "integer", "date", "timestamp")
_WHY = {
    "RAND": "is drawn by lot, another at every calculation",
    "TODAY": "hangs on the day on which the file was last calculated",
    "INDIRECT": "is taken from wherever a text points or a place is counted to, which cannot be followed here",
}
_WHY["RTD"] = "comes from another program, and is as old as the file's last calculation"
_SAME = {"WEBSERVICE": "RTD", "RANDBETWEEN": "RAND", "RANDARRAY": "RAND", "NOW": "TODAY", "OFFSET": "INDIRECT"}


def volatile_values(
    sheet: Sheet, header: Header, columns: tuple[Column, ...], cells: Mapping[str, Cells]
) -> Iterator[Finding]:
    """Notices about a table's numbers and dates that are calculated anew whenever the file is, at the first of each.

    `cells`: contract column → its cells in the table's rows.
    """
    told = set[str]()
    for column in columns if sheet.marks.volatile else ():
        held = cells.get(column.name)
        for function, rows in sheet.marks.volatile.get(header.column_numbers.get(column.name, 0), {}).items():
            kind = _SAME.get(function, function)
            if held is None or column.kind not in _KINDS or kind in told:
                continue
            here = np.intersect1d(held.rows, np.array(rows, np.int32))
            if len(here):
                told.add(kind)
                where = cell_address(int(here[0]), header.column_numbers[column.name])
                message = f"the value is calculated by {function}: it {_WHY[kind]}; write the value itself"
                yield Finding(sheet.name, where, column.name, None, "volatile", message, "notice")
