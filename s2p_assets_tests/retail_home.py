"""The sample company in a home of its own, its share processed to the last report, for tests of the whole house.

What it is put through belongs to the tests.
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from psycopg import sql

from s2p_assets.definitions import Graph, build
from s2p_assets.graph.headless import process
from s2p_assets.samples import retail_share
from s2p_assets.settings import Settings
from s2p_assets.warehouse import store
from s2p_assets.warehouse.connection import connect

UNTIL = dt.date(2026, 3, 31)


@dataclass
class Company:
    """One installation: its settings, its graph, and how to run it."""

    settings: Settings
    graph: Graph

    def run(self) -> dict[str, Any]:
        graph = build(self.settings)
        status = process(self.settings, graph.definitions, graph.house, graph.warehouse, lambda _: None)
        assert status["failures"] == []
        return status

    def made(self) -> list[str]:
        """The assets that one more pass makes."""
        return sorted(asset for run in self.run()["runs"] for asset in run["assets"])

    def units(self, thing: str) -> float:
        with self.graph.warehouse.connect() as connection:
            columns = self.graph.house.workbooks[f"retail_{thing}"].columns
            return float(store.read(connection, "retail", thing, columns)["quantity"].sum())


def emptied(database_url: str) -> str:
    """The same address, with nothing left in its database of the tests before."""
    with connect(database_url) as conn:
        found = conn.execute("select nspname from pg_namespace where nspname !~ '^(pg_|information_schema)'").fetchall()
        for (schema,) in found:
            conn.execute(sql.SQL("drop schema {} cascade").format(sql.Identifier(schema)))
        conn.execute("create schema public")
    return database_url


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory, database_url: str) -> Iterator[Company]:
    """A company whose sample share has been processed once."""
    home = tmp_path_factory.mktemp("company")
    settings = Settings(home=home, share=home / "share", database_url=emptied(database_url))
    list(retail_share.write_share(settings.share, until=UNTIL, skus=20))
    with pytest.MonkeyPatch.context() as patch:
        for name in ("S2P_HOME", "S2P_SHARE", "S2P_RESULTS", "S2P_DATABASE_URL", "DAGSTER_HOME"):
            patch.setenv(name, "")
        company = Company(settings, build(settings))
        company.run()
        yield company


def sales(file: Path, quantity: int, sku: str = "") -> Path:
    """A small retail sales workbook for the last week of the sample."""
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.append(["SKU", "Quantity", "From date", "To date"])
    sheet.append([sku or "NEW-0001", quantity, dt.date(2026, 3, 23), dt.date(2026, 3, 29)])
    file.parent.mkdir(parents=True, exist_ok=True)
    book.save(file)
    return file
