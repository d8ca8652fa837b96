"""The model registry: versions as folders of plain files, and which version is champion.

    <root>/<domain>/<model>/<version>/   manifest.json, backtest.parquet, scores.parquet, forecaster/…
    <root>/<domain>/<model>/latest       the version trained last
    <root>/<domain>/<contest>/champion.json

What is in a version is decided in `versions.py`; nothing stored here is ever unpickled.
"""

import datetime as dt
import hashlib
import importlib
import inspect
import io
import json
import os
import shutil
import uuid
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd

from s2p_assets.learning.change import Fingerprint
from s2p_assets.learning.forecasters.plain_files import ModelDamaged, problem_from
from s2p_assets.learning.model import Forecaster
from s2p_assets.learning.versions import Champion, ModelVersion

MANIFEST, LATEST, CHAMPION = "manifest.json", "latest", "champion.json"
BACKTEST, SCORES, FORECASTER, LEARNED_FROM = "backtest.parquet", "scores.parquet", "forecaster", "learned_from.npy"
PACKAGES = ("s2p_assets.learning.forecasters",)


class NoSuchModel(LookupError):
    """Nothing of that name and version has been saved."""


def save(root: Path, made: ModelVersion | Champion) -> Path:
    """Store a version, or a champion with the version that it is; returns the version's folder.

    Atomic: a reader sees the old state or the new one. Saving the same version again changes no file of
    it, unless it is damaged, but makes it the latest.
    """
    if isinstance(made, Champion):
        folder = _save_version(root, made.model)
        _replace(root / made.domain / made.thing / CHAMPION, _crowned(made))
        return folder
    return _save_version(root, made)


def load(
    root: Path, domain: str, thing: str, version: str | None = None, *, packages: Iterable[str] = PACKAGES
) -> ModelVersion | Champion:
    """The champion, if `thing` is a contest, else the version of the model `thing`, by default the latest.

    Raises NoSuchModel, or ModelDamaged when a file is missing, changed or unreadable.
    """
    if version is None and (root / domain / thing / CHAMPION).exists():
        return load_champion(root, domain, thing, packages=packages)
    return load_version(root, domain, thing, version, packages=packages)


