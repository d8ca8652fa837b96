"""That what two contests say of outcomes of which a case has only one never contradicts itself."""

import numpy as np
import pandas as pd
import pytest

from s2p_assets.learning.classification.exclusive_outcomes import exclusive_backtests, exclusive_probabilities
from s2p_assets.learning.classification.scores import MEASURES, SCORE_COLUMNS, scores_as_told


def race(cars: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return random.uniform(0.01, 0.99, cars), random.uniform(0.01, 0.6, cars)


@pytest.mark.parametrize("cars", [12, 16, 20, 24])
def test_three_outcomes_sum_up_to_one_and_the_places_to_as_many_as_there_are(cars: int) -> None:
    first, second = race(cars, cars)
    second = second * 0.9 * (cars - 10) / second.sum() if second.sum() > cars - 10 else second
    assert (first + second).max() > 1, "nothing to mend"
    found = exclusive_probabilities(first, second, np.zeros(cars), most=10)
    assert found.min().min() > 0
    assert found.sum(axis=1).to_numpy() == pytest.approx(1)
    assert found["first"].sum() == pytest.approx(10)
    assert found["second"].sum() == pytest.approx(second.sum())


def test_what_contradicts_nothing_stays_as_it_was() -> None:
    first, second = np.repeat([0.8, 0.2], 10), np.full(20, 0.1)
    found = exclusive_probabilities(first, second, np.zeros(20), most=10)
    assert found["first"].to_numpy() == pytest.approx(first)
    assert found["second"].to_numpy() == pytest.approx(second)


def test_races_are_told_apart_and_a_handful_of_cars_is_not_spread_over_all_places() -> None:
    first, second = race(20, 1)
    both = exclusive_probabilities([*first, 0.9, 0.4], [*second, 0.3, 0.1], [1] * 20 + [2, 2], most=10)
    alone = exclusive_probabilities(first, second, ["x"] * 20, most=10)
    assert both[:20].to_numpy() == pytest.approx(alone.to_numpy())
    assert both["first"][21] == 0.4
    assert both["first"][20] + both["second"][20] == pytest.approx(0.99)


def test_a_backtest_is_scored_as_it_was_told_and_other_models_as_they_were() -> None:
    first, second = race(20, 3)
    key = {"fold": 1, "cutoff": pd.Timestamp("2026-01-01"), "entity": [f"D{at}" for at in range(20)]}
    rows = pd.DataFrame({**key, "time": pd.Timestamp("2026-03-01"), "actual": np.arange(20) < 10})
    before, others = rows.assign(probability=first), rows.assign(probability=second)[5:]
    told, _ = exclusive_backtests(before, others, most=10)
    assert told["probability"][:5].to_numpy() == pytest.approx(first[:5])
    assert (told["probability"][5:] != first[5:]).all()
    scores = pd.DataFrame([{**dict.fromkeys(SCORE_COLUMNS, 1.0), "model": name, "fold": 1} for name in ("a", "b")])
    renewed = scores_as_told(scores, "a", told).set_index("model")
    assert renewed.loc["a", "brier"] == pytest.approx(MEASURES["brier"](told["actual"], told["probability"]))
    assert renewed.loc["b", "brier"] == 1.0
