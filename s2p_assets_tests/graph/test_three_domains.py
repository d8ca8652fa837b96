"""Three companies on one share: what is made beside what, and what is told of deals and races from the commands."""

import json
from collections.abc import Iterator
from typing import Any

import dagster as dg
import openpyxl
import pytest
from typer.testing import CliRunner

from s2p_assets.cli import app
from s2p_assets.graph.assets.contest_assets import BEATS_BASELINES, CHAMPION_STAYS, NO_LEAKS
from s2p_assets.graph.checks.retraining_signals import ASKING, DRIFT
from s2p_assets.graph.running.instance import open_instance
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
