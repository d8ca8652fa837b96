"""Promises of the trading company's shelves, on a few sales made up here: nets, bands, and a report worked out by hand.

The company's own files are put through the graph in `test_real_companies.py`.
"""

import datetime as dt
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from s2p_assets.contracts.derivation import NotYet
from s2p_assets.contracts.report import Document, Section
from s2p_assets.contracts.validation import conform, declaration_violations
from s2p_assets.examples.features.trading_demand_features import demand_features
from s2p_assets.examples.models.trading_demand_champion import demand_champion
from s2p_assets.examples.models.trading_demand_moving_average import demand_moving_average
from s2p_assets.examples.reports.trading_weekly_outlook import weekly_outlook
from s2p_assets.examples.tables.trading_demand import demand
from s2p_assets.examples.tables.trading_demand_forecast import demand_forecast
from s2p_assets.examples.tables.trading_products import products
from s2p_assets.examples.tables.trading_total_forecast import TotalForecast, total_forecast
from s2p_assets.learning.forecasting.intervals import quantiles_of_totals
from s2p_assets.learning.forecasting.series import TooLittleHistory
from s2p_assets.learning.selection.promotion import promote
from s2p_assets.learning.training import train

TEXT = "string[pyarrow]"
LAST = pd.Timestamp("2024-06-24")
WEEKS = pd.date_range(end=LAST, periods=70, freq="7D")
Frames = dict[str, pd.DataFrame]


def sale(day: pd.Timestamp, customer: str, item: str, quantity: int) -> dict[str, object]:
    kind = "Return" if quantity < 0 else "Invoice"
    return {
        "sold_on": day,
        "invoice_type": kind,
        "customer_id": customer,
        "item_code": item,
        "quantity": quantity,
        "discount": 0.5 if item == "A" else np.nan,
    }


def company(*further: dict[str, object]) -> Frames:
    """Two items, two customers, seventy weeks; in the last one 30 A and 8 B, in the one before 20 A and 8 B."""
    chance = np.random.default_rng(1)
    usual = [sale(week, "shop", "A", int(chance.integers(10, 50))) for week in WEEKS[:-2]]
    usual += [sale(WEEKS[-2], "shop", "A", 20), sale(WEEKS[-1], "shop", "A", 30)]
    usual += [sale(week + pd.Timedelta(days=6), "dealer", "B", 8) for week in WEEKS]
    sales = pd.DataFrame([*usual, *further]).astype(dict.fromkeys(["invoice_type", "customer_id", "item_code"], TEXT))
    customers = pd.DataFrame(
        {"customer_id": ["shop", "dealer"], "customer_name": ["The Shop", "The Dealer"], "country": ["Egypt", "Kenya"]}
    ).assign(channel=["Retail", "Whole Sales"])
    prices = pd.DataFrame({"item_code": ["A", "B"], "item_name": ["Lamp", "Oven"], "price": [10.0, 100.0]})
    prices = prices.assign(item_category="Goods", item_type="Goods")
    listed = products.build(prices.astype({"item_code": TEXT}), pd.DataFrame({"item_code": ["A"], "cost": [4.0]}))
    weekly = demand.build(sales, customers.astype({"customer_id": TEXT}), listed)
    features = demand_features.build(weekly, listed)
    terms: dict[str, Any] = {
        "feature_version": "f",
        "trained_at": dt.datetime(2024, 7, 1, tzinfo=dt.UTC),
        "run_id": "r",
    }
    version = train(demand_moving_average, demand_champion, features, **terms)
    champion = promote(demand_champion, {"demand_moving_average": version}).champion
    return {
        "sales": sales,
        "customers": customers,
        "products": listed,
        "demand": weekly,
        "demand_forecast": demand_forecast.build(features, champion),
        "total_forecast": total_forecast.build(features, champion),
    }


@pytest.fixture(scope="module")
def frames() -> Frames:
    """The company, with 6 of B returned by the dealer in the last week."""
    return company(sale(LAST + pd.Timedelta(days=2), "dealer", "B", -6))


@pytest.fixture(scope="module")
def letter(frames: Frames) -> Document:
    return weekly_outlook.build(**frames)


def section(document: Document, title: str) -> Section:
    return next(section for section in document.sections if section.title == title)


def row(shown: Section, column: str, value: str) -> Any:
    assert shown.frame is not None
    return shown.frame.set_index(column).loc[value]


