"""The weekly letter to the management: what was sold, what is expected, what runs out, what to order.

How it is rendered belongs to `publishing`; the numbers themselves are made by the retail tables and models.
"""

import datetime as dt
from dataclasses import replace
from typing import Any

import pandas as pd

from s2p_assets.publishing import weekly
from s2p_assets.publishing.comparison import totals
from s2p_assets.publishing.report import Basis, Chart, Document, Field, Figure, ReportColumn, Section, report
from s2p_assets.publishing.wording import counted, short_day
from s2p_assets.shelves import NotYet

ROWS_RUNNING_OUT = 25
OF_SUPPLIER = (Basis("reorder_plan.order_quantity", {"supplier": Field("supplier")}),)
COST_OF_SUPPLIER = (Basis("reorder_plan.order_cost", {"supplier": Field("supplier")}),)
DAYS_SHORT = tuple(Basis(f"reorder_plan.{name}", {"sku": Field("sku")}) for name in ("lead_time_days", "days_of_cover"))
CHANNELS = {"retail_units": "Retail", "wholesale_units": "Wholesale"}
UNITS_OF_CHANNEL = {name: f"demand.{column}" for column, name in CHANNELS.items()}


@report(title="Weekly sales and stock outlook", owner="management@example.com")
def weekly_outlook(
    demand: pd.DataFrame,
    demand_forecast: pd.DataFrame,
    reorder_plan: pd.DataFrame,
    products: pd.DataFrame,
    stock_position: pd.DataFrame,
) -> Document:
    """The week's sales against the week before and the year before, the forecast, what runs out, and what to order.

    One edition per week of sales; made again whenever sales, stock, prices or the forecast change.
    """
    demand = demand[demand["week"].notna()].assign(week=lambda rows: pd.to_datetime(rows["week"]))
    week = _last_week(demand, stock_position)
    ahead = demand_forecast.assign(week=pd.to_datetime(demand_forecast["week"]))
    ahead = ahead[ahead["week"] > week]
    running_out = _running_out(reorder_plan)
    orders = _orders(reorder_plan)
    units = totals(demand, period="week", value="units")
    forecast = weekly.forecast_totals(ahead, by="sku")
    return Document(
        title="Weekly sales and stock outlook",
        as_of=(week + weekly.WEEK).date() - dt.timedelta(days=1),
        headline=f"{weekly.sold_in_words(units, week)} {_stock_in_words(reorder_plan, running_out, orders)}",
        figures=(
            weekly.units_sold(units, week, of="demand.units"),
            weekly.revenue(demand, week, by="sku", item="SKU", of="demand.revenue"),
            weekly.expected(units, forecast, week, of="demand_forecast.mean"),
            _stock_value(stock_position, products),
            _order_value(reorder_plan, orders),
            _run_out(reorder_plan, running_out),
        ),
        sections=(
            weekly.outlook(
                units,
                forecast,
                week,
                says=weekly.added_up(ahead, by="sku", item="SKU"),
                band_title="80 % bands of all SKUs, added up",
            ),
            weekly.channels(_by_channel(demand), week, of=UNITS_OF_CHANNEL),
            *_movers(demand, week, products),
            _runs_out_first(reorder_plan, running_out),
            *_order_list(reorder_plan, orders),
        ),
        notes=_notes(demand, ahead, week, stock_position),
    )


def _last_week(demand: pd.DataFrame, stock_position: pd.DataFrame) -> pd.Timestamp:
    """The Monday of the last week with sales; without any, of the week of the last stock count."""
    newest = demand.loc[demand["units"].notna(), "week"].max()
    if pd.isna(newest):
        counted_on = pd.to_datetime(stock_position["counted_on"]).max()
        if pd.isna(counted_on):
            raise NotYet("no week of sales and no stock count: there is nothing to report on yet")
        newest = counted_on.normalize() - pd.Timedelta(days=counted_on.weekday())
    return pd.Timestamp(newest)


def _running_out(plan: pd.DataFrame) -> pd.DataFrame:
    """The SKUs whose stock ends before an order placed now would arrive, the most urgent first."""
    plan = plan.assign(days_short=plan["lead_time_days"].astype("float64") - plan["days_of_cover"].astype("float64"))
    return plan[plan["days_short"] > 0].sort_values(["runs_out_on", "sku"]).reset_index(drop=True)


