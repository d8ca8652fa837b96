"""A version as a folder of plain files, each with its digest, and back; nothing stored here is ever unpickled.

    manifest.json, backtest.parquet, scores.parquet, losses.parquet, learned_from.npy, learned_targets.parquet,
    learner/…

Where the folder lies and what else is known of the version is for `model_registry.py`.
"""

import datetime as dt
import functools
import importlib
import inspect
import json
from collections.abc import Iterable
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd

from s2p_assets.contracts.model import Learner
from s2p_assets.learning.registry.former_names import present_place
from s2p_assets.learning.registry.learner_files import task_from_json, task_to_json
from s2p_assets.learning.registry.manifest import (
    MANIFEST,
    damaged,
    file_digest,
    files_of_version,
    read_manifest,
    verified_manifest,
)
from s2p_assets.learning.row_hashes import RowHashes
from s2p_assets.learning.training_reason import reason_from_json
from s2p_assets.learning.versions import ModelVersion

BACKTEST, SCORES, LOSSES = "backtest.parquet", "scores.parquet", "losses.parquet"
LEARNER, LEARNED_FROM, LEARNED_TARGETS = "learner", "learned_from.npy", "learned_targets.parquet"
FRAMES = {"backtest": BACKTEST, "scores": SCORES, "losses": LOSSES}
MAX_CACHED = 8


def write_version(folder: Path, made: ModelVersion) -> str:
    """Write a version into a new `folder`; the digest of its manifest, which holds those of all other files."""
    (folder / LEARNER).mkdir(parents=True)
    made.learner.save(folder / LEARNER)
    for name, file in FRAMES.items():
        getattr(made, name).to_parquet(folder / file, index=False)
    np.save(folder / LEARNED_FROM, made.learned_from, allow_pickle=False)
    if made.learned_targets is not None:
        made.learned_targets.to_parquet(folder / LEARNED_TARGETS, index=False)
    kind = type(made.learner)
    manifest = {
        "domain": made.domain,
        "model": made.name,
        "contest": made.contest,
        "version": made.version,
        "fingerprint": made.fingerprint,
        "trained_at": made.trained_at.isoformat(),
        "run_id": made.run_id,
        "feature_version": made.feature_version,
        "code_version": made.code_version,
        "learner": f"{kind.__module__}:{kind.__qualname__}",
        "parameters": made.parameters,
        "task": task_to_json(made.task),
        "reason": made.reason.as_json(),
        "files": {str(file.relative_to(folder)): file_digest(file) for file in files_of_version(folder)},
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    return file_digest(folder / MANIFEST)


def read_version(folder: Path, digest: str, packages: Iterable[str]) -> ModelVersion:
    """The version in `folder`, whose manifest has this digest; its learner's class must lie in one of `packages`.

    Its files are checked each time; what they hold is made once and kept, for a run asks for a champion ten times.
    Raises ModelDamaged when a file is missing, changed, added or unreadable.
    """
    verified_manifest(folder, digest)
    return _made(folder, digest, tuple(packages))


@functools.lru_cache(maxsize=MAX_CACHED)
def _made(folder: Path, digest: str, packages: tuple[str, ...]) -> ModelVersion:
    manifest = read_manifest(folder, digest)
    try:
        return ModelVersion(
            domain=manifest["domain"],
            name=manifest["model"],
            contest=manifest["contest"],
            version=manifest["version"],
            fingerprint=manifest["fingerprint"],
            learner=_learner_class(folder, manifest["learner"], packages).load(folder / LEARNER),
            task=task_from_json(manifest["task"], manifest["domain"]),
            feature_version=manifest["feature_version"],
            trained_at=dt.datetime.fromisoformat(manifest["trained_at"]),
            run_id=manifest["run_id"],
            code_version=manifest["code_version"],
            learned_from=read_learned_from(folder),
            learned_targets=read_learned_targets(folder),
            reason=reason_from_json(manifest["reason"]),
            **{name: pd.read_parquet(folder / file) for name, file in FRAMES.items()},
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise damaged(folder, str(error)) from error


def read_learned_from(folder: Path) -> RowHashes:
    """The fingerprint of the history that the version in `folder` learned from. Raises ModelDamaged."""
    try:
        return cast("RowHashes", np.load(folder / LEARNED_FROM, allow_pickle=False))
    except (OSError, ValueError) as error:
        raise damaged(folder / LEARNED_FROM, f"cannot be read ({error})") from error


def read_learned_targets(folder: Path) -> pd.DataFrame | None:
    """What the version in `folder` learned from, value by value; None for one of an s2p that did not keep it.

    Raises ModelDamaged.
    """
    if not (folder / LEARNED_TARGETS).exists():
        return None
    try:
        return pd.read_parquet(folder / LEARNED_TARGETS)
    except (OSError, ValueError) as error:
        raise damaged(folder / LEARNED_TARGETS, f"cannot be read ({error})") from error


def read_scores(folder: Path, digest: str) -> pd.DataFrame:
    """The scores of the version in `folder`, whose manifest has this digest. Raises ModelDamaged."""
    return _read_frame(folder, digest, SCORES)


def read_backtest(folder: Path, digest: str) -> pd.DataFrame:
    """The backtest of the version in `folder`, whose manifest has this digest. Raises ModelDamaged."""
    return _read_frame(folder, digest, BACKTEST)


def _read_frame(folder: Path, digest: str, file: str) -> pd.DataFrame:
    verified_manifest(folder, digest)
    try:
        return pd.read_parquet(folder / file)
    except (OSError, ValueError) as error:
        raise damaged(folder / file, f"cannot be read ({error})") from error


def _learner_class(folder: Path, place: str, packages: tuple[str, ...]) -> type[Learner]:
    """The class at `module:name`, or where it lies by now, if that is in an allowed package and can be loaded."""
    module_name, _, name = present_place(str(place)).partition(":")
    if not any(module_name == package or module_name.startswith(f"{package}.") for package in packages):
        raise damaged(folder, f"{place} is not in {', '.join(packages)}, so it is refused")
    try:
        found = getattr(importlib.import_module(module_name), name)
    except (ImportError, AttributeError) as error:
        raise damaged(folder, f"{place}: {error}") from error
    verbs = ("fit", "save", "load")
    if not inspect.isclass(found) or found.__module__ != module_name or not all(hasattr(found, verb) for verb in verbs):
        raise damaged(folder, f"{place} is no model")
    return cast("type[Learner]", found)
