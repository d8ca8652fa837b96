"""The whole graph on one page; what Dagster loads."""

from collections.abc import Iterator
from dataclasses import dataclass

import dagster as dg

from s2p_assets.contracts.sql_table import SqlTable
from s2p_assets.graph.assets.contest_assets import contest_asset
from s2p_assets.graph.assets.dbt_assets import dbt_project_assets
from s2p_assets.graph.assets.delivery_assets import deliveries_asset, expected_spec, unclaimed_spec
from s2p_assets.graph.assets.derived_assets import report_asset, table_asset
from s2p_assets.graph.assets.model_assets import model_asset
from s2p_assets.graph.assets.sql_assets import sql_table_asset
from s2p_assets.graph.assets.stream_assets import stream_spec
from s2p_assets.graph.assets.workbook_assets import files_spec, share_spec, sheet_asset, workbook_table_asset
from s2p_assets.graph.automation_sensor import automation_sensor
from s2p_assets.graph.checks.open_corrections import corrections_check
from s2p_assets.graph.executor import in_order_of_urgency
from s2p_assets.graph.io_managers import (
    FeatureIOManager,
    ModelIOManager,
    ReportIOManager,
    SheetIOManager,
    TableIOManager,
)
from s2p_assets.graph.message_sensor import message_sensor
from s2p_assets.graph.report_hooks import failed_before, report_hooks
from s2p_assets.graph.resources import reader_resource
from s2p_assets.graph.running.locks import servers_tags
from s2p_assets.graph.share_sensor import share_sensor
from s2p_assets.services.context import Context, open_context
from s2p_assets.settings import Settings, read_settings


@dataclass(frozen=True)
class Graph:
    """The definitions, and the installation that they were made of."""

    definitions: dg.Definitions
    ctx: Context


def build(settings: Settings) -> Graph:
    """Shelves → graph. A shelf file with a fault is left out and named; the others load."""
    ctx = open_context(settings)
    catalog, warehouse, hooks = ctx.catalog, ctx.warehouse, report_hooks(ctx)
    made = list(_made(ctx))
    definitions = dg.Definitions(
        assets=[
            files_spec(),
            unclaimed_spec(),
            expected_spec(),
            *(share_spec(workbook) for workbook in catalog.workbooks.values()),
            *map(stream_spec, catalog.streams.values()),
            *(asset.with_hooks(hooks) for asset in made),
        ],
        asset_checks=[corrections_check(ctx)],
        sensors=[
            share_sensor(ctx),
            automation_sensor(len(made), servers_tags(settings)),
            message_sensor(ctx),
        ],
        resources={
            "warehouse": dg.ResourceDefinition.hardcoded_resource(warehouse),
            "reader": reader_resource(ctx),
            "registry": dg.ResourceDefinition.hardcoded_resource(ctx.registry),
            "workers": dg.ResourceDefinition.hardcoded_resource(settings.joblib),
            "sheets": SheetIOManager(settings.home / "sheets"),
            "tables": dg.IOManagerDefinition(lambda _: TableIOManager(catalog, warehouse)),
            "features": dg.IOManagerDefinition(lambda _: FeatureIOManager(catalog, warehouse, settings.shards)),
            "models": ModelIOManager(catalog, ctx.registry),
            "reports": ReportIOManager(ctx),
        },
        executor=in_order_of_urgency(failed_before(ctx)),
    )
    return Graph(definitions, ctx)


def _made(ctx: Context) -> Iterator[dg.AssetsDefinition]:
    """Every asset that is made, from the sheets to the reports."""
    catalog, settings = ctx.catalog, ctx.settings
    yield from (sheet_asset(ctx, workbook) for workbook in catalog.workbooks.values())
    yield from (workbook_table_asset(ctx, workbook) for workbook in catalog.workbooks.values())
    yield from (deliveries_asset(ctx, deliveries) for deliveries in catalog.delivery_tables)
    yield from (
        sql_table_asset(catalog, table) if isinstance(table, SqlTable) else table_asset(catalog, table)
        for table in catalog.tables.values()
    )
    yield from dbt_project_assets(ctx)
    yield from (
        table_asset(catalog, features, shards=settings.shards, pod_each=settings.pod_per_shard)
        for features in catalog.features.values()
    )
    yield from (model_asset(ctx, model) for model in catalog.models.values())
    yield from (contest_asset(catalog, contest) for contest in catalog.contests.values())
    yield from (report_asset(catalog, report, settings) for report in catalog.reports.values())


@dg.definitions
def defs() -> dg.Definitions:
    """What `dagster`, `dg` and the workspace load."""
    graph = build(read_settings())
    for fault in graph.ctx.catalog.faults:
        dg.get_dagster_logger("s2p").error("shelf file left out: %s", fault)
    return graph.definitions
