"""The trading company's weekly letter: what was sold and returned, where and to whom, and what is expected.

How it is rendered belongs to `publishing`; the numbers themselves are made by the trading tables and models.
"""

from dataclasses import replace
from typing import Any

import pandas as pd

from s2p_assets.learning.forecasting.demand import week_of, weekly_panel
from s2p_assets.publishing import weekly
from s2p_assets.publishing.comparison import at, change, totals
from s2p_assets.publishing.report import Basis, Chart, Document, Field, Figure, ReportColumn, Section, report
from s2p_assets.publishing.wording import counted, share, short_day

WEEKS = 4
WEEKS_OF_RETURNS = 13
MANY_RETURNS = 0.1
BAND = (
    "The forecast adds up what every item is expected to sell. In eight weeks of ten, total sales should lie in the "
    "shaded band, which is as wide as the errors of forecasts made for the past year."
)
NOTES = (
    "Units sold are net: units returned are taken off in the week in which they came back.",
    "Revenue is units at the list price less the discount of each line; the price list is not dated, so today's "
    "prices are taken for all years.",
    "The forecast takes a week in which more of an item came back than was sold as a week without sales.",
    weekly.YEAR_EARLIER,
)


@report(title="Weekly sales outlook", owner="management@example.com")
def weekly_outlook(
    sales: pd.DataFrame,
    customers: pd.DataFrame,
    products: pd.DataFrame,
    demand: pd.DataFrame,
    demand_forecast: pd.DataFrame,
    total_forecast: pd.DataFrame,
) -> Document:
    """The week's sales and returns against earlier ones, by channel, country and customer, and the forecast.

    One edition per week of sales; made again whenever sales, customers, prices or the forecast change.
    """
    week = demand["week"].max()
    as_of = week + pd.Timedelta(days=6)
    units = totals(demand, period="week", value="units")
    ahead = weekly.total_of(total_forecast)
    lines = _lines(sales[sales["sold_on"] <= as_of], customers)
    return Document(
        title="Weekly sales outlook",
        as_of=as_of.date(),
        headline=f"{weekly.sold_in_words(units, week)} {_returned_in_words(lines, week)}",
        figures=(
            weekly.units_sold(units, week, of="demand.units"),
            weekly.revenue(demand, week, by="sku", item="item", of="demand.revenue"),
            _returned(lines, week),
            _year_so_far(sales, as_of),
            weekly.expected(units, ahead, week, of="total_forecast.mean"),
        ),
        sections=(
            weekly.outlook(units, ahead, week, says=BAND, band_title="80 % band"),
            weekly.channels(_by_week(lines, "channel", week), week, of={}),
            _by_country(lines, week),
            _by_customer(lines, week),
            *_movers(demand, week, products),
            _most_expected(demand, demand_forecast, week, products),
            _most_returned(lines, week, products),
        ),
        notes=(*weekly.made_by(total_forecast), *NOTES),
    )


def _lines(sales: pd.DataFrame, customers: pd.DataFrame) -> pd.DataFrame:
    """Each line of an invoice or return with its week, its customer, and the units sold (net) and returned."""
    buyers = customers.set_index("customer_id")
    return pd.DataFrame(
        {
            "sku": sales["item_code"],
            "week": week_of(sales["sold_on"]),
            "customer": sales["customer_id"].map(buyers["customer_name"]).fillna(sales["customer_id"]),
            "country": sales["customer_id"].map(buyers["country"]).fillna("not known"),
            "channel": sales["customer_id"].map(buyers["channel"]).fillna("not known"),
            "units": sales["quantity"].astype("float64"),
            "returned": -sales["quantity"].clip(upper=0).astype("float64"),
        }
    )


def _by_week(lines: pd.DataFrame, by: str, week: pd.Timestamp) -> pd.DataFrame:
    return weekly_panel(lines, key=by, quantities=["units", "returned"], until=week)


def _returned(lines: pd.DataFrame, week: pd.Timestamp) -> Figure:
    returned = totals(lines, period="week", value="returned")
    return Figure(
        "Units returned in that week",
        at(returned, week) or 0.0,
        "whole",
        further=weekly.against(returned, week),
        better="lower",
        note=f"{share(_share_returned(lines[lines['week'] == week]))} of the units that went out",
        of=(Basis("sales.quantity", {"sold_on": slice(week, week + weekly.WEEK - pd.Timedelta(days=1))}),),
    )


def _returned_in_words(lines: pd.DataFrame, week: pd.Timestamp) -> str:
    returned = lines.loc[lines["week"] == week, "returned"].sum()
    return f"{counted(round(returned), 'unit')} came back." if returned else "Nothing came back."


def _share_returned(lines: pd.DataFrame) -> float:
    went_out = float((lines["units"] + lines["returned"]).sum())
    return float(lines["returned"].sum()) / went_out if went_out else 0.0


def _year_so_far(sales: pd.DataFrame, as_of: pd.Timestamp) -> Figure:
    """Net units from 1 January to the last day of the report, against the same days of the year before."""
    now, before = (_units_of_year(sales, last) for last in (as_of, as_of - pd.DateOffset(years=1)))
    return Figure(
        f"Units sold this year, to {short_day(as_of)}",
        now,
        "whole",
        change=change(now, before),
        than=f"the same days of {as_of.year - 1}",
        better="higher",
        of=(Basis("sales.quantity", {"sold_on": slice(pd.Timestamp(as_of.year, 1, 1), as_of)}),),
    )


