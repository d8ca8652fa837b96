"""Three companies on one share: what is made beside what, and what is told of deals and races from the commands."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import openpyxl
import pytest
from typer.testing import CliRunner

from s2p_assets.cli import app
from s2p_assets.graph.assets.contest_assets import BEATS_BASELINES, CHAMPION_STAYS, NO_LEAKS
from s2p_assets.graph.checks.retraining_signals import ASKING, DRIFT
from s2p_assets.graph.running.instance import open_instance
from s2p_assets.services.forecasts import scored
from s2p_assets.services.planning import cases, order_lists, series, what_if
from s2p_assets.warehouse.tables import store
from s2p_assets_tests.retail_home import Company, Processed, nothing_set

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def company(processed: Processed) -> Iterator[Company]:
    """The sample company with the other sample domains on its share, which made nothing of its own again."""
    with nothing_set():
        yield processed.with_other_domains()


def told(company: Company, *words: str) -> Any:
    """What a command prints as JSON."""
    settings = company.settings
    env = {"S2P_HOME": str(settings.home), "S2P_SHARE": str(settings.share), "S2P_DATABASE_URL": settings.database_url}
    answer = CliRunner().invoke(app, [*words, "--json"], env=env)
    assert answer.exit_code == 0, answer.output
    return json.loads(answer.stdout)


def test_a_change_in_one_domain_touches_no_other(company: Company) -> None:
    accounts = openpyxl.load_workbook(company.settings.share / "crm/Accounts.xlsx")
    accounts["Accounts"]["E4"] = 4321
    accounts.save(company.settings.share / "crm/Accounts.xlsx")
    made = company.made()
    assert "crm/deal_features" in made
    assert {asset.partition("/")[0] for asset in made} == {"crm"}


def test_a_race_is_told_as_it_was_before_its_season_and_the_next_as_to_come(company: Company) -> None:
    preview = (company.settings.reports / "f1-race-preview/latest.html").read_text(encoding="utf-8")
    assert "the likelier answer" in preview
    race = told(company, "predict", "f1_top_ten_champion", "race_id=14")
    assert len(race) == 16
    assert {car["basis"] for car in race} == {"backtested"}
    failures = {car["driver_id"]: car["probability"] for car in told(company, "predict", "f1_failure_champion")}
    coming = told(company, "predict", "f1_top_ten_champion")
    assert {car["basis"] for car in coming} == {"open"}
    assert sum(car["probability"] for car in coming) == pytest.approx(10)
    assert all(car["probability"] + failures[car["driver_id"]] < 1 for car in coming)


def test_each_open_deal_is_told_by_the_champion_and_stands_in_the_report(company: Company) -> None:
    tables = company.graph.ctx.catalog.tables
    with company.graph.ctx.warehouse.connect() as connection:
        scored = store.read_rows(connection, "crm", "scored_pipeline", tables["crm_scored_pipeline"].columns)
    (one,) = told(company, "predict", "crm_win_champion", f"opportunity_id={scored['opportunity_id'].iloc[0]}")
    assert (one["basis"], one["probability"]) == ("open", pytest.approx(scored["probability"].iloc[0]))
    assert len(told(company, "predict", "crm_win_champion")) == len(scored)
    (edition,) = (company.settings.share / "s2p-reports/crm-pipeline").glob("20*/*.html")
    assert "hardly tell one deal from another" in edition.read_text()


def test_a_deal_that_somebody_types_in_is_scored_from_its_features_as_a_stored_one_and_nothing_is_trained(
    company: Company,
) -> None:
    ctx = company.graph.ctx
    with ctx.warehouse.connect() as connection:
        told_then = store.read_rows(
            connection, "crm", "scored_pipeline", ctx.catalog.tables["crm_scored_pipeline"].columns
        )
        features = store.read_rows(
            connection, "crm", "deal_features", ctx.catalog.features["crm_deal_features"].columns
        )
    target = ctx.catalog.contests["crm_win_champion"].task.target
    deals = told_then.head(3)
    typed = deals[["opportunity_id", "as_of"]].merge(features, on=["opportunity_id", "as_of"]).drop(columns=target)
    days = {str(name): typed[name].dt.strftime("%Y-%m-%d") for name in typed.select_dtypes("datetime")}
    rows = json.loads(typed.assign(**days).to_json(orient="records"))
    known = ctx.registry.state("crm", "win_champion").champion
    found = scored(ctx, "crm_win_champion", rows)
    assert [row["probability"] for row in found["rows"]] == pytest.approx(deals["probability"].tolist())
    assert known
    assert (found["model"], found["model_version"]) == (known.model, known.version)
    assert ctx.registry.state("crm", "win_champion").champion == known
    (unknown,) = scored(ctx, "crm_win_champion", [{}])["rows"]
    assert 0 < unknown["probability"] < 1


def test_a_classifier_is_crowned_watched_and_asked_why_as_a_forecaster_is(company: Company) -> None:
    standing = told(company, "champion", "crm_win_champion")
    assert {version["model"] for version in standing["versions"]} >= {"win_base_rate", "win_forest", "win_timing"}
    assert "log loss" in told(company, "why", "crm_win_champion")["how_good"]
    with open_instance(company.settings) as instance:
        keys = [
            dg.AssetCheckKey(dg.AssetKey(["crm", asset]), name)
            for asset, name in (
                *(("win_champion", name) for name in (CHAMPION_STAYS, BEATS_BASELINES, NO_LEAKS)),
                *(("deal_features", name) for name in ASKING),
                ("scored_pipeline", DRIFT),
            )
        ]
        found = instance.event_log_storage.get_latest_asset_check_execution_by_key(keys)
    assert set(found) == set(keys)


def test_a_deal_that_is_typed_in_is_told_as_one_in_the_workbook_would_be(company: Company) -> None:
    ctx = company.graph.ctx
    one = cases.case_table_named(ctx.catalog, "crm_scored_pipeline")
    fields = {field.name: field for field in cases.typed_fields(ctx, one)}
    assert set(fields) == {"sales_agent", "product", "account", "engage_date"}
    typed = {name: field.options[0] for name, field in fields.items() if field.options}
    told = cases.score_typed(ctx, "crm_scored_pipeline", typed | {"engage_date": "2026-02-02"})
    assert 0 < told["probability"] < 1
    assert told["trust"]
    stored = cases.stored_cases(ctx, one)[0]
    explained = cases.explain_case(ctx, "crm_scored_pipeline", "crm_win_champion", stored["opportunity_id"])
    assert explained["probability"] == pytest.approx(stored["probability"])
    doubted = stored["opportunity_id"] in cases.doubtful_cases(ctx, "crm_scored_pipeline")
    assert doubted == any(says.startswith("No past case") for says in explained["trust"])
    with pytest.raises(cases.TypedWrong) as wrong:
        cases.score_typed(ctx, "crm_scored_pipeline", typed | {"product": "none such", "sales_agent": ""})
    assert set(wrong.value.faults) == {"product", "sales_agent"}


def test_a_car_has_three_outcomes_that_sum_up_to_one_with_reasons_for_each(company: Company) -> None:
    ctx = company.graph.ctx
    one = cases.case_table_named(ctx.catalog, "f1_race_predictions")
    assert cases.typed_fields(ctx, one) == []
    rows = cases.stored_cases(ctx, one)
    outcomes = ("top_ten_probability", "below_probability", "failure_probability")
    assert all(sum(row[name] for name in outcomes) == pytest.approx(1) for row in rows)
    assert sum(row["top_ten_probability"] for row in rows) == pytest.approx(10)
    car = rows[0]["driver_id"]
    told = [cases.explain_case(ctx, one.table.full_name, contest.full_name, car) for contest in one.contests]
    assert [answer["probability"] for answer in told] == [rows[0][outcomes[0]], rows[0][outcomes[2]]]


def test_a_price_that_is_tried_moves_the_forecast_and_stores_nothing(company: Company) -> None:
    ctx = company.graph.ctx
    one = series.series_forecast_named(ctx.catalog, "retail_demand_forecast")
    sku = series.find_series(ctx, one, "")["entities"][0]
    before = series.series_outlook(ctx, "retail_demand_forecast", sku)
    assert before["past"]["actual"] > 0
    dear = what_if.what_if_price(ctx, "retail_demand_forecast", sku, 1_000.0)
    if dear["model"]:
        assert dear["then"] != pytest.approx(dear["now"])
    assert len(dear["periods"]) == one.task.horizon
    assert series.series_outlook(ctx, "retail_demand_forecast", sku)["periods"] == before["periods"]
    group = series.find_series(ctx, one, "")["groups"][0]
    shown = series.series_outlook(ctx, "retail_demand_forecast", None, group)
    coming = [row for row in shown["periods"] if row["mean"] is not None]
    assert all(0 <= row["low"] <= row["high"] for row in coming)


def test_each_supplier_gets_a_list_in_whole_cartons(company: Company, tmp_path: Path) -> None:
    ctx = company.graph.ctx
    lists = order_lists.order_lists(ctx, "retail_reorder_plan")
    assert lists
    for one in lists:
        for _, _, cartons, pack, units, _ in one.rows:
            assert cartons * pack == units
    order_lists.write_order_list(ctx, "retail_reorder_plan", lists[0].supplier, "xlsx", tmp_path / "list.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "list.xlsx").active
    assert sheet is not None
    assert sheet["A4"].value == lists[0].rows[0][0]
    assert sheet.max_row == 3 + len(lists[0].rows)
