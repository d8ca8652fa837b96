"""A company's dbt project as one more shelf: what it holds by dbt's own manifest, or a fault for what does not compile.

dbt is asked again when a file of the project changed. What its models are made into is the graph's; the command line
that writes its sources is in `services/dbt_sources.py`.
"""

import hashlib
import json
import os
import sysconfig
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from s2p_assets.contracts.dbt_model import DbtModel, dbt_column
from s2p_assets.contracts.derivation import Fault

PROFILE = "s2p"
SCHEMA = "dbt"
"""Where models are made when neither they nor a profile of the project's own say another schema."""
PROJECT_FILE = "dbt_project.yml"
INSTALL = "dbt is not installed here; install s2p-assets[dbt], or unset S2P_DBT_PROJECT"
QUIET = ("--no-use-colors", "--no-version-check", "--no-send-anonymous-usage-stats")
MOST_SECONDS = 300
_MADE = ("model", "seed", "snapshot")
_NOT_READ = ("target", "logs", "__pycache__")
_SUFFIXES = (".sql", ".yml", ".yaml", ".md", ".csv", ".py", ".lock")


@dataclass(frozen=True)
class DbtShelf:
    """The models of a dbt project by full name. `state`: what names this state of its files; "" where there is none."""

    models: Mapping[str, DbtModel]
    fault: Fault | None = None
    state: str = ""


NO_DBT = DbtShelf({})


def read_dbt_shelf(project: Path | None, folder: Path) -> DbtShelf:
    """The project's models; `folder` keeps what dbt said of it. Nothing is done where no project is set."""
    if project is None:
        return NO_DBT
    if not (project / PROJECT_FILE).is_file():
        return _left_out(project, f"there is no {PROJECT_FILE} in it; correct S2P_DBT_PROJECT", "none")
    if not is_dbt_installed():
        return _left_out(project, INSTALL, "no dbt")
    state = _state(project)
    known = _kept(folder, state)
    if known is None:
        known = {"state": state, "fault": _parse(project, folder)}
        (folder / "parsed.json").write_text(json.dumps(known), encoding="utf-8")
    if known["fault"]:
        return _left_out(project, known["fault"], state)
    return DbtShelf(_models(json.loads(manifest_of(folder).read_text(encoding="utf-8"))), None, state)


def is_dbt_installed() -> bool:
    """Whether dbt, its part for PostgreSQL and Dagster's part for it are there; none of them is loaded."""
    try:
        return all(version(one) for one in ("dbt-core", "dbt-postgres")) and find_spec("dagster_dbt") is not None
    except PackageNotFoundError:
        return False


def manifest_of(folder: Path) -> Path:
    """What dbt said of the project when it was read last."""
    return folder / "manifest.json"


def has_own_profiles(project: Path) -> bool:
    """Whether the project says itself how the database is reached."""
    return (project / "profiles.yml").is_file()


def dbt_program() -> str:
    """dbt as it is installed beside this Python."""
    return str(Path(sysconfig.get_path("scripts")) / "dbt")


def model_folder(project: Path) -> Path:
    """The first folder in which the project keeps its models."""
    import yaml

    try:
        said = yaml.safe_load((project / PROJECT_FILE).read_text(encoding="utf-8"))
        return project / str((said.get("model-paths") or ["models"])[0])
    except (OSError, yaml.YAMLError, AttributeError):
        return project / "models"


def _left_out(project: Path, message: str, state: str) -> DbtShelf:
    return DbtShelf({}, Fault(project, None, message), hashlib.blake2b(f"{message}{state}".encode()).hexdigest())


def _state(project: Path) -> str:
    """All that decides what dbt says of the project."""
    files = "\n".join(_files(project))
    return hashlib.blake2b(f"{project}\n{version('dbt-core')}\n{files}".encode(), digest_size=16).hexdigest()


def _files(folder: Path) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if entry.name.startswith(".") or entry.name in _NOT_READ:
                continue
            if entry.is_dir():
                yield from _files(Path(entry.path))
            elif entry.name.endswith(_SUFFIXES):
                state = entry.stat()
                yield f"{entry.path} {state.st_mtime_ns} {state.st_size}"


