"""A dbt project in the graph: between s2p's tables and its reports, and left out with a reason where it is no good."""

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import dagster as dg
import httpx
import pytest
import yaml
from typer.testing import CliRunner

from s2p_assets.catalog import dbt_shelf
from s2p_assets.catalog.dbt_shelf import is_dbt_installed, read_dbt_shelf, write_profile
from s2p_assets.catalog.kept_outline import outlined_catalog
from s2p_assets.catalog.loading import load_catalog
from s2p_assets.cli.app import app
from s2p_assets.contracts.sql_table import SqlTable
from s2p_assets.definitions import Graph, build
from s2p_assets.graph.assets.dbt_assets import DOCS, failed_line, profile_parts
from s2p_assets.services import access
from s2p_assets.services.context import dbt_shelf as shelf_of
from s2p_assets.services.dbt_sources import write_sources
from s2p_assets.services.errors import NotFound
from s2p_assets.services.lakehouse import export_tables
from s2p_assets.services.status import read_status
from s2p_assets.services.tables import TableQuestion, rows_of
from s2p_assets.services.trace import trace_number, trace_table
from s2p_assets.settings import Settings
from s2p_assets.warehouse.lakehouse.delta_tables import Lakehouse
from s2p_assets.warehouse.sql_tables.making import make_sql_table
from s2p_assets.warehouse.tables.row_query import QueryInvalid
from s2p_assets_tests.api.served import start
from s2p_assets_tests.free_ports import free_port
from s2p_assets_tests.graph.test_sql_assets import LINES

pytestmark = [
    pytest.mark.skipif(not is_dbt_installed(), reason="the extra dbt is not installed"),
    pytest.mark.filterwarnings("ignore:AssetExecutionContext:DeprecationWarning"),  # as dagster-dbt asks it
]

TABLE = '''"""The best article, by dbt."""

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
REPORT = '''"""What sold best, by dbt."""

import datetime as dt

import pandas as pd

from s2p_assets import Document, Figure, NumberSource, report


@report(title="Best sellers", owner="management@example.com")
def sellers(dbt__demand: pd.DataFrame) -> Document:
    """What sold best."""
    return Document(
        title="Best sellers",
        as_of=dt.date(2026, 3, 1),
        headline="Article b sold best.",
        figures=(
            Figure(
                "Pieces", float(dbt__demand["units"].sum()), "integer", sources=(NumberSource("dbt__demand.units", {}),)
            ),
        ),
        sections=(),
    )
