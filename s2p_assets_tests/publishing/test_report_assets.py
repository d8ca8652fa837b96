"""The asset of a report: links that open beside the Dagster UI, and lineage from each number to workbook columns."""

import http.client
import socket
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pandas as pd
import pytest

from s2p_assets.contracts.report import Document, Figure, NumberSource, ReportColumn, RowValue, Section
from s2p_assets.graph.assets.metadata import report_columns
from s2p_assets.graph.running.report_pages import page_address, serving_reports
from s2p_assets.settings import Settings
from s2p_assets_tests.publishing.test_publishing import AS_OF


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    """Its reports are served."""
    given = Settings(home=tmp_path / "home", share=tmp_path / "share", reports_port=free_port())
    edition = given.reports / "shop-outlook" / "2026-11-15"
    edition.mkdir(parents=True)
    (edition / "Outlook 2026-11-15.html").write_text("the report")
    (edition / "edition.json").write_text("{}")
    (given.reports / "index.html").write_text("all reports")
    (given.share / "Secret.html").write_text("not a report")
    (edition / "out.html").symlink_to(given.share / "Secret.html")
    with serving_reports(given) as served:
        assert served
        yield given


def ask(settings: Settings, path: str, method: str = "GET", host: str | None = None) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", settings.reports_port, timeout=10)
    headers = {} if host is None else {"Host": host}
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def test_the_link_of_a_report_opens_it(settings: Settings) -> None:
    address = page_address(settings, settings.reports / "shop-outlook/2026-11-15/Outlook 2026-11-15.html")
    assert address == (f"http://127.0.0.1:{settings.reports_port}/shop-outlook/2026-11-15/Outlook%202026-11-15.html")
    assert ask(settings, address.partition(str(settings.reports_port))[2]) == (200, "the report")
    assert ask(settings, "/") == (200, "all reports")


@pytest.mark.parametrize(
    "path",
    [
        "/../Secret.html",
        "/%2e%2e/Secret.html",
        "/shop-outlook/2026-11-15/out.html",
        "/shop-outlook/2026-11-15/edition.json",
        "/shop-outlook/",
        "//etc/passwd",
    ],
)
def test_nothing_but_reports_is_served(settings: Settings, path: str) -> None:
    assert ask(settings, path)[0] == 404


def test_nobody_writes_and_no_page_of_elsewhere_reads(settings: Settings) -> None:
    assert ask(settings, "/index.html", "PUT")[0] == 501
    assert ask(settings, "/index.html", "POST")[0] == 501
    assert ask(settings, "/index.html", host="elsewhere.example:80")[0] == 403


def test_a_port_that_is_taken_stops_nothing(settings: Settings) -> None:
    with serving_reports(settings) as served:
        assert not served
    assert page_address(settings.model_copy(update={"reports_port": 0}), settings.reports / "index.html") is None


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
