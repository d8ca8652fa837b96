"""Which files are held until a person decides, because they change more of what is loaded than their contract allows.

What a file changes is worked out in `plan.py`; whether it is a copy of another file, in `file_copies.py`.
"""

from collections.abc import Iterator

from s2p_assets.contracts.entered import ENTRIES_FOLDER
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.warehouse.files.load_plan import LoadPlan

FEW_VALUES = 2
"""So many values of a column a person corrects one by one: they are asked about where they are most of it."""
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
        if _are_many(changed, plan.rows_before, workbook.max_restated):
            yield f"{changed:,} of the {plan.rows_before:,} rows that were loaded from this file are different now"
        return
    titles = {column.name: " ".join(column.headers[0].split()) for column in workbook.columns}
    for name, count in plan.restated.items():
        if _are_many(count, plan.settled[name], workbook.max_restated):
            yield f"{count:,} of {plan.settled[name]:,} values of '{titles[name]}' are different from those loaded"


def _are_many(count: int, of: int, bound: float) -> bool:
    return count > bound * of and (count > FEW_VALUES or (count > 1 and count > of / 2))


def _overwritten(workbook: Workbook, plan: LoadPlan) -> Iterator[str]:
    if workbook.may_overwrite:
        return
    for path, count in plan.overwritten.items():
        if path.startswith(f"{ENTRIES_FOLDER}/"):  # until something newer comes; who entered it is told
            continue
        shared = plan.supersedes[path]
        if count > MAX_OVERWRITTEN * shared:
            rows = "row" if shared == 1 else "rows"
            yield f"{shared:,} {rows} of it are also in {path}, {count:,} of them with other values there"