def _orders(plan: pd.DataFrame) -> pd.DataFrame:
    """What is to be ordered, by supplier, the dearest first."""
    orders = plan[plan["order_quantity"].fillna(0) > 0]
    orders = orders.assign(supplier=orders["supplier"].fillna("Supplier not known"))
    return orders.sort_values(["supplier", "order_cost"], ascending=[True, False]).reset_index(drop=True)


def _stock_in_words(plan: pd.DataFrame, running_out: pd.DataFrame, orders: pd.DataFrame) -> str:
    if plan.empty:
        return "There is no re-order plan yet."
    short, ordered = len(running_out), len(orders)
    ends = f"{counted(short, 'SKU')} {'runs' if short == 1 else 'run'} out before a new order could arrive"
    return f"{ends}; {counted(ordered, 'SKU')} {'is' if ordered == 1 else 'are'} to be ordered."


def _stock_value(stock: pd.DataFrame, products: pd.DataFrame) -> Figure:
    costs = _current(products).set_index("sku")["item_cost"]
    on_hand = stock.assign(value=stock["on_hand"].clip(lower=0).astype("float64") * stock["sku"].map(costs))
    unknown = int((on_hand["value"].isna() & (on_hand["on_hand"] > 0)).sum())
    return Figure(
        "Stock on hand, at cost",
        _sum(on_hand["value"]),
        "money",
        note=f"without {counted(unknown, 'SKU')} of unknown cost" if unknown else "",
        of=(Basis("stock_position.on_hand"), Basis("products.item_cost", {"is_current": True})),
    )


def _order_value(plan: pd.DataFrame, orders: pd.DataFrame) -> Figure:
    unknown = int(orders["order_cost"].isna().sum())
    to_order = f"{counted(len(orders), 'SKU')} to order" + (f", {unknown} without a known cost" if unknown else "")
    value = _sum(orders["order_cost"]) if len(orders) else 0.0
    note = "no re-order plan yet" if plan.empty else to_order
    of = (Basis("reorder_plan.order_cost"),)
    return Figure("Open re-order value", None if plan.empty else value, "money", note=note, of=of)


def _run_out(plan: pd.DataFrame, running_out: pd.DataFrame) -> Figure:
    note = "no re-order plan yet" if plan.empty else f"of {counted(len(plan), 'SKU')} in the plan"
    of = tuple(Basis(f"reorder_plan.{name}") for name in ("days_of_cover", "lead_time_days"))
    return Figure("Run out within lead time", None if plan.empty else len(running_out), "whole", note=note, of=of)


def _sum(values: "pd.Series[Any]") -> float | None:
    total = values.astype("float64").sum(min_count=1)
    return None if pd.isna(total) else float(total)


def _current(products: pd.DataFrame) -> pd.DataFrame:
    """One row per SKU: the current one."""
    return products[products["is_current"].fillna(False).astype(bool)].drop_duplicates("sku", keep="last")


def _by_channel(demand: pd.DataFrame) -> pd.DataFrame:
    """Units by channel and week, as rows."""
    renamed = demand[["week", *CHANNELS]].rename(columns=CHANNELS)
    return renamed.melt(id_vars="week", var_name="channel", value_name="units")


def _movers(demand: pd.DataFrame, week: pd.Timestamp, products: pd.DataFrame) -> tuple[Section, Section]:
    moved = weekly.moves(demand, week, by="sku", value="units")
    is_out = demand["week"].isin(moved.now) & demand["censored"].fillna(False).astype(bool)
    skus = moved.rows["sku"]
    rows = moved.rows.assign(
        description=skus.map(_current(products).set_index("sku")["description"]),
        weeks_out=skus.map(demand[is_out].groupby("sku").size()).fillna(0),
    )
    return weekly.moved_most(
        replace(moved, rows=rows),
        item="SKU",
        of=Basis("demand.units", {"sku": Field("sku")}),
        named=(ReportColumn("sku", "SKU", "code"), ReportColumn("description", "Description")),
        further=(
            ReportColumn(
                "weeks_out",
                "Weeks out of stock",
                "whole",
                highlight_above=0,
                of=(Basis("demand.censored", {"sku": Field("sku"), "week": tuple(moved.now)}),),
            ),
        ),
        says="A SKU that was out of stock could not sell more than it had.",
    )


