"""A column beside an amount that says for how many pieces the amount is, as SAP's lists have: `Preiseinheit` 100.

A contract names such a column by `per_from`; units and currencies of a row are in `unit_columns.py`.
"""

import re
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow
import pyarrow.compute as pc

from s2p_assets.contracts.findings import Finding
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.spreadsheet.grid import Cells, cell_address
from s2p_assets.spreadsheet.header import folded
from s2p_assets.spreadsheet.table_rows import TableRows
from s2p_assets.spreadsheet.units import declared_units

_NAMED = re.compile(
    r"preiseinheit|preis (?:je|pro)|pric(?:e|ing) (?:unit|per|qty|quantity|basis)|unit of price|kpein|peinh?|pe|peh"
    r"|unité de prix|prix (?:par|pour)|prijseenheid|prijs per|unidad (?:de|del) precio|unità (?:di )?prezzo"
    r"|jednostka ceny|prisenhed|prisenhet|hinnoitteluyksikkö"
)
_MAYBE_NAMED = re.compile(
    r"per|pro|je|par|por|pour|x|unit|units|einheit|unité|basis|qty per|per qty|per unit|price for"
)
_COUNT = r"^/?\s*(?P<count>[1-9][0-9]{0,5})(?:[.,]0{1,3})?\s*(?:[^\W\d_]{1,10}\.?)?$"
_TENS = frozenset({1, 10, 100, 1_000, 10_000})


def price_unit_conflicts(rows: TableRows, workbook: Workbook) -> Iterator[tuple[Finding, int]]:
    """A finding for each row whose amount is for another number of pieces than the contract says, with its position."""
    known = set(rows.header.column_numbers.values())
    ignored = {folded(name) for name in workbook.ignores}
    amounts = [one for one in workbook.columns if one.kind == "money" and one.name in rows.cells and not one.per_from]
    for number, title in rows.header.titles.items() if amounts else ():
        whole = rows.sheet.columns.get(number)
        plain = " ".join(title.casefold().replace(".", "").split())
        if number in known or whole is None or folded(title) in ignored:
            continue
        is_named = bool(_NAMED.fullmatch(plain))
        if not is_named and not _MAYBE_NAMED.fullmatch(plain):
            continue
        cells = whole.where(np.isin(whole.rows, rows.row_numbers))
        counts = _counts(cells)
        if counts is None or (not is_named and not set(counts.tolist()) <= _TENS):
            continue
        column = amounts[0]
        per = {unit.per for unit in declared_units(column)} or {1.0}
        for place in np.flatnonzero(~np.isin(counts, list(per))).tolist():
            row, count = int(cells.rows[place]), int(counts[place])
            noun, head = (" ".join(text.split()) for text in (column.headers[0], title))
            message = (
                f"'{head}' says that '{noun}' is for {count:,} pieces here; write it for {min(per):,.0f}, "
                f"or the contract names the column by per_from"
            )
            found = Finding(rows.sheet.name, cell_address(row, number), head, f"{count}", "unit", message)
            yield found, int(np.searchsorted(rows.row_numbers, row))


def _counts(cells: Cells) -> npt.NDArray[np.int64] | None:
    """For how many pieces each cell says that its row's amount is; None where one says something else."""
    if not len(cells):
        return None
    found = pc.struct_field(pc.extract_regex(pc.utf8_trim_whitespace(cells.texts), _COUNT), "count")
    return None if found.null_count else found.cast(pyarrow.int64()).to_numpy()
