"""Promises of the pipeline report and its tables: what is likely to be won, and how far that is to be trusted."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from s2p_assets.contracts.model import ClassificationTask
from s2p_assets.contracts.report import Document
from s2p_assets.contracts.table import Table
from s2p_assets.contracts.validation import conform, declaration_violations
from s2p_assets.features.crm_deal_features import deal_features
from s2p_assets.learning.selection.promotion import promote
from s2p_assets.learning.survival import end_probability_by_month, hazard_rates
from s2p_assets.learning.training import train
from s2p_assets.learning.versions import Champion
from s2p_assets.models.crm_win_base_rate import win_base_rate
from s2p_assets.models.crm_win_champion import win_champion
from s2p_assets.models.crm_win_timing import win_timing
from s2p_assets.publishing.document import wording
from s2p_assets.publishing.sections import classification_scores
from s2p_assets.publishing.sections import pipeline as pipeline_sections
from s2p_assets.publishing.sections.source_table import SourceTable
from s2p_assets.reports.crm_pipeline import pipeline
from s2p_assets.samples.crm_company import SalesDepartment, simulate_sales_department
from s2p_assets.tables.crm_deal_backtest import deal_backtest
from s2p_assets.tables.crm_scored_pipeline import scored_pipeline
from s2p_assets.tables.crm_win_forecast import win_forecast
from s2p_assets.tables.crm_win_scores import win_scores

MONDAY = dt.datetime(2026, 4, 6, 6, 30, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def department() -> SalesDepartment:
    return simulate_sales_department(until=dt.date(2026, 3, 31), deals=300, seed=3)


@pytest.fixture(scope="module")
def history(department: SalesDepartment) -> pd.DataFrame:
    return deal_features.build(**vars(department))


@pytest.fixture(scope="module")
def champion(history: pd.DataFrame) -> Champion[ClassificationTask]:
    """The model of timing, put in service by hand if need be."""
    told, plain = (
        train(model, win_champion, history, feature_version="f1", trained_at=MONDAY, run_id="run-1")
        for model in (win_timing, win_base_rate)
    )
    promoted = promote(win_champion, {"win_timing": told, "win_base_rate": plain})
    return replace(promoted.champion, model=told)


@pytest.fixture(scope="module")
def frames(
    history: pd.DataFrame, department: SalesDepartment, champion: Champion[ClassificationTask]
) -> dict[str, pd.DataFrame]:
    scored = scored_pipeline.build(history, champion)
    return {
        "scored_pipeline": scored,
        "win_forecast": win_forecast.build(scored, department.opportunities),
        "deal_backtest": deal_backtest.build(champion),
        "win_scores": win_scores.build(champion),
    }


@pytest.fixture(scope="module")
def document(
    frames: dict[str, pd.DataFrame], department: SalesDepartment, champion: Champion[ClassificationTask]
) -> Document:
    return pipeline.build(**frames, opportunities=department.opportunities, win_champion=champion)


@pytest.mark.parametrize("table", [scored_pipeline, win_forecast, deal_backtest, win_scores], ids=lambda one: one.name)
def test_every_table_keeps_what_it_declares(table: Table, frames: dict[str, pd.DataFrame]) -> None:
    typed = conform(frames[table.name], table.rows)
    assert declaration_violations(typed, table.rows) == []
    assert not typed.duplicated(list(table.key)).any()


def test_every_open_deal_is_scored_once_and_no_other(
    frames: dict[str, pd.DataFrame], department: SalesDepartment
) -> None:
    deals = department.opportunities
    assert set(frames["scored_pipeline"]["opportunity_id"]) == set(
        deals.loc[deals["close_date"].isna(), "opportunity_id"]
    )


def test_what_only_the_end_of_a_deal_tells_changes_no_probability(
    department: SalesDepartment, champion: Champion[ClassificationTask], frames: dict[str, pd.DataFrame]
) -> None:
    deals = department.opportunities
    open_ones = deals["close_date"].isna()
    dearer = deals.assign(close_value=deals["close_value"] * 100, account=deals["account"])
    again = deal_features.build(dearer, department.accounts, department.products, department.sales_teams)
    scored = scored_pipeline.build(again, champion)
    assert open_ones.sum() == len(scored)
    pd.testing.assert_frame_equal(scored, frames["scored_pipeline"])


def test_the_months_add_up_to_no_more_than_the_deal(frames: dict[str, pd.DataFrame]) -> None:
    of_deal = frames["win_forecast"].groupby("opportunity_id")[["end_probability", "win_probability"]].sum()
    told = frames["scored_pipeline"].set_index("opportunity_id")["probability"]
    assert (of_deal["end_probability"] <= 1 + 1e-9).all()
    assert (of_deal["win_probability"] <= told.reindex(of_deal.index) + 1e-9).all()


def test_lives_end_as_those_before_them_did() -> None:
    known = hazard_rates(pd.Series([10, 10, 40, 40]), pd.Series([5, 20]))
    assert known[10] == pytest.approx(2 / 5)
    assert known[40] == 1.0
    today = pd.Timestamp("2026-03-25")
    told = end_probability_by_month(pd.Series([0, 20, 41], index=["new", "older", "too old"]), today, known, 3)
    assert [f"{month:%m}" for month in told.columns] == ["03", "04", "05"]
    assert list(told.loc["new"]) == pytest.approx([0.0, 0.4, 0.6])
    assert list(told.loc["older"]) == pytest.approx([0.0, 1.0, 0.0])
    assert told.loc["too old"].sum() == 0


def test_the_report_says_plainly_when_deals_can_hardly_be_told_apart(document: Document) -> None:
    assert "hardly tell one deal from another" in document.headline
    section = next(section for section in document.sections if section.title == "How right it was")
    assert "by the base rate alone" in section.description
    measures = section.frame
    assert measures is not None
    assert (measures["low"] <= measures["value"]).all()
    assert {"Brier score", "AUC", "Log loss"} <= set(measures["title"])


def test_the_report_says_so_too_when_they_can() -> None:
    found = pd.DataFrame(
        {
            "measure": ["accuracy", "auc", "brier"],
            "value": [0.8, 0.87, 0.14],
            "low": [0.78, 0.85, 0.13],
            "high": [0.82, 0.89, 0.15],
            "base": [0.5, 0.5, 0.25],
        }
    )
    said = classification_scores.describe_probabilities(found, one="car", outcome="in the points")
    assert said.startswith("The probabilities tell one car")


@pytest.mark.parametrize(
    ("came", "judged"), [(0.95, "more than told"), (0.8, "about as told"), (0.5, "fewer than told")]
)
def test_how_far_to_trust_a_probability_is_said_in_words_of_what_came(came: float, judged: str) -> None:
    measured = pd.DataFrame({"measure": ["auc"], "value": [0.7], "low": [0.6], "high": [0.8]})
    part = {"predicted": [0.3, 0.8], "outcome": [0.3, came], "low": [0.2, came - 0.04], "high": [0.4, came + 0.04]}
    scores = classification_scores.ClassificationScores(
        cases=SourceTable("deal_backtest", pd.DataFrame({"probability": [0.3, 0.84]})),
        scores=SourceTable("win_scores", pd.DataFrame({"model": [], "cases": []})),
        measured=measured,
        calibration=pd.DataFrame({"decile": [1, 2], "cases": [50, 50], **part}),
        baseline="win_base_rate",
        one="deal",
        outcome="won",
    )
    said = classification_scores.describe_trust(scores).replace(wording.SPACE, " ")
    assert said == f"Of past deals that were told 80 %, {came * 100:.0f} % were won: {judged}."
    surest, least = classification_scores.told_and_came(scores)
    assert (surest.value, surest.note.replace(wording.SPACE, " ")) == (came, f"told 80 % on average: {judged}")
    assert (least.value, least.note.replace(wording.SPACE, " ")) == (0.3, "told 30 % on average: about as told")
    assert classification_scores.most_told(scores) == 0.84


def test_no_measure_of_statisticians_stands_on_the_first_screen(document: Document) -> None:
    first = " ".join([document.headline, *(f"{figure.label} {figure.note}" for figure in document.figures)])
    assert not any(word in first for word in ("Brier", "AUC", "og loss"))


def test_months_are_written_as_months(document: Document) -> None:
    by_month = document.sections[0].frame
    assert by_month is not None
    assert by_month["called"].str.fullmatch(r"[A-Z][a-z]+ \d{4}").all()


def test_a_deal_that_is_told_more_than_any_before_it_is_doubted(frames: dict[str, pd.DataFrame]) -> None:
    deals = pipeline_sections.Pipeline(
        open_cases=SourceTable("scored_pipeline", frames["scored_pipeline"], ("opportunity_id",)),
        all_cases=SourceTable("opportunities", frames["scored_pipeline"], ("opportunity_id",)),
        forecast=SourceTable("win_forecast", frames["win_forecast"]),
        one="deal",
    )
    middle = float(frames["scored_pipeline"]["probability"].astype(float).median())
    listed = pipeline_sections.most_valuable_cases(deals, (), most_told=middle).frame
    assert listed is not None
    doubted = listed["doubt"] != ""
    assert 0 < doubted.sum() < len(listed)
    assert (listed.loc[doubted, "probability"].astype(float) > middle - 0.005).all()
    sure = pipeline_sections.most_valuable_cases(deals, (), most_told=1.0)
    assert "doubt" not in [column.name for column in sure.columns]


def test_every_number_of_the_report_can_be_traced(document: Document, frames: Mapping[str, Any]) -> None:
    for section in document.sections:
        for column in section.columns:
            if column.format in ("integer", "number", "money", "percent"):
                assert section.lineage(column), f"{section.title}: {column.title}"
    assert all(figure.sources for figure in document.figures)


def test_sums_of_the_report_are_those_of_its_tables(document: Document, frames: dict[str, pd.DataFrame]) -> None:
    shown = {section.title: section.frame for section in document.sections if section.frame is not None}
    total = frames["win_forecast"]["win_probability"].sum()
    for title in ("What is expected to be won, by month", "By team", "By product"):
        assert np.isclose(shown[title]["win_probability"].sum(), total)
