"""Columns that know the outcome before it was decided: found by their declarations, and by their AUC alone.

What a case is and which columns are its features is in `cases.py`; refusing a model that would learn from a leak is
for `graph/`.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from s2p_assets.contracts.columns import Column, parse_column_path
from s2p_assets.contracts.model import ClassificationTask
from s2p_assets.learning.classification.cases import (
    MIN_CASES_OF_A_CLASS,
    decided_cases,
    feature_columns_of,
    outcome_values,
)
from s2p_assets.learning.classification.metrics import auc
from s2p_assets.learning.forecasting.series import Matrix

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


def suspects(history: pd.DataFrame, task: ClassificationTask) -> dict[str, float]:
    """Feature → how well it alone separates the decided cases (area under the ROC curve), of those above suspicion.

    A column counts by its values or by having one at all, whichever separates better; texts by the share of positive
    outcomes in the other half of the cases. Raises TooLittleHistory and UnusableHistory.
    """
    cases = decided_cases(history, task)
    actual, features = outcome_values(cases, task), feature_columns_of(cases, task)
    if min((actual == 1).sum(), (actual == 0).sum()) < MIN_CASES_OF_A_CLASS:
        return {}
    plain = features.encode(cases)
    auc_by_feature = {name: _separates(actual, _as_number(plain[name], actual)) for name in features.names}
    return {name: value for name, value in auc_by_feature.items() if value > task.implausible}


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


def _as_number(values: "pd.Series[float]", actual: Matrix) -> Matrix:
    """Numbers as they are; of texts, the share of positive outcomes in the other half with that text."""
    if values.dtype.kind == "f":
        return np.asarray(values, float)
    rows = pd.DataFrame({"text": values.fillna("").to_numpy(), "half": np.arange(len(actual)) % 2, "actual": actual})
    rates = rows.groupby(["text", "half"])["actual"].mean()
    other = pd.MultiIndex.from_arrays([rows["text"], 1 - rows["half"]])
    return np.asarray(rates.reindex(other).fillna(actual.mean()), float)


def _separates(actual: Matrix, values: Matrix) -> float:
    missing = np.isnan(values)
    ways = [auc(actual, missing.astype(float))]
    there = actual[~missing]
    if min((there == 1).sum(), (there == 0).sum()) >= MIN_CASES_OF_A_CLASS:
        ways.append(auc(there, values[~missing]))
    return max(max(way, 1 - way) for way in ways)
