"""The re-order plan for purchasing: what to order today, of whom, and what it costs to wait.

The levels and quantities themselves are made by `tables/retail_reorder_plan.py`.
"""

import pandas as pd

from s2p_assets.publishing.report import Basis, Chart, Document, Field, Figure, ReportColumn, Section, report
from s2p_assets.publishing.wording import amount, counted, grouped, short_day
from s2p_assets.shelves import NotYet

NOT_KNOWN = "Supplier not known"
SUPPLIERS_DRAWN = 15
TO_ORDER = {"order_quantity": slice(1, None)}
OF_SUPPLIER: dict[str, object] = {"supplier": Field("known_supplier")}
DAYS_LATE = tuple(Basis(f"reorder_plan.{name}", {"sku": Field("sku")}) for name in ("lead_time_days", "days_of_cover"))

ARTICLE = (ReportColumn("sku", "SKU", "code"), ReportColumn("description", "Description"))
STOCK = (ReportColumn("on_hand", "On hand", "whole"), ReportColumn("on_order", "On order", "whole"))


@report(title="Re-order plan", owner="purchasing@example.com")
def reorder(reorder_plan: pd.DataFrame, stock_position: pd.DataFrame) -> Document:
    """What to order today, by SKU and supplier, the costliest to leave undone first; ready to send to purchasing.

    One edition per day of stock; made again whenever stock, prices or the forecast change.
    """
    as_of = pd.to_datetime(stock_position["as_of"]).max()
    if reorder_plan.empty or pd.isna(as_of):
        raise NotYet("no price list or no stock count: there is nothing to plan orders from yet")
    plan = _most_urgent_first(reorder_plan)
    orders = plan[plan["order_quantity"].fillna(0) > 0].reset_index(drop=True)
    late = plan[(plan["days_late"] > 0) & (plan["short_if_ordered"].fillna(0) >= 0.5)].reset_index(drop=True)
    return Document(
        title="Re-order plan",
        as_of=as_of.date(),
        headline=_headline(plan, orders, late),
        figures=_figures(plan, orders, late),
        sections=(
            _suppliers(orders),
            _order_list(orders),
            _too_late(late),
            _levels(plan),
        ),
        notes=_notes(plan, as_of),
    )


def _most_urgent_first(plan: pd.DataFrame) -> pd.DataFrame:
    """By the cost of waiting, then by the day on which the stock ends; with what each supplier is called."""
    known = plan.assign(
        known_supplier=plan["supplier"].astype(object).where(plan["supplier"].notna(), None),
        supplier=plan["supplier"].fillna(NOT_KNOWN),
        days_late=plan["lead_time_days"].astype("float64") - plan["days_of_cover"].astype("float64"),
    )
    order = ["cost_of_waiting", "runs_out_on", "sku"]
    return known.sort_values(order, ascending=[False, True, True], na_position="last").reset_index(drop=True)


def _headline(plan: pd.DataFrame, orders: pd.DataFrame, late: pd.DataFrame) -> str:
    if orders.empty:
        return f"Nothing needs to be ordered today: {counted(len(plan), 'SKU')} have stock and orders enough."
    cost, waiting = orders["order_cost"].sum(), plan["cost_of_waiting"].sum()
    verb = "is" if len(orders) == 1 else "are"
    worth = f" for {amount(cost)}" if cost > 0 else ""
    first = f"{grouped(len(orders))} of {counted(len(plan), 'SKU')} {verb} to be ordered today{worth}."
    lost = f" Waiting a week would lose {amount(waiting)} of margin." if waiting > 0 else ""
    short = f" {counted(len(late), 'SKU')} will be short whatever is ordered." if len(late) else ""
    return first + lost + short


def _figures(plan: pd.DataFrame, orders: pd.DataFrame, late: pd.DataFrame) -> tuple[Figure, ...]:
    no_cost = int(orders["order_cost"].isna().sum())
    unknown = int(plan["order_quantity"].isna().sum())
    return (
        Figure(
            "To order today",
            float(orders["order_cost"].sum()),
            "money",
            note=f"without {counted(no_cost, 'SKU')} of unknown cost" if no_cost else "",
            of=(Basis("reorder_plan.order_cost"),),
        ),
        Figure(
            "SKUs to order",
            len(orders),
            "whole",
            note=f"of {grouped(len(plan))}" + (f"; {grouped(unknown)} have never been counted" if unknown else ""),
            of=(Basis("reorder_plan.order_quantity", TO_ORDER, "rows"),),
        ),
        Figure(
            "Margin lost by waiting a week",
            float(plan["cost_of_waiting"].sum()),
            "money",
            note="if nothing is ordered today",
            of=(Basis("reorder_plan.cost_of_waiting"),),
        ),
        Figure(
            "Units short whatever is ordered",
            float(late["short_if_ordered"].sum()),
            "whole",
            note=f"of {counted(len(late), 'SKU')}, before an order of today could arrive",
            of=(Basis("reorder_plan.short_if_ordered", {"sku": tuple(late["sku"])}),) if len(late) else (),
        ),
    )


