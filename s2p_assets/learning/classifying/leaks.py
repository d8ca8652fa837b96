"""Columns that know what came of a case before it was decided: found by what is declared, and by how well they tell.

What a case is and which columns are its features is in `cases.py`; refusing a model that would learn from a leak is
for `graph/`.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from s2p_assets.columns import Column, place_of
from s2p_assets.learning.classifying.cases import LEAST_OF_A_CLASS, decided, features_in, outcomes
from s2p_assets.learning.classifying.probabilities import auc
from s2p_assets.learning.forecasting.series import Matrix
from s2p_assets.learning.model import Outcome

Columns = Callable[[str, str], Sequence[Column]]
"""The declared columns of the thing of this name, seen from this domain; none for what no shelf holds."""


def declared_leaks(domain: str, columns: Sequence[Column], problem: Outcome, columns_of: Columns) -> dict[str, str]:
    """Feature → why it must not be learned from, of the declared `columns` of a feature set of `domain`.

    A column knows the outcome when it is declared `known="after"`, when it bears a name that the problem refuses, or
    when it is made `of` such a column, however many tables lie between. One that is declared `known="before"` does
    not, whatever it is made of: it promises to be made of what had been decided before its case.
    """
    found = {}
    for column in columns:
        if column.name in problem.not_features or column.kind in ("day", "moment"):
            continue
        path = _path(domain, column, (), problem, columns_of)
        if path:
            found[column.name] = " ← ".join(path)
    return found


def suspects(history: pd.DataFrame, problem: Outcome) -> dict[str, float]:
    """Feature → how well it alone tells the decided cases apart (area under the ROC curve), of those above suspicion.

    A column counts by its values or by having one at all, whichever tells more; texts by how often the outcome came
    about in the other cases with that value. Raises TooLittleHistory and UnusableHistory.
    """
    told = decided(history, problem)
    came, features = outcomes(told, problem), features_in(told, problem)
    if min((came == 1).sum(), (came == 0).sum()) < LEAST_OF_A_CLASS:
        return {}
    plain = features.of(told)
    told_by = {name: _separates(came, _as_number(plain[name], came)) for name in features.names}
    return {name: value for name, value in told_by.items() if value > problem.implausible}


def _path(domain: str, column: Column, seen: tuple[str, ...], problem: Outcome, columns_of: Columns) -> list[str]:
    """The columns from `column` down to one that is known only after the outcome; empty when there is none."""
    if column.meaning.known == "before":
        return []
    if column.meaning.known == "after":
        return [f"{column.name} (known only after the outcome)"]
    if seen and column.name in problem.refused:
        return [f"{column.name} (refused)"]
    for source in column.meaning.of:
        if source in seen:
            continue
        there, thing, name = place_of(source, domain)
        for below in columns_of(there, thing):
            if below.name == name and (path := _path(there, below, (*seen, source), problem, columns_of)):
                return [column.name, f"{thing}.{path[0]}", *path[1:]]
    return []


def _as_number(values: "pd.Series[float]", came: Matrix) -> Matrix:
    """Numbers as they are; of texts, how often it came about in every other case of the same text, the case's apart."""
    if values.dtype.kind == "f":
        return np.asarray(values, float)
    rows = pd.DataFrame({"text": values.fillna("").to_numpy(), "half": np.arange(len(came)) % 2, "came": came})
    rates = rows.groupby(["text", "half"])["came"].mean()
    other = pd.MultiIndex.from_arrays([rows["text"], 1 - rows["half"]])
    return np.asarray(rates.reindex(other).fillna(came.mean()), float)


def _separates(came: Matrix, values: Matrix) -> float:
    missing = np.isnan(values)
    ways = [auc(came, missing.astype(float))]
    there = came[~missing]
    if min((there == 1).sum(), (there == 0).sum()) >= LEAST_OF_A_CLASS:
        ways.append(auc(there, values[~missing]))
    return max(max(way, 1 - way) for way in ways)
