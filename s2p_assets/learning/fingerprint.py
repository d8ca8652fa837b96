"""Fingerprints of training: a digest of parameters, task and all code, by which changed code is known.

What a training made is in `versions.py`.
"""

import ast
import functools
import hashlib
import importlib.util
import json
from pathlib import Path
from typing import Any

from s2p_assets.contracts.model import Learner, Task
from s2p_assets.learning.registry.learner_files import parameters_of, task_to_json

PACKAGES = ("s2p_assets.learning", "s2p_assets.contracts.model")
"""Whose code a learner is made of; what other rooms do does not change what it learns."""
BACKTEST_MODULES = {
    "forecast": "s2p_assets.learning.forecasting.backtest_cache",
    "probability": "s2p_assets.learning.classification.time_folds",
}
"""What a learner can do, and the module that tries how well it does it."""


def fingerprint_of(learner: Learner, task: Task) -> str:
    """A digest of a learner's class, its parameters, its code and its task: what training does on any data."""
    kind = type(learner)
    task_json = task_to_json(task)
    return digest([kind.__module__, kind.__qualname__, parameters_of(learner), code_version(kind), task_json])


def code_version(kind: type) -> str:
    """A digest of the learner's module, of the one that tries it, and of every module of the room that these import."""
    return _of_modules(kind.__module__, *(module for verb, module in BACKTEST_MODULES.items() if hasattr(kind, verb)))


def digest(made_of: Any, content: bytes = b"") -> str:
    return hashlib.sha256(json.dumps(made_of, sort_keys=True, default=str).encode() + content).hexdigest()[:12]


def modules_behind(*names: str) -> dict[str, Path]:
    """The modules `names` and all of the room that they import, directly or not, within functions too."""
    found: dict[str, Path] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        file = None if name in found else _source(name)
        if file is not None:
            found[name] = file
            waiting += [named for named in _imports(file) if _is_within(named)]
    return found


def _is_within(module: str) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in PACKAGES)


@functools.cache
def _of_modules(*names: str) -> str:
    """Once a process: code does not change under a module that is loaded."""
    sources = modules_behind(*names)
    return digest([[module, sources[module].read_text(encoding="utf-8")] for module in sorted(sources)])


@functools.cache
def _imports(file: Path) -> set[str]:
    """Once a process for each file, as the learners stand on much the same."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def _source(name: str) -> Path | None:
    """Where a module's source lies; None for what is no module, as the names that a module holds."""
    try:
        spec = importlib.util.find_spec(name)
    except (ModuleNotFoundError, ValueError):
        return None
    return Path(spec.origin) if spec and spec.origin and spec.origin.endswith(".py") else None
