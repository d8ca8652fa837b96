"""A company's sales over two years, each article beside a twin of whose sales nothing was told wrong.

What is learned of the faulty one is what is learned of its twin, or its week is marked and told. How files go wrong is
in `services/test_deliveries_over_time.py`.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from s2p_assets.tables.retail_demand import demand
from s2p_assets.tables.retail_sales_coverage import channel_coverage

WEEKS, ODD = 104, 90
FIRST = pd.Timestamp("2024-01-01").as_unit("ns")
ARTICLES = ("BIG", "SMALL", "LUMPY", "YOUNG")

Fault = Callable[[pd.DataFrame], pd.DataFrame]


def sold() -> pd.DataFrame:
    """The true sales of four articles, a row a week: one sells much, one little, one now and then, one of late."""
    draw = np.random.default_rng(7)
    means = {"BIG": 240.0, "SMALL": 60.0, "LUMPY": 30.0, "YOUNG": 90.0}
    rows = []
    for article, mean in means.items():
        for week in range(80 if article == "YOUNG" else 0, WEEKS):
            units = draw.poisson(mean) * (article != "LUMPY" or draw.random() < 0.6)
            rows.append((article, int(units), FIRST + pd.Timedelta(weeks=week)))
    frame = pd.DataFrame(rows, columns=["sku", "quantity", "from_date"])
    return frame.assign(to_date=frame["from_date"] + pd.Timedelta(days=6))


def learned(retail: pd.DataFrame, successors: pd.DataFrame | None = None) -> pd.DataFrame:
    """Demand as learning takes it, and whether a week is told of: sku, week, units, told."""
    other = pd.DataFrame(columns=["sku", "quantity", "unit_price", "ship_date", "receive_date", "count_date"])
    other = other.assign(usable_supply_excl=pd.Series(dtype=float), ship_date=pd.Series(dtype="datetime64[ns]"))
    products = pd.DataFrame({"sku": retail["sku"].unique()})
    products = products.assign(
        msrp=9.0, category="Lamps", valid_from=FIRST.as_unit("ns"), valid_to=pd.Series(pd.NaT, products.index)
    )
    coverage = channel_coverage(retail, other, "hold")
    rows = demand.build(retail, other, other, other, products, coverage, successors, None)
    units = rows["plausible_units"].fillna(rows["units"]).astype(float)
    return rows.assign(units=units, told=rows["one_off"])[["sku", "week", "units", "told"]]


def one_order(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(quantity=rows["quantity"].mask(rows["from_date"] == week(ODD), 2000))


def two_noughts(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(quantity=rows["quantity"] * np.where(rows["from_date"] == week(ODD), 100, 1))


def a_week_in_cases(rows: pd.DataFrame) -> pd.DataFrame:
    here = rows["from_date"] == week(ODD)
    return rows.assign(quantity=(rows["quantity"] / np.where(here, 12, 1)).round().astype(int))


def in_cases_from_now_on(rows: pd.DataFrame) -> pd.DataFrame:
    here = rows["from_date"] >= week(ODD)
    return rows.assign(quantity=(rows["quantity"] / np.where(here, 12, 1)).round().astype(int))


def week(number: int) -> pd.Timestamp:
    return FIRST + pd.Timedelta(weeks=number)


@pytest.mark.parametrize(
    ("fault", "article"),
    [
        *((fault, article) for fault in (one_order, two_noughts) for article in ARTICLES),
        *((fault, article) for fault in (a_week_in_cases, in_cases_from_now_on) for article in ("BIG", "SMALL")),
    ],
)
def test_what_is_learned_is_what_the_twin_teaches_or_the_week_is_told(fault: Fault, article: str) -> None:
    true = sold()
    wrong = fault(true[true["sku"] == article]).assign(sku="WRONG")
    found = learned(pd.concat([true, wrong], ignore_index=True)).set_index(["sku", "week"])
    assert not found.loc[list(ARTICLES), "told"].any()
    of, twin = found.loc["WRONG"], found.loc[article]
    assert bool(of["told"][week(ODD)]) or float(of["units"][week(ODD)]) == float(twin["units"][week(ODD)])
    if fault is not in_cases_from_now_on:
        assert float(of["units"][week(ODD)]) <= 2 * twin["units"].max()
        pd.testing.assert_series_equal(of["units"].drop(week(ODD)), twin["units"].drop(week(ODD)))


def test_an_article_renamed_into_cases_teaches_what_its_twin_does() -> None:
    true = sold()
    pieces = true[true["sku"] == "BIG"].assign(quantity=lambda rows: rows["quantity"] // 12 * 12)
    twin = pieces.assign(sku="TWIN")
    after = pieces["from_date"] >= week(ODD)
    renamed = pieces.assign(
        sku=np.where(after, "CASE", "EACH"), quantity=pieces["quantity"].where(~after, pieces["quantity"] // 12)
    )
    successors = pd.DataFrame({"predecessor": ["EACH"], "successor": ["CASE"], "old_units_per_new": [12.0]})
    found = learned(pd.concat([twin, renamed], ignore_index=True), successors).set_index("sku")
    assert sorted(found.index.unique()) == ["CASE", "TWIN"]
    case, pieces_sold = (found["units"][found.index == sku].to_numpy() for sku in ("CASE", "TWIN"))
    assert case * 12 == pytest.approx(pieces_sold)


def test_the_last_weeks_are_open_while_a_channel_is_late_and_are_not_nothing() -> None:
    true = sold()
    dealers = true.rename(columns={"from_date": "ship_date"}).assign(unit_price=5.0)
    late = dealers[dealers["ship_date"] < week(WEEKS - 3)]
    held = channel_coverage(true, late, "hold").set_index("source")
    assert held.loc["wholesale", "treatment"] == "held"
    assert held.loc["wholesale", "weeks_behind"] == 3
    assert held["last_week"]["wholesale"] == week(WEEKS - 4)
