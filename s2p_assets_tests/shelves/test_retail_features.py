"""Promises of the retail shelves: features know no future, and demand becomes a forecast and an order list."""

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import psycopg
import pytest

from s2p_assets.contracts.model import Model
from s2p_assets.contracts.validation import conform, declaration_violations
from s2p_assets.features.retail_demand_features import DemandFeatures, demand_features
from s2p_assets.learning.forecasting.learnable import training_rows
from s2p_assets.learning.forecasting.series import with_target
from s2p_assets.learning.row_hashes import count_new_rows, sorted_row_hashes
from s2p_assets.learning.selection.promotion import promote
from s2p_assets.learning.training import train
from s2p_assets.learning.versions import Champion
from s2p_assets.models.retail_demand_boosting import demand_boosting
from s2p_assets.models.retail_demand_champion import WEEKLY_DEMAND, demand_champion
from s2p_assets.models.retail_demand_combination import demand_combination
from s2p_assets.models.retail_demand_moving_average import demand_moving_average
from s2p_assets.models.retail_demand_prophet import demand_prophet
from s2p_assets.models.retail_demand_seasonal_naive import demand_seasonal_naive
from s2p_assets.models.retail_demand_smoothing import demand_smoothing
from s2p_assets.tables.retail_demand_forecast import DemandForecast, demand_forecast
from s2p_assets.tables.retail_order_backtest import OrderBacktest, order_backtest
from s2p_assets.tables.retail_reorder_plan import ReorderPlan, reorder_plan
from s2p_assets.warehouse.tables import store
from s2p_assets.warehouse.trace.tracer import Tracer
from s2p_assets_tests.learning.histories import odd, seasonal, weekly

MODELS = (
    *(demand_seasonal_naive, demand_moving_average, demand_smoothing),
    *(demand_prophet, demand_boosting, demand_combination),
)
Small = tuple[pd.DataFrame, pd.DataFrame, Champion, pd.DataFrame]
OBSERVED = ["units", "censored", "unit_price"]


def products_of(history: pd.DataFrame, **changes: Any) -> pd.DataFrame:
    skus = history["sku"].unique()
    rows = pd.DataFrame({"sku": pd.array(skus, dtype="string[pyarrow]"), "category": "Lamps"})
    rows = rows.assign(
        description="Article " + rows["sku"], supplier="Maker", item_cost=2.5, t2_cost=3.0, msrp=4.0, is_current=True
    )
    terms: dict[str, Any] = {"pack_size": 6, "minimum_order": 12, "lead_time_days": 21, "shelf_life_days": pd.NA}
    rows = rows.assign(**(terms | changes))
    rows = rows.astype(dict.fromkeys(("pack_size", "minimum_order", "lead_time_days", "shelf_life_days"), "Int64"))
    return rows.assign(valid_from=pd.Series(pd.Timestamp("2023-06-01"), index=rows.index).astype("datetime64[ns]"))


def stock_of(history: pd.DataFrame, on_hand: float = 20.0) -> pd.DataFrame:
    as_of = with_target(history, WEEKLY_DEMAND)["week"].max() + pd.Timedelta(days=6)
    return pd.DataFrame(
        {"sku": history["sku"].unique(), "on_hand": on_hand, "on_order": 0.0, "as_of": as_of, "counted_on": as_of}
    ).astype({"sku": "string[pyarrow]"})


def champion_of(features: pd.DataFrame, models: tuple[Model, ...] = MODELS) -> Champion:
    versions = {
        model.name: train(
            model,
            demand_champion,
            features,
            feature_version="f",
            trained_at=dt.datetime(2024, 7, 1, tzinfo=dt.UTC),
            run_id="r",
        )
        for model in models
    }
    return promote(demand_champion, versions).champion


def test_no_feature_of_a_week_knows_that_week_or_a_later_one() -> None:
    demand = seasonal(3, 80)
    demand["censored"] = np.random.default_rng(3).random(len(demand)) < 0.1
    shift = demand["week"] >= "2024-01-08"
    other = demand.assign(
        units=demand["units"].where(~shift, demand["units"] * 7 + 5),
        unit_price=demand["unit_price"].where(~shift, 99.0),
        censored=demand["censored"] ^ shift,
    )
    products = products_of(demand)
    before, after = (demand_features.build(rows, products) for rows in (demand, other))
    until = before["week"] <= "2024-01-08"
    pd.testing.assert_frame_equal(before[until].drop(columns=OBSERVED), after[until].drop(columns=OBSERVED))
    assert not before[~until]["lag_1"].equals(after[~until]["lag_1"])


def test_features_are_the_figures_worked_out_by_hand() -> None:
    demand = weekly({"a": [0, 4, 8, 0, 2]}).assign(unit_price=[10.0, 10.0, 5.0, 10.0, 10.0])
    row = demand_features.build(demand, products_of(demand)).iloc[4]
    assert (row["lag_1"], row["lag_2"], row["lag_4"]) == (0, 8, 0)
    assert row["mean_4"] == 3
    assert row["std_4"] == pytest.approx(np.std([0, 4, 8, 0]))
    assert row["zeros_13"] == 0.5
    assert row["weeks_since_first_sale"] == 2
    assert row["price_ratio"] == pytest.approx(10 / np.mean([10, 10, 5, 10]))
    assert pd.isna(row["lag_8"])


