"""Promises of who may not be in service: impossible losses, data since withdrawn, too little to tell by."""

import datetime as dt
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from s2p_assets.contracts.model import Contest, Model
from s2p_assets.learning.learned_targets import StoredHistory
from s2p_assets.learning.selection.pin import Pin
from s2p_assets.learning.selection.promotion import NoneMayServe, promote
from s2p_assets.learning.training import renew, train
from s2p_assets.learning.training_reason import TrainingReason
from s2p_assets.learning.versions import ModelVersion
from s2p_assets.models.retail_demand_boosting import demand_boosting
from s2p_assets.models.retail_demand_champion import demand_champion
from s2p_assets.models.retail_demand_moving_average import demand_moving_average
from s2p_assets.models.retail_demand_seasonal_naive import demand_seasonal_naive
from s2p_assets_tests.learning.histories import WEEKLY, once, seasonal

AT = dt.datetime(2024, 7, 1, tzinfo=dt.UTC)
CONTEST: Contest = replace(demand_champion, task=WEEKLY, baselines=("demand_seasonal_naive", "demand_moving_average"))
AVERAGE, NAIVE, BOOSTING = demand_moving_average.name, demand_seasonal_naive.name, demand_boosting.name
HISTORY = seasonal(20, 90)
WRONG = HISTORY.assign(units=HISTORY["units"].where(HISTORY.index != 700, 2_000_000.0))


@once
def trained(model: Model, history: pd.DataFrame = HISTORY) -> ModelVersion:
    return train(model, CONTEST, history, feature_version=str(len(history)), trained_at=AT, run_id="r")


def stored(history: pd.DataFrame = HISTORY) -> StoredHistory:
    return StoredHistory(history, WEEKLY)


def with_loss(made: ModelVersion, loss: float) -> ModelVersion:
    return replace(made, losses=made.losses.assign(loss=loss))


@pytest.mark.parametrize("loss", [math.nan, math.inf, 0.0])
def test_a_champion_whose_loss_is_impossible_leaves_service_and_it_is_said_why(loss: float) -> None:
    bad, naive = with_loss(trained(demand_moving_average), loss), trained(demand_seasonal_naive)
    outcome = promote(CONTEST, {AVERAGE: bad, NAIVE: naive}, bad)
    assert (outcome.change, outcome.champion.model_name) == ("demoted", NAIVE)
    assert AVERAGE in outcome.excluded
    assert "left out, as" in outcome.champion.why
    assert promote(CONTEST, {AVERAGE: bad, NAIVE: naive}).champion.model_name == NAIVE


def test_one_loss_that_is_no_number_among_many_is_enough() -> None:
    good = trained(demand_moving_average)
    losses = good.losses.assign(loss=np.where(np.arange(len(good.losses)) == 3, np.nan, good.losses["loss"]))
    outcome = promote(CONTEST, {AVERAGE: replace(good, losses=losses), NAIVE: trained(demand_seasonal_naive)})
    assert outcome.champion.model_name == NAIVE


def test_where_none_may_serve_nobody_does_and_each_reason_is_given() -> None:
    bad = with_loss(trained(demand_moving_average), math.nan)
    with pytest.raises(NoneMayServe, match="its loss is not a number: demand_moving_average"):
        promote(CONTEST, {AVERAGE: bad}, bad)


def test_a_champion_that_learned_from_a_row_since_corrected_gives_way_to_the_newest_of_its_own() -> None:
    old, new = trained(demand_moving_average, WRONG), trained(demand_moving_average)
    outcome = promote(CONTEST, {AVERAGE: new}, old, stored=stored())
    assert outcome.champion.version == new.version


def test_versions_of_withdrawn_data_never_win_by_being_many() -> None:
    stale = {model.name: trained(model, WRONG) for model in (demand_moving_average, demand_boosting)}
    outcome = promote(CONTEST, stale | {NAIVE: trained(demand_seasonal_naive)}, stale[BOOSTING], stored=stored())
    assert outcome.champion.model_name == NAIVE
    assert "1 of the 1,800 rows that it learned from were corrected or withdrawn since" in outcome.champion.why