'''
RANKED = """/*
description: The place of each article by what dbt adds up. One row per article.
owner: ann@example.com
key: article
columns:
  article: {type: Code, description: What was ordered, references: dbt__demand.article}
  place: {type: Integer, description: '1 for the one that sold best', ge: 1}
tests:
  nobody is left out: select article from dbt.demand except select article from ranked
*/
select article, rank() over (order by units desc) as place from dbt.demand
"""
SHARES = """/*
description: What dbt's view says, in part. One row per article.
owner: ann@example.com
key: article
columns:
  article: {type: Code, description: What was ordered}
  units: {type: Number, description: Pieces}
incremental: article
*/
select v.article, sum(v.units + d.units)::float8 as units
from dbt.lately v join dbt.demand d on d.article = v.article group by 1
"""
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
  - name: lately
    description: The same again, as a view, without a key.
    columns:
      - {name: article, data_type: text}
      - {name: units, data_type: double precision}
""",
    "models/lately.sql": "{{ config(materialized='view') }}\n"
    "select article, units::numeric as units from {{ source('acme', 'lines') }}\n",
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
    (shelf / "acme_best.py").write_text(TABLE, encoding="utf-8")
    (shelf / "acme_ranked.sql").write_text(RANKED, encoding="utf-8")
    (shelf / "acme_shares.sql").write_text(SHARES, encoding="utf-8")
    (shelf.parent / "reports").mkdir()
    (shelf.parent / "reports" / "acme_sellers.py").write_text(REPORT, encoding="utf-8")
    for name, text in PROJECT.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text, encoding="utf-8")
    sys.path.insert(0, str(folder))
    settings = Settings(home=folder / "home", shelves=("dbt_mixed",), dbt_project=project)
    settings.share.mkdir(parents=True)
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
    assert {tuple(key.path) for key in demand.child_keys} == {
        *(("acme", name) for name in ("best", "ranked", "sellers", "shares")),
        tuple(DOCS.path),
    }
    assert "as dbt adds them up" in (demand.description or "")
    assert {key.name for key in demand.check_keys} == {"unique_demand_article", "not_null_demand_article"}


def test_what_is_above_a_tested_model_is_asked_for_with_it(graph: Graph) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        asked = dg.evaluate_automation_conditions(graph.definitions, instance).results
    due = {one.key.to_user_string() for one in asked if not one.true_subset.is_empty}
    assert due >= {"acme/lines", "dbt/demand", "acme/best", "acme/sellers", DOCS.to_user_string()}


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
    (docs,) = [event.materialization for event in made.get_asset_materialization_events() if event.asset_key == DOCS]
    assert Path(str(docs.metadata["path"].value)).stat().st_size > 1000


def test_a_report_of_a_model_is_traced_to_the_rows_that_dbt_made(graph: Graph, made: Any) -> None:
    traced = trace_number(graph.ctx, "acme_sellers", "F1", most=None)
    (source,) = traced.under
    assert (source.count, source.total) == (2, 8.0)
    assert [row.under for row in source.rows] == [(), ()]


def test_sql_tables_are_made_of_what_dbt_makes(graph: Graph, made: Any) -> None:
    """Also in part where it can be told, and as a whole where dbt makes a view; traced to dbt's rows."""
    with graph.ctx.warehouse.connect() as connection:
        assert connection.execute("select * from acme.ranked order by place").fetchall() == [("b", 1), ("a", 2)]
        connection.execute("insert into acme.lines values ('4', 'b', 1)")
        shares = graph.ctx.catalog.tables["acme_shares"]
        assert isinstance(shares, SqlTable)
        again = make_sql_table(connection, shares)
        assert connection.execute("select * from acme.shares order by 1").fetchall() == [("a", 9.0), ("b", 16.0)]
        assert again.remade == "all 2 rows"
        connection.execute("delete from acme.lines where line = '4'")
        make_sql_table(connection, shares)
    found = trace_table(graph.ctx, "acme_ranked", {"article": "b"}, ("place",), most=None)
    assert {group.table for row in found.rows for group in row.under} == {"dbt.demand"}
    unknown = load_catalog(
        ("dbt_mixed",), None, dbt_shelf.DbtShelf({"dbt_lately": graph.ctx.catalog.dbt_models["dbt_lately"]})
    )
    (line,) = [str(one) for one in unknown.faults if "acme_ranked.sql" in str(one)]
    assert "acme_ranked.sql:11: needs 'dbt__demand', but no shelf holds dbt_demand" in line


@pytest.fixture(scope="module")
def dbt_door(shop: Shop, graph: Graph, made: Any) -> Iterator[httpx.Client]:
    """The screen and the API of the shop."""
    port = free_port()
    settings = {"HOME": shop.settings.home, "SHELVES": "dbt_mixed", "DBT_PROJECT": shop.project, "PORT": port}
    environment = os.environ | {f"S2P_{name}": str(value) for name, value in settings.items()}
    environment |= {"PYTHONPATH": str(shop.folder)}
    process = start(cast("Any", SimpleNamespace(folder=shop.folder, environment=environment)), port)
    token = access.add_token(graph.ctx, "an engineer", "engineer", groups=(), workbooks=(), days=1, created_by="tests")
    headers = {"Authorization": f"Bearer {token}"}
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=240) as client:
            yield client
    finally:
        process.terminate()
        process.wait(30)


def test_models_are_tables_on_the_screen_and_of_the_api(dbt_door: httpx.Client) -> None:
    listed = dbt_door.get("/tables").text
    assert "Made by dbt" in listed
    assert "Pieces by article, as dbt adds them up." in listed
    assert "2 rows, changed" in " ".join(listed.split())
    assert dbt_door.get("/tables/dbt_demand").status_code == 200
    page = dbt_door.get("/tables/dbt_demand/rows", params={"sort": "-units"}).json()
    assert [row["article"] for row in page["rows"]] == ["b", "a"]
    assert dbt_door.get("/tables/dbt_demand/row", params={"article": "a"}).status_code == 200
    cell = dbt_door.get("/tables/dbt_demand/cell", params={"article": "a", "column": "units"})
    assert (cell.status_code, "Pieces" in cell.text) == (200, True)
    described = dbt_door.get("/api/v1/tables/dbt_demand").json()
    assert (described["kind"], described["key"], described["made_from"]) == ("dbt", ["article"], ["acme_lines"])
    assert "/api/v1/tables/dbt_demand/rows" in dbt_door.get("/api/openapi.json").json()["paths"]
    as_of = dbt_door.get("/api/v1/tables/dbt_demand/rows", params={"as_of": "2026-01-01"})
    assert as_of.status_code == 404


def test_a_model_without_a_key_is_read_page_by_page_and_no_row_is_lost(dbt_door: httpx.Client) -> None:
    rows, cursor = [], ""
    while True:
        page = dbt_door.get("/api/v1/tables/dbt_lately/rows", params={"limit": 1, "cursor": cursor}).json()
        rows += page["rows"]
        cursor = page["next"]
        if not cursor:
            break
    assert [(row["article"], row["units"]) for row in rows] == [("a", 1), ("a", 2), ("b", 5)]


def test_a_number_that_stands_on_a_model_is_followed_on_the_screen(dbt_door: httpx.Client, graph: Graph) -> None:
    traced = trace_number(graph.ctx, "acme_sellers", "F1", most=None)
    shown = dbt_door.get(f"/reports/acme-sellers/numbers/{traced.edition}/F1")
    assert (shown.status_code, "Pieces: 2 rows, in all 8" in shown.text) == (200, True)
    told = dbt_door.get("/api/v1/tables/acme_ranked/trace", params={"article": "b"}).json()
    assert told["rows"][0]["under"][0]["table"] == "dbt.demand"


def test_models_are_read_at_a_terminal_and_as_they_stand_only(
    shop: Shop, made: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in {"HOME": shop.settings.home, "SHELVES": "dbt_mixed", "DBT_PROJECT": shop.project}.items():
        monkeypatch.setenv(f"S2P_{name}", str(value))
    shown = CliRunner().invoke(app, ["table", "dbt.demand", "--where", "article=b", "--json"])
    assert json.loads(shown.output)["rows"] == [{"article": "b", "units": 5}]
    written = CliRunner().invoke(app, ["table", "dbt_lately", "--to", str(tmp_path / "lately.csv")])
    assert (written.exit_code, len((tmp_path / "lately.csv").read_text().splitlines())) == (0, 4)
    for words in (
        ["table", "dbt_demand", "--as-of", "2026-01-01"],
        ["diff", "dbt_demand", "--from", "2026-01-01", "--to", "2026-01-02"],
    ):
        refused = CliRunner().invoke(app, words)
        assert isinstance(refused.exception, NotFound), refused.output


def test_models_are_in_the_lakehouse_and_written_again_only_when_dbt_made_others(
    graph: Graph, made: Any, tmp_path: Path
) -> None:
    lake = Lakehouse(str(tmp_path / "lake"))
    first = export_tables(graph.ctx, lake)
    assert {"dbt_demand", "dbt_lately"} <= first.tables.keys()
    assert lake.read_bucket("dbt", "lately", 0, 0, ("article", "units")).num_rows == 3
    with graph.ctx.warehouse.connect() as connection:
        connection.execute("update dbt.demand set units = 6 where article = 'b'")
    again = export_tables(graph.ctx, lake)
    assert again.tables.keys() == {"dbt_demand"}
    with graph.ctx.warehouse.connect() as connection:
        connection.execute("update dbt.demand set units = 5 where article = 'b'")


def test_a_model_whose_values_are_not_of_the_declared_type_is_one_line(graph: Graph, made: Any) -> None:
    model = graph.ctx.catalog.dbt_models["dbt_demand"]
    wrong = replace(model, columns=(replace(model.columns[0], kind="integer"),))
    with pytest.raises(QueryInvalid, match="dbt_demand cannot be read as it is declared: invalid input syntax"):
        rows_of(graph.ctx, wrong, TableQuestion())


def test_what_dbt_reaches_the_database_by_is_in_the_home_and_for_one_user(shop: Shop, made: Any) -> None:
    profile = shop.settings.dbt_folder / "profiles.yml"
    assert profile.stat().st_mode & 0o777 == 0o600
    assert {one.name for one in shop.project.iterdir()} == {"dbt_project.yml", "models"}, "dbt writes to the home"


def test_what_dbt_failed_at_is_told_in_one_line(tmp_path: Path) -> None:
    said = "The dbt CLI process failed.\n\nErrors parsed from dbt logs:\n\nin test unique (models/demand.yml)\n  Got 2"
    line = failed_line(said, tmp_path)
    assert line.startswith(
        "dbt failed, and what is above it is not made: in test unique (models/demand.yml) Got 2; all"
    )


def test_a_password_is_taken_by_dbt_as_it_stands(tmp_path: Path) -> None:
    from dbt.config.renderer import ProfileRenderer

    write_profile(tmp_path / "profiles.yml", profile_parts("postgresql://ann:a%7B%7Bb%25@db.example.com:6543/company"))
    (output,) = yaml.safe_load((tmp_path / "profiles.yml").read_text())["s2p"]["outputs"].values()
    rendered = ProfileRenderer({}).render_data(output)
    assert (rendered["password"], rendered["host"], rendered["port"]) == ("a{{b%", "db.example.com", 6543)


def test_what_dbt_said_is_kept_until_a_file_of_the_project_changes(shop: Shop, graph: Graph) -> None:
    parsed = shop.settings.dbt_folder / "parsed.json"
    before = parsed.stat().st_mtime_ns
    asked = outlined_catalog(("dbt_mixed",), None, shop.settings.cache, shelf_of(shop.settings))
    assert asked.dbt_models == graph.ctx.catalog.dbt_models
    assert parsed.stat().st_mtime_ns == before


def test_a_place_without_a_project_and_a_missing_extra_are_told(
    tmp_path: Path, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert read_dbt_shelf(None, tmp_path) is dbt_shelf.NO_DBT
    assert "no dbt_project.yml in it; correct S2P_DBT_PROJECT" in str(read_dbt_shelf(tmp_path, tmp_path).fault)
    monkeypatch.setattr(sys, "path", [one for one in sys.path if "site-packages" not in one])
    assert "install s2p-assets[dbt]" in str(read_dbt_shelf(shop.project, tmp_path).fault)


def test_a_model_that_would_write_over_a_table_of_ours_is_told(graph: Graph) -> None:
    model = graph.ctx.catalog.dbt_models["dbt_demand"]
    over = dbt_shelf.DbtShelf({"acme_lines": replace(model, domain="acme", name="lines")})
    read = load_catalog(("dbt_mixed",), None, over)
    assert "would write over acme.lines" in " ".join(map(str, read.faults))
    assert read.dbt_models == {}


def test_a_shelf_that_needs_a_model_without_typed_columns_is_told(graph: Graph) -> None:
    model = graph.ctx.catalog.dbt_models["dbt_demand"]
    assert model.key == ("article",)
    assert [(one.name, one.kind) for one in model.columns] == [("article", "text"), ("units", "money")]
    untyped = dbt_shelf.DbtShelf({"dbt_demand": replace(model, columns=())})
    said = [str(fault) for fault in load_catalog(("dbt_mixed",), None, untyped).faults]
    assert any("acme_best.py" in one and "no yml tells name and data_type" in one for one in said)


def test_sources_name_every_table_and_type_and_leave_others_files_alone(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = yaml.safe_load((shop.project / "models" / "sources.yml").read_text())["sources"]
    tables = {(one["schema"], table["name"]): table for one in sources for table in one["tables"]}
    assert [(one["name"], one["data_type"]) for one in tables["acme", "lines"]["columns"]] == [
        ("line", "text"),
        ("article", "text"),
        ("units", "double precision"),
    ]
    theirs = tmp_path / "theirs.yml"
    theirs.write_text("version: 2\n")
    with pytest.raises(NotFound, match="written by somebody else"):
        write_sources(shop.settings, load_catalog(("dbt_mixed",)), theirs)
    with pytest.raises(NotFound, match="set S2P_DBT_PROJECT"):
        write_sources(Settings(home=tmp_path), load_catalog(("dbt_mixed",)), None)
    for name, value in {"HOME": shop.settings.home, "SHELVES": "dbt_mixed", "DBT_PROJECT": shop.project}.items():
        monkeypatch.setenv(f"S2P_{name}", str(value))
    done = CliRunner().invoke(app, ["dbt", "sources", "--to", str(tmp_path / "ours.yml"), "--json"])
    assert json.loads(done.output) == {"file": str(tmp_path / "ours.yml"), "written": True}


def test_a_project_that_does_not_compile_is_left_out_with_its_message(shop: Shop, made: Any) -> None:
    broken = shop.project / "models" / "broken.sql"
    broken.write_text("select * from {{ ref('nowhere') }}\n", encoding="utf-8")
    try:
        again = build(shop.settings)
        faults = read_status(again.ctx)["faults"]
        keys = again.definitions.resolve_asset_graph().get_all_asset_keys()
    finally:
        broken.unlink()
    says = "left out: Compilation Error Model 'model.shop.broken' (models/broken.sql) depends on a node named 'nowhere'"
    assert [one for one in faults if str(shop.project) in one and says in one]
    assert [one for one in faults if "acme_best.py" in one and "no shelf holds dbt_demand" in one]
    assert dg.AssetKey(["acme", "lines"]) in keys
    assert not [key for key in keys if key.path[0] == "dbt"]
