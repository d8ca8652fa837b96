"""What will be asked for, by SKU and week, as the champion foresees it. What to order is `retail_reorder_plan`."""

import pandas as pd

from s2p_assets.columns import Day, Number, Row, Text, Whole, code, day, number, text, whole
from s2p_assets.learning.versions import Champion, foresee
from s2p_assets.warehouse.table import table

HISTORY = ("demand_features.units", "demand_features.censored", "demand_features.unit_price")


class DemandForecast(Row):
    """The demand for a SKU in a week to come."""

    sku: Text = code(says="The company's own article number", of="demand_features.sku")
    week: Day = day(says="Monday of the week", of="demand_features.week")
    step: Whole = whole(says="Weeks ahead; 1 is the first that is not known", of="demand_features.week", ge=1)
    mean: Number = number(says="Expected demand, in units", of=HISTORY, ge=0)
    q10: Number = number(says="Demand is below this in 1 week of 10", of=HISTORY, ge=0)
    q50: Number = number(says="Demand is below this in every other week", of=HISTORY, ge=0)
    q90: Number = number(says="Demand is above this in 1 week of 10", of=HISTORY, ge=0)
    model: Text = text(says="The champion that made it", of="demand_features.units")
    model_version: Text = code(says="Which version of it", of="demand_features.units")


@table(rows=DemandForecast, key=("sku", "week"), owner="planning@example.com")
def demand_forecast(demand_features: pd.DataFrame, demand_champion: Champion) -> pd.DataFrame:
    """The demand for every SKU in the next eight weeks, with the range that it will probably be in.

    The range is as wide as the champion's errors were in its backtests.
    """
    return foresee(demand_champion, demand_features, levels=(0.1, 0.5, 0.9))
