"""Promises of plain trees: the same numbers as scikit-learn to the last bit, and nothing led out of the arrays."""

import datetime as dt
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from s2p_assets.contracts.model import Model
from s2p_assets.learning.classification.cases import FeatureColumns
from s2p_assets.learning.classification.models.boosting import Boosting as BoostedOdds
from s2p_assets.learning.classification.models.encoding import Encoding, encoding_of_json, scaled, unscaled
from s2p_assets.learning.classification.models.forest import Forest
from s2p_assets.learning.classification.models.logistic import Logistic
from s2p_assets.learning.classification.models.mean import Mean
from s2p_assets.learning.classification.models.predictors import (
    AveragedTrees,
    BoostedTrees,
    LinearOdds,
    Predictor,
    expit,
)
from s2p_assets.learning.classification.models.tuned import Tuned
from s2p_assets.learning.fitted_trees import boosted_trees
from s2p_assets.learning.forecasting.models.boosting import FORMER_FILES, Boosting, _former_trees
from s2p_assets.learning.forecasting.models.combination import Combination
from s2p_assets.learning.forecasting.models.smoothing import Smoothing
from s2p_assets.learning.forecasting.series import Matrix
from s2p_assets.learning.registry.learner_files import ModelDamaged
from s2p_assets.learning.registry.version_files import write_version
from s2p_assets.learning.training import train
from s2p_assets.learning.trees import Trees, joined_trees, trees_of_arrays
from s2p_assets.models.retail_demand_champion import demand_champion
from s2p_assets_tests.learning.cases import DEALS, deals
from s2p_assets_tests.learning.histories import WEEKLY, seasonal

SEEDS = range(8)


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """OpenMP's threads spin for each other where other tests are at work."""
    import sklearn.ensemble  # noqa: F401  # its OpenMP can be bound to one thread only once it is loaded
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    with threadpool_limits(1):
        yield


def drawn(seed: int) -> tuple[Matrix, Matrix, Matrix]:
    """Rows with ties and missing values, an outcome that hangs on them, and further rows that end at infinity."""
    random = np.random.default_rng(seed)
    rows, columns = int(random.integers(60, 2500)), int(random.integers(1, 10))
    known = random.normal(size=(rows, columns))
    known = np.round(known, 1) if seed % 2 else known
    known[random.random(known.shape) < 0.1] = np.nan
    outcome = (np.nan_to_num(known[:, 0]) + random.normal(size=rows) > 0).astype(float)
    odd = [np.full((1, columns), value) for value in (np.nan, 1e30, -1e30, 0.0)]
    return known, outcome, np.concatenate([known, random.normal(size=(700, columns)), *odd])


def fitted_boosting(seed: int, known: Matrix, outcome: Matrix) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(
        max_iter=1 + 4 * seed, max_leaf_nodes=2 + 11 * seed, min_samples_leaf=5 + seed, early_stopping=False
    ).fit(known, outcome)


def fitted_forest(seed: int, known: Matrix, outcome: Matrix) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(5 + seed, min_samples_leaf=1 + 4 * seed, random_state=seed).fit(known, outcome)


def fitted_logistic(seed: int, known: Matrix, outcome: Matrix) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=10.0 ** (seed - 4)).fit(known, outcome)


FITTED: dict[str, tuple[Callable[[int, Matrix, Matrix], Any], type[Predictor]]] = {
    "boosting": (fitted_boosting, BoostedTrees),
    "forest": (fitted_forest, AveragedTrees),
    "logistic": (fitted_logistic, LinearOdds),
}


@pytest.mark.parametrize("kind", FITTED)
@pytest.mark.parametrize("seed", SEEDS)
def test_plain_arrays_say_what_scikit_learn_says_to_the_last_bit(kind: str, seed: int) -> None:
    fit, plain = FITTED[kind]
    known, outcome, rows = drawn(seed)
    if kind == "logistic":
        known, rows = np.nan_to_num(known), np.nan_to_num(rows)
    estimator = fit(seed, known, outcome)
    width = known.shape[1]
    predictor = plain.of_fitted(estimator, width)
    again = plain.of_arrays(predictor.as_arrays(), width)
    for found in (predictor, again):
        assert np.array_equal(found.probability(rows), estimator.predict_proba(rows)[:, 1])


