"""The champion's forecast of demand, by SKU and week. What to order is in `retail_reorder_plan.py`."""

import pandas as pd

from s2p_assets import (
    Champion,
    Code,
    Date,
    ForecastTask,
    Integer,
    LineageRule,
    LineageRules,
    Number,
    Row,
    Text,
    column,
    forecast_lineage,
    forecast_series,
    last_target_time,
    order_choice,
    order_means,
    range_notes,
    table,
)

HISTORY = (
    "demand_features.units",
    "demand_features.censored",
    "demand_features.plausible_units",
    "demand_features.unit_price",
)


class DemandForecast(Row):
    """The expected demand for one SKU in one coming week, in units."""

    sku: Code = column(description="The article's number", derived_from="demand_features.sku")
    week: Date = column(description="Monday of the week", derived_from="demand_features.week")
    step: Integer = column(
        description="Weeks ahead; 1 is the first that is not known", derived_from="demand_features.week", ge=1
    )
    mean: Number = column(description="Expected demand, in units", derived_from=HISTORY, ge=0)
    order_mean: Number = column(
        description="Expected demand that orders follow from, in units: the mean, or what another model expects "
        "where its orders would have served better in past weeks",
        derived_from=(*HISTORY, "order_backtest.serves"),
        ge=0,
    )
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


LINEAGE: LineageRules = {
    **forecast_lineage("demand_features", entity="sku", week="week", target="units"),
    "order_backtest": LineageRule("serves"),
}


@table(rows=DemandForecast, key=("sku", "week"), owner="planning@example.com", lineage=LINEAGE)
def demand_forecast(
    demand_features: pd.DataFrame, demand_champion: Champion, products: pd.DataFrame, order_backtest: pd.DataFrame
) -> pd.DataFrame:
    """The demand expected in the next eight weeks: one row per SKU and week, with a range.

    The range is as wide as the champion's errors were in its backtests. An article new on the price list is forecast
    from how those of its category and price began; one without sales for long counts as discontinued.
    """
    listed = _not_sold_yet(products, demand_features, demand_champion.task)
    rows = forecast_series(demand_champion, demand_features, listed=listed, levels=(0.1, 0.5, 0.9))
    ordered_by = order_choice(order_backtest)
    rows["order_mean"] = order_means(demand_champion, demand_features, rows, ordered_by)
    return rows.assign(range_note=range_notes(rows))


def _not_sold_yet(products: pd.DataFrame, demand_features: pd.DataFrame, task: ForecastTask) -> pd.DataFrame:
    """The articles that `lifecycle.forecast_new_entities` can tell of: sku, category and unit_price of those without
    any week.

    Listed first within the quarter before the last known week, or later: what stood on the list for longer and never
    sold is not about to begin.
    """
    began = products.groupby("sku")["valid_from"].min()
    since = last_target_time(demand_features, task) - pd.Timedelta(days=91)
    new = began.index[(pd.to_datetime(began) > since) & ~began.index.isin(demand_features["sku"])]
    newest = products.sort_values("valid_from", kind="stable").drop_duplicates("sku", keep="last")
    rows = newest.loc[newest["sku"].isin(new), ["sku", "category", "msrp"]]
    return rows.rename(columns={"msrp": str(task.price)}).reset_index(drop=True)
