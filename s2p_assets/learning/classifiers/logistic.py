"""Logistic regression on encoded features. Tuning and calibration are in `tuned.py`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from s2p_assets.learning.classifiers.encoding import scaled
from s2p_assets.learning.classifiers.tuned import Settings, Tuned
from s2p_assets.learning.classifying.cases import Features

if TYPE_CHECKING:
    from optuna import Trial


@dataclass(frozen=True)
class Logistic(Tuned):
    """scikit-learn's LogisticRegression; `c`, the inverse of how strongly coefficients are drawn to 0, is tuned."""

    def usual(self) -> Settings:
        return {"c": 0.1}

    def suggested(self, trial: "Trial") -> Settings:
        return {"c": trial.suggest_float("c", 1e-4, 10.0, log=True)}

    def encoder(self, features: Features) -> Any:
        return scaled(features)

    def unfitted(self, settings: Settings) -> Any:
        from sklearn.linear_model import LogisticRegression

        return LogisticRegression(C=settings["c"], max_iter=500)
