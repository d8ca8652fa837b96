"""What was known before a moment, against a count by hand."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from s2p_assets.learning.point_in_time import events_before

DAY = pd.Timestamp("2026-01-01")


def made(count: int, seed: int) -> pd.DataFrame:
    chance = np.random.default_rng(seed)
    days = DAY + pd.to_timedelta(chance.integers(0, 30, count), unit="D")
    value = pd.Series(chance.normal(size=count)).mask(chance.random(count) < 0.2)
    return pd.DataFrame({"who": chance.choice(list("abc"), count), "day": days, "value": value})


def by_hand(case: "pd.Series[Any]", events: pd.DataFrame, last: int | None, within: pd.Timedelta | None) -> object:
    before = events[(events["who"] == case["who"]) & (events["day"] < case["day"])].sort_values("day", kind="stable")
    if within is not None:
        before = before[before["day"] >= case["day"] - within]
    before = before.tail(last) if last else before
    return len(before), before["value"].mean()


@pytest.mark.parametrize(("last", "within"), [(None, None), (3, None), (None, pd.Timedelta(days=7))])
def test_counts_and_means_are_those_of_the_earlier_events(last: int | None, within: pd.Timedelta | None) -> None:
    cases, events = made(40, 1), made(200, 2)
    found = events_before(cases, events, by=("who",), at="day", when="day", means=("value",), last=last, within=within)
    for (_, case), (_, row) in zip(cases.iterrows(), found.iterrows(), strict=True):
        assert tuple(row) == pytest.approx(by_hand(case, events, last, within), nan_ok=True)


def test_an_event_of_the_same_moment_is_not_known_and_one_without_a_moment_never_happened() -> None:
    events = pd.DataFrame({"day": [DAY, DAY + pd.Timedelta(days=1), pd.NaT], "value": [1.0, 3.0, 9.0]})
    cases = pd.DataFrame({"day": [DAY, DAY + pd.Timedelta(days=1), DAY + pd.Timedelta(days=2)]})
    found = events_before(cases, events, by=(), at="day", when="day", means=("value",))
    assert found["count"].tolist() == [0, 1, 2]
    assert found["value"].tolist() == pytest.approx([np.nan, 1.0, 2.0], nan_ok=True)
