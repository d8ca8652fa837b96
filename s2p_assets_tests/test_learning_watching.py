"""Promises of the watch over a version in service: its error on what came since, against the band of its folds."""

import datetime as dt
from dataclasses import replace

import pandas as pd
import pytest

from s2p_assets.learning.versions import ModelVersion, train
from s2p_assets.learning.watching import recent_error
from s2p_assets.models.retail_demand_champion import demand_champion
from s2p_assets.models.retail_demand_moving_average import demand_moving_average
from s2p_assets_tests.learning_histories import WEEKLY, seasonal

CONTEST = replace(demand_champion, problem=WEEKLY)
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
    assert "within its band" in measured.says


def test_demand_that_jumps_is_above_the_band() -> None:
    jumped = known(62)
    new = jumped["week"] >= WEEKS[60]
    measured = recent_error(trained(known(60)), jumped.assign(units=jumped["units"].where(~new, jumped["units"] * 9)))
    assert measured is not None
    assert measured.is_above
    assert f"WAPE {measured.wape:.1%} on the 2 newest periods, above its band" in measured.says


def test_no_more_than_the_horizon_counts_and_stock_outs_do_not() -> None:
    made = trained(known(60))
    late = recent_error(made, known(69))
    assert late is not None
    assert late.periods == WEEKLY.horizon
    out = known(62).assign(censored=lambda rows: rows["week"] >= WEEKS[60])
    assert recent_error(made, out) is None


@pytest.mark.parametrize("weeks", [58, 60])
def test_without_anything_newer_nothing_is_said(weeks: int) -> None:
    assert recent_error(trained(known(60)), known(weeks)) is None
