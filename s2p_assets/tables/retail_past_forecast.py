"""Past weeks as the model would have forecast them, beside sales. Next weeks: `retail_total_forecast.py`."""

import pandas as pd

from s2p_assets.columns import Day, Number, Row, Text, Whole, code, day, number, text, whole
from s2p_assets.learning.forecasting.forecasts import foreseen_totals
from s2p_assets.learning.versions import Champion
from s2p_assets.lineage import UnderEach, on_day, until_day
from s2p_assets.warehouse.table import table

UNITS = "demand_features.units"


class TotalBacktest(Row):
    """One past week as forecast from the data up to a cutoff, all SKUs together."""

    week: Day = day(says="Monday of the week", of="demand_features.week")
    cutoff: Day = day(says="Monday of the last week that was known to the forecast", of="demand_features.week")
    step: Whole = whole(says="Weeks from the cutoff", of="demand_features.week", ge=1)
    actual: Number = number(says="Units sold in the week, less returns", of=UNITS)
    mean: Number = number(says="Units that would have been expected", of=UNITS, ge=0)
    q10: Number = number(says="Below this in 1 week of 10; none for the oldest cutoff", optional=True, of=UNITS, ge=0)
    q50: Number = number(says="Below this in every other week", optional=True, of=UNITS, ge=0)
    q90: Number = number(says="Above this in 1 week of 10", optional=True, of=UNITS, ge=0)
    model: Text = text(says="The champion model that was tested", of=UNITS)
    model_version: Text = code(says="The version of that model", of=UNITS)


LINEAGE: UnderEach = {
    "demand_features": until_day("week", "cutoff"),
    ("actual", "demand_features"): on_day("week", "week"),
    ("week", "demand_features"): on_day("week", "week"),
}


@table(rows=TotalBacktest, key=("week", "cutoff"), owner="planning@example.com", under=LINEAGE)
def past_forecast(demand_champion: Champion) -> pd.DataFrame:
    """What today's champion would have forecast for past weeks: one row per week and cutoff, all SKUs together.

    These are no forecasts that were published then: today's model is fitted on the data up to each cutoff.
    """
    return foreseen_totals(demand_champion)
