"""Promises of the contest: the same data for all, renewal without a test, a floor, and a person's last word."""

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from s2p_assets.contracts.model import Contest, Forecaster, Model
from s2p_assets.learning.forecasting.models.combination import Combination
from s2p_assets.learning.forecasting.models.moving_average import MovingAverage
from s2p_assets.learning.forecasting.models.seasonal_naive import SeasonalNaive
from s2p_assets.learning.registry.learner_files import parameters_of
from s2p_assets.learning.selection.pin import Pin
from s2p_assets.learning.selection.promotion import promote
from s2p_assets.learning.training import renew, train
from s2p_assets.learning.versions import ModelVersion
from s2p_assets.models.retail_demand_champion import demand_champion
from s2p_assets.models.retail_demand_moving_average import demand_moving_average
from s2p_assets.models.retail_demand_seasonal_naive import demand_seasonal_naive
from s2p_assets_tests.learning.histories import WEEKLY, once, seasonal

MONDAY = dt.datetime(2024, 7, 1, tzinfo=dt.UTC)
CONTEST: Contest = replace(demand_champion, task=WEEKLY, baselines=("demand_seasonal_naive",))
AVERAGE, NAIVE = demand_moving_average.name, demand_seasonal_naive.name
SKUS = 40


@once
def trained(
    model: Model = demand_moving_average, *, weeks: int = 80, build: Callable[[], Forecaster] | None = None
) -> ModelVersion:
    chosen = replace(model, build=_named(build, model)) if build else model
    history = seasonal(SKUS, weeks)
    return train(
        chosen, CONTEST, history, feature_version=str(weeks), trained_at=MONDAY + dt.timedelta(weeks=weeks), run_id="r"
    )


def _named(build: Callable[[], Forecaster], model: Model) -> Callable[[], Forecaster]:
    build.__module__ = model.build.__module__
    return build


def with_losses(made: ModelVersion, times: float) -> ModelVersion:
    return replace(made, losses=made.losses.assign(loss=made.losses["loss"] * times))


def unbiased(made: ModelVersion) -> ModelVersion:
    return replace(made, scores=made.scores.assign(bias=0.0))


def test_the_same_recipe_on_newer_data_is_renewed_without_a_test() -> None:
    old, new = trained(weeks=79), trained()
    outcome = promote(CONTEST, {AVERAGE: new}, old)
    assert (outcome.change, outcome.champion.version) == ("renewed", new.version)
    assert "same fingerprint" in outcome.champion.why


def test_a_better_challenger_on_the_same_folds_is_promoted_with_the_figures() -> None:
    old, rival = trained(), with_losses(trained(demand_seasonal_naive), 0.01)
    outcome = promote(CONTEST, {AVERAGE: old, NAIVE: rival}, old)
    assert (outcome.change, outcome.champion.model_name) == ("promoted", NAIVE)
    assert outcome.challenger is old
    assert outcome.against is not None
    assert outcome.against.is_better
    assert f"{NAIVE} replaces {AVERAGE}" in outcome.champion.why


@pytest.mark.parametrize(
    "champion", [MovingAverage(periods=4), Combination((MovingAverage(periods=4), SeasonalNaive()), weights=(2.0, 1.0))]
)
def test_a_champion_with_other_parameters_is_measured_anew_on_the_data_of_its_rival(champion: Forecaster) -> None:
    old = trained(build=lambda: champion, weeks=79)
    new = trained()
    asked: list[str] = []

    def renewed(champion: ModelVersion, rival: ModelVersion | None) -> ModelVersion:
        assert rival
        asked.append(champion.version)
        return renew(
            champion,
            CONTEST,
            seasonal(SKUS, 80),
            feature_version="80",
            trained_at=MONDAY,
            run_id="r",
            reason=rival.reason,
        )

    outcome = promote(CONTEST, {AVERAGE: new}, old, renewed=renewed)
    assert asked == [old.version]
    assert len(outcome.losses) == 2
    assert outcome.champion.model.cutoffs == new.cutoffs
    assert outcome.champion.model.parameters == parameters_of(champion)
    assert outcome.change == "renewed"


def test_a_champion_that_cannot_be_measured_on_the_same_data_stays() -> None:
    old = trained(build=lambda: MovingAverage(periods=4), weeks=79)
    for renewed in (None, lambda champion, rival: None, lambda champion, rival: champion):
        outcome = promote(CONTEST, {AVERAGE: trained()}, old, renewed=renewed)
        assert (outcome.change, outcome.champion.version) == ("stays", old.version)
        assert "other data" in outcome.champion.why