def test_a_champion_of_withdrawn_data_is_trained_again_on_what_is_left_where_nothing_else_is_there() -> None:
    old = trained(demand_moving_average, WRONG)

    def renewed(version: ModelVersion, rival: ModelVersion | None) -> ModelVersion:
        assert rival is None
        return renew(version, CONTEST, HISTORY, feature_version="x", trained_at=AT, run_id="r", reason=TrainingReason())

    outcome = promote(CONTEST, {AVERAGE: old}, old, stored=stored(), renewed=renewed)
    assert np.array_equal(outcome.champion.model.learned_from, stored().hashes)
    with pytest.raises(NoneMayServe, match="corrected or withdrawn since"):
        promote(CONTEST, {AVERAGE: old}, old, stored=stored())


def test_rows_that_only_came_on_top_take_nobody_out_of_service() -> None:
    earlier = HISTORY.loc[HISTORY["week"] < HISTORY["week"].max() - pd.Timedelta(weeks=5)]
    old = trained(demand_moving_average, earlier)
    outcome = promote(CONTEST, {AVERAGE: old}, old, stored=stored())
    assert (outcome.change, outcome.champion.version) == ("stays", old.version)


def test_a_contest_may_allow_for_a_few_changed_rows() -> None:
    old = trained(demand_moving_average, WRONG)
    patient = replace(CONTEST, max_withdrawn_share=0.01)
    assert promote(patient, {AVERAGE: old}, old, stored=stored()).champion.version == old.version


def test_even_a_person_cannot_keep_a_version_of_withdrawn_data() -> None:
    old, new = trained(demand_moving_average, WRONG), trained(demand_seasonal_naive)
    pin = Pin(AVERAGE, old.version, "ann", "the fair", AT.isoformat())
    outcome = promote(CONTEST, {NAIVE: new}, old, pin=pin, pinned=old, stored=stored())
    assert outcome.champion.model_name == NAIVE
    assert "which a person set" in outcome.champion.why


def test_with_too_few_scored_weeks_the_plain_model_stands_and_says_so() -> None:
    short = seasonal(20, 24)
    best = with_loss(trained(demand_boosting, short), 0.001)
    plain = {model.name: trained(model, short) for model in (demand_moving_average, demand_seasonal_naive)}
    careful = replace(CONTEST, min_scored_periods=30)
    first = promote(careful, {BOOSTING: best, **plain})
    assert first.champion.model_name in CONTEST.baselines
    assert "too few weeks to say which model is best" in str(first.champion.too_few)
    assert "30 are needed; until then the plain model" in first.champion.why
    after = promote(careful, {BOOSTING: best, **plain}, best)
    assert (after.change, after.champion.model_name) == ("demoted", first.champion.model_name)
    stays = promote(careful, {BOOSTING: best, **plain}, plain[NAIVE])
    assert (stays.change, stays.champion.model_name) == ("stays", NAIVE)
    enough = promote(replace(CONTEST, min_scored_periods=1), {BOOSTING: best, **plain})
    assert (enough.champion.model_name, enough.champion.too_few) == (BOOSTING, None)


def test_where_no_model_errs_the_plain_one_stands() -> None:
    every = {model.name: with_loss(trained(model), 0.0) for model in (demand_boosting, demand_moving_average)}
    outcome = promote(CONTEST, every)
    assert outcome.champion.model_name == AVERAGE
    assert "nothing tells the models apart" in outcome.champion.why


def test_a_little_more_or_less_in_a_known_week_is_news_but_much_or_gone_is_a_correction() -> None:
    made = trained(demand_moving_average)
    row = HISTORY.index[500]

    def counted(history: pd.DataFrame) -> int:
        return stored(history).count_withdrawn(made.learned_from, made.learned_targets)

    def with_units(units: float) -> pd.DataFrame:
        return HISTORY.assign(units=HISTORY["units"].where(HISTORY.index != row, units))

    sold = float(HISTORY.loc[row, "units"])
    total = float(HISTORY.loc[HISTORY["sku"] == HISTORY.loc[row, "sku"], "units"].sum())
    assert counted(HISTORY) == counted(with_units(sold + 1)) == counted(with_units(sold - 1)) == 0
    assert counted(with_units(sold - 0.06 * total)) == counted(with_units(2_000_000)) == counted(HISTORY.drop(row)) == 1
    week = HISTORY["week"] == HISTORY.loc[row, "week"]
    withdrawn = counted(HISTORY.assign(units=HISTORY["units"].mask(week, 0.0)))
    assert withdrawn == int((HISTORY.loc[week, "units"] > 0).sum()) > 10
    assert counted(HISTORY.assign(unit_price=12.5)) == 0
