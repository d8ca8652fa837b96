"""Promises of versions and their registry: the same content is the same version, damage is named, no half states."""

import datetime as dt
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from s2p_assets.learning import registry
from s2p_assets.learning.forecasters.boosting import Boosting
from s2p_assets.learning.forecasters.moving_average import MovingAverage
from s2p_assets.learning.forecasters.plain_files import ModelDamaged
from s2p_assets.learning.model import Contest, Model
from s2p_assets.learning.versions import Champion, ModelVersion, crown, foresee, train
from s2p_assets.models.retail_demand_boosting import demand_boosting
from s2p_assets.models.retail_demand_champion import demand_champion
from s2p_assets.models.retail_demand_moving_average import demand_moving_average
from s2p_assets.models.retail_demand_seasonal_naive import demand_seasonal_naive
from s2p_assets_tests.learning_histories import WEEKLY, seasonal

CONTEST: Contest = replace(demand_champion, problem=WEEKLY)
MODELS = (demand_seasonal_naive, demand_moving_average)
MONDAY = dt.datetime(2024, 7, 1, 6, 30, tzinfo=dt.UTC)


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


def crowned(standing: str | None = None, **versions: ModelVersion) -> Champion:
    return crown(CONTEST, versions or {model.thing: trained(model) for model in MODELS}, standing)


def test_a_stored_version_comes_back_as_it_was(tmp_path: Path) -> None:
    made = trained(demand_boosting, weeks=110)
    registry.save(tmp_path, made)
    loaded = registry.load(tmp_path, "retail", "demand_boosting")
    assert isinstance(loaded, ModelVersion)
    assert isinstance(loaded.forecaster, Boosting)
    pd.testing.assert_frame_equal(loaded.backtest, made.backtest, check_dtype=False)
    pd.testing.assert_frame_equal(loaded.scores, made.scores, check_dtype=False)
    for part in (
        "version",
        "problem",
        "feature_version",
        "trained_at",
        "run_id",
        "code_version",
        "parameters",
        "cutoffs",
    ):
        assert getattr(loaded, part) == getattr(made, part)


def test_the_same_data_and_code_give_the_same_version_and_other_data_another() -> None:
    assert trained(day=0).version == trained(day=3).version
    assert len({trained().version, trained(weeks=61).version, trained(feature_version="f2").version}) == 3
    assert trained(replace(demand_moving_average, build=lambda: MovingAverage(periods=4))).version != trained().version


def test_the_latest_is_the_one_trained_last_even_when_it_was_there_before(tmp_path: Path) -> None:
    first, second = trained(day=0), trained(weeks=61, day=1)
    for made in (first, second, first):
        registry.save(tmp_path, made)
    assert registry.latest(tmp_path, "retail", "demand_moving_average") == first.version
    stored = registry.history(tmp_path, "retail", "demand_moving_average")
    assert [manifest["version"] for manifest in stored] == [first.version, second.version]
    (tmp_path / "retail" / "demand_moving_average" / "latest").unlink()
    assert registry.latest(tmp_path, "retail", "demand_moving_average") == second.version


def test_what_a_model_learned_from_is_known_without_loading_it(tmp_path: Path) -> None:
    assert registry.learned_from(tmp_path, "retail", "demand_moving_average") is None
    folder = registry.save(tmp_path, made := trained())
    known = registry.learned_from(tmp_path, "retail", "demand_moving_average")
    assert known is not None
    assert known.tolist() == made.learned_from.tolist()
    (folder / "learned_from.npy").write_bytes(b"spoiled")
    assert registry.learned_from(tmp_path, "retail", "demand_moving_average") is None


def test_nothing_stored_can_be_unpickled_and_no_temporary_folder_stays(tmp_path: Path) -> None:
    registry.save(tmp_path, trained(demand_boosting))
    registry.save(tmp_path, crowned())
    kinds = {file.suffix for file in tmp_path.rglob("*") if file.is_file()}
    assert kinds == {".json", ".parquet", ".npy", ".skops", ""}
    assert not list(tmp_path.rglob(".*"))


