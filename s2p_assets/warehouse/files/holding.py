"""Which files are held until a person decides, because they change more of what is loaded than their contract allows.

What a file changes is worked out in `plan.py`; whether it is a copy of another file, in `copies_of_files.py`.
"""

from collections.abc import Iterator

from s2p_assets.contracts.workbook import Workbook
from s2p_assets.warehouse.files.load_plan import LoadPlan

FEW_VALUES = 2
"""So many values of a column are restated by a person who corrects them one by one; no share is taken of them."""
MAX_OVERWRITTEN = 0.1
"""Of the rows that a file has in common with another one: the share that may get other values, as corrections do."""


def questions(workbook: Workbook, plan: LoadPlan) -> list[str]:
    """Why a file with this plan is held, in sentences for its owner; none when it is to be loaded."""
    return [*_rows_gone(workbook, plan), *_restated(workbook, plan), *_overwritten(workbook, plan)]


def _rows_gone(workbook: Workbook, plan: LoadPlan) -> Iterator[str]:
    gone = plan.withdrawn if workbook.key else max(plan.withdrawn - plan.new, 0)
    if workbook.max_rows_gone is not None and gone > workbook.max_rows_gone * plan.rows_before:
        yield f"{gone:,} of the {plan.rows_before:,} rows that were loaded from this file are not in it any more"


def _restated(workbook: Workbook, plan: LoadPlan) -> Iterator[str]:
    if workbook.max_restated is None:
        return
    if not workbook.key:
        changed = min(plan.withdrawn, plan.new)
        if changed > max(FEW_VALUES, workbook.max_restated * plan.rows_before):
            yield f"{changed:,} of the {plan.rows_before:,} rows that were loaded from this file are different now"
        return
    titles = {column.name: " ".join(column.headers[0].split()) for column in workbook.columns}
    for name, count in plan.restated.items():
        if count > max(FEW_VALUES, workbook.max_restated * plan.settled[name]):
            yield f"{count:,} of {plan.settled[name]:,} values of '{titles[name]}' are different from those loaded"


def _overwritten(workbook: Workbook, plan: LoadPlan) -> Iterator[str]:
    if workbook.may_overwrite:
        return
    for path, count in plan.overwritten.items():
        shared = plan.supersedes[path]
        if count > MAX_OVERWRITTEN * shared:
            rows = "row" if shared == 1 else "rows"
            yield f"{shared:,} {rows} of it are also in {path}, {count:,} of them with other values there"
