"""One installation as every service gets it: its settings, what its shelves declare, its database and its models.

What is done with them is in the services beside.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

from s2p_assets.catalog.catalog import Catalog
from s2p_assets.catalog.loading import load_catalog
from s2p_assets.learning.registry.model_registry import PACKAGES, Registry
from s2p_assets.settings import Settings
from s2p_assets.spreadsheet.sandbox import Sandbox
from s2p_assets.warehouse.warehouse import Warehouse


@dataclass(frozen=True)
class Context:
    """An installation. Nothing is connected to before it is used."""

    settings: Settings
    catalog: Catalog
    warehouse: Warehouse

    @cached_property
    def registry(self) -> Registry:
        """The model registry; classes of stored models may lie on the installation's shelves too."""
        packages = (*PACKAGES, *self.settings.shelves)
        return Registry(self.settings.models, lambda: self.warehouse.url, self.warehouse.connect, packages)

    @contextmanager
    def reader(self) -> Iterator[Sandbox]:
        """A sandboxed reader with the bounds of the settings, and a private folder for copies; ended with the block."""
        settings = self.settings
        settings.spool.mkdir(parents=True, exist_ok=True)
        with Sandbox.within(settings, settings.spool) as sandbox:
            yield sandbox


def open_context(settings: Settings) -> Context:
    """The installation that `settings` name, its shelves read. A shelf file with a fault is left out and named."""
    return Context(settings, load_catalog(settings.shelves, settings.country), Warehouse(settings))
