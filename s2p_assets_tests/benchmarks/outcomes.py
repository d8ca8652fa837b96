"""How good what comes into service is on made sets of outcomes, against the base rate: python -m … --seeds 2

The sets are in `outcome_sets.py`; nothing in the product was shaped on them. A ratio of 1 is the base rate's log loss.
"""

import argparse
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from s2p_assets.contracts.model import Classifier, Contest, Model
from s2p_assets.learning.classification.cases import decided_cases
from s2p_assets.learning.classification.leaks import find_leaks
from s2p_assets.learning.classification.metrics import log_losses
from s2p_assets.learning.classification.models.base_rate import BaseRate
from s2p_assets.learning.classification.models.boosting import Boosting
from s2p_assets.learning.classification.models.logistic import Logistic
from s2p_assets.learning.classification.time_folds import predict_probabilities
from s2p_assets.learning.forecasting.series import TooLittleHistory
from s2p_assets.learning.selection.champion import choose_champion
from s2p_assets.learning.selection.promotion import promote
from s2p_assets.learning.training import train
from s2p_assets.learning.versions import ModelVersion
from s2p_assets_tests.benchmarks.outcome_sets import SETS, TASK, OutcomeSet

CANDIDATES: dict[str, Classifier] = {
    "base_rate": BaseRate(),
    "logistic": Logistic(trials=2),
    "boosting": Boosting(trials=1),
    "boosting_plain": Boosting(columns=("score", "kind"), trials=1, calibrated=False),
}


def judge(losses: pd.DataFrame, incumbent: str | None) -> str:
    return choose_champion(losses, incumbent)


judge.__module__ = "shelves.models.made_champion"
CONTEST = Contest(judge, "", features="cases", task=TASK, baselines=("base_rate",), min_new_share=0.01)


@dataclass(frozen=True)
class Judged:
    """What came into service, and its log loss on later cases beside the base rate's; `leaks`: falsely named ones."""

    service: str
    ratio: float
    reliability: float
    band: float
    leaks: int


def judged(one: OutcomeSet) -> Judged:
    """The champion of the candidates on what was known, measured on what began later."""
    versions = {
        name: made for name, learner in CANDIDATES.items() if (made := _version(name, learner, one)) is not None
    }
    champion = promote(CONTEST, versions).champion
    known, actual = decided_cases(one.known, TASK), one.later["came"].to_numpy(float)
    told = predict_probabilities(champion.model.learner, one.later, champion.task)  # type: ignore[arg-type]
    plain = np.full(len(actual), known["came"].mean())
    return Judged(
        service=champion.model_name,
        ratio=float(log_losses(actual, told).mean() / log_losses(actual, plain).mean()),
        reliability=float(told.mean() - actual.mean()),
        band=float(2 * np.sqrt((told * (1 - told)).sum()) / len(told)),
        leaks=len(find_leaks(one.known, TASK)),
    )


def _version(name: str, learner: Classifier, one: OutcomeSet) -> ModelVersion[Any] | None:
    def build() -> Classifier:
        return learner

    build.__module__ = f"shelves.models.made_{name}"
    try:
        return train(
            Model(build, "", contest="made_champion"),
            CONTEST,
            one.known,
            feature_version="1",
            trained_at=pd.Timestamp("2026-01-01", tz="UTC").to_pydatetime(),
            run_id="1",
        )
    except TooLittleHistory:
        return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--only", nargs="*", default=list(SETS))
    asked = parser.parse_args()
    for name in asked.only:
        for seed in range(asked.seeds):
            found = judged(SETS[name](seed))
            off = f"{found.reliability:+.3f} (±{found.band:.3f})"
            print(f"{name:26} {seed} {found.service:15} {found.ratio:.3f}  told − came {off}  leaks {found.leaks}")


if __name__ == "__main__":
    main()
