"""The sales pipeline: what will probably be won, when and by whom. Its sections are built in `publishing/sections/`."""

from s2p_assets import (
    Champion,
    ClassificationTask,
    Document,
    Frame,
    NotYet,
    ReportColumn,
    SourceTable,
    calibration_by_fold,
    calibration_table,
    compare_open_cases,
    metric_intervals,
    report,
    sections,
)

KEY = ("opportunity_id",)
TITLES = {"win_base_rate": "Base rate", "win_logistic": "Logistic regression", "win_forest": "Random forest"}
TITLES |= {"win_boosting": "Gradient boosting", "win_timing": "Gradient boosting on timing"}
LAST_WEEK = {"Begun": ("engage_date", None), "Won": ("close_date", "Won"), "Lost": ("close_date", "Lost")}
FEATURE_NAMES = {"sector": "sector of the account", "account_closed": "past deals with the account"}
DEAL: tuple[ReportColumn, ...] = (ReportColumn("opportunity_id", "Deal", "code"), ReportColumn("account", "Account"))
DEAL += (ReportColumn("product", "Product"), ReportColumn("sales_agent", "Agent"))
STAGE = ReportColumn("stage", "Stage")
TEAM = (ReportColumn("manager", "Team of"), ReportColumn("regional_office", "Office"))
ENDED: tuple[ReportColumn, ...] = (ReportColumn("deal_stage", "End"), ReportColumn("close_date", "On", "date"))
ENDED += (ReportColumn("close_value", "Brought in", "money"),)
NOTES = (
    "Nothing that only the end of a deal tells, its value and its day, goes into a probability.",
    "Log loss and Brier score measure how far probabilities were from what came; AUC is how often a deal that was "
    "won had been given more than one that was lost.",
)


@report(title="Sales pipeline", owner="sales-operations@example.com", awaited=True, compare_with_last=True)
def pipeline(
    scored_pipeline: Frame,
    win_forecast: Frame,
    deal_backtest: Frame,
    win_scores: Frame,
    opportunities: Frame,
    win_champion: Champion[ClassificationTask],
) -> Document:
    """What the open deals will probably bring, by month, team and product; the deals that matter; and how sure it is.

    One edition per day of the CRM's data; made again whenever deals, models or their champion change.
    """
    if scored_pipeline.empty:
        raise NotYet("no deal is open")
    deals = sections.pipeline.Pipeline(
        open_cases=SourceTable("scored_pipeline", scored_pipeline, KEY),
        all_cases=SourceTable("opportunities", opportunities, KEY),
        forecast=SourceTable("win_forecast", win_forecast),
        one="deal",
    )
    scores = sections.classification_scores.ClassificationScores(
        cases=SourceTable("deal_backtest", deal_backtest),
        scores=SourceTable("win_scores", win_scores),
        measured=metric_intervals(win_champion.model.backtest, draws=200),
        calibration=calibration_table(deal_backtest["won"], deal_backtest["probability"]),
        baseline="win_base_rate",
        one="deal",
        outcome="won",
    )
    trust, backtest = sections.probability_trust, win_champion.model.backtest
    beside, held = compare_open_cases(backtest, scored_pipeline["probability"]), calibration_by_fold(backtest)
    in_service = sections.model_service.describe_model(win_champion.model, TITLES)
    return Document(
        title="Sales pipeline",
        as_of=deals.last_day,
        headline=f"{sections.pipeline.describe_pipeline(deals)} "
        f"{sections.classification_scores.describe_trust(scores)}{trust.warn_of_open_cases(beside, 'deal')}",
        figures=(
            *sections.pipeline.pipeline_figures(deals),
            *sections.pipeline.last_week_figures(deals, LAST_WEEK, stage="deal_stage"),
            *sections.classification_scores.told_and_came(scores),
        ),
        sections=(
            sections.pipeline.wins_by_month(deals),
            sections.pipeline.wins_by_group(deals, "By team", *TEAM),
            sections.pipeline.wins_by_group(deals, "By product", ReportColumn("product", "Product")),
            sections.pipeline.most_valuable_cases(
                deals, (*DEAL, STAGE), most_told=sections.classification_scores.most_told(scores)
            ),
            sections.pipeline.ended_cases(deals, (*DEAL, *ENDED), date="close_date"),
            *trust.kept_from_learning(win_champion.model.reason, FEATURE_NAMES),
            trust.open_beside_decided(beside, deals.open_cases, scores.cases, "deal"),
            sections.classification_scores.probability_measures(scores),
            sections.classification_scores.probability_calibration(scores),
            trust.calibration_over_time(held, scores.cases, "deal"),
            sections.classification_scores.classification_folds(scores, TITLES),
        ),
        notes=(in_service, win_champion.why, *NOTES, *sections.pipeline.overdue_note(deals)),
        action=sections.pipeline.overdue_action(deals),
    )
