"""Reading the shelves: every declaration that the shelf files hold, and every file that has a fault.

What a declaration is belongs to its tool; turning declarations into Dagster assets belongs to `graph/`.
"""

import hashlib
import importlib
import inspect
import pkgutil
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Generic, TypeVar

from s2p_assets.contracts.columns import domain_and_name

T = TypeVar("T")


class NotYet(Exception):
    """There is not enough data yet to make something; the message says what is missing. It is tried again with more."""


@dataclass(frozen=True)
class Derivation:
    """Something that a function on a shelf makes from other things.

    `build`: the function; its parameters name the things it is made from (`products`, or
    `retail__products` for another domain's), its module names the thing itself, and its
    docstring tells a manager what it is.
    """

    build: Callable[..., Any]
    owner: str

    @property
    def domain(self) -> str:
        return domain_and_name(self.build.__module__)[0]

    @property
    def name(self) -> str:
        return domain_and_name(self.build.__module__)[1]

    @property
    def full_name(self) -> str:
        """`retail_products`, the shelf file's own name."""
        return f"{self.domain}_{self.name}"

    @property
    def description(self) -> str:
        return inspect.getdoc(self.build) or ""

    @property
    def inputs(self) -> dict[str, tuple[str, str]]:
        """Parameter name → (domain, thing)."""
        found = {}
        for parameter in inspect.signature(self.build).parameters:
            domain, _, name = parameter.rpartition("__")
            found[parameter] = (domain or self.domain, name)
        return found

    @property
    def code_version(self) -> str:
        """Changes when the shelf file does."""
        return source_version(self.build)

    def fault(self, message: str) -> "Fault":
        """What is wrong with this declaration, at the line of its function."""
        source = inspect.unwrap(self.build)
        return Fault(Path(inspect.getfile(source)), inspect.getsourcelines(source)[1], message)


@dataclass(frozen=True, slots=True)
class Fault:
    """A shelf file that cannot be used, and where it is wrong."""

    file: Path
    line: int | None
    message: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else str(self.file)
        return f"{where}: {self.message}"


@dataclass(frozen=True)
class Shelf(Generic[T]):
    """What one shelf holds: declarations by file name, and the faults of files that do not load."""

    items: dict[str, T]
    faults: tuple[Fault, ...]


def read_shelf(packages: Iterable[str], shelf: str, wanted: type[T] | tuple[type[T], ...]) -> Shelf[T]:
    """Every `wanted` declaration in `<package>.<shelf>` of all packages; one fault never hides another file."""
    items: dict[str, T] = {}
    faults: list[Fault] = []
    for package in packages:
        for file in _shelf_files(f"{package}.{shelf}"):
            try:
                name, declaration = _declaration(f"{package}.{shelf}.{file.stem}", wanted)
                if name in items:
                    raise ValueError(f"{name} is declared twice; rename one of the files")
                items[name] = declaration
            except Exception as error:
                faults.append(_fault(file, error))
    return Shelf(items, tuple(faults))


def source_version(name: Any) -> str:
    """A short hash of the source file in which `name` is written."""
    return hashlib.sha256(Path(inspect.getfile(name)).read_bytes()).hexdigest()[:12]


def _shelf_files(package: str) -> list[Path]:
    try:
        module = importlib.import_module(package)
    except ModuleNotFoundError as error:
        if error.name and (package == error.name or package.startswith(f"{error.name}.")):
            return []
        raise
    folders = [Path(folder) for folder in module.__path__]
    return [
        folder / f"{found.name}.py"
        for folder in folders
        for found in pkgutil.iter_modules([str(folder)])
        if not found.ispkg and not found.name.startswith("_")
    ]


def _declaration(module_name: str, wanted: type[T] | tuple[type[T], ...]) -> tuple[str, T]:
    module = importlib.import_module(module_name)
    domain, name = domain_and_name(module_name)
    found = [value for value in vars(module).values() if isinstance(value, wanted) and _is_own(value, module)]
    if len(found) != 1:
        kinds = wanted if isinstance(wanted, tuple) else (wanted,)
        names = " or ".join(kind.__name__ for kind in kinds)
        raise ValueError(f"a file on this shelf declares one {names}, this one declares {len(found)}")
    return f"{domain}_{name}", found[0]


def _is_own(declaration: Any, module: ModuleType) -> bool:
    """Whether the declaration was written in this module and not imported from another."""
    home = getattr(declaration, "build", None) or getattr(declaration, "rows", None)
    return getattr(home, "__module__", module.__name__) == module.__name__


def _fault(file: Path, error: Exception) -> Fault:
    if isinstance(error, SyntaxError) and error.filename:
        return Fault(Path(error.filename), error.lineno, f"{error.msg}")
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename) == file]
    return Fault(file, lines[-1] if lines else None, f"{type(error).__name__}: {error}")
