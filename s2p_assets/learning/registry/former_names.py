"""Names that versions stored by s2p 0.1.0 bear in their files, and what is called so now.

The files themselves stay as they are: their digests hold, and an older s2p can still read them.
"""

import functools
import importlib.util
import json
from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any

NAMES = Path(__file__).with_name("names_of_0_1_0.json")


def present_place(place: str) -> str:
    """`module:name` of a learner's class, where it lies now; as it is when it is no place of s2p 0.1.0's own."""
    module, _, name = place.partition(":")
    package, _, last = module.rpartition(".")
    moved = _names()["modules"].get(package)
    return place if moved is None or _is_there(module) else f"{moved}.{last}:{name}"


def present_keys(stored: dict[str, Any], known: Container[str]) -> dict[str, Any]:
    """What a version's file holds, by the keys of now; as it is when its task is of one of the `known` kinds."""
    task = stored.get(_names()["task"])
    if task is None or task["kind"] in known:
        return stored
    return {_names()["keys"].get(key, key): value for key, value in stored.items()}


def present_task(stored: Mapping[str, Any], known: Container[str], domain: str = "") -> dict[str, Any]:
    """A task as a file has it; if its kind is not among the `known`, its kind and the domain's columns as of now."""
    if stored["kind"] in known:
        return dict(stored)
    columns = _names()["columns"].get(domain, {})

    def now(value: Any) -> Any:
        if isinstance(value, list):
            return [now(one) for one in value]
        return columns.get(value, value) if isinstance(value, str) else value

    kind = _names()["tasks"].get(stored["kind"], stored["kind"])
    return {part: now(value) for part, value in stored.items()} | {"kind": kind}


@functools.cache
def _names() -> dict[str, Any]:
    names: dict[str, Any] = json.loads(NAMES.read_text(encoding="utf-8"))
    return names


def _is_there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False
