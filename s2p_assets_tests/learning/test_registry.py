"""Promises of the registry: the same content is the same version, damage is named, MLflow shows what s2p does."""

import datetime as dt
import hashlib
import json
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from psycopg import sql

from s2p_assets.contracts.model import Contest, Model
from s2p_assets.learning.forecasting.forecasts import forecast_series
from s2p_assets.learning.forecasting.models.boosting import Boosting
from s2p_assets.learning.forecasting.models.moving_average import MovingAverage
from s2p_assets.learning.registry.learner_files import ModelDamaged
from s2p_assets.learning.registry.manifest import MANIFEST
from s2p_assets.learning.registry.mlflow_tables import Record
from s2p_assets.learning.registry.mlflow_writer import MlflowWriter, RegistryUnreachable
from s2p_assets.learning.registry.model_registry import NoSuchModel, Registry, find_record, remove_unfinished_versions
from s2p_assets.learning.selection.pin import Pin
from s2p_assets.learning.selection.promotion import Promotion, promote
from s2p_assets.learning.training import train
from s2p_assets.learning.versions import ModelVersion
from s2p_assets.models.retail_demand_boosting import demand_boosting
from s2p_assets.models.retail_demand_champion import demand_champion
from s2p_assets.models.retail_demand_moving_average import demand_moving_average
from s2p_assets.models.retail_demand_seasonal_naive import demand_seasonal_naive
from s2p_assets.warehouse.server.connection import connect
from s2p_assets.warehouse.server.unreachable import DatabaseUnreachable
from s2p_assets_tests.learning.histories import WEEKLY, once, seasonal

pytestmark = pytest.mark.long

CONTEST: Contest = replace(demand_champion, task=WEEKLY)
MODELS = (demand_seasonal_naive, demand_moving_average)
MONDAY = dt.datetime(2024, 7, 1, 6, 30, tzinfo=dt.UTC)
PIN = Pin("demand_moving_average", None, "ann", "the fair", MONDAY.isoformat())


@once
def trained(
    model: Model = demand_moving_average, *, weeks: int = 60, feature_version: str = "f1", day: int = 0
) -> ModelVersion:
    return train(
        model,
        CONTEST,
        seasonal(3, weeks),
        feature_version=feature_version,
        trained_at=MONDAY + dt.timedelta(days=day),
        run_id="run-1",
    )


def crowned(newest: dict[str, ModelVersion], state: ModelVersion | None = None, **said: Any) -> Promotion:
    return promote(CONTEST, newest, state, **said)


def both(**said: Any) -> dict[str, ModelVersion]:
    return {model.name: trained(model, **said) for model in MODELS}


def in_database(url: str, name: str) -> str:
    before, _, rest = url.rpartition("/" + url.partition("?")[0].rpartition("/")[2] + "?")
    return f"{before}/{name}?{rest}"


def of_database(url: str, folder: Path) -> Registry:
    return Registry(folder / "models", lambda: url, lambda: connect(url))


