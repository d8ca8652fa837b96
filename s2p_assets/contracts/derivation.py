"""What every function on a shelf declares: its domain, name, owner, inputs, and what is wrong with it.

Tables, feature sets, models and reports add to it in modules of their own; shelves are read by the catalog.
"""

import hashlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from s2p_assets.contracts.columns import domain_and_name
from s2p_assets.contracts.outlined import as_declared


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
        source = inspect.unwrap(as_declared(self.build))
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


def source_version(name: Any) -> str:
    """A short hash of the source file in which `name` is written."""
    return hashlib.sha256(Path(inspect.getfile(as_declared(name))).read_bytes()).hexdigest()[:12]
