"""Columns that know the outcome before it was decided, found by their declarations.

What a column separates by its values is measured in `learning/classification/leaks.py`.
"""

from collections.abc import Callable, Sequence

from s2p_assets.contracts.columns import Column, parse_column_path
from s2p_assets.contracts.model import ClassificationTask

ColumnLookup = Callable[[str, str], Sequence[Column]]
"""The declared columns of the thing of this name, seen from this domain; none for what no shelf holds."""


def declared_leaks(
    domain: str, columns: Sequence[Column], task: ClassificationTask, columns_of: ColumnLookup
) -> dict[str, str]:
    """Feature → why it must not be learned from, of the declared `columns` of a feature set of `domain`.

    A column knows the outcome when it is declared `available="after_outcome"`, when it bears a name that the task
    refuses, or when it is made `of` such a column, however many tables lie between. One that is declared
    `available="before_outcome"` does not, whatever it is made of: it promises to be made of what had been decided
    before its case.
    """
    found = {}
    for column in columns:
        if column.name in task.not_features or column.kind in ("date", "timestamp"):
            continue
        path = _path(domain, column, (), task, columns_of)
        if path:
            found[column.name] = " ← ".join(path)
    return found


def _path(
    domain: str, column: Column, seen: tuple[str, ...], task: ClassificationTask, columns_of: ColumnLookup
) -> list[str]:
    """The columns from `column` down to one that is known only after the outcome; empty when there is none."""
    if column.available == "before_outcome":
        return []
    if column.available == "after_outcome":
        return [f"{column.name} (known only after the outcome)"]
    if seen and column.name in task.refused:
        return [f"{column.name} (refused)"]
    for source in column.derived_from:
        if source in seen:
            continue
        there, table, name = parse_column_path(source, domain)
        for below in columns_of(there, table):
            if below.name == name and (path := _path(there, below, (*seen, source), task, columns_of)):
                return [column.name, f"{table}.{path[0]}", *path[1:]]
    return []
