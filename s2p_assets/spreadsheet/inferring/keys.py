"""Which columns seem to name a row: codes, dates and numbered lines, never a measure.

How a column is understood is in `column_types`.
"""

import itertools
import re
from collections.abc import Sequence

import numpy as np
import pyarrow

from s2p_assets.spreadsheet.inferring.column_types import is_id_name
from s2p_assets.spreadsheet.inferring.shelf_file import Draft, DraftColumn

_LONGEST_KEY = 3
_KEY_ALONE = ("code", "text")
_KEY_KINDS = ("code", "date", "timestamp", "text", "integer")
_LEAST_ROWS = 5
_MOST_REPEATED = 0.01
_NUMBER_WORDS = (
    "line row pos position item year month week quarter period round lap season store shop branch zeile jahr monat "
    "woche quartal ligne annee mois semaine fila linea rank"
)
_NUMBERED = frozenset(_NUMBER_WORDS.split())


def infer_key(draft: Draft, values: dict[str, pyarrow.Array]) -> None:
    """Writes the key of the draft, and what is unsure of it; `values`: those of columns that are filled in each row.

    A key that but for whole lines written twice names every row is one: those lines are to be findings.
    """
    usable = [one for one in draft.columns if one.name in values and one.kind in _KEY_KINDS and _may_name_rows(one)]
    usable.sort(key=lambda column: _KEY_KINDS.index(column.kind))
    coded = {column.name: _codes(values[column.name]) for column in usable[:8]}
    count = min((len(codes) for codes in coded.values()), default=0)
    if count < _LEAST_ROWS:
        return
    draft.key = _found(draft.columns, usable, coded, np.arange(count), count)
    if draft.key:
        return
    kept = _first_of_each_line(values, count)
    twice = count - len(kept)
    if twice and twice <= _MOST_REPEATED * count:
        draft.key = _found(draft.columns, usable, coded, kept, count)
    if draft.key:
        draft.max_reject_rate = _MOST_REPEATED
        lines = (
            "one line stands twice in the file: it comes" if twice == 1 else f"{twice:,} lines stand twice: they come"
        )
        draft.remarks.append(f"{lines} back, the others load")
    else:
        draft.remarks.append("no columns were found that name a row: write key=(…) if there are such")


def _may_name_rows(column: DraftColumn) -> bool:
    if column.kind != "integer":
        return True
    words = set(re.split(r"[\W_]+", column.header.lower()))
    return is_id_name(column.header) or bool(words & _NUMBERED)


def _found(
    columns: Sequence[DraftColumn],
    usable: Sequence[DraftColumn],
    coded: dict[str, np.ndarray],
    rows: np.ndarray,
    count: int,
) -> tuple[str, ...]:
    """The fewest columns whose values differ in all of `rows`, codes and dates first; empty where none do."""
    kinds = {column.name: column.kind for column in usable}
    for size in range(1, _LONGEST_KEY + 1):
        for names in itertools.combinations(coded, size):
            if size == 1 and kinds[names[0]] not in _KEY_ALONE:
                continue
            held = np.stack([coded[name][:count][rows] for name in names])
            if len(np.unique(held, axis=1).T) == len(rows):
                return tuple(column.name for column in columns if column.name in names)
    return ()


def _first_of_each_line(values: dict[str, pyarrow.Array], count: int) -> np.ndarray:
    held = np.stack([_codes(array)[:count] for array in values.values()])
    return np.sort(np.unique(held, axis=1, return_index=True)[1])


def _codes(values: pyarrow.Array) -> np.ndarray:
    return values.dictionary_encode().indices.to_numpy(zero_copy_only=False)
