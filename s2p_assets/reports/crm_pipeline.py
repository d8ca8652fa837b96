"""The pipeline for the sales management: what is likely to be won, when, by whom, and how far that can be trusted.

The probabilities are made by the contest in `models/`; what is said of their worth, by `publishing/outcomes.py`.
"""

import pandas as pd

from s2p_assets.learning.classifying import probabilities
from s2p_assets.learning.classifying.scores import with_intervals
from s2p_assets.learning.model import Outcome
from s2p_assets.learning.versions import Champion
from s2p_assets.publishing import outcomes
from s2p_assets.publishing.comparison import change
from s2p_assets.publishing.report import Basis, Chart, Document, Field, Figure, ReportColumn, Section, report
from s2p_assets.publishing.wording import counted, grouped, short_day
from s2p_assets.shelves import NotYet

FLOOR = "win_base_rate"
DEALS_SHOWN = 25
DRAWS = 200
WEEK, DAY = pd.Timedelta(days=7), pd.Timedelta(days=1)
CALLED = {
    "win_base_rate": "Base rate",
    "win_logistic": "Logistic regression",
    "win_forest": "Random forest",
    "win_boosting": "Gradient boosting",
    "win_timing": "Gradient boosting on timing",
}


@report(title="Sales pipeline", owner="sales-operations@example.com", against_last=True)
def pipeline(
    scored_pipeline: pd.DataFrame,
    win_forecast: pd.DataFrame,
    told_deals: pd.DataFrame,
    win_scores: pd.DataFrame,
    opportunities: pd.DataFrame,
    win_champion: Champion[Outcome],
) -> Document:
    """What the open deals will probably bring, by month, team and product; the deals that matter; and how sure it is.

    One edition per day of the CRM's data; made again whenever deals, models or their champion change.
    """
    if scored_pipeline.empty:
        raise NotYet("no deal is open")
    today = pd.Timestamp(scored_pipeline["moment"].max())
    months = win_forecast.assign(month=pd.to_datetime(win_forecast["month"]))
    measured = with_intervals(win_champion.model.backtest, draws=DRAWS)
    found = outcomes.against_base(measured, win_scores, FLOOR)
    parts = probabilities.calibration(told_deals["won"].astype(float), told_deals["probability"].astype(float))
    never = _never(win_forecast)
    return Document(
        title="Sales pipeline",
        as_of=(today - pd.Timedelta(days=1)).date(),
        headline=_headline(scored_pipeline, months, never, found),
        figures=_figures(scored_pipeline, months, found, opportunities, today),
        sections=(
            _by_month(months),
            _by(months, scored_pipeline, "manager", "By team", "Team of", "regional_office", "Office"),
            _by(months, scored_pipeline, "product", "By product", "Product"),
            _worth_most(scored_pipeline, win_forecast),
            _ended(opportunities, today),
            outcomes.measures(
                found,
                told="told_deals",
                scores="win_scores",
                floor=FLOOR,
                plainly=outcomes.in_words(found, one="deal", came="won"),
            ),
            outcomes.calibration(parts, told="told_deals", target="won"),
            outcomes.folds(win_scores, CALLED, of="win_scores"),
        ),
        notes=_notes(win_champion, never),
    )


def _headline(deals: pd.DataFrame, months: pd.DataFrame, never: int, found: pd.DataFrame) -> str:
    wins = months.groupby("month")["wins"].sum().astype(float)
    most = pd.Timestamp(str(wins.idxmax()))
    old = f", {grouped(never)} of them for longer than any that ended so far" if never else ""
    return (
        f"{counted(len(deals), 'deal is', 'deals are')} open{old}. {grouped(float(wins.sum()))} are expected to be won "
        f"within {counted(len(wins), 'month')}, most of them in {most:%B}. "
        f"{outcomes.in_short(found, one='deal')}"
    )


def _figures(
    deals: pd.DataFrame, months: pd.DataFrame, found: pd.DataFrame, opportunities: pd.DataFrame, today: pd.Timestamp
) -> tuple[Figure, ...]:
    measured = outcomes.by_measure(found)

    def sure(name: str) -> str:
        low, high, base = (grouped(measured[name][part], 3) for part in ("low", "high", "base"))
        return f"95 %: {low} to {high}; base rate alone {base}"

    told = (Basis("told_deals.probability"),)
    return (
        Figure("Open deals", len(deals), "whole", of=(Basis("scored_pipeline.opportunity_id"),)),
        Figure(
            "Expected wins",
            round(float(months["wins"].sum()), 1),
            note=f"within {counted(months['month'].nunique(), 'month')}",
            of=(Basis("win_forecast.wins"),),
        ),
        Figure("Expected value", float(months["value"].sum()), "money", of=(Basis("win_forecast.value"),)),
        *_last_week(opportunities, today),
        Figure("Brier score", measured["brier"]["value"], note=sure("brier"), of=told),
        Figure("AUC", measured["auc"]["value"], note=sure("auc"), of=told),
    )


def _never(forecast: pd.DataFrame) -> int:
    """How many deals are older than any that ended, so that no month can be told for them."""
    return int((forecast.groupby("opportunity_id")["ends"].sum() == 0).sum())


