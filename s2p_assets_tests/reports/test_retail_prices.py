"""Promises of the letter on prices: each change beside what was before, its effect on the margin, and losses named."""

import pandas as pd
import pytest

from s2p_assets.contracts.derivation import NotYet
from s2p_assets.contracts.report import Document
from s2p_assets.publishing.document.wording import fill_in_currency
from s2p_assets.reports.retail_prices import prices

OLD, NEW = pd.Timestamp("2026-07-01"), pd.Timestamp("2026-11-02")
MONDAY = pd.Timestamp("2026-11-09")


def version(sku: str, begins: pd.Timestamp, msrp: float, t2: float, cost: float, **more: object) -> dict[str, object]:
    rest = {"description": sku.title(), "supplier": "Ace", "pack_size": 12, "minimum_order": 12, "lead_time_days": 14}
    prices = {"msrp": msrp, "t2_cost": t2, "item_cost": cost}
    return {"sku": sku, "valid_from": begins, "is_current": False, **rest, **prices, **more}


PRODUCTS = pd.DataFrame(
    [
        version("lamp", OLD, 20.0, 12.0, 8.0),
        version("lamp", NEW, 22.0, 12.0, 9.0, is_current=True),
        version("mop", OLD, 10.0, 6.0, 5.0),
        version("mop", NEW, 10.0, 6.0, 7.0, is_current=True),
        version("nail", OLD, 1.0, 0.6, 0.4),
        version("nail", NEW, 1.0, 0.6, 0.4, is_current=True, pack_size=100),
        version("oven", NEW, 90.0, 70.0, 50.0, is_current=True),
        version("pan", OLD, 30.0, 20.0, 10.0, is_current=True),
    ]
)
WEEKS = pd.date_range(end=MONDAY, periods=10, freq="7D")
DEMAND = pd.concat(
    pd.DataFrame({"sku": sku, "week": WEEKS, "retail_units": retail, "wholesale_units": trade, "units": retail + trade})
    for sku, retail, trade in (("lamp", 10.0, 5.0), ("mop", 4.0, 2.0), ("pan", 1.0, 0.0))
)


def written(products: pd.DataFrame = PRODUCTS, demand: pd.DataFrame = DEMAND) -> Document:
    return fill_in_currency(prices.build(products=products, demand=demand), "EUR")


def table(document: Document, title: str) -> pd.DataFrame:
    frame = next(section.frame for section in document.sections if section.title == title)
    assert frame is not None
    return frame


def test_the_margin_effect_is_the_change_in_margin_of_each_channel_times_what_it_sells() -> None:
    changed = table(written(), "What changed").set_index("sku")
    assert changed.loc["lamp", "effect"] == pytest.approx(10 * (2 - 1) + 5 * (0 - 1))
    assert changed.loc["mop", "effect"] == pytest.approx(-2 * (4 + 2))
    assert list(changed.loc["lamp", ["msrp_before", "msrp"]]) == [20.0, 22.0]


def test_the_largest_effect_comes_first_whether_gain_or_loss() -> None:
    assert list(table(written(), "What changed")["sku"]) == ["mop", "lamp"]


def test_the_headline_says_what_the_list_does_to_the_margin() -> None:
    assert written().headline == (
        "The price list of 2 Nov 2026 changes prices or costs of 2 SKUs: €7.00 less margin a week at current volumes. "
        "1 SKU is sold below cost."
    )


def test_a_sku_that_a_dealer_gets_below_cost_is_named_with_its_loss() -> None:
    below = table(written(), "Sold below cost")
    assert below[["sku", "lost"]].values.tolist() == [["mop", 2.0]]


def test_other_terms_and_new_skus_are_listed_apart_and_only_when_there_are_any() -> None:
    assert list(table(written(), "Other terms changed")["sku"]) == ["nail"]
    assert list(table(written(), "New on the list")["sku"]) == ["oven"]
    plain = written(PRODUCTS[PRODUCTS["sku"].isin(["lamp", "mop"])])
    assert not {"Other terms changed", "New on the list"} & {section.title for section in plain.sections}


def test_volumes_are_those_of_the_last_eight_weeks() -> None:
    older = DEMAND.assign(
        retail_units=DEMAND["retail_units"].where(DEMAND["week"] > MONDAY - pd.Timedelta(weeks=8), 99)
    )
    assert table(written(demand=older), "What changed").equals(table(written(), "What changed"))


def test_without_sales_changes_are_told_without_an_effect() -> None:
    document = written(demand=DEMAND.head(0))
    assert "margin a week" not in document.headline
    assert [figure.value for figure in document.figures if figure.label.startswith("Margin")] == [None]
    assert len(table(document, "What changed")) == 2


def test_a_first_price_list_changes_nothing() -> None:
    document = written(PRODUCTS[PRODUCTS["valid_from"] == OLD])
    assert "of 0 SKUs" in document.headline
    assert table(document, "What changed").empty


def test_without_a_price_list_there_is_no_letter() -> None:
    with pytest.raises(NotYet):
        written(PRODUCTS.head(0))


OFFER = [
    version("lamp", OLD, 20.0, 12.0, 8.0),
    version("lamp", NEW, 15.0, 12.0, 8.0),
    version("lamp", NEW + pd.Timedelta(days=14), 20.0, 12.0, 8.0, is_current=True),
]


def test_the_end_of_an_offer_is_no_list_price_that_went_up() -> None:
    letter = written(pd.DataFrame(OFFER))
    assert letter.headline == (
        "The price list of 16 Nov 2026 ends the offers on 1 SKU: €50.00 more margin a week at current volumes. "
        "List prices stay. No SKU is sold below cost."
    )
    assert table(letter, "What changed").empty
    assert list(table(letter, "Offers that end")["sku"]) == ["lamp"]
    lines = table(letter, "Price lists of the last year").set_index("valid_from")
    moves = lines[["skus", "offer_begins", "offer_ends"]].T
    assert list(moves[NEW]) == [0, 1, 0]
    assert list(moves[NEW + pd.Timedelta(days=14)]) == [0, 0, 1]


@pytest.mark.parametrize(
    "last",
    [
        version("lamp", NEW + pd.Timedelta(days=14), 21.0, 12.0, 8.0),
        version("lamp", NEW + pd.Timedelta(days=14), 20.0, 12.0, 9.0),
        version("lamp", NEW + pd.Timedelta(days=120), 20.0, 12.0, 8.0),
    ],
    ids=["another price", "another cost", "months later"],
)
def test_a_price_that_comes_back_otherwise_or_late_is_a_new_list_price(last: dict[str, object]) -> None:
    letter = written(pd.DataFrame([*OFFER[:2], last | {"is_current": True}]))
    assert list(table(letter, "What changed")["sku"]) == ["lamp"]
    assert "offers" not in letter.headline


def test_a_list_that_changes_prices_and_ends_offers_says_both() -> None:
    day = NEW + pd.Timedelta(days=14)
    mop = [version("mop", OLD, 10.0, 6.0, 5.0), version("mop", day, 11.0, 6.0, 5.0, is_current=True)]
    assert written(pd.DataFrame([*OFFER, *mop])).headline.startswith(
        "The price list of 16 Nov 2026 changes prices or costs of 1 SKU: €4.00 more margin a week at current volumes; "
        "it ends the offers on 1 SKU: €50.00 more margin"
    )
