"""Promises of beginnings and ends: the dead are forecast at zero and named, the slow live, the new begin as peers."""

from dataclasses import replace

import pandas as pd
import pytest

from s2p_assets.learning.forecasting.learnable import training_rows
from s2p_assets.learning.forecasting.lifecycle import forecast_new_entities, forecast_with_lifecycle
from s2p_assets.learning.forecasting.models.seasonal_naive import SeasonalNaive
from s2p_assets_tests.learning.histories import WEEKLY, weekly

PEERS = replace(WEEKLY, peers=("category",), price="unit_price")


def test_what_fell_silent_is_forecast_at_zero_and_says_so_and_a_slow_mover_goes_on() -> None:
    slow = ([0] * 19 + [1]) * 4 + [0] * 25
    history = weekly({"dead": [5] * 70 + [0] * 35, "lives": [5] * 105, "season": [9] * 80 + [0] * 25, "slow": slow})
    known = training_rows(history, WEEKLY)
    rows = forecast_with_lifecycle(SeasonalNaive().fit(known, WEEKLY), known, WEEKLY, 4).groupby("entity")
    assert rows["life"].first().to_dict() == {"dead": "ended", "lives": None, "season": None, "slow": None}
    assert rows["mean"].max()["dead"] == 0
    assert rows["mean"].max()["lives"] == 5


def begun(levels: dict[str, tuple[str, float, float]]) -> pd.DataFrame:
    """Series that begin in the 20th of 60 weeks, beside one from the start: (category, price, weekly units)."""
    rows = weekly({"old": [100] * 60})
    late = weekly({sku: [units] * 40 for sku, (_, _, units) in levels.items()})
    late["week"] = late["week"] + pd.Timedelta(weeks=20)
    rows = pd.concat([rows, late], ignore_index=True)
    kinds = {"old": ("Lamps", 10.0, 0.0)} | levels
    return rows.assign(
        category=rows["sku"].map(lambda sku: kinds[sku][0]), unit_price=rows["sku"].map(lambda sku: kinds[sku][1])
    )


def test_a_new_entity_begins_as_those_of_its_category_and_price_did() -> None:
    lamps: dict[str, tuple[str, float, float]] = {f"lamp {n}": ("Lamps", 10.0, 4.0) for n in range(4)}
    dear: dict[str, tuple[str, float, float]] = {f"dear {n}": ("Lamps", 1000.0, 1.0) for n in range(4)}
    chairs: dict[str, tuple[str, float, float]] = {f"chair {n}": ("Chairs", 10.0, 40.0) for n in range(4)}
    known = training_rows(begun(lamps | dear | chairs), PEERS)
    listed = pd.DataFrame(
        {"sku": ["cheap", "dear", "seat"], "category": ["Lamps", "Lamps", "Chairs"], "unit_price": [10.0, 1000.0, None]}
    )
    means = forecast_new_entities(known, listed, PEERS, 8).set_index("entity")["mean"]
    assert means["cheap"] == pytest.approx(4, abs=0.05)
    assert means["dear"] == pytest.approx(1, abs=0.05)
    assert means["seat"] == 40


def test_without_enough_peers_nothing_is_made_up() -> None:
    known = training_rows(begun({"lamp": ("Lamps", 10.0, 4.0)}), PEERS)
    listed = pd.DataFrame({"sku": ["new"], "category": ["Lamps"], "unit_price": [10.0]})
    assert forecast_new_entities(known, listed, PEERS, 8).empty


def test_without_a_category_all_that_began_are_peers() -> None:
    begins: dict[str, tuple[str, float, float]] = {f"any {n}": (str(n), 10.0, 4.0) for n in range(4)}
    known = training_rows(begun(begins), WEEKLY)
    assert forecast_new_entities(known, pd.DataFrame({"sku": ["new"]}), WEEKLY, 8)["mean"].tolist() == [4]
