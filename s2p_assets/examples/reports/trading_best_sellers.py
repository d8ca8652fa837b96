"""The smallest report: what the trading company sold best in its last week. Earlier weeks: `trading_weekly_outlook`."""

import pandas as pd

from s2p_assets import Chart, Document, Figure, NumberSource, ReportColumn, Section, report


@report(title="Best sellers", owner="management@example.com")
def best_sellers(demand: pd.DataFrame) -> Document:
    """The ten items that sold most in the last week. One edition per week of sales."""
    week = demand["week"].max()
    sold = demand[demand["week"] == week]
    best = sold.sort_values(["units", "sku"], ascending=[False, True]).head(10).reset_index(drop=True)
    return Document(
        title="Best sellers",
        as_of=(week + pd.Timedelta(days=6)).date(),
        headline=f"Item {best['sku'].iloc[0]} sold best, with {best['units'].iloc[0]:.0f} units.",
        figures=(
            Figure(
                "Units sold",
                float(sold["units"].sum()),
                "integer",
                sources=(NumberSource("demand.units", {"week": week}),),
            ),
        ),
        sections=(
            Section(
                title="The ten best sellers",
                says=f"{best['sku'].iloc[0]} first, with {best['units'].iloc[0]:.0f} units",
                description="Units sold in the last week less units returned.",
                frame=best,
                columns=(ReportColumn("sku", "Item", "code"), ReportColumn("units", "Units", "integer")),
                chart=Chart("bar", "sku", ("units",), "Units sold", format="integer"),
                table="demand",
                key=("sku", "week"),
            ),
        ),
    )
