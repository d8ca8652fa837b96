"""Columns that know the outcome before it was decided, found by how well each separates the cases by itself.

What a case is and which columns are its features is in `cases.py`; what declarations say is for the catalog.
"""

import numpy as np
import pandas as pd

from s2p_assets.contracts.model import ClassificationTask
from s2p_assets.learning.classification.cases import (
    MIN_CASES_OF_A_CLASS,
    decided_cases,
    feature_columns_of,
    outcome_values,
)
from s2p_assets.learning.classification.metrics import auc
from s2p_assets.learning.forecasting.series import Matrix


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
