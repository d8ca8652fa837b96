"""Arrays of a fitted learner as one NumPy archive, from which nothing but numbers is read."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from s2p_assets.learning.registry.learner_files import ModelDamaged

T = TypeVar("T")


def write_arrays(file: Path, arrays: Mapping[str, Any]) -> None:
    np.savez_compressed(file, allow_pickle=False, **arrays)


def read_arrays(file: Path, made: Callable[[dict[str, Any]], T]) -> T:
    """What `made` makes of the arrays in `file`, by name. Raises ModelDamaged, also for what `made` will not have."""
    try:
        with file.open("rb") as opened, np.load(opened, allow_pickle=False) as archive:
            return made({name: archive[name] for name in archive.files})
    except Exception as error:  # a damaged archive raises of zipfile, zlib, struct, NumPy or memory
        line = " ".join(str(error).split())
        raise ModelDamaged(f"{file}: {type(error).__name__}: {line}; train the model again") from error
