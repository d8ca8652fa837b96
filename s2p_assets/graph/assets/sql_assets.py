"""Tables that are SQL files: an asset for each, which PostgreSQL makes; nothing of it comes through this process.

Tables that Python makes are in `derived_assets.py`.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pandas as pd

from s2p_assets.catalog.catalog import Catalog
from s2p_assets.contracts.sql_table import SqlTable
from s2p_assets.graph.asset_keys import asset_key
from s2p_assets.graph.assets.derived_assets import CONTRACT_HOLDS, asset_options
from s2p_assets.graph.assets.metadata import PREVIEW_ROWS, column_lineage, preview
from s2p_assets.graph.automation import on_source_change
from s2p_assets.services.sql_tables import make_table
from s2p_assets.warehouse.sql_tables.making import MadeTable, SqlTableBroken
from s2p_assets.warehouse.sql_tables.read_only import SqlTableFailed
from s2p_assets.warehouse.tables import store
from s2p_assets.warehouse.warehouse import Warehouse


def sql_table_asset(catalog: Catalog, declared: SqlTable) -> dg.AssetsDefinition:
    """The asset of a SQL table: made, checked and stored in one transaction of the database."""
    options = asset_options(catalog, declared)
    below = list(options.pop("ins").values())
    key = asset_key(declared)

    @dg.asset(
        **options | {"output_required": True},
        deps=[one.key for one in below],
        kinds={"sql", "postgres"},
        io_manager_key="tables",
        check_specs=[
            dg.AssetCheckSpec(
                CONTRACT_HOLDS, asset=key, blocking=True, description="every rule and test of its declaration holds"
            )
        ],
        automation_condition=on_source_change(),
        required_resource_keys={"warehouse"},
    )
    def asset(context: dg.AssetExecutionContext) -> Iterator[Any]:
        warehouse: Warehouse = context.resources.warehouse
        try:
            made = make_table(warehouse, catalog, declared)
        except SqlTableBroken as failure:
            yield dg.AssetCheckResult(
                check_name=CONTRACT_HOLDS, passed=False, metadata={"broken": "\n".join(failure.broken)}
            )
            raise dg.Failure(f"{declared.full_name} breaks its declaration, nothing was stored: {failure}") from failure
        except SqlTableFailed as failure:
            raise dg.Failure(str(failure)) from failure
        yield dg.AssetCheckResult(check_name=CONTRACT_HOLDS, passed=True, metadata={"broken": "none"})
        yield dg.MaterializeResult(
            data_version=dg.DataVersion(made.version), metadata=_metadata(warehouse, declared, made)
        )

    return asset


def _metadata(warehouse: Warehouse, declared: SqlTable, made: MadeTable) -> dict[str, Any]:
    with warehouse.connect() as connection:
        head: pd.DataFrame = store.read_rows(
            connection, declared.domain, declared.name, declared.columns, limit=PREVIEW_ROWS
        )
    return {
        "dagster/row_count": made.rows,
        "preview": preview(head),
        "written": made.changed,
        "made again": made.remade,
        "dagster/column_lineage": column_lineage(declared),
        "select": dg.MetadataValue.md(f"```sql\n{declared.text.strip()}\n```"),
    }
