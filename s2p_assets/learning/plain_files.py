"""A learner's parameters and problem as one JSON file, so that nothing stored can run code.

Fitted parts that are no plain values are written by the learner that has them.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

from s2p_assets.learning.model import Learner, Outcome, Problem, Task
from s2p_assets.learning.registry.former_names import present_keys, present_task

FILE = "learner.json"
TASKS: dict[str, Callable[..., Problem | Outcome]] = {kind.__name__: kind for kind in (Problem, Outcome)}

T = TypeVar("T")


class ModelDamaged(Exception):
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


def fitted_problem(problem: T | None) -> T:
    """`problem`, or NotFitted when there is none yet."""
    if problem is None:
        raise NotFitted("the model is not fitted; call fit first")
    return problem


def write_plain(folder: Path, learner: Learner, problem: Task | None, **fitted: Any) -> None:
    """Write parameters, problem and plain fitted values as `learner.json` into an existing folder."""
    plain = problem_to_plain(fitted_problem(problem))
    content = {"parameters": parameters_of(learner), "problem": plain, "fitted": fitted}
    (folder / FILE).write_text(json.dumps(content, indent=1, sort_keys=True), encoding="utf-8")


def read_plain(folder: Path) -> tuple[dict[str, Any], Any, dict[str, Any]]:
    """Parameters, problem and fitted values. Raises ModelDamaged."""
    try:
        content = present_keys(json.loads((folder / FILE).read_text(encoding="utf-8")), TASKS)
        return dict(content["parameters"]), problem_from(content["problem"]), dict(content["fitted"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelDamaged(f"{folder / FILE}: {error}; train the model again") from error


def problem_to_plain(problem: Task) -> dict[str, Any]:
    """A Problem or an Outcome as JSON can hold it."""
    return {"kind": type(problem).__name__, **asdict(problem)}  # type: ignore[call-overload]


def problem_from(stored: dict[str, Any], domain: str = "") -> Problem | Outcome:
    """The reverse of `problem_to_plain`, also after JSON. Raises KeyError or TypeError for unknown or missing parts.

    `domain`: whose columns it names; those of a task that s2p 0.1.0 stored may have other names now.
    """
    given = present_task(stored, TASKS, domain)
    parts: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
    return TASKS[parts.pop("kind")](**parts)
