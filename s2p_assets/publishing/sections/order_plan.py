"""An order plan: what to order of whom, what waiting costs, what runs out first, and how quantities come about.

The quantities themselves are worked out by `inventory`; what stock is worth belongs to `stock`.
"""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from s2p_assets.contracts.report import Chart, Figure, ReportColumn, RowValue, Section
from s2p_assets.publishing.document.wording import format_date, format_number, money_in_text, pluralize
from s2p_assets.publishing.sections.findings import counted, first_of, is_known
from s2p_assets.publishing.sections.source_table import SourceTable
from s2p_assets.publishing.sections.trade_tables import item_columns, same_row

NOT_KNOWN = "Supplier not known"
NO_PLAN = "There is no re-order plan yet."
NOTHING_DUE = "Nothing needs to be ordered today."
ROWS_RUNNING_OUT = 25
SUPPLIERS_DRAWN = 15
LATE_DAYS = 28
HALF_A_UNIT = 0.5


@dataclass(frozen=True, kw_only=True)
class OrderPlan(SourceTable):
    """An order plan: one row per item, the columns as replenishment names them.

    `item`, `label`, `supplier`: columns that name what is ordered of whom; `noun`: how a reader calls one item.
    days_late (days): how much later an order of today would come than the stock ends. known_supplier: the supplier as
    stored, beside the one that is shown.
    """

    item: str
    label: str = "description"
    supplier: str = "supplier"
    noun: str = "SKU"

    @classmethod
    def most_urgent_first(cls, name: str, rows: pd.DataFrame, **columns: Any) -> "OrderPlan":
        """The plan by the cost of waiting, then by the day on which the stock ends."""
        plan = cls(name, rows, **columns)
        known = rows.assign(
            known_supplier=rows[plan.supplier].astype(object).where(rows[plan.supplier].notna(), None),
            **{plan.supplier: rows[plan.supplier].fillna(NOT_KNOWN)},
            days_late=rows["lead_time_days"].astype("float64") - rows["days_of_cover"].astype("float64"),
        )
        order = ["cost_of_waiting", "runs_out_on", plan.item]
        known = known.sort_values(order, ascending=[False, True, True], na_position="last").reset_index(drop=True)
        return cls(name, known, **columns)

    @property
    def orders(self) -> pd.DataFrame:
        """The rows with something to order today."""
        return self.rows[self.rows["order_quantity"].fillna(0) > 0].reset_index(drop=True)

    @property
    def late(self) -> pd.DataFrame:
        """The rows that will be short, by half a unit or more, whatever is ordered today."""
        rows = self.rows
        short = (rows["days_late"] > 0) & (rows["shortage_if_ordered"].fillna(0) >= HALF_A_UNIT)
        return rows[short].reset_index(drop=True)

    @property
    def running_out(self) -> pd.DataFrame:
        """The rows whose stock ends before an order of today would arrive, the first first."""
        rows = self.rows[self.rows["days_late"] > 0]
        return rows.sort_values(["runs_out_on", self.item]).reset_index(drop=True)

    @property
    def named(self) -> tuple[ReportColumn, ReportColumn]:
        """The columns with which a table of the plan begins."""
        return item_columns(self.item, self.label, self.noun)

    def lateness(self, name: str, title: str, format: str, limit: float) -> ReportColumn:  # noqa: A002
        """The column of days late, those above `limit` marked."""
        sources = tuple(self.lineage(column, same_row(self.item)) for column in ("lead_time_days", "days_of_cover"))
        return ReportColumn(name, title, format, highlight_above=limit, sources=sources)  # type: ignore[arg-type]


def describe_running_out(plan: OrderPlan) -> str:
    """A sentence for the headline: what runs out too early, and what a week's waiting would lose."""
    if plan.rows.empty:
        return NO_PLAN
    short = len(plan.running_out)
    ends = f"{pluralize(short, plan.noun)} {'runs' if short == 1 else 'run'} out before a new order could arrive"
    waiting = float(plan.rows["cost_of_waiting"].sum())
    lost = f"; ordering a week later would lose {money_in_text(waiting)} of margin" if waiting > 0 else ""
    return f"{ends}{lost}."


