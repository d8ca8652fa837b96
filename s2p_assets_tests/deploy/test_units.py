"""The unit of systemd is one that systemd takes, hardened; its example of settings names settings that there are."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from s2p_assets.settings import Settings

SYSTEMD = Path(__file__).parents[2] / "deploy/systemd"
MOST_EXPOSED = 2.0
needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")


def analyzed(*words: str) -> str:
    done = subprocess.run(["systemd-analyze", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@needs_systemd
def test_the_unit_is_hardened() -> None:
    told = analyzed("security", "--offline=true", "--no-pager", str(SYSTEMD / "s2p.service"))
    found = re.search(r"exposure level for s2p.service: ([\d.]+)", told)
    assert found
    assert float(found.group(1)) <= MOST_EXPOSED


@needs_systemd
def test_systemd_understands_every_line_of_the_unit(tmp_path: Path) -> None:
    unit = (SYSTEMD / "s2p.service").read_text()
    here = tmp_path / "s2p.service"
    here.write_text(unit.replace("/opt/s2p/bin/s2p", shutil.which("true") or "/bin/true"))
    assert "s2p.service" not in analyzed("verify", str(here))


def test_the_example_names_settings_that_there_are() -> None:
    lines = (SYSTEMD / "s2p.env.example").read_text().splitlines()
    named = {line.lstrip("#").partition("=")[0] for line in lines if re.match(r"#?S2P_", line)}
    assert len(named) > 5
    assert {name.removeprefix("S2P_").lower() for name in named} <= set(Settings.model_fields)
    assert not [line for line in lines if re.search("PASSWORD=|SECRET=", line)]
