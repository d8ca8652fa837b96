"""The weekly letter to the management: what was sold, what moved and why, what is expected, what runs out.

The numbers themselves are made by the retail tables and models; what to order is told in `retail_reorder.py`.
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pandas as pd

from s2p_assets.publishing import weekly
from s2p_assets.publishing.comparison import change, totals
from s2p_assets.publishing.report import Basis, Document, Field, Figure, ReportColumn, Section, report
from s2p_assets.publishing.wording import amount, counted, grouped, short_day
from s2p_assets.shelves import NotYet
from s2p_assets.warehouse.history import standing

ROWS_RUNNING_OUT = 25
ROWS_OF_SELLERS = 10
PRICE_MOVED = 0.02
SEASON_MOVED = 0.1
BACKTEST = (
    "Past forecasts are those of a backtest: what the model in service says when it knows only the weeks before. "
    "They are not the forecasts that were published at the time, which are not kept."
)
DAYS_SHORT = tuple(Basis(f"reorder_plan.{name}", {"sku": Field("sku")}) for name in ("lead_time_days", "days_of_cover"))
CHANNELS = {"retail_units": "Retail", "wholesale_units": "Wholesale"}
DRAWN_FROM = {"units": "demand.units", "forecast": "total_forecast.mean", "past": "past_forecast.mean"}
ARTICLE = (ReportColumn("sku", "SKU", "code"), ReportColumn("description", "Description"))
UNITS_OF_CHANNEL = {name: f"demand.{column}" for column, name in CHANNELS.items()}


@report(title="Weekly sales and stock outlook", owner="management@example.com")
def weekly_outlook(
    demand: pd.DataFrame,
    demand_forecast: pd.DataFrame,
    total_forecast: pd.DataFrame,
    past_forecast: pd.DataFrame,
    reorder_plan: pd.DataFrame,
    products: pd.DataFrame,
    stock_position: pd.DataFrame,
) -> Document:
    """The week against the week and the year before and its forecast, what moved and why, and what runs out.

    One edition per week of sales; made again whenever sales, stock, prices or the forecast change.
    """
    demand = demand[demand["week"].notna()].assign(week=lambda rows: pd.to_datetime(rows["week"]))
    week = _last_week(demand, stock_position)
    products = standing(products, ["sku"], week + weekly.WEEK - pd.Timedelta(days=1))
    ahead = demand_forecast.assign(week=pd.to_datetime(demand_forecast["week"]))
    ahead = ahead[ahead["week"] > week]
    running_out = _running_out(reorder_plan)
    units = totals(demand, period="week", value="units")
    forecast = weekly.total_of(total_forecast[pd.to_datetime(total_forecast["week"]) > week])
    dates = {name: pd.to_datetime(past_forecast[name]) for name in ("week", "cutoff")}
    past = weekly.latest_of(past_forecast.assign(**dates))
    return Document(
        title="Weekly sales and stock outlook",
        as_of=(week + weekly.WEEK).date() - dt.timedelta(days=1),
        headline=f"{weekly.sold_in_words(units, week)} {_stock_in_words(reorder_plan, running_out)}",
        figures=(
            weekly.units_sold(units, week, of="demand.units"),
            *weekly.against_forecast(past, week, of="past_forecast"),
            weekly.revenue(demand, week, by="sku", item="SKU", of="demand.revenue"),
            weekly.expected(units, forecast, week, of="total_forecast.mean"),
            _stock_value(stock_position, products),
            _run_out(reorder_plan, running_out),
        ),
        sections=(
            weekly.outlook(
                units,
                forecast,
                week,
                says=_forecast_in_words(past),
                band_title="80 % band",
                past=weekly.total_of(past),
                of=DRAWN_FROM,
            ),
            *_hits_and_misses(past, week),
            weekly.channels(_by_channel(demand), week, of=UNITS_OF_CHANNEL),
            *_movers(demand, week, products),
            *_sellers(demand, week, products, stock_position),
            _runs_out_first(reorder_plan, running_out),
        ),
        notes=_notes(demand, ahead, past, week, stock_position),
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


def _stock_in_words(plan: pd.DataFrame, running_out: pd.DataFrame) -> str:
    if plan.empty:
        return "There is no re-order plan yet."
    short = len(running_out)
    ends = f"{counted(short, 'SKU')} {'runs' if short == 1 else 'run'} out before a new order could arrive"
    waiting = float(plan["cost_of_waiting"].sum())
    lost = f"; ordering a week later would lose {amount(waiting)} of margin" if waiting > 0 else ""
    return f"{ends}{lost}."


def _forecast_in_words(past: pd.DataFrame) -> str:
    """What the forecast and its band are, and how past weeks fell."""
    said = (
        "The forecast is of all SKUs together, and so is its band, which should hold the sales in eight weeks of ten."
    )
    banded = past[past["q10"].notna()]
    if banded.empty:
        return said
    inside = int(banded["actual"].between(banded["q10"], banded["q90"]).sum())
    return f"{said} In {grouped(inside)} of the last {counted(len(banded), 'week')} it did."


def _hits_and_misses(past: pd.DataFrame, week: pd.Timestamp) -> Iterator[Section]:
    """Past weeks against what would have been foreseen of them, the newest first; nothing when that is not known."""
    rows = past[past["week"] <= week].sort_values("week", ascending=False).reset_index(drop=True)
    if rows.empty:
        return
    inside = rows["actual"].between(rows["q10"], rows["q90"]).map({True: "within", False: "outside"})
    shares = [change(actual, mean) for actual, mean in zip(rows["actual"], rows["mean"], strict=True)]
    row = {"week": Field("week"), "cutoff": Field("cutoff")}
    yield Section(
        title="What was foreseen, and what came",
        says=BACKTEST,
        frame=rows.assign(off=pd.Series(shares, dtype="float64"), place=inside.where(rows["q10"].notna())),
        of="past_forecast",
        by=("week", "cutoff"),
        columns=(
            ReportColumn("week", "Week of", "day", of=()),
            ReportColumn("actual", "Units sold", "whole"),
            ReportColumn("mean", "Foreseen", "whole"),
            ReportColumn(
                "off", "Sold more or less", "percent", of=tuple(_past(name, row) for name in ("actual", "mean"))
            ),
            ReportColumn("q10", "Band from", "whole"),
            ReportColumn("q90", "Band to", "whole"),
            ReportColumn("place", "80 % band", of=()),
            ReportColumn("step", "Weeks ahead", "whole", of=()),
        ),
    )


def _past(name: str, row: dict[str, Field]) -> Basis:
    return Basis(f"past_forecast.{name}", row)


def _stock_value(stock: pd.DataFrame, products: pd.DataFrame) -> Figure:
    costs = products.set_index("sku")["item_cost"]
    on_hand = stock.assign(value=stock["on_hand"].clip(lower=0).astype("float64") * stock["sku"].map(costs))
    priced = {"sku": tuple(products["sku"]), "valid_from": tuple(products["valid_from"].dropna().unique())}
    unknown = int((on_hand["value"].isna() & (on_hand["on_hand"] > 0)).sum())
    return Figure(
        "Stock on hand, at cost",
        _sum(on_hand["value"]),
        "money",
        note=f"without {counted(unknown, 'SKU')} of unknown cost" if unknown else "",
        of=(Basis("stock_position.on_hand"), Basis("products.item_cost", priced)),
    )


def _run_out(plan: pd.DataFrame, running_out: pd.DataFrame) -> Figure:
    note = "no re-order plan yet" if plan.empty else f"of {counted(len(plan), 'SKU')} in the plan"
    late = {"sku": tuple(running_out["sku"])}
    of = tuple(Basis(f"reorder_plan.{name}", late, "rows") for name in ("days_of_cover", "lead_time_days") if len(late))
    return Figure("Run out within lead time", None if plan.empty else len(running_out), "whole", note=note, of=of)


def _sum(values: "pd.Series[Any]") -> float | None:
    total = values.astype("float64").sum(min_count=1)
    return None if pd.isna(total) else float(total)


def _by_channel(demand: pd.DataFrame) -> pd.DataFrame:
    """Units by channel and week, as rows."""
    renamed = demand[["week", *CHANNELS]].rename(columns=CHANNELS)
    return renamed.melt(id_vars="week", var_name="channel", value_name="units")


def _movers(demand: pd.DataFrame, week: pd.Timestamp, products: pd.DataFrame) -> tuple[Section, Section]:
    moved = weekly.moves(demand, week, by="sku", value="units")
    rows = reasons(moved, demand)
    rows["description"] = rows["sku"].map(_descriptions(products))
    price = tuple(
        Basis("demand.unit_price", {"sku": Field("sku"), "week": tuple(weeks)}, "mean")
        for weeks in (moved.now, moved.before)
    )
    return weekly.moved_most(
        replace(moved, rows=rows),
        item="SKU",
        of=Basis("demand.units", {"sku": Field("sku")}),
        named=ARTICLE,
        further=(
            ReportColumn("price_change", "Price", "percent", of=price),
            ReportColumn(
                "weeks_out",
                "Weeks out of stock",
                "whole",
                highlight_above=0,
                of=(
                    Basis("demand.censored", {"sku": Field("sku"), "week": tuple(moved.now), "censored": True}, "rows"),
                ),
            ),
            ReportColumn("reason", "Likely reason", of=()),
        ),
        says="The reason is the first of stock, price and season that the data speak for; a dash means that none does.",
    )


def reasons(moved: weekly.Moves, demand: pd.DataFrame) -> pd.DataFrame:
    """The rows of `moved` with price_change, weeks_out, and a plain word of why it moved; none where nothing tells.

    new: nothing was sold before. stock-out and back in stock: more or fewer weeks out of stock than before.
    price: it moved against the units by over 2 %. season: the same weeks a year earlier moved the same way.
    """
    known = demand[demand["sku"].isin(moved.rows["sku"])]
    spans = {"now": moved.now, "before": moved.before}
    past = {f"year_{name}": [week - weekly.YEAR for week in weeks] for name, weeks in spans.items()}
    parts = {name: known[known["week"].isin(weeks)].groupby("sku") for name, weeks in (spans | past).items()}
    skus = moved.rows["sku"]
    out = {name: skus.map(parts[name]["censored"].sum()).fillna(0).astype("float64") for name in spans}
    price = {name: skus.map(parts[name]["unit_price"].mean()).astype("float64") for name in spans}
    year = {name: skus.map(parts[name]["units"].sum(min_count=1)).astype("float64") for name in past}
    price_change = (price["now"] / price["before"] - 1).where(price["before"] > 0)
    season = (year["year_now"] / year["year_before"] - 1).where(year["year_before"] > 0)
    gained = moved.rows["difference"] > 0
    told = {
        "new": gained
        & (moved.rows["before"] == 0)
        & ~skus.isin(known.loc[known["week"] < min(moved.before, default=pd.Timestamp.max), "sku"]),
        "stock-out": ~gained & (out["now"] > out["before"]),
        "back in stock": gained & (out["now"] < out["before"]),
        "price": (price_change.abs() > PRICE_MOVED) & ((price_change < 0) == gained),
        "season": (season.abs() > SEASON_MOVED) & ((season > 0) == gained),
    }
    reason = pd.Series(None, index=skus.index, dtype=object)
    for word, holds in reversed(told.items()):
        reason = reason.mask(holds.fillna(False), word)
    return moved.rows.assign(price_change=price_change, weeks_out=out["now"], reason=reason)


def _descriptions(products: pd.DataFrame) -> "pd.Series[Any]":
    return products.set_index("sku")["description"]


def _sellers(
    demand: pd.DataFrame, week: pd.Timestamp, products: pd.DataFrame, stock: pd.DataFrame
) -> tuple[Section, Section]:
    """The SKUs that bring in most in four weeks, and those in stock that sell least for what lies in them."""
    weeks = [week - n * weekly.WEEK for n in range(weekly.SPAN)]
    recent = demand[demand["week"].isin(weeks)].astype({"revenue": "float64", "units": "float64"})
    sold = recent.groupby("sku")[["units", "revenue"]].sum(min_count=1)
    rows = products[["sku", "valid_from", "description", "item_cost"]].merge(sold.reset_index(), on="sku", how="left")
    rows["share"] = rows["revenue"] / rows["revenue"].sum() if rows["revenue"].sum() > 0 else float("nan")
    on_hand = rows["sku"].map(stock.set_index("sku")["on_hand"]).astype("float64").clip(lower=0)
    rows["stock_value"] = on_hand * rows["item_cost"].astype("float64")
    where = {"sku": Field("sku"), "week": tuple(weeks)}
    units, revenue = (Basis(f"demand.{name}", where) for name in ("units", "revenue"))
    sold_columns = (
        ReportColumn("units", "Units", "whole", of=(units,)),
        ReportColumn("revenue", "Revenue", "money", of=(revenue,)),
    )
    best = rows[rows["revenue"] > 0].sort_values(["revenue", "sku"], ascending=[False, True])
    lying = rows[rows["stock_value"] > 0].fillna({"units": 0.0, "revenue": 0.0})
    months = lying.assign(per_stock=lying["revenue"] / lying["stock_value"])
    slow = months.sort_values(["per_stock", "stock_value", "sku"], ascending=[True, False, True])
    in_stock = (
        Basis("stock_position.on_hand", {"sku": Field("sku")}),
        Basis("products.item_cost", {"sku": Field("sku"), "valid_from": Field("valid_from")}),
    )
    return (
        Section(
            "Best sellers",
            f"The {min(ROWS_OF_SELLERS, len(best))} SKUs with the largest revenue of the last 4 weeks."
            if len(best)
            else "",
            best.head(ROWS_OF_SELLERS).reset_index(drop=True),
            (
                *ARTICLE,
                *sold_columns,
                ReportColumn("share", "Share of all", "percent", of=(Basis("demand.revenue", {"week": tuple(weeks)}),)),
            ),
            when_empty="No sales are in the data yet.",
        ),
        Section(
            "Slowest sellers in stock",
            "The SKUs that bring in least in 4 weeks for the money that lies in their stock." if len(slow) else "",
            slow.head(ROWS_OF_SELLERS).reset_index(drop=True),
            (*ARTICLE, *sold_columns, ReportColumn("stock_value", "Stock at cost", "money", of=in_stock)),
            when_empty="No stock of a known cost is in the data yet.",
        ),
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
            f"{grouped(len(running_out))} of {counted(len(plan), 'SKU')} have less stock than they need until an order "
            "placed now would arrive; days short are the days that such an order would come too late. Units already on "
            "order are not counted, because the day of their arrival is not known. What to order stands "
            "in the re-order plan."
        ),
        frame=shown,
        of="reorder_plan",
        by=("sku",),
        columns=(
            *ARTICLE,
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


def _notes(
    demand: pd.DataFrame, ahead: pd.DataFrame, past: pd.DataFrame, week: pd.Timestamp, stock: pd.DataFrame
) -> tuple[str, ...]:
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
        "The forecast was not tested on this week, so that nothing is said of how it fell."
        if len(past) and not (past["week"] == week).any()
        else "",
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
