"""SQL tables in the graph: between tables of Python, with their columns' lineage, and what is told when one fails."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest

from s2p_assets.catalog.catalog import Key
from s2p_assets.catalog.loading import load_catalog
from s2p_assets.catalog.outline import catalog_of, declared_facts, outline_of
from s2p_assets.definitions import build
from s2p_assets.services.trace import trace_table
from s2p_assets.settings import Settings

LINES = '''"""Lines of orders."""

import pandas as pd

from s2p_assets import Code, Number, Row, column, table


class Line(Row):
    """A line."""

    line: Code = column(description="Its number")
    article: Code = column(description="What was ordered")
    units: Number = column(description="Pieces")


@table(rows=Line, key=("line",), owner="ann@example.com")
def lines() -> pd.DataFrame:
    """Lines of orders. One row per line."""
    return pd.DataFrame({"line": ["1", "2", "3"], "article": ["a", "a", "b"], "units": [1.0, 2.0, 5.0]})
'''
DEMAND = """/*
description: Pieces by article. One row per article.
owner: ann@example.com
key: article
columns:
  article: {type: Code, description: What was ordered}
  units: {type: Number, description: Pieces, ge: 0}
*/
select article, sum(units) as units from lines group by article
"""
BEST = '''"""The best article."""

import pandas as pd

from s2p_assets import Code, Number, Row, column, same_key, table


class Best(Row):
    """An article."""

    article: Code = column(description="What was ordered", derived_from="demand.article")
    units: Number = column(description="Pieces", derived_from="demand.units")


@table(rows=Best, key=("article",), owner="ann@example.com", lineage={"demand": same_key("article")})
def best(demand: pd.DataFrame) -> pd.DataFrame:
    """The article of which most was ordered."""
    return demand.nlargest(1, "units")
'''


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "mixed" / "tables"
    folder.mkdir(parents=True)
    for name, text in {"lines.py": LINES, "demand.sql": DEMAND, "best.py": BEST}.items():
        (folder / f"acme_{name}").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    for name in [name for name in sys.modules if name.partition(".")[0] == "mixed"]:
        del sys.modules[name]


def test_tables_of_sql_and_python_are_made_of_each_other(
    conn: psycopg.Connection, empty_database_url: str, shelf: Path, tmp_path: Path
) -> None:
    settings = Settings(home=tmp_path, database_url=empty_database_url, shelves=("mixed",))
    graph = build(settings)
    assert graph.ctx.catalog.faults == ()
    with dg.DagsterInstance.ephemeral() as instance:
        job = graph.definitions.resolve_implicit_global_asset_job_def()
        result = job.execute_in_process(instance=instance)
        (made,) = result.asset_materializations_for_node("acme__demand")
        lineage: Any = made.metadata["dagster/column_lineage"].value
        assert [(dep.asset_key.path, dep.column_name) for dep in lineage.deps_by_column["units"]] == [
            (["acme", "lines"], "units")
        ]
        assert made.metadata["dagster/row_count"].value == 2
        assert conn.execute("select article, units from acme.best").fetchall() == [("b", 5.0)]
        traced = trace_table(graph.ctx, "acme_best", {"article": "b"}, ("units",), most=None)
        (line,) = traced.rows[0].under[0].rows[0].under[0].rows
        assert line.key == {"line": "3"}
        (shelf / "acme_demand.sql").write_text(DEMAND.replace("ge: 0", "ge: 4"), encoding="utf-8")
        failed = (
            build(settings)
            .definitions.resolve_implicit_global_asset_job_def()
            .execute_in_process(instance=instance, raise_on_error=False)
        )
        said = [str(event.step_failure_data.error) for event in failed.all_events if event.is_step_failure]
        assert any("acme_demand.sql: units: ge 4 is broken by 1 rows, as by '3'" in one for one in said)
        assert conn.execute("select count(*) from acme.demand").fetchone() == (2,)


def test_the_outline_says_of_a_sql_table_what_its_file_does(shelf: Path) -> None:
    read = load_catalog(("mixed",))
    kept = catalog_of(outline_of(read))
    assert declared_facts(kept.tables["acme_demand"]) == declared_facts(read.tables["acme_demand"])
    assert kept.inputs_of(kept.tables["acme_demand"]) == {"lines": Key("acme", "lines")}
    assert kept.tables["acme_demand"].code_version == read.tables["acme_demand"].code_version


def test_files_that_go_in_a_ring_or_stand_for_nothing_are_faults(shelf: Path) -> None:
    (shelf / "acme_lines.py").unlink()
    text = DEMAND.replace("from lines", "from demand")
    (shelf / "acme_lines.sql").write_text(text.replace("by article\n", "by article, 'x'\n"), encoding="utf-8")
    (shelf / "acme_lost.yml").write_text("owner: x\n", encoding="utf-8")
    (shelf / "acme_demand.py").write_text(LINES, encoding="utf-8")
    faults = {fault.file.name: str(fault) for fault in load_catalog(("mixed",)).faults}
    assert "it describes a table, and there is no acme_lost.sql beside it" in faults["acme_lost.yml"]
    assert "acme_demand is declared twice; rename one of the files" in faults["acme_demand.sql"]
    (shelf / "acme_demand.py").unlink()
    messages = [str(fault) for fault in load_catalog(("mixed",)).faults]
    assert any("it is made of itself: acme_" in message and "acme_demand" in message for message in messages)
