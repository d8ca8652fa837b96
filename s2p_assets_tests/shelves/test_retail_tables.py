"""The retail tables, made from the sample company, whose truth is known to the last unit."""

import datetime as dt
from collections.abc import Iterable
from typing import Any

import pandas as pd
import pytest

from s2p_assets.contracts.columns import Column
from s2p_assets.contracts.table import Table
from s2p_assets.contracts.validation import conform, pandera_model
from s2p_assets.learning.forecasting.demand import week_of
from s2p_assets.samples.retail_company import Company, simulate_company
from s2p_assets.streams.retail_erp_stock import erp_stock
from s2p_assets.streams.retail_till_receipts import till_receipts
from s2p_assets.streams.retail_web_orders import web_orders
from s2p_assets.tables.retail_demand import demand
from s2p_assets.tables.retail_products import products
from s2p_assets.tables.retail_sales_coverage import sales_coverage
from s2p_assets.tables.retail_stock_position import stock_position
from s2p_assets.workbooks.retail_inventory import inventory
from s2p_assets.workbooks.retail_one_offs import one_offs
from s2p_assets.workbooks.retail_price_list import price_list
from s2p_assets.workbooks.retail_receipts import receipts
from s2p_assets.workbooks.retail_retail_sales import retail_sales
from s2p_assets.workbooks.retail_successors import successors
from s2p_assets.workbooks.retail_wholesale_sales import wholesale_sales

WORKBOOKS = {book.name: book for book in (price_list, wholesale_sales, retail_sales, receipts, inventory)}
DTYPES = {"text": "string[pyarrow]", "code": "string[pyarrow]", "date": "datetime64[ns]", "boolean": "bool"}


def as_handed(frame: pd.DataFrame, columns: Iterable[Column]) -> pd.DataFrame:
    """`frame` with the columns and dtypes in which shelf functions get it, and the places its rows came from."""
    typed = {}
    frame = frame.reindex(columns=[column.name for column in columns])  # what an optional column lacks is empty
    for column in columns:
        whole = "Int64" if column.nullable else "int64"
        dtype: Any = DTYPES.get(column.kind) or (whole if column.kind == "integer" else "float64")
        values = pd.to_datetime(frame[column.name].astype(object)) if column.kind == "date" else frame[column.name]
        typed[column.name] = values.astype(dtype)
    return pd.DataFrame(typed).assign(_file=1, _sheet="Sheet1", _row=range(len(frame)))


@pytest.fixture(scope="module")
def company() -> Company:
    return simulate_company(until=dt.date(2025, 10, 31), skus=36)


@pytest.fixture(scope="module")
def handed(company: Company) -> dict[str, pd.DataFrame]:
    return {name: as_handed(getattr(company, name), book.columns) for name, book in WORKBOOKS.items()}


