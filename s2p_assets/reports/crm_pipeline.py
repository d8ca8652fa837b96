"""The pipeline for the sales management: what is likely to be won, when, by whom, and how far that can be trusted.

The probabilities are made by the contest in `models/`; the sections are built in `publishing/sections/`.
"""

import pandas as pd

from s2p_assets import (
    Champion,
    ClassificationTask,
    Document,
    NotYet,
    ReportColumn,
    SourceTable,
    calibration_table,
    metric_intervals,
    report,
    sections,
)

BASE, KEY, DRAWS = "win_base_rate", ("opportunity_id",), 200
CALLED = {BASE: "Base rate", "win_logistic": "Logistic regression", "win_forest": "Random forest"}
CALLED |= {"win_boosting": "Gradient boosting", "win_timing": "Gradient boosting on timing"}
LAST_WEEK = {"Begun": ("engage_date", None), "Won": ("close_date", "Won"), "Lost": ("close_date", "Lost")}
DEAL: tuple[ReportColumn, ...] = (ReportColumn("opportunity_id", "Deal", "code"), ReportColumn("account", "Account"))
DEAL += (ReportColumn("product", "Product"), ReportColumn("sales_agent", "Agent"))
TEAM = (ReportColumn("manager", "Team of"), ReportColumn("regional_office", "Office"))
ENDED = (ReportColumn("deal_stage", "End"), ReportColumn("close_date", "On", "date"))
BROUGHT_IN = ReportColumn("close_value", "Brought in", "money")
NOTES = (
    "Nothing that only the end of a deal tells, its value and its day, goes into a probability.",
    "Log loss and Brier score measure how far probabilities were from what came; AUC is how often a deal that was "
    "won had been given more than one that was lost.",
)


@report(title="Sales pipeline", owner="sales-operations@example.com", compare_with_last=True)
def pipeline(
    scored_pipeline: pd.DataFrame,
    win_forecast: pd.DataFrame,
    deal_backtest: pd.DataFrame,
    win_scores: pd.DataFrame,
    opportunities: pd.DataFrame,
    win_champion: Champion[ClassificationTask],
) -> Document:
    """What the open deals will probably bring, by month, team and product; the deals that matter; and how sure it is.

    One edition per day of the CRM's data; made again whenever deals, models or their champion change.
    """
    if scored_pipeline.empty:
        raise NotYet("no deal is open")
    today, model = pd.Timestamp(scored_pipeline["as_of"].max()), win_champion.model
    scored, forecast = SourceTable("scored_pipeline", scored_pipeline, KEY), SourceTable("win_forecast", win_forecast)
    open_deals = sections.pipeline.Pipeline(scored, forecast, one="deal")
    deals, past = SourceTable("opportunities", opportunities, KEY), "deal_backtest"
    found = sections.classification_scores.compare_with_baseline(
        metric_intervals(model.backtest, draws=DRAWS), win_scores, BASE
    )
    parts = calibration_table(deal_backtest["won"].astype(float), deal_backtest["probability"].astype(float))
    in_service = f"In service: {CALLED.get(model.name, model.name)}, version {model.version}: {model.description}."
    return Document(
        title="Sales pipeline",
        as_of=(today - pd.Timedelta(days=1)).date(),
        headline=f"{sections.pipeline.describe_pipeline(open_deals)} "
        f"{sections.classification_scores.describe_discrimination(found, one='deal')}",
        figures=(
            *sections.pipeline.pipeline_figures(open_deals),
            *sections.pipeline.last_week_figures(deals, LAST_WEEK, today=today, stage="deal_stage"),
            *(
                sections.classification_scores.measure_figure(found, measure, backtest=past)
                for measure in ("brier", "auc")
            ),
        ),
        sections=(
            sections.pipeline.wins_by_month(open_deals),
            sections.pipeline.wins_by_group(open_deals, "By team", *TEAM),
            sections.pipeline.wins_by_group(open_deals, "By product", ReportColumn("product", "Product")),
            sections.pipeline.most_valuable_cases(open_deals, DEAL),
            sections.pipeline.ended_cases(
                deals, (*DEAL, *ENDED, BROUGHT_IN), today=today, date="close_date", one="deal"
            ),
            sections.classification_scores.probability_measures(
                found, backtest=past, scores="win_scores", baseline=BASE, one="deal", outcome="won"
            ),
            sections.classification_scores.probability_calibration(parts, backtest=past, target="won"),
            sections.classification_scores.classification_folds(SourceTable("win_scores", win_scores), CALLED),
        ),
        notes=(in_service, *NOTES, *sections.pipeline.overdue_note(open_deals)),
    )
