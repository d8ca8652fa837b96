"""Past weeks as the model would have forecast them, beside sales. Next weeks: `retail_total_forecast.py`."""

from s2p_assets import (
    Champion,
    Code,
    Date,
    Frame,
    Integer,
    LineageRules,
    Number,
    Row,
    Text,
    backtest_totals,
    column,
    on_day,
    table,
    until_day,
)

UNITS = "demand_features.units"


class TotalBacktest(Row):
    """One past week as forecast from the data up to a cutoff, all SKUs together."""

    week: Date = column(description="Monday of the week", derived_from="demand_features.week")
    cutoff: Date = column(
        description="Monday of the last week that was known to the forecast", derived_from="demand_features.week"
    )
    step: Integer = column(description="Weeks from the cutoff", derived_from="demand_features.week", ge=1)
    actual: Number = column(description="Units sold in the week, less returns", derived_from=UNITS)
    mean: Number = column(description="Units that would have been expected", derived_from=UNITS, ge=0)
    q10: Number = column(
        description="Below this in 1 week of 10; none for the oldest cutoff", nullable=True, derived_from=UNITS, ge=0
    )
    q50: Number = column(description="Below this in every other week", nullable=True, derived_from=UNITS, ge=0)
    q90: Number = column(description="Above this in 1 week of 10", nullable=True, derived_from=UNITS, ge=0)
    model: Text = column(description="The champion model that was tested", derived_from=UNITS)
    model_version: Code = column(description="The version of that model", derived_from=UNITS)


LINEAGE: LineageRules = {
    "demand_features": until_day("week", "cutoff"),
    ("actual", "demand_features"): on_day("week", "week"),
    ("week", "demand_features"): on_day("week", "week"),
}


@table(rows=TotalBacktest, key=("week", "cutoff"), owner="planning@example.com", lineage=LINEAGE)
def total_backtest(demand_champion: Champion) -> Frame:
    """What today's champion would have forecast for past weeks: one row per week and cutoff, all SKUs together.

    These are no forecasts that were published then: today's model is fitted on the data up to each cutoff.
    """
    return backtest_totals(demand_champion)
