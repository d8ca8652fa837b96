"""Promises of classification: nothing from later is known, leaks are refused, and what is said adds up."""

import datetime as dt
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from s2p_assets.columns import Day, Number, Row, Text, YesNo, columns_of, day, number, text, yes_no
from s2p_assets.graph.house_reading import read_house
from s2p_assets.learning.champion import choose
from s2p_assets.learning.classifiers.base_rate import BaseRate
from s2p_assets.learning.classifiers.boosting import Boosting
from s2p_assets.learning.classifiers.forest import Forest
from s2p_assets.learning.classifiers.group_rate import GroupRate
from s2p_assets.learning.classifiers.known_rate import KnownRate
from s2p_assets.learning.classifiers.logistic import Logistic
from s2p_assets.learning.classifiers.threshold import Threshold
from s2p_assets.learning.classifying import probabilities as measures
from s2p_assets.learning.classifying.cases import decided, seen
from s2p_assets.learning.classifying.leaks import declared_leaks, suspects
from s2p_assets.learning.classifying.reasons import contributions, in_words
from s2p_assets.learning.classifying.scores import with_intervals
from s2p_assets.learning.classifying.telling import LEARNED, TO_COME, TRIED, answers
from s2p_assets.learning.classifying.time_folds import folds, time_ordered
from s2p_assets.learning.crowning import crown
from s2p_assets.learning.forecasting.series import TooLittleHistory, UnusableHistory
from s2p_assets.learning.model import Classifier, Contest, Model, Outcome
from s2p_assets.learning.monitoring.classification_loss import recent_loss
from s2p_assets.learning.plain_files import ModelDamaged
from s2p_assets.learning.registry.version_files import read_version, write_version
from s2p_assets.learning.training import train
from s2p_assets.learning.versions import Champion, ModelVersion
from s2p_assets_tests.learning_cases import DEALS, deals

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


def judge(losses: pd.DataFrame, standing: str | None) -> str:
    return choose(losses, standing)


judge.__module__ = "shelves.models.shop_deal_champion"
CONTEST = Contest(build=judge, owner="", features="deals", problem=DEALS, floor=("deal_base_rate",), news=0.01)


def version(
    classifier: Classifier, history: pd.DataFrame, name: str = "deal_model", contest: Contest = CONTEST
) -> ModelVersion[Outcome]:
    def build() -> Classifier:
        return classifier

    build.__module__ = f"shelves.models.shop_{name}"
    made = Model(build=build, owner="", contest="deal_champion")
    return train(made, contest, history, feature_version="f1", trained_at=MONDAY, run_id="run-1")


@pytest.fixture(scope="module")
def logistic() -> ModelVersion[Outcome]:
    return version(Logistic(trials=2), deals(), "deal_logistic")


def test_a_fold_knows_only_what_was_decided_before_the_cases_it_is_tested_on() -> None:
    told = decided(deals(), DEALS)
    for cutoff, known, test in folds(told, DEALS):
        assert known["closed"].max() < cutoff <= test["offered"].min()
        assert not set(known["deal"]) & set(test["deal"])


def test_folds_begin_at_the_turn_of_the_period_that_is_asked_for() -> None:
    monthly = Outcome("deal", "offered", "won", "closed", folds=3, every="MS")
    assert [f"{cutoff:%m-%d}" for cutoff, _, _ in folds(decided(deals(300), DEALS), monthly)] == [
        "08-01",
        "09-01",
        "10-01",
    ]


def test_no_classifier_is_shown_the_outcome_or_a_refused_column() -> None:
    assert set(seen(deals(), DEALS).columns) == {"price", "agent"}


@pytest.mark.parametrize("classifier", CLASSIFIERS, ids=lambda one: type(one).__name__)
def test_changing_the_future_changes_no_probability_of_the_past(classifier: Classifier) -> None:
    history = deals()
    before = time_ordered(classifier, history, DEALS)
    last = before["cutoff"].max()
    turned = history.assign(won=history["won"].where(~(history["closed"] >= last), ~history["won"]))
    after = time_ordered(classifier, turned, DEALS)
    pd.testing.assert_series_equal(before["probability"], after["probability"])


@pytest.mark.parametrize("classifier", CLASSIFIERS, ids=lambda one: type(one).__name__)
def test_a_saved_classifier_comes_back_and_says_the_same(classifier: Any, tmp_path: Path) -> None:
    history = deals()
    fitted = classifier.fit(decided(history, DEALS), DEALS)
    fitted.save(tmp_path)
    loaded = type(classifier).load(tmp_path)
    cases = seen(history, DEALS)
    assert (loaded.probability(cases) == fitted.probability(cases)).all()
    assert loaded.problem == DEALS