@pytest.mark.parametrize("file", ["backtest.parquet", "scores.parquet", "manifest.json", "forecaster/forecaster.json"])
@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_a_damaged_version_is_named_in_one_line_and_training_mends_it(tmp_path: Path, file: str, damage: str) -> None:
    folder = registry.save(tmp_path, made := trained())
    if damage == "gone":
        (folder / file).unlink()
    else:
        (folder / file).write_bytes((folder / file).read_bytes()[:-20])
    with pytest.raises(ModelDamaged, match=Path(file).name) as refused:
        registry.load(tmp_path, "retail", "demand_moving_average", made.version)
    assert "train the model again" in str(refused.value)
    assert "\n" not in str(refused.value)
    registry.save(tmp_path, made)
    assert registry.load(tmp_path, "retail", "demand_moving_average").version == made.version


@pytest.mark.parametrize(
    "place",
    [
        "os:system",
        "subprocess:Popen",
        "s2p_assets.learning.forecasters.moving_average:Path",
        "s2p_assets.learning.forecasters.moving_average:nothing",
        "s2p_assets.learning.forecasters_of_others:MovingAverage",
    ],
)
def test_only_a_forecaster_of_an_allowed_package_is_ever_imported(tmp_path: Path, place: str) -> None:
    folder = registry.save(tmp_path, trained())
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"forecaster": place}))
    with pytest.raises(ModelDamaged, match=place):
        registry.load(tmp_path, "retail", "demand_moving_average")


@pytest.mark.parametrize("version", [None, "0123456789ab", "../demand_moving_average", ""])
def test_a_version_that_is_not_there_says_so(tmp_path: Path, version: str | None) -> None:
    if version is not None:
        registry.save(tmp_path, trained(demand_seasonal_naive))
    with pytest.raises(registry.NoSuchModel, match="retail/demand_moving_average"):
        registry.load(tmp_path, "retail", "demand_moving_average", version)


def test_a_champion_comes_back_with_its_forecaster_and_the_scores_of_all(tmp_path: Path) -> None:
    assert registry.standing(tmp_path, "retail", "demand_champion") is None
    made = crowned()
    registry.save(tmp_path, made)
    loaded = registry.load(tmp_path, "retail", "demand_champion")
    assert isinstance(loaded, Champion)
    assert (loaded.name, loaded.version, loaded.why) == (made.name, made.version, made.why)
    pd.testing.assert_frame_equal(loaded.scores, made.scores, check_dtype=False)
    assert registry.standing(tmp_path, "retail", "demand_champion") == made.name
    history = seasonal(3, 60)
    pd.testing.assert_frame_equal(foresee(loaded, history), foresee(made, history))


def test_a_champion_outlives_the_training_of_newer_versions(tmp_path: Path) -> None:
    made = crowned()
    registry.save(tmp_path, made)
    for model in MODELS:
        registry.save(tmp_path, trained(model, weeks=61, day=7))
    assert registry.load(tmp_path, "retail", "demand_champion").version == made.version


def test_a_champion_without_its_version_is_damage_not_a_crash(tmp_path: Path) -> None:
    folder = registry.save(tmp_path, crowned())
    shutil.rmtree(folder)
    with pytest.raises(registry.NoSuchModel, match="is not stored"):
        registry.load(tmp_path, "retail", "demand_champion")
    pointer = tmp_path / "retail" / "demand_champion" / "champion.json"
    pointer.write_text(pointer.read_text()[:50])
    with pytest.raises(ModelDamaged, match=r"champion\.json"):
        registry.load(tmp_path, "retail", "demand_champion")
    assert registry.standing(tmp_path, "retail", "demand_champion") is None


def test_only_versions_trained_on_the_same_data_are_compared() -> None:
    versions = {model.thing: trained(model) for model in MODELS}
    stale = trained(demand_boosting, feature_version="older", day=-7)
    champion = crowned(standing="demand_boosting", demand_boosting=stale, **versions)
    assert champion.name in versions
    assert "not compared, as trained on other data: demand_boosting" in champion.why


def test_without_a_trained_model_there_is_no_champion() -> None:
    with pytest.raises(ValueError, match="train one first"):
        crown(CONTEST, {}, None)


def test_a_judge_who_names_a_stranger_is_refused() -> None:
    judge = replace(CONTEST, build=lambda scores, standing: "stranger")
    with pytest.raises(ValueError, match="named 'stranger' champion"):
        crown(judge, {"demand_moving_average": trained()}, None)


def test_a_short_history_is_told_in_the_version() -> None:
    assert trained(weeks=13).says.startswith("2 of 3 folds, RMSSE")