def test_what_came_back_is_taken_off_demand_and_revenue(frames: Frames) -> None:
    last = frames["demand"].set_index(["week", "sku"]).loc[LAST]
    assert last["units"].to_dict() == {"A": 30, "B": 2}
    assert last["revenue"].to_dict() == {"A": 30 * 10 * 0.5, "B": 2 * 100}


def test_the_headline_numbers_are_those_worked_out_by_hand(letter: Document) -> None:
    by_label = {figure.label: figure for figure in letter.figures}
    assert letter.headline.startswith("32 units sold in the week of 24 Jun 2024, 14.3")
    assert letter.headline.endswith("6 units came back.")
    assert by_label["Units sold, week of 24 Jun 2024"].value == 32
    assert by_label["Revenue of that week"].value == 350
    assert by_label["Units returned in that week"].note.replace("\N{NO-BREAK SPACE}", " ") == (
        "15.8 % of the units that went out"
    )


def test_the_year_so_far_is_compared_with_the_same_days_of_the_year_before(frames: Frames, letter: Document) -> None:
    figure = next(figure for figure in letter.figures if figure.label == "Units sold this year, to 30 Jun 2024")
    day, sold = frames["sales"]["sold_on"], frames["sales"]["quantity"]
    now = sold[(day >= "2024-01-01") & (day <= "2024-06-30")].sum()
    before = sold[(day >= "2023-01-01") & (day <= "2023-06-30")].sum()
    assert figure.value == now
    assert [change.share for change in figure.changes] == [pytest.approx(now / before - 1)]


def test_customers_countries_and_channels_are_net_of_returns(letter: Document) -> None:
    dealer = row(section(letter, "Sales by customer"), "customer", "The Dealer")
    assert (dealer["now"], dealer["before"], dealer["returned"]) == (26, 32, 6)
    assert row(section(letter, "Sales by country"), "country", "Kenya")["change"] == pytest.approx(26 / 32 - 1)
    channel = row(section(letter, "Sales by channel"), "channel", "Whole Sales")
    assert (channel["now"], channel["before"], channel["year_before"]) == (2, 8, 8)


def test_what_comes_back_is_named_with_its_share(letter: Document) -> None:
    oven = row(section(letter, "What comes back most"), "sku", "B")
    assert (oven["returned"], oven["went_out"], oven["description"]) == (6, 13 * 8, "Oven")
    assert oven["share"] == pytest.approx(6 / 104)


def test_a_week_without_returns_says_so() -> None:
    letter = weekly_outlook.build(**company())
    assert letter.headline.endswith("Nothing came back.")
    shown = section(letter, "What comes back most")
    assert shown.frame is not None
    assert shown.frame.empty


def test_without_sales_there_is_no_demand_yet(frames: Frames) -> None:
    with pytest.raises(NotYet, match="no sales"):
        demand.build(frames["sales"].head(0), frames["customers"], frames["products"])


def test_the_band_of_the_total_is_its_own(frames: Frames) -> None:
    total = conform(frames["total_forecast"], TotalForecast)
    assert not declaration_violations(total, TotalForecast)
    items = frames["demand_forecast"].groupby("week")[["mean", "q10", "q90"]].sum()
    assert total["mean"].tolist() == pytest.approx(items["mean"].tolist())
    assert (total["q90"] - total["q10"]).sum() <= (items["q90"] - items["q10"]).sum()


def test_quantiles_of_totals_come_from_the_totals_of_the_backtest() -> None:
    backtest = pd.DataFrame(
        [
            {"fold": fold, "step": 1, "entity": entity, "mean": 50.0, "actual": 50.0 + sign * fold, "censored": False}
            for fold in range(1, 10)
            for entity, sign in (("a", 1), ("b", 9))
        ]
    )
    low, middle, high = quantiles_of_totals(backtest, [200.0], [0.1, 0.5, 0.9])[0]
    assert (low, middle, high) == (pytest.approx(220), pytest.approx(300), pytest.approx(380))
    without_b = quantiles_of_totals(backtest.assign(censored=backtest["entity"] == "b"), [200.0], [0.1, 0.5, 0.9])[0]
    assert without_b.tolist() == pytest.approx([204, 220, 236])
    cut_short = backtest.assign(censored=True)
    with pytest.raises(TooLittleHistory):
        quantiles_of_totals(cut_short, [200.0], [0.5])
    assert not any(map(math.isnan, quantiles_of_totals(backtest, [0.0], [0.1, 0.9])[0]))
