"""Made sets of outcomes of several kinds, with known truth: what a set is, and nothing of how it is learned.

How good what is in service is on them is measured in `outcomes.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from s2p_assets.contracts.model import ClassificationTask
from s2p_assets.learning.forecasting.series import Matrix

TASK = ClassificationTask(entity="case", time="began", target="came", decided="ended", folds=4)
START = pd.Timestamp("2024-01-01")
OVER, ALL = 900, 1000
"""Days: what ends up to the first is learned from; what begins after it, and has ended by the second, is judged."""


@dataclass(frozen=True)
class OutcomeSet:
    """`known`: the history as it stood on a day, with open cases. `later`: cases that began since, with their end."""

    known: pd.DataFrame
    later: pd.DataFrame


def _set(cases: int, odds: Callable[[pd.DataFrame, Matrix, np.random.Generator], Matrix], seed: int) -> OutcomeSet:
    """`odds`: log-odds of cases, given their features and how far through the history each begins, 0 to 1."""
    random = np.random.default_rng(seed)
    day = np.sort(random.integers(0, ALL, cases))
    rows = pd.DataFrame(
        {
            "case": [f"C{number:06d}" for number in range(cases)],
            "began": START + pd.to_timedelta(day, "D"),
            "size": random.lognormal(1, 1, cases),
            "score": random.normal(size=cases),
            "noise": random.normal(size=cases),
            "kind": random.choice(list("abcdef"), cases, p=[0.4, 0.25, 0.15, 0.1, 0.07, 0.03]),
            "code": [f"k{number}" for number in (random.pareto(0.8, cases) * 3).astype(int) % 400],
        }
    )
    log_odds = odds(rows, day / ALL, random)
    came = random.uniform(size=cases) < 1 / (1 + np.exp(-log_odds))
    ended = rows["began"] + pd.to_timedelta(random.integers(1, 60, cases), "D")
    rows = rows.assign(came=pd.Series(came, dtype="boolean"), ended=ended)
    today = START + pd.Timedelta(days=OVER)
    known = rows[rows["began"] < today]
    is_open = known["ended"] >= today
    known = known.assign(came=known["came"].mask(is_open), ended=known["ended"].mask(is_open))
    return OutcomeSet(known.reset_index(drop=True), rows[rows["began"] >= today].reset_index(drop=True))


def _usual(rows: pd.DataFrame) -> Matrix:
    return np.asarray(
        0.9 * rows["score"] + rows["kind"].map(dict(zip("abcdef", (0, 0.5, -0.5, 1, -1, 0), strict=True)))
    )


def usual(seed: int) -> OutcomeSet:
    return _set(2500, lambda rows, _, __: _usual(rows) - 0.3, seed)


def noise(seed: int) -> OutcomeSet:
    """Nothing that is known says anything; half come about."""
    return _set(1500, lambda rows, _, __: np.zeros(len(rows)), seed)


def noise_of_a_rare_outcome(seed: int) -> OutcomeSet:
    return _set(6000, lambda rows, _, __: np.full(len(rows), -4.6), seed)


def rare(seed: int) -> OutcomeSet:
    """One in a hundred comes about."""
    return _set(8000, lambda rows, _, __: 1.2 * rows["score"].to_numpy() - 5.2, seed)


def nearly_all(seed: int) -> OutcomeSet:
    return _set(5000, lambda rows, _, __: _usual(rows) + 3.5, seed)


def small(seed: int) -> OutcomeSet:
    return _set(150, lambda rows, _, __: _usual(rows), seed)


def small_noise(seed: int) -> OutcomeSet:
    return _set(150, lambda rows, _, __: np.zeros(len(rows)), seed)


def falling(seed: int) -> OutcomeSet:
    """Ever fewer come about, from six in ten to two in ten, for no reason that is known."""
    return _set(2500, lambda rows, at, _: _usual(rows) + 0.5 - 2.0 * at, seed)


def fallen(seed: int) -> OutcomeSet:
    """As if the rules had changed four fifths through."""
    return _set(2500, lambda rows, at, _: _usual(rows) + np.where(at > 0.7, -1.2, 0.4), seed)


def forgotten(seed: int) -> OutcomeSet:
    """What told the outcome at first tells ever less."""
    return _set(2500, lambda rows, at, _: _usual(rows) * 1.8 * np.maximum(1 - 1.2 * at, 0) - 0.2, seed)


def many_kinds(seed: int) -> OutcomeSet:
    """What counts lies in a code of hundreds of values, most of them rare."""

    def odds(rows: pd.DataFrame, at: Matrix, random: np.random.Generator) -> Matrix:
        effect = random.normal(0, 1.0, 400)
        return np.asarray(effect[rows["code"].str[1:].astype(int).to_numpy() % 400])

    return _set(3000, odds, seed)


def curved(seed: int) -> OutcomeSet:
    return _set(
        3000, lambda rows, _, __: 2.0 * np.cos(1.5 * rows["score"].to_numpy()) + 0.6 * rows["noise"].to_numpy(), seed
    )


def missing_by_design(seed: int) -> OutcomeSet:
    """The score is asked only of large cases, and those come about less often."""

    def odds(rows: pd.DataFrame, at: Matrix, random: np.random.Generator) -> Matrix:
        found = _usual(rows) - 0.8 * (rows["size"] > 3)
        rows["score"] = rows["score"].where(rows["size"] > 3)
        return np.asarray(found)

    return _set(2500, odds, seed)


SETS: dict[str, Callable[[int], OutcomeSet]] = {
    one.__name__.replace("_", " "): one
    for one in (
        *(usual, noise, noise_of_a_rare_outcome, rare, nearly_all, small, small_noise),
        *(falling, fallen, forgotten, many_kinds, curved, missing_by_design),
    )
}
