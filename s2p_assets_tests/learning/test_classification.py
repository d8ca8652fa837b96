"""Promises of classification: nothing from later is known, leaks are refused, and what is said adds up."""

import datetime as dt
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from s2p_assets.catalog.leaks import declared_leaks
from s2p_assets.catalog.loading import load_catalog
from s2p_assets.contracts.columns import Boolean, Date, Number, Row, Text, column, columns_of
from s2p_assets.contracts.model import ClassificationTask, Classifier, Contest, Model
from s2p_assets.learning.classification import metrics as measures
from s2p_assets.learning.classification.cases import decided_cases, features_of_cases
from s2p_assets.learning.classification.explanations import explanation_sentences, feature_contributions
from s2p_assets.learning.classification.leaks import find_leaks
from s2p_assets.learning.classification.metrics import calibration_error, calibration_table, deciles
from s2p_assets.learning.classification.models.base_rate import BaseRate
from s2p_assets.learning.classification.models.boosting import Boosting
from s2p_assets.learning.classification.models.forest import Forest
from s2p_assets.learning.classification.models.group_rate import GroupRate
from s2p_assets.learning.classification.models.known_rate import KnownRate
from s2p_assets.learning.classification.models.logistic import Logistic
from s2p_assets.learning.classification.models.threshold import Threshold
from s2p_assets.learning.classification.scores import metric_intervals
from s2p_assets.learning.classification.scoring import BACKTESTED, OPEN, TRAINED_ON, score_wanted
from s2p_assets.learning.classification.time_folds import backtest_classifier, time_folds
from s2p_assets.learning.forecasting.series import TooLittleHistory, UnusableHistory
from s2p_assets.learning.monitoring.classification_loss import recent_loss
from s2p_assets.learning.registry.learner_files import ModelDamaged
from s2p_assets.learning.registry.version_files import read_version, write_version
from s2p_assets.learning.selection.champion import choose_champion
from s2p_assets.learning.selection.promotion import promote
from s2p_assets.learning.training import train
from s2p_assets.learning.versions import Champion, ModelVersion
from s2p_assets_tests.learning.cases import DEALS, deals

CLASSIFIERS: tuple[Any, ...] = (
    BaseRate(),
    GroupRate(by="agent"),
    Threshold(column="price", at_most=0.0),
    KnownRate(column="price"),
    Logistic(trials=2),
    Forest(trials=2, trees=10),
    Boosting(trials=2),
)
MONDAY = dt.datetime(2025, 2, 3, 6, 30, tzinfo=dt.UTC)


def judge(losses: pd.DataFrame, incumbent: str | None) -> str:
    return choose_champion(losses, incumbent)


judge.__module__ = "shelves.models.shop_deal_champion"
CONTEST = Contest(
    build=judge, owner="", features="deals", task=DEALS, baselines=("deal_base_rate",), min_new_share=0.01
)


def version(
    classifier: Classifier, history: pd.DataFrame, name: str = "deal_model", contest: Contest = CONTEST
) -> ModelVersion[ClassificationTask]:
    def build() -> Classifier:
        return classifier

    build.__module__ = f"shelves.models.shop_{name}"
    made = Model(build=build, owner="", contest="deal_champion")
    return train(made, contest, history, feature_version="f1", trained_at=MONDAY, run_id="run-1")


@pytest.fixture(scope="module")
def logistic() -> ModelVersion[ClassificationTask]:
    return version(Logistic(trials=2), deals(), "deal_logistic")


def test_a_fold_knows_only_what_was_decided_before_the_cases_it_is_tested_on() -> None:
    told = decided_cases(deals(), DEALS)
    for cutoff, known, test in time_folds(told, DEALS):
        assert known["closed"].max() < cutoff <= test["offered"].min()
        assert not set(known["deal"]) & set(test["deal"])


def test_folds_begin_at_the_turn_of_the_period_that_is_asked_for() -> None:
    monthly = ClassificationTask("deal", "offered", "won", "closed", folds=3, every="MS")
    assert [f"{cutoff:%m-%d}" for cutoff, _, _ in time_folds(decided_cases(deals(300), DEALS), monthly)] == [
        "08-01",
        "09-01",
        "10-01",
    ]


def test_no_classifier_is_shown_the_outcome_or_a_refused_column() -> None:
    assert set(features_of_cases(deals(), DEALS).columns) == {"price", "agent"}


