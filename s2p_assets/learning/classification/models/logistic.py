"""Logistic regression on encoded features. Tuning and calibration are in `tuned.py`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import pandas as pd

from s2p_assets.learning.classification.cases import FeatureColumns
from s2p_assets.learning.classification.models.encoding import Encoding, scaled
from s2p_assets.learning.classification.models.predictors import LinearOdds, Predictor
from s2p_assets.learning.classification.models.tuned import Settings, Tuned

if TYPE_CHECKING:
    from optuna import Trial


@dataclass(frozen=True)
class Logistic(Tuned):
    """scikit-learn's LogisticRegression; `c`, the inverse of how strongly coefficients are drawn to 0, is tuned."""

    predicts_by: ClassVar[type[Predictor]] = LinearOdds

    def default_settings(self) -> Settings:
        return {"c": 0.1}

    def suggest_settings(self, trial: "Trial") -> Settings:
        return {"c": trial.suggest_float("c", 1e-4, 10.0, log=True)}

    def encoder(self, features: FeatureColumns, cases: pd.DataFrame) -> Encoding:
        return scaled(features, cases)

    def new_estimator(self, settings: Settings) -> Any:
        from sklearn.linear_model import LogisticRegression

        return LogisticRegression(C=settings["c"], max_iter=500)
