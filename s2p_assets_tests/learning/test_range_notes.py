"""Promises of ranges and scores of too little: none is narrow, and no model praised, without saying so."""

import datetime as dt

import pandas as pd

from s2p_assets.learning.forecasting import forecasts
from s2p_assets.learning.selection.promotion import promote
from s2p_assets.learning.training import train
from s2p_assets.models.retail_demand_champion import demand_champion
from s2p_assets.models.retail_demand_moving_average import demand_moving_average
from s2p_assets.publishing.sections.forecast_outlook import band_of_total, evidence_notes
from s2p_assets.publishing.sections.forecast_scores import ForecastScores, describe_forecast_error
from s2p_assets.publishing.sections.source_table import SourceTable
from s2p_assets_tests.learning.histories import seasonal

AT = dt.datetime(2024, 7, 1, tzinfo=dt.UTC)


def rows(**columns: object) -> pd.DataFrame:
    plain = {"sku": "A", "mean": 5.0, "q10": 3.0, "q90": 8.0, "deviation": 1.0, "life": None}
    return pd.DataFrame([plain | columns]).astype({"life": "string"})


def test_a_range_without_width_says_why() -> None:
    def note(**columns: object) -> str | None:
        reason = forecasts.range_notes(rows(**columns)).iloc[0]
        return None if pd.isna(reason) else str(reason)

    assert note() is None
    assert note(q10=5.0, q90=5.0) == forecasts.TOO_LITTLE_TESTED
    nothing = {"mean": 0.0, "q10": 0.0, "q90": 0.0, "deviation": 0.0}
    assert note(**nothing) == forecasts.SOLD_NOTHING_LATELY
    assert note(**nothing, life="ended") == forecasts.DISCONTINUED


def test_a_series_that_is_always_the_same_gets_no_sure_looking_range_in_silence() -> None:
    history = seasonal(1, 40).assign(units=7.0)
    version = train(demand_moving_average, demand_champion, history, feature_version="1", trained_at=AT, run_id="r")
    champion = promote(demand_champion, {version.name: version}).champion
    found = forecasts.forecast_series(champion, history)
    assert (found["q10"] == found["q90"]).all()
    assert set(forecasts.range_notes(found)) == {forecasts.TOO_LITTLE_TESTED}


def test_reports_say_too_few_weeks_to_say() -> None:
    past = pd.DataFrame({"week": pd.date_range("2024-01-01", periods=4, freq="7D")})
    total = pd.DataFrame({"week": past["week"], "mean": 5.0, "q10": 5.0, "q90": 5.0})
    ahead = rows(q10=5.0, q90=5.0).assign(range_note=forecasts.TOO_LITTLE_TESTED)
    notes = list(evidence_notes(ahead, band_of_total(total), past, 12, item="sku", noun="SKU"))
    assert notes == [
        "Too few weeks to say how good the forecast is: 4 were tested, 12 are needed.",
        "The band of the total has no width: too few weeks to say how far the forecast may be off.",
        "The range of 1 SKU has no width: too few weeks to say how far it may be off.",
    ]
    wide = band_of_total(total.assign(q90=9.0))
    assert list(evidence_notes(rows().assign(range_note=None), wide, past, 4, item="sku", noun="SKU")) == []


def test_the_scorecard_praises_no_model_that_was_chosen_by_too_little() -> None:
    history = seasonal(3, 22)
    version = train(demand_moving_average, demand_champion, history, feature_version="1", trained_at=AT, run_id="r")
    champion = promote(demand_champion, {version.name: version}).champion
    assert champion.too_few
    table = version.scores.assign(is_champion=True)
    scores = ForecastScores(SourceTable("demand_scores", table), "demand_seasonal_naive", "demand_", one="SKU")
    said = describe_forecast_error(scores, version.name, champion.too_few)
    assert said.startswith("Too few weeks to say which model is best")
    assert "%" not in said
