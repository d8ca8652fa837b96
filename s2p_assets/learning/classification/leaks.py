"""Columns that know the outcome before it was decided, found before training by the signs that they leave.

What the signs are is in `leak_signs.py`, `leak_times.py` and `leak_gaps.py`; what declarations say is for the catalog.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from s2p_assets.contracts.model import ClassificationTask
from s2p_assets.learning.classification.cases import MIN_CASES_OF_A_CLASS
from s2p_assets.learning.classification.evidence import Evidence, Places, evidence_of
from s2p_assets.learning.classification.leak_gaps import absent_while_open, apart_while_open
from s2p_assets.learning.classification.leak_signs import (
    Found,
    jumps_at_the_end,
    of_the_whole_table,
    pure,
    tells_alone,
)
from s2p_assets.learning.classification.leak_times import links_twins, repeated_cases, tells_the_end
from s2p_assets.learning.remembered import MadeOfFrame

PURE_VALUE, ABSENT = "has a pure value", "is absent while a case is open"
OF_ABSENCE = {PURE_VALUE, ABSENT}
SIGNS: dict[str, Callable[[Evidence], Found]] = {
    "tells the outcome alone": tells_alone,
    PURE_VALUE: pure,
    ABSENT: absent_while_open,
    "is apart while a case is open": apart_while_open,
    "jumps at the end": jumps_at_the_end,
    "tells when a case ends": tells_the_end,
    "links the same case": links_twins,
    "is made of the whole table": of_the_whole_table,
}
TWINS = "the same case under two ids"
ALIKE = 0.7


@dataclass(frozen=True)
class Leak:
    """What knows the outcome: columns that go together, by which sign, and a sentence; of `TWINS`, the entity's column.

    `cases`: of `TWINS`, the entities that stand there again.
    """

    columns: tuple[str, ...]
    sign: str
    says: str
    cases: frozenset[str] = frozenset()


def find_leaks(history: pd.DataFrame, task: ClassificationTask) -> tuple[Leak, ...]:
    """What must not be learned from, as it knows the outcome; columns that a person let in are among them too.

    None where too few cases are decided to tell. Raises TooLittleHistory and UnusableHistory.
    """
    seen = evidence_of(history, task)
    if min((seen.actual == 1).sum(), (seen.actual == 0).sum()) < MIN_CASES_OF_A_CLASS:
        return ()
    again = _twins(seen)
    if again:
        seen = evidence_of(_without_cases(history, task, again[0].cases), task)
    found: dict[str, tuple[str, str]] = {}
    for sign, look in SIGNS.items():
        for name, says in look(seen):
            found.setdefault(name, (sign, says))
    return (*again, *_together(found, seen))


find_leaks_once = MadeOfFrame(find_leaks)
"""`find_leaks`, looked for once in a history for all the models that learn from it."""


def without_leaks(
    history: pd.DataFrame, task: ClassificationTask, leaks: Iterable[Leak]
) -> tuple[pd.DataFrame, ClassificationTask]:
    """The history without cases that stand there twice, and the task that withholds the columns that know the outcome.

    What a person let in stays.
    """
    columns = {name for leak in leaks if leak.sign != TWINS for name in leak.columns} - {*task.let_in}
    again = [leak.cases for leak in leaks if leak.sign == TWINS and task.entity not in task.let_in]
    history = _without_cases(history, task, frozenset[str]().union(*again)) if again else history
    return history, replace(task, withheld=tuple(sorted(columns)))


def admissible(
    history: pd.DataFrame, task: ClassificationTask
) -> tuple[pd.DataFrame, ClassificationTask, dict[str, str], dict[str, str]]:
    """What may be learned from: as of `without_leaks`; besides column → sentence of what is left out, and of what was
    named and let in by a person. Raises TooLittleHistory and UnusableHistory.
    """
    leaks = find_leaks_once(history, replace(task, withheld=()))
    says = {name: f"{leak.sign}: {leak.says}" for leak in leaks for name in leak.columns}
    kept = {name: f"{why}; let in: {task.let_in[name]}" for name, why in says.items() if name in task.let_in}
    learned, narrowed = without_leaks(history, task, leaks)
    return learned, narrowed, {name: why for name, why in says.items() if name not in kept}, kept


def _without_cases(history: pd.DataFrame, task: ClassificationTask, entities: frozenset[str]) -> pd.DataFrame:
    left = ~history[task.entity].astype("string").isin(list(entities))
    return history[left.to_numpy(bool)].reset_index(drop=True)


def _together(found: dict[str, tuple[str, str]], seen: Evidence) -> list[Leak]:
    """Columns that say nothing in the same cases are one leak: what is made of one column."""
    leaks: list[Leak] = []
    for name, (sign, says) in found.items():
        like = (at for at, one in enumerate(leaks) if {sign, one.sign} <= OF_ABSENCE)
        at = next((at for at in like if _silent_alike(seen, name, leaks[at].columns[0])), None)
        if at is None:
            leaks.append(Leak((name,), sign, says))
        else:
            leaks[at] = replace(leaks[at], columns=(*leaks[at].columns, name))
    return leaks


def _silent_alike(seen: Evidence, one: str, other: str) -> bool:
    """Whether two columns say nothing, or 0, in the same rows, of the open cases where there are some."""
    rows = seen.open if len(seen.open) else seen.last
    silent, as_silent = (_silent(seen, name, rows) for name in (one, other))
    either = (silent | as_silent).sum()
    return bool(either and (silent & as_silent).sum() / either > ALIKE)


def _silent(seen: Evidence, name: str, rows: Places) -> npt.NDArray[np.bool_]:
    missing = seen.missing(name, rows)
    return missing if missing.any() or name not in seen.numbers else seen.numbers[name][rows] == 0


def _twins(seen: Evidence) -> Sequence[Leak]:
    places = repeated_cases(seen)
    if not len(places):
        return ()
    names = seen.rows[seen.task.entity].iloc[seen.last[places]].astype("string")
    says = f"{len(places):,} cases stand there again under another id; the second of each is left out"
    return (Leak((seen.task.entity,), TWINS, says, frozenset(names)),)
