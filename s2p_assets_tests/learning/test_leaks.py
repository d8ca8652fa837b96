"""Promises of the check for leaks: what knows the outcome is named before training and left out, or let in."""

from dataclasses import replace

import pandas as pd
import pytest

from s2p_assets.contracts.model import ClassificationTask
from s2p_assets.learning.classification.cases import Withheld, decided_cases, features_of_cases
from s2p_assets.learning.classification.leaks import TWINS, admissible, find_leaks
from s2p_assets.learning.classification.models.group_rate import GroupRate
from s2p_assets.learning.classification.models.logistic import Logistic
from s2p_assets.learning.classification.models.threshold import Threshold
from s2p_assets_tests.learning.leaky_cases import LEAKS, OFFERS, offers


@pytest.fixture(scope="module")
def history() -> pd.DataFrame:
    return offers()


@pytest.mark.parametrize("leak", LEAKS)
def test_a_planted_leak_is_found_and_nothing_else_is(history: pd.DataFrame, leak: str) -> None:
    planted = LEAKS[leak](history)
    named = {column for one in find_leaks(planted, OFFERS) for column in one.columns}
    assert named == {"leak" if "leak" in planted else "offer"}


@pytest.mark.parametrize(("rate", "seed"), [(0.5, 1), (0.03, 2), (0.8, 4)])
def test_a_history_with_nothing_wrong_in_it_has_no_leak(rate: float, seed: int) -> None:
    assert find_leaks(offers(1500, rate=rate, seed=seed), OFFERS) == ()


def test_what_leaks_is_left_out_and_a_person_can_let_it_in(history: pd.DataFrame) -> None:
    leaky = LEAKS["an absence that is pure"](history)
    rows, task, left_out, let_in = admissible(leaky, OFFERS)
    assert "leak" not in features_of_cases(rows, task)
    assert "where none is known it did not come about in 100.0% of" in left_out["leak"]
    assert let_in == {}
    settled = replace(OFFERS, let_in={"leak": "the office fills it in before the first call"})
    rows, task, left_out, let_in = admissible(leaky, settled)
    assert "leak" in features_of_cases(rows, task)
    assert left_out == {}
    assert let_in["leak"].endswith("let in: the office fills it in before the first call")


def test_the_second_of_a_case_that_stands_there_twice_is_left_out(history: pd.DataFrame) -> None:
    twice = LEAKS["the same case under two ids"](history)
    (leak,) = find_leaks(twice, OFFERS)
    assert leak.sign == TWINS
    rows, task, left_out, _ = admissible(twice, OFFERS)
    assert set(left_out) == {"offer"}
    assert task.withheld == ()
    again = twice.loc[twice["won"].notna() & twice["offer"].str.startswith("X"), "offer"]
    assert twice["offer"].nunique() - rows["offer"].nunique() == again.nunique()
    both, *_ = admissible(twice, replace(OFFERS, let_in={"offer": "the branch sells everything twice"}))
    assert len(both) == len(twice)


@pytest.mark.parametrize(
    "model", [Logistic(columns=("leak",), trials=1), GroupRate(by="leak"), Threshold("leak", at_most=1.0)]
)
def test_a_model_of_nothing_but_a_leak_is_not_trained(model: Logistic, history: pd.DataFrame) -> None:
    rows, task, _, _ = admissible(LEAKS["a stage that is final"](history), OFFERS)
    with pytest.raises(Withheld, match="leak: left out before training, as it knows the outcome"):
        model.fit(decided_cases(rows, task), task)


def test_a_model_that_names_its_columns_learns_from_those_that_are_left(history: pd.DataFrame) -> None:
    rows, task, _, _ = admissible(LEAKS["the mean of the whole table"](history), OFFERS)
    fitted = Logistic(columns=("leak", "price"), trials=1).fit(decided_cases(rows, task), task)
    assert fitted.features.names == ("price",)


def test_too_few_cases_to_tell_are_no_leak() -> None:
    few = ClassificationTask("offer", "as_of", "won", "closed")
    assert find_leaks(LEAKS["the outcome with noise"](offers(15)), few) == ()