@pytest.mark.parametrize("seed", SEEDS)
def test_demand_by_plain_trees_is_that_of_scikit_learn_to_the_last_bit(seed: int) -> None:
    from sklearn.ensemble import HistGradientBoostingRegressor

    known, _, rows = drawn(seed)
    random = np.random.default_rng(seed)
    demand = random.poisson(np.exp(np.nan_to_num(known[:, 0])))
    regressors = [
        HistGradientBoostingRegressor(loss="poisson", max_iter=9, max_leaf_nodes=leaves, early_stopping=False).fit(
            known, demand + 1, sample_weight=random.random(len(known))
        )
        for leaves in (3, 15, 60)
    ]
    trees = joined_trees(boosted_trees(one, known.shape[1]) for one in regressors)
    found = np.exp(trees.sums(rows))
    for at, regressor in enumerate(regressors):
        assert np.array_equal(found[:, at], regressor.predict(rows))


def test_probabilities_of_log_odds_are_those_of_scipy_to_the_last_bit() -> None:
    from scipy.special import expit as theirs

    random = np.random.default_rng(1)
    odds = np.concatenate([random.normal(0, 5, 20_000), random.uniform(-800, 800, 5_000), [0.0, np.inf, -np.inf]])
    assert np.array_equal(expit(odds), theirs(odds))


def cases_of(seed: int, rows: int = 300) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    texts = random.choice([*"abcdefgh", None], rows, p=[0.3, 0.2, 0.15, 0.1, 0.1, 0.05, 0.02, 0.02, 0.06])
    number = pd.Series(random.normal(5, 3, rows)).mask(random.random(rows) < 0.1)
    return pd.DataFrame({"size": random.normal(size=rows), "price": number, "kind": texts, "two": texts == "a"})


FEATURES = FeatureColumns(("size", "price", "two"), ("kind",))


def pipeline(linear: bool, estimator: Any) -> Any:
    """As s2p 0.1.0 made it."""
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    filled = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    categories = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=20, sparse_output=False)
    encoder = ColumnTransformer(
        [
            ("numbers", filled if linear else "passthrough", list(FEATURES.numbers)),
            ("categories", categories, list(FEATURES.categories)),
        ]
    )
    return make_pipeline(encoder, estimator)


@pytest.mark.parametrize("seed", SEEDS)
def test_features_are_encoded_as_scikit_learn_encodes_them(seed: int) -> None:
    from sklearn.base import BaseEstimator

    known, asked = cases_of(seed), cases_of(seed + 100, 80).assign(kind=lambda rows: rows["kind"].replace("b", "new"))
    for linear, encode in ((False, unscaled), (True, scaled)):
        theirs = pipeline(linear, BaseEstimator())[0].fit(FEATURES.encode(known)).transform(FEATURES.encode(asked))
        ours = encode(FEATURES, known)
        assert encoding_of_json(ours.as_json()) == ours
        found = ours.apply(asked)
        assert found.shape == (len(asked), ours.width)
        order = [
            np.flatnonzero((np.isclose(found, column[:, None], equal_nan=True)).all(axis=0)) for column in theirs.T
        ]
        assert found.shape == theirs.shape
        assert all(len(same) for same in order)


@pytest.mark.parametrize("kind", [BoostedOdds, Forest, Logistic])
def test_a_classifier_that_s2p_0_1_0_stored_says_the_same(kind: type[Tuned], tmp_path: Path) -> None:
    import skops.io

    known, asked = cases_of(1), cases_of(2)
    learner = kind(trials=1)
    fitted = pipeline(kind is Logistic, learner.new_estimator(learner.default_settings()))
    fitted.fit(FEATURES.encode(known), (known["size"] > 0).astype(float))
    skops.io.dump(fitted, tmp_path / "estimator.skops")
    encoding, predictor = kind._former(tmp_path)
    assert isinstance(encoding, Encoding)
    assert np.array_equal(
        predictor.probability(encoding.apply(asked)), fitted.predict_proba(FEATURES.encode(asked))[:, 1]
    )


def test_a_boosting_that_s2p_0_1_0_stored_is_read_without_scikit_learn(tmp_path: Path) -> None:
    import skops.io
    from sklearn.ensemble import HistGradientBoostingRegressor

    known, outcome, rows = drawn(3)
    regressors = [
        HistGradientBoostingRegressor(loss="poisson", max_iter=trees, early_stopping=False).fit(known, outcome + 1)
        for trees in (4, 4)
    ]
    for at, regressor in enumerate(regressors):
        skops.io.dump(regressor, tmp_path / FORMER_FILES.format(at))
    found = np.exp(_former_trees(tmp_path, 2, known.shape[1]).sums(rows))
    assert all(np.array_equal(found[:, at], one.predict(rows)) for at, one in enumerate(regressors))
    damaged = tmp_path / FORMER_FILES.format(1)
    damaged.write_bytes(damaged.read_bytes()[:500])
    with pytest.raises(ModelDamaged, match=r"boosting-1\.skops.*train the model again"):
        _former_trees(tmp_path, 2, known.shape[1])


