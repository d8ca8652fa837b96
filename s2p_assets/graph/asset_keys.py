"""Asset keys: what the catalog calls by its own key, as Dagster calls it.

What depends on what is the catalog's to say.
"""

from typing import Protocol

import dagster as dg

from s2p_assets.catalog.catalog import Key
from s2p_assets.contracts.workbook import Workbook

FILES = dg.AssetKey(["s2p", "files"])
UNCLAIMED = dg.AssetKey(["s2p", "unclaimed"])
EXPECTED = dg.AssetKey(["s2p", "expected"])
ENGINEERS = "team:engineers"
"""Who owns what is nobody's in particular."""


class _Named(Protocol):
    @property
    def domain(self) -> str: ...
    @property
    def name(self) -> str: ...


def asset_key(named: _Named) -> dg.AssetKey:
    """The asset key of a declaration, or of its key in the catalog: `retail/price_list`."""
    return dg.AssetKey([named.domain, named.name])


def catalog_key(key: dg.AssetKey) -> Key:
    """The key under which the catalog knows an asset."""
    return Key(*key.path)


def share_key(workbook: Workbook) -> dg.AssetKey:
    """The key of what lies on the share: `retail/price_list_share`."""
    return dg.AssetKey([workbook.domain, f"{workbook.name}_share"])


def sheet_key(workbook: Workbook) -> dg.AssetKey:
    """The key of what was read and is about to be stored: `retail/price_list_sheet`."""
    return dg.AssetKey([workbook.domain, f"{workbook.name}_sheet"])