def load_version(
    root: Path, domain: str, thing: str, version: str | None = None, *, packages: Iterable[str] = PACKAGES
) -> ModelVersion:
    """A version of a model, by default the latest; its forecaster's class must lie in one of `packages`."""
    chosen = version or latest(root, domain, thing)
    folder = root / domain / thing / (chosen or "")
    if chosen is None or Path(chosen).name != chosen or not folder.is_dir():
        raise NoSuchModel(f"{domain}/{thing}: version {chosen or 'any'} is not stored; train the model first")
    manifest = _verified(folder)
    try:
        return ModelVersion(
            domain=domain,
            thing=thing,
            version=manifest["version"],
            forecaster=_forecaster_class(manifest["forecaster"], packages).load(folder / FORECASTER),
            problem=problem_from(manifest["problem"]),
            backtest=pd.read_parquet(folder / BACKTEST),
            scores=pd.read_parquet(folder / SCORES),
            feature_version=manifest["feature_version"],
            trained_at=dt.datetime.fromisoformat(manifest["trained_at"]),
            run_id=manifest["run_id"],
            code_version=manifest["code_version"],
            learned_from=_fingerprint(folder / LEARNED_FROM),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelDamaged(f"{folder}: {error}; train the model again") from error


def load_champion(root: Path, domain: str, contest: str, *, packages: Iterable[str] = PACKAGES) -> Champion:
    """The standing champion of a contest. Raises NoSuchModel or ModelDamaged."""
    stored = champion(root, domain, contest)
    if stored is None:
        raise NoSuchModel(f"{domain}/{contest}: no champion yet; train the contest's models first")
    try:
        model, version, why = stored["model"], stored["version"], stored["why"]
        scores = pd.read_json(io.StringIO(json.dumps(stored["scores"])), orient="table")
    except (KeyError, TypeError, ValueError) as error:
        raise ModelDamaged(f"{root / domain / contest / CHAMPION}: {error}; train the models again") from error
    return Champion(domain, contest, load_version(root, domain, model, version, packages=packages), why, scores)


def champion(root: Path, domain: str, contest: str) -> dict[str, Any] | None:
    """What is written about the champion (model, version, why, feature_version, trained_at, scores), unloaded."""
    file = root / domain / contest / CHAMPION
    return _json(file) if file.exists() else None


def standing(root: Path, domain: str, contest: str) -> str | None:
    """The name of the model that is champion, to be passed to `versions.crown`; none when its file is damaged."""
    try:
        return str((champion(root, domain, contest) or {})["model"])
    except (KeyError, ModelDamaged):
        return None


def latest(root: Path, domain: str, thing: str) -> str | None:
    """The version that was trained last."""
    pointer = root / domain / thing / LATEST
    named = pointer.read_text(encoding="utf-8").strip() if pointer.exists() else ""
    if named and (pointer.parent / named / MANIFEST).exists():
        return named
    known = history(root, domain, thing)
    return str(known[-1]["version"]) if known else None


def learned_from(root: Path, domain: str, thing: str) -> Fingerprint | None:
    """The fingerprint of the history that the latest version of a model learned from.

    None before the first, and when it cannot be read: then the model is to be trained again.
    """
    version = latest(root, domain, thing)
    try:
        return _fingerprint(root / domain / thing / version / LEARNED_FROM) if version else None
    except ModelDamaged:
        return None


def _fingerprint(file: Path) -> Fingerprint:
    try:
        return cast("Fingerprint", np.load(file, allow_pickle=False))
    except (OSError, ValueError) as error:
        raise ModelDamaged(f"{file}: cannot be read ({error}); train the model again") from error


def history(root: Path, domain: str, thing: str) -> list[dict[str, Any]]:
    """The manifests of all whole versions of a model, oldest first."""
    found = []
    for file in (root / domain / thing).glob(f"*/{MANIFEST}"):
        if file.parent.name.startswith("."):
            continue
        try:
            found.append(_json(file))
        except ModelDamaged:
            continue
    return sorted(found, key=lambda manifest: (str(manifest.get("trained_at")), str(manifest.get("version"))))


def clear_unfinished(root: Path) -> None:
    """Remove what killed processes left half saved. Nobody may be saving there."""
    for unfinished in root.glob("*/*/.*"):
        if unfinished.is_dir():
            shutil.rmtree(unfinished, ignore_errors=True)
        else:
            unfinished.unlink(missing_ok=True)


def _save_version(root: Path, made: ModelVersion) -> Path:
    shelf = root / made.domain / made.thing
    folder = shelf / made.version
    if not _is_whole(folder):
        temporary = shelf / f".{made.version}-{uuid.uuid4().hex[:8]}"
        try:
            _write(temporary, made)
            shutil.rmtree(folder, ignore_errors=True)
            temporary.rename(folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    _replace(shelf / LATEST, made.version)
    return folder


def _write(folder: Path, made: ModelVersion) -> None:
    (folder / FORECASTER).mkdir(parents=True)
    made.forecaster.save(folder / FORECASTER)
    made.backtest.to_parquet(folder / BACKTEST, index=False)
    made.scores.to_parquet(folder / SCORES, index=False)
    np.save(folder / LEARNED_FROM, made.learned_from, allow_pickle=False)
    kind = type(made.forecaster)
    manifest = {
        "name": f"{made.domain}_{made.thing}",
        "version": made.version,
        "trained_at": made.trained_at.isoformat(),
        "run_id": made.run_id,
        "feature_version": made.feature_version,
        "code_version": made.code_version,
        "forecaster": f"{kind.__module__}:{kind.__qualname__}",
        "parameters": made.parameters,
        "problem": asdict(made.problem),
        "folds": {"asked": made.problem.folds, "made": [f"{cutoff:%Y-%m-%d}" for cutoff in made.cutoffs]},
        "scores": json.loads(made.scores.to_json(orient="records", date_format="iso")),
        "files": {str(file.relative_to(folder)): _digest(file) for file in _files(folder)},
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")


def _crowned(made: Champion) -> str:
    content = {
        "model": made.name,
        "version": made.version,
        "why": made.why,
        "feature_version": made.model.feature_version,
        "trained_at": made.model.trained_at.isoformat(),
        "scores": json.loads(made.scores.reset_index(drop=True).to_json(orient="table", index=False)),
    }
    return json.dumps(content, indent=1)


def _replace(file: Path, content: str) -> None:
    """Write a file beside its place and rename it into it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.name}-{uuid.uuid4().hex[:8]}")
    temporary.write_text(content, encoding="utf-8")
    os.replace(temporary, file)


def _is_whole(folder: Path) -> bool:
    try:
        return folder.is_dir() and bool(_verified(folder))
    except ModelDamaged:
        return False


def _verified(folder: Path) -> dict[str, Any]:
    """The manifest, after every file has been found to be what it was when it was saved."""
    manifest = _json(folder / MANIFEST)
    recorded = manifest.get("files")
    if not isinstance(recorded, dict) or not recorded:
        raise ModelDamaged(f"{folder / MANIFEST}: names no files; train the model again")
    there = {str(file.relative_to(folder)) for file in _files(folder)} - {MANIFEST}
    if strange := sorted(there ^ set(recorded)):
        fault = "not saved with" if strange[0] in there else "missing from"
        raise ModelDamaged(f"{folder / strange[0]}: {fault} this version; train the model again")
    for name, digest in recorded.items():
        if _digest(folder / name) != digest:
            raise ModelDamaged(f"{folder / name}: changed since it was saved; train the model again")
    return manifest


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.is_file())


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _json(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelDamaged(f"{file}: {error}; train the model again") from error
    if not isinstance(content, dict):
        raise ModelDamaged(f"{file}: holds no description of a model; train the model again")
    return content


def _forecaster_class(place: str, packages: Iterable[str]) -> type[Forecaster]:
    """The class at `module:name`, if it lies in an allowed package and is a forecaster."""
    module_name, _, name = str(place).partition(":")
    if not any(module_name == package or module_name.startswith(f"{package}.") for package in packages):
        raise ModelDamaged(f"{place} is not in {', '.join(packages)}: refused; train the model again")
    try:
        found = getattr(importlib.import_module(module_name), name)
    except (ImportError, AttributeError) as error:
        raise ModelDamaged(f"{place}: {error}; train the model again") from error
    verbs = ("fit", "forecast", "save", "load")
    if not inspect.isclass(found) or found.__module__ != module_name or not all(hasattr(found, verb) for verb in verbs):
        raise ModelDamaged(f"{place} is no forecaster; train the model again")
    return cast("type[Forecaster]", found)
