"""The re-order plan for purchasing: what to order today, of whom, and what it costs to wait.

The levels and quantities themselves are made by `tables/retail_reorder_plan.py`.
"""

import pandas as pd

from s2p_assets import Document, NotYet, report, sections

PREFIX = "demand_"


@report(title="Re-order plan", owner="purchasing@example.com")
def reorder(reorder_plan: pd.DataFrame, stock_position: pd.DataFrame, order_backtest: pd.DataFrame) -> Document:
    """What to order today, by SKU and supplier, the costliest to leave undone first; ready to send to purchasing.

    One edition per day of stock; made again whenever stock, prices or the forecast change.
    """
    as_of = pd.to_datetime(stock_position["as_of"]).max()
    if reorder_plan.empty or pd.isna(as_of):
        raise NotYet("no price list or no stock count: there is nothing to plan orders from yet")
    plan = sections.order_plan.OrderPlan.most_urgent_first("reorder_plan", reorder_plan, item="sku")
    return Document(
        title="Re-order plan",
        as_of=as_of.date(),
        headline=sections.order_plan.describe_orders(plan),
        figures=sections.order_plan.order_figures(plan),
        sections=(
            sections.order_plan.orders_by_supplier(plan),
            sections.order_plan.order_list(plan),
            sections.order_plan.short_either_way(plan),
            sections.order_plan.plan_levels(plan),
            sections.past_orders.past_orders(order_backtest, "order_backtest", PREFIX),
        ),
        notes=(
            *sections.order_plan.plan_notes(plan, as_of),
            sections.past_orders.why_orders_follow(order_backtest, PREFIX),
        ),
        action=sections.order_plan.order_now(plan),
    )
