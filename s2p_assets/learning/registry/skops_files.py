"""Fitted estimators as s2p 0.1.0 stored them, in files of skops, read as plain values: nothing in them is run.

What is made of them is for the models; they write arrays now, as of `array_files.py`.
"""

import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

import numpy as np

from s2p_assets.learning.registry.learner_files import ModelDamaged

T = TypeVar("T")

SCHEMA = "schema.json"
OBJECTS = ("ObjectNode", "TreeNode")


def read_estimator(file: Path, made: Callable[[Any], T]) -> T:
    """What `made` makes of the estimator in `file`: an object with the attributes that it had, and no methods.

    Raises ModelDamaged, also for what `made` finds nowhere.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            return made(_Stored(archive).value(json.loads(archive.read(SCHEMA))))
    except Exception as error:  # a damaged archive raises of zipfile, zlib, JSON or NumPy, or lacks a part
        line = " ".join(str(error).split())
        raise ModelDamaged(f"{file}: {type(error).__name__}: {line}; train the model again") from error


class _Stored:
    """The parts of one archive; a part that is named again is read once."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self.archive = archive
        self.read: dict[Any, Any] = {}

    def value(self, node: Mapping[str, Any]) -> Any:
        """Numbers, texts, arrays, lists, mappings, and objects as their attributes; None for whatever else it is."""
        key = node.get("__id__")
        if key is None or key not in self.read:
            self.read[key] = self._value(node)
        return self.read[key]

    def _value(self, node: Mapping[str, Any]) -> Any:
        loader, content = node["__loader__"], node.get("content")
        if loader == "JsonNode" and isinstance(content, str):
            return json.loads(content)
        if loader in ("ListNode", "TupleNode"):
            return [self.value(one) for one in content or []]
        if loader == "DictNode" and isinstance(content, dict):
            return {name: self.value(one) for name, one in content.items()}
        if loader in OBJECTS and isinstance(content, dict):
            parts = self.value(content)
            return SimpleNamespace(**parts) if isinstance(parts, dict) else None
        if loader == "NdArrayNode":
            return self._array(node)
        return None

    def _array(self, node: Mapping[str, Any]) -> Any:
        if node["type"] == "json":
            return [self.value(one) for one in node["content"]]
        with self.archive.open(node["file"]) as file:
            return np.lib.format.read_array(file, allow_pickle=False)