def order_now(plan: OrderPlan) -> str:
    """What purchasing has to do today: how much to order of how many suppliers, and which item first."""
    orders = plan.orders
    if plan.rows.empty or orders.empty:
        return ""
    first, suppliers = orders.iloc[0], orders[plan.supplier].nunique()
    begin = f"order {pluralize(len(orders), plan.noun)} of {pluralize(suppliers, 'supplier')} today"
    return f"{begin}, {first[plan.label]} ({first[plan.item]}) first."


def running_out(plan: OrderPlan) -> Figure:
    """The headline number of items that run out before an order of today would arrive."""
    late = {plan.item: tuple(plan.running_out[plan.item])}
    none = plan.rows.empty
    return Figure(
        "Run out within lead time",
        None if none else len(plan.running_out),
        "integer",
        note="no re-order plan yet" if none else f"of {pluralize(len(plan.rows), plan.noun)} in the plan",
        sources=tuple(plan.lineage(name, late, "rows") for name in ("days_of_cover", "lead_time_days")),
    )


def runs_out_first(plan: OrderPlan) -> Section:
    """Every item that runs out too early, and the first 25 that run out at all."""
    ordered = plan.rows.sort_values(["runs_out_on", plan.item]).reset_index(drop=True)
    is_soon = ordered["runs_out_on"].notna() & (ordered.index < ROWS_RUNNING_OUT)
    shown = ordered.assign(days_short=ordered["days_late"].where(ordered["days_late"] > 0))
    explained = (
        f"{format_number(len(plan.running_out))} of {pluralize(len(plan.rows), plan.noun)} have less stock than they "
        "need until an order placed now would arrive; days short are the days that such an order would come too late. "
        "Units already on order are not counted, because the day of their arrival is not known. What to order stands "
        "in the re-order plan."
    )
    return Section(
        title="What runs out first",
        says=""
        if plan.rows.empty
        else f"{format_number(len(plan.running_out))} of {pluralize(len(plan.rows), plan.noun)} too early",
        description="" if plan.rows.empty else explained,
        frame=shown[(ordered["days_late"] > 0) | is_soon].reset_index(drop=True),
        table=plan.name,
        key=(plan.item,),
        columns=(
            *plan.named,
            ReportColumn("runs_out_on", "Runs out on", "date"),
            ReportColumn("days_of_cover", "Days of cover", "number"),
            ReportColumn("lead_time_days", "Lead time, days", "number"),
            plan.lateness("days_short", "Days short", "number", 0),
            ReportColumn("on_hand", "On hand", "integer"),
            ReportColumn("on_order", "On order", "integer"),
            ReportColumn("order_quantity", "To order", "integer"),
        ),
        when_empty=NO_PLAN if plan.rows.empty else f"No {plan.noun} has a day on which it runs out.",
    )


def describe_orders(plan: OrderPlan) -> str:
    """The headline: how many items to order for how much, what waiting loses, and how many are short either way."""
    items, orders, late = pluralize(len(plan.rows), plan.noun), plan.orders, plan.late
    if orders.empty:
        return f"Nothing needs to be ordered today: {items} have stock and orders enough."
    cost, waiting = orders["order_cost"].sum(), plan.rows["cost_of_waiting"].sum()
    verb = "is" if len(orders) == 1 else "are"
    worth = f" for {money_in_text(cost)}" if cost > 0 else ""
    lost = f" Waiting a week would lose {money_in_text(waiting)} of margin." if waiting > 0 else ""
    short = f" {pluralize(len(late), plan.noun)} will be short whatever is ordered." if len(late) else ""
    return f"{format_number(len(orders))} of {items} {verb} to be ordered today{worth}.{lost}{short}"