@pytest.mark.parametrize("classifier", CLASSIFIERS, ids=lambda one: type(one).__name__)
def test_changing_the_future_changes_no_probability_of_the_past(classifier: Classifier) -> None:
    history = deals()
    before = backtest_classifier(classifier, history, DEALS)
    last = before["cutoff"].max()
    turned = history.assign(won=history["won"].where(~(history["closed"] >= last), ~history["won"]))
    after = backtest_classifier(classifier, turned, DEALS)
    pd.testing.assert_series_equal(before["probability"], after["probability"])


@pytest.mark.parametrize("classifier", CLASSIFIERS, ids=lambda one: type(one).__name__)
def test_a_saved_classifier_comes_back_and_says_the_same(classifier: Any, tmp_path: Path) -> None:
    history = deals()
    fitted = classifier.fit(decided_cases(history, DEALS), DEALS)
    fitted.save(tmp_path)
    loaded = type(classifier).load(tmp_path)
    cases = features_of_cases(history, DEALS)
    assert (loaded.probability(cases) == fitted.probability(cases)).all()
    assert loaded.task == DEALS


def test_a_stored_estimator_that_is_not_of_its_features_is_refused(tmp_path: Path) -> None:
    fitted = Logistic(trials=1).fit(decided_cases(deals(), DEALS), DEALS)
    fitted.save(tmp_path)
    np.savez(tmp_path / "estimator.npz", coefficients=np.ones((1, 2)), intercept=np.zeros(1))
    with pytest.raises(ModelDamaged, match=r"estimator\.npz.*not those of its features"):
        Logistic.load(tmp_path)


def test_the_same_cases_make_the_same_version_in_whatever_order_they_lie(
    logistic: ModelVersion[ClassificationTask],
) -> None:
    shuffled = deals().sample(frac=1, random_state=9)
    assert version(Logistic(trials=2), shuffled, "deal_logistic").version == logistic.version
    assert version(Logistic(trials=3), shuffled, "deal_logistic").version != logistic.version


def test_a_version_is_stored_as_plain_files_and_read_back(
    logistic: ModelVersion[ClassificationTask], tmp_path: Path
) -> None:
    digest = write_version(tmp_path / "one", logistic)
    loaded = read_version(tmp_path / "one", digest, ("s2p_assets.learning",))
    assert (loaded.version, loaded.task, loaded.description) == (logistic.version, DEALS, logistic.description)
    assert "AUC" in loaded.description


def test_what_tells_beats_the_base_rate_and_what_does_not_loses_to_it(
    logistic: ModelVersion[ClassificationTask],
) -> None:
    plain = version(BaseRate(), deals(), "deal_base_rate")
    promoted = promote(CONTEST, {"deal_logistic": logistic, "deal_base_rate": plain})
    assert promoted.champion.model_name == "deal_logistic"
    assert promoted.baseline_warning is None
    noise = version(KnownRate(column="price"), deals(), "deal_price")
    demoted = promote(CONTEST, {"deal_price": noise, "deal_base_rate": plain}, noise)
    assert demoted.champion.model_name == "deal_base_rate"


def test_a_challenger_beyond_noise_takes_over_and_the_folds_count_not_their_cases() -> None:
    for count, change in ((5, "promoted"), (2, "stays")):
        contest = replace(CONTEST, task=replace(DEALS, folds=count))
        plain, rule = (
            version(one, deals(800), name, contest)
            for one, name in ((BaseRate(), "deal_base_rate"), (Threshold("price", 0.0), "deal_cheap"))
        )
        promoted = promote(contest, {"deal_cheap": rule, "deal_base_rate": plain}, plain)
        assert promoted.against is not None
        assert (promoted.change, promoted.against.folds, promoted.against.gain > 0.1) == (change, count, True)


def test_noise_is_calibrated_to_the_base_rate() -> None:
    history = deals()
    random = np.random.default_rng(3)
    history = history.assign(price=random.normal(size=len(history)), agent=random.choice(["x", "y"], len(history)))
    told = backtest_classifier(Logistic(trials=2), history, DEALS)
    base = backtest_classifier(BaseRate(), history, DEALS)
    assert (
        measures.brier(told["actual"], told["probability"]) < measures.brier(base["actual"], base["probability"]) + 0.01
    )


def test_reasons_add_up_to_what_is_said(logistic: ModelVersion[ClassificationTask]) -> None:
    history = deals()
    cases, classifier = history.head(30), logistic.learner
    assert isinstance(classifier, Logistic)
    found = feature_contributions(classifier, cases, decided_cases(history, DEALS), DEALS)
    said = classifier.probability(features_of_cases(cases, DEALS))
    assert np.allclose(found.sum(axis=1), said)
    assert set(found.columns) == {"price", "agent", "usual"}
    first = explanation_sentences(found, cases, names={"agent": "sold by"})[0]
    assert first.count("+") + first.count("−") >= 1


