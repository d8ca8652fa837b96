"""The declaration of a table that is made from other tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from s2p_assets.contracts.columns import Column, Row, columns_of
from s2p_assets.contracts.derivation import Derivation
from s2p_assets.contracts.lineage import LineageRules

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Table(Derivation):
    """A table of the warehouse; `build` takes frames and returns a frame with the columns of `rows`.

    `key`: the columns that name a row; never twice in one table.
    `lineage`: which rows of its sources lie under one of its own, for tracing; by default those with the same values
    in the columns that the key is made of.
    """

    rows: type[Row]
    key: tuple[str, ...]
    lineage: LineageRules = field(default_factory=dict)

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        return columns_of(self.rows)


def table(
    *, rows: type[Row], key: tuple[str, ...], owner: str, lineage: LineageRules | None = None
) -> Callable[[Callable[..., pd.DataFrame]], Table]:
    """Declare the decorated function as the maker of a table."""
    return lambda build: Table(build=build, owner=owner, rows=rows, key=key, lineage=lineage or {})