def _by_month(months: pd.DataFrame) -> Section:
    rows = months.groupby("month")[["ends", "wins", "value"]].sum().astype(float).reset_index()
    where = {"month": Field("month")}
    return Section(
        title="What is expected to be won, by month",
        says="Each deal's probability, spread over the months in which deals of its age ended before. Sums of "
        "probabilities: 12.4 wins are twelve or thirteen, give or take.",
        frame=rows,
        columns=(
            ReportColumn("month", "Month", "day"),
            ReportColumn("ends", "Deals that end", "number", of=(Basis("win_forecast.ends", where),)),
            ReportColumn("wins", "Expected wins", "number", of=(Basis("win_forecast.wins", where),)),
            ReportColumn("value", "Expected value", "money", of=(Basis("win_forecast.value", where),)),
        ),
        chart=Chart("bar", "month", ("wins",), "Expected wins by month", frame=rows),
    )


def _by(
    months: pd.DataFrame,
    deals: pd.DataFrame,
    by: str,
    title: str,
    called: str,
    beside: str = "",
    beside_called: str = "",
) -> Section:
    """Open deals, expected wins and value by a column, most value first; `beside`: a column that goes with it."""
    names = [by, *([beside] if beside else [])]
    rows = months.groupby(names)[["wins", "value"]].sum().astype(float).reset_index()
    rows = rows.merge(deals.groupby(by).size().rename("open").reset_index(), on=by)
    rows = rows.sort_values(["value", by], ascending=[False, True]).reset_index(drop=True)
    where = {by: Field(by)}
    return Section(
        title=title,
        says="Open deals, and what they are expected to bring within the months above.",
        frame=rows,
        columns=(
            ReportColumn(by, called),
            *([ReportColumn(beside, beside_called)] if beside else []),
            ReportColumn("open", "Open deals", "whole", of=(Basis("scored_pipeline.opportunity_id", where),)),
            ReportColumn("wins", "Expected wins", "number", of=(Basis("win_forecast.wins", where),)),
            ReportColumn("value", "Expected value", "money", bars=True, of=(Basis("win_forecast.value", where),)),
        ),
        chart=Chart("bar", by, ("wins",), f"Expected wins, {title.lower()}", frame=rows),
    )


def _worth_most(deals: pd.DataFrame, forecast: pd.DataFrame) -> Section:
    """Of the deals that are expected to end at all."""
    ending = forecast.loc[forecast["ends"] > 0, "opportunity_id"]
    rows = deals[deals["opportunity_id"].isin(ending)]
    rows = rows.sort_values(["expected_value", "opportunity_id"], ascending=[False, True]).head(DEALS_SHOWN)
    return Section(
        title="The deals worth most",
        says=f"Of the deals that may end in these months the {grouped(len(rows))} with the highest list price times "
        "probability, and what adds to the probability or takes from it, in points of a hundred. All open deals are "
        "in the table scored_pipeline.",
        frame=rows.reset_index(drop=True),
        columns=(
            ReportColumn("opportunity_id", "Deal", "code"),
            ReportColumn("account", "Account"),
            ReportColumn("product", "Product"),
            ReportColumn("sales_agent", "Agent"),
            ReportColumn("probability", "Chance", "percent"),
            ReportColumn("expected_value", "Expected value", "money"),
            ReportColumn("reasons", "Why"),
        ),
        of="scored_pipeline",
        by=("opportunity_id",),
    )


def _last_week(opportunities: pd.DataFrame, today: pd.Timestamp) -> tuple[Figure, ...]:
    """Deals that began, were won and were lost in the last week, against the week before."""
    kinds = {"Begun": ("engage_date", None), "Won": ("close_date", "Won"), "Lost": ("close_date", "Lost")}
    figures = []
    for called, (column, stage) in kinds.items():
        days = pd.to_datetime(opportunities[column])
        days = days if stage is None else days.where(opportunities["deal_stage"] == stage)
        now, before = (int(days.between(today - n * WEEK, today - (n - 1) * WEEK - DAY).sum()) for n in (1, 2))
        where = {column: slice((today - WEEK).date(), (today - DAY).date())}
        figures.append(
            Figure(
                f"{called} in the last week",
                now,
                "whole",
                change=change(now, before),
                than="the week before",
                of=(Basis("opportunities.opportunity_id", where if stage is None else {**where, "deal_stage": stage}),),
            )
        )
    return tuple(figures)


def _ended(opportunities: pd.DataFrame, today: pd.Timestamp) -> Section:
    days = pd.to_datetime(opportunities["close_date"])
    rows = opportunities[days >= today - WEEK].sort_values(["close_value", "opportunity_id"], ascending=[False, True])
    return Section(
        title="What ended in the last week",
        says=f"From {short_day(today - WEEK)} on, the {grouped(DEALS_SHOWN)} that brought most.",
        frame=rows.head(DEALS_SHOWN).reset_index(drop=True),
        columns=(
            ReportColumn("opportunity_id", "Deal", "code"),
            ReportColumn("account", "Account"),
            ReportColumn("product", "Product"),
            ReportColumn("sales_agent", "Agent"),
            ReportColumn("deal_stage", "End"),
            ReportColumn("close_date", "On", "day"),
            ReportColumn("close_value", "Brought in", "money"),
        ),
        of="opportunities",
        by=("opportunity_id",),
        when_empty="No deal ended.",
    )


def _notes(champion: Champion[Outcome], never: int) -> tuple[str, ...]:
    old = (
        f"{counted(never, 'deal is', 'deals are')} open for longer than any that ended: they are in no month."
        if never
        else ""
    )
    called = CALLED.get(champion.model_name, champion.model_name)
    notes = (
        f"In service: {called}, version {champion.version}: {champion.model.says}.",
        "Nothing that only the end of a deal tells, its value and its day, goes into a probability.",
        "Log loss and Brier score measure how far probabilities were from what came; AUC is how often a deal that was "
        "won had been given more than one that was lost.",
        old,
    )
    return tuple(note for note in notes if note)