def test_a_stored_estimator_that_holds_anything_else_is_refused(tmp_path: Path) -> None:
    import skops.io

    fitted = Logistic(trials=1).fit(decided(deals(), DEALS), DEALS)
    fitted.save(tmp_path)
    skops.io.dump({"payload": print}, tmp_path / "estimator.skops")
    with pytest.raises(ModelDamaged, match="no classifier holds"):
        Logistic.load(tmp_path)


def test_the_same_cases_make_the_same_version_in_whatever_order_they_lie(logistic: ModelVersion[Outcome]) -> None:
    shuffled = deals().sample(frac=1, random_state=9)
    assert version(Logistic(trials=2), shuffled, "deal_logistic").version == logistic.version
    assert version(Logistic(trials=3), shuffled, "deal_logistic").version != logistic.version


def test_a_version_is_stored_as_plain_files_and_read_back(logistic: ModelVersion[Outcome], tmp_path: Path) -> None:
    digest = write_version(tmp_path / "one", logistic)
    loaded = read_version(tmp_path / "one", digest, ("s2p_assets.learning",))
    assert (loaded.version, loaded.problem, loaded.says) == (logistic.version, DEALS, logistic.says)
    assert "AUC" in loaded.says


def test_what_tells_beats_the_base_rate_and_what_does_not_loses_to_it(logistic: ModelVersion[Outcome]) -> None:
    plain = version(BaseRate(), deals(), "deal_base_rate")
    crowned = crown(CONTEST, {"deal_logistic": logistic, "deal_base_rate": plain})
    assert crowned.champion.model_name == "deal_logistic"
    assert crowned.floor is None
    noise = version(KnownRate(column="price"), deals(), "deal_price")
    demoted = crown(CONTEST, {"deal_price": noise, "deal_base_rate": plain}, noise)
    assert demoted.champion.model_name == "deal_base_rate"


def test_a_challenger_beyond_noise_takes_over_and_the_folds_count_not_their_cases() -> None:
    for count, change in ((5, "promoted"), (2, "stays")):
        contest = replace(CONTEST, problem=replace(DEALS, folds=count))
        plain, rule = (
            version(one, deals(800), name, contest)
            for one, name in ((BaseRate(), "deal_base_rate"), (Threshold("price", 0.0), "deal_cheap"))
        )
        crowned = crown(contest, {"deal_cheap": rule, "deal_base_rate": plain}, plain)
        assert crowned.against is not None
        assert (crowned.change, crowned.against.folds, crowned.against.gain > 0.1) == (change, count, True)


def test_noise_is_calibrated_to_the_base_rate() -> None:
    history = deals()
    random = np.random.default_rng(3)
    history = history.assign(price=random.normal(size=len(history)), agent=random.choice(["x", "y"], len(history)))
    told = time_ordered(Logistic(trials=2), history, DEALS)
    base = time_ordered(BaseRate(), history, DEALS)
    assert (
        measures.brier(told["actual"], told["probability"]) < measures.brier(base["actual"], base["probability"]) + 0.01
    )


def test_reasons_add_up_to_what_is_said(logistic: ModelVersion[Outcome]) -> None:
    history = deals()
    cases, classifier = history.head(30), logistic.learner
    assert isinstance(classifier, Logistic)
    found = contributions(classifier, cases, decided(history, DEALS), DEALS)
    said = classifier.probability(seen(cases, DEALS))
    assert np.allclose(found.sum(axis=1), said)
    assert set(found.columns) == {"price", "agent", "usual"}
    first = in_words(found, cases, names={"agent": "sold by"})[0]
    assert first.count("+") + first.count("−") >= 1


def test_predictions_of_what_is_decided_are_those_of_its_fold(logistic: ModelVersion[Outcome]) -> None:
    champion: Champion[Outcome] = Champion("shop", "deal_champion", logistic, "", logistic.scores)
    history = deals()
    assert set(answers(champion, history, {})["basis"]) == {TO_COME}
    assert len(answers(champion, history, {})) == 10
    tested = logistic.backtest.iloc[0]
    told = answers(champion, history, {"deal": tested["entity"]})
    assert (told["probability"].item(), told["basis"].item()) == (tested["probability"], TRIED)
    assert answers(champion, history, {"deal": "D0000"})["basis"].item() == LEARNED
    assert answers(champion, history, {"deal": "nobody"}).empty


def test_losses_above_the_band_are_told(logistic: ModelVersion[Outcome]) -> None:
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