def test_reasons_say_what_speaks_for_a_case_and_what_against_it_shares_in_per_cent() -> None:
    added = pd.DataFrame({"agent_win_rate": [0.14, 0.001], "age": [-0.03, 0.002], "usual": [0.5, 0.5]})
    cases = pd.DataFrame({"agent_win_rate": [0.92, 0.5], "age": [120, 3]})
    assert list(explanation_sentences(added, cases, names={"agent_win_rate": "share won by the agent"})) == [
        "for it: share won by the agent 92 % (+14); against it: age 120 (−3)",
        "nothing out of the ordinary",
    ]


def test_predictions_of_what_is_decided_are_those_of_its_fold(logistic: ModelVersion[ClassificationTask]) -> None:
    champion: Champion[ClassificationTask] = Champion("shop", "deal_champion", logistic, "", logistic.scores)
    history = deals()
    assert set(score_wanted(champion, history, {})["basis"]) == {OPEN}
    assert len(score_wanted(champion, history, {})) == 10
    tested = logistic.backtest.iloc[0]
    told = score_wanted(champion, history, {"deal": tested["entity"]})
    assert (told["probability"].item(), told["basis"].item()) == (tested["probability"], BACKTESTED)
    assert score_wanted(champion, history, {"deal": "D0000"})["basis"].item() == TRAINED_ON
    assert score_wanted(champion, history, {"deal": "nobody"}).empty


def test_losses_above_the_band_are_told(logistic: ModelVersion[ClassificationTask]) -> None:
    history = deals()
    assert recent_loss(logistic, history) is None
    newer = deals(60, seed=2).assign(deal=lambda rows: "N" + rows["deal"])
    newer[["offered", "closed"]] += pd.Timedelta(days=430)
    measured = recent_loss(logistic, pd.concat([history, newer]))
    turned = recent_loss(logistic, pd.concat([history, newer.assign(won=~newer["won"])]))
    assert measured is not None
    assert turned is not None
    assert turned.is_above
    assert turned.loss > measured.loss


def test_measures_agree_with_scikit_learn() -> None:
    from sklearn import metrics

    random = np.random.default_rng(5)
    came, said = random.integers(0, 2, 500), random.uniform(0.05, 0.95, 500).round(2)
    assert measures.auc(came, said) == pytest.approx(metrics.roc_auc_score(came, said))
    assert measures.brier(came, said) == pytest.approx(metrics.brier_score_loss(came, said))
    assert measures.log_losses(came, said).mean() == pytest.approx(metrics.log_loss(came, said))
    assert measures.accuracy(came, said) == metrics.accuracy_score(came, said >= 0.5)


def test_a_measure_lies_within_its_interval(logistic: ModelVersion[ClassificationTask]) -> None:
    found = metric_intervals(logistic.backtest, draws=50).set_index("measure")
    assert (found["low"] <= found["value"]).all()
    assert found["low"]["auc"] > 0.5


@pytest.mark.parametrize(
    ("broken", "description"),
    [
        ({"won": pd.NA}, "too few"),
        ({"closed": pd.NaT}, "does not say when"),
        ({"closed": pd.Timestamp("2020-01-01")}, "before their offered"),
        ({"deal": "one", "offered": pd.Timestamp("2024-01-01")}, "stand twice"),
        ({"deal": None}, "no deal"),
    ],
)
def test_an_unusable_history_is_refused(broken: dict[str, Any], description: str) -> None:
    with pytest.raises((UnusableHistory, TooLittleHistory), match=description):
        backtest_classifier(BaseRate(), deals(50).assign(**broken), DEALS)


def test_a_column_that_tells_by_itself_is_named() -> None:
    history = deals().assign(
        sure=lambda rows: rows["won"].astype("float64") + 0.1,
        stage=lambda rows: np.where(rows["won"].fillna(False), "Won", "Lost"),
        paid=lambda rows: rows["amount_paid"],
    )
    assert {name for leak in find_leaks(history, DEALS) for name in leak.columns} == {"sure", "stage", "paid"}


class Offers(Row):
    """An offer."""

    deal: Text = column(description="Its number")
    stage: Text = column(description="Won or lost", available="after_outcome")
    amount_paid: Number = column(description="What was paid", nullable=True)


class Between(Row):
    """A table between them."""

    stage_code: Text = column(description="The stage", derived_from="offers.stage")
    paid_share: Number = column(description="The share paid", derived_from="offers.amount_paid")


