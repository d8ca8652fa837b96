"""Promises of the watch over a version in service: its error on what came since, against the band of its folds."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from s2p_assets.learning.monitoring.forecast_error import recent_error
from s2p_assets.learning.training import train
from s2p_assets.learning.versions import ModelVersion
from s2p_assets.models.retail_demand_champion import demand_champion
from s2p_assets.models.retail_demand_moving_average import demand_moving_average
from s2p_assets_tests.learning.histories import WEEKLY, seasonal

CONTEST = replace(demand_champion, task=WEEKLY)
WHOLE = seasonal(8, 70)
WEEKS = sorted(WHOLE["week"].unique())


def known(weeks: int) -> pd.DataFrame:
    return WHOLE[WHOLE["week"] < WEEKS[weeks]].reset_index(drop=True)


def trained(history: pd.DataFrame) -> ModelVersion:
    at = dt.datetime(2024, 7, 1, tzinfo=dt.UTC)
    return train(demand_moving_average, CONTEST, history, feature_version="f", trained_at=at, run_id="r")


def test_demand_that_goes_on_as_before_stays_within_the_band() -> None:
    measured = recent_error(trained(known(60)), known(63))
    assert measured is not None
    assert (measured.periods, measured.is_above) == (3, False)
    assert "within" in measured.description


def test_demand_that_jumps_is_above_the_band() -> None:
    jumped = known(62)
    new = jumped["week"] >= WEEKS[60]
    measured = recent_error(trained(known(60)), jumped.assign(units=jumped["units"].where(~new, jumped["units"] * 9)))
    assert measured is not None
    assert measured.is_above
    assert measured.share > measured.highest
    assert measured.description.startswith("on the 2 newest periods 9")
    assert "of what was forecast was sold in all, outside" in measured.description


def test_how_far_totals_spread_is_told_by_later_steps_and_articles_too_so_that_few_folds_need_no_giant_change() -> None:
    """Half as much again in all, where articles err alone: more than totals ever did, by whatever is known of them."""
    made, now = trained(known(60)), known(64)
    more = now.assign(units=now["units"].where(now["week"] < WEEKS[60], now["units"] * 1.5))
    measured, before = recent_error(made, more), recent_error(made, now)
    assert measured is not None
    assert before is not None
    assert measured.total - before.total == pytest.approx(np.log(1.5), abs=0.01)
    assert measured.highest_total < 4.03 * 1.08 * _spread_of_folds(made)


def _spread_of_folds(made: ModelVersion) -> float:
    sums = made.backtest[made.backtest["step"] <= 4].groupby("cutoff")[["actual", "mean"]].sum()
    return float(np.log(sums["actual"] / sums["mean"]).std(ddof=1))


def test_no_more_than_the_horizon_counts_and_a_stock_out_only_where_more_was_sold_than_foretold() -> None:
    made = trained(known(60))
    late = recent_error(made, known(69))
    assert late is not None
    assert late.periods == WEEKLY.horizon
    new = known(62)["week"] >= WEEKS[60]
    empty, sold_out = (
        recent_error(made, known(62).assign(censored=new, units=known(62)["units"].mask(new, units)))
        for units in (0.0, 500.0)
    )
    assert empty is None
    assert sold_out is not None
    assert sold_out.is_above


@pytest.mark.parametrize("weeks", [58, 60])
def test_without_anything_newer_nothing_is_said(weeks: int) -> None:
    assert recent_error(trained(known(60)), known(weeks)) is None
