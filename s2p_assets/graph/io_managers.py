"""Where each kind of asset's value is kept: one typed IO manager each for sheets, tables, features, models, reports.

They move values; DDL, COPY, rendering and the registry's files are the tools' work.
"""

import base64
import datetime as dt
from pathlib import Path

import dagster as dg
import pandas as pd

from s2p_assets.graph.house import House
from s2p_assets.graph.metadata import escaped, report_columns
from s2p_assets.graph.published import publish_report
from s2p_assets.graph.report_pages import page_address
from s2p_assets.graph.resources import Warehouse
from s2p_assets.graph.taken import Intake
from s2p_assets.learning import registry
from s2p_assets.learning.feature_set import FeatureSet
from s2p_assets.learning.versions import Champion, ModelVersion
from s2p_assets.publishing.report import Document, Report
from s2p_assets.publishing.wording import figure_value, written_for
from s2p_assets.settings import Settings
from s2p_assets.spreadsheet.contract import Workbook
from s2p_assets.warehouse import store
from s2p_assets.warehouse.table import Table


class SheetIOManager(dg.IOManager):
    """An Intake, as Arrow and JSON files in `S2P_HOME/sheets`, until its table has taken it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def handle_output(self, context: dg.OutputContext, obj: Intake) -> None:
        obj.write(self._place(context.asset_key))

    def load_input(self, context: dg.InputContext) -> Intake:
        return Intake.read(self._place(context.asset_key))

    def _place(self, key: dg.AssetKey) -> Path:
        return self.folder.joinpath(*key.path)


class TableIOManager(dg.IOManager):
    """A frame, as a PostgreSQL table whose content is replaced as a whole; also reads workbook tables."""

    def __init__(self, house: House, warehouse: Warehouse) -> None:
        self.house, self.warehouse = house, warehouse

    def handle_output(self, context: dg.OutputContext, obj: pd.DataFrame) -> None:
        declared = self.house.by_key[context.asset_key]
        assert isinstance(declared, Table | FeatureSet)
        with self.warehouse.connect() as connection:
            stored = store.replace(connection, declared, obj)
        context.add_output_metadata({"written": stored.changed})

    def load_input(self, context: dg.InputContext) -> pd.DataFrame:
        declared = self.house.by_key[context.asset_key]
        assert isinstance(declared, Workbook | Table | FeatureSet)
        with self.warehouse.connect() as connection:
            return store.read(connection, declared.domain, declared.thing, declared.columns)


class FeatureIOManager(TableIOManager):
    """A feature set: a table by entity and event time."""


class ModelIOManager(dg.IOManager):
    """A trained version or a crowned champion, as plain files in the registry; nothing is unpickled."""

    def __init__(self, folder: Path, shelves: tuple[str, ...]) -> None:
        self.folder, self.packages = folder, (*registry.PACKAGES, *shelves)

    def handle_output(self, context: dg.OutputContext, obj: ModelVersion | Champion) -> None:
        registry.save(self.folder, obj)

    def load_input(self, context: dg.InputContext) -> ModelVersion | Champion:
        domain, thing = context.asset_key.path
        return registry.load(self.folder, domain, thing, packages=self.packages)


class ReportIOManager(dg.IOManager):
    """A Document, as an edition in `s2p-reports/` with its sources named."""

    def __init__(self, house: House, warehouse: Warehouse, settings: Settings) -> None:
        self.house, self.warehouse, self.settings = house, warehouse, settings

    def handle_output(self, context: dg.OutputContext, obj: Document) -> None:
        declared = self.house.by_key[context.asset_key]
        assert isinstance(declared, Report)
        made_at = dt.datetime.now().astimezone()
        edition = publish_report(self.settings, self.house, self.warehouse, declared, obj, made_at)
        with written_for(self.settings.locale):
            figures = [
                f"- {escaped(figure.label)}: **{escaped(figure_value(figure, self.settings.currency))}**"
                for figure in obj.figures
            ]
        context.add_output_metadata(
            {
                "figures": dg.MetadataValue.md("\n".join(figures)),
                "picture": picture(edition.picture),
                "path": dg.MetadataValue.path(edition.html),
                **self._links({"report": edition.html, "excel": edition.excel, "pdf": edition.pdf}),
                **report_columns(declared.domain, obj),
            }
        )

    def _links(self, files: dict[str, Path]) -> dict[str, dg.MetadataValue]:
        """Links that open beside the Dagster UI; a browser follows no file:// link from there."""
        addresses = {name: page_address(self.settings, file) for name, file in files.items()}
        return {name: dg.MetadataValue.url(address) for name, address in addresses.items() if address}

    def load_input(self, context: dg.InputContext) -> None:
        raise NotImplementedError("a report is for people; assets are made from the tables under it")


def picture(file: Path | None) -> dg.MetadataValue:
    """A picture that the Dagster UI shows in place, without asking another server for it."""
    if file is None:
        return dg.MetadataValue.text("no picture")
    encoded = base64.b64encode(file.read_bytes()).decode()
    return dg.MetadataValue.md(f"![{file.stem}](data:image/png;base64,{encoded})")
