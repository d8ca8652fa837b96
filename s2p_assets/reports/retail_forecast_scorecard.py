"""The scorecard of the demand forecast: how far off each model was, which is in service, and why.

The scores themselves are made in `learning/`; who wins by them is decided by the contest in `models/`.
"""

import pandas as pd

from s2p_assets import (
    Champion,
    Document,
    Figure,
    NotYet,
    SourceTable,
    format_date,
    localize_numbers,
    pluralize,
    report,
    sections,
)

NAIVE, PREFIX = "demand_seasonal_naive", "demand_"
NOTES = (
    "WAPE: the sum of all errors, whether too high or too low, over the units sold. Bias: what was forecast too much "
    "over the units sold; below zero, forecasts were too low.",
    "In 80 % band: how often what was sold lay within the band that should hold it in eight weeks of ten.",
    "RMSSE: errors against those of a forecast of 'last week again'; the champion is chosen by its mean.",
    "The naive forecast is the same week of a year earlier. Weeks in which stock ran out do not count.",
)


@report(title="Forecast scorecard", owner="planning@example.com")
def forecast_scorecard(demand_scores: pd.DataFrame, demand_champion: Champion) -> Document:
    """How far each demand model was off on past weeks, against the naive forecast; which is in service, and why.

    One edition per week of sales; made again whenever a model was trained or a champion chosen.
    """
    if demand_scores.empty:
        raise NotYet("no model has been tested on past weeks")
    scores = sections.forecast_scores.ForecastScores(
        SourceTable("demand_scores", demand_scores), NAIVE, PREFIX, one="SKU"
    )
    last_week, model = pd.to_datetime(demand_scores["until"]).max(), demand_champion.model
    called, trained = scores.called(model.name), format_date(model.trained_at)
    rows = f"{pluralize(model.reason.rows, 'row')} of " if model.reason.rows else ""
    facts = {
        "Model": called,
        "Version": model.version,
        "Trained on": trained,
        "Learned from": f"{rows}the features, version {model.feature_version[:12]}",
        "Tested": localize_numbers(model.description),
        "In service because": sections.model_service.describe_promotion(demand_champion.why, PREFIX),
    }
    return Document(
        title="Forecast scorecard",
        as_of=(last_week + pd.Timedelta(days=6)).date(),
        headline=sections.forecast_scores.describe_forecast_error(scores, model.name, demand_champion.too_few),
        figures=(
            Figure("Model in service", called, "text", note=f"trained on {trained}"),
            *sections.forecast_scores.forecast_score_figures(scores),
        ),
        sections=(
            sections.forecast_scores.model_comparison(scores),
            sections.model_service.service_facts(facts),
            sections.model_service.recent_trainings(demand_champion.trainings, model.version, PREFIX),
            sections.forecast_scores.forecast_folds(scores),
            sections.forecast_scores.scores_by_demand_class(scores),
        ),
        notes=(
            sections.forecast_scores.backtest_note(scores),
            *NOTES,
            *sections.forecast_scores.missing_baseline_note(scores),
        ),
    )
