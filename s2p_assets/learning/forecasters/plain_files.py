"""A forecaster's parameters and problem as one JSON file, so that nothing stored can run code.

Fitted parts that are no plain values are written by the forecaster that has them.
"""

import json
from dataclasses import asdict, fields, is_dataclass
from pathlib import Path
from typing import Any

from s2p_assets.learning.model import Forecaster, Problem

FILE = "forecaster.json"


class ModelDamaged(Exception):
    """A stored model cannot be read; the message names the file and what to do."""


class NotFitted(Exception):
    """A forecaster was asked to forecast or to be saved before it was fitted."""


def parameters_of(forecaster: Forecaster) -> dict[str, Any]:
    """The parameters a forecaster was made with: its dataclass fields, without the fitted ones (`repr=False`).

    Forecasters that it is made of are given as their own parameters, with their `kind`.
    """
    given = {part.name: getattr(forecaster, part.name) for part in fields(forecaster) if part.repr}  # type: ignore[arg-type]
    return {
        name: [_member(one) for one in value] if isinstance(value, tuple) else value for name, value in given.items()
    }


def _member(value: Any) -> Any:
    return {"kind": type(value).__name__} | parameters_of(value) if is_dataclass(value) else value  # type: ignore[arg-type]


def fitted_problem(problem: Problem | None) -> Problem:
    """`problem`, or NotFitted when there is none yet."""
    if problem is None:
        raise NotFitted("the forecaster is not fitted; call fit(history, problem) first")
    return problem


def write_plain(folder: Path, forecaster: Forecaster, problem: Problem | None, **fitted: Any) -> None:
    """Write parameters, problem and plain fitted values as `forecaster.json` into an existing folder."""
    content = {"parameters": parameters_of(forecaster), "problem": asdict(fitted_problem(problem)), "fitted": fitted}
    (folder / FILE).write_text(json.dumps(content, indent=1, sort_keys=True), encoding="utf-8")


def read_plain(folder: Path) -> tuple[dict[str, Any], Problem, dict[str, Any]]:
    """Parameters, problem and fitted values. Raises ModelDamaged."""
    try:
        content = json.loads((folder / FILE).read_text(encoding="utf-8"))
        return dict(content["parameters"]), problem_from(content["problem"]), dict(content["fitted"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelDamaged(f"{folder / FILE}: {error}; train the model again") from error


def problem_from(stored: dict[str, Any]) -> Problem:
    """A Problem from its JSON form. Raises TypeError for unknown or missing parts."""
    parts: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in stored.items()}
    return Problem(**parts)
