"""What the ledger keeps of a plan: what a file changed, in counts and a few examples; and that in one sentence.

The plan itself is in `load_plan.py`.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from s2p_assets.contracts.columns import Column
from s2p_assets.contracts.values import shown_value
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.warehouse.files.load_plan import ExampleRow, LoadPlan

COUNTS = ("new", "changed", "unchanged", "withdrawn", "shown_again", "giving_way", "rows_before")
MOST_LARGEST = 2
TOLD_COMMON = 0.05
"""Fewer lines of a file without a key are in another one as well by chance."""


def change_record(workbook: Workbook, plan: LoadPlan) -> dict[str, Any]:
    """Counts of rows; `columns`, `restated`: values by header; `supersedes`, `overwritten`, `gives_way_to`,
    `common`: rows by path.

    `largest`: the largest changes, each with key, column, old and new value as text.
    """
    titles = {column.name: column_title(column) for column in workbook.columns}
    by_title = {
        word: {titles[name]: count for name, count in getattr(plan, word).items()} for word in ("columns", "restated")
    }
    return {
        **{word: getattr(plan, word) for word in COUNTS},
        **by_title,
        "supersedes": plan.supersedes,
        "overwritten": plan.overwritten,
        "gives_way_to": plan.gives_way_to,
        "common": plan.common,
        "largest": [_change(example, titles) for example in plan.largest],
    }


def column_title(column: Column) -> str:
    """The header by which people know the column."""
    return " ".join(column.headers[0].split())


def _change(example: ExampleRow, titles: dict[str, str]) -> dict[str, str]:
    ((name, (old, new)),) = example.changes.items()
    key = ", ".join(shown_value(value) for value in example.key.values())
    return {"key": key, "column": titles[name], "old": shown_value(old), "new": shown_value(new)}


def change_sentence(changes: Mapping[str, Any]) -> str:
    """`3 rows new, 1 changed (Price in 1), 2 withdrawn; largest change: Price of 1042: 10 → 11`; empty for nothing."""
    if original := changes.get("went_with_copy_of"):
        return f"gone from the share; it was a copy of {original}, so its rows were withdrawn"
    if original := changes.get("same_as"):
        return f"the same bytes as {original}, so nothing of it is loaded"
    return "; ".join([", ".join(_counts(changes)), *_others(changes), *_largest(changes)]).strip("; ")


def changes_known_rows(changes: Mapping[str, Any]) -> bool:
    """Whether rows that were loaded before changed or went, not only new ones came."""
    words = ("changed", "withdrawn", "giving_way", "went_with_copy_of", "same_as", "supersedes")
    return any(changes.get(word) for word in words)


def _counts(changes: Mapping[str, Any]) -> Iterator[str]:
    in_columns = sorted(changes.get("columns", {}).items(), key=lambda column: (-column[1], column[0]))
    columns = ", ".join(f"{title} in {count:,}" for title, count in in_columns)
    restated = sum(changes.get("restated", {}).values())
    told = (
        ("new", "new", ""),
        ("changed", "changed", f" ({columns})" if columns else ""),
        ("withdrawn", "withdrawn", ""),
        ("unchanged", "as before", ""),
        ("giving_way", "not shown, because newer files hold them", ""),
    )
    counted = [(changes.get(word, 0), said, more) for word, said, more in told if changes.get(word)]
    for number, (count, said, more) in enumerate(counted):
        noun = "" if number else "row " if count == 1 else "rows "
        yield f"{count:,} {noun}{said}{more}"
    if restated:
        yield f"{restated:,} {'value' if restated == 1 else 'values'} restated"


def _others(changes: Mapping[str, Any]) -> Iterator[str]:
    if again := changes.get("shown_again"):
        yield f"{again:,} of those withdrawn stand in older files, so that they count again as these have them"
    for path, count in changes.get("common", {}).items():
        if count > TOLD_COMMON * changes.get("new", 0):
            yield f"{count:,} {'row is' if count == 1 else 'rows are'} in {path} too and count twice"
    for path, count in changes.get("overwritten", {}).items():
        yield f"{count:,} {'row' if count == 1 else 'rows'} of {path} got other values"
    for path, count in changes.get("gives_way_to", {}).items():
        yield f"{count:,} {'row' if count == 1 else 'rows'} gave way to {path}, which is newer"


def _largest(changes: Mapping[str, Any]) -> Iterator[str]:
    for change in changes.get("largest", [])[:MOST_LARGEST]:
        yield f"largest change of {change['column']}: {change['key']}: {change['old']} → {change['new']}"
