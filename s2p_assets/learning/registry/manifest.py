"""The manifest of a stored version: what it says of it, and whether all its files are what they were.

What the other files hold is for `version_files.py`, which needs pandas.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from s2p_assets.learning.registry.former_names import present_keys
from s2p_assets.learning.registry.learner_files import TASKS, ModelDamaged

MANIFEST = "manifest.json"


def read_manifest(folder: Path, digest: str) -> dict[str, Any]:
    """The manifest of the version in `folder`, whose files may have been changed since. Raises ModelDamaged."""
    try:
        if file_digest(folder / MANIFEST) != digest:
            raise damaged(folder / MANIFEST, "changed since it was saved")
        return present_keys(json.loads((folder / MANIFEST).read_text(encoding="utf-8")), TASKS)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise damaged(folder / MANIFEST, f"cannot be read ({error})") from error


def verified_manifest(folder: Path, digest: str) -> dict[str, Any]:
    """The manifest, after every file has been found to be what it was when it was saved. Raises ModelDamaged."""
    manifest = read_manifest(folder, digest)
    try:
        there = {str(file.relative_to(folder)) for file in files_of_version(folder)} - {MANIFEST}
        if strange := sorted(there ^ set(manifest["files"])):
            fault = "not saved with" if strange[0] in there else "missing from"
            raise damaged(folder / strange[0], f"{fault} this version")
        for name, recorded in manifest["files"].items():
            if file_digest(folder / name) != recorded:
                raise damaged(folder / name, "changed since it was saved")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise damaged(folder / MANIFEST, f"cannot be read ({error})") from error
    return manifest


def damaged(place: Path, fault: str) -> ModelDamaged:
    """The error of a version with a file that cannot be trusted."""
    line = " ".join(fault.split())
    return ModelDamaged(
        f"{place}: {line}; train the model again (Materialize in the Dagster UI), "
        "or go back to another version with s2p champion"
    )


def files_of_version(folder: Path) -> list[Path]:
    """Every file of a version."""
    return sorted(file for file in folder.rglob("*") if file.is_file())


def file_digest(file: Path) -> str:
    """What the manifest notes of a file."""
    return hashlib.sha256(file.read_bytes()).hexdigest()
