"""What watches s2p from outside is generated from what s2p exports, and is what Prometheus and Alertmanager take."""

import importlib.util
import json
import re
import shutil
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from s2p_assets.services.metrics.alerts import ALERTS, metrics_in
from s2p_assets.services.metrics.declared import EXPORTED

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
CHECKS: dict[str, list[tuple[str, ...]]] = {
    "promtool": [("check", "config", "prometheus/prometheus.yml"), ("test", "rules", "prometheus/rules_test.yml")],
    "amtool": [("check-config", "alertmanager/alertmanager.yml")],
}


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", DEPLOY / "generate.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_rules_and_dashboards_are_as_they_are_generated(generate: Any) -> None:
    for file, content in generate.files().items():
        assert file.read_text(encoding="utf-8") == content, f"{file.name}: run deploy/generate.py"


def test_every_figure_is_drawn_and_nothing_else_is_asked_for(generate: Any) -> None:
    panels = json.loads((DEPLOY / "grafana/dashboards/s2p.json").read_text())["panels"]
    asked = {name for panel in panels for one in panel.get("targets", ()) for name in metrics_in(one["expr"])}
    assert asked == {metric.name for metric in EXPORTED} - {"s2p_info"}
    places = [tuple(panel["gridPos"].values()) for panel in panels]
    assert len(set(places)) == len(places)
    assert len({panel["id"] for panel in panels}) == len(panels)


def test_every_alert_has_a_rule_a_test_of_its_kind_and_a_runbook() -> None:
    rules = yaml.safe_load((DEPLOY / "prometheus/rules.yml").read_text())["groups"][0]["rules"]
    exported = {metric.name for metric in EXPORTED}
    assert {rule["alert"] for rule in rules} == {f"S2p{alert.name}" for alert in ALERTS} | {"S2pGone"}
    for rule in rules:
        assert metrics_in(rule["expr"]) <= exported
        assert (ROOT / rule["annotations"]["runbook"]).is_file(), rule["annotations"]["runbook"]
        assert not re.search(r"{(?!{)[^{}]*}(?!})", rule["annotations"]["summary"])
    tried = yaml.safe_load((DEPLOY / "prometheus/rules_test.yml").read_text())["tests"][0]["alert_rule_test"]
    by_name = {f"S2p{alert.name}": alert.comparison for alert in ALERTS}
    assert {by_name[one["alertname"]] for one in tried if one["alertname"] in by_name} == {"above", "below", "older"}


@pytest.mark.parametrize(("program", "words"), [(name, words) for name, every in CHECKS.items() for words in every])
def test_prometheus_and_alertmanager_take_their_files(program: str, words: tuple[str, ...]) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed; .ci/run installs it where it may")
    done = subprocess.run([program, *words], cwd=DEPLOY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
