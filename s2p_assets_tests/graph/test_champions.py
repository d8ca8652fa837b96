"""What people are promised of models in service: why they learned, who stands, how to overrule, what is predicted."""

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import openpyxl
import pytest
from typer.testing import CliRunner

from s2p_assets.cli import app
from s2p_assets.definitions import build
from s2p_assets.graph.assets.contest_assets import BEATS_BASELINES, CHAMPION_STAYS
from s2p_assets.graph.checks.retraining_signals import CODE_CHANGED, ENOUGH_NEW_ROWS, ERROR_ABOVE_BAND
from s2p_assets.graph.running.headless import process
from s2p_assets.graph.running.instance import open_instance
from s2p_assets.learning.registry.learner_files import ModelDamaged
from s2p_assets.learning.registry.mlflow_tables import ContestState
from s2p_assets.learning.registry.model_registry import Registry
from s2p_assets.settings import Settings
from s2p_assets_tests.retail_home import Processed, nothing_set

pytestmark = pytest.mark.long

CONTEST, FEATURES = "retail_demand_champion", dg.AssetKey(["retail", "demand_features"])


class Company:
    """One installation whose commands are given in this process."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @property
    def registry(self) -> Registry:
        return build(self.settings).ctx.registry

    @property
    def state(self) -> ContestState:
        return self.registry.state("retail", "demand_champion")

    def run(self) -> dict[str, Any]:
        graph = build(self.settings)
        return process(graph.ctx, graph.definitions, lambda _: None)

    def made(self) -> set[str]:
        return {asset for run in self.run()["runs"] for asset in run["assets"]}

    def description(self, *words: str) -> Any:
        """What a command prints as JSON."""
        answer = CliRunner().invoke(app, [*words, "--json"])
        assert answer.exit_code == 0, answer.output
        return json.loads(answer.stdout)

    def check(self, key: dg.AssetKey, name: str) -> Any:
        with open_instance(self.settings) as instance:
            keys = [dg.AssetCheckKey(key, name)]
            record = instance.event_log_storage.get_latest_asset_check_execution_by_key(keys)[keys[0]]
            assert record.event is not None
            return record.event.asset_check_evaluation


@pytest.fixture(scope="module")
def company(processed: Processed) -> Iterator[Company]:
    """A company whose sample share has been processed once, as the commands' settings have it."""
    with nothing_set() as patch:
        settings = processed.again().settings
        patch.setenv("S2P_HOME", str(settings.home))
        patch.setenv("S2P_SHARE", str(settings.share))
        patch.setenv("S2P_DATABASE_URL", str(settings.database_url))
        yield Company(Settings())


def sales(company: Company, name: str, monday: dt.date, quantities: dict[str, int]) -> None:
    """A retail sales workbook of one week."""
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.append(["SKU", "Quantity", "From date", "To date"])
    for sku, quantity in quantities.items():
        sheet.append([sku, quantity, monday, monday + dt.timedelta(days=6)])
    file = company.settings.share / "sales/retail" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    book.save(file)


def shipment(company: Company, day: dt.date) -> None:
    """The newest line to a dealer once more, shipped on `day`: demand is told of weeks that both channels cover."""
    query = "select sku, quantity, unit_price, item_cost from retail.wholesale_sales order by ship_date desc limit 1"
    with build(company.settings).ctx.warehouse.connect() as connection:
        ((sku, *amounts),) = connection.execute(query).fetchall()
    head = "SKU,Quantity,Unit price,Item cost,Customer PO,Ship date,Invoice num"
    line = ",".join(map(str, (sku, *amounts, "PO-1", day, "SURGE-1")))
    (company.settings.share / "sales/wholesale/surge.csv").write_text(f"{head}\n{line}\n")


@pytest.mark.parametrize("model", ["moving_average", "boosting"])
def test_a_model_is_made_again_from_the_rows_it_learned_from_and_comes_out_equal(company: Company, model: str) -> None:
    record = company.state.find(f"demand_{model}")
    assert record
    again = company.description("reproduce", f"retail_demand_{model}@{record.version}")
    assert again["is_equal"], again
    assert again["version"] == [record.version, record.version]
    assert again["data"] == [record.data, record.data]


def test_why_prints_the_chain_down_to_the_files(company: Company) -> None:
    said = company.description("why", "retail_demand_boosting")
    assert said["features"] == "retail_demand_features"
    assert {"retail_demand", "retail_products"} <= set(said["tables"])
    assert "retail_retail_sales" in said["workbooks"]
    assert said["why"].startswith("first training")
    assert said["orders"].startswith("Orders follow from demand_")
    assert said["files_loaded"] == len(said["files"]) > 20
    file = next(file for file in said["files"] if file["path"].endswith(".xlsx"))
    assert len(file["sha256"]) == 64
    assert file["rows"] > 0
    for forecast in (CONTEST, "retail_demand_forecast"):
        assert company.description("why", forecast)["in_service"]
    plain = CliRunner().invoke(app, ["why", "retail_demand_boosting"]).stdout
    assert said["version"] in plain
    assert file["sha256"][:12] in plain or "more; --json" in plain


def test_the_standing_champion_and_its_challenger_are_shown(company: Company) -> None:
    said = company.description("champion", CONTEST)
    assert said["champion"]["model"] in said["last"]["losses"]
    assert said["challenger"]["model"] != said["champion"]["model"]
    assert [reign["change"] for reign in said["reigns"]] == ["first"]
    assert company.check(dg.AssetKey(["retail", "demand_champion"]), CHAMPION_STAYS).passed
    assert company.check(dg.AssetKey(["retail", "demand_champion"]), BEATS_BASELINES).passed


