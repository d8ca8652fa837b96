"""Gradient boosting on encoded features. Tuning and calibration are in `tuned.py`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import pandas as pd

from s2p_assets.learning.classification.cases import FeatureColumns
from s2p_assets.learning.classification.models.encoding import Encoding, unscaled
from s2p_assets.learning.classification.models.predictors import BoostedTrees, Predictor
from s2p_assets.learning.classification.models.tuned import Settings, Tuned

if TYPE_CHECKING:
    from optuna import Trial


@dataclass(frozen=True)
class Boosting(Tuned):
    """scikit-learn's HistGradientBoostingClassifier; trees, learning rate, leaves and their size are tuned."""

    predicts_by: ClassVar[type[Predictor]] = BoostedTrees

    def default_settings(self) -> Settings:
        return {"trees": 60, "rate": 0.05, "leaves": 7, "leaf": 60}

    def suggest_settings(self, trial: "Trial") -> Settings:
        return {
            "trees": trial.suggest_int("trees", 20, 200, log=True),
            "rate": trial.suggest_float("rate", 0.01, 0.2, log=True),
            "leaves": trial.suggest_int("leaves", 2, 31, log=True),
            "leaf": trial.suggest_int("leaf", 10, 200, log=True),
        }

    def encoder(self, features: FeatureColumns, cases: pd.DataFrame) -> Encoding:
        return unscaled(features, cases)

    def new_estimator(self, settings: Settings) -> Any:
        from sklearn.ensemble import HistGradientBoostingClassifier

        return HistGradientBoostingClassifier(
            max_iter=settings["trees"],
            learning_rate=settings["rate"],
            max_leaf_nodes=settings["leaves"],
            min_samples_leaf=settings["leaf"],
            l2_regularization=1.0,
            early_stopping=False,
            random_state=self.seed,
        )
