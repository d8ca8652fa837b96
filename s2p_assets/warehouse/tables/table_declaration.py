"""What is stored in tables that s2p derives, as tables and feature sets declare it. Storing it is for `store.py`."""

from typing import Protocol

from s2p_assets.contracts.columns import Column


class TableDeclaration(Protocol):
    """What a derived table declares; `Table` and `FeatureSet` do."""

    @property
    def domain(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def columns(self) -> tuple[Column, ...]: ...
    @property
    def key(self) -> tuple[str, ...]: ...
    @property
    def description(self) -> str: ...