def covered(handed: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """With until when the sales that are handed are known."""
    sales = {name: handed[name] for name in ("retail_sales", "wholesale_sales")}
    return {**handed, "sales_coverage": sales_coverage.build(**sales)}


def made(table: Table, handed: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """The table as it would be stored; every declared rule holds and no key stands twice."""
    frame = conform(table.build(**{name: handed[name] for name in table.inputs if name in handed}), table.rows)
    pandera_model(table.rows).validate(frame, lazy=True)
    assert not frame.duplicated(list(table.key)).any()
    return frame


def given(handed: dict[str, pd.DataFrame], **changed: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """What demand is made from, some of it changed."""
    return {name: frame for name, frame in covered(handed | changed).items() if name in demand.inputs}


@pytest.fixture(scope="module")
def with_products(handed: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    return {**handed, "products": as_handed(made(products, handed), products.columns)}


@pytest.fixture(scope="module")
def weekly(with_products: dict[str, pd.DataFrame]) -> pd.DataFrame:
    return as_handed(made(demand, covered(with_products)), demand.columns)


def test_every_price_change_is_a_version_and_nothing_else_is(
    company: Company, with_products: dict[str, pd.DataFrame]
) -> None:
    listed = company.price_list.sort_values(["sku", "effective_date"])
    terms = ["msrp", "t2_cost", "item_cost"]
    changes = (listed[terms] != listed.groupby("sku")[terms].shift()).any(axis=1).sum()
    assert len(with_products["products"]) == changes
    assert with_products["products"].groupby("sku")["is_current"].sum().eq(1).all()


def test_a_promotion_list_without_category_keeps_the_category(handed: dict[str, pd.DataFrame]) -> None:
    bare = handed["price_list"].copy()
    bare.loc[bare.duplicated("sku"), "category"] = None
    assert products.build(bare)["category"].notna().all()


def test_demand_keeps_every_unit_of_the_weeks_it_covers(company: Company, weekly: pd.DataFrame) -> None:
    last_sunday = weekly["week"].max() + pd.Timedelta(days=6)
    retail, wholesale = company.retail_sales, company.wholesale_sales
    covered = retail[retail["to_date"] <= last_sunday]["quantity"].sum()
    assert weekly["retail_units"].sum() == pytest.approx(covered)
    shipped = wholesale[wholesale["ship_date"] <= last_sunday]
    assert weekly["wholesale_units"].sum() == pytest.approx(shipped["quantity"].sum())
    assert weekly["units"].sum() == pytest.approx(covered + shipped["quantity"].sum())


def test_demand_ends_with_the_last_complete_week(weekly: pd.DataFrame) -> None:
    assert weekly["week"].max() == pd.Timestamp("2025-10-20")


def test_demand_has_every_week_of_every_sku_since_its_first_sale(weekly: pd.DataFrame) -> None:
    gaps = weekly.sort_values(["sku", "week"]).groupby("sku")["week"].diff().dropna()
    assert gaps.eq(pd.Timedelta(days=7)).all()
    assert weekly.groupby("sku")["week"].max().eq(weekly["week"].max()).all()


def test_revenue_is_what_was_invoiced_plus_consumers_at_the_price_of_the_week(
    company: Company, weekly: pd.DataFrame
) -> None:
    lines = company.wholesale_sales.assign(week=week_of(company.wholesale_sales["ship_date"]))
    invoiced = (lines["quantity"] * lines["unit_price"]).groupby([lines["sku"], lines["week"]]).sum().rename("invoiced")
    rows = weekly.merge(invoiced.reset_index(), on=["sku", "week"], how="left").fillna({"invoiced": 0.0})
    assert rows["revenue"].sub(rows["invoiced"] + rows["retail_units"] * rows["unit_price"]).abs().max() < 0.01


def test_revenue_is_unknown_while_the_price_is(handed: dict[str, pd.DataFrame]) -> None:
    nothing = as_handed(made(products, {"price_list": handed["price_list"].iloc[:0]}), products.columns)
    rows = demand.build(**given(handed, products=nothing))
    assert rows.loc[rows["retail_units"] != 0, "revenue"].isna().all()
    assert rows["unit_price"].isna().all()


def test_weeks_in_which_customers_went_away_are_mostly_marked(company: Company, weekly: pd.DataFrame) -> None:
    short = company.short.rename_axis("day").reset_index().melt("day", var_name="sku", value_name="days")
    days_short = short.assign(week=week_of(short["day"])).groupby(["week", "sku"])["days"].sum().reset_index()
    truth = weekly.merge(days_short, on=["week", "sku"])
    ended = truth["sku"].map(company.products.set_index("sku")["ended"])
    truth = truth[truth["week"] < company.stock.index[0] + pd.to_timedelta(ended, unit="D")]
    assert truth.loc[truth["days"] >= 3, "censored"].mean() > 0.75
    assert truth.loc[truth["days"] == 0, "censored"].mean() < 0.04


def test_a_channel_that_fell_silent_does_not_hold_demand_back(with_products: dict[str, pd.DataFrame]) -> None:
    closed = with_products["wholesale_sales"].query("ship_date < '2025-03-01'")
    rows = demand.build(**given(with_products, wholesale_sales=closed))
    assert rows["week"].max() == pd.Timestamp("2025-10-20")


def test_a_channel_that_is_a_month_late_holds_demand_back(with_products: dict[str, pd.DataFrame]) -> None:
    late = with_products["wholesale_sales"].query("ship_date <= '2025-09-30'")
    rows = demand.build(**given(with_products, wholesale_sales=late))
    assert rows["week"].max() == pd.Timestamp("2025-09-29")


@pytest.mark.parametrize("absent", ["retail_sales", "wholesale_sales", "inventory", "receipts"])
def test_demand_does_without_any_one_of_its_sources(with_products: dict[str, pd.DataFrame], absent: str) -> None:
    given = {**with_products, absent: with_products[absent].iloc[:0]}
    assert len(made(demand, covered(given))) > 1000


def test_the_stock_position_on_the_day_of_the_count_is_the_count(
    company: Company, handed: dict[str, pd.DataFrame]
) -> None:
    position = made(stock_position, handed).set_index("sku")
    assert position["on_hand"].astype(float).sub(company.stock.iloc[-1].reindex(position.index)).abs().max() == 0


def test_what_the_erp_says_since_the_count_is_the_stock(handed: dict[str, pd.DataFrame]) -> None:
    counts = handed["inventory"]
    day, first, second = counts["count_date"].max(), *counts["sku"].drop_duplicates().head(2)
    said = pd.DataFrame(
        {
            "sku": [first, second, "new"],
            "quantity": [7, 8, 9],
            "changed_at": [day + pd.Timedelta(days=900, hours=9), day - pd.Timedelta(days=1), day],
        }
    )
    before = made(stock_position, handed).set_index("sku")
    position = made(stock_position, {**handed, "erp_stock": said}).set_index("sku")
    assert (position.loc[first, "on_hand"], position.loc["new", "counted"]) == (7, 9)
    assert position.loc[first, "counted_on"] == (day + pd.Timedelta(days=900)).date()
    assert position.loc[second, "on_hand"] == before.loc[second, "on_hand"]
    assert position.loc[first, "on_order"] >= 0


def test_the_stock_position_is_carried_on_from_an_older_count(
    company: Company, handed: dict[str, pd.DataFrame]
) -> None:
    older = handed["inventory"].query("count_date <= '2025-08-31'")
    position = made(stock_position, {**handed, "inventory": older}).set_index("sku")
    assert position["as_of"].eq(dt.date(2025, 10, 31)).all()
    known = position.index[position["counted_on"] == dt.date(2025, 8, 31)]
    truth = company.stock.iloc[-1].reindex(known)
    assert position.loc[known, "on_hand"].astype(float).sub(truth).abs().max() < 1e-6


def test_every_column_of_the_tables_says_what_it_is_made_from() -> None:
    for table in (products, demand, stock_position):
        known = {f"{name}.{column.name}" for name, book in WORKBOOKS.items() for column in book.columns}
        known |= {f"{book.name}.{column.name}" for book in (successors, one_offs) for column in book.columns}
        known |= {
            f"{one.name}.{column.name}" for one in (web_orders, till_receipts, erp_stock) for column in one.columns
        }
        known |= {f"products.{column.name}" for column in products.columns}
        for column in table.columns:
            assert column.derived_from, f"{table.full_name}.{column.name}"
            assert set(column.derived_from) <= known, f"{table.full_name}.{column.name}"
            assert {source.split(".")[0] for source in column.derived_from} <= set(table.inputs)
