"""Weekly demand by SKU, known and foreseen: the rows of features and forecasts, and how such features are made.

How sales become weekly demand is in `demand.py`; whose demand it is, the shelves say.
"""

import pandas as pd

from s2p_assets.columns import (
    Day,
    Number,
    Row,
    Text,
    Whole,
    YesNo,
    code,
    day,
    money,
    number,
    percent,
    text,
    whole,
    yes_no,
)
from s2p_assets.learning.forecasting import lags
from s2p_assets.learning.forecasting.lifecycle import BETWEEN_PEERS
from s2p_assets.learning.forecasting.series import along, coming, last_told, panel, regular, uncensor
from s2p_assets.learning.model import Problem
from s2p_assets.shelves import Under, UnderEach

LAGS = (1, 2, 4, 8, 52)
SPANS = (4, 13)
KNOWN = ("demand.units", "demand.censored")
HISTORY = ("demand_features.units", "demand_features.censored", "demand_features.unit_price")


class DemandFeatures(Row):
    """A SKU in a week: what was sold, and what was known of its demand when the week began."""

    sku: Text = code(says="The article's number", of="demand.sku")
    week: Day = day(says="Monday of the week", of="demand.week")
    units: Number = number(says="Units sold in the week less returns, not below 0: what is forecast", of="demand.units")
    censored: YesNo = yes_no(says="Whether stock ran out, so that sales understate demand", of="demand.censored")
    unit_price: Number = money(says="List price in the week", optional=True, of="demand.unit_price")
    category: Text = text(says="Product group by then", optional=True, of="products.category")
    lag_1: Number = number(says="Demand 1 week before, in units", optional=True, of=KNOWN)
    lag_2: Number = number(says="Demand 2 weeks before, in units", optional=True, of=KNOWN)
    lag_4: Number = number(says="Demand 4 weeks before, in units", optional=True, of=KNOWN)
    lag_8: Number = number(says="Demand 8 weeks before, in units", optional=True, of=KNOWN)
    lag_52: Number = number(says="Demand 52 weeks before, in units", optional=True, of=KNOWN)
    mean_4: Number = number(says="Mean demand of the 4 weeks before", optional=True, of=KNOWN)
    mean_13: Number = number(says="Mean demand of the 13 weeks before", optional=True, of=KNOWN)
    std_4: Number = number(says="Standard deviation of the 4 weeks before", optional=True, of=KNOWN)
    std_13: Number = number(says="Standard deviation of the 13 weeks before", optional=True, of=KNOWN)
    zeros_13: Number = percent(says="Share of the 13 weeks before without any demand", optional=True, of=KNOWN)
    price_ratio: Number = number(
        says="Price of the week before over the mean of its 13 weeks", optional=True, of="demand.unit_price"
    )
    weeks_since_first_sale: Whole = whole(
        says="Whole weeks from the first sale to the week before", optional=True, of="demand.units"
    )


class DemandForecast(Row):
    """The demand for a SKU in a week to come, in the columns of `versions.foresee`."""

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
        says="`new`: never sold, so told by how its peers began; `ended`: silent too long, so none is expected",
        optional=True,
        of="demand_features.units",
    )
    peers: Text = text(
        says="Of a `new` one, the articles whose beginnings told it", optional=True, of="demand_features.units"
    )
    model: Text = text(says="The champion that made it", of="demand_features.units")
    model_version: Text = code(says="Which version of it", of="demand_features.units")


class TotalForecast(Row):
    """The demand for all SKUs together in a week to come, in the columns of `versions.foresee_total`."""

    week: Day = day(says="Monday of the week", of="demand_features.week")
    step: Whole = whole(says="Weeks ahead", of="demand_features.week", ge=1)
    mean: Number = number(says="Expected units, all added up", of="demand_features.units", ge=0)
    q10: Number = number(says="The total is below this in 1 week of 10", of="demand_features.units", ge=0)
    q50: Number = number(says="The total is below this in every other week", of="demand_features.units", ge=0)
    q90: Number = number(says="The total is above this in 1 week of 10", of="demand_features.units", ge=0)
    model: Text = text(says="The champion that made it", of="demand_features.units")
    model_version: Text = code(says="Which version of it", of="demand_features.units")


