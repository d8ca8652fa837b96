"""The declaration of a table that is one SQL file: a select over other tables by name, and what its header says.

Reading and understanding the file is the catalogue's work; running it is the warehouse's.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from s2p_assets.contracts.columns import Column, Row
from s2p_assets.contracts.derivation import Fault
from s2p_assets.contracts.table import Table

MOST_SECONDS = 900
"""Time that a table may take when its header names none."""


@dataclass(frozen=True, slots=True)
class SqlTest:
    """A query that must return nothing; `name` is what is told when it does."""

    name: str
    query: str


@dataclass(frozen=True, slots=True)
class SqlSource:
    """A table that the query selects from: by which name it does, which one it is, and what it holds.

    `row_id`: the columns that tell its rows apart where they have no place of their own: of workbooks file, sheet and
    row; empty for tables. `begins`, `ends`: where the name stands in the file, every time.
    """

    domain: str
    name: str
    written: str
    columns: tuple[Column, ...] = ()
    key: tuple[str, ...] = ()
    row_id: tuple[str, ...] = ()

    @property
    def place(self) -> tuple[str, str]:
        return self.domain, self.name


class SqlBuild:
    """Stands where a Python table has its function: its parameters are the tables that the query names."""

    def __init__(self, module: str, doc: str, parameters: tuple[str, ...]) -> None:
        self.__module__, self.__name__, self.__doc__ = module, module.rsplit(".", 1)[-1], doc
        self.__signature__ = inspect.Signature(
            [inspect.Parameter(one, inspect.Parameter.POSITIONAL_OR_KEYWORD) for one in parameters]
        )

    def __call__(self, **inputs: Any) -> Any:
        raise TypeError(f"{self.__name__} is made by PostgreSQL, not by a function")


@dataclass(frozen=True)
class SqlTable(Table):
    """A table of the warehouse that PostgreSQL makes by a select.

    `file`: where it is written; `text`: the file as it is, the header being a comment of it. `tests`: queries that must
    return nothing. `incremental`: the columns by whose values rows are made again when something below changed; empty:
    all are. `seconds`: how long it may take. `every`: seconds between two looks of the process that reads streams,
    which then makes it too; 0 where Dagster alone does. `entity`, `event_time`: of a table that is served as a feature
    set, the columns that name the entity, and the one that says since when a row is known; else empty. `followed`:
    how each source bears the incremental columns, as of
    `catalog/sql_keys.py`. `sources`: the tables that it selects from. `digest`: of the file and its
    twin. `lines`: where in the file, or its twin, columns and tests are declared, by name.
    """

    file: Path = Path()
    text: str = ""
    tests: tuple[SqlTest, ...] = ()
    incremental: tuple[str, ...] = ()
    seconds: int = MOST_SECONDS
    every: int = 0
    entity: tuple[str, ...] = ()
    event_time: str = ""
    followed: tuple[tuple[tuple[str, str], tuple[str | None, ...]], ...] = ()
    sources: tuple[SqlSource, ...] = ()
    digest: str = ""
    lines: tuple[tuple[str, int], ...] = ()

    @property
    def code_version(self) -> str:
        """Changes when the file does, or its twin."""
        return self.digest

    def fault(self, message: str) -> Fault:
        return Fault(self.file, 1, message)

    def fault_of(self, parameter: str, message: str) -> Fault:
        """What is wrong with a table that the query names, on the line where it does."""
        return Fault(self.file, dict(self.lines).get(f"from {parameter}", 1), message)


def rows_of_columns(
    name: str, module: str, doc: str, columns: Mapping[str, Any], types: Mapping[str, Any]
) -> type[Row]:
    """A class of rows from columns that no Python file declares. Raises DeclarationError."""
    body = {"__module__": module, "__doc__": doc, "__annotations__": dict(types), "s2p_code": (), **columns}
    return type(name, (Row,), body)


def written_digest(*contents: str) -> str:
    """A short hash of what a table is written in."""
    return hashlib.sha256("\0".join(contents).encode()).hexdigest()[:12]