def test_only_versions_trained_on_the_same_data_are_compared() -> None:
    stale = trained(demand_seasonal_naive, weeks=79)
    newest = {NAIVE: stale, AVERAGE: trained(), "third": trained(build=lambda: MovingAverage(periods=6))}
    outcome = promote(CONTEST, newest)
    assert outcome.champion.model_name != NAIVE
    assert f"not compared, as trained on other data: {NAIVE}" in outcome.champion.why


def test_a_champion_that_clearly_loses_to_the_floor_goes() -> None:
    naive = trained(demand_seasonal_naive)
    by_fold = naive.losses["cutoff"].rank(method="dense").map({1: 1.5, 2: 0.9, 3: 0.95})
    worse = replace(trained(), losses=naive.losses.assign(loss=naive.losses["loss"] * by_fold))
    outcome = promote(CONTEST, {AVERAGE: worse, NAIVE: naive}, worse)
    assert (outcome.change, outcome.champion.model_name, outcome.baseline_warning) == ("demoted", NAIVE, None)
    assert "loses to" in outcome.champion.why


def test_a_difference_that_noise_makes_demotes_nobody() -> None:
    naive = trained(demand_seasonal_naive)
    just_worse = replace(trained(), losses=naive.losses.assign(loss=naive.losses["loss"] * 1.005))
    outcome = promote(CONTEST, {AVERAGE: just_worse, NAIVE: naive}, just_worse)
    assert (outcome.change, outcome.champion.model_name) == ("stays", AVERAGE)
    assert f"{AVERAGE} loses to {NAIVE}" in str(outcome.baseline_warning)


def test_the_first_in_service_is_the_preferred_one_unless_another_is_better_beyond_noise() -> None:
    naive = trained(demand_seasonal_naive)
    combined = unbiased(replace(trained(), name="demand_combination"))
    for times, first in ((0.995, "demand_combination"), (0.5, NAIVE)):
        rival = replace(unbiased(naive), losses=combined.losses.assign(loss=combined.losses["loss"] * times))
        assert promote(CONTEST, {"demand_combination": combined, NAIVE: rival}).champion.model_name == first


def test_what_is_always_off_to_one_side_does_not_come_into_service() -> None:
    average = unbiased(trained())
    biased = replace(
        with_losses(trained(demand_seasonal_naive), 0.5),
        scores=average.scores.assign(bias=-0.35 + 0.01 * np.arange(len(average.scores))),
    )
    outcome = promote(CONTEST, {AVERAGE: average, NAIVE: biased}, average)
    assert outcome.champion.model_name == AVERAGE
    first = promote(CONTEST, {AVERAGE: average, NAIVE: biased})
    assert first.champion.model_name == AVERAGE
    assert "off by -3" in first.champion.why


def test_a_person_overrules_the_test_and_is_told_of_the_floor() -> None:
    naive, worse = trained(demand_seasonal_naive), with_losses(trained(), 50)
    pin = Pin(AVERAGE, None, "ann", "the fair", MONDAY.isoformat())
    outcome = promote(CONTEST, {AVERAGE: worse, NAIVE: naive}, naive, pin=pin, pinned=worse)
    assert (outcome.change, outcome.champion.model_name, outcome.by) == ("pinned", AVERAGE, "ann")
    assert "the fair" in outcome.champion.why
    assert f"{AVERAGE} loses to {NAIVE}" in str(outcome.baseline_warning)


def test_without_a_trained_model_there_is_no_champion() -> None:
    with pytest.raises(ValueError, match="train one first"):
        promote(CONTEST, {})


def test_a_judge_who_names_a_stranger_is_refused() -> None:
    judge = replace(CONTEST, build=lambda losses, standing: "stranger")
    with pytest.raises(ValueError, match="named 'stranger' champion"):
        promote(judge, {AVERAGE: trained()})


def test_the_contest_knows_losses_and_nothing_of_what_is_predicted() -> None:
    units = pd.DataFrame({"cutoff": pd.Timestamp("2024-01-01"), "unit": ["deal 1", "deal 2"], "loss": [0.2, 0.4]})
    both: dict[str, Any] = {
        name: replace(
            made, losses=pd.concat([units, units.assign(cutoff=pd.Timestamp("2024-02-01"))]).assign(loss=loss)
        )
        for name, made, loss in ((AVERAGE, trained(), 0.5), (NAIVE, trained(demand_seasonal_naive), 0.2))
    }
    assert promote(CONTEST, both, both[AVERAGE]).champion.model_name == NAIVE
    assert np.isclose(both[AVERAGE].loss, 0.5)
