"""Foreign keys between workbooks: values of a column that must be found in a column of another workbook.

What the other workbook holds is told by whoever reads the file; nothing here talks to a database.
"""

import difflib
from collections.abc import Iterator

import numpy as np
import pyarrow
import pyarrow.compute as pc

from s2p_assets.contracts.workbook import Reference, ReferenceValues, Workbook
from s2p_assets.spreadsheet.cell_parser import quoted
from s2p_assets.spreadsheet.code_spelling import skeleton
from s2p_assets.spreadsheet.rules import RuleViolation, TypedRows, value_as_text

REFERENCE_RULE = "references"
MAX_SUGGESTIONS = 50


def missing_references(rows: TypedRows, workbook: Workbook, values: ReferenceValues) -> Iterator[RuleViolation]:
    """Every value that is not where its column refers to; empty cells refer to nothing, and break nothing.

    A column that is not in `values` is not looked up. A workbook that refers to itself may refer to the same file.
    Where nothing was loaded yet of what a column refers to, that is said once, of the whole file.
    """
    for reference in workbook.references:
        if reference.column not in values:
            continue
        target_values = values[reference.column]
        if reference.workbook == workbook.full_name:
            target_values = pyarrow.concat_arrays(
                [target_values, rows.values(reference.target_column).cast(target_values.type)]
            )
        elif not len(target_values):
            if rows.values(reference.column).null_count < len(rows):
                yield _nothing_loaded(workbook, reference)
            continue
        yield from _missing(rows.values(reference.column), target_values, reference)


def _nothing_loaded(workbook: Workbook, reference: Reference) -> RuleViolation:
    title = next(" ".join(column.headers[0].split()) for column in workbook.columns if column.name == reference.column)
    message = (
        f"'{title}' refers to the {reference.name.replace('_', ' ')}, of which nothing has been loaded yet; "
        "the file is read again by itself when that comes"
    )
    return RuleViolation(None, reference.column, REFERENCE_RULE, message, None)


def _missing(held: pyarrow.Array, target_values: pyarrow.Array, reference: Reference) -> Iterator[RuleViolation]:
    lost = pc.and_(held.is_valid(), pc.invert(pc.is_in(held, target_values)))
    places = np.flatnonzero(lost)
    suggested = _suggested(held.filter(lost), target_values)
    for place in places.tolist():
        value = held[place].as_py()
        near = suggested.get(value, "")
        hint = f"; did you mean '{near}'?" if near else ""
        if near and skeleton(value) == skeleton(near) and value.casefold() != near.casefold():
            hint = f"; it looks like '{near}' but has letters of another script; type it again"
        message = f"'{quoted(value_as_text(value))}' is not in the {reference.name.replace('_', ' ')}{hint}"
        yield RuleViolation(place, reference.column, REFERENCE_RULE, message, value_as_text(value))


def _suggested(lost: pyarrow.Array, target_values: pyarrow.Array) -> dict[str, str]:
    """The nearest value that is there, for the first few texts that are not."""
    if not len(lost) or not pyarrow.types.is_string(lost.type):
        return {}
    folded = {str(value).casefold(): str(value) for value in target_values.to_pylist() if value is not None}
    alike = {skeleton(value): value for value in folded.values()}
    found = {}
    for value in lost.unique().to_pylist()[:MAX_SUGGESTIONS]:
        if skeleton(value) in alike:
            found[value] = alike[skeleton(value)]
            continue
        near = difflib.get_close_matches(value.casefold(), folded, n=1, cutoff=0.7)
        if near:
            found[value] = folded[near[0]]
    return found
