"""The trading company's forecast of demand, by item and week. All items together: `trading_total_forecast.py`."""

from s2p_assets import (
    Champion,
    Code,
    Date,
    Frame,
    Integer,
    Number,
    Row,
    Text,
    column,
    forecast_lineage,
    forecast_series,
    range_notes,
    table,
)

HISTORY = ("demand_features.units", "demand_features.censored", "demand_features.unit_price")


class DemandForecast(Row):
    """The expected demand for one item in one coming week, in units."""

    sku: Code = column(description="The article's number", derived_from="demand_features.sku")
    week: Date = column(description="Monday of the week", derived_from="demand_features.week")
    step: Integer = column(
        description="Weeks ahead; 1 is the first that is not known", derived_from="demand_features.week", ge=1
    )
    mean: Number = column(description="Expected demand, in units", derived_from=HISTORY, ge=0)
    deviation: Number = column(
        description="Standard deviation of the last year's weeks, for ranges of several weeks together",
        derived_from=HISTORY,
        ge=0,
    )
    q10: Number = column(description="Demand is below this in 1 week of 10", derived_from=HISTORY, ge=0)
    q50: Number = column(description="Demand is below this in every other week", derived_from=HISTORY, ge=0)
    q90: Number = column(description="Demand is above this in 1 week of 10", derived_from=HISTORY, ge=0)
    life: Text = column(
        description="`new`: never sold, so forecast from how its peers began; `ended`: silent too long, so none "
        "is expected; `seasonal`: sells at one time of the year alone, and is expected then as it sold then",
        nullable=True,
        derived_from="demand_features.units",
    )
    peers: Text = column(
        description="Of a `new` one, the articles whose first weeks it is forecast from",
        nullable=True,
        derived_from="demand_features.units",
    )
    range_note: Text = column(
        description="Why the range has no width, such as `too few weeks to say`; none where it has one",
        nullable=True,
        derived_from="demand_features.units",
    )
    basis: Text = column(
        description="Why it is forecast as it is: which forecasters count most for it, by what they erred",
        nullable=True,
        derived_from="demand_features.units",
    )
    model: Text = column(description="The champion model that made it", derived_from="demand_features.units")
    model_version: Code = column(description="The version of that model", derived_from="demand_features.units")


LINEAGE = forecast_lineage("demand_features", entity="sku", week="week", target="units")


@table(rows=DemandForecast, key=("sku", "week"), owner="planning@example.com", lineage=LINEAGE)
def demand_forecast(demand_features: Frame, demand_champion: Champion) -> Frame:
    """The demand expected in the next eight weeks: one row per item and week, with the range it will probably be in."""
    rows = forecast_series(demand_champion, demand_features)
    return rows.assign(range_note=range_notes(rows))
