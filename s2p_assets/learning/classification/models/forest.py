"""A random forest on encoded features. Tuning and calibration are in `tuned.py`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import pandas as pd

from s2p_assets.learning.classification.cases import FeatureColumns
from s2p_assets.learning.classification.models.encoding import Encoding, unscaled
from s2p_assets.learning.classification.models.predictors import AveragedTrees, Predictor
from s2p_assets.learning.classification.models.tuned import Settings, Tuned

if TYPE_CHECKING:
    from optuna import Trial


@dataclass(frozen=True)
class Forest(Tuned):
    """scikit-learn's RandomForestClassifier of `trees`; the size of leaves and the share of features are tuned."""

    trees: int = 100

    predicts_by: ClassVar[type[Predictor]] = AveragedTrees

    def default_settings(self) -> Settings:
        return {"leaf": 30, "share": 0.4}

    def suggest_settings(self, trial: "Trial") -> Settings:
        return {
            "leaf": trial.suggest_int("leaf", 5, 200, log=True),
            "share": trial.suggest_float("share", 0.1, 1.0),
        }

    def encoder(self, features: FeatureColumns, cases: pd.DataFrame) -> Encoding:
        return unscaled(features, cases)

    def new_estimator(self, settings: Settings) -> Any:
        from sklearn.ensemble import RandomForestClassifier

        return RandomForestClassifier(
            n_estimators=self.trees,
            min_samples_leaf=settings["leaf"],
            max_features=settings["share"],
            random_state=self.seed,
            n_jobs=1,  # in threads of its own it would lose, and complain of, the warning filters of the thread above
        )
