"""Dockerfile, compose file and Kustomize folder are what their tools take, and fit what s2p is told and writes."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from s2p_assets.graph.running.dagster_home import prepare_home
from s2p_assets.settings import Settings

DEPLOY = Path(__file__).parents[2] / "deploy"
COMPOSE, KUBERNETES = DEPLOY / "compose", DEPLOY / "kubernetes"
OVERLAYS = ("development", "pre-production", "production")


def run(program: str, *words: str, at: Path = DEPLOY) -> str:
    """What a program of the group `deploy` says; skips where it is not installed."""
    found = shutil.which(program, path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if found is None:
        pytest.skip(f"{program} is not installed: uv sync --group deploy")
    done = subprocess.run([found, *words], cwd=at, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def compose() -> dict[str, Any]:
    return yaml.safe_load((COMPOSE / "compose.yaml").read_text())


def settings_of(file: Path) -> dict[str, str]:
    lines = [line.lstrip("#") for line in file.read_text().splitlines() if line.lstrip("#").startswith("S2P_")]
    return dict(line.split("=", 1) for line in lines)


def test_the_dockerfile_is_as_hadolint_wants_it() -> None:
    run("hadolint", str(COMPOSE / "Dockerfile"))


def test_the_image_runs_as_nobody_special_and_says_whether_it_is_well() -> None:
    text = (COMPOSE / "Dockerfile").read_text()
    assert text.count("\nFROM ") == 2
    assert "\nUSER 10001:10001\n" in text
    assert "/health" in text[text.index("HEALTHCHECK") :]
    copied = [word for line in text.splitlines() if line.startswith("COPY pyproject") for word in line.split()[1:-1]]
    ignored = (DEPLOY.parent / ".dockerignore").read_text().splitlines()
    assert {f"!{name}" for name in [*copied, "s2p_assets"]} <= set(ignored)
    assert all((DEPLOY.parent / name).exists() for name in copied)


def test_the_compose_file_follows_the_schema_of_compose() -> None:
    run("check-jsonschema", "--builtin-schema", "vendor.compose-spec", str(COMPOSE / "compose.yaml"))


def test_every_file_of_the_compose_file_is_there_and_every_secret_is_a_file() -> None:
    found = compose()
    for one in found["configs"].values():
        assert (COMPOSE / one["file"]).is_file(), one
    named = {
        secret if isinstance(secret, str) else secret["source"]
        for service in found["services"].values()
        for secret in service.get("secrets", ())
    }
    assert named == set(found["secrets"])
    assert all(one["file"].startswith("secrets/") for one in found["secrets"].values())
    images = [service["image"] for service in found["services"].values()]
    assert all(any(letter.isdigit() for letter in image.rpartition(":")[2]) for image in images if "S2P" not in image)
    said = (COMPOSE / "s2p.env.example", *(KUBERNETES / f"overlays/{one}/settings.env" for one in OVERLAYS))
    known = {*Settings.model_fields, "image", "namespace"}
    for file in said:
        assert {name.removeprefix("S2P_").lower() for name in settings_of(file)} <= known, file
        assert not [name for name in settings_of(file) if name.endswith(("PASSWORD", "SECRET"))]


def test_prometheus_takes_the_file_of_the_compose_file(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("x")
    text = (COMPOSE / "prometheus.yml").read_text().replace("/run/secrets/prometheus.token", str(token))
    (tmp_path / "prometheus.yml").write_text(text)
    shutil.copy(DEPLOY / "prometheus/rules.yml", tmp_path)
    run("promtool", "check", "config", "prometheus.yml", at=tmp_path)


def test_grafana_finds_its_dashboard_where_it_is_put() -> None:
    provider = yaml.safe_load((COMPOSE / "grafana/dashboards.yml").read_text())["providers"][0]
    targets = {one["source"]: one["target"] for one in compose()["services"]["grafana"]["configs"]}
    assert targets["s2p.json"].startswith(provider["options"]["path"])
    source = yaml.safe_load((COMPOSE / "grafana/datasources.yml").read_text())["datasources"][0]
    drawn = json.loads((DEPLOY / "grafana/dashboards/s2p.json").read_text())["templating"]["list"][0]
    assert drawn["query"] == source["type"]


@pytest.fixture(scope="module")
def kustomized(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy whose secrets are there."""
    copy = shutil.copytree(KUBERNETES, tmp_path_factory.mktemp("kubernetes") / "kubernetes")
    for name in OVERLAYS:
        (copy / f"overlays/{name}/secrets/database.password").write_text("x")
    return copy


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_kubernetes_takes_every_object_of_an_environment(overlay: str, kustomized: Path) -> None:
    validate = pytest.importorskip("kubernetes_validate", reason="uv sync --group deploy")
    objects = list(yaml.safe_load_all(run("kubectl", "kustomize", str(kustomized / "overlays" / overlay))))
    assert {one["kind"] for one in objects} >= {"Deployment", "Service", "Role", "ConfigMap", "Secret", "NetworkPolicy"}
    for one in objects:
        validate.validate(one, validate.latest_version(), strict=True)
        assert one["metadata"]["namespace"] == f"s2p-{overlay}"
    deployment = next(one for one in objects if one["kind"] == "Deployment")
    image = deployment["spec"]["template"]["spec"]["containers"][0]["image"]
    settings = settings_of(KUBERNETES / f"overlays/{overlay}/settings.env")
    assert (image, settings["S2P_NAMESPACE"]) == (settings["S2P_IMAGE"], f"s2p-{overlay}")


def test_dagster_takes_the_launcher_and_the_rest_is_what_s2p_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    launchers = pytest.importorskip("dagster_k8s", reason="uv sync --group deploy")
    from dagster._config import process_config, resolve_to_config_type

    ours = yaml.safe_load((KUBERNETES / "base/dagster.yaml").read_text())
    launcher = ours.pop("run_launcher")
    for name, value in settings_of(KUBERNETES / "overlays/production/settings.env").items():
        monkeypatch.setenv(name, value)
    taken = process_config(resolve_to_config_type(launchers.K8sRunLauncher.config_type()), launcher["config"])
    assert taken.success, taken.errors
    written = yaml.safe_load((prepare_home(Settings(home=tmp_path)) / "dagster.yaml").read_text())
    for one in (ours, written):
        one["run_coordinator"]["config"].pop("max_concurrent_runs")
        for key in ("local_artifact_storage", "compute_logs"):
            one[key]["config"].pop("base_dir")
    assert ours == written
    volumes = {one["name"] for one in launcher["config"]["volumes"]}
    assert volumes == {one["name"] for one in launcher["config"]["volume_mounts"]}