def test_a_person_overrules_goes_back_and_releases_and_the_forecast_follows(company: Company) -> None:
    first = company.description("champion", CONTEST)["champion"]["model"]
    said = company.description("champion", CONTEST, "--set", "demand_seasonal_naive", "--because", "the fair")
    assert (said["champion"]["model"], said["pinned"]["because"]) == ("demand_seasonal_naive", "the fair")
    contest = dg.AssetKey(["retail", "demand_champion"])
    check = company.check(contest, CHAMPION_STAYS)
    assert not check.passed
    assert "the fair" in check.metadata["why"].value
    assert not company.check(contest, BEATS_BASELINES).passed
    assert {"retail/demand_forecast", "retail/weekly_outlook"} <= company.made()
    (row,) = company.description("predict", CONTEST, f"sku={_sku(company)}", "--horizon", "1")
    assert row["model"] == "demand_seasonal_naive"
    assert company.made() == set()
    assert company.description("champion", CONTEST, "--back")["champion"]["model"] == first
    released = company.description("champion", CONTEST, "--release")
    assert (released["pinned"], released["champion"]["model"]) == (None, first)
    assert [reign["model"] for reign in released["reigns"]] == [first, "demand_seasonal_naive", first]


def _sku(company: Company) -> str:
    return str(company.description("predict", CONTEST, "--horizon", "1")[0]["sku"])


def test_predictions_are_of_the_entities_asked_for(company: Company) -> None:
    rows = company.description("predict", "retail_demand_moving_average", f"sku={_sku(company)}", "--horizon", "3")
    assert [row["step"] for row in rows] == [1, 2, 3]
    assert {row["model"] for row in rows} == {"demand_moving_average"}
    assert all(row["q10"] <= row["mean"] <= row["q90"] for row in rows)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["predict", CONTEST, "sku=none such"], "no sku in retail_demand_features has sku=none such"),
        (["predict", CONTEST, "colour=red"], "has no column colour"),
        (["why", "retail_demand"], "there is no such model, contest or forecast"),
        (["champion", CONTEST, "--set", "demand_oracle"], "did you mean demand_"),
    ],
)
def test_what_is_not_there_is_said_in_one_line(company: Company, words: list[str], said: str) -> None:
    answer = CliRunner().invoke(app, words)
    assert answer.exit_code != 0
    assert said in str(answer.exception)


def test_a_little_news_trains_nothing_and_the_signals_say_their_figures(company: Company) -> None:
    query = "select sku, retail_units::int from retail.demand where week = %s order by 2 desc limit 1"
    monday = dt.date(2026, 3, 23)
    with build(company.settings).ctx.warehouse.connect() as connection:
        ((sku, units),) = connection.execute(query, (monday,)).fetchall()
    sales(company, "one.xlsx", monday, {sku: units + 1})
    assert "retail/demand" not in company.made()  # another file has another figure of that week: a person is asked
    assert CliRunner().invoke(app, ["accept", "sales/retail/one.xlsx"]).exit_code == 0
    made = company.made()
    assert "retail/demand_features" in made
    assert "retail/demand_boosting" not in made
    for name in (ENOUGH_NEW_ROWS, CODE_CHANGED, ERROR_ABOVE_BAND):
        check = company.check(FEATURES, name)
        assert check.passed, check.metadata
    assert "rows are new or changed" in company.check(FEATURES, ENOUGH_NEW_ROWS).metadata["demand_boosting"].value


def test_a_surge_of_sales_trains_and_says_which_signals_files_and_rows_it_was(company: Company) -> None:
    before = company.state
    skus = [row["sku"] for row in company.description("predict", CONTEST, "--horizon", "1")]
    for week in range(3):
        monday = dt.date(2026, 4, 6) + dt.timedelta(weeks=week)  # no day of March, of which there is the whole month
        sales(company, f"week {week}.xlsx", monday, dict.fromkeys(skus, 2000))
    shipment(company, dt.date(2026, 4, 24))
    assert "retail/demand_boosting" in company.made()
    said = company.description("why", "retail_demand_boosting")
    known = before.find("demand_boosting")
    assert known is not None
    assert said["since"] == known.version
    assert ERROR_ABOVE_BAND in said["signals"]
    assert "backtests" in said["signals"][ERROR_ABOVE_BAND]
    assert {Path(file["path"]).name for file in said["files"]} >= {"week 0.xlsx", "week 1.xlsx", "week 2.xlsx"}
    assert 0 < said["rows_changed"] < said["rows"]
    assert company.state.tenures[-1].change in {"renewed", "promoted", "demoted"}
    assert company.made() == set()


def test_a_damaged_candidate_is_left_out_and_named_and_a_damaged_champion_is_replaced(company: Company) -> None:
    state = company.state
    assert state.champion is not None
    folder = company.settings.models / CONTEST / state.champion.run_id / "artifacts"
    (folder / "backtest.parquet").write_bytes(b"spoiled")
    with pytest.raises(ModelDamaged, match=r"backtest\.parquet"):
        company.registry.load_champion("retail", "demand_champion")
    said = company.description("champion", CONTEST, "--release")
    assert said["champion"]["model"] != state.champion.model
    check = company.check(dg.AssetKey(["retail", "demand_champion"]), CHAMPION_STAYS)
    assert "backtest.parquet" in check.metadata[f"excluded: {state.champion.model}"].value
