"""Promises of the re-order plan: what costs most to leave undone comes first, and nothing is left unsaid."""

import pandas as pd
import pytest

from s2p_assets.contracts.derivation import NotYet
from s2p_assets.contracts.report import Document, Section
from s2p_assets.publishing.document.wording import fill_in_currency
from s2p_assets.publishing.sections.order_plan import NOT_KNOWN
from s2p_assets.reports.retail_reorder import reorder

TODAY = pd.Timestamp("2026-11-21")
STOCK = pd.DataFrame({"sku": ["A", "B", "C", "D"], "as_of": TODAY})


def plan() -> pd.DataFrame:
    """A: to order, in time. B: the dearest to leave undone, and late. C: enough. D: never counted, no supplier."""
    return pd.DataFrame(
        {
            "sku": ["A", "B", "C", "D"],
            "description": ["Apple", "Box", "Cup", "Dish"],
            "supplier": ["Ace", "Bee", "Ace", None],
            "on_hand": [40.0, 0.0, 900.0, None],
            "on_order": [0.0, 6.0, 0.0, None],
            "lead_time_days": [14, 28, 14, 14],
            "demand_over_lead_time": [30.0, 50.0, 10.0, 0.0],
            "service_level": 0.95,
            "safety_stock": [20.0, 25.0, 5.0, 0.0],
            "reorder_point": [50.0, 75.0, 15.0, 0.0],
            "order_up_to": [60.0, 90.0, 20.0, 0.0],
            "order_quantity": pd.array([24, 96, 0, None], dtype="Int64"),
            "order_cost": [240.0, 1200.0, 0.0, None],
            "days_of_cover": [20.0, 0.0, 400.0, None],
            "runs_out_on": [TODAY + pd.Timedelta(days=20), TODAY, TODAY + pd.Timedelta(days=400), pd.NaT],
            "shortage_if_ordered": [0.0, 44.0, 0.0, None],
            "shortage_if_not_ordered": [2.0, 56.0, 0.0, None],
            "cost_of_waiting": [12.5, 180.0, 0.0, None],
        }
    )


TRIED = pd.DataFrame(
    {
        "model": ["demand_boosting", "demand_moving_average"],
        "model_version": ["1", "2"],
        "serves": [False, True],
        "fill": [0.99, 0.97],
        "days_of_stock": [31.0, 17.0],
        "stock_at_same_fill": [25.0, 17.5],
        "wasted": [None, None],
        "folds": 6,
        "because": "Orders follow from demand_moving_average: made up.",
        "service_level": 0.95,
    }
)


def written(rows: pd.DataFrame, tried: pd.DataFrame = TRIED) -> Document:
    return fill_in_currency(reorder.build(reorder_plan=rows, stock_position=STOCK, order_backtest=tried), "EUR")


def table(document: Document, title: str) -> pd.DataFrame:
    found: Section = next(section for section in document.sections if section.title == title)
    assert found.frame is not None
    return found.frame


def test_what_costs_most_to_leave_undone_comes_first() -> None:
    assert list(table(written(plan()), "What to order today")["sku"]) == ["B", "A"]


def test_the_headline_says_what_to_order_and_what_waiting_loses() -> None:
    assert written(plan()).headline == (
        "2 of 4 SKUs are to be ordered today for €1,440. Waiting a week would lose €192.50 of margin. "
        "1 SKU will be short whatever is ordered."
    )


def test_a_sku_that_no_order_of_today_saves_is_listed_with_its_days_late() -> None:
    late = table(written(plan()), "Short whatever is ordered")
    assert late[["sku", "days_late"]].values.tolist() == [["B", 28.0]]


def test_every_supplier_has_a_line_that_sums_its_orders_up() -> None:
    orders = plan().assign(order_quantity=[24, 96, 0, 10], order_cost=[240.0, 1200.0, 0.0, float("nan")])
    lines = table(written(orders), "Orders by supplier")
    assert lines[["supplier", "skus", "units"]].values.tolist() == [["Bee", 1, 96], ["Ace", 1, 24], [NOT_KNOWN, 1, 10]]
    assert "without 1 SKU of unknown cost" in written(orders).figures[0].note


def test_skus_that_were_never_counted_are_named_as_such() -> None:
    document = written(plan())
    assert any(note.startswith("1 SKU on the price list was never counted") for note in document.notes)
    assert set(table(document, "How the quantities are worked out")["sku"]) == {"A", "B", "C", "D"}


def test_a_plan_in_which_nothing_is_due_says_so() -> None:
    assert written(plan().query("sku == 'C'")).headline.startswith("Nothing needs to be ordered today")


def test_without_prices_or_counts_there_is_no_plan() -> None:
    with pytest.raises(NotYet):
        written(plan().head(0))
    with pytest.raises(NotYet):
        reorder.build(reorder_plan=plan(), stock_position=STOCK.head(0), order_backtest=TRIED)


def test_the_plan_says_by_which_forecast_is_ordered_and_why() -> None:
    document = written(plan())
    (section,) = [one for one in document.sections if one.title == "By which forecast is ordered"]
    assert section.says == "Moving average"
    assert section.description.startswith("Orders follow from Moving average: made up.")
    assert "Orders follow from Moving average: made up." in document.notes
    assert section.frame is not None
    assert section.frame["called"].tolist() == ["Moving average", "Boosting"]
    assert "wasted" not in [column.name for column in section.columns]
    perishes = written(plan(), TRIED.assign(wasted=[0.1, 0.02]))
    assert "wasted" in [column.name for column in perishes.sections[-1].columns]
