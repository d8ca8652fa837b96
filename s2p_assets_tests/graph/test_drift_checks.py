"""Promises of the drift checks: the graph shows what moved, and a drifted feature asks its models to learn again."""

import datetime as dt

import dagster as dg
import numpy as np
import pandas as pd
import pytest

from s2p_assets.catalog.catalog import Catalog
from s2p_assets.catalog.loading import load_catalog
from s2p_assets.contracts.validation import conform
from s2p_assets.features.retail_demand_features import demand_features
from s2p_assets.graph.checks.drift import DRIFT, champion_parameter, check_features, check_forecast, feature_drift
from s2p_assets.graph.checks.retraining_signals import ERROR_ABOVE_BAND, signals
from s2p_assets.learning.monitoring.drift import DriftVerdict
from s2p_assets.learning.registry.model_registry import Registry
from s2p_assets.learning.selection.promotion import promote
from s2p_assets.learning.training import train
from s2p_assets.learning.versions import Champion
from s2p_assets.models.retail_demand_champion import demand_champion
from s2p_assets.models.retail_demand_moving_average import demand_moving_average
from s2p_assets.tables.retail_demand_forecast import demand_forecast
from s2p_assets.tables.retail_order_backtest import order_backtest
from s2p_assets.tables.retail_reorder_plan import reorder_plan
from s2p_assets_tests.learning.histories import seasonal, weekly
from s2p_assets_tests.learning.test_registry import of_database
from s2p_assets_tests.retail_home import emptied
from s2p_assets_tests.shelves.test_retail_features import champion_of, products_of

WEEKS, KNOWN = 128, 120


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog(("s2p_assets",))


@pytest.fixture(scope="module")
def features() -> pd.DataFrame:
    """Features of 40 SKUs, of which the models learn all but the last eight weeks."""
    demand = seasonal(40, WEEKS)
    return demand_features.build(demand, products_of(demand))


@pytest.fixture(scope="module")
def known(features: pd.DataFrame) -> pd.DataFrame:
    return features[features["week"] < features["week"].min() + pd.Timedelta(weeks=KNOWN)]


@pytest.fixture(scope="module")
def empty(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Registry:
    """A registry in which nothing stands yet."""
    return of_database(emptied(database_url), tmp_path_factory.mktemp("registry"))


@pytest.fixture(scope="module")
def in_service(empty: Registry, known: pd.DataFrame) -> tuple[Registry, Champion]:
    """A registry with the moving average as champion."""
    trained_at = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    version = train(
        demand_moving_average, demand_champion, known, feature_version="f", trained_at=trained_at, run_id="r"
    )
    promotion = promote(demand_champion, {version.name: version})
    empty.save(version)
    empty.put_in_service(promotion, trained_at)
    return empty, promotion.champion


def shown(result: dg.AssetCheckResult, name: str) -> str:
    return str(result.metadata[name].value)


def test_before_a_model_is_in_service_there_is_nothing_to_drift_from(
    catalog: Catalog, features: pd.DataFrame, empty: Registry
) -> None:
    result = check_features(catalog, demand_features, features, empty)
    assert result.passed
    assert "no model is in service" in shown(result, "compared")


def test_more_of_the_same_is_no_drift_though_every_series_grows_older(
    catalog: Catalog, features: pd.DataFrame, in_service: tuple[Registry, Champion]
) -> None:
    result = check_features(catalog, demand_features, features, in_service[0])
    assert result.passed, result.description
    assert f"{40 * (WEEKS - KNOWN)} rows are new to demand_moving_average" in shown(result, "compared")


def test_a_surge_lies_above_the_band_of_the_champions_errors_and_ordinary_weeks_within(
    catalog: Catalog, features: pd.DataFrame, known: pd.DataFrame, in_service: tuple[Registry, Champion]
) -> None:
    new = ~features.index.isin(known.index)
    surged = features.assign(units=features["units"].mask(new, features["units"] * 5))
    for rows, ordinary in ((features, True), (surged, False)):
        frame = conform(rows, demand_features.rows)
        found = {one.check_name: one for one in signals(catalog, demand_features, frame, in_service[0])}
        assert found[ERROR_ABOVE_BAND].passed is ordinary, found[ERROR_ABOVE_BAND].metadata
        word = "within" if ordinary else "above"
        said = shown(found[ERROR_ABOVE_BAND], "demand_moving_average")
        assert ("4 newest periods" in said) is ordinary, "the first weeks of a surge are not among the newest"
        assert f"{word} their band" in said or f"{'within' if ordinary else 'outside'} " in said


def test_weeks_to_come_are_no_news_to_learn_from(
    catalog: Catalog, features: pd.DataFrame, in_service: tuple[Registry, Champion]
) -> None:
    (news, *_) = signals(catalog, demand_features, features, in_service[0])
    assert shown(news, "demand_moving_average").startswith(f"{40 * (WEEKS - KNOWN)} of {40 * WEEKS:,} rows are new")


def test_no_new_rows_are_too_few_to_say_anything(
    catalog: Catalog, known: pd.DataFrame, in_service: tuple[Registry, Champion]
) -> None:
    found = feature_drift(catalog, demand_features, known, in_service[0])["demand_champion"]
    assert {drift.verdict for drift in found.drifts} == {DriftVerdict.TOO_SMALL}
    assert not found.asks


def test_a_drifted_feature_fails_its_check_without_blocking_and_is_shown(
    catalog: Catalog, features: pd.DataFrame, known: pd.DataFrame, in_service: tuple[Registry, Champion]
) -> None:
    new = ~features.index.isin(known.index)
    moved = features.assign(price_ratio=np.where(new, 0.5, features["price_ratio"]))
    result = check_features(catalog, demand_features, moved, in_service[0])
    assert not result.passed
    assert result.severity == dg.AssetCheckSeverity.WARN
    assert (result.description or "").startswith("price_ratio: drifted")
    assert "units" not in (result.description or "")
    assert shown(result, "picture").startswith("![drift by column](data:image/png;base64,")
    assert shown(result, "columns").splitlines()[2].startswith("| price\\_ratio | drifted")


def test_a_forecast_unlike_those_of_the_backtest_is_told() -> None:
    random = np.random.default_rng(4)
    demand = weekly({f"{n:03d}": random.poisson(n % 40 + 1, 40).tolist() for n in range(300)})
    features = demand_features.build(demand, products_of(demand))
    champion = champion_of(features, (demand_moving_average,))
    products = products_of(features)
    forecast = demand_forecast.build(features, champion, products, order_backtest.build(champion, products))
    assert check_forecast(forecast, champion).passed
    wild = check_forecast(forecast.assign(mean=forecast["mean"] * 3), champion)
    assert not wild.passed
    assert "mean: drifted" in (wild.description or "")


def test_feature_sets_and_forecasts_have_the_check_and_other_tables_have_not(catalog: Catalog) -> None:
    assert champion_parameter(catalog, demand_forecast) == "demand_champion"
    assert champion_parameter(catalog, reorder_plan) is None
    from s2p_assets.graph.assets.derived_assets import table_asset

    checks = {
        name.full_name: {key.name for key in table_asset(catalog, name).check_keys}
        for name in (demand_features, demand_forecast, reorder_plan)
    }
    assert DRIFT in checks[demand_features.full_name] & checks[demand_forecast.full_name]
    assert DRIFT not in checks[reorder_plan.full_name]