def test_a_category_is_known_only_from_its_price_list_on() -> None:
    demand = seasonal(1, 30)
    rows = demand_features.build(demand, products_of(demand))
    assert rows.loc[rows["week"] < "2023-06-01", "category"].isna().all()
    assert (rows.loc[rows["week"] >= "2023-06-01", "category"] == "Lamps").all()


def test_features_of_odd_series_keep_to_their_declaration() -> None:
    typed = conform(demand_features.build(odd(), products_of(odd())), DemandFeatures)
    assert not declaration_violations(typed, DemandFeatures)
    assert typed.groupby("sku")["units"].count()["gap"] == 80


def test_of_the_weeks_to_come_the_price_that_the_list_has_for_them_is_known_and_nothing_else() -> None:
    demand = seasonal(2, 60)
    last = demand["week"].max()
    now = products_of(demand)
    later = now.head(1).assign(valid_from=last + pd.Timedelta(days=16), msrp=3.0)
    rows = demand_features.build(demand, pd.concat([now, later], ignore_index=True))
    ahead = rows[rows["units"].isna()].set_index(["sku", "week"])
    assert len(ahead) == 2 * WEEKLY_DEMAND.horizon
    assert ahead.loc["000", "unit_price"].tolist() == [4.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0]
    assert (ahead.loc["001", "unit_price"] == 4.0).all()
    assert ahead.drop(columns=["unit_price", "category", "censored"]).isna().all(axis=None)
    assert not ahead["censored"].any()


def test_a_price_list_of_the_weeks_to_come_moves_the_forecast_and_trains_nothing() -> None:
    demand = seasonal(6, 110)
    offers = (demand.groupby("sku").cumcount() + demand["sku"].astype(int)) % 9 == 0
    demand = demand.assign(units=demand["units"].mask(offers, demand["units"] * 3), unit_price=4.0)
    demand["unit_price"] = demand["unit_price"].mask(offers, 3.0)
    now = products_of(demand)
    cheaper = now.assign(valid_from=demand["week"].max() + pd.Timedelta(weeks=1), msrp=3.0)
    usual, offered = (
        demand_features.build(demand, listed) for listed in (now, pd.concat([now, cheaper], ignore_index=True))
    )
    assert count_new_rows(*(sorted_row_hashes(with_target(rows, WEEKLY_DEMAND)) for rows in (offered, usual))) == 0
    fitted = demand_boosting.build().fit(training_rows(usual, WEEKLY_DEMAND), WEEKLY_DEMAND)
    before, after = (
        fitted.forecast(training_rows(rows, WEEKLY_DEMAND), WEEKLY_DEMAND.horizon)["mean"].sum()
        for rows in (usual, offered)
    )
    assert after > 1.5 * before


def test_demand_becomes_a_forecast_and_an_order_list() -> None:
    demand = pd.concat([seasonal(6, 110), odd().assign(sku=lambda rows: "odd " + rows["sku"])], ignore_index=True)
    demand = demand.astype({"sku": "string[pyarrow]"})
    features = demand_features.build(demand, products_of(demand))
    champion = champion_of(features)
    assert champion.scores["model"].nunique() == 6

    products = products_of(features)
    tried = order_backtest.build(champion, products)
    assert not declaration_violations(conform(tried, OrderBacktest), OrderBacktest)
    assert len(tried) == 6
    assert tried["serves"].sum() == 1
    made = demand_forecast.build(features, champion, products, tried)
    forecast = conform(made, DemandForecast)
    assert not declaration_violations(forecast, DemandForecast)
    assert len(forecast) == demand["sku"].nunique() * WEEKLY_DEMAND.horizon
    plain = forecast[["q10", "q50", "q90"]].to_numpy("float64")
    assert (np.diff(plain, axis=1) >= 0).all()
    assert forecast["week"].min() == (demand["week"].max() + pd.Timedelta(weeks=1)).date()

    plan = reorder_plan.build(made, stock_of(demand), products_of(demand), champion, tried)
    plan = conform(plan, ReorderPlan)
    assert not declaration_violations(plan, ReorderPlan)
    assert len(plan) == demand["sku"].nunique()
    orders = plan.set_index("sku")["order_quantity"].astype("int64")
    assert orders["odd no sale"] == 0
    assert orders["005"] > 0
    assert (orders % 6 == 0).all()
    assert ((orders == 0) | (orders >= 12)).all()