TREE = {
    "feature": [0, -1, 1, -1, -1],
    "threshold": [0.5, 0.0, 1.5, 0.0, 0.0],
    "left": [1, 0, 3, 0, 0],
    "right": [2, 0, 4, 0, 0],
    "missing_left": [1, 0, 0, 0, 0],
    "value": [0.0, 1.0, 0.0, 2.0, 3.0],
    "roots": [0],
    "begins": [10.0],
}


def tree(**changed: list[float]) -> Trees:
    whole = ("feature", "left", "right", "missing_left", "roots")
    arrays = {name: np.array(values, int if name in whole else float) for name, values in (TREE | changed).items()}
    return trees_of_arrays(arrays, 2)


def test_a_row_goes_left_at_most_at_the_threshold_and_missing_values_where_they_did() -> None:
    rows = np.array([[0.5, 9.0], [0.6, 1.5], [0.6, 2.0], [0.6, np.nan], [np.nan, 0.0]])
    assert tree().sums(rows)[:, 0].tolist() == [11.0, 12.0, 13.0, 13.0, 11.0]


@pytest.mark.parametrize(
    "changed",
    [
        {"left": [5, 0, 3, 0, 0]},
        {"left": [-1, 0, 3, 0, 0]},
        {"left": [0, 0, 3, 0, 0]},
        {"right": [2, 0, 3, 0, 0]},
        {"right": [2, 0, 2, 0, 0]},
        {"feature": [2, -1, 1, -1, -1]},
        {"feature": [-2, -1, 1, -1, -1]},
        {"feature": [0, -1, -1, -1, -1]},
        {"threshold": [np.nan, 0.0, 1.5, 0.0, 0.0]},
        {"value": [0.0, np.inf, 0.0, 2.0, 3.0]},
        {"value": [0.0, 1.0]},
        {"roots": [1]},
        {"roots": []},
        {"roots": [0, 2]},
        {"roots": [0, 9]},
        {"begins": []},
        {"begins": [1.0, 2.0]},
        {"begins": [np.nan]},
        {"more": [1.0]},
    ],
)
def test_trees_that_lead_out_of_their_arrays_are_refused(changed: dict[str, list[float]]) -> None:
    with pytest.raises(ValueError, match="tree"):
        tree(**changed)


SAYS_WHAT_IT_LOADS = """
import sys
from pathlib import Path
import pandas as pd
from s2p_assets.learning.registry.version_files import read_version
from s2p_assets.learning.serving import SERVICES
from s2p_assets.learning.monitoring.drift import measure_drift, summarize_columns
from s2p_assets.learning.selection.paired_test import paired_test
from s2p_assets.learning.versions import Champion
folder = Path(sys.argv[1])
for name in ("demand", "odds"):
    history = pd.read_parquet(folder / f"{name}.parquet")
    made = read_version(folder / name, (folder / f"{name}.digest").read_text(), ("s2p_assets.learning",))
    service = SERVICES[type(made.task)]
    assert len(service.predict(Champion("shop", name, made, "", made.scores), history, {}, None))
    service.recent_performance(made, history)
    columns = [column for column in history if history[column].dtype.kind == "f"]
    measure_drift(summarize_columns(history, columns), history)
    paired_test(pd.concat([made.losses, made.losses.assign(model="other")]), name, "other")
print([name for name in ("sklearn", "skops", "scipy", "optuna", "threadpoolctl", "prophet") if name in sys.modules])
"""


def test_stored_models_serve_without_the_libraries_that_fitted_them(tmp_path: Path) -> None:
    """Read, predict, watch errors and drift, and be compared: as every run does from the features to the outlook."""
    demand = Combination((Boosting(trees=3), Smoothing()))
    odds = Mean((Logistic(trials=1), BoostedOdds(trials=1), Forest(trees=5, trials=1)))
    tasks: dict[str, tuple[Any, Any, pd.DataFrame]] = {
        "demand": (demand, WEEKLY, seasonal(3, 60)),
        "odds": (odds, DEALS, deals()),
    }
    for name, (learner, task, history) in tasks.items():

        def build(learner: Any = learner) -> Any:
            return learner

        build.__module__ = f"shelves.models.shop_{name}"
        model, contest = Model(build=build, owner="", contest="champion"), replace(demand_champion, task=task)
        made = train(model, contest, history, feature_version="f", trained_at=dt.datetime.now(dt.UTC), run_id="r")
        (tmp_path / f"{name}.digest").write_text(write_version(tmp_path / name, made))
        history.to_parquet(tmp_path / f"{name}.parquet")
    code = [sys.executable, "-c", SAYS_WHAT_IT_LOADS, str(tmp_path)]
    done = subprocess.run(code, capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.returncode) == ("[]", 0), done.stderr
