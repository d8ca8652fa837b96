"""Promises of when a version that is in service learns again: when it pays, and at the latest after a quarter."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from s2p_assets.learning.forecasting.backtest import rolling_origin
from s2p_assets.learning.forecasting.models.boosting import Boosting
from s2p_assets.learning.forecasting.models.moving_average import MovingAverage
from s2p_assets.learning.forecasting.models.weighted_combination import WeightedCombination
from s2p_assets.learning.monitoring.retraining_gain import retraining_gain
from s2p_assets.learning.training import train
from s2p_assets.learning.versions import ModelVersion
from s2p_assets.models.retail_demand_champion import demand_champion
from s2p_assets.models.retail_demand_moving_average import demand_moving_average
from s2p_assets_tests.learning.histories import WEEKLY, seasonal

WHOLE = seasonal(8, 90)
WEEKS = sorted(WHOLE["week"].unique())


def known(weeks: int) -> pd.DataFrame:
    return WHOLE[WHOLE["week"] < WEEKS[weeks]].reset_index(drop=True)


@pytest.fixture(scope="module")
def made() -> ModelVersion:
    at = dt.datetime(2024, 7, 1, tzinfo=dt.UTC)
    contest = replace(demand_champion, task=WEEKLY)
    return train(demand_moving_average, contest, known(60), feature_version="f", trained_at=at, run_id="r")


def aged_by(made: ModelVersion, share: float) -> ModelVersion:
    """The same, had the fit before erred by that share more."""
    rows = made.backtest
    off = (1 + share) * (rows["mean"] - rows["actual"])
    return replace(made, backtest=rows.assign(aged=(rows["actual"] + off).where(rows["aged"].notna())))


def test_what_forgets_nothing_is_not_trained_for_a_new_week_but_after_a_quarter(made: ModelVersion) -> None:
    week, quarter = retraining_gain(made, known(61)), retraining_gain(made, known(73))
    assert week is not None
    assert quarter is not None
    assert (week.periods, week.share, week.is_worth_it) == (1, 0.0, False)
    assert (quarter.periods, quarter.is_worth_it) == (13, True)


@pytest.mark.parametrize(("lost", "weeks", "worth_it"), [(0.02, 1, False), (0.02, 3, True), (0.08, 1, True)])
def test_it_learns_again_when_what_the_folds_lost_by_age_is_worth_it(
    made: ModelVersion, lost: float, weeks: int, worth_it: bool
) -> None:
    gain = retraining_gain(aged_by(made, lost), known(60 + weeks))
    assert gain is not None
    assert gain.share == pytest.approx(lost / (1 + lost) * weeks / WEEKLY.step)
    assert gain.is_worth_it is worth_it
    assert f"{gain.share:.1%}" in gain.description


def test_of_a_version_that_was_stored_before_nothing_is_said(made: ModelVersion) -> None:
    assert retraining_gain(replace(made, backtest=made.backtest.drop(columns="aged")), known(62)) is None


def test_an_older_fit_is_tried_on_the_last_fold_alone_and_a_mean_is_made_of_its_members() -> None:
    history, task = known(70), replace(WEEKLY, known=())
    boosting, plain = Boosting(trees=5), MovingAverage()
    found = [rolling_origin(each, history, task) for each in (boosting, plain)]
    last = found[0]["fold"] == found[0]["fold"].max()
    assert found[0]["aged"].notna().equals(last)
    assert not np.allclose(found[0]["aged"][last], found[0]["mean"][last])
    older = boosting.fit(_until(history, -2 * task.horizon), task)
    said = older.forecast(_until(history, -task.horizon), task.horizon)["mean"]
    assert found[0].loc[last, "aged"].to_numpy() == pytest.approx(said.to_numpy())
    assert found[1]["aged"][last].equals(found[1]["mean"][last])
    combined = WeightedCombination((boosting, plain)).combine(found, task)
    assert combined["aged"][last].between(*_span(found, "aged", last)).all()


def _until(history: pd.DataFrame, back: int) -> pd.DataFrame:
    from s2p_assets.learning.forecasting.learnable import training_rows

    return training_rows(history[history["week"] < WEEKS[70 + back]].reset_index(drop=True), WEEKLY)


def _span(found: list[pd.DataFrame], column: str, which: "pd.Series[bool]") -> tuple["pd.Series[float]", ...]:
    both = pd.concat([rows.loc[which, column] for rows in found], axis=1)
    return both.min(axis=1) - 1e-9, both.max(axis=1) + 1e-9
