"""What all classifiers around a scikit-learn estimator do: encode, tune, calibrate, save and load.

The estimators themselves, and what of them is tuned, are in their own modules.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from s2p_assets.learning.classifiers.calibration import Calibration, calibrated_on
from s2p_assets.learning.classifying.cases import Features, features_in, outcomes, tells_both
from s2p_assets.learning.classifying.probabilities import log_losses
from s2p_assets.learning.classifying.time_folds import folds
from s2p_assets.learning.estimator_files import read_estimator, write_estimator
from s2p_assets.learning.forecasting.series import Matrix, TooLittleHistory
from s2p_assets.learning.model import Outcome
from s2p_assets.learning.plain_files import fitted_problem, read_plain, write_plain

if TYPE_CHECKING:
    from optuna import Trial

Settings = Mapping[str, Any]
INNER_FOLDS = 3
ESTIMATOR_FILE = "estimator.skops"
TRUSTED_TYPES = frozenset(
    {
        "numpy.dtype",
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.tree._tree.Tree",
    }
)


@dataclass(frozen=True)
class Tuned:
    """A scikit-learn classifier whose settings are tuned, and whose probabilities are calibrated, on inner folds.

    `columns`: the features to learn from, by default all. `trials`: how many settings are tried, the usual ones
    first; with one, those are taken. `calibrated`: without, its probabilities are taken as they are, where a history
    is too short to calibrate on. The inner folds are time-ordered as the outer ones and lie within the cases that
    `fit` is given; settings are chosen by their log loss there, and the calibration is fitted on those probabilities.
    With too few cases for inner folds, the usual settings are taken as they are.
    """

    columns: Sequence[str] = ()
    trials: int = 8
    calibrated: bool = True
    seed: int = 0
    problem: Outcome | None = field(default=None, repr=False)
    features: Features = field(default=Features((), ()), repr=False)
    settings: Settings = field(default_factory=dict, repr=False)
    calibration: Calibration = field(default=Calibration(), repr=False)
    estimator: Any = field(default=None, repr=False, compare=False)

    @abstractmethod
    def usual(self) -> Settings:
        """The settings that are tried first."""

    @abstractmethod
    def suggested(self, trial: "Trial") -> Settings:
        """Settings within their bounds, as the tuner has them."""

    @abstractmethod
    def encoder(self, features: Features) -> Any:
        """A scikit-learn transformer of `Features.of` into numbers."""

    @abstractmethod
    def unfitted(self, settings: Settings) -> Any:
        """A scikit-learn classifier of what was encoded."""

    def fit(self, cases: pd.DataFrame, problem: Outcome) -> Self:
        import sklearn.ensemble  # noqa: F401  # its OpenMP can be bound to one thread only once it is loaded
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

        if not tells_both(cases, problem):
            raise TooLittleHistory(f"{len(cases)} decided cases: too few of both outcomes to learn from")
        features = _varied(features_in(cases, problem, only=tuple(self.columns)), cases)
        unfitted = replace(self, problem=problem, features=features)
        with threadpool_limits(1):
            settings, calibration = unfitted._tuned(cases, problem)
            estimator = unfitted._fitted(settings, cases, problem)
        return replace(unfitted, settings=settings, calibration=calibration, estimator=estimator)

    def probability(self, cases: pd.DataFrame) -> Matrix:
        fitted_problem(self.problem)
        return self.calibration.of(np.asarray(self.estimator.predict_proba(self.features.of(cases))[:, 1], float))

    def save(self, folder: Path) -> None:
        write_plain(
            folder,
            self,
            self.problem,
            numbers=list(self.features.numbers),
            categories=list(self.features.categories),
            settings=dict(self.settings),
            calibration=[self.calibration.slope, self.calibration.intercept],
        )
        write_estimator(folder / ESTIMATOR_FILE, self.estimator)

    @classmethod
    def load(cls, folder: Path) -> Self:
        parameters, problem, fitted = read_plain(folder)
        return cls(
            **parameters,
            problem=problem,
            features=Features(tuple(fitted["numbers"]), tuple(fitted["categories"])),
            settings=fitted["settings"],
            calibration=Calibration(*fitted["calibration"]),
            estimator=read_estimator(folder / ESTIMATOR_FILE, TRUSTED_TYPES, "classifier"),
        )

    def _tuned(self, cases: pd.DataFrame, problem: Outcome) -> tuple[Settings, Calibration]:
        """The settings with the lowest log loss on the inner folds, and the calibration on what they predict there."""
        if self.trials <= 1 and not self.calibrated:
            return self.usual(), Calibration()
        try:
            inner = list(folds(cases, replace(problem, folds=INNER_FOLDS, every=None)))
        except TooLittleHistory:
            return self.usual(), Calibration()
        actual = np.concatenate([outcomes(test, problem) for _, _, test in inner])
        encoded = [self._encoded(known, test, problem) for _, known, test in inner]

        def predict(settings: Settings) -> Matrix:
            both = [self.unfitted(settings).fit(known, ended).predict_proba(test) for known, ended, test in encoded]
            return np.concatenate([found[:, 1] for found in both])

        settings, there = _best(self.usual(), self.suggested, predict, actual, self.trials, self.seed)
        return settings, calibrated_on(there, actual) if self.calibrated else Calibration()

    def _encoded(self, known: pd.DataFrame, test: pd.DataFrame, problem: Outcome) -> tuple[Matrix, Matrix, Matrix]:
        """Of a fold the known cases in numbers, their outcomes, and the cases to test in numbers: once for all."""
        features = _varied(self.features, known)  # fewer than `self.features` where a fold's cases are older
        encoder = self.encoder(features)
        return encoder.fit_transform(features.of(known)), outcomes(known, problem), encoder.transform(features.of(test))

    def _fitted(self, settings: Settings, cases: pd.DataFrame, problem: Outcome) -> Any:
        from sklearn.pipeline import make_pipeline

        estimator = make_pipeline(self.encoder(self.features), self.unfitted(settings))
        return estimator.fit(self.features.of(cases), outcomes(cases, problem))


def _best(
    usual: Settings,
    suggested: Callable[["Trial"], Settings],
    predict: Callable[[Settings], Matrix],
    actual: Matrix,
    trials: int,
    seed: int,
) -> tuple[Settings, Matrix]:
    """Of the usual settings and those that the tuner tries, the best by log loss, and the probabilities with them."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=max(trials // 2, 1)))
    study.enqueue_trial(dict(usual))
    found: dict[int, tuple[Settings, Matrix]] = {}

    def loss_of(trial: "Trial") -> float:
        settings = suggested(trial)
        found[trial.number] = settings, predict(settings)
        return round(float(log_losses(actual, found[trial.number][1]).mean()), 9)

    study.optimize(loss_of, n_trials=max(trials, 1))
    return found[study.best_trial.number]


def _varied(features: Features, cases: pd.DataFrame) -> Features:
    """The features with more than one value; the others say nothing, and an empty column upsets estimators."""
    names = {name for name in features.names if cases[name].nunique(dropna=False) > 1 and cases[name].notna().any()}
    return Features(
        tuple(name for name in features.numbers if name in names),
        tuple(name for name in features.categories if name in names),
    )
