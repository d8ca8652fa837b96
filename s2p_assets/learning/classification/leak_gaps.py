"""Signs of a leak between decided cases and open ones: what is there, or what is large, only once it is decided.

Signs among decided cases alone are in `leak_signs.py` and `leak_times.py`.
"""

import numpy as np
import numpy.typing as npt

from s2p_assets.learning.classification.evidence import Evidence
from s2p_assets.learning.classification.leak_signs import Found, separation

FEWEST_OPEN = 20
GAP, GAP_WHERE_IT_TELLS, TELLS = 0.4, 0.15, 0.6
APART = 0.97
RECENT = 0.5


def absent_while_open(seen: Evidence) -> Found:
    """A column that open cases mostly lack and decided ones have, at their first row and at their last; or the reverse.

    A column that fills up in the course of a case's life has both kinds of rows among the decided ones.
    """
    if len(seen.open) < FEWEST_OPEN:
        return
    recent = _recent(seen)
    for name in seen.names:
        for says, of_first, of_last, of_open in _absences(seen, name, recent):
            shares = float(of_first.mean()), float(of_last.mean())
            now = float(of_open.mean())
            gap = max(now - max(shares), min(shares) - now)
            noise = 4 * np.sqrt(0.25 / len(of_open) + 0.25 / len(of_last))
            tells = separation(seen.actual[recent], of_last.astype(float)) >= TELLS
            if gap > (GAP_WHERE_IT_TELLS if tells else GAP) + noise / 4 and gap > noise:
                yield name, f"{says} in {now:.0%} of the open cases, but in {shares[1]:.0%} of those that are decided"
                break


def _recent(seen: Evidence) -> npt.NDArray[np.int64]:
    """The newer half of the decided cases: what was written another way years ago is no sign."""
    order = np.argsort(seen.ended, kind="stable")
    return order[-max(int(len(order) * RECENT), min(len(order), 2 * FEWEST_OPEN)) :].astype(np.int64)


def _absences(
    seen: Evidence, name: str, recent: npt.NDArray[np.int64]
) -> list[tuple[str, npt.NDArray[np.bool_], npt.NDArray[np.bool_], npt.NDArray[np.bool_]]]:
    """Two ways of saying nothing: no value, and a zero, each in first, last and open rows."""
    parts = (seen.first[recent], seen.last[recent], seen.open)
    first, last, now = (seen.missing(name, places) for places in parts)
    found = [("none is known", first, last, now)]
    if name in seen.numbers:
        first, last, now = (seen.numbers[name][places] == 0 for places in parts)
        found.append(("it is 0", first, last, now))
    return found


def apart_while_open(seen: Evidence) -> Found:
    """A number whose level in open cases is beyond that of decided ones at every stage, and that tells the outcome."""
    if len(seen.open) < FEWEST_OPEN:
        return
    recent = _recent(seen)
    for name, values in seen.numbers.items():
        now = values[seen.open]
        if separation(seen.actual[recent], values[seen.last[recent]]) < TELLS or np.isnan(now).mean() > RECENT:
            continue
        apart = [_apart(values[places[recent]], now) for places in (seen.first, seen.last)]
        if min(apart) > APART:
            yield name, "it is at another level in open cases than in decided ones at any time of their lives"


def _apart(decided: npt.NDArray[np.float64], now: npt.NDArray[np.float64]) -> float:
    is_open = np.r_[np.zeros(len(decided)), np.ones(len(now))]
    return separation(is_open, np.r_[decided, now])
