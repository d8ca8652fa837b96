"""How orders by each forecast would have served in past weeks, and by which is ordered.

The figures are worked out in `inventory/`; what is ordered today belongs to `order_plan`.
"""

import pandas as pd

from s2p_assets.contracts.report import ReportColumn, Section
from s2p_assets.publishing.document.wording import localize_numbers
from s2p_assets.publishing.sections.model_service import describe_promotion
from s2p_assets.publishing.sections.plain_names import plain_name
from s2p_assets.publishing.sections.source_table import SourceTable

NONE_TRIED = "No forecast was tried on past weeks yet."


def why_orders_follow(tried: pd.DataFrame, prefix: str) -> str:
    """The sentence that says by which model is ordered and why, with plain names of models."""
    return describe_promotion(str(tried["because"].iloc[0]), prefix) if len(tried) else ""


def past_orders(tried: pd.DataFrame, name: str, prefix: str) -> Section:
    """A line per forecast: fill, days of stock, days at the same fill, and what would have perished.

    `tried`: the rows of the table `name`; `prefix`: what the models' names begin with.
    """
    shown = tried.assign(called=[plain_name(model, prefix) for model in tried["model"]])
    shown = shown.assign(ordered_by=shown["serves"].map({True: "yes", False: ""}))
    shown = shown.sort_values(["serves", "stock_at_same_fill"], ascending=[False, True]).reset_index(drop=True)
    source = SourceTable(name, shown)
    perishes = len(shown) > 0 and shown["wasted"].notna().any()
    waste = (ReportColumn("wasted", "Perished", "percent"),) if perishes else ()
    level = localize_numbers(f"{shown['service_level'].iloc[0]:.0%}") if len(shown) else ""
    return Section(
        title="By which forecast is ordered",
        says=plain_name(shown["model"].iloc[0], prefix) if len(shown) else "",
        description=f"{why_orders_follow(tried, prefix)} All were tried on the same past weeks, at a "
        f"service level of {level}; the last column holds each to the same fill."
        if len(shown)
        else "",
        frame=shown,
        table=source.name,
        key=("model",),
        columns=(
            ReportColumn("called", "Forecast", sources=()),
            ReportColumn("ordered_by", "Ordered by", sources=()),
            ReportColumn("fill", "Demand filled", "percent"),
            ReportColumn("days_of_stock", "Days of stock", "number"),
            *waste,
            ReportColumn("stock_at_same_fill", "Days at the same fill", "number", bars=True),
        ),
        when_empty=NONE_TRIED,
    )
