"""The outline of the catalogue, kept in a file for as long as no shelf changes: reading the shelves loads pandas.

A file that is missing, damaged or of other shelves is passed over: the shelves are read, and it is written anew.
"""

import hashlib
import importlib.util
import json
import os
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

from s2p_assets.catalog.catalog import Catalog
from s2p_assets.catalog.dbt_shelf import NO_DBT, DbtShelf
from s2p_assets.catalog.loading import load_catalog, with_dbt
from s2p_assets.catalog.outline import NotOutlined, catalog_of, outline_of
from s2p_assets.catalog.shelves import SHELVES

CODE_SUFFIXES = (".py", ".pyi", ".sql", ".yml")
MAX_FILES = 5_000
"""A package of more files is not looked through each time: then its shelves are read, as reading costs no more."""
SETTLED_SECONDS = 2.0
"""A file that was saved this lately may be saved again within the same tick of its file system's clock."""

FileState = tuple[str, int, int]


def outlined_catalog(packages: tuple[str, ...], country: str | None, folder: Path, dbt: DbtShelf = NO_DBT) -> Catalog:
    """The catalogue as `load_catalog` reads it, from the outline in `folder` where it still holds."""
    return kept_catalog(packages, country, folder, dbt) or load_and_keep(packages, country, folder, dbt)


def kept_catalog(
    packages: tuple[str, ...], country: str | None, folder: Path, dbt: DbtShelf = NO_DBT
) -> Catalog | None:
    """The catalogue from the outline in `folder`; None where there is none that still holds."""
    file = _place(packages, country, folder, dbt)
    state = _code_state(packages) if file.exists() else None
    kept = _kept(file, state) if state is not None else None
    return with_dbt(kept, dbt) if kept else None


def load_and_keep(packages: tuple[str, ...], country: str | None, folder: Path, dbt: DbtShelf = NO_DBT) -> Catalog:
    """The catalogue as its shelves are now; its outline is kept in `folder`, if that is there and can be written."""
    state = _code_state(packages)
    is_first = not any(name.startswith(f"{package}.") for name in sys.modules for package in _shelves(packages))
    catalog = load_catalog(packages, country, dbt)
    if state is not None and is_first and folder.parent.is_dir() and _is_settled(state):
        with suppress(NotOutlined, OSError):
            _keep(_place(packages, country, folder, dbt), state, outline_of(catalog))
    return catalog


def _place(packages: tuple[str, ...], country: str | None, folder: Path, dbt: DbtShelf) -> Path:
    asked = [packages, country, *filter(None, [dbt.state])]
    return folder / f"catalogue-{_digest(asked)[:12]}.json"


def _shelves(packages: tuple[str, ...]) -> list[str]:
    return [f"{package}.{shelf}" for package in packages for shelf in SHELVES]


def _kept(file: Path, state: list[FileState]) -> Catalog | None:
    """The catalogue of a kept outline; None where there is none, or it does not hold any more."""
    try:
        head, _, content = file.read_text(encoding="utf-8").partition("\n")
        noted = json.loads(head)
        beside = [tuple(one) for one in noted["beside"]]
        if noted["code"] != _digest(state) or noted["content"] != _digest(content) or beside != _states(beside):
            return None
        return catalog_of(json.loads(content))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _keep(file: Path, state: list[FileState], outline: dict[str, Any]) -> None:
    """Beside its place first, then renamed, so that whoever reads it meanwhile has a whole one. Raises OSError."""
    content = json.dumps(outline, ensure_ascii=False, separators=(",", ":"))
    noted = {
        "code": _digest(state),
        "content": _digest(content),
        "beside": _modules_beside({path for path, *_ in state}),
    }
    file.parent.mkdir(exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=file.parent, prefix=".draft-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(f"{json.dumps(noted)}\n{content}")
        os.replace(draft, file)
    except OSError:
        Path(draft).unlink(missing_ok=True)
        raise


def _digest(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()


def _code_state(packages: tuple[str, ...]) -> list[FileState] | None:
    """All that decides what the shelves say, s2p's own code and version included; None where that is too much."""
    found = [_python_state()]
    for package in sorted({"s2p_assets", *(package.partition(".")[0] for package in packages)}):
        spec = importlib.util.find_spec(package)
        for place in (spec.submodule_search_locations or ()) if spec else ():
            for one in _code_files(place):
                found.append(one)
                if len(found) > MAX_FILES:
                    return None
    return found


def _python_state() -> FileState:
    """The interpreter, s2p's version, and when a package was last installed."""
    installed = [os.stat(place).st_mtime_ns for place in _installed() if os.path.isdir(place)]
    return f"{sys.version} {version('s2p-assets')}", max(installed, default=0), len(installed)


def _installed() -> set[str]:
    return {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}


def _code_files(folder: str) -> Iterator[FileState]:
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if entry.name.endswith(CODE_SUFFIXES):
                state = entry.stat()
                yield entry.path, state.st_mtime_ns, state.st_size
            elif not entry.name.startswith((".", "__pycache__")) and entry.is_dir():
                yield from _code_files(entry.path)


def _modules_beside(known: set[str]) -> list[FileState]:
    """The modules that shelves loaded from elsewhere than their packages and what is installed."""
    installed = (*_installed(), sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"))
    files = {str(getattr(module, "__file__", None) or "") for module in list(sys.modules.values())}
    own = str(Path(sys.argv[0]).absolute()) if sys.argv[0] else ""
    return _states(
        [
            (file, 0, 0)
            for file in sorted(files)
            if os.path.isabs(file) and file not in known and file != own and not file.startswith(installed)
        ]
    )


def _states(files: Iterable[tuple[Any, ...]]) -> list[FileState]:
    """The files as they are now; nothing of one that is gone. Raises OSError."""
    states = ((str(path), os.stat(path)) for path, *_ in files)
    return [(path, state.st_mtime_ns, state.st_size) for path, state in states]


def _is_settled(state: list[FileState]) -> bool:
    return max(mtime_ns for _, mtime_ns, _ in state) < time.time_ns() - SETTLED_SECONDS * 1e9
