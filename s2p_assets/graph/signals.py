"""Checks on feature sets that do not gate but ask: should the models learn from what is new?

When a model then runs is decided in `automation`; how much changed is measured in `learning/`.
"""

from pathlib import Path

import dagster as dg
import pandas as pd

from s2p_assets.graph.house import House
from s2p_assets.learning import registry
from s2p_assets.learning.change import fingerprint, rows_not_in
from s2p_assets.learning.feature_set import FeatureSet

SIGNAL = "models_know_enough"


def news_for_models(house: House, declared: FeatureSet, frame: pd.DataFrame, folder: Path) -> dg.AssetCheckResult:
    """Fails when a model on these features has not seen enough of their rows; a failed signal asks for training."""
    now = fingerprint(frame)
    said, asks = {}, False
    for contest in house.contests.values():
        if (contest.domain, contest.features) != (declared.domain, declared.thing):
            continue
        for model in house.candidates(contest):
            known = registry.learned_from(folder, model.domain, model.thing)
            new = len(now) if known is None else rows_not_in(now, known)
            due = known is None or new > contest.news * len(now)
            asks = asks or due
            said[model.thing] = f"{new:,} of {len(now):,} rows are new or changed since it was trained"
    return dg.AssetCheckResult(check_name=SIGNAL, passed=not asks, severity=dg.AssetCheckSeverity.WARN, metadata=said)
