"""Promises of the shards: one run makes all, a run of one makes its own, and together they are the same table."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import psycopg
import pytest

from s2p_assets.contracts.validation import conform
from s2p_assets.definitions import Graph, build
from s2p_assets.graph.assets.shards import shard_names, whole_range
from s2p_assets.learning.parallel import shard_of
from s2p_assets.settings import Settings
from s2p_assets.tables.retail_demand import Demand, demand
from s2p_assets.tables.retail_products import products
from s2p_assets.warehouse.tables import store
from s2p_assets_tests.learning.histories import seasonal
from s2p_assets_tests.shelves.test_retail_features import products_of

FEATURES = dg.AssetKey(["retail", "demand_features"])
SHARDS = 4


@pytest.fixture
def graph(conn: psycopg.Connection, empty_database_url: str, tmp_path: Path) -> Graph:
    """The retail graph in four shards, whose demand and products are stored."""
    rows = seasonal(12, 60)
    full = rows.assign(
        retail_units=rows["units"],
        wholesale_units=0.0,
        revenue=0.0,
        completed_units=0.0,
        one_off=False,
        undelivered=False,
    )
    listed = products_of(rows).assign(asin=None, msrp=5.0, valid_to=None)
    store.replace_table(conn, demand, conform(full.reindex(columns=[column.name for column in demand.columns]), Demand))
    store.replace_table(conn, products, listed[[column.name for column in products.columns]])
    return build(Settings(home=tmp_path, database_url=empty_database_url, shards=SHARDS))


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as opened:
        yield opened


def run(graph: Graph, instance: dg.DagsterInstance, **options: Any) -> dg.ExecuteInProcessResult:
    job = graph.definitions.resolve_implicit_global_asset_job_def()
    return job.execute_in_process(instance=instance, asset_selection=[FEATURES], **options)


def stored(graph: Graph) -> pd.DataFrame:
    features = graph.ctx.catalog.features["retail_demand_features"]
    with graph.ctx.warehouse.connect() as connection:
        return store.read_rows(connection, "retail", "demand_features", features.columns, order=("sku", "week"))


def version(graph: Graph) -> str | None:
    with graph.ctx.warehouse.connect() as connection:
        return store.stored_version(connection, "retail", "demand_features")


def test_one_run_makes_every_shard_and_runs_of_one_make_the_same_table(
    graph: Graph, instance: dg.DagsterInstance
) -> None:
    assert run(graph, instance, tags=whole_range(graph.definitions, [FEATURES])).success
    whole, at = stored(graph), version(graph)
    assert whole["sku"].nunique() == 12
    assert set(instance.get_materialized_partitions(FEATURES)) == set(shard_names(SHARDS))
    with graph.ctx.warehouse.connect() as connection:
        connection.execute("update retail.demand_features set units = units + 1")
        connection.execute("delete from s2p.contents where table_name = 'demand_features'")
    for name in shard_names(SHARDS):
        assert run(graph, instance, partition_key=name).success
    pd.testing.assert_frame_equal(stored(graph), whole)
    assert version(graph) == at


def test_a_run_of_one_shard_touches_its_skus_alone(graph: Graph, instance: dg.DagsterInstance) -> None:
    assert run(graph, instance, tags=whole_range(graph.definitions, [FEATURES])).success
    with graph.ctx.warehouse.connect() as connection:
        connection.execute("update retail.demand set units = units + 5")
    before = stored(graph)
    assert run(graph, instance, partition_key="2").success
    after = stored(graph)
    mine = pd.Series(shard_of(after["sku"].tolist(), SHARDS) == 2)
    assert 0 < mine.sum() < len(mine)
    pd.testing.assert_frame_equal(after[~mine], before[~mine])
    sold = mine & after["units"].notna()
    assert (after.loc[sold, "units"] == before.loc[sold, "units"] + 5).all()


def test_without_the_setting_nothing_is_partitioned(tmp_path: Path) -> None:
    plain = build(Settings(home=tmp_path)).definitions.resolve_asset_graph()
    assert plain.get(FEATURES).partitions_def is None


def test_a_pod_each_is_a_run_each(tmp_path: Path) -> None:
    for pod_each, policy in ((False, dg.BackfillPolicy.single_run()), (True, dg.BackfillPolicy.multi_run(1))):
        graph = build(Settings(home=tmp_path, shards=64, pod_per_shard=pod_each)).definitions.resolve_asset_graph()
        assert graph.get(FEATURES).backfill_policy == policy
