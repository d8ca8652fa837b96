"""The trading company's forecast of demand, by item and week. All items together: `trading_total_forecast.py`."""

import pandas as pd

from s2p_assets.columns import Day, Number, Row, Text, Whole, code, day, number, text, whole
from s2p_assets.learning.forecasting.forecasts import foresee
from s2p_assets.learning.forecasting.lineage import under_forecast
from s2p_assets.learning.versions import Champion
from s2p_assets.warehouse.table import table

HISTORY = ("demand_features.units", "demand_features.censored", "demand_features.unit_price")


class DemandForecast(Row):
    """The expected demand for one item in one coming week, in units."""

    sku: Text = code(says="The article's number", of="demand_features.sku")
    week: Day = day(says="Monday of the week", of="demand_features.week")
    step: Whole = whole(says="Weeks ahead; 1 is the first that is not known", of="demand_features.week", ge=1)
    mean: Number = number(says="Expected demand, in units", of=HISTORY, ge=0)
    deviation: Number = number(
        says="Standard deviation of the last year's weeks, for ranges of several weeks together", of=HISTORY, ge=0
    )
    q10: Number = number(says="Demand is below this in 1 week of 10", of=HISTORY, ge=0)
    q50: Number = number(says="Demand is below this in every other week", of=HISTORY, ge=0)
    q90: Number = number(says="Demand is above this in 1 week of 10", of=HISTORY, ge=0)
    life: Text = text(
        says="`new`: never sold, so forecast from how its peers began; `ended`: silent too long, so none is expected",
        optional=True,
        of="demand_features.units",
    )
    peers: Text = text(
        says="Of a `new` one, the articles whose first weeks it is forecast from",
        optional=True,
        of="demand_features.units",
    )
    model: Text = text(says="The champion model that made it", of="demand_features.units")
    model_version: Text = code(says="The version of that model", of="demand_features.units")


LINEAGE = under_forecast("demand_features", entity="sku", week="week", target="units")


@table(rows=DemandForecast, key=("sku", "week"), owner="planning@example.com", under=LINEAGE)
def demand_forecast(demand_features: pd.DataFrame, demand_champion: Champion) -> pd.DataFrame:
    """The demand expected in the next eight weeks: one row per item and week, with the range it will probably be in."""
    return foresee(demand_champion, demand_features)
