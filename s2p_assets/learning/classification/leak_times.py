"""Signs of a leak in when cases end: numbers that grow with the day of the end, and cases that stand twice.

Signs in what a column says of the outcome are in `leak_signs.py`.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from s2p_assets.learning.classification.evidence import Evidence, Places, ranks
from s2p_assets.learning.classification.leak_signs import Found
from s2p_assets.learning.forecasting.series import Matrix

TELLS_THE_END, FEWEST = 0.9, 50
MOST_ALIKE, FEWEST_ALIKE, ALIKE = 4, 20, 0.98
SHARE_OF_TWINS, FEWEST_TWINS, ENDED_ALIKE = 0.01, 10, 0.5


def tells_the_end(seen: Evidence) -> Found:
    """A number, or one within a code, that tells when a case ends, beyond when it began."""
    wait = seen.ended - seen.began
    if len(wait) < FEWEST or wait.std() < 1e-9:
        return
    for name, values in _numbers(seen):
        known = ~np.isnan(values)
        if known.sum() < FEWEST or np.std(values[known]) == 0 or _is_calendar(seen, values):
            continue
        value, end, start = (ranks(one[known]) for one in (values, seen.ended, seen.began))
        if abs(_partial(value, end, start)) > TELLS_THE_END and abs(_correlation(value, end)) > TELLS_THE_END:
            yield name, "it follows the order in which cases ended, not the one in which they began"
        elif abs(_correlation(value, ranks(wait[known]))) > TELLS_THE_END + 0.05:
            yield name, "it tells how long it still was until the end"


def _numbers(seen: Evidence) -> Iterator[tuple[str, Matrix]]:
    """Of each case's first row: numbers, and codes that are nearly all different by the number in them."""
    for name, values in seen.numbers.items():
        yield name, values[seen.first]
    for name in seen.texts:
        if len(np.unique(seen.codes[name][seen.first])) > 0.9 * len(seen.first):
            digits = seen.rows[name].iloc[seen.first].astype("string").str.extract(r"(\d+)\D*$")[0]
            yield name, pd.to_numeric(digits, errors="coerce").to_numpy("float64", na_value=np.nan)


def _is_calendar(seen: Evidence, values: Matrix) -> bool:
    """Whether it only says what day it is: cases that begin at once all have the same."""
    rows = pd.DataFrame({"began": seen.began, "value": values})
    together = rows[rows.duplicated("began", keep=False)]
    if len(together) < max(FEWEST, 0.1 * len(rows)):
        return False
    return bool((together.groupby("began")["value"].nunique(dropna=False) == 1).mean() > 0.95)


def _correlation(one: Matrix, other: Matrix) -> float:
    if one.std() == 0 or other.std() == 0:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])


def _partial(value: Matrix, end: Matrix, start: Matrix) -> float:
    """The correlation of `value` and `end` apart from what `start` says of both."""
    left = [one - one.mean() - _correlation(one, start) * one.std() * _standard(start) for one in (value, end)]
    if min(part.std() for part in left) < 1e-6 * len(value):
        return 0.0
    return _correlation(*left)


def _standard(values: Matrix) -> Matrix:
    return np.asarray((values - values.mean()) / values.std()) if values.std() > 0 else np.zeros(len(values))


def links_twins(seen: Evidence) -> Found:
    """A column whose values only two or three cases share, which then always end alike: the same case twice."""
    chance = seen.rate**2 + (1 - seen.rate) ** 2
    for name in (one for one in seen.names if _is_name(seen, one)):
        kinds, _ = seen.kinds(name, seen.last)
        kinds, actual = kinds[kinds >= 0], seen.actual[kinds >= 0]
        if not len(kinds):
            continue
        sizes = np.bincount(kinds)
        shared = (sizes >= 2) & (sizes <= MOST_ALIKE)
        if shared.sum() < FEWEST_ALIKE or sizes[shared].sum() < 0.5 * sizes[sizes >= 2].sum():
            continue
        came = np.bincount(kinds, actual)[shared] / sizes[shared]
        alike = float(((came == 0) | (came == 1)).mean())
        if alike >= ALIKE and shared.sum() * np.log(chance) < np.log(1e-6):
            yield (
                name,
                f"{int(shared.sum()):,} of its values stand in two to four cases, which ended alike in {alike:.0%}",
            )


def repeated_cases(seen: Evidence) -> Places:
    """The cases that stand there again under another id, by their place among the decided ones.

    Two cases are one when they agree in every feature that is not each case's own, in when they began and ended, and
    in the outcome; so many cannot by chance, unless the features tell hardly one case from another.
    """
    shared = [name for name in seen.names if not _is_own(seen, name)]
    content = pd.DataFrame({name: seen.kinds(name, seen.first)[0] for name in shared})
    what = content.assign(began=seen.began).groupby([*content, "began"], sort=False).ngroup().to_numpy(np.int64)
    whole = pd.DataFrame({"what": what, "ended": seen.ended, "actual": seen.actual})
    again = np.flatnonzero(whole.duplicated(keep="first"))
    if len(again) < max(FEWEST_TWINS, SHARE_OF_TWINS * len(whole)) or len(np.unique(seen.ended - seen.began)) == 1:
        return again[:0]
    alike = np.bincount(what)[what] > 1
    return again if whole.duplicated(keep=False).to_numpy()[alike].mean() > ENDED_ALIKE else again[:0]


def _is_name(seen: Evidence, name: str) -> bool:
    """Whether it can name a case: a text or a whole number; a measurement names nothing."""
    if name in seen.texts:
        return True
    known = seen.numbers[name][seen.last]
    known = known[~np.isnan(known)]
    return bool((known == np.rint(known)).all())


def _is_own(seen: Evidence, name: str) -> bool:
    """Whether nearly every case has a value of its own and it is no measurement: an id, a row's number."""
    if name in seen.numbers:
        values = seen.numbers[name][seen.first]
        known = values[~np.isnan(values)]
        return len(known) > 0 and len(np.unique(known)) > 0.95 * len(known) and _is_name(seen, name)
    return len(np.unique(seen.codes[name][seen.first])) > 0.9 * len(seen.first)
