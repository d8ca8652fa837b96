"""Foreign keys between workbooks: values of a column that must be found in a column of another workbook.

What the other workbook holds is told by whoever reads the file; nothing here talks to a database.
"""

import difflib
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pyarrow
import pyarrow.compute as pc

from s2p_assets.spreadsheet.cells import shown
from s2p_assets.spreadsheet.contract import KnownThere, Reference, Workbook
from s2p_assets.spreadsheet.rules import Broken, value_text

REFERS = "refers_to"
SUGGESTIONS = 50


def broken_references(frame: pd.DataFrame, workbook: Workbook, values: KnownThere) -> Iterator[Broken]:
    """Every value that is not where its column refers to; empty cells refer to nothing, and break nothing.

    A column that is not in `values` is not looked up. A workbook that refers to itself may refer to the same file.
    Where nothing was loaded yet of what a column refers to, that is said once, of the whole file.
    """
    for reference in workbook.references:
        if reference.column not in values:
            continue
        there = values[reference.column]
        if reference.workbook == workbook.name:
            there = pyarrow.concat_arrays([there, pyarrow.array(frame[reference.there]).cast(there.type)])
        elif not len(there):
            if frame[reference.column].notna().any():
                yield _nothing_there(workbook, reference)
            continue
        yield from _not_there(frame[reference.column], there, reference)


def _nothing_there(workbook: Workbook, reference: Reference) -> Broken:
    title = next(" ".join(column.headers[0].split()) for column in workbook.columns if column.name == reference.column)
    message = (
        f"'{title}' refers to the {reference.thing.replace('_', ' ')}, of which nothing has been loaded yet; "
        "the file is read again by itself when that comes"
    )
    return Broken(None, reference.column, REFERS, message, None)


def _not_there(values: pd.Series, there: pyarrow.Array, reference: Reference) -> Iterator[Broken]:
    held = pyarrow.array(values)
    lost = pc.and_(held.is_valid(), pc.invert(pc.is_in(held, there)))
    places = np.flatnonzero(lost)
    meant = _suggested(held.filter(lost), there)
    for place in places.tolist():
        value = held[place].as_py()
        hint = f"; did you mean '{meant[value]}'?" if value in meant else ""
        message = f"'{shown(value_text(value))}' is not in the {reference.thing.replace('_', ' ')}{hint}"
        yield Broken(place, reference.column, REFERS, message, value_text(value))


def _suggested(lost: pyarrow.Array, there: pyarrow.Array) -> dict[str, str]:
    """The nearest value that is there, for the first few texts that are not."""
    if not len(lost) or not pyarrow.types.is_string(lost.type):
        return {}
    folded = {str(value).casefold(): str(value) for value in there.to_pylist() if value is not None}
    found = {}
    for value in lost.unique().to_pylist()[:SUGGESTIONS]:
        near = difflib.get_close_matches(value.casefold(), folded, n=1, cutoff=0.7)
        if near:
            found[value] = folded[near[0]]
    return found