def order_figures(plan: OrderPlan) -> tuple[Figure, ...]:
    """The headline numbers: cost and number of today's orders, what waiting loses, and units short either way."""
    rows, orders, late = plan.rows, plan.orders, plan.late
    no_cost = int(orders["order_cost"].isna().sum())
    unknown = int(rows["order_quantity"].isna().sum())
    return (
        Figure(
            "To order today",
            float(orders["order_cost"].sum()),
            "money",
            note=f"without {pluralize(no_cost, plan.noun)} of unknown cost" if no_cost else "",
            sources=(plan.lineage("order_cost"),),
        ),
        Figure(
            f"{plan.noun}s to order",
            len(orders),
            "integer",
            note=f"of {format_number(len(rows))}"
            + (f"; {format_number(unknown)} have never been counted" if unknown else ""),
            sources=(plan.lineage("order_quantity", {"order_quantity": slice(1, None)}, "rows"),),
        ),
        Figure(
            "Margin lost by waiting a week",
            float(rows["cost_of_waiting"].sum()),
            "money",
            note="if nothing is ordered today",
            sources=(plan.lineage("cost_of_waiting"),),
        ),
        Figure(
            "Units short whatever is ordered",
            float(late["shortage_if_ordered"].sum()),
            "integer",
            note=f"of {pluralize(len(late), plan.noun)}, before an order of today could arrive",
            sources=(plan.lineage("shortage_if_ordered", {plan.item: tuple(late[plan.item])}),) if len(late) else (),
        ),
    )


def orders_by_supplier(plan: OrderPlan) -> Section:
    """A line per supplier: items, units, cost of the order, and what waiting a week would lose."""
    groups = plan.orders.groupby(plan.supplier, sort=False)
    lines = groups.agg(
        skus=(plan.item, "size"),
        units=("order_quantity", "sum"),
        cost=("order_cost", lambda cost: cost.sum(min_count=1)),
        waiting=("cost_of_waiting", lambda cost: cost.sum(min_count=1)),
        known_supplier=("known_supplier", "first"),
    )
    lines = lines.reset_index().sort_values(["cost", plan.supplier], ascending=[False, True]).reset_index(drop=True)
    here: dict[str, object] = {plan.supplier: RowValue("known_supplier")}
    due = plan.lineage("order_quantity", here | {"order_quantity": slice(1, None)}, "rows")
    return Section(
        title="Orders by supplier",
        says=first_of(lines, plan.supplier, money_in_text(lines["cost"].iloc[0]) if _has_cost(lines) else ""),
        description="What the list below comes to for each supplier, the largest order first.",
        frame=lines,
        columns=(
            ReportColumn(plan.supplier, "Supplier"),
            ReportColumn("skus", f"{plan.noun}s", "integer", sources=(due,)),
            ReportColumn("units", "Units", "integer", sources=(plan.lineage("order_quantity", here),)),
            ReportColumn("cost", "Order cost", "money", sources=(plan.lineage("order_cost", here),)),
            ReportColumn(
                "waiting", "Lost by waiting a week", "money", sources=(plan.lineage("cost_of_waiting", here),)
            ),
        ),
        chart=_costs_drawn(lines.head(SUPPLIERS_DRAWN), plan.supplier) if len(lines) > 1 else None,
        when_empty=NOTHING_DUE,
    )


def _has_cost(lines: pd.DataFrame) -> bool:
    return len(lines) > 0 and is_known(lines["cost"].iloc[0])


def _costs_drawn(lines: pd.DataFrame, supplier: str) -> Chart:
    return Chart("bar", supplier, ("cost",), "Order cost by supplier", format="money", frame=lines)


def order_list(plan: OrderPlan) -> Section:
    """Every item to order today, the costliest to leave undone first."""
    return Section(
        title="What to order today",
        says=counted(len(plan.orders), plan.noun, none="nothing"),
        description=f"Every {plan.noun} whose stock and open orders together are below its re-order point, in whole "
        "packs and not below the supplier's minimum; what costs most to leave undone comes first.",
        frame=plan.orders,
        table=plan.name,
        key=(plan.item,),
        columns=(
            *plan.named,
            ReportColumn(plan.supplier, "Supplier", sources=()),
            ReportColumn("runs_out_on", "Runs out on", "date"),
            ReportColumn("order_quantity", "To order", "integer"),
            ReportColumn("order_cost", "Order cost", "money"),
            ReportColumn("cost_of_waiting", "Lost by waiting", "money", bars=True),
            ReportColumn("on_hand", "On hand", "integer"),
            ReportColumn("on_order", "On order", "integer"),
            ReportColumn("days_of_cover", "Days of cover", "integer"),
        ),
        when_empty=NOTHING_DUE,
    )