def _units_of_year(sales: pd.DataFrame, last: pd.Timestamp) -> float:
    return float(sales.loc[sales["sold_on"].between(pd.Timestamp(last.year, 1, 1), last), "quantity"].sum())


def _by_country(lines: pd.DataFrame, week: pd.Timestamp) -> Section:
    frame = _compared(lines, "country", week)
    return Section(
        title="Sales by country",
        says=f"Units of the last {WEEKS} weeks, against the {WEEKS} weeks before and the same weeks a year earlier.",
        frame=frame,
        columns=(ReportColumn("country", "Country"), *weekly.comparison_columns(week, None, WEEKS)),
        chart=Chart(
            "bar",
            "country",
            ("now", "before"),
            f"Units of {WEEKS} weeks, the ten largest countries",
            frame=frame.head(10),
            format="whole",
        ),
    )


def _by_customer(lines: pd.DataFrame, week: pd.Timestamp) -> Section:
    frame = _compared(lines, "customer", week)
    recent = lines[lines["week"] > week - WEEKS * weekly.WEEK]
    frame["returned"] = frame["customer"].map(recent.groupby("customer")["returned"].sum()).fillna(0.0)
    returned = ReportColumn("returned", "Sent back", "whole")
    return Section(
        title="Sales by customer",
        says=f"Units of the last {WEEKS} weeks; what the customer sent back in them is taken off.",
        frame=frame,
        columns=(ReportColumn("customer", "Customer"), *weekly.comparison_columns(week, None, WEEKS), returned),
    )


def _compared(lines: pd.DataFrame, by: str, week: pd.Timestamp) -> pd.DataFrame:
    frame = weekly.compared(_by_week(lines, by, week), week, by=by, value="units", weeks=WEEKS)
    return frame.sort_values(["now", by], ascending=[False, True]).reset_index(drop=True)


def _movers(demand: pd.DataFrame, week: pd.Timestamp, products: pd.DataFrame) -> tuple[Section, Section]:
    moved = weekly.moves(demand, week, by="sku", value="units")
    named = (ReportColumn("sku", "Item", "code"), ReportColumn("description", "Description"))
    rows = moved.rows.assign(description=_described(moved.rows["sku"], products))
    of = Basis("demand.units", {"sku": Field("sku")})
    return weekly.moved_most(replace(moved, rows=rows), item="item", of=of, named=named)


def _most_expected(demand: pd.DataFrame, forecast: pd.DataFrame, week: pd.Timestamp, products: pd.DataFrame) -> Section:
    spans = {
        "last": (demand, "units", week - (WEEKS - 1) * weekly.WEEK),
        "coming": (forecast, "mean", week + weekly.WEEK),
    }
    spans["year_before"] = (demand, "units", week + weekly.WEEK - weekly.YEAR)
    sums = {name: _sum_from(rows, value, first) for name, (rows, value, first) in spans.items()}
    frame = pd.DataFrame(sums).rename_axis("sku").reset_index()
    frame["description"] = _described(frame["sku"], products)
    frame = frame[frame["coming"].notna()].sort_values(["coming", "sku"], ascending=[False, True])
    return Section(
        title="What is expected to sell most",
        says=f"Units of the next {WEEKS} weeks, against the last {WEEKS} and the same weeks a year earlier.",
        frame=frame.head(weekly.ROWS_OF_MOVERS).reset_index(drop=True),
        columns=(
            ReportColumn("sku", "Item", "code"),
            ReportColumn("description", "Description"),
            ReportColumn("coming", f"Next {WEEKS} weeks", "whole"),
            ReportColumn("last", f"Last {WEEKS} weeks", "whole"),
            ReportColumn("year_before", "Year earlier", "whole"),
        ),
    )


def _sum_from(rows: pd.DataFrame, value: str, first: pd.Timestamp) -> "pd.Series[Any]":
    """The sum of `value` by item over the weeks from `first` on."""
    return totals(rows[rows["week"].between(first, first + (WEEKS - 1) * weekly.WEEK)], period="sku", value=value)


def _most_returned(lines: pd.DataFrame, week: pd.Timestamp, products: pd.DataFrame) -> Section:
    recent = lines[lines["week"] > week - WEEKS_OF_RETURNS * weekly.WEEK]
    frame = recent.groupby("sku", as_index=False, observed=True)[["units", "returned"]].sum()
    frame["went_out"] = frame["units"] + frame["returned"]
    frame["share"] = frame["returned"] / frame["went_out"].where(frame["went_out"] > 0)
    frame["description"] = _described(frame["sku"], products)
    frame = frame[frame["returned"] > 0].sort_values(["returned", "sku"], ascending=[False, True])
    return Section(
        title="What comes back most",
        says=f"Units returned in the last {WEEKS_OF_RETURNS} weeks, the items with most of them first.",
        frame=frame.head(weekly.ROWS_OF_MOVERS).reset_index(drop=True),
        columns=(
            ReportColumn("sku", "Item", "code"),
            ReportColumn("description", "Description"),
            ReportColumn("returned", "Returned", "whole"),
            ReportColumn("went_out", "Went out", "whole"),
            ReportColumn("share", "Share returned", "percent", highlight_above=MANY_RETURNS),
        ),
        when_empty="Nothing came back.",
    )


def _described(skus: "pd.Series[Any]", products: pd.DataFrame) -> "pd.Series[Any]":
    return skus.map(products.set_index("sku")["description"])
