"""Where each kind of asset's value is kept: one typed IO manager each for sheets, tables, features, models, reports.

They move values; DDL, COPY, rendering and the registry's files are the tools' work.
"""

import datetime as dt
from pathlib import Path

import dagster as dg
import pandas as pd

from s2p_assets.catalog.catalog import Catalog, Stored
from s2p_assets.contracts.dbt_model import DbtModel
from s2p_assets.contracts.deliveries import DeliveryTable
from s2p_assets.contracts.feature_set import FeatureSet
from s2p_assets.contracts.model import Contest, Model
from s2p_assets.contracts.report import Document, Report
from s2p_assets.contracts.table import Table
from s2p_assets.graph.asset_keys import catalog_key
from s2p_assets.graph.assets.metadata import escaped, report_columns
from s2p_assets.graph.assets.shards import is_in, selected_shards
from s2p_assets.graph.running.report_pages import page_address
from s2p_assets.learning.registry.model_registry import Registry
from s2p_assets.learning.selection.promotion import Promotion
from s2p_assets.learning.versions import Champion, ModelVersion
from s2p_assets.publishing.document.wording import format_figure, use_locale
from s2p_assets.publishing.editions.published import Edition
from s2p_assets.services.context import Context
from s2p_assets.services.frame_cache import FrameCache
from s2p_assets.services.ingested_file import Ingest
from s2p_assets.services.publish import publish_report
from s2p_assets.warehouse.tables import store
from s2p_assets.warehouse.trace.indexes import index_for_tracing
from s2p_assets.warehouse.warehouse import Warehouse


class SheetIOManager(dg.IOManager):
    """An Intake, as Arrow and JSON files in `S2P_HOME/sheets`, until its table has taken it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def handle_output(self, context: dg.OutputContext, obj: Ingest) -> None:
        obj.write(self._place(context.asset_key))

    def load_input(self, context: dg.InputContext) -> Ingest:
        return Ingest.read(self._place(context.asset_key))

    def _place(self, key: dg.AssetKey) -> Path:
        return self.folder.joinpath(*key.path)


class TableIOManager(dg.IOManager):
    """A frame, as a PostgreSQL table whose content is replaced as a whole; also reads workbook tables.

    One for each run: a table that several assets of the run are made from is read once.
    """

    def __init__(self, catalog: Catalog, warehouse: Warehouse) -> None:
        self.catalog, self.warehouse, self.frames = catalog, warehouse, FrameCache()

    def handle_output(self, context: dg.OutputContext, obj: pd.DataFrame | None) -> None:
        if obj is None:
            return  # PostgreSQL has stored it
        declared = self.catalog.by_key[catalog_key(context.asset_key)]
        assert isinstance(declared, Table | FeatureSet | DeliveryTable)
        with self.warehouse.connect() as connection:
            stored = store.replace_table(connection, declared, obj)
            index_for_tracing(connection, declared, self.catalog.trace_indexes(declared))
        context.add_output_metadata({"written": stored.changed})

    def load_input(self, context: dg.InputContext) -> pd.DataFrame:
        declared = self.catalog.by_key[catalog_key(context.asset_key)]
        assert isinstance(declared, Stored | DbtModel)
        with self.warehouse.connect() as connection:
            if isinstance(declared, DbtModel):
                return store.read_rows(connection, declared.domain, declared.name, declared.columns, cast=True)
            return self.frames.read(connection, declared)


class FeatureIOManager(TableIOManager):
    """A feature set: a table by entity and event time; a run of some shards replaces their entities' rows alone."""

    def __init__(self, catalog: Catalog, warehouse: Warehouse, shards: int) -> None:
        super().__init__(catalog, warehouse)
        self.shards = shards

    def handle_output(self, context: dg.OutputContext, obj: pd.DataFrame | None) -> None:
        declared, selected = self.catalog.by_key[catalog_key(context.asset_key)], selected_shards(context, self.shards)
        if selected is None or obj is None:
            return super().handle_output(context, obj)
        assert isinstance(declared, FeatureSet)

        def replaced(stored: pd.DataFrame) -> "pd.Series[bool]":
            return is_in(stored, declared.entity, selected, self.shards)

        with self.warehouse.connect() as connection:
            now = store.replace_rows(connection, declared, obj, replaced, by=declared.entity)
            index_for_tracing(connection, declared, self.catalog.trace_indexes(declared))
        return context.add_output_metadata({"written": now.changed})


class ModelIOManager(dg.IOManager):
    """A trained version in the registry, or what a contest came to; read back as a version or as the champion."""

    def __init__(self, catalog: Catalog, registry: Registry) -> None:
        self.catalog, self.registry = catalog, registry

    def handle_output(self, context: dg.OutputContext, obj: ModelVersion | Promotion) -> None:
        if isinstance(obj, Promotion):
            self.registry.put_in_service(obj, dt.datetime.now(dt.UTC))
            return
        record = self.registry.save(obj)
        context.add_output_metadata({"mlflow version": record.number, "mlflow run": record.run_id})

    def load_input(self, context: dg.InputContext) -> ModelVersion | Champion:
        declared = self.catalog.by_key[catalog_key(context.asset_key)]
        assert isinstance(declared, Model | Contest)
        if isinstance(declared, Contest):
            return self.registry.load_champion(declared.domain, declared.name)
        return self.registry.load_newest(declared.domain, declared.contest, declared.name)


class ReportIOManager(dg.IOManager):
    """A Document, as an edition in `s2p-reports/` with its sources named."""

    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx

    def handle_output(self, context: dg.OutputContext, obj: Document) -> None:
        declared = self.ctx.catalog.by_key[catalog_key(context.asset_key)]
        assert isinstance(declared, Report)
        made_at = dt.datetime.now().astimezone()
        edition, document = publish_report(self.ctx, declared, obj, made_at)
        with use_locale(self.ctx.settings.locale):
            figures = [
                f"- {escaped(figure.label)}: **{escaped(format_figure(figure, self.ctx.settings.currency))}**"
                for figure in document.figures
            ]
        context.add_output_metadata(
            {
                "headline": document.headline,
                "picture": self._picture(edition),
                **self._links({"report": edition.html, "excel": edition.excel, "pdf": edition.pdf}),
                "data up to": f"{document.as_of:%d %B %Y}",
                "figures": dg.MetadataValue.md("\n".join(figures)),
                "path": dg.MetadataValue.path(edition.html),
                **report_columns(declared.domain, obj),
            }
        )

    def _picture(self, edition: Edition) -> dg.MetadataValue:
        """Shown in place; the picture itself would stand three times in Dagster's books at each renewal."""
        if edition.picture is None:
            return dg.MetadataValue.text("no picture")
        return dg.MetadataValue.md(f"![{escaped(edition.title)}]({page_address(self.ctx.settings, edition.picture)})")

    def _links(self, files: dict[str, Path]) -> dict[str, dg.MetadataValue]:
        """Links that open beside the Dagster UI; a browser follows no file:// link from there."""
        return {name: dg.MetadataValue.url(page_address(self.ctx.settings, file)) for name, file in files.items()}

    def load_input(self, context: dg.InputContext) -> None:
        raise NotImplementedError("a report is for people; assets are made from the tables under it")
