"""Promises about probabilities: whether they hold is said, and what is served is mended where it pays."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from s2p_assets.learning.classification.cases import decided_cases, features_of_cases
from s2p_assets.learning.classification.models.base_rate import BaseRate
from s2p_assets.learning.classification.models.logistic import Logistic
from s2p_assets.learning.classification.models.recalibrated import Recalibrated
from s2p_assets.learning.classification.recalibration import plain_learner, recalibrated, weighted_calibration
from s2p_assets.learning.classification.reliability import calibration_by_fold, compare_open_cases
from s2p_assets.learning.selection.champion import unproved
from s2p_assets.publishing.sections.probability_trust import describe_calibration, describe_open_cases
from s2p_assets_tests.learning.cases import DEALS, deals


def backtest(*, moved: float = 0.0, stretched: float = 1.0, cases: int = 1200, seed: int = 1) -> pd.DataFrame:
    """Four folds of cases whose log-odds are told `moved` from the truth and `stretched`."""
    random = np.random.default_rng(seed)
    odds = random.normal(0, 1, cases)
    fold = np.repeat([1, 2, 3, 4], cases // 4)
    cutoff = pd.Timestamp("2025-01-01") + pd.to_timedelta(fold * 90, "D")
    return pd.DataFrame(
        {
            "fold": fold,
            "cutoff": cutoff,
            "entity": [f"C{number}" for number in range(cases)],
            "time": cutoff,
            "decided": cutoff + pd.Timedelta(days=30),
            "actual": (random.uniform(size=cases) < 1 / (1 + np.exp(-odds))).astype(float),
            "probability": 1 / (1 + np.exp(-(odds * stretched + moved))),
        }
    )


def test_probabilities_that_hold_stay_within_their_band_and_others_do_not() -> None:
    good, off = calibration_by_fold(backtest()), calibration_by_fold(backtest(moved=0.8))
    assert good["holds"].all()
    assert good["slope"].between(0.7, 1.4).all()
    assert describe_calibration(good, "deal") == "In every stretch the probabilities held as well as chance lets them."
    assert not off["holds"].any()
    assert (off["intercept"] < -0.4).all()
    assert "the last of 4 the probabilities did not hold" in describe_calibration(off, "deal")


def test_slope_and_intercept_are_those_that_mend_what_was_told() -> None:
    rows = backtest(moved=0.5, stretched=2.0, cases=8000)
    said, actual = rows["probability"].to_numpy(), rows["actual"].to_numpy()
    slope, intercept = weighted_calibration(said, actual, np.ones(len(rows)), 50.0)
    assert slope == pytest.approx(0.5, abs=0.06)
    assert intercept == pytest.approx(-0.25, abs=0.1)


def test_the_same_error_fold_after_fold_is_mended_and_a_plain_rule_is_left_alone() -> None:
    off = backtest(moved=1.0)
    served, told = recalibrated(Logistic(), off)
    assert isinstance(served, Recalibrated)
    assert served.intercept < -0.3
    assert plain_learner(served) == Logistic()
    assert (told["probability"][off["fold"] == 1] == off["probability"][off["fold"] == 1]).all()
    assert told["probability"][off["fold"] == 4].mean() < off["probability"][off["fold"] == 4].mean() - 0.05
    assert "recalibrated on the newest outcomes" in served.description
    for learner, rows in ((Logistic(), backtest()), (BaseRate(), off)):
        as_is, same = recalibrated(learner, rows)
        assert as_is is learner
        pd.testing.assert_frame_equal(same, rows)


def test_a_recalibrated_model_comes_back_and_says_the_same(tmp_path: Path) -> None:
    cases = decided_cases(deals(), DEALS)
    fitted = Recalibrated((Logistic(trials=1),), 0.8, -0.2).fit(cases, DEALS)
    fitted.save(tmp_path)
    said = Recalibrated.load(tmp_path).probability(features_of_cases(cases, DEALS))
    assert (said == fitted.probability(features_of_cases(cases, DEALS))).all()
    plain = fitted.members[0].probability(features_of_cases(cases, DEALS))
    assert said.mean() < plain.mean()


def test_an_error_is_mended_by_what_was_decided_before_a_fold_alone() -> None:
    off = backtest(moved=1.0)
    turned = off.assign(actual=off["actual"].where(off["fold"] < 4, 1 - off["actual"]))
    last = off["fold"] == 3
    told = [recalibrated(Logistic(), rows)[1].loc[last, "probability"] for rows in (off, turned)]
    unmended = off.loc[last, "probability"]
    assert (told[0] != unmended).all()
    assert told[1].equals(unmended) or told[1].equals(told[0])


def test_open_cases_that_are_told_otherwise_than_decided_ones_raise_an_alarm() -> None:
    past, random = backtest(), np.random.default_rng(2)
    alike = compare_open_cases(past, 1 / (1 + np.exp(-random.normal(0, 1, 300))))
    assert not alike.differs
    assert describe_open_cases(alike, "deal") == "Open deals are told much as decided ones were in tests."
    low = compare_open_cases(past, np.where(random.uniform(size=300) < 0.8, 0.03, 0.5))
    assert low.differs
    assert low.bands["open"].sum() == pytest.approx(1)
    assert "Open deals are told lower than decided ones were" in describe_open_cases(low, "deal")
    assert not compare_open_cases(past, [0.01] * 5).differs, "five say nothing"
    rates = past.assign(probability=past["fold"].map({1: 0.64, 2: 0.62, 3: 0.65, 4: 0.63}))
    assert not compare_open_cases(rates, [0.635] * 300).differs, "a base rate that moved a little"


def losses(gain: float, noise: float) -> pd.DataFrame:
    random, rows = np.random.default_rng(3), []
    for cutoff in pd.date_range("2025-01-01", periods=4, freq="QS"):
        for unit in range(100):
            plain = 0.6 + random.normal(0, 0.05)
            rows += [
                ("rate", cutoff, str(unit), plain),
                ("learned", cutoff, str(unit), plain - random.normal(gain, noise)),
            ]
    return pd.DataFrame(rows, columns=["model", "cutoff", "unit", "loss"])


@pytest.mark.parametrize(
    ("gain", "noise", "incumbent", "serves"),
    [
        (0.02, 0.05, None, "learned"),
        (0.0005, 0.2, None, "rate"),
        (-0.02, 0.05, None, "rate"),
        (-0.02, 0.05, "learned", "rate"),
        (0.02, 0.05, "learned", "learned"),
    ],
)
def test_the_base_rate_serves_until_a_model_is_hardly_better_by_chance(
    gain: float, noise: float, incumbent: str | None, serves: str
) -> None:
    found = unproved(losses(gain, noise), "learned", incumbent, ("rate",))
    assert (found[0] if found else "learned") == serves
    if found:
        assert found[1].startswith("the plain rate serves, as ")
