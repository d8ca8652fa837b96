"""Fitted estimators as plain arrays: from encoded features to a probability, without the library that fitted them.

Fitting them is for the models, encoding features for `encoding.py`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np

from s2p_assets.learning.fitted_trees import boosted_trees, forest_trees
from s2p_assets.learning.forecasting.series import Matrix
from s2p_assets.learning.trees import Trees, trees_of_arrays

LARGEST_EXPONENT = 709.78


class Predictor(Protocol):
    """A fitted estimator over encoded features, (cases × width)."""

    def probability(self, rows: Matrix) -> Matrix: ...

    def as_arrays(self) -> dict[str, Any]: ...

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, Any], width: int) -> Self:
        """The reverse of `as_arrays`. Raises ValueError or KeyError when they are not those of such an estimator."""

    @classmethod
    def of_fitted(cls, estimator: Any, width: int) -> Self:
        """Of scikit-learn's estimator, or of an object with its attributes. Raises ValueError or AttributeError."""


@dataclass(frozen=True)
class BoostedTrees:
    """Trees that sum up to the log-odds."""

    trees: Trees

    def probability(self, rows: Matrix) -> Matrix:
        return expit(self.trees.sums(rows)[:, 0])

    def as_arrays(self) -> dict[str, Any]:
        return self.trees.as_arrays()

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, Any], width: int) -> Self:
        return cls(trees_of_arrays(arrays, width))

    @classmethod
    def of_fitted(cls, estimator: Any, width: int) -> Self:
        return cls(boosted_trees(estimator, width))


@dataclass(frozen=True)
class AveragedTrees:
    """Trees whose probabilities are averaged; they see numbers in single precision, as they were fitted."""

    trees: Trees

    def probability(self, rows: Matrix) -> Matrix:
        single = rows.astype(np.float32).astype(np.float64)
        return np.asarray(self.trees.sums(single)[:, 0] / len(self.trees.roots))

    def as_arrays(self) -> dict[str, Any]:
        return self.trees.as_arrays()

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, Any], width: int) -> Self:
        return cls(trees_of_arrays(arrays, width))

    @classmethod
    def of_fitted(cls, estimator: Any, width: int) -> Self:
        return cls(forest_trees(estimator, width))


@dataclass(frozen=True)
class LinearOdds:
    """Log-odds that are linear in the features."""

    coefficients: Matrix
    intercept: Matrix

    def probability(self, rows: Matrix) -> Matrix:
        return expit((rows @ self.coefficients.T + self.intercept)[:, 0])

    def as_arrays(self) -> dict[str, Any]:
        return {"coefficients": self.coefficients, "intercept": self.intercept}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, Any], width: int) -> Self:
        coefficients, intercept = (arrays[name].astype(float) for name in ("coefficients", "intercept"))
        if coefficients.shape != (1, width) or intercept.shape != (1,):
            raise ValueError("its coefficients are not those of its features")
        if not (np.isfinite(coefficients).all() and np.isfinite(intercept).all()):
            raise ValueError("a coefficient is not a number")
        return cls(coefficients, intercept)

    @classmethod
    def of_fitted(cls, estimator: Any, width: int) -> Self:
        return cls.of_arrays({"coefficients": estimator.coef_, "intercept": estimator.intercept_}, width)


def expit(log_odds: Matrix) -> Matrix:
    """1 / (1 + e^−x) bit for bit as SciPy has it; NumPy's own exponential is off in the last place."""
    raised = [math.exp(-one) if -one <= LARGEST_EXPONENT else math.inf for one in log_odds.tolist()]
    return np.asarray(1 / (1 + np.array(raised, float)))