def _suppliers(orders: pd.DataFrame) -> Section:
    groups = orders.groupby("supplier", sort=False)
    lines = groups.agg(
        skus=("sku", "size"),
        units=("order_quantity", "sum"),
        cost=("order_cost", lambda cost: cost.sum(min_count=1)),
        waiting=("cost_of_waiting", lambda cost: cost.sum(min_count=1)),
        known_supplier=("known_supplier", "first"),
    )
    lines = lines.reset_index().sort_values(["cost", "supplier"], ascending=[False, True]).reset_index(drop=True)
    cost, waiting, quantity = (
        (Basis(f"reorder_plan.{name}", OF_SUPPLIER),) for name in ("order_cost", "cost_of_waiting", "order_quantity")
    )
    return Section(
        title="Orders by supplier",
        says="What the list below comes to for each supplier, the largest order first.",
        frame=lines,
        columns=(
            ReportColumn("supplier", "Supplier"),
            ReportColumn(
                "skus", "SKUs", "whole", of=(Basis("reorder_plan.order_quantity", OF_SUPPLIER | TO_ORDER, "rows"),)
            ),
            ReportColumn("units", "Units", "whole", of=quantity),
            ReportColumn("cost", "Order cost", "money", of=cost),
            ReportColumn("waiting", "Lost by waiting a week", "money", of=waiting),
        ),
        chart=Chart(
            "bar", "supplier", ("cost",), "Order cost by supplier", format="money", frame=lines.head(SUPPLIERS_DRAWN)
        )
        if len(lines) > 1
        else None,
        when_empty="Nothing needs to be ordered today.",
    )


def _order_list(orders: pd.DataFrame) -> Section:
    return Section(
        title="What to order today",
        says="Every SKU whose stock and open orders together are below its re-order point, in whole packs and not "
        "below the supplier's minimum; what costs most to leave undone comes first.",
        frame=orders,
        of="reorder_plan",
        by=("sku",),
        columns=(
            *ARTICLE,
            ReportColumn("supplier", "Supplier", of=()),
            ReportColumn("runs_out_on", "Runs out on", "day"),
            ReportColumn("order_quantity", "To order", "whole"),
            ReportColumn("order_cost", "Order cost", "money"),
            ReportColumn("cost_of_waiting", "Lost by waiting", "money", bars=True),
            *STOCK,
            ReportColumn("days_of_cover", "Days of cover", "whole"),
        ),
        when_empty="Nothing needs to be ordered today.",
    )


def _too_late(late: pd.DataFrame) -> Section:
    ordered = late.sort_values(["short_if_ordered", "sku"], ascending=[False, True]).reset_index(drop=True)
    return Section(
        title="Short whatever is ordered",
        says="Their stock ends before an order of today could arrive. Only a faster delivery helps: ask the supplier.",
        frame=ordered,
        of="reorder_plan",
        by=("sku",),
        columns=(
            *ARTICLE,
            ReportColumn("supplier", "Supplier", of=()),
            ReportColumn("runs_out_on", "Runs out on", "day"),
            ReportColumn("days_of_cover", "Days of cover", "whole"),
            ReportColumn("lead_time_days", "Lead time, days", "whole"),
            ReportColumn("days_late", "Days late", "whole", highlight_above=28, of=DAYS_LATE),
            ReportColumn("on_order", "On order", "whole"),
            ReportColumn("short_if_ordered", "Units short", "whole", bars=True),
        ),
        when_empty="No SKU runs out before an order of today could arrive.",
    )


def _levels(plan: pd.DataFrame) -> Section:
    return Section(
        title="How the quantities are worked out",
        says="Every SKU on the price list. An order is due when stock and open orders are below the re-order point, "
        "which is the demand over the lead time plus the safety stock; it fills up to the last level.",
        frame=plan,
        of="reorder_plan",
        by=("sku",),
        columns=(
            *ARTICLE,
            *STOCK,
            ReportColumn("lead_time_days", "Lead time, days", "whole"),
            ReportColumn("demand_over_lead_time", "Demand over lead time", "whole"),
            ReportColumn("service_level", "Service level", "percent"),
            ReportColumn("safety_stock", "Safety stock", "whole"),
            ReportColumn("reorder_point", "Re-order point", "whole"),
            ReportColumn("order_up_to", "Order up to", "whole"),
            ReportColumn("order_quantity", "To order", "whole"),
        ),
    )


def _notes(plan: pd.DataFrame, as_of: pd.Timestamp) -> tuple[str, ...]:
    notes = (
        f"Stock is as of {short_day(as_of)}: the last count, carried on with what was received and sold since.",
        "Demand over the lead time is the forecast for the lead time and the week until the next look at the plan.",
        "The service level is how surely stock is to last: higher where a unit earns more than it costs to hold. The "
        "safety stock is what that takes, given how far forecasts were off in backtests.",
        "Waiting loses the dealers' margin on the units that run short because an order comes a week later; what runs "
        "short either way is not counted in it.",
        "Units on order count towards the re-order point but not for the day on which the stock ends, because the day "
        "of their arrival is not known.",
        _never_counted(int(plan["on_hand"].isna().sum())),
    )
    return tuple(note for note in notes if note)


def _never_counted(skus: int) -> str:
    verb = "was" if skus == 1 else "were"
    listed = f"{counted(skus, 'SKU')} on the price list {verb} never counted"
    return f"{listed}; no order can be worked out without a count." if skus else ""
