"""A dbt project in the graph: between s2p's tables and its reports, and left out with a reason where it is no good."""

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from typer.testing import CliRunner

from s2p_assets.catalog import dbt_shelf
from s2p_assets.catalog.dbt_shelf import is_dbt_installed, read_dbt_shelf, write_profile
from s2p_assets.catalog.kept_outline import outlined_catalog
from s2p_assets.catalog.loading import load_catalog
from s2p_assets.cli import main
from s2p_assets.definitions import Graph, build
from s2p_assets.graph.assets.dbt_assets import DOCS, profile_parts
from s2p_assets.services.context import dbt_shelf as shelf_of
from s2p_assets.services.dbt_sources import sources_text, write_sources
from s2p_assets.services.errors import NotFound
from s2p_assets.services.status import read_status
from s2p_assets.settings import Settings
from s2p_assets_tests.graph.test_sql_assets import LINES

pytestmark = pytest.mark.skipif(not is_dbt_installed(), reason="the extra dbt is not installed")

REPORT = '''"""The best article, by dbt."""

import pandas as pd

from s2p_assets import Code, Number, Row, column, table


class Best(Row):
    """An article."""

    article: Code = column(description="What was ordered")
    units: Number = column(description="Pieces")


@table(rows=Best, key=("article",), owner="ann@example.com")
def best(dbt__demand: pd.DataFrame) -> pd.DataFrame:
    """The article of which most was ordered."""
    return dbt__demand.nlargest(1, "units")[["article", "units"]]
'''
PROJECT = {
    "dbt_project.yml": "name: shop\nversion: '1.0'\nmodels: {+materialized: table}\n",
    "models/demand.sql": "select article, sum(units) as units from {{ source('acme', 'lines') }} group by article\n",
    "models/demand.yml": """version: 2
models:
  - name: demand
    description: Pieces by article, as dbt adds them up.
    columns:
      - {name: article, data_type: text, description: What was ordered, tests: [unique, not_null]}
      - {name: units, data_type: numeric, description: Pieces}
      - {name: whatever}
""",
}


@dataclass(frozen=True)
class Shop:
    """A home with shelves, and a dbt project beside."""

    folder: Path
    settings: Settings
    project: Path


@pytest.fixture(scope="module")
def shop(folder: Path) -> Iterator[Shop]:
    shelf, project = folder / "dbt_mixed" / "tables", folder / "warehouse_dbt"
    shelf.mkdir(parents=True)
    (shelf / "acme_lines.py").write_text(LINES, encoding="utf-8")
    (shelf / "acme_best.py").write_text(REPORT, encoding="utf-8")
    for name, text in PROJECT.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text, encoding="utf-8")
    sys.path.insert(0, str(folder))
    settings = Settings(home=folder / "home", shelves=("dbt_mixed",), dbt_project=project)
    settings.home.mkdir()
    write_sources(settings, load_catalog(("dbt_mixed",)), None)
    yield Shop(folder, settings, project)
    sys.path.remove(str(folder))


@pytest.fixture(scope="module")
def graph(shop: Shop) -> Graph:
    return build(shop.settings)


@pytest.fixture(scope="module")
def made(graph: Graph) -> Any:
    with dg.DagsterInstance.ephemeral() as instance:
        yield graph.definitions.resolve_implicit_global_asset_job_def().execute_in_process(instance=instance)


def test_a_model_stands_between_a_table_below_and_a_table_above(graph: Graph) -> None:
    assert graph.ctx.catalog.faults == ()
    nodes = graph.definitions.resolve_asset_graph()
    demand = nodes.get(dg.AssetKey(["dbt", "demand"]))
    assert [key.path for key in demand.parent_keys] == [["acme", "lines"]]
    assert {tuple(key.path) for key in demand.child_keys} == {("acme", "best"), tuple(DOCS.path)}
    assert "as dbt adds them up" in (demand.description or "")
    assert {key.name for key in demand.check_keys} == {"unique_demand_article", "not_null_demand_article"}


def test_one_run_makes_what_is_below_dbts_models_and_what_is_above(shop: Shop, graph: Graph, made: Any) -> None:
    assert made.success
    with graph.ctx.warehouse.connect() as connection:
        assert connection.execute("select article, units from dbt.demand order by 1").fetchall() == [
            ("a", 3.0),
            ("b", 5.0),
        ]
        assert connection.execute("select article, units from acme.best").fetchall() == [("b", 5.0)]
    checks = {one.check_name: one.passed for one in made.get_asset_check_evaluations()}
    assert checks["unique_demand_article"] is True
    (docs,) = [
        event.materialization for event in made.get_asset_materialization_events() if event.asset_key == DOCS
    ]
    assert Path(str(docs.metadata["path"].value)).stat().st_size > 1000