def test_a_measure_lies_within_its_interval(logistic: ModelVersion[Outcome]) -> None:
    found = with_intervals(logistic.backtest, draws=50).set_index("measure")
    assert (found["low"] <= found["value"]).all()
    assert found["low"]["auc"] > 0.5


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        ({"won": pd.NA}, "too few"),
        ({"closed": pd.NaT}, "does not say when"),
        ({"closed": pd.Timestamp("2020-01-01")}, "before their offered"),
        ({"deal": "one", "offered": pd.Timestamp("2024-01-01")}, "stand twice"),
        ({"deal": None}, "no deal"),
    ],
)
def test_an_unusable_history_is_refused(broken: dict[str, Any], says: str) -> None:
    with pytest.raises((UnusableHistory, TooLittleHistory), match=says):
        time_ordered(BaseRate(), deals(50).assign(**broken), DEALS)


def test_a_column_that_tells_by_itself_is_named() -> None:
    history = deals().assign(
        sure=lambda rows: rows["won"].astype("float64") + 0.1,
        stage=lambda rows: np.where(rows["won"].fillna(False), "Won", "Lost"),
        paid=lambda rows: rows["amount_paid"],
    )
    assert set(suspects(history, DEALS)) == {"sure", "stage", "paid"}


class Offers(Row):
    """An offer."""

    deal: Text = text(says="Its number")
    stage: Text = text(says="Won or lost", known="after")
    amount_paid: Number = number(says="What was paid", optional=True)


class Between(Row):
    """A table between them."""

    stage_code: Text = text(says="The stage", of="offers.stage")
    paid_share: Number = number(says="The share paid", of="offers.amount_paid")


class Deals(Row):
    """A deal with what is said to be known of it."""

    deal: Text = text(says="Its number", of="offers.deal")
    offered: Day = day(says="When")
    won: YesNo = yes_no(says="Whether it was won", of="offers.stage", optional=True)
    closed: Day = day(says="When it ended", of="offers.stage", optional=True)
    amount_paid: Number = number(says="What was paid", of="offers.amount_paid", optional=True)
    state: Text = text(says="A leak by what it is made of", of="between.stage_code")
    share: Number = number(says="A leak by name", of="between.paid_share")
    past_rate: Number = number(says="The share won before", of="offers.stage", known="before")


def test_a_feature_made_of_what_is_known_afterwards_is_refused_whatever_lies_between() -> None:
    rows: dict[str, type[Row]] = {"offers": Offers, "between": Between}
    found = declared_leaks("shop", columns_of(Deals), DEALS, lambda _, thing: columns_of(rows[thing]))
    assert set(found) == {"state", "share"}
    assert found["state"] == "state ← between.stage_code ← offers.stage (known only after the outcome)"
    assert found["share"] == "share ← between.paid_share ← offers.amount_paid (refused)"


SHELVES = {
    "workbooks/shop_offers.py": """
class Offers(Row):
    \"\"\"An offer.\"\"\"

    deal: Text = code(says="Its number")
    offered: Day = day(says="When")
    closed: Day = day(says="When it ended", known="after")
    won: YesNo = yes_no(says="Whether it was won", known="after")

offers = Workbook(rows=Offers, key=("deal",), found_at=("*.xlsx",), owner="a@example.com")
""",
    "features/shop_deals.py": """
class Deals(Row):
    \"\"\"A deal.\"\"\"

    deal: Text = code(says="Its number", of="offers.deal")
    offered: Day = day(says="When", of="offers.offered")
    closed: Day = day(says="When it ended", of="offers.closed")
    won: YesNo = yes_no(says="Whether it was won", of="offers.won")
    days_open: Number = number(says="How long it took", of=("offers.offered", "offers.closed"))

@feature_set(rows=Deals, entity=("deal",), event_time="offered", owner="a@example.com")
def deals(offers: pd.DataFrame) -> pd.DataFrame:
    \"\"\"Deals.\"\"\"
    return offers
""",
    "models/shop_deal_champion.py": """
@contest(features="deals", problem=Outcome("deal", "offered", "won", "closed"), owner="a@example.com")
def deal_champion(losses: pd.DataFrame, standing: str | None) -> str:
    \"\"\"Who tells best.\"\"\"
    return choose(losses, standing)
""",
}
IMPORTS = """
import pandas as pd
from s2p_assets.columns import Day, Number, Row, Text, YesNo, code, day, number, yes_no
from s2p_assets.learning.champion import choose
from s2p_assets.learning.feature_set import feature_set
from s2p_assets.learning.model import Outcome, contest
from s2p_assets.spreadsheet.contract import Workbook
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
    house = read_house(("leaky_shelves",))
    for name in [name for name in sys.modules if name.startswith("leaky_shelves")]:
        monkeypatch.delitem(sys.modules, name)
    assert not house.contests
    (fault,) = house.faults
    assert fault.file.name == "shop_deal_champion.py"
    assert "days_open ← offers.closed (known only after the outcome)" in fault.message
