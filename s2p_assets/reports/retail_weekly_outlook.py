"""The weekly letter to the management: what was sold, what moved and why, what is expected, what runs out.

The numbers themselves are made by the retail tables and models; what to order is told in `retail_reorder.py`.
"""

import pandas as pd

from s2p_assets import Document, ItemTable, SalesTable, SourceTable, StockTable, report, sections, version_on

CHANNELS = {"retail_units": "Retail", "wholesale_units": "Wholesale"}
DRAWN = {"units": "demand.units", "forecast": "total_forecast.mean", "past": "total_backtest.mean"}
ENOUGH_WEEKS = 12  # scored, as the contest asks for


@report(title="Weekly sales and stock outlook", owner="management@example.com", awaited=True)
def weekly_outlook(
    demand: pd.DataFrame,
    demand_forecast: pd.DataFrame,
    total_forecast: pd.DataFrame,
    total_backtest: pd.DataFrame,
    reorder_plan: pd.DataFrame,
    products: pd.DataFrame,
    stock_position: pd.DataFrame,
    sales_coverage: pd.DataFrame | None = None,
) -> Document:
    """The week against the week and the year before and its forecast, what moved and why, and what runs out.

    One edition per week of sales; made again whenever sales, stock, prices or the forecast change.
    """
    sales = SalesTable.of_known_weeks("demand", demand, item="sku")
    counts = StockTable("stock_position", stock_position, item="sku")
    week = sections.stock.last_week(sales, counts)
    items = ItemTable(
        "products", version_on(products, ["sku"], sections.weeks.last_day(week)), item="sku", cost="item_cost"
    )
    plan = sections.order_plan.OrderPlan.most_urgent_first("reorder_plan", reorder_plan, item="sku")
    units = sales.weekly_units()
    forecast = sections.forecast_outlook.band_of_total(total_forecast[pd.to_datetime(total_forecast["week"]) > week])
    past = SourceTable("total_backtest", sections.forecast_outlook.latest_forecasts(total_backtest))
    ahead = demand_forecast[pd.to_datetime(demand_forecast["week"]) > week]
    drivers = sections.weekly_sales.describe_channels(sales, week, CHANNELS)
    completed = float(demand["completed_units"].sum()) if "completed_units" in demand else 0.0
    return Document(
        title="Weekly sales and stock outlook",
        as_of=sections.weeks.last_day(week).date(),
        headline=f"{sections.weekly_sales.describe_sales(units, week, channels=drivers)} "
        f"{sections.forecast_outlook.describe_run(past, week)}{sections.order_plan.describe_running_out(plan)}",
        figures=(
            sections.weekly_sales.units_sold(units, week, column="demand.units"),
            *sections.forecast_outlook.against_forecast(past, week),
            sections.weekly_sales.revenue(sales.rows, week, by="sku", noun="SKU", column="demand.revenue"),
            sections.forecast_outlook.expected_units(units, forecast, week, column="total_forecast.mean"),
            sections.stock.stock_at_cost(counts, items),
            sections.order_plan.running_out(plan),
        ),
        sections=(
            sections.forecast_outlook.sales_outlook(
                units,
                forecast,
                week,
                description=sections.forecast_outlook.describe_band(past.rows, noun="SKU"),
                past=sections.forecast_outlook.band_of_total(past.rows),
                sources=DRAWN,
            ),
            *sections.forecast_outlook.past_forecasts(past, week),
            *sections.implausible_weeks.implausible_weeks(sales, week, noun="SKU", words="one-offs"),
            sections.weekly_sales.sales_by_channel(sales, week, CHANNELS),
            *sections.movers.item_movers_with_reasons(sales, week, items),
            sections.sellers.top_sellers(sales, items, week),
            sections.sellers.slowest_sellers(sales, items, counts, week),
            sections.order_plan.runs_out_first(plan),
        ),
        notes=(
            *sections.implausible_weeks.late_source_notes(sales_coverage, completed_units=completed),
            *sections.implausible_weeks.undelivered_notes(demand, week, item="sku", noun="SKU"),
            *sections.stock.stock_notes(sales, counts, week, noun="SKU"),
            *sections.forecast_outlook.model_notes(ahead),
            *sections.forecast_outlook.evidence_notes(
                *(ahead, forecast, past.rows, ENOUGH_WEEKS), item="sku", noun="SKU"
            ),
            *sections.forecast_outlook.coverage_notes(sales, ahead, past, week, noun="SKU"),
            sections.weeks.YEAR_EARLIER,
        ),
        action=sections.order_plan.order_now(plan),
    )
