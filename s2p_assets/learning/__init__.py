"""Models: forecasts and classification, their selection, monitoring and registry. Their use is not here.

`forecasters` and `classifiers` are the learners by the names that model files use.
"""

import importlib
from types import ModuleType

_LEARNERS = {"forecasters": "forecasting.models", "classifiers": "classification.models"}


def __getattr__(name: str) -> ModuleType:
    if name not in _LEARNERS:
        raise AttributeError(f"{__name__} has no {name}")
    return importlib.import_module(f"{__name__}.{_LEARNERS[name]}")
