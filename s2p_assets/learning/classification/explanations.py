"""Explanations: how much each feature adds to the probability of a case, against that of cases in general.

The probabilities are made in `scoring.py`; putting the reasons on a page is for reports.
"""

from collections.abc import Sequence
from typing import cast

import numpy as np
import pandas as pd

from s2p_assets.contracts.model import ClassificationTask, Classifier
from s2p_assets.learning.classification.cases import decided_cases, features_of_cases
from s2p_assets.learning.versions import Champion

PERMUTATIONS = 16
WORTH_A_WORD = 0.5  # points of a hundred


def feature_contributions(
    classifier: Classifier,
    cases: pd.DataFrame,
    background: pd.DataFrame,
    task: ClassificationTask,
    *,
    permutations: int = PERMUTATIONS,
) -> pd.DataFrame:
    """What each feature adds to the probability of each of `cases`: a column per feature, and `usual`.

    `usual` and the features of a row add up to its probability. They are Shapley values over the features, sampled: a
    walk begins at one of the `background` (decided cases) and takes on the features of the case one by one, in an order
    that the next walk reverses; Štrumbelj & Kononenko (2014), antithetic after Mitchell et al. (2022). The same cases
    and walks give the same numbers. 0.04 is four points of a hundred.
    """
    features, usual = (
        features_of_cases(cases, task).reset_index(drop=True),
        features_of_cases(background, task).reset_index(drop=True),
    )
    names, random = list(features.columns), np.random.default_rng(0)
    added = np.zeros((len(features), len(names)))
    started = 0.0
    order = np.arange(len(names))
    for walk in range(permutations):
        order = random.permutation(len(names)) if walk % 2 == 0 else order[::-1]
        at = int(random.integers(len(usual)))
        stages = [usual.iloc[np.full(len(features), at)].reset_index(drop=True)]
        for place in order:
            stages.append(stages[-1].assign(**{names[place]: features[names[place]]}))
        predicted = classifier.probability(pd.concat(stages, ignore_index=True)).reshape(len(stages), len(features))
        added[:, order] += np.diff(predicted, axis=0).T / permutations
        started += float(predicted[0][0]) / permutations if len(features) else 0.0
    return pd.DataFrame(added, columns=names).assign(usual=started)


def explain(champion: Champion[ClassificationTask], cases: pd.DataFrame, history: pd.DataFrame) -> pd.DataFrame:
    """The contributions to the champion's probabilities of `cases`, against the decided cases of `history`."""
    task = champion.task
    return feature_contributions(cast("Classifier", champion.model.learner), cases, decided_cases(history, task), task)


def explanation_sentences(
    found: pd.DataFrame, cases: pd.DataFrame, *, names: dict[str, str] | None = None, most: int = 3
) -> Sequence[str]:
    """The features that add or take most of each case: `for it: product GTX Basic (+6); against it: age 120 (−3)`, in
    points of a hundred.

    `found`: as of `feature_contributions`. `names`: what people call a feature; else its own name. Under half a point
    is not worth a word.
    """
    called = {name: (names or {}).get(name, name.replace("_", " ")) for name in found.columns if name != "usual"}
    values, points = cases.reset_index(drop=True), found[list(called)].to_numpy() * 100
    ranked = np.argsort(-np.abs(points), axis=1, kind="stable")[:, :most]
    columns = list(called)
    sentences = []
    for row, places in enumerate(ranked):
        told: dict[str, list[str]] = {"for it": [], "against it": []}
        for at in places:
            if abs(points[row, at]) >= WORTH_A_WORD:
                what = f"{called[columns[at]]} {_value(values[columns[at]].iloc[row], columns[at])}"
                told["for it" if points[row, at] > 0 else "against it"].append(
                    f"{what} ({points[row, at]:+.0f})".replace("-", "−")
                )
        parts = (f"{side}: {', '.join(words)}" for side, words in told.items() if words)
        sentences.append("; ".join(parts) or "nothing out of the ordinary")
    return sentences


def _value(value: object, feature: str) -> str:
    """As people write it; of a feature whose name ends in `_rate` in per cent."""
    if pd.isna(value):  # type: ignore[call-overload]
        return "unknown"
    if feature.endswith("_rate") and isinstance(value, float | np.floating):
        return f"{value:.0%}".replace("%", " %")
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, float | np.floating):
        return f"{value:,.2f}".rstrip("0").rstrip(".")
    return str(value)
