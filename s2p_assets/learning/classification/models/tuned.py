"""What all classifiers around a scikit-learn estimator do: encode, tune, calibrate, save and load.

The estimators themselves, and what of them is tuned, are in their own modules. scikit-learn fits them; what predicts
are plain arrays, and a stored model is read without it.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import pandas as pd

from s2p_assets.contracts.model import ClassificationTask
from s2p_assets.learning.classification.cases import (
    FeatureColumns,
    feature_columns_of,
    has_both_classes,
    outcome_values,
)
from s2p_assets.learning.classification.metrics import log_losses
from s2p_assets.learning.classification.models.calibration import Calibration, fit_calibration
from s2p_assets.learning.classification.models.encoding import Encoding, encoding_of_json
from s2p_assets.learning.classification.models.fitted_pipelines import encoding_of_pipeline
from s2p_assets.learning.classification.models.predictors import Predictor
from s2p_assets.learning.classification.time_folds import time_folds
from s2p_assets.learning.forecasting.series import Matrix, TooLittleHistory
from s2p_assets.learning.registry.array_files import read_arrays, write_arrays
from s2p_assets.learning.registry.learner_files import FILE as LEARNER_FILE
from s2p_assets.learning.registry.learner_files import ModelDamaged, NotFitted, read_learner, write_learner
from s2p_assets.learning.registry.skops_files import read_estimator

if TYPE_CHECKING:
    from optuna import Trial

Settings = Mapping[str, Any]
INNER_FOLDS = 3
ARRAYS_FILE, FORMER_FILE = "estimator.npz", "estimator.skops"


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
    task: ClassificationTask | None = field(default=None, repr=False)
    features: FeatureColumns = field(default=FeatureColumns((), ()), repr=False)
    settings: Settings = field(default_factory=dict, repr=False)
    calibration: Calibration = field(default=Calibration(), repr=False)
    encoding: Encoding | None = field(default=None, repr=False, compare=False)
    predictor: Predictor | None = field(default=None, repr=False, compare=False)

    predicts_by: ClassVar[type[Predictor]]

    @abstractmethod
    def default_settings(self) -> Settings:
        """The settings that are tried first."""

    @abstractmethod
    def suggest_settings(self, trial: "Trial") -> Settings:
        """Settings within their bounds, as the tuner has them."""

    @abstractmethod
    def encoder(self, features: FeatureColumns, cases: pd.DataFrame) -> Encoding:
        """How `features` become numbers, by what they are in `cases`."""

    @abstractmethod
    def new_estimator(self, settings: Settings) -> Any:
        """A scikit-learn classifier of what was encoded."""

    def fit(self, cases: pd.DataFrame, task: ClassificationTask) -> Self:
        import sklearn.ensemble  # noqa: F401  # its OpenMP can be bound to one thread only once it is loaded
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

        if not has_both_classes(cases, task):
            raise TooLittleHistory(f"{len(cases)} decided cases: too few of both outcomes to learn from")
        features = _varied(feature_columns_of(cases, task, only=tuple(self.columns)), cases)
        unfitted = replace(self, task=task, features=features)
        with threadpool_limits(1):
            settings, calibration = unfitted._tuned(cases, task)
            encoding = self.encoder(features, cases)
            fitted = self._fitted(settings, encoding.apply(cases), outcome_values(cases, task))
        return replace(unfitted, settings=settings, calibration=calibration, encoding=encoding, predictor=fitted)

    def probability(self, cases: pd.DataFrame) -> Matrix:
        if self.encoding is None or self.predictor is None:
            raise NotFitted("the model is not fitted; call fit first")
        return self.calibration.apply(self.predictor.probability(self.encoding.apply(cases)))

    def save(self, folder: Path) -> None:
        if self.encoding is None or self.predictor is None:
            raise NotFitted("the model is not fitted; call fit first")
        calibration = [self.calibration.slope, self.calibration.intercept]
        kept = {"encoding": self.encoding.as_json(), "settings": dict(self.settings), "calibration": calibration}
        write_learner(folder, self, self.task, **kept)
        write_arrays(folder / ARRAYS_FILE, self.predictor.as_arrays())

    @classmethod
    def load(cls, folder: Path) -> Self:
        parameters, task, fitted = read_learner(folder)
        encoding, predictor = cls._former(folder) if "encoding" not in fitted else cls._stored(folder, fitted)
        return cls(
            **parameters,
            task=task,
            features=encoding.features,
            settings=fitted["settings"],
            calibration=Calibration(*fitted["calibration"]),
            encoding=encoding,
            predictor=predictor,
        )

    @classmethod
    def _stored(cls, folder: Path, fitted: Mapping[str, Any]) -> tuple[Encoding, Predictor]:
        try:
            encoding = encoding_of_json(fitted["encoding"])
        except (KeyError, TypeError, ValueError) as error:
            raise ModelDamaged(f"{folder / LEARNER_FILE}: {error}; train the model again") from error
        arrays_of = cls.predicts_by.of_arrays
        return encoding, read_arrays(folder / ARRAYS_FILE, lambda arrays: arrays_of(arrays, encoding.width))

    @classmethod
    def _former(cls, folder: Path) -> tuple[Encoding, Predictor]:
        """A model that s2p 0.1.0 stored: the pipeline of encoder and estimator, as scikit-learn has them."""

        def plain(pipeline: Any) -> tuple[Encoding, Predictor]:
            (_, encoder), (_, estimator) = pipeline.steps
            encoding = encoding_of_pipeline(encoder)
            return encoding, cls.predicts_by.of_fitted(estimator, encoding.width)

        return read_estimator(folder / FORMER_FILE, plain)

    def _tuned(self, cases: pd.DataFrame, task: ClassificationTask) -> tuple[Settings, Calibration]:
        """The settings with the lowest log loss on the inner folds, and the calibration on what they predict there."""
        if self.trials <= 1 and not self.calibrated:
            return self.default_settings(), Calibration()
        try:
            inner = list(time_folds(cases, replace(task, folds=INNER_FOLDS, every=None)))
        except TooLittleHistory:
            return self.default_settings(), Calibration()
        actual = np.concatenate([outcome_values(test, task) for _, _, test in inner])
        encoded = [self._encoded(known, test, task) for _, known, test in inner]

        def predict(settings: Settings) -> Matrix:
            fits = ((self._fitted(settings, known, ended), test) for known, ended, test in encoded)
            return np.concatenate([fitted.probability(test) for fitted, test in fits])

        settings, there = _best(self.default_settings(), self.suggest_settings, predict, actual, self.trials, self.seed)
        return settings, fit_calibration(there, actual) if self.calibrated else Calibration()

    def _encoded(
        self, known: pd.DataFrame, test: pd.DataFrame, task: ClassificationTask
    ) -> tuple[Matrix, Matrix, Matrix]:
        """Of a fold the known cases in numbers, their outcomes, and the cases to test in numbers: once for all."""
        features = _varied(self.features, known)  # fewer than `self.features` where a fold's cases are older
        encoding = self.encoder(features, known)
        return encoding.apply(known), outcome_values(known, task), encoding.apply(test)

    def _fitted(self, settings: Settings, rows: Matrix, outcomes: Matrix) -> Predictor:
        return self.predicts_by.of_fitted(self.new_estimator(settings).fit(rows, outcomes), rows.shape[1])


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


def _varied(features: FeatureColumns, cases: pd.DataFrame) -> FeatureColumns:
    """The features with more than one value; the others say nothing, and an empty column upsets estimators."""
    names = {name for name in features.names if cases[name].nunique(dropna=False) > 1 and cases[name].notna().any()}
    return FeatureColumns(
        tuple(name for name in features.numbers if name in names),
        tuple(name for name in features.categories if name in names),
    )
