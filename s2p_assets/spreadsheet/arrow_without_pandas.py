"""Arrow without pandas, which it imports with nearly its first call, until somebody else imports pandas.

That is a quarter of a second and 60 MB of every process that reads a file. What is read is not known here.
"""

import builtins
import importlib.util
import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

NAME = "pandas"
AS_C_IMPORTS: list[str] = []
"""What Python's `PyImport_ImportModule` hands on beside the name, by which Arrow's C++ asks; a statement, a tuple."""


def leave_out_pandas() -> None:
    """Have Arrow go without pandas where it is not loaded yet; it knows it once it is, before any frame can be made.

    Without pandas nothing is one of its frames or missing values, so that Arrow's answers are the same.
    """
    import pyarrow

    looked_up_by = getattr(pyarrow.lib, "_pandas_api", None)
    if looked_up_by is None or NAME in sys.modules:
        return
    finder = _PandasFinder(looked_up_by)
    sys.meta_path.insert(0, finder)
    if looked_up_by.have_pandas:  # it looks once, and remembers
        sys.meta_path.remove(finder)
        return
    finder.stands_aside()


class _PandasFinder:
    """Finds no pandas at first, then as any other would, and has Arrow look again when it is loaded."""

    def __init__(self, looked_up_by: Any) -> None:
        self._hides = True
        self._looked_up_by = looked_up_by

    def stands_aside(self) -> None:
        self._hides = False
        self._import = builtins.__import__
        self._refuses = _refusing(self._import)
        builtins.__import__ = self._refuses

    def find_spec(self, name: str, path: Sequence[str] | None = None, _: object = None) -> ModuleSpec | None:
        if name != NAME:
            return None
        if self._hides:
            raise ModuleNotFoundError(f"{NAME} is left out", name=NAME)
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec and spec.loader:
            spec.loader = _ToldToArrow(spec.loader, self._told)
        return spec

    def _told(self) -> None:
        if builtins.__import__ is self._refuses:
            builtins.__import__ = self._import
        _ = self._looked_up_by.pd  # it is wanted, not only looked for: Arrow imports it, and knows it from now on


def _refusing(as_before: Callable[..., ModuleType]) -> Callable[..., ModuleType]:
    """Python's own import, but for what Arrow's C++ asks for with every array that it makes."""

    def imported(name: str, *arguments: Any, **named: Any) -> ModuleType:
        wanted = arguments[2] if len(arguments) > 2 else named.get("fromlist")
        if name == NAME and wanted == AS_C_IMPORTS and NAME not in sys.modules:
            raise ModuleNotFoundError(f"{NAME} is left out", name=NAME)
        return as_before(name, *arguments, **named)

    return imported


class _ToldToArrow(Loader):
    def __init__(self, loader: Loader, told: Callable[[], None]) -> None:
        self._loader, self._told = loader, told

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        assert module.__spec__ is not None
        module.__loader__ = module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        self._told()
