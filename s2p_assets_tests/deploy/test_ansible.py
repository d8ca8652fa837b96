"""The role for one server: installs into a root of its own, changes nothing the second time, and upgrades a home."""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from s2p_assets.settings import Settings

ROOT = Path(__file__).parents[2]
ANSIBLE = ROOT / "deploy/ansible"
NEWER = "99.1.0"
needs_ansible = pytest.mark.skipif(
    shutil.which("ansible-playbook", path=Path(sys.executable).parent) is None,
    reason="Ansible is not installed: uv sync --group deploy",
)


def program(name: str) -> str:
    return str(Path(sys.executable).parent / name)


def built_wheel(to: Path) -> Path:
    """The wheel without the compiled cutter, which takes a second."""
    words = [sys.executable, "-m", "uv", "build", "--wheel", "--out-dir", str(to), "-q", str(ROOT)]
    if subprocess.run([*words[:3], "--version"], capture_output=True, check=False).returncode:
        words = ["uv", *words[3:]]
    subprocess.run(words, check=True, env=os.environ | {"S2P_BUILD": "pure"}, capture_output=True)
    return next(to.glob("*.whl"))


def as_version(wheel: Path, version: str) -> Path:
    """The same wheel under a later version, as the next release will be."""
    name, old = wheel.name.split("-")[:2]
    later = wheel.with_name(wheel.name.replace(f"-{old}-", f"-{version}-"))
    with zipfile.ZipFile(wheel) as source, zipfile.ZipFile(later, "w") as target:
        for one in source.infolist():
            content = source.read(one)
            if one.filename.endswith(".dist-info/METADATA"):
                content = re.sub(rb"(?m)^Version: .*$", f"Version: {version}".encode(), content, count=1)
            if one.filename.endswith(".dist-info/RECORD"):
                content = re.sub(rb"(?m)^([^,\n]*METADATA),.*$", rb"\1,,", content)
                content = content.replace(f"{name}-{old}.".encode(), f"{name}-{version}.".encode())
            target.writestr(one.filename.replace(f"{name}-{old}.", f"{name}-{version}."), content)
    return later


class Server:
    """A root of its own, in which everything of the role lies."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.python = root / "python"
        root.mkdir()
        # An environment whose packages are those of the tests: installing 150 anew would take minutes.
        self.python.write_text(
            f'#!/bin/sh\n"{sys.executable}" "$@" && echo "{sysconfig.get_path("purelib")}" > '
            f'"$(ls -d "$3"/lib/python*/site-packages)/tests.pth"\n'
        )
        self.python.chmod(0o755)

    def played(self, wheel: Path, **more: Any) -> dict[str, Any]:
        variables: dict[str, Any] = {
            "s2p_prefix": str(self.root),
            "s2p_package": str(wheel),
            "s2p_pip_arguments": ["--no-deps", "--no-index", "--no-compile"],
            "s2p_python": str(self.python),
            "s2p_user": "root",
            "s2p_group": "root",
            "s2p_manage_user": False,
            "s2p_systemd": False,
            "s2p_become": False,
            "s2p_settings": {"S2P_SHARE": str(self.root / "share"), "S2P_BACKUP_TO": str(self.root / "backups")},
            "s2p_secrets": {"smtp.password": "not for everybody"},
            "ansible_python_interpreter": sys.executable,
            **more,
        }
        environment = os.environ | {
            "ANSIBLE_HOME": str(self.root / "ansible"),
            "ANSIBLE_LOCAL_TEMP": str(self.root / "ansible"),
            "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.default",
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_PIPELINING": "1",
            "LC_ALL": "C.UTF-8",
        }
        inventory = self.root / "inventory.json"
        inventory.write_text(json.dumps({"s2p": {"hosts": {"here": {"ansible_connection": "local"}}}}))
        words = ["-i", str(inventory), str(ANSIBLE / "playbook.yml"), "-e", json.dumps(variables)]
        done = subprocess.run(
            [program("ansible-playbook"), *words], capture_output=True, text=True, env=environment, check=False
        )
        told = done.stdout + done.stderr
        recap = re.search(r"ok=(\d+)\s+changed=(\d+)\s+unreachable=0\s+failed=(\d+)", told)
        assert recap, told
        names = re.findall(r"TASK \[(.*?)\] \*+\n(?:.*\n)*?changed: ", told)
        return {"ok": int(recap[1]), "changed": int(recap[2]), "failed": int(recap[3]), "tasks": names, "told": told}


@pytest.fixture(scope="module")
def server(folder: Path) -> Server:
    return Server(folder / "root")


@needs_ansible
@pytest.mark.long
def test_the_role_installs_once_and_changes_nothing_the_second_time(
    server: Server, tmp_path_factory: pytest.TempPathFactory
) -> None:
    wheel = built_wheel(tmp_path_factory.mktemp("wheel"))
    first = server.played(wheel)
    assert (first["failed"], first["changed"] > 5) == (0, True), first["told"]
    second = server.played(wheel)
    assert (second["failed"], second["changed"], second["ok"]) == (0, 0, second["ok"]), second["told"]
    assert second["ok"] > 8
    said = subprocess.run([server.root / "opt/s2p/bin/s2p", "--version"], capture_output=True, text=True, check=True)
    assert "0.1.0" in said.stdout
    settings, secret = server.root / "etc/s2p/s2p.env", server.root / "etc/s2p/smtp.password"
    assert f"S2P_HOME={server.root}/var/lib/s2p" in settings.read_text().splitlines()
    assert settings.stat().st_mode & 0o007 == secret.stat().st_mode & 0o007 == 0
    assert "not for everybody" not in settings.read_text() + first["told"]
    third = server.played(as_version(wheel, NEWER))
    assert third["failed"] == 0, third["told"]
    assert any("after a backup" in name for name in third["tasks"]), third["told"]
    assert list((server.root / "backups").iterdir())


@needs_ansible
def test_a_password_among_the_settings_is_refused(server: Server) -> None:
    told = server.played(Path("none.whl"), s2p_settings={"S2P_SMTP_PASSWORD": "x"})
    assert told["failed"] == 1
    assert "s2p_secrets" in told["told"]


@needs_ansible
def test_the_role_is_as_ansible_lint_wants_it(tmp_path: Path) -> None:
    copy = shutil.copytree(ANSIBLE, tmp_path / "ansible")
    shutil.copytree(ROOT / "deploy/systemd", tmp_path / "systemd")
    words = [program("ansible-lint"), "--offline", "--strict", "--profile", "production", "--nocolor", "-q"]
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(words, cwd=copy, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_variable_of_the_role_is_specified_and_its_example_sets_what_there_is() -> None:
    role = ANSIBLE / "roles/s2p"
    defaults = yaml.safe_load((role / "defaults/main.yml").read_text())
    specified = yaml.safe_load((role / "meta/argument_specs.yml").read_text())["argument_specs"]["main"]["options"]
    assert set(defaults) == set(specified)
    example = yaml.safe_load((ANSIBLE / "inventory.example.yml").read_text())["s2p"]["hosts"]["s2p.example.com"]
    assert set(example) <= set(defaults)
    assert {name.removeprefix("S2P_").lower() for name in example["s2p_settings"]} <= set(Settings.model_fields)