def _runs_out_first(plan: pd.DataFrame, running_out: pd.DataFrame) -> Section:
    ordered = plan.sort_values(["runs_out_on", "sku"]).reset_index(drop=True)
    is_late = ordered["sku"].isin(running_out["sku"])
    is_soon = ordered["runs_out_on"].notna() & (ordered.index < ROWS_RUNNING_OUT)
    shown = ordered[is_late | is_soon].merge(running_out[["sku", "days_short"]], on="sku", how="left")
    return Section(
        title="What runs out first",
        says=""
        if plan.empty
        else (
            f"{len(running_out):,} of {counted(len(plan), 'SKU')} have less stock than they need until an order placed "
            "now would arrive; days short are the days that such an order would come too late. Units already on "
            "order are not counted, because the day of their arrival is not known."
        ),
        frame=shown,
        of="reorder_plan",
        by=("sku",),
        columns=(
            ReportColumn("sku", "SKU", "code"),
            ReportColumn("description", "Description"),
            ReportColumn("runs_out_on", "Runs out on", "day"),
            ReportColumn("days_of_cover", "Days of cover", "number"),
            ReportColumn("lead_time_days", "Lead time, days", "number"),
            ReportColumn("days_short", "Days short", "number", highlight_above=0, of=DAYS_SHORT),
            ReportColumn("on_hand", "On hand", "whole"),
            ReportColumn("on_order", "On order", "whole"),
            ReportColumn("order_quantity", "To order", "whole"),
        ),
        when_empty="There is no re-order plan yet." if plan.empty else "No SKU has a day on which it runs out.",
    )


def _order_list(plan: pd.DataFrame, orders: pd.DataFrame) -> tuple[Section, Section]:
    suppliers = orders.groupby("supplier", sort=False).agg(
        skus=("sku", "nunique"),
        units=("order_quantity", "sum"),
        cost=("order_cost", lambda cost: cost.sum(min_count=1)),
    )
    suppliers = suppliers.reset_index().sort_values("cost", ascending=False, kind="stable").reset_index(drop=True)
    nothing = "There is no re-order plan yet." if plan.empty else "Nothing needs to be ordered now."
    return (
        Section(
            title="Orders by supplier",
            says="What the re-order list below comes to for each supplier.",
            frame=suppliers,
            columns=(
                ReportColumn("supplier", "Supplier"),
                ReportColumn("skus", "SKUs", "whole", of=OF_SUPPLIER),
                ReportColumn("units", "Units", "whole", of=OF_SUPPLIER),
                ReportColumn("cost", "Order cost", "money", of=COST_OF_SUPPLIER),
            ),
            chart=Chart("bar", "supplier", ("cost",), "Order cost by supplier", format="money"),
            when_empty=nothing,
        ),
        Section(
            title="The re-order list",
            says="Every SKU whose stock and open orders together are below its re-order point.",
            frame=orders,
            of="reorder_plan",
            by=("sku",),
            columns=(
                ReportColumn("sku", "SKU", "code"),
                ReportColumn("description", "Description"),
                ReportColumn("supplier", "Supplier"),
                ReportColumn("order_quantity", "To order", "whole"),
                ReportColumn("order_cost", "Order cost", "money"),
                ReportColumn("on_hand", "On hand", "whole"),
                ReportColumn("on_order", "On order", "whole"),
                ReportColumn("reorder_point", "Re-order point", "whole"),
                ReportColumn("order_up_to", "Order up to", "whole"),
            ),
            when_empty=nothing,
        ),
    )


def _notes(demand: pd.DataFrame, ahead: pd.DataFrame, week: pd.Timestamp, stock: pd.DataFrame) -> tuple[str, ...]:
    this_week = demand[demand["week"] == week]
    out = int(this_week["censored"].fillna(False).astype(bool).sum())
    counts = pd.to_datetime(stock["counted_on"]).dropna()
    sold, forecast = set(this_week["sku"].dropna()), set(ahead["sku"].dropna())
    unforecast = len(sold - forecast)
    notes = (
        f"{counted(out, 'SKU')} ran out of stock during the week; their sales are less than the demand." if out else "",
        _count_days(counts),
        *weekly.made_by(ahead),
        f"{counted(unforecast, 'SKU')} with sales data this week have no forecast." if forecast and unforecast else "",
        weekly.YEAR_EARLIER,
    )
    return tuple(note for note in notes if note)


def _count_days(counts: "pd.Series[Any]") -> str:
    if counts.empty:
        return "No stock count is in the data."
    oldest, newest = counts.min(), counts.max()
    if oldest == newest:
        return f"Stock was counted on {short_day(newest)} and carried on with what was received and sold since."
    days = f"between {short_day(oldest)} and {short_day(newest)}"
    return f"Stock was counted {days}; each SKU's last count is carried on with what was received and sold since."
