"""One installation as every service gets it: its settings, what its shelves declare, its database and its models.

What is done with them is in the services beside.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from s2p_assets.catalog.catalog import Catalog
from s2p_assets.catalog.dbt_shelf import DbtShelf, read_dbt_shelf
from s2p_assets.catalog.kept_outline import load_and_keep, outlined_catalog
from s2p_assets.settings import Settings
from s2p_assets.warehouse.warehouse import Warehouse

if TYPE_CHECKING:
    from s2p_assets.learning.registry.model_registry import Registry
    from s2p_assets.spreadsheet.sandbox import Sandbox


@dataclass(frozen=True)
class Context:
    """An installation. Nothing is connected to before it is used."""

    settings: Settings
    catalog: Catalog
    warehouse: Warehouse

    @cached_property
    def registry(self) -> Registry:
        """The model registry; classes of stored models may lie on the installation's shelves too."""
        from s2p_assets.learning.registry.model_registry import PACKAGES, Registry

        packages = (*PACKAGES, *self.settings.shelves)
        return Registry(self.settings.models, lambda: self.warehouse.url, self.warehouse.connect, packages)

    @contextmanager
    def reader(self) -> Iterator[Sandbox]:
        """A sandboxed reader with the bounds of the settings, and a private folder for copies; ended with the block."""
        from s2p_assets.spreadsheet.sandbox import Sandbox

        settings = self.settings
        settings.spool.mkdir(parents=True, exist_ok=True)
        with Sandbox.within(settings, settings.spool) as sandbox:
            yield sandbox


def open_context(settings: Settings) -> Context:
    """The installation that `settings` name, its shelves read. A shelf file with a fault is left out and named."""
    catalog = load_and_keep(settings.shelves, settings.country, settings.cache, dbt_shelf(settings))
    return Context(settings, catalog, Warehouse(settings))


def open_outlined(settings: Settings) -> Context:
    """The same for a question: what the shelves declare is known by their outline, for as long as no shelf changed."""
    catalog = outlined_catalog(settings.shelves, settings.country, settings.cache, dbt_shelf(settings))
    return Context(settings, catalog, Warehouse(settings))


def open_without_shelves(settings: Settings) -> Context:
    """The same for who asks of the installation alone; whoever goes on for days stays small by it."""
    return Context(settings, Catalog({}, {}, {}, {}, {}, {}, {}, ()), Warehouse(settings))


def dbt_shelf(settings: Settings) -> DbtShelf:
    """The company's dbt project as it is now; empty where none is set."""
    return read_dbt_shelf(settings.dbt_project, settings.dbt_folder)
