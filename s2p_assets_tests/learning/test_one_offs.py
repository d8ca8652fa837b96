"""Promises of single observations: what is implausible is marked and damped, what only looks so is not."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

from s2p_assets.learning.forecasting.implausible_observations import mark_one_offs
from s2p_assets.learning.forecasting.learnable import training_rows
from s2p_assets.learning.forecasting.series import damped
from s2p_assets.models.retail_demand_champion import WEEKLY_DEMAND
from s2p_assets_tests.learning.histories import weekly

STEADY = [40.0, 44.0, 38.0, 41.0, 45.0, 39.0] * 10
LUMPY = [0.0, 0.0, 12.0, 0.0, 5.0, 0.0, 0.0, 9.0] * 8


def marked(sold: Mapping[str, Sequence[float]], **options: Any) -> dict[str, list[tuple[int, float]]]:
    """For each series the weeks that are marked, from 0, and what each counts as instead."""
    rows = weekly(sold)
    found = rows.assign(**mark_one_offs(rows, key="sku", value="units", **options))
    found["number"] = found.groupby("sku").cumcount()
    return {
        str(sku): list(zip(of["number"], of["counts_as"], strict=True))
        for sku, of in found[found["one_off"]].groupby("sku")
    }


@pytest.mark.parametrize(
    ("sold", "expected"),
    [
        pytest.param([*STEADY, 2000.0, *STEADY], [(60, 45.0)], id="one order of 2,000"),
        pytest.param([*LUMPY, 900.0, *LUMPY], [(64, 12.0)], id="an order in a series that is mostly 0"),
        pytest.param([*STEADY, 3.0, *STEADY], [(60, 38.0)], id="a week of cases among weeks of pieces"),
        pytest.param(
            [*STEADY, 400.0, 420.0, *STEADY], [(60, 45.0), (61, 45.0)], id="an order that went out in two weeks"
        ),
    ],
)
def test_one_that_the_past_does_not_make_plausible_is_marked_and_counts_as_what_it_does(
    sold: list[float], expected: list[tuple[int, float]]
) -> None:
    assert marked({"A": sold}) == {"A": expected}


@pytest.mark.parametrize(
    "sold",
    [
        pytest.param(LUMPY, id="lumpy"),
        pytest.param([*STEADY, 110.0, *STEADY], id="a good week"),
        pytest.param([*STEADY, 0.0, 0.0, *STEADY], id="nothing sold"),
        pytest.param([*STEADY[:5], 2000.0], id="too young to tell"),
        pytest.param(list(np.geomspace(1, 800, 60).round()), id="steady growth"),
        pytest.param([1.0, 0.0, 2.0] * 20 + [15.0], id="few pieces"),
        pytest.param(([20.0] * 46 + [160.0] * 6) * 3, id="a season that came the year before"),
    ],
)
def test_what_a_clerk_would_not_wonder_at_is_not_marked(sold: list[float]) -> None:
    season = {52 + n for n in range(-6, 0)}
    assert not [week for week, _ in marked({"A": sold}).get("A", []) if week not in season]


def test_a_new_level_is_learned_from_its_third_week_on() -> None:
    found = marked({"A": [*STEADY, *(12 * value for value in STEADY)]})
    assert [week for week, _ in found["A"]] == [60, 61]


def test_a_week_that_all_peers_shared_is_plausible() -> None:
    together = {f"P{n}": [*STEADY, 400.0, *STEADY] for n in range(6)}
    alone = {"P9": [*STEADY, 4000.0, *STEADY]}
    assert list(marked(together | alone)) == ["P9"]


def test_a_whole_list_in_cases_is_marked_and_a_poor_week_of_all_is_not() -> None:
    cases = {f"P{n}": [*STEADY, 3.0, *STEADY] for n in range(6)}
    poor = {f"P{n}": [*STEADY, 12.0, *STEADY] for n in range(6)}
    assert marked(cases) == {sku: [(60, 38.0)] for sku in cases}
    assert marked(poor) == {}


@pytest.mark.parametrize("value", [2.0, 2000.0])
def test_what_came_later_does_not_decide_about_a_week(value: float) -> None:
    rows = weekly({"A": [*STEADY, 2000.0, 41.0]})
    later = rows.assign(units=[*rows["units"][:-1], value])
    first, second = (mark_one_offs(one, key="sku", value="units").iloc[:-1] for one in (rows, later))
    pd.testing.assert_frame_equal(first, second)


@pytest.mark.parametrize(("every", "past"), [("D", 120), ("W-MON", 30), ("MS", 14)])
def test_any_series_can_be_looked_at_by_days_weeks_or_months(every: str, past: int) -> None:
    times = pd.date_range("2024-01-01", periods=past + 3, freq=every)
    rows = pd.DataFrame({"shop": "A", "day": times, "paid": [*([40.0, 44.0] * past)[:past], 2000.0, 41.0, 43.0]})
    options: dict[str, Any] = {"key": "shop", "value": "paid", "time": "day"}
    found = mark_one_offs(rows, **options)
    assert found.index[found["one_off"]].tolist() == [past]
    assert found.loc[past, "counts_as"] == 44.0
    word = pd.DataFrame({"shop": ["A"], "day": [times[past] + pd.Timedelta(hours=1)], "word": ["keep"]})
    assert not mark_one_offs(rows, words=word, **options)["one_off"].any()


def test_a_persons_word_stands_above_the_bounds() -> None:
    sold = {"A": [*STEADY, 2000.0, *STEADY], "B": [*STEADY, 60.0, *STEADY]}
    day = pd.Timestamp("2023-01-02") + pd.Timedelta(weeks=60, days=3)
    words = pd.DataFrame({"sku": ["A", "B", "C"], "week": [day] * 3, "word": ["keep", "one_off", "keep"]})
    found = marked(sold, words=words)
    assert list(found) == ["B"]
    ((week, counts_as),) = found["B"]
    assert week == 60
    assert counts_as == pytest.approx(np.mean(STEADY[-13:]))


def test_learning_takes_the_damped_value_and_the_sales_stay_what_they_were() -> None:
    rows = weekly({"A": [*STEADY, 2000.0, 41.0]}).assign(category="Lamps")
    found = mark_one_offs(rows, key="sku", value="units", peers="category", censored="censored")
    history = rows.assign(plausible_units=found["counts_as"])
    assert training_rows(history, WEEKLY_DEMAND)["units"].max() == 45.0
    assert damped(history, WEEKLY_DEMAND)["units"].iloc[60] == 45.0
    assert history["units"].max() == 2000.0
