"""A release lists a licence for everything that it installs; each finding on security passed over says why."""

import importlib.util
import re
from importlib.metadata import distribution
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def licenses() -> ModuleType:
    spec = importlib.util.spec_from_file_location("licenses", ROOT / "deploy/licenses.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_everything_that_the_wheel_requires_has_a_licence(licenses: Any) -> None:
    packages = licenses.installed()
    found = {one.name: one for one in licenses.licensed(packages)}
    assert [one.name for one in found.values() if not one.license] == []
    required = [Requirement(line) for line in distribution("s2p-assets").requires or ()]
    ours = {
        licenses.normalized(one.name) for one in required if one.marker is None or one.marker.evaluate({"extra": ""})
    }
    assert len(ours) > 40
    assert ours <= set(found)
    for name, one in found.items():
        assert f"| {name} | {packages[name].version} | {one.license} |" in licenses.page(list(found.values()))


def test_a_licence_that_obliges_whoever_passes_s2p_on_does_not_slip_in(licenses: Any) -> None:
    strict = re.compile(
        r"(?<!L)(?<!Lesser )\b(A?GPL|GNU (Affero )?General Public|SSPL|Commons Clause|BUSL)", re.IGNORECASE
    )
    assert [one for one in licenses.licensed(licenses.installed()) if strict.search(one.license)] == []


def test_every_finding_on_security_that_is_passed_over_says_why() -> None:
    without = [
        f"{file.relative_to(ROOT)}:{number}"
        for file in sorted(ROOT.glob("s2p_assets/**/*.py"))
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(r"noqa:(?=.*\bS\d{3})[ A-Z0-9,]*$", line)
    ]
    assert without == []
    assert '"S",' in (ROOT / "pyproject.toml").read_text()
