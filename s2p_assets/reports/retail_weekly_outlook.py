"""The weekly letter to the management: what was sold, what is expected, what runs out, what to order.

How it is rendered belongs to `publishing`; the numbers themselves are made by the retail tables and models.
"""

import datetime as dt
from typing import Any

import pandas as pd

from s2p_assets.publishing.comparison import at, change, changes, gains, losses, movers, totals
from s2p_assets.publishing.report import Change, Chart, Document, Figure, ReportColumn, Section, report
from s2p_assets.publishing.wording import change_in_words, counted, short_day

WEEK = pd.Timedelta(days=7)
YEAR = 52 * WEEK
WEEKS_SHOWN = 52
SPAN = 4
ROWS_OF_MOVERS = 10
ROWS_RUNNING_OUT = 25
CHANNEL_COLUMNS = ["channel", "now", "before", "change", "year_before", "year_change"]
CHANNELS = {"retail_units": "Retail", "wholesale_units": "Wholesale"}


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
    return Document(
        title="Weekly sales and stock outlook",
        as_of=(week + WEEK).date() - dt.timedelta(days=1),
        headline=f"{_sold_in_words(demand, week)} {_stock_in_words(reorder_plan, running_out, orders)}",
        figures=(
            _units_sold(demand, week),
            _revenue(demand, week),
            _expected(demand, ahead, week),
            _stock_value(stock_position, products),
            _order_value(reorder_plan, orders),
            _run_out(reorder_plan, running_out),
        ),
        sections=(
            _outlook(demand, ahead, week),
            _channels(demand, week),
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
            raise ValueError("no week of sales and no stock count: there is nothing to report on yet")
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


def _sold_in_words(demand: pd.DataFrame, week: pd.Timestamp) -> str:
    units = totals(demand, period="week", value="units")
    now = at(units, week)
    if now is None:
        return "No sales are in the data yet."
    compared = " and ".join(change_in_words(one) for one in _against(units, week))
    return f"{counted(round(now), 'unit')} sold in the week of {short_day(week)}{compared and f', {compared}'}."


def _stock_in_words(plan: pd.DataFrame, running_out: pd.DataFrame, orders: pd.DataFrame) -> str:
    if plan.empty:
        return "There is no re-order plan yet."
    short, ordered = len(running_out), len(orders)
    ends = f"{counted(short, 'SKU')} {'runs' if short == 1 else 'run'} out before a new order could arrive"
    return f"{ends}; {counted(ordered, 'SKU')} {'is' if ordered == 1 else 'are'} to be ordered."


def _units_sold(demand: pd.DataFrame, week: pd.Timestamp) -> Figure:
    units = totals(demand, period="week", value="units")
    compared = _against(units, week)
    return Figure(
        f"Units sold, week of {short_day(week)}",
        at(units, week),
        "whole",
        further=compared,
        better="higher",
        note="no earlier week to compare with" if at(units, week) is not None and not compared else "",
    )


def _revenue(demand: pd.DataFrame, week: pd.Timestamp) -> Figure:
    """Revenue of the week; compared only between weeks in which the revenue of every sale is known."""
    revenue = totals(demand, period="week", value="revenue")
    unpriced = demand[demand["revenue"].isna() & (demand["units"].fillna(0) != 0)]
    this_week = unpriced[unpriced["week"] == week]
    complete = revenue[~revenue.index.isin(unpriced["week"])]
    note = f"without {counted(this_week['sku'].nunique(), 'SKU')} sold at an unknown price" if len(this_week) else ""
    return Figure(
        "Revenue of that week",
        at(revenue, week),
        "money",
        further=_against(complete, week),
        better="higher",
        note=note,
    )


def _expected(demand: pd.DataFrame, ahead: pd.DataFrame, week: pd.Timestamp) -> Figure:
    """The forecast of the next weeks against as many weeks just past."""
    forecast = _forecast_totals(ahead)["forecast"].head(SPAN)
    weeks = len(forecast)
    past = totals(demand, period="week", value="units").reindex([week - n * WEEK for n in range(weeks)])
    before = None if past.isna().any() else float(past.sum())
    expected = _sum(forecast)
    return Figure(
        f"Units expected, next {counted(weeks, 'week')}" if weeks else "Units expected",
        expected,
        "whole",
        change=change(expected, before),
        than=f"the last {counted(weeks, 'week')}",
        better="higher",
        note="" if weeks else "no forecast beyond this week",
    )


def _stock_value(stock: pd.DataFrame, products: pd.DataFrame) -> Figure:
    costs = _current(products).set_index("sku")["item_cost"]
    on_hand = stock.assign(value=stock["on_hand"].clip(lower=0).astype("float64") * stock["sku"].map(costs))
    unknown = int((on_hand["value"].isna() & (on_hand["on_hand"] > 0)).sum())
    return Figure(
        "Stock on hand, at cost",
        _sum(on_hand["value"]),
        "money",
        note=f"without {counted(unknown, 'SKU')} of unknown cost" if unknown else "",
    )


def _order_value(plan: pd.DataFrame, orders: pd.DataFrame) -> Figure:
    unknown = int(orders["order_cost"].isna().sum())
    to_order = f"{counted(len(orders), 'SKU')} to order" + (f", {unknown} without a known cost" if unknown else "")
    value = _sum(orders["order_cost"]) if len(orders) else 0.0
    note = "no re-order plan yet" if plan.empty else to_order
    return Figure("Open re-order value", None if plan.empty else value, "money", note=note)


def _run_out(plan: pd.DataFrame, running_out: pd.DataFrame) -> Figure:
    note = "no re-order plan yet" if plan.empty else f"of {counted(len(plan), 'SKU')} in the plan"
    return Figure("Run out within lead time", None if plan.empty else len(running_out), "whole", note=note)


def _against(totals_by_week: "pd.Series[Any]", week: pd.Timestamp) -> tuple[Change, ...]:
    """How a week compares with the week before and with the same week a year earlier."""
    earlier = {"the week before": week - WEEK, "a year earlier": week - YEAR}
    now = at(totals_by_week, week)
    return changes(now, {than: at(totals_by_week, before) for than, before in earlier.items()})


def _sum(values: "pd.Series[Any]") -> float | None:
    total = values.astype("float64").sum(min_count=1)
    return None if pd.isna(total) else float(total)


def _current(products: pd.DataFrame) -> pd.DataFrame:
    """One row per SKU: the current one."""
    return products[products["is_current"].fillna(False).astype(bool)].drop_duplicates("sku", keep="last")


def _forecast_totals(ahead: pd.DataFrame) -> pd.DataFrame:
    """Weekly totals forecast, low and high, of the weeks for which every forecast SKU has a row."""
    rows = ahead.groupby("week")["sku"].nunique()
    whole = ahead[ahead["week"].isin(rows.index[rows == rows.max()])]
    columns = {"forecast": "mean", "low": "q10", "high": "q90"}
    return pd.DataFrame({name: totals(whole, period="week", value=value) for name, value in columns.items()})


def _outlook(demand: pd.DataFrame, ahead: pd.DataFrame, week: pd.Timestamp) -> Section:
    units = totals(demand, period="week", value="units")
    forecast = _forecast_totals(ahead)
    shown = units[units.index > week - WEEKS_SHOWN * WEEK].rename("units_sold")
    frame = shown.to_frame().join(forecast, how="outer").rename_axis("week")
    frame["a_year_earlier"] = units.reindex(pd.DatetimeIndex(frame.index) - YEAR).to_numpy()
    frame = frame.reset_index()
    lines = ("units_sold", "forecast", "a_year_earlier")
    drawn = tuple(line for line in lines if frame[line].notna().any())
    has_forecast = not forecast.empty
    band = (
        f"The forecast adds up the expected sales of {counted(ahead['sku'].nunique(), 'SKU')}. The shaded band adds up "
        "their 80 % bands, each of which holds the sales of its SKU in eight weeks of ten. It is wider than a band "
        "of the total: sales would reach its edges only if all SKUs erred in the same direction at once."
    )
    return Section(
        title="Weekly sales and forecast",
        says=band if has_forecast else f"There is no forecast for the weeks after {short_day(week)}.",
        chart=Chart(
            kind="line",
            x="week",
            y=drawn or ("units_sold",),
            title="Units a week",
            y_title="weeks begin on Monday",
            band=("low", "high") if has_forecast else None,
            band_title="80 % bands of all SKUs, added up",
            frame=frame,
            format="whole",
        ),
        when_empty="No sales and no forecast are in the data yet.",
    )


def _channels(demand: pd.DataFrame, week: pd.Timestamp) -> Section:
    sold = {title: totals(demand, period="week", value=name) for name, title in CHANNELS.items()}
    sold = {title: units for title, units in sold.items() if units.notna().any()}
    weeks = sorted({monday for units in sold.values() for monday in units.index if monday > week - WEEKS_SHOWN * WEEK})
    chart = pd.DataFrame({title: units.reindex(weeks) for title, units in sold.items()}, index=weeks)
    return Section(
        title="Sales by channel",
        says=f"Units sold in the week of {short_day(week)}, against the week before and the same week a year earlier.",
        frame=pd.DataFrame([_channel(title, units, week) for title, units in sold.items()], columns=CHANNEL_COLUMNS),
        columns=(
            ReportColumn("channel", "Channel"),
            ReportColumn("now", "Units", "whole"),
            ReportColumn("before", "Week before", "whole"),
            ReportColumn("change", "Change", "percent"),
            ReportColumn("year_before", "Year earlier", "whole"),
            ReportColumn("year_change", "Change on year", "percent"),
        ),
        chart=Chart(
            "line",
            "week",
            tuple(sold),
            "Units a week by channel",
            frame=chart.rename_axis("week").reset_index(),
            format="whole",
        ),
        when_empty="No sales are in the data yet.",
    )


def _channel(title: str, units: "pd.Series[Any]", week: pd.Timestamp) -> dict[str, Any]:
    now, before, year_before = (at(units, monday) for monday in (week, week - WEEK, week - YEAR))
    return {
        "channel": title,
        "now": now,
        "before": before,
        "change": change(now, before),
        "year_before": year_before,
        "year_change": change(now, year_before),
    }


def _movers(demand: pd.DataFrame, week: pd.Timestamp, products: pd.DataFrame) -> tuple[Section, Section]:
    weeks = int((week - demand["week"].min()) / WEEK) + 1 if len(demand) else 0
    span = min(SPAN, weeks // 2)
    now = [week - n * WEEK for n in range(span)]
    before = [week - n * WEEK for n in range(span, 2 * span)]
    moved = movers(demand, by="sku", period="week", value="units", now=now, before=before)
    out = demand[demand["week"].isin(now) & demand["censored"].fillna(False).astype(bool)].groupby("sku").size()
    moved["description"] = moved["sku"].map(_current(products).set_index("sku")["description"])
    moved["weeks_out"] = moved["sku"].map(out).fillna(0)
    says = (
        f"Units of the last {counted(span, 'week')} against the {counted(span, 'week')} before. "
        "A SKU that was out of stock could not sell more than it had."
    )
    columns = (
        ReportColumn("sku", "SKU", "code"),
        ReportColumn("description", "Description"),
        ReportColumn("now", f"Last {counted(span, 'week')}", "whole"),
        ReportColumn("before", f"{counted(span, 'week')} before", "whole"),
        ReportColumn("difference", "Difference", "whole"),
        ReportColumn("change", "Change", "percent"),
        ReportColumn("weeks_out", "Weeks out of stock", "whole", highlight_above=0),
    )
    one_week = "There is only one week of sales, so nothing can be compared yet."
    empty = "No SKU did." if span else one_week if weeks else "No sales are in the data yet."
    rising, falling = gains(moved, ROWS_OF_MOVERS), losses(moved, ROWS_OF_MOVERS)
    return (
        Section("Selling more than before", says if span else "", rising, columns, when_empty=empty),
        Section("Selling less than before", says if span else "", falling, columns, when_empty=empty),
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
        columns=(
            ReportColumn("sku", "SKU", "code"),
            ReportColumn("description", "Description"),
            ReportColumn("runs_out_on", "Runs out on", "day"),
            ReportColumn("days_of_cover", "Days of cover", "number"),
            ReportColumn("lead_time_days", "Lead time, days", "number"),
            ReportColumn("days_short", "Days short", "number", highlight_above=0),
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
                ReportColumn("skus", "SKUs", "whole"),
                ReportColumn("units", "Units", "whole"),
                ReportColumn("cost", "Order cost", "money"),
            ),
            chart=Chart("bar", "supplier", ("cost",), "Order cost by supplier", format="money"),
            when_empty=nothing,
        ),
        Section(
            title="The re-order list",
            says="Every SKU whose stock and open orders together are below its re-order point.",
            frame=orders,
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
    models = ahead[["model", "model_version"]].dropna(subset="model").drop_duplicates()
    sold, forecast = set(this_week["sku"].dropna()), set(ahead["sku"].dropna())
    unforecast = len(sold - forecast)
    notes = (
        f"{counted(out, 'SKU')} ran out of stock during the week; their sales are less than the demand." if out else "",
        _count_days(counts),
        *(f"Forecast by {model}, version {version}." for model, version in models.itertuples(index=False)),
        f"{counted(unforecast, 'SKU')} with sales data this week have no forecast." if forecast and unforecast else "",
        "A year earlier means 52 weeks earlier, so that the same days of the week are compared.",
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
