"""Reading a shelf: every declaration that its files hold, and every file that has a fault.

What depends on what is in `catalog.py`.
"""

import importlib
import pkgutil
import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Generic, TypeVar

from s2p_assets.catalog.sql_shelf import SqlFault, read_sql_table
from s2p_assets.contracts.columns import DeclarationError, domain_and_name
from s2p_assets.contracts.derivation import Fault
from s2p_assets.contracts.table import Table

T = TypeVar("T")
SHELVES = ("workbooks", "streams", "tables", "features", "models", "reports")


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
        try:
            files = _shelf_files(f"{package}.{shelf}")
        except ValueError as error:
            faults.append(Fault(Path(f"{package}.{shelf}"), None, str(error)))
            continue
        for file in files:
            try:
                name, declaration = _read_file(file, f"{package}.{shelf}.{file.stem}", wanted)
                if name in items:
                    raise ValueError(f"{name} is declared twice; rename one of the files")
                items[name] = declaration
            except Exception as error:
                faults.append(_fault(file, error))
    return Shelf(items, tuple(faults))


def _shelf_files(package: str) -> list[Path]:
    try:
        module = importlib.import_module(package)
    except ModuleNotFoundError as error:
        if error.name and (package == error.name or package.startswith(f"{error.name}.")):
            return []
        raise
    if not hasattr(module, "__path__"):
        raise ValueError(f"{package} is a file, where a shelf is a folder of files; give the file another name")
    folders = [Path(folder) for folder in module.__path__]
    return [
        *(
            folder / f"{found.name}.py"
            for folder in folders
            for found in pkgutil.iter_modules([str(folder)])
            if not found.ispkg and not found.name.startswith("_")
        ),
        *(file for folder in folders for file in _sql_files(folder)),
    ]


def _sql_files(folder: Path) -> list[Path]:
    """The files of a shelf that are written in SQL, and what stands beside none of them by mistake."""
    found = [file for file in sorted(folder.glob("*.sql")) if not file.name.startswith("_")]
    return found + [file for file in sorted(folder.glob("*.yml")) if not file.with_suffix(".sql").exists()]


def _read_file(file: Path, module_name: str, wanted: type[T] | tuple[type[T], ...]) -> tuple[str, T]:
    if file.suffix == ".py":
        return _declaration(module_name, wanted)
    if file.suffix == ".yml":
        raise SqlFault(f"it describes a table, and there is no {file.stem}.sql beside it", None, file)
    if wanted is not Table:
        raise SqlFault("only a table may be written in SQL; it belongs on the shelf tables/", None, file)
    made: Any = read_sql_table(file, module_name)
    return made.full_name, made


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
    if isinstance(error, SqlFault):
        return Fault(error.file or file, error.line, str(error))
    if isinstance(error, DeclarationError) and error.line:
        return Fault(file, error.line, str(error))
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename) == file]
    return Fault(file, lines[-1] if lines else None, f"{type(error).__name__}: {error}")
