"""Builders of report sections that several reports use: frames in, sections and figures with their lineage out.

What a report says and in which order belongs to the report; how sections are rendered belongs to the renderers.
"""

import importlib
from types import ModuleType


def __getattr__(name: str) -> ModuleType:
    """The module of builders of this name, loaded when it is first used: `sections.movers`."""
    try:
        return importlib.import_module(f"{__name__}.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"{__name__}.{name}":
            raise
        raise AttributeError(f"{__name__} has no {name}") from None
