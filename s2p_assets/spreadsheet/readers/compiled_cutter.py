"""The compiled cutter of a sheet's rows, where one was made when s2p was installed; it is written in `_cut_rows.c`.

What it is used for is in `row_cutter`; nothing heavy is loaded here.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any, Literal

Cut = Callable[[str], tuple[Any, ...] | None]
Cutter = Literal["compiled", "pure"]


def compiled_cutter() -> Cut | None:
    try:
        made: Cut = import_module("s2p_assets.spreadsheet.readers._cut_rows").cut
    except ImportError:
        return None
    return made


def cutter_in_use(*, compiled: bool) -> Cutter:
    """Which cutter reads workbooks where the compiled one is wanted, or not."""
    return "compiled" if compiled and compiled_cutter() else "pure"
