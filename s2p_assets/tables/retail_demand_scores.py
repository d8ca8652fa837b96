"""How good each demand model was on past weeks. The measures are in `learning/`, the choice in `models/`."""

import pandas as pd

from s2p_assets import (
    Boolean,
    Champion,
    Code,
    Date,
    Integer,
    LineageRules,
    Number,
    Percent,
    Row,
    Text,
    after_day,
    column,
    column_names,
    on_day,
    table,
    until_day,
)

UNITS = "demand_features.units"


class DemandScore(Row):
    """One model on one test period of past weeks, over all SKUs or those of one kind of demand."""

    model: Code = column(description="The model", derived_from=UNITS)
    fold: Integer = column(description="Number of the test period; 1 is the oldest", derived_from=UNITS, ge=1)
    series: Text = column(
        description="all, or the kind of demand: smooth, erratic, intermittent, lumpy", derived_from=UNITS
    )
    cutoff: Date = column(
        description="Monday of the last week that was known to the model", derived_from="demand_features.week"
    )
    until: Date = column(description="Monday of the last week that was forecast", derived_from="demand_features.week")
    entities: Integer = column(description="SKUs that were measured", derived_from="demand_features.sku", ge=0)
    wape: Percent = column(description="Sum of errors over the sum of units sold", nullable=True, derived_from=UNITS)
    bias: Percent = column(
        description="Units forecast too many over units sold; negative: too few", nullable=True, derived_from=UNITS
    )
    rmsse: Number = column(
        description="Scaled error; below 1 is better than repeating last week", nullable=True, derived_from=UNITS
    )
    coverage_80: Percent = column(description="Share of weeks within the 80 % range", nullable=True, derived_from=UNITS)
    coverage_95: Percent = column(description="Share of weeks within the 95 % range", nullable=True, derived_from=UNITS)
    is_champion: Boolean = column(description="Whether this model makes the forecast", derived_from=UNITS)


LINEAGE: LineageRules = {
    "demand_features": after_day("week", "cutoff") & until_day("week", "until"),
    ("cutoff", "demand_features"): on_day("week", "cutoff"),
    ("until", "demand_features"): on_day("week", "until"),
}


@table(rows=DemandScore, key=("model", "fold", "series"), owner="planning@example.com", lineage=LINEAGE)
def demand_scores(demand_champion: Champion) -> pd.DataFrame:
    """How far each demand model was off: one row per model, test period of eight weeks, and kind of demand.

    The champion was chosen on these scores; weeks in which stock ran out do not count. Made anew whenever the models
    are compared.
    """
    scores, horizon = demand_champion.scores, pd.Timedelta(weeks=demand_champion.task.horizon)
    newest = demand_champion.model.backtest["time"].max()
    rows = scores.assign(
        is_champion=scores["model"] == demand_champion.model_name, until=(scores["cutoff"] + horizon).clip(upper=newest)
    )
    return rows[column_names(DemandScore)]