def test_an_article_new_on_the_list_is_told_by_its_peers_and_traced_to_them_and_one_that_never_sold_is_not(
    conn: psycopg.Connection,
) -> None:
    began: dict[str, list[float]] = {f"begun {n}": [10.0 + n] * 30 for n in range(5)}
    demand = pd.concat([seasonal(2, 60), weekly(began, start="2023-07-31")], ignore_index=True)
    features = demand_features.build(demand, products_of(demand))
    new = products_of(pd.DataFrame({"sku": ["fresh", "dusty"]}))
    new["valid_from"] = [demand["week"].max(), pd.Timestamp("2022-01-03")]
    products = pd.concat([products_of(demand), new], ignore_index=True)
    champion = champion_of(features, (demand_moving_average,))
    forecast = demand_forecast.build(features, champion, products, order_backtest.build(champion, products))
    fresh = conform(forecast, DemandForecast).query("sku == 'fresh'")
    assert len(fresh) == WEEKLY_DEMAND.horizon
    assert (fresh["life"] == "new").all()
    assert fresh["mean"].between(10, 14).all()
    assert (fresh["deviation"] > 0).all()
    assert "dusty" not in set(forecast["sku"])

    for declared, frame in ((demand_features, features), (demand_forecast, forecast)):
        store.replace_table(conn, declared, conform(frame, declared.rows))
    stored = {("retail", declared.name): declared for declared in (demand_features, demand_forecast)}
    wanted = {"sku": "fresh", "week": fresh["week"].max()}
    (row,) = Tracer(conn, stored).trace(("retail", "demand_forecast"), wanted, ("mean",), most=None).rows
    (under,) = [group for group in row.under if group.columns == ("units", "censored", "plausible_units", "unit_price")]
    weeks = pd.DataFrame([origin.key for origin in under.rows])
    assert set(weeks["sku"]) == set(began)
    assert weeks.groupby("sku")["week"].min().eq(dt.date(2023, 7, 31)).all()
    assert weeks["sku"].value_counts().eq(WEEKLY_DEMAND.horizon).all()


@pytest.fixture(scope="module")
def small() -> Small:
    """Features, forecast, champion and past orders of three SKUs."""
    demand = seasonal(3, 60)
    features = demand_features.build(demand, products_of(demand))
    champion = champion_of(features, (demand_moving_average,))
    tried = order_backtest.build(champion, products_of(features))
    return features, demand_forecast.build(features, champion, products_of(features), tried), champion, tried


def test_a_product_without_terms_is_planned_with_the_stated_ones(small: Small) -> None:
    features, forecast, champion, tried = small
    products = products_of(features, lead_time_days=pd.NA, pack_size=pd.NA, minimum_order=pd.NA)
    plan = reorder_plan.build(forecast, stock_of(features), products, champion, tried)
    assert (plan["lead_time_days"] == 14).all()
    assert (plan["order_quantity"] == np.ceil(plan["order_up_to"] - 20)).any()


def test_stock_never_counted_is_not_ordered_blindly_and_old_prices_are_no_products(small: Small) -> None:
    features, forecast, champion, tried = small
    products = products_of(features)
    outdated = products.assign(is_current=False, description="Old name")
    stock = stock_of(features).head(1)
    plan = reorder_plan.build(forecast, stock, pd.concat([outdated, products], ignore_index=True), champion, tried)
    assert plan["order_quantity"].isna().tolist() == [False, True, True]
    assert plan["reorder_point"].notna().all()
    assert not plan["description"].str.contains("Old").any()
    empty = conform(reorder_plan.build(forecast, stock.head(0), products, champion, tried), ReorderPlan)
    assert empty["runs_out_on"].isna().all()


def test_a_longer_lead_time_needs_more_stock(small: Small) -> None:
    features, forecast, champion, tried = small
    short, long = (
        reorder_plan.build(forecast, stock_of(features), products_of(features, lead_time_days=days), champion, tried)
        for days in (7, 90)
    )
    assert (long["reorder_point"] > short["reorder_point"]).all()
    assert (long["safety_stock"] > short["safety_stock"]).all()


def test_stock_is_used_up_from_its_own_day_on(small: Small) -> None:
    features, forecast, champion, tried = small
    plan = reorder_plan.build(forecast, stock_of(features, on_hand=0.0), products_of(features), champion, tried)
    assert (pd.to_datetime(plan["runs_out_on"]) == stock_of(features)["as_of"].max()).all()


def test_what_earns_more_is_held_more_surely_and_unknown_prices_take_the_usual_level(small: Small) -> None:
    features, forecast, champion, tried = small
    products = products_of(features).assign(t2_cost=[2.55, 9.0, np.nan])
    plan = reorder_plan.build(forecast, stock_of(features), products, champion, tried)
    assert plan["service_level"].tolist() == [0.8, 0.99, 0.95]
    assert plan["cost_of_waiting"].isna().tolist() == [False, False, True]


def test_waiting_costs_the_margin_on_what_runs_short_by_it(small: Small) -> None:
    features, forecast, champion, tried = small
    empty, full = (
        reorder_plan.build(forecast, stock_of(features, on_hand=units), products_of(features), champion, tried)
        for units in (0.0, 9999.0)
    )
    lost = empty["shortage_if_not_ordered"] - empty["shortage_if_ordered"]
    assert (lost > 0).all()
    assert empty["cost_of_waiting"].tolist() == pytest.approx((lost * 0.5).round(2).tolist())
    assert full[["shortage_if_not_ordered", "cost_of_waiting", "order_quantity"]].eq(0).all(axis=None)
