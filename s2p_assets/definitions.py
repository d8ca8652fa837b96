"""The whole graph on one page; what Dagster loads."""

from collections.abc import Iterator
from dataclasses import dataclass

import dagster as dg

from s2p_assets.graph.contest_assets import contest_asset
from s2p_assets.graph.context import Context, open_context
from s2p_assets.graph.delivery_assets import deliveries_asset, unclaimed_spec
from s2p_assets.graph.holding_back import holding_back
from s2p_assets.graph.io_managers import (
    FeatureIOManager,
    ModelIOManager,
    ReportIOManager,
    SheetIOManager,
    TableIOManager,
)
from s2p_assets.graph.made_assets import report_asset, table_asset
from s2p_assets.graph.model_assets import model_asset
from s2p_assets.graph.resources import reader_resource
from s2p_assets.graph.share_sensor import share_sensor
from s2p_assets.graph.turns import servers_tags
from s2p_assets.graph.workbook_assets import files_spec, share_spec, sheet_asset, workbook_table_asset
from s2p_assets.settings import Settings, read_settings


@dataclass(frozen=True)
class Graph:
    """The definitions, and the installation that they were made of."""

    definitions: dg.Definitions
    ctx: Context


def build(settings: Settings) -> Graph:
    """Shelves → graph. A shelf file with a fault is left out and named; the others load."""
    ctx = open_context(settings)
    house, warehouse, hooks = ctx.house, ctx.warehouse, holding_back(ctx)
    definitions = dg.Definitions(
        assets=[
            files_spec(),
            unclaimed_spec(),
            *(share_spec(workbook) for workbook in house.workbooks.values()),
            *(asset.with_hooks(hooks) for asset in _made(ctx)),
        ],
        sensors=[
            share_sensor(ctx),
            dg.AutomationConditionSensorDefinition(
                "automation",
                target=dg.AssetSelection.all(),
                default_status=dg.DefaultSensorStatus.RUNNING,
                minimum_interval_seconds=settings.look_seconds,
                run_tags=servers_tags(settings),
            ),
        ],
        resources={
            "warehouse": dg.ResourceDefinition.hardcoded_resource(warehouse),
            "reader": reader_resource(ctx),
            "registry": dg.ResourceDefinition.hardcoded_resource(ctx.registry),
            "workers": dg.ResourceDefinition.hardcoded_resource(settings.joblib),
            "sheets": SheetIOManager(settings.home / "sheets"),
            "tables": dg.IOManagerDefinition(lambda _: TableIOManager(house, warehouse)),
            "features": dg.IOManagerDefinition(lambda _: FeatureIOManager(house, warehouse, settings.shards)),
            "models": ModelIOManager(house, ctx.registry),
            "reports": ReportIOManager(ctx),
        },
        executor=dg.in_process_executor,
    )
    return Graph(definitions, ctx)


def _made(ctx: Context) -> Iterator[dg.AssetsDefinition]:
    """Every asset that is made, from the sheets to the reports."""
    house, settings = ctx.house, ctx.settings
    yield from (sheet_asset(ctx, workbook) for workbook in house.workbooks.values())
    yield from (workbook_table_asset(house, workbook) for workbook in house.workbooks.values())
    yield from (deliveries_asset(ctx, deliveries) for deliveries in house.delivery_tables)
    yield from (table_asset(house, table) for table in house.tables.values())
    yield from (
        table_asset(house, features, shards=settings.shards, pod_each=settings.pod_per_shard)
        for features in house.features.values()
    )
    yield from (model_asset(ctx, model) for model in house.models.values())
    yield from (contest_asset(house, contest) for contest in house.contests.values())
    yield from (report_asset(house, report, settings.locale) for report in house.reports.values())


@dg.definitions
def defs() -> dg.Definitions:
    """What `dagster`, `dg` and the workspace load."""
    graph = build(read_settings())
    for fault in graph.ctx.house.faults:
        dg.get_dagster_logger("s2p").error("shelf file left out: %s", fault)
    return graph.definitions
