"""The trading company's weekly letter: what was sold and returned, where and to whom, and what is expected.

How it is rendered belongs to `publishing`; the numbers themselves are made by the trading tables and models.
"""

from s2p_assets import Document, Frame, ItemTable, ReportColumn, SalesTable, report, sections, week_of, weekly_panel

SENT_BACK = (ReportColumn("returned", "Sent back", "integer"),)
BAND = (
    "The forecast adds up what every item is expected to sell. In eight weeks of ten, total sales should lie in the "
    "shaded band, which is as wide as the errors of forecasts made for the past year."
)
COUNTRIES = "Units of the last 4 weeks, against the 4 weeks before and the same weeks a year earlier."
LARGEST = "Units of 4 weeks, the ten largest countries"
CUSTOMERS = "Units of the last 4 weeks; what the customer sent back in them is taken off."
NOTES = (
    "Units sold are net: units returned are taken off in the week in which they came back.",
    "Revenue is units at the list price less the discount of each line; the price list is not dated, so today's "
    "prices are taken for all years.",
    "The forecast takes a week in which more of an item came back than was sold as a week without sales.",
    sections.weeks.YEAR_EARLIER,
)


@report(title="Weekly sales outlook", owner="management@example.com")
def weekly_outlook(
    sales: Frame,
    customers: Frame,
    products: Frame,
    demand: Frame,
    demand_forecast: Frame,
    total_forecast: Frame,
) -> Document:
    """The week's sales and returns against earlier ones, by channel, country and customer, and the forecast.

    One edition per week of sales; made again whenever sales, customers, prices or the forecast change.
    """
    week = demand["week"].max()
    as_of = sections.weeks.last_day(week)
    ahead = sections.forecast_outlook.band_of_total(total_forecast)
    lines = _lines(sales[sales["sold_on"] <= as_of], customers)
    quantities, groups = ["units", "returned"], ("channel", "country", "customer")
    panels = {by: weekly_panel(lines, key=by, quantities=quantities, until=week) for by in groups}
    weekly = SalesTable("demand", demand, item="sku")
    items = ItemTable("products", products, item="sku", cost="item_cost", noun="item")
    units = weekly.weekly_units()
    return Document(
        title="Weekly sales outlook",
        as_of=as_of.date(),
        headline=f"{sections.weekly_sales.describe_sales(units, week)} "
        f"{sections.returns.describe_returns(lines, week)}",
        figures=(
            sections.weekly_sales.units_sold(units, week, column="demand.units"),
            sections.weekly_sales.revenue(demand, week, by="sku", noun="item", column="demand.revenue"),
            sections.returns.units_returned(lines, week, column="sales.quantity", day="sold_on"),
            sections.weekly_sales.units_this_year(
                sales, as_of, day="sold_on", units="quantity", column="sales.quantity"
            ),
            sections.forecast_outlook.expected_units(units, ahead, week, column="total_forecast.mean"),
        ),
        sections=(
            sections.forecast_outlook.sales_outlook(units, ahead, week, description=BAND),
            sections.weekly_sales.channels(panels["channel"], week, sources={}),
            sections.weekly_sales.sales_by_group(
                panels["country"], week, "country", description=COUNTRIES, chart_title=LARGEST
            ),
            sections.weekly_sales.sales_by_group(
                panels["customer"], week, "customer", description=CUSTOMERS, more_columns=SENT_BACK
            ),
            *sections.movers.item_movers(weekly, week, items),
            sections.forecast_outlook.most_expected(weekly, demand_forecast, week, items),
            sections.returns.most_returned(lines, week, items),
        ),
        notes=(*sections.forecast_outlook.model_notes(total_forecast), *NOTES),
    )


def _lines(sales: Frame, customers: Frame) -> Frame:
    """Each line of an invoice or return with its week, its customer, and the units sold (net) and returned."""
    lines = sales.merge(customers, on="customer_id", how="left").assign(week=week_of(sales["sold_on"]).to_numpy())
    quantity, name = lines["quantity"].astype("float64"), lines["customer_name"].fillna(lines["customer_id"])
    known = lines.fillna({"country": "not known", "channel": "not known"}).rename(columns={"item_code": "sku"})
    return known.assign(customer=name, units=quantity, returned=-quantity.clip(upper=0))
