"""Promises of the choice: same folds, no flapping, never worse than the plain models."""

import pandas as pd
import pytest

from s2p_assets.learning.champion import choose

FLOOR = ("naive", "average")


def scored(**rmsse: list[float]) -> pd.DataFrame:
    rows = [
        {
            "model": name,
            "cutoff": pd.Timestamp("2024-01-01") + pd.Timedelta(weeks=fold),
            "series": "all",
            "rmsse": value,
        }
        for name, values in rmsse.items()
        for fold, value in enumerate(values)
    ]
    return pd.DataFrame(rows)


def test_the_first_champion_is_the_one_with_the_lowest_error() -> None:
    choice = choose(scored(a=[0.9, 0.9, 0.9], b=[0.8, 0.8, 0.95]), None)
    assert choice.name == "b"
    assert "no champion before" in choice.why


@pytest.mark.parametrize(
    ("challenger", "stays"),
    [
        ([0.70, 0.70, 0.91], False),
        ([0.895, 0.895, 0.895], True),
        ([0.10, 0.91, 0.91], True),
        ([0.90, 0.90, 0.90], True),
    ],
    ids=["clearly better", "by less than 1 %", "on one fold only", "just as good"],
)
def test_a_challenger_must_be_clearly_better_on_most_folds(challenger: list[float], stays: bool) -> None:
    choice = choose(scored(old=[0.9, 0.9, 0.9], new=challenger), "old")
    assert choice.name == ("old" if stays else "new")
    assert choice.why.startswith("old stays" if stays else "new replaces old: RMSSE 0.770")


def test_a_champion_worse_than_a_plain_model_goes_at_once() -> None:
    table = scored(old=[0.900, 0.900, 0.900], naive=[0.899, 0.899, 0.899], average=[1.0, 1.0, 1.0])
    assert choose(table, "old").name == "old"
    assert choose(table, "old", floor=FLOOR).name == "naive"


def test_a_champion_that_no_longer_stands_is_replaced() -> None:
    choice = choose(scored(a=[0.9], b=[0.8]), "gone")
    assert (choice.name, "gone is not compared" in choice.why) == ("b", True)


def test_models_scored_on_different_folds_are_not_compared() -> None:
    with pytest.raises(ValueError, match="not scored on every fold: b"):
        choose(scored(a=[0.9, 0.9], b=[0.8]), None)