class Deals(Row):
    """A deal with what is said to be known of it."""

    deal: Text = column(description="Its number", derived_from="offers.deal")
    offered: Date = column(description="When")
    won: Boolean = column(description="Whether it was won", derived_from="offers.stage", nullable=True)
    closed: Date = column(description="When it ended", derived_from="offers.stage", nullable=True)
    amount_paid: Number = column(description="What was paid", derived_from="offers.amount_paid", nullable=True)
    state: Text = column(description="A leak by what it is made of", derived_from="between.stage_code")
    share: Number = column(description="A leak by name", derived_from="between.paid_share")
    past_rate: Number = column(
        description="The share won before", derived_from="offers.stage", available="before_outcome"
    )


def test_a_feature_made_of_what_is_known_afterwards_is_refused_whatever_lies_between() -> None:
    rows: dict[str, type[Row]] = {"offers": Offers, "between": Between}
    found = declared_leaks("shop", columns_of(Deals), DEALS, lambda _, name: columns_of(rows[name]))
    assert set(found) == {"state", "share"}
    assert found["state"] == "state ← between.stage_code ← offers.stage (known only after the outcome)"
    assert found["share"] == "share ← between.paid_share ← offers.amount_paid (refused)"


SHELVES = {
    "workbooks/shop_offers.py": """
class Offers(Row):
    \"\"\"An offer.\"\"\"

    deal: Code = column(description="Its number")
    offered: Date = column(description="When")
    closed: Date = column(description="When it ended", available="after_outcome")
    won: Boolean = column(description="Whether it was won", available="after_outcome")

offers = Workbook(rows=Offers, key=("deal",), path=("*.xlsx",), owner="a@example.com")
""",
    "features/shop_deals.py": """
class Deals(Row):
    \"\"\"A deal.\"\"\"

    deal: Code = column(description="Its number", derived_from="offers.deal")
    offered: Date = column(description="When", derived_from="offers.offered")
    closed: Date = column(description="When it ended", derived_from="offers.closed")
    won: Boolean = column(description="Whether it was won", derived_from="offers.won")
    days_open: Number = column(description="How long it took", derived_from=("offers.offered", "offers.closed"))

@feature_set(rows=Deals, entity=("deal",), event_time="offered", owner="a@example.com")
def deals(offers: pd.DataFrame) -> pd.DataFrame:
    \"\"\"Deals.\"\"\"
    return offers
""",
    "models/shop_deal_champion.py": """
@contest(features="deals", task=ClassificationTask("deal", "offered", "won", "closed"), owner="a@example.com")
def deal_champion(losses: pd.DataFrame, incumbent: str | None) -> str:
    \"\"\"Who tells best.\"\"\"
    return choose_champion(losses, incumbent)
""",
}
IMPORTS = """
import pandas as pd
from s2p_assets import (
    Boolean, ClassificationTask, Code, Date, Number, Row, Workbook, choose_champion, column, contest, feature_set,
)
"""


def test_a_contest_that_would_learn_from_a_leak_is_left_out_with_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, source in SHELVES.items():
        file = tmp_path / "leaky_shelves" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        (file.parent / "__init__.py").touch()
        file.write_text(IMPORTS + source)
    monkeypatch.syspath_prepend(tmp_path)
    catalog = load_catalog(("leaky_shelves",))
    for name in [name for name in sys.modules if name.startswith("leaky_shelves")]:
        monkeypatch.delitem(sys.modules, name)
    assert not catalog.contests
    (fault,) = catalog.faults
    assert fault.file.name == "shop_deal_champion.py"
    assert "days_open ← offers.closed (known only after the outcome)" in fault.message


@pytest.mark.parametrize("kind", ["all different", "many equal", "all equal", "one case", "one is no number"])
def test_deciles_are_those_of_pandas_and_the_error_is_that_of_their_table(kind: str) -> None:
    random = np.random.default_rng(7)
    said = random.random(1 if kind == "one case" else 211)
    if kind in ("many equal", "all equal"):
        said = said.round(1) if kind == "many equal" else np.full_like(said, 0.3)
    actual = (random.random(len(said)) < said).astype(float)
    if kind == "one is no number":
        said[17] = np.nan
    bins = pd.qcut(pd.Series(said), 10, labels=False, duplicates="drop").fillna(0).astype("int64") + 1
    assert deciles(said).tolist() == bins.tolist()
    if kind != "one is no number":
        table = calibration_table(actual, said)
        weighted = float(np.average((table["predicted"] - table["outcome"]).abs(), weights=table["cases"]))
        assert calibration_error(actual, said) == pytest.approx(weighted, rel=1e-12)
