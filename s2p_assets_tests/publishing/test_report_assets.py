"""The asset of a report: links that open beside the Dagster UI, and lineage from each number to workbook columns."""

from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import pytest

from s2p_assets.contracts.report import Document, Figure, NumberSource, ReportColumn, RowValue, Section
from s2p_assets.graph.assets.metadata import report_columns
from s2p_assets.graph.running.report_pages import page_address
from s2p_assets.settings import Settings
from s2p_assets_tests.publishing.test_publishing import AS_OF


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ({}, "http://127.0.0.1:3000"),
        ({"host": "::1", "port": 80}, "http://[::1]:80"),
        ({"public_url": "https://s2p.example.com/"}, "https://s2p.example.com"),
    ],
)
def test_the_link_of_a_report_leads_to_the_door(tmp_path: Path, given: dict[str, Any], address: str) -> None:
    settings = Settings(home=tmp_path / "home", **given)
    file = settings.reports / "shop-outlook/2026-11-15/Outlook 2026-11-15.html"
    assert page_address(settings, file) == f"{address}/reports/shop-outlook/2026-11-15/Outlook%202026-11-15.html"


def test_every_number_of_a_report_leads_to_the_columns_that_it_is_made_from() -> None:
    frame = pd.DataFrame({"shop": ["a", "b"], "column": ["till.units", "web__orders.quantity"], "units": [1, 2]})
    columns = (
        ReportColumn("shop", "Shop"),
        ReportColumn(
            "units", "Units", "integer", sources=(NumberSource(RowValue("column"), {"shop": RowValue("shop")}),)
        ),
    )
    document = Document(
        title="Outlook",
        as_of=AS_OF,
        headline="",
        figures=(
            Figure("Sold", 3, "integer", sources=(NumberSource("sales.units"), NumberSource("sales.price"))),
            Figure("Shops", 2),
        ),
        sections=(Section("By shop", "", frame, columns),),
    )
    said = report_columns("acme", document)
    lineage = {
        name: sorted((dep.asset_key.to_user_string(), dep.column_name) for dep in deps)
        for name, deps in said["dagster/column_lineage"].deps_by_column.items()
    }
    assert lineage == {
        "F1 Sold": [("acme/sales", "price"), ("acme/sales", "units")],
        "T1.*.2 By shop, Units": [("acme/till", "units"), ("web/orders", "quantity")],
    }
    names = [column.name for column in said["dagster/column_schema"].columns]
    assert names == ["F1 Sold", "F2 Shops", "T1.*.1 By shop, Shop", "T1.*.2 By shop, Units"]
    assert dg.MetadataValue.table_schema(said["dagster/column_schema"])
