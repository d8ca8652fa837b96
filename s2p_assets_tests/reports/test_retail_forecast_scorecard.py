"""Promises of the scorecard: every model against the naive one, and honest words on what is in service."""

import datetime as dt
from dataclasses import replace

import pandas as pd
import pytest

from s2p_assets.contracts.derivation import NotYet
from s2p_assets.contracts.report import Document
from s2p_assets.contracts.validation import conform, declaration_violations
from s2p_assets.learning.forecasting.forecasts import backtest_totals
from s2p_assets.learning.training import train
from s2p_assets.learning.training_reason import LoadedSource, TrainingReason, TrainingRecord
from s2p_assets.learning.versions import Champion
from s2p_assets.models.retail_demand_champion import demand_champion
from s2p_assets.models.retail_demand_moving_average import demand_moving_average
from s2p_assets.models.retail_demand_seasonal_naive import demand_seasonal_naive
from s2p_assets.reports.retail_forecast_scorecard import forecast_scorecard
from s2p_assets.tables.retail_demand_scores import demand_scores
from s2p_assets.tables.retail_total_backtest import total_backtest
from s2p_assets_tests.learning.histories import WEEKLY, seasonal

MONDAY = dt.datetime(2026, 11, 16, 6, 30, tzinfo=dt.UTC)
WHY = "demand_moving_average: RMSSE 0.7, the lowest of 2; demand_seasonal_naive had 0.9"


@pytest.fixture(scope="module")
def champion() -> Champion:
    contest = replace(demand_champion, task=WEEKLY)
    average, naive = (
        train(model, contest, seasonal(5, 120), feature_version="f1", trained_at=MONDAY, run_id="run-1")
        for model in (demand_moving_average, demand_seasonal_naive)
    )
    return Champion("retail", "demand_champion", average, WHY, pd.concat([average.scores, naive.scores]))


def scores(champion: Champion) -> pd.DataFrame:
    return conform(demand_scores.build(demand_champion=champion), demand_scores.rows)


def written(champion: Champion) -> Document:
    return forecast_scorecard.build(scores(champion), demand_champion=champion)


def table(document: Document, title: str) -> pd.DataFrame:
    frame = next(section.frame for section in document.sections if section.title == title)
    assert frame is not None
    return frame


def test_both_tables_keep_what_they_declare(champion: Champion) -> None:
    past = conform(total_backtest.build(demand_champion=champion), total_backtest.rows)
    assert declaration_violations(scores(champion), demand_scores.rows) == []
    assert declaration_violations(past, total_backtest.rows) == []


def test_the_model_in_service_comes_first_with_its_gain_over_the_naive_forecast(champion: Champion) -> None:
    models = table(written(champion), "The models compared")
    assert list(models["placed"]) == ["Moving average, in service", "Seasonal naive"]
    average, naive = models["wape"]
    assert models["against_naive"][0] == pytest.approx(average / naive - 1)
    assert pd.isna(models["against_naive"][1])


def test_each_model_stands_in_each_stretch_and_kind_of_sku(champion: Champion) -> None:
    stretches = table(written(champion), "Stretch by stretch")
    assert stretches.groupby("fold")["called"].nunique().tolist() == [2, 2, 2]
    assert {"Steady"} <= set(table(written(champion), "By kind of SKU")["kind"])


def test_every_model_that_was_trained_is_told_with_its_data_not_only_the_one_in_service(champion: Champion) -> None:
    file = LoadedSource("retail_sales", "sales/May.xlsx", "ab", "2026-11-16", 40, 0, None)
    later = TrainingReason(
        since="v1", signals={"models_know_enough": ""}, rows=600, changed=90, sources=(file,), loaded=3
    )
    told = (
        TrainingRecord("demand_seasonal_naive", "v2", MONDAY, "f2", later),
        TrainingRecord("demand_moving_average", champion.version, MONDAY, "f1", TrainingReason(rows=600, changed=600)),
        TrainingRecord("demand_smoothing", "v3", MONDAY, "f1", None),
    )
    rows = table(written(replace(champion, trainings=told)), "What was trained, and from which data")
    assert rows["called"].tolist() == ["Seasonal naive", "Moving average, in service", "Smoothing"]
    assert rows["why"].tolist() == ["learning from what was new is worth it", "first training", "not known"]
    assert list(rows.loc[0, ["rows", "changed", "loaded", "newest"]]) == [600, 90, 3, "sales/May.xlsx"]


def test_a_mean_over_the_stretches_is_declared_as_a_mean(champion: Champion) -> None:
    document = written(champion)
    bases = [basis for figure in document.figures for basis in figure.sources]
    assert {basis.aggregation for basis in bases} == {"mean"}


def test_why_the_model_is_in_service_is_told_in_plain_names(champion: Champion) -> None:
    said = table(written(champion), "What is in service, and why").set_index("what")["value"]
    assert said["In service because"] == "Moving average: RMSSE 0.7, the lowest of 2; Seasonal naive had 0.9"
    assert said["Trained on"] == "16 Nov 2026"


def test_without_the_naive_forecast_nothing_is_compared_with_it(champion: Champion) -> None:
    alone = replace(champion, scores=champion.model.scores)
    document = written(alone)
    assert "naive" not in document.headline
    assert "The naive forecast was not among the models." in document.notes


def test_without_tests_on_past_weeks_there_is_no_scorecard(champion: Champion) -> None:
    with pytest.raises(NotYet):
        forecast_scorecard.build(scores(champion).head(0), demand_champion=champion)


def test_a_band_of_the_past_knows_only_the_errors_before_it(champion: Champion) -> None:
    totals = backtest_totals(champion)
    first = totals["cutoff"] == totals["cutoff"].min()
    assert totals.loc[first, "q10"].isna().all()
    assert (totals.loc[~first, "q10"] <= totals.loc[~first, "q90"]).all()
    backtest = champion.model.backtest
    assert totals["actual"].sum() == backtest["actual"].sum()
