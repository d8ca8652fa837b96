"""A home of s2p 0.1.0 is opened by today's code: its status, its models, its champion, Dagster's own files."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from s2p_assets.contracts.feature_set import FeatureSet
from s2p_assets.contracts.table import Table
from s2p_assets.definitions import Graph, build
from s2p_assets.graph.assets.contest_assets import judge
from s2p_assets.graph.running import dagster_home, instance
from s2p_assets.graph.share_sensor import SensorCursor
from s2p_assets.learning.registry.former_names import present_place, present_task
from s2p_assets.learning.task_methods import METHODS
from s2p_assets.services.status import read_status
from s2p_assets.settings import Settings
from s2p_assets.warehouse.tables import store
from s2p_assets_tests.older_home import unpacked


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory, database_url: str) -> Settings:
    settings = unpacked(tmp_path_factory.mktemp("older") / "home", database_url)
    (settings.share / "taken away on purpose").mkdir(parents=True)
    return settings


@pytest.fixture(scope="module")
def graph(settings: Settings) -> Graph:
    return build(settings)


def test_its_status_is_told(settings: Settings, graph: Graph) -> None:
    status = read_status(graph.ctx)
    loaded = {workbook["name"]: workbook["rows"] for workbook in status["workbooks"] if workbook["rows"]}
    assert loaded == {"crm_accounts": 24, "crm_opportunities": 121, "crm_products": 5, "crm_sales_teams": 12}
    assert [contest["champion"] for contest in status["models"] if contest["champion"]] == ["win_logistic"]
    returned = {file["path"] for file in status["sent_back"]}
    assert returned == {"crm/Deals from the trade fair.xlsx", "crm/Pipeline of last year.csv"}


def test_its_derived_tables_are_read_as_they_are_declared_now(graph: Graph) -> None:
    made: list[Table | FeatureSet] = [*graph.ctx.catalog.tables.values(), *graph.ctx.catalog.features.values()]
    crm = [declared for declared in made if declared.domain == "crm"]
    with graph.ctx.warehouse.connect() as conn:
        for declared in crm:
            rows = store.read_rows(conn, declared.domain, declared.name, declared.columns)
            told = conn.execute(
                "select rows from s2p.contents where domain = 'crm' and table_name = %s", (declared.name,)
            ).fetchone()
            assert told == (len(rows),), declared.full_name
    assert len(crm) >= 5


def test_its_models_load_and_its_champion_can_predict(settings: Settings, graph: Graph) -> None:
    contest = graph.ctx.catalog.contests["crm_win_champion"]
    registry = graph.ctx.registry
    champion = registry.load_champion("crm", contest.name)
    assert champion.model.version == "a5c106187584"
    assert champion.model.parameters["trials"] == 4
    assert type(champion.model.task) in METHODS
    features = graph.ctx.catalog.features["crm_deal_features"]
    with graph.ctx.warehouse.connect() as conn:
        cases = store.read_rows(conn, features.domain, features.name, features.columns)
    assert {champion.model.task.entity, champion.model.task.time} <= set(cases.columns)
    learner: Any = champion.model.learner
    said = learner.probability(cases)
    assert len(said) == len(cases)
    assert ((said > 0) & (said < 1)).all()


def test_a_persons_word_on_its_champion_still_holds(settings: Settings, graph: Graph) -> None:
    contest = graph.ctx.catalog.contests["crm_win_champion"]
    registry = graph.ctx.registry
    standing = registry.state("crm", contest.name)
    assert standing.pin
    assert (standing.pin.model, standing.pin.by) == ("win_logistic", "ann")
    assert [tenure.change for tenure in standing.tenures] == ["first", "renewed", "pinned"]
    crowning = judge(registry, contest, standing, None)
    assert crowning.champion.model_name == "win_logistic"
    assert crowning.change == "pinned"


def test_its_dagster_yaml_names_the_storage_where_it_lies_now(settings: Settings) -> None:
    file = settings.dagster_home / "dagster.yaml"
    custom = "module: {}\n    class: SharedPostgresStorage"
    there = file.read_text().replace(instance.__name__, "s2p_assets.where.it_was")
    module = yaml.safe_load(there)["storage"]["custom"]["module"]
    changed = there.replace("num_workers: 4", "num_workers: 3")
    file.write_text(changed)
    dagster_home.prepare_home(settings)
    assert file.read_text() == changed.replace(custom.format(module), custom.format(instance.__name__))
    assert instance.__name__ in file.read_text()


@pytest.mark.parametrize(
    "text", ["", "{", "storage:\n  postgres: {}\n", "storage:\n  custom: {module: a.b, class: C}\n"]
)
def test_a_dagster_yaml_of_an_engineers_own_is_left_alone(tmp_path: Path, text: str) -> None:
    settings = Settings(home=tmp_path, database_url="postgresql://nobody@localhost/none")
    settings.dagster_home.mkdir()
    (settings.dagster_home / "dagster.yaml").write_text(text)
    dagster_home.prepare_home(settings)
    assert (settings.dagster_home / "dagster.yaml").read_text() == text


def test_a_sensor_forgets_what_another_version_remembered_in_other_words() -> None:
    assert SensorCursor.from_cursor('{"files": {"crm_accounts": {"version": "1"}}}') == SensorCursor()


def test_a_class_that_moved_is_found_and_a_strangers_is_not_looked_for() -> None:
    package = "classifiers"
    moved = present_place(f"s2p_assets.learning.{package}.no_such_module:Thing")
    assert moved.endswith(".no_such_module:Thing")
    assert package not in moved
    assert present_place("stranger.models:Thing") == "stranger.models:Thing"


def test_a_task_of_0_1_0_has_its_kind_and_columns_by_the_names_of_now() -> None:
    stored: dict[str, Any] = {
        "kind": "".join(["Out", "come"]),
        "time": "".join(["mo", "ment"]),
        "folds": 4,
        "refused": ["close_date"],
    }
    assert present_task(stored, {"Something"}, "crm") == stored | {"kind": "ClassificationTask", "time": "as_of"}
    assert present_task(stored, {"Something"}, "acme")["time"] == stored["time"]
    assert present_task(stored, {stored["kind"]}, "crm") == stored
