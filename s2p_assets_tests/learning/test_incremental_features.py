"""Promises of features made again: of the changed entity alone, and the same to the last bit as making all of them."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import psycopg
import pytest

from s2p_assets.contracts.feature_set import FeatureSet
from s2p_assets.contracts.validation import conform
from s2p_assets.definitions import build
from s2p_assets.features.retail_demand_features import demand_features
from s2p_assets.learning.incremental_features import BuiltFeatures, PreviousFeatures, build_features, entity_hashes
from s2p_assets.services.features import build_or_reuse_features, recomputed_metadata
from s2p_assets.settings import Settings
from s2p_assets.warehouse.tables import store
from s2p_assets.warehouse.tables.content_versions import content_version
from s2p_assets.warehouse.tables.entity_hashes import stored_entity_hashes
from s2p_assets.warehouse.warehouse import Warehouse
from s2p_assets_tests.learning.histories import odd, seasonal
from s2p_assets_tests.shelves.test_retail_features import products_of

Inputs = dict[str, pd.DataFrame]


def company(skus: int = 12) -> Inputs:
    demand = pd.concat([seasonal(skus, 80), odd()], ignore_index=True).astype({"sku": "string[pyarrow]"})
    return {"demand": demand, "products": products_of(demand)}


def counting(asked: list[str]) -> FeatureSet:
    """The retail feature set, writing down each SKU that it makes features of."""

    def counted(demand: pd.DataFrame, products: pd.DataFrame) -> pd.DataFrame:
        asked.extend(demand["sku"].unique())
        return demand_features.build(demand, products)

    counted.__module__ = demand_features.build.__module__
    return replace(demand_features, build=counted)


def typed(frame: pd.DataFrame) -> pd.DataFrame:
    return conform(frame, demand_features.rows)


def made(inputs: Inputs, before: BuiltFeatures | None = None, asked: list[str] | None = None) -> BuiltFeatures:
    known = PreviousFeatures(before.frame, before.hashes) if before else None
    return build_features(counting([] if asked is None else asked), inputs, known, typed)


def changed(inputs: Inputs, sku: str, **values: Any) -> Inputs:
    """A column of one SKU with other values in four of its weeks."""
    demand = inputs["demand"].copy()
    rows = demand.index[demand["sku"] == sku][-20:-16]
    for column, value in values.items():
        demand.loc[rows, column] = value
    return inputs | {"demand": demand}


def test_one_changed_sku_is_made_again_alone_and_the_result_is_the_same_to_the_last_bit() -> None:
    inputs = company()
    for sku, values in (("004", {"units": 77.0}), ("good", {"censored": True}), ("free", {"unit_price": 3.0})):
        asked: list[str] = []
        after = changed(inputs, sku, **values)
        partly = made(after, made(inputs), asked)
        assert asked == [sku]
        assert partly.made == (sku,)
        pd.testing.assert_frame_equal(partly.frame, made(after).frame, check_exact=True)


def test_a_changed_price_list_line_makes_its_sku_again() -> None:
    inputs, asked = company(), list[str]()
    products = inputs["products"].assign(
        category=inputs["products"]["category"].where(lambda _: np.arange(19) != 3, "X")
    )
    after = inputs | {"products": products}
    partly = made(after, made(inputs), asked)
    assert asked == [products["sku"][3]]
    pd.testing.assert_frame_equal(partly.frame, made(after).frame, check_exact=True)


def test_nothing_changed_makes_nothing_again_whatever_the_order_of_rows() -> None:
    inputs, asked = company(), list[str]()
    shuffled = {name: rows.sample(frac=1, random_state=1).reset_index(drop=True) for name, rows in inputs.items()}
    before = made(inputs)
    pd.testing.assert_frame_equal(made(shuffled, before, asked).frame, before.frame, check_exact=True)
    assert asked == []


def test_a_new_sku_is_made_beside_the_others() -> None:
    inputs, asked = company(), list[str]()
    fewer = {name: rows[rows["sku"] != "007"].reset_index(drop=True) for name, rows in inputs.items()}
    partly = made(inputs, made(fewer), asked)
    assert asked == ["007"]
    pd.testing.assert_frame_equal(partly.frame, made(inputs).frame, check_exact=True)


def test_a_new_week_a_sku_gone_and_a_rule_without_the_promise_make_all_again() -> None:
    inputs = company()
    before = made(inputs)
    last = inputs["demand"]["week"].max()
    longer = inputs["demand"][inputs["demand"]["sku"] == "003"].tail(1).assign(week=last + pd.Timedelta(weeks=1))
    cases = {
        "week": inputs | {"demand": pd.concat([inputs["demand"], longer], ignore_index=True)},
        "gone": {name: rows[rows["sku"] != "007"].reset_index(drop=True) for name, rows in inputs.items()},
    }
    for after in cases.values():
        partly = made(after, before)
        assert len(partly.made) == len(partly.hashes)
        pd.testing.assert_frame_equal(partly.frame, made(after).frame, check_exact=True)
    asked: list[str] = []
    unpromised = replace(counting(asked), by_entity=False)
    build_features(unpromised, inputs, PreviousFeatures(before.frame, before.hashes), typed)
    assert len(asked) == 19


def test_an_input_that_names_no_entity_counts_for_all() -> None:
    inputs = company()
    rates = pd.DataFrame({"rate": [1.0, 2.0]})
    before, after = (entity_hashes(inputs | {"rates": frame}, ("sku",)) for frame in (rates, rates * 2))
    assert (before != after).all()
    doubled = entity_hashes(inputs | {"demand": pd.concat([inputs["demand"], inputs["demand"].head(1)])}, ("sku",))
    assert (doubled != entity_hashes(inputs, ("sku",))).sum() == 1


@pytest.fixture
def warehouse(conn: psycopg.Connection, empty_database_url: str, tmp_path: Any) -> Warehouse:
    return Warehouse(Settings(home=tmp_path, database_url=empty_database_url))


def test_from_the_database_one_changed_sku_is_made_again_alone(warehouse: Warehouse, conn: psycopg.Connection) -> None:
    inputs, asked = company(), list[str]()
    declared = counting(asked)
    first = build_or_reuse_features(warehouse, declared, inputs)
    assert len(asked) == 19
    stored = store.replace_table(conn, declared, first.frame)
    assert stored.version == content_version(first.frame)
    asked.clear()
    after = changed(inputs, "004", units=77.0)
    second = build_or_reuse_features(warehouse, declared, after)
    assert asked == ["004"]
    assert recomputed_metadata(declared, second) == {"recomputed": "1 of 19 (sku): 004"}
    pd.testing.assert_frame_equal(second.frame, made(after).frame, check_exact=True)


def test_features_that_were_never_stored_or_made_by_other_code_are_not_reused(
    warehouse: Warehouse, conn: psycopg.Connection
) -> None:
    inputs, asked = company(4), list[str]()
    declared = counting(asked)
    build_or_reuse_features(warehouse, declared, inputs)
    build_or_reuse_features(warehouse, declared, inputs)
    assert len(asked) == 2 * 11
    store.replace_table(conn, declared, made(inputs).frame)
    assert stored_entity_hashes(conn, "retail", "demand_features", code_version="another release") is None
    build_or_reuse_features(warehouse, declared, inputs)
    assert len(asked) == 2 * 11


def test_the_graph_makes_feature_sets_so(tmp_path: Any) -> None:
    graph = build(Settings(home=tmp_path))
    assert graph.ctx.catalog.features["retail_demand_features"].by_entity
