"""Promises of the drift measures: they see what moved, keep still about what did not, and say when they cannot know."""

import json

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from s2p_assets.learning.monitoring.drift import (
    ColumnSummaries,
    DriftVerdict,
    measure_drift,
    needs_training,
    summarize_columns,
    time_windows,
)


def rows(count: int, seed: int, *, shift: float = 0.0, lamps: float = 0.3) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "demand": random.gamma(2.0, 10.0, count) * (1 + shift),
            "price": random.normal(20, 3, count),
            "category": random.choice(["Lamps", "Chairs"], count, p=[lamps, 1 - lamps]),
            "censored": random.random(count) < 0.1,
            "week": pd.date_range("2023-01-02", periods=50, freq="W-MON").to_numpy()[np.arange(count) * 50 // count],
        }
    )


COLUMNS = ["demand", "price", "category", "censored"]


def verdicts(reference: pd.DataFrame, newer: pd.DataFrame) -> dict[str, DriftVerdict]:
    known = summarize_columns(reference, COLUMNS, windows=time_windows(reference["week"], 5))
    return {drift.column: drift.verdict for drift in measure_drift(known, newer)}


def test_rows_from_the_same_world_do_not_drift_however_many_they_are() -> None:
    for count in (2_000, 200_000):
        assert set(verdicts(rows(count, 1), rows(count, 2)).values()) == {DriftVerdict.STEADY}


def test_the_column_that_moved_is_named_and_no_other() -> None:
    found = verdicts(rows(5_000, 1), rows(2_000, 2, shift=0.8))
    assert found == {name: DriftVerdict.DRIFTED if name == "demand" else DriftVerdict.STEADY for name in COLUMNS}
    found = verdicts(rows(5_000, 1), rows(2_000, 2, lamps=0.7))
    assert found == {name: DriftVerdict.DRIFTED if name == "category" else DriftVerdict.STEADY for name in COLUMNS}


def test_a_difference_that_is_certain_but_small_asks_for_nothing() -> None:
    known = summarize_columns(rows(400_000, 1), COLUMNS)
    found = measure_drift(known, rows(400_000, 2, shift=0.03))
    assert found[0].p < 1e-6
    assert found[0].verdict is DriftVerdict.STEADY
    assert not needs_training(found)


def test_too_few_rows_say_so_and_how_many_are_needed() -> None:
    drift = measure_drift(summarize_columns(rows(5_000, 1), COLUMNS), rows(40, 2, shift=3.0))[0]
    assert drift.verdict is DriftVerdict.TOO_SMALL
    assert 100 < drift.needed < 300
    assert f"40 rows of at least {drift.needed}" in drift.description
    assert not needs_training([drift])
    enough = measure_drift(summarize_columns(rows(5_000, 1), COLUMNS), rows(drift.needed, 2, shift=3.0))[0]
    assert enough.verdict is DriftVerdict.DRIFTED


def test_the_needed_rows_keep_chance_alone_below_a_psi_of_a_tenth() -> None:
    known = summarize_columns(rows(5_000, 1), ["price"])
    needed = measure_drift(known, rows(10, 2))[0].needed
    chance = [measure_drift(known, rows(needed, seed))[0].psi for seed in range(10, 210)]
    assert np.mean(np.array(chance) > 0.1) == pytest.approx(0.05, abs=0.04)


def test_a_reference_that_is_too_small_says_nothing_either() -> None:
    found = measure_drift(summarize_columns(rows(30, 1), COLUMNS), rows(50, 2, shift=3.0))
    assert {drift.verdict for drift in found} == {DriftVerdict.TOO_SMALL}


def test_a_season_that_the_model_has_seen_is_no_news() -> None:
    year = np.repeat(np.arange(104), 200)
    random = np.random.default_rng(1)
    history = pd.DataFrame({"demand": random.poisson(30 + 25 * np.sin(2 * np.pi * year / 52))})
    known = summarize_columns(history, ["demand"], windows=pd.Series(year // 8))
    summer = pd.DataFrame(
        {"demand": random.poisson(30 + 25 * np.sin(2 * np.pi * np.repeat(np.arange(8, 16), 200) / 52))}
    )
    assert measure_drift(summarize_columns(history, ["demand"]), summer)[0].verdict is DriftVerdict.DRIFTED
    assert measure_drift(known, summer)[0].verdict is DriftVerdict.STEADY
    assert measure_drift(known, summer * 3)[0].verdict is DriftVerdict.DRIFTED


def test_values_that_go_missing_are_drift() -> None:
    newer = rows(2_000, 2)
    newer.loc[newer.index % 2 == 0, "price"] = np.nan
    assert verdicts(rows(5_000, 1), newer)["price"] is DriftVerdict.DRIFTED


def test_the_distance_is_scipys_on_the_same_rows() -> None:
    before, after = rows(20_000, 1), rows(3_000, 2, shift=0.4)
    drift = {found.column: found for found in measure_drift(summarize_columns(before, COLUMNS), after)}
    exact = scipy.stats.ks_2samp(before["demand"], after["demand"])
    assert drift["demand"].distance == pytest.approx(exact.statistic, abs=0.01)
    table = pd.crosstab(np.repeat([0, 1], [20_000, 3_000]), pd.concat([before, after])["category"])
    chi2 = scipy.stats.chi2_contingency(table.to_numpy(), correction=False)
    assert drift["category"].distance == pytest.approx(np.sqrt(chi2.statistic / 23_000))


def test_many_columns_do_not_make_an_alarm_by_their_number() -> None:
    random = np.random.default_rng(3)
    before, after = (pd.DataFrame(random.normal(size=(3_000, 200))).add_prefix("c") for _ in range(2))
    found = measure_drift(summarize_columns(before, list(before.columns)), after)
    assert sum(drift.p < 0.05 for drift in found) <= 3
    assert not needs_training(found)


def test_a_summary_is_small_and_survives_json() -> None:
    known = summarize_columns(rows(50_000, 1), COLUMNS, windows=time_windows(rows(50_000, 1)["week"], 8))
    stored = json.dumps(known.to_json())
    assert len(stored) < 8_000
    assert ColumnSummaries.from_json(json.loads(stored)) == known


@pytest.mark.parametrize("values", [[], [np.nan] * 400, [7.0] * 400, [np.inf, -np.inf, 1.0] * 200])
def test_odd_columns_are_compared_without_an_error(values: list[float]) -> None:
    odd = pd.DataFrame({"demand": pd.Series(values, dtype=float)})
    normal = rows(1_000, 1)[["demand"]]
    for before, after in ((odd, normal), (normal, odd), (odd, odd)):
        (drift,) = measure_drift(summarize_columns(before, ["demand"]), after)
        assert np.isfinite([drift.psi, drift.distance, drift.p]).all()


def test_newest_stretch_is_whole() -> None:
    weeks = pd.Series(pd.date_range("2024-01-01", periods=10, freq="W-MON"))
    assert time_windows(weeks, 4).tolist() == [-2, -2, -1, -1, -1, -1, 0, 0, 0, 0]