@pytest.fixture(scope="module")
def template(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of a database in which MLflow has made its tables, to be copied for each test."""
    name = database_url.partition("?")[0].rpartition("/")[2] + "_mlflow"
    with connect(database_url) as conn:
        conn.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        registry = of_database(in_database(database_url, name), tmp_path_factory.mktemp("template"))
        registry.save(trained())
        with connect(registry.url()) as made:
            tables = "experiments, runs, registered_models, model_versions, registered_model_aliases"
            made.execute("set search_path = mlflow")
            made.execute(f"truncate {tables} cascade")
        conn.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", (name,))
        yield name
        conn.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@pytest.fixture
def registry(template: str, database_url: str, tmp_path: Path) -> Iterator[Registry]:
    """An empty registry in a database of its own."""
    name = f"{template}_{uuid.uuid4().hex[:8]}"
    with connect(database_url) as conn:
        made = sql.SQL("create database {} template {}").format(sql.Identifier(name), sql.Identifier(template))
        conn.execute(made)
        yield of_database(in_database(database_url, name), tmp_path)
        conn.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def newest(registry: Registry, model: str = "demand_moving_average") -> ModelVersion:
    return registry.load_newest("retail", "demand_champion", model)


def place(registry: Registry, record: Record) -> Path:
    return registry.folder / "retail_demand_champion" / record.run_id / "artifacts"


def test_a_stored_version_comes_back_as_it_was(registry: Registry) -> None:
    made = trained(demand_boosting, weeks=110)
    registry.save(made)
    loaded = newest(registry, "demand_boosting")
    assert isinstance(loaded.learner, Boosting)
    for frame in ("backtest", "scores", "losses"):
        pd.testing.assert_frame_equal(getattr(loaded, frame), getattr(made, frame), check_dtype=False)
    plain = ("version", "fingerprint", "task", "feature_version", "trained_at", "run_id", "code_version", "reason")
    for part in (*plain, "parameters", "cutoffs", "contest", "data"):
        assert getattr(loaded, part) == getattr(made, part)
    assert loaded.learned_from.tolist() == made.learned_from.tolist()


def test_a_version_is_read_once_and_its_files_are_checked_each_time(registry: Registry) -> None:
    record = registry.save(trained())
    assert newest(registry) is newest(registry)
    with (place(registry, record) / "losses.parquet").open("ab") as file:
        file.write(b"more")
    with pytest.raises(ModelDamaged, match=r"losses\.parquet: changed since it was saved"):
        newest(registry)


def test_the_same_data_and_code_give_the_same_version_and_other_data_another() -> None:
    assert trained.__wrapped__(day=0).version == trained.__wrapped__(day=3).version
    assert len({trained().version, trained(weeks=61).version, trained(feature_version="f2").version}) == 3
    other = trained(replace(demand_moving_average, build=lambda: MovingAverage(periods=4)))
    assert other.version != trained().version
    assert other.fingerprint != trained().fingerprint == trained(weeks=61).fingerprint


def test_training_the_same_content_again_makes_no_new_version(registry: Registry) -> None:
    first = registry.save(trained(day=0))
    assert registry.save(trained(day=3)) == first
    assert registry.state("retail", "demand_champion").versions == (first,)


def test_the_newest_is_the_one_trained_last_even_when_it_was_there_before(registry: Registry) -> None:
    first, second = trained(day=0), trained(weeks=61, day=1)
    for made in (first, second, first):
        registry.save(made)
    state = registry.state("retail", "demand_champion")
    assert [record.version for record in state.versions] == [first.version, second.version]
    assert newest(registry).version == first.version


def test_nothing_stored_can_be_unpickled_and_no_temporary_folder_stays(registry: Registry) -> None:
    registry.save(trained(demand_boosting))
    kinds = {file.suffix for file in registry.folder.rglob("*") if file.is_file()}
    assert kinds == {".json", ".parquet", ".npy", ".npz"}
    assert not list(registry.folder.rglob(".*"))


@pytest.mark.parametrize("file", ["backtest.parquet", "learned_from.npy", MANIFEST, "learner/learner.json"])
@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_a_damaged_version_is_named_in_one_line_and_training_mends_it(
    registry: Registry, file: str, damage: str
) -> None:
    record = registry.save(made := trained())
    folder = place(registry, record)
    if damage == "gone":
        (folder / file).unlink()
    else:
        (folder / file).write_bytes((folder / file).read_bytes()[:-20])
    with pytest.raises(ModelDamaged, match=Path(file).name) as refused:
        newest(registry)
    assert "train the model again" in str(refused.value)
    assert "s2p champion" in str(refused.value)
    assert "\n" not in str(refused.value)
    assert registry.reason("retail", "demand_champion", record) is None
    registry.save(made)
    assert newest(registry).version == made.version
    assert len(registry.state("retail", "demand_champion").versions) == 1


@pytest.mark.parametrize(
    "strange",
    [
        "os:system",
        "subprocess:Popen",
        "s2p_assets.learning.forecasting.models.moving_average:Path",
        "s2p_assets.learning.forecasting.models.moving_average:nothing",
        "s2p_assets.learning_of_others:MovingAverage",
    ],
)
def test_only_a_model_of_an_allowed_package_is_ever_imported(registry: Registry, strange: str) -> None:
    record = registry.save(trained())
    folder = place(registry, record)
    manifest = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(json.dumps(manifest | {"learner": strange}))
    digest = hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest()
    with pytest.raises(ModelDamaged, match=strange):
        registry.load("retail", "demand_champion", replace(record, digest=digest))


@pytest.mark.parametrize("version", [None, "0123456789ab", "../demand_moving_average"])
def test_a_version_that_is_not_there_says_so(registry: Registry, version: str | None) -> None:
    registry.save(trained(demand_seasonal_naive))
    with pytest.raises(NoSuchModel, match="retail_demand_moving_average"):
        registry.load_newest("retail", "demand_champion", "demand_moving_average", version)
    with pytest.raises(NoSuchModel, match="no champion yet"):
        registry.load_champion("retail", "demand_champion")


def test_a_person_names_a_version_by_its_id_its_beginning_or_its_number(registry: Registry) -> None:
    first, second = registry.save(trained()), registry.save(trained(weeks=61))
    state = registry.state("retail", "demand_champion")
    for said in (first.version, first.version[:6], "1"):
        assert find_record(state, "c", f"demand_moving_average@{said}") == first
    assert find_record(state, "c", "retail_demand_moving_average") == second
    with pytest.raises(NoSuchModel, match=r"(there are|did you mean) demand_moving_average"):
        find_record(state, "c", "demand_prophet")


def test_the_champion_comes_back_and_forecasts(registry: Registry) -> None:
    candidates = both()
    for made in candidates.values():
        registry.save(made)
    registry.put_in_service(outcome := crowned(candidates), MONDAY)
    champion = registry.load_champion("retail", "demand_champion")
    assert (champion.model_name, champion.version) == (outcome.champion.model_name, outcome.champion.version)
    assert champion.why == outcome.champion.why
    assert len(forecast_series(champion, seasonal(3, 60))) == 3 * WEEKLY.horizon
    state = registry.state("retail", "demand_champion")
    assert state.challenger is not None
    assert state.challenger.model != champion.model_name
    assert state.last is not None
    assert set(state.last["losses"]) == set(candidates)


def test_what_was_trained_lately_is_told_with_every_models_newest_version(registry: Registry) -> None:
    for made in (trained(), trained(weeks=61, day=40), trained(weeks=62, day=60), trained(demand_seasonal_naive)):
        registry.save(made)
    told = registry.trainings("retail", "demand_champion", registry.state("retail", "demand_champion"))
    days = [(one.model, (one.trained_at - MONDAY).days) for one in told]
    assert days == [("demand_moving_average", 60), ("demand_moving_average", 40), ("demand_seasonal_naive", 0)]
    assert all(one.reason and one.reason.rows for one in told)


def test_reigns_are_kept_and_an_unchanged_outcome_writes_nothing(registry: Registry) -> None:
    candidates = both()
    for made in candidates.values():
        registry.save(made)
    registry.put_in_service(crowned(candidates), MONDAY)
    pinned = candidates[PIN.model]
    word = crowned(candidates, pinned, pin=PIN, pinned=pinned)
    registry.put_in_service(word, MONDAY + dt.timedelta(days=1))
    after = registry.put_in_service(word, MONDAY + dt.timedelta(days=2))
    assert [(reign.model, reign.by, reign.change) for reign in after.tenures] == [
        ("demand_seasonal_naive", "the test", "first"),
        ("demand_moving_average", "ann", "pinned"),
    ]
    registry.pin("retail", "demand_champion", PIN)
    assert registry.state("retail", "demand_champion").pin == PIN
    registry.pin("retail", "demand_champion", None)
    assert registry.state("retail", "demand_champion").pin is None


def test_mlflow_shows_parameters_metrics_per_fold_and_class_tags_and_aliases(registry: Registry) -> None:
    for made in both().values():
        registry.save(made)
    registry.put_in_service(crowned(both()), MONDAY)
    client = MlflowWriter(registry.address(), registry.folder, "retail_demand_champion").client
    version = client.get_model_version_by_alias("retail_demand_champion", "champion")
    assert version.run_id
    run = client.get_run(version.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params["recent"] == "8"
    assert run.data.params["task.horizon"] == "4"
    assert [metric.step for metric in client.get_metric_history(version.run_id, "rmsse")] == [1, 2, 3]
    assert any(name.startswith("rmsse/") for name in run.data.metrics)
    assert run.data.tags["dagster_run_id"] == "run-1"
    assert run.data.tags["s2p.feature_version"] == version.tags["s2p.feature_version"] == "f1"
    assert {file.path for file in client.list_artifacts(version.run_id)} >= {"scores.parquet", "learner"}
    assert client.get_model_version_by_alias("retail_demand_champion", "newest-demand_moving_average")


def test_what_a_killed_training_left_is_cleared_by_the_next(registry: Registry) -> None:
    registry.save(trained())
    writer = MlflowWriter(registry.address(), registry.folder, "retail_demand_champion")
    killed = writer.begin(trained(demand_seasonal_naive), {})
    (registry.folder / "retail_demand_champion" / killed / "artifacts").mkdir(parents=True)
    (registry.folder / ".half").mkdir()
    remove_unfinished_versions(registry.folder)
    registry.save(trained(demand_seasonal_naive))
    assert writer.client.get_run(killed).info.status == "KILLED"
    assert not (registry.folder / "retail_demand_champion" / killed).exists()
    assert not (registry.folder / ".half").exists()
    assert len(registry.state("retail", "demand_champion").versions) == 2


def test_many_writers_at_once_store_each_version_once(registry: Registry) -> None:
    made = [trained(weeks=60 + number % 2) for number in range(4)]
    writers = [threading.Thread(target=registry.save, args=(version,)) for version in made]
    for thread in writers:
        thread.start()
    for thread in writers:
        thread.join()
    state = registry.state("retail", "demand_champion")
    assert sorted(record.version for record in state.versions) == sorted({version.version for version in made})


def test_an_unreachable_registry_is_one_line_at_once(tmp_path: Path) -> None:
    nowhere = "postgresql://s2p:secret@127.0.0.1:1/s2p"
    registry = of_database(nowhere, tmp_path)
    with pytest.raises(DatabaseUnreachable, match=r"127\.0\.0\.1:1") as refused:
        registry.save(trained())
    assert "secret" not in str(refused.value)


def test_a_registry_that_mlflow_cannot_use_says_so_in_one_line(registry: Registry) -> None:
    with connect(registry.url()) as conn:
        conn.execute("update mlflow.alembic_version set version_num = 'of a later mlflow'")
    with pytest.raises(RegistryUnreachable, match="MLflow, schema mlflow") as refused:
        registry.save(trained())
    assert "\n" not in str(refused.value)


def test_reading_the_registry_loads_neither_mlflow_nor_scikit_learn() -> None:
    code = (
        "import sys, s2p_assets.definitions, s2p_assets.services.status, s2p_assets.services.model_queries;"
        "print([name for name in ('mlflow', 'sklearn', 'scipy', 'prophet') if name in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


def test_a_short_history_is_told_in_the_version() -> None:
    assert trained(weeks=13).description.startswith("2 of 3 folds, RMSSE")