UNDER_FEATURES: UnderEach = {
    **{(f"lag_{weeks}", "demand"): Under(f"sku = this.sku and week = this.week - {7 * weeks}") for weeks in LAGS},
    **{
        (f"{statistic}_{weeks}", "demand"): Under(
            f"sku = this.sku and week < this.week and week >= this.week - {7 * weeks}"
        )
        for weeks in SPANS
        for statistic in ("mean", "std", "zeros")
        if f"{statistic}_{weeks}" != "zeros_4"
    },
    ("price_ratio", "demand"): Under("sku = this.sku and week < this.week and week >= this.week - 91"),
    ("weeks_since_first_sale", "demand"): Under("sku = this.sku and week < this.week"),
}
"""Which weeks lie under a feature of DemandFeatures, for tracing."""
LEARNED = "(week <= this.week - (7 * this.step)::int or week = this.week)"
BEGINNING = f"units is not null and lag_{Problem.horizon} is null"
PEERS = f"sku = any(string_to_array(this.peers, '{BETWEEN_PEERS}'))"
UNDER_FORECAST: UnderEach = {"demand_features": Under(f"(sku = this.sku and {LEARNED}) or ({PEERS} and {BEGINNING})")}
"""A forecast is made from all weeks that were known, and from what was known in advance of its own; that of a new
article from the first weeks of its peers."""
UNDER_TOTAL: UnderEach = {"demand_features": Under("units is not null")}
"""A forecast of the total is made from all weeks of all SKUs that are over."""


def not_sold_yet(products: pd.DataFrame, demand_features: pd.DataFrame, problem: Problem) -> pd.DataFrame:
    """The articles that `lifecycle.launches` can tell of: sku, category and unit_price of those without any week.

    `products`: versions as of `Product`. Listed first within the quarter before the last known week, or later: what
    stood on the list for longer and never sold is not about to begin.
    """
    began = products.groupby("sku")["valid_from"].min()
    since = last_told(demand_features, problem) - pd.Timedelta(days=91)
    new = began.index[(pd.to_datetime(began) > since) & ~began.index.isin(demand_features["sku"])]
    newest = products.sort_values("valid_from", kind="stable").drop_duplicates("sku", keep="last")
    rows = newest.loc[newest["sku"].isin(new), ["sku", "category", "msrp"]]
    return rows.rename(columns={"msrp": str(problem.price)}).reset_index(drop=True)


def weeks_to_come(rows: pd.DataFrame, problem: Problem) -> pd.DataFrame:
    """sku, week and censored (false) of the weeks of a horizon after the last of `rows`, for what is known of them."""
    weeks = pd.DataFrame({"week": coming(rows["week"].max(), problem.horizon, problem)})
    return rows[["sku"]].drop_duplicates().merge(weeks, how="cross").assign(censored=False)


def known_demand(demand: pd.DataFrame, problem: Problem) -> pd.DataFrame:
    """Demand by SKU and week, with what was known of it when the week began: nothing from the week itself or later.

    `demand`: sku, week, units, censored, unit_price, one row per (sku, week). Returns the columns of DemandFeatures
    but `category`; every week from a SKU's first row on is there, those without a row as 0 units. Censored weeks
    count in the features as `series.uncensor` estimates them. Raises TooLittleHistory or UnusableHistory.
    """
    sold = regular(demand[["sku", "week", "units", "censored", "unit_price"]], problem)
    units = lags.lag(panel(uncensor(sold, problem), problem).values, 1)
    price = lags.lag(lags.last_known(panel(sold, problem, "unit_price").values), 1)
    known = {f"lag_{weeks}": lags.lag(units, weeks - 1) for weeks in LAGS}
    known |= {f"mean_{weeks}": lags.moving_mean(units, weeks) for weeks in SPANS}
    known |= {f"std_{weeks}": lags.moving_std(units, weeks) for weeks in SPANS}
    known |= {"zeros_13": lags.share_of_zeros(units, 13), "price_ratio": lags.ratio_to_usual(price, 13)}
    known |= {"weeks_since_first_sale": lags.age(units)}
    rows = sold.assign(**{name: along(values, sold, problem) for name, values in known.items()})
    return rows.astype({"weeks_since_first_sale": "Int64"})
