"""Asset keys: what the catalog calls by its own key, as Dagster calls it.

What depends on what is the catalog's to say.
"""

from typing import Protocol

import dagster as dg

from s2p_assets.catalog.catalog import Key
from s2p_assets.contracts.deliveries import DeliveryTable
from s2p_assets.contracts.feature_set import FeatureSet
from s2p_assets.contracts.model import Contest, Model
from s2p_assets.contracts.report import Report
from s2p_assets.contracts.stream import Stream
from s2p_assets.contracts.table import Table
from s2p_assets.contracts.workbook import Workbook

FILES = dg.AssetKey(["s2p", "files"])
UNCLAIMED = dg.AssetKey(["s2p", "unclaimed"])
EXPECTED = dg.AssetKey(["s2p", "expected"])
DBT_STEP = "dbt"
"""The step that makes all models of dbt."""
ENGINEERS = "team:engineers"
"""Who owns what is nobody's in particular."""


SHELVES: dict[type, str] = {
    Stream: "streams",  # before the workbook that each is
    Workbook: "workbooks",
    DeliveryTable: "workbooks",
    Table: "tables",
    FeatureSet: "features",
    Model: "models",
    Contest: "models",
    Report: "reports",
}


class _Named(Protocol):
    @property
    def domain(self) -> str: ...
    @property
    def name(self) -> str: ...


def asset_key(named: _Named) -> dg.AssetKey:
    """The asset key of a declaration, or of its key in the catalog: `retail/price_list`."""
    return dg.AssetKey([named.domain, named.name])


def group_name(declared: _Named) -> str:
    """The group of what is made of a declaration: its domain and its shelf, `retail/tables`."""
    shelf = next(shelf for kind, shelf in SHELVES.items() if isinstance(declared, kind))
    return f"{declared.domain}/{shelf}"


def catalog_key(key: dg.AssetKey) -> Key:
    """The key under which the catalog knows an asset."""
    return Key(*key.path)


def share_key(workbook: Workbook) -> dg.AssetKey:
    """The key of what lies on the share: `retail/price_list_share`."""
    return dg.AssetKey([workbook.domain, f"{workbook.name}_share"])


def sheet_key(workbook: Workbook) -> dg.AssetKey:
    """The key of what was read and is about to be stored: `retail/price_list_sheet`."""
    return dg.AssetKey([workbook.domain, f"{workbook.name}_sheet"])