def _kept(folder: Path, state: str) -> dict[str, Any] | None:
    try:
        known: dict[str, Any] = json.loads((folder / "parsed.json").read_text(encoding="utf-8"))
        return known if known["state"] == state and (known["fault"] or manifest_of(folder).exists()) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _parse(project: Path, folder: Path) -> str | None:
    """Have dbt read the project, without a database; what is wrong with it in one line, None where nothing is."""
    import subprocess

    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".parsing-") as place:
        whose = ("--project-dir", str(project), "--target-path", place, "--log-path", place)
        command = [dbt_program(), *QUIET, "--quiet", "parse", *whose, *_profile(project, Path(place))]
        try:
            done = subprocess.run(
                command, check=False, cwd=project, capture_output=True, text=True, timeout=MOST_SECONDS
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"dbt could not read the project: {error}"
        if done.returncode:
            return _said(done.stdout + done.stderr)
        (Path(place) / "manifest.json").replace(manifest_of(folder))
    return None


def _profile(project: Path, place: Path) -> tuple[str, ...]:
    """How dbt is told of a database that it does not connect to."""
    if has_own_profiles(project):
        return ("--profiles-dir", str(project))
    nowhere = {"host": "localhost", "port": 5432, "user": PROFILE, "password": "", "dbname": PROFILE}
    write_profile(place / "profiles.yml", nowhere)
    return ("--profiles-dir", str(place), "--profile", PROFILE)


def write_profile(file: Path, server: Mapping[str, Any]) -> None:
    """A profile of dbt's that only this user can read, renamed into its place."""
    import yaml

    output = {"type": "postgres", "schema": SCHEMA, "threads": 1, **server}
    text = yaml.safe_dump({PROFILE: {"target": PROFILE, "outputs": {PROFILE: output}}})
    handle, draft = tempfile.mkstemp(dir=file.parent, prefix=".draft-")  # mode 600
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        out.write(text)
    os.replace(draft, file)


def _said(output: str) -> str:
    """dbt's message without its clock and its frame, on one line."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    begin = next((at + 1 for at, line in enumerate(lines) if "Encountered an error" in line), 0)
    told = " ".join(lines[begin:])[:600]
    return f"the dbt project does not compile, and is left out: {told or 'dbt says no more; try `dbt parse`'}"


def _models(manifest: Mapping[str, Any]) -> dict[str, DbtModel]:
    nodes = manifest["nodes"] | manifest["sources"]
    unique = dict(_unique(manifest["nodes"]))
    made = (_model(node, nodes, unique) for node in manifest["nodes"].values() if _is_made(node))
    return {one.full_name: one for one in made}


def _is_made(node: Mapping[str, Any]) -> bool:
    return node["resource_type"] in _MADE and node["config"].get("materialized") != "ephemeral"


def _unique(nodes: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(model, a column that a test says is unique); the last test of a model counts."""
    for node in nodes.values():
        if (node.get("test_metadata") or {}).get("name") == "unique" and node.get("attached_node"):
            yield node["attached_node"], node.get("column_name") or ""


def _model(node: Mapping[str, Any], nodes: Mapping[str, Any], unique: Mapping[str, str]) -> DbtModel:
    described = (
        dbt_column(one["name"], one["description"], one["data_type"] or "") for one in node["columns"].values()
    )
    columns = tuple(column for column in described if column is not None)
    return DbtModel(
        *node_place(node),
        description=node["description"],
        columns=columns,
        made_from=tuple(dict.fromkeys(_below(node, nodes))),
        unique_id=node["unique_id"],
        file=node["original_file_path"],
        key=tuple(one.name for one in columns if one.name == unique.get(node["unique_id"])),
    )


def node_place(node: Mapping[str, Any]) -> tuple[str, str]:
    """Schema and table of what dbt makes, or of what it takes from others."""
    return node["schema"], node.get("alias") or node.get("identifier") or node["name"]


def _below(node: Mapping[str, Any], nodes: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What it selects from, also through models that stand in no table."""
    for name in node.get("depends_on", {}).get("nodes", ()):
        other = nodes.get(name)
        if other is None:
            continue
        if other["resource_type"] == "source" or _is_made(other):
            yield node_place(other)
        else:
            yield from _below(other, nodes)
