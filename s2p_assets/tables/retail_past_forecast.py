"""What the forecast would have said of past weeks, beside what was sold. Weeks to come: `retail_total_forecast.py`."""

import pandas as pd

from s2p_assets.columns import Day, Number, Row, Text, Whole, code, day, number, text, whole
from s2p_assets.learning.forecasting.forecasts import foreseen_totals
from s2p_assets.learning.versions import Champion
from s2p_assets.shelves import Under, UnderEach
from s2p_assets.warehouse.table import table

UNITS = "demand_features.units"


class PastForecast(Row):
    """A week that is over, as it would have been foreseen from what was known at a cutoff, all SKUs together."""

    week: Day = day(says="Monday of the week", of="demand_features.week")
    cutoff: Day = day(says="Monday of the last week that was known to the forecast", of="demand_features.week")
    step: Whole = whole(says="Weeks from the cutoff", of="demand_features.week", ge=1)
    actual: Number = number(says="Units sold in the week, less returns", of=UNITS)
    mean: Number = number(says="Units that would have been expected", of=UNITS, ge=0)
    q10: Number = number(says="Below this in 1 week of 10; none for the oldest cutoff", optional=True, of=UNITS, ge=0)
    q50: Number = number(says="Below this in every other week", optional=True, of=UNITS, ge=0)
    q90: Number = number(says="Above this in 1 week of 10", optional=True, of=UNITS, ge=0)
    model: Text = text(says="The champion that was tested", of=UNITS)
    model_version: Text = code(says="Which version of it", of=UNITS)


UNDER: UnderEach = {
    "demand_features": Under("week <= this.cutoff"),
    ("actual", "demand_features"): Under("week = this.week"),
    ("week", "demand_features"): Under("week = this.week"),
}


@table(rows=PastForecast, key=("week", "cutoff"), owner="planning@example.com", under=UNDER)
def past_forecast(demand_champion: Champion) -> pd.DataFrame:
    """What the champion would have foreseen of past weeks, from what was known at each cutoff of its backtest.

    No forecast that was published then: the champion of today, fitted on what was known then.
    """
    return foreseen_totals(demand_champion)
