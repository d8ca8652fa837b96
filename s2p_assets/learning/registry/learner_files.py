"""A learner's parameters and task as one JSON file, so that nothing stored can run code.

Fitted parts that are no plain values are written by the learner that has them.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

from s2p_assets.contracts.errors import MendableError
from s2p_assets.contracts.model import ClassificationTask, ForecastTask, Learner, Task
from s2p_assets.learning.registry.former_names import present_keys, present_task

FILE = "learner.json"
TASKS: dict[str, Callable[..., ForecastTask | ClassificationTask]] = {
    kind.__name__: kind for kind in (ForecastTask, ClassificationTask)
}

T = TypeVar("T")


class ModelDamaged(MendableError):
    """A stored model cannot be read; the message names the file and what to do."""


class NotFitted(Exception):
    """A learner was asked to predict or to be saved before it was fitted."""


def parameters_of(learner: Learner) -> dict[str, Any]:
    """The parameters a learner was made with: its dataclass fields, without the fitted ones (`repr=False`).

    Learners that it is made of are given as their own parameters, with their `kind`.
    """
    given = {part.name: getattr(learner, part.name) for part in fields(learner) if part.repr}  # type: ignore[arg-type]
    return {
        name: [_member(one) for one in value] if isinstance(value, tuple) else value for name, value in given.items()
    }


def _member(value: Any) -> Any:
    return {"kind": type(value).__name__} | parameters_of(value) if is_dataclass(value) else value  # type: ignore[arg-type]


def fitted_task(task: T | None) -> T:
    """`task`, or NotFitted when there is none yet."""
    if task is None:
        raise NotFitted("the model is not fitted; call fit first")
    return task


def write_learner(folder: Path, learner: Learner, task: Task | None, **fitted: Any) -> None:
    """Write parameters, task and plain fitted values as `learner.json` into an existing folder."""
    plain = task_to_json(fitted_task(task))
    content = {"parameters": parameters_of(learner), "task": plain, "fitted": fitted}
    (folder / FILE).write_text(json.dumps(content, indent=1, sort_keys=True), encoding="utf-8")


def read_learner(folder: Path) -> tuple[dict[str, Any], Any, dict[str, Any]]:
    """Parameters, task and fitted values. Raises ModelDamaged."""
    try:
        content = present_keys(json.loads((folder / FILE).read_text(encoding="utf-8")), TASKS)
        return dict(content["parameters"]), task_from_json(content["task"]), dict(content["fitted"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelDamaged(f"{folder / FILE}: {error}; train the model again") from error


def task_to_json(task: Task) -> dict[str, Any]:
    """A Problem or an Outcome as JSON can hold it."""
    return {"kind": type(task).__name__, **asdict(task)}  # type: ignore[call-overload]


def task_from_json(stored: dict[str, Any], domain: str = "") -> ForecastTask | ClassificationTask:
    """The reverse of `task_to_json`, also after JSON. Raises KeyError or TypeError for unknown or missing parts.

    `domain`: whose columns it names; those of a task that s2p 0.1.0 stored may have other names now.
    """
    given = present_task(stored, TASKS, domain)
    parts: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
    return TASKS[parts.pop("kind")](**parts)
