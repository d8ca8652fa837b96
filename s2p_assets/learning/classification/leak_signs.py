"""Signs of a leak in what a column says of the outcome: by itself, by one value, within a group, at the last moment.

Signs in when cases end are in `leak_times.py`, those between decided and open cases in `leak_gaps.py`.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from s2p_assets.learning.classification.cases import MIN_CASES_OF_A_CLASS
from s2p_assets.learning.classification.evidence import Evidence, Places
from s2p_assets.learning.classification.metrics import auc
from s2p_assets.learning.forecasting.series import Matrix

PURE, FEWEST_PURE, SMALLEST_SHARE, CHANCE = 0.995, 30, 0.02, 1e-9
MOST_VALUES = 40
JUMP_TO, JUMP_FROM, JUMP = 0.75, 0.62, 0.2
SAME, IN_SCALE, FEWEST_GROUPS = 0.02, 0.995, 5
TELLS_WITHIN, FEWEST_OF_A_GROUP, SAMPLE = 0.93, 5, 1000

Found = Iterator[tuple[str, str]]
"""Columns, each with a sentence."""


def separation(actual: Matrix, values: Matrix) -> float:
    """How well values tell the two outcomes apart, either way round; 0.5 where either is rare among known values."""
    known = ~np.isnan(values)
    came = actual[known]
    if min((came == 1).sum(), (came == 0).sum()) < MIN_CASES_OF_A_CLASS:
        return 0.5
    found = auc(came, values[known])
    return max(found, 1 - found)


def tells_alone(seen: Evidence) -> Found:
    """A column that by its values, or by having one, tells the outcome too well to be true."""
    for name in seen.names:
        by_value = separation(seen.actual, seen.values(name, seen.last))
        by_absence = separation(seen.actual, seen.missing(name, seen.last).astype(float))
        if max(by_value, by_absence) > seen.task.implausible:
            how = "its values" if by_value >= by_absence else "having one or none"
            yield name, f"{how} alone tell the outcome in {max(by_value, by_absence):.1%} of pairs"


def pure(seen: Evidence) -> Found:
    """A column of which an absence or a single value has always had the same outcome, far beyond chance."""
    for name in seen.names:
        kinds, labels = seen.kinds(name, seen.last)
        for value, (came, cases) in _by_value(kinds, seen.actual).items():
            share = came / cases
            always = max(share, 1 - share)
            usual = seen.rate if share > 0.5 else 1 - seen.rate
            if always >= PURE and cases * np.log(usual) < np.log(CHANCE):
                which = "none is known" if value < 0 else f"it is {labels[value]}"
                ends = "came about" if share > 0.5 else "did not come about"
                yield name, f"where {which} it {ends} in {always:.1%} of {cases:,} cases, against {usual:.0%} usually"
                break


def _by_value(kinds: npt.NDArray[np.int64], actual: Matrix) -> dict[int, tuple[float, int]]:
    """Value → how many came about, and how many cases there are, of the values with enough."""
    cases, came = np.bincount(kinds + 1), np.bincount(kinds + 1, actual)
    fewest = max(FEWEST_PURE, SMALLEST_SHARE * len(kinds))
    places = [0, *(np.argsort(-cases[1:], kind="stable")[:MOST_VALUES] + 1)] if len(cases) > 1 else [0]
    return {int(at) - 1: (float(came[at]), int(cases[at])) for at in places if fewest <= cases[at] < len(kinds)}


def jumps_at_the_end(seen: Evidence) -> Found:
    """A column that says next to nothing until just before the end, and then a lot: written when it was decided."""
    several = seen.before_last != seen.last
    if several.sum() >= 2 * MIN_CASES_OF_A_CLASS:
        for name in seen.names:
            last, earlier = (_information(seen, name, places)[several] for places in (seen.last, seen.before_last))
            late, early = separation(seen.actual[several], last), separation(seen.actual[several], earlier)
            if late >= JUMP_TO and early <= JUMP_FROM and late - early >= JUMP:
                yield name, _grows(early, late, "in the last row before it is decided")
        return
    wait = seen.ended - seen.began
    near = wait <= np.quantile(wait, 0.25)
    if near.all() or wait.std() == 0:
        return
    for name in seen.names:
        values = _information(seen, name, seen.last)
        late, early = separation(seen.actual[near], values[near]), separation(seen.actual[~near], values[~near])
        if late >= 0.9 and early <= JUMP_FROM:
            yield name, _grows(early, late, "in the cases that are decided soonest")


def _information(seen: Evidence, name: str, places: Places) -> Matrix:
    """The values of a column; where having one tells more, whether it has one."""
    values, absent = seen.values(name, places), seen.missing(name, places).astype(float)
    return absent if separation(seen.actual, absent) > separation(seen.actual, values) else values


def _grows(early: float, late: float, where: str) -> str:
    return f"it tells the outcome in {late:.0%} of pairs {where}, and in {early:.0%} before (50 % is chance)"


def of_the_whole_table(seen: Evidence) -> Found:
    """A number that is made of the outcomes of all cases of a group, its own and later ones among them."""
    if not seen.numbers:
        return
    names = list(seen.numbers)
    last, first = (np.column_stack([seen.numbers[name][at] for name in names]) for at in (seen.last, seen.first))
    found: dict[str, str] = {}
    for group, codes in _groups(seen):
        order = np.lexsort((seen.began, codes))
        for values in (last, first) if (seen.first != seen.last).any() else (last,):
            for at, how in _made_of(codes[order], values[order], seen.actual[order]):
                found.setdefault(names[at], f"{how} by {group}, with the case's own outcome or those of later cases")
    yield from found.items()


def _groups(seen: Evidence) -> Iterator[tuple[str, Places]]:
    """What groups cases: all together, texts, and the moment; not what nearly every case has of its own."""
    moments = np.unique(seen.began, return_inverse=True)[1]
    candidates = {name: codes[seen.last] for name, codes in seen.codes.items()} | {seen.task.time: moments}
    yield "time", np.zeros(len(seen.last), np.int64)
    for name, codes in candidates.items():
        count = len(np.unique(codes))
        if 1 < count <= len(codes) / FEWEST_OF_A_GROUP:
            yield name, codes.astype(np.int64)


def _made_of(codes: Places, values: Matrix, actual: Matrix) -> Iterator[tuple[int, str]]:
    """The places of the columns that are made of the outcomes of these groups, and how.

    Rows lie group by group, in the order in which cases began.
    """
    starts = np.flatnonzero(np.r_[True, codes[1:] != codes[:-1]])
    sizes = np.diff(np.r_[starts, len(codes)])
    at = np.repeat(np.arange(len(starts)), sizes)
    came = np.add.reduceat(actual, starts)
    large = sizes[at] >= FEWEST_OF_A_GROUP
    within = values - (np.add.reduceat(np.nan_to_num(values), starts, axis=0) / sizes[:, None])[at]
    begins = np.zeros(len(codes), bool)
    begins[starts] = True
    for column in range(values.shape[1]):
        own, deviation = values[:, column], within[:, column]
        known = large & ~np.isnan(own)
        spread = own[known].std() if known.sum() >= 2 * FEWEST_PURE else 0.0
        if not spread > 0:
            continue
        if deviation[known].std() < 1e-6 * spread:
            if _are(own[known], (came / sizes)[at][known], came[at][known], sizes[at][known], len(starts)):
                yield column, "it is the share or the number that came about"
        elif _tells(actual[known], deviation[known]):
            yield column, "it tells the outcome apart within each group, as a share of all others does,"
        else:
            rise = np.where(begins, np.nan, np.diff(own, prepend=np.nan))
            if _tells(actual[known], rise[known]):
                yield column, "it rises when the case itself comes about, counted"


def _tells(actual: Matrix, values: Matrix) -> bool:
    """Whether values tell the outcome nearly always; looked at in full only where they do in a sample of the cases."""
    rare = actual == (1.0 if actual.mean() < 0.5 else 0.0)
    some = (rare & (rare.cumsum() <= SAMPLE)) | (np.arange(len(actual)) % max(len(actual) // SAMPLE, 1) == 0)
    if separation(actual[some], values[some]) < TELLS_WITHIN - 0.1:
        return False
    return separation(actual, values) > TELLS_WITHIN


def _are(values: Matrix, rate: Matrix, came: Matrix, sizes: Matrix, groups: int) -> bool:
    """Whether values, the same for all of a group, are its rate, or of five groups and more its rate or count in scale.

    Fewer groups have a correlation by chance.
    """
    if groups > 1 and rate.std() > 0 and np.abs(values - rate).max() < SAME:
        return True
    if groups < FEWEST_GROUPS:
        return False
    made_of = [one for one in (rate, came, sizes) if one.std() > 0]
    return any(abs(float(np.corrcoef(values, one)[0, 1])) > IN_SCALE for one in made_of)