def short_either_way(plan: OrderPlan) -> Section:
    """The items whose stock ends before an order of today could arrive, the most units short first."""
    return Section(
        title="Short whatever is ordered",
        says=_units_short(plan),
        description="Their stock ends before an order of today could arrive. Only a faster delivery helps: ask "
        "the supplier.",
        frame=plan.late.sort_values(["shortage_if_ordered", plan.item], ascending=[False, True]).reset_index(drop=True),
        table=plan.name,
        key=(plan.item,),
        columns=(
            *plan.named,
            ReportColumn(plan.supplier, "Supplier", sources=()),
            ReportColumn("runs_out_on", "Runs out on", "date"),
            ReportColumn("days_of_cover", "Days of cover", "integer"),
            ReportColumn("lead_time_days", "Lead time, days", "integer"),
            plan.lateness("days_late", "Days late", "integer", LATE_DAYS),
            ReportColumn("on_order", "On order", "integer"),
            ReportColumn("shortage_if_ordered", "Units short", "integer", bars=True),
        ),
        when_empty=f"No {plan.noun} runs out before an order of today could arrive.",
    )


def _units_short(plan: OrderPlan) -> str:
    units = pluralize(round(float(plan.late["shortage_if_ordered"].sum())), "unit")
    return f"{pluralize(len(plan.late), plan.noun)}, {units}" if len(plan.late) else "none"


def plan_levels(plan: OrderPlan) -> Section:
    """Every item with its levels, from the demand over the lead time to the quantity to order."""
    return Section(
        title="How the quantities are worked out",
        says=f"an order is due for {format_number(len(plan.orders))} of {pluralize(len(plan.rows), plan.noun)}",
        description=f"Every {plan.noun} on the price list. An order is due when stock and open orders are below the "
        "re-order point, which is the demand over the lead time plus the safety stock; it fills up to the last level.",
        frame=plan.rows,
        table=plan.name,
        key=(plan.item,),
        columns=(
            *plan.named,
            ReportColumn("on_hand", "On hand", "integer"),
            ReportColumn("on_order", "On order", "integer"),
            ReportColumn("lead_time_days", "Lead time, days", "integer"),
            ReportColumn("demand_over_lead_time", "Demand over lead time", "integer"),
            ReportColumn("service_level", "Service level", "percent"),
            ReportColumn("safety_stock", "Safety stock", "integer"),
            ReportColumn("reorder_point", "Re-order point", "integer"),
            ReportColumn("order_up_to", "Order up to", "integer"),
            ReportColumn("order_quantity", "To order", "integer"),
        ),
    )


def plan_notes(plan: OrderPlan, as_of: pd.Timestamp) -> tuple[str, ...]:
    """How the plan is to be read, and how many of its items were never counted."""
    unknown = int(plan.rows["on_hand"].isna().sum())
    listed = f"{pluralize(unknown, plan.noun)} on the price list {'was' if unknown == 1 else 'were'} never counted"
    return (
        f"Stock is as of {format_date(as_of)}: the last count, carried on with what was received and sold since.",
        "Demand over the lead time is the forecast for the lead time and the week until the next look at the plan.",
        "The service level is how surely stock is to last: higher where a unit earns more than it costs to hold. The "
        "safety stock is what that takes, given how far forecasts were off in backtests.",
        "Waiting loses the dealers' margin on the units that run short because an order comes a week later; what runs "
        "short either way is not counted in it.",
        "Units on order count towards the re-order point but not for the day on which the stock ends, because the day "
        "of their arrival is not known.",
        *((f"{listed}; no order can be worked out without a count.",) if unknown else ()),
    )
