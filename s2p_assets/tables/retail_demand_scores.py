"""How good each demand model was on past weeks. The measures are in `learning/`, the choice in `models/`."""

import pandas as pd

from s2p_assets.columns import Day, Number, Row, Text, Whole, YesNo, code, day, number, percent, text, whole, yes_no
from s2p_assets.learning.versions import Champion
from s2p_assets.lineage import UnderEach, after_day, on_day, until_day
from s2p_assets.warehouse.table import table

UNITS = "demand_features.units"


class DemandScore(Row):
    """One model on one test period of past weeks, over all SKUs or those of one kind of demand."""

    model: Text = code(says="The model", of=UNITS)
    fold: Whole = whole(says="Number of the test period; 1 is the oldest", of=UNITS, ge=1)
    series: Text = text(says="all, or the kind of demand: smooth, erratic, intermittent, lumpy", of=UNITS)
    cutoff: Day = day(says="Monday of the last week that was known to the model", of="demand_features.week")
    until: Day = day(says="Monday of the last week that was forecast", of="demand_features.week")
    entities: Whole = whole(says="SKUs that were measured", of="demand_features.sku", ge=0)
    wape: Number = percent(says="Sum of errors over the sum of units sold", optional=True, of=UNITS)
    bias: Number = percent(says="Units forecast too many over units sold; negative: too few", optional=True, of=UNITS)
    rmsse: Number = number(says="Scaled error; below 1 is better than repeating last week", optional=True, of=UNITS)
    coverage_80: Number = percent(says="Share of weeks within the 80 % range", optional=True, of=UNITS)
    coverage_95: Number = percent(says="Share of weeks within the 95 % range", optional=True, of=UNITS)
    is_champion: YesNo = yes_no(says="Whether this model makes the forecast", of=UNITS)


LINEAGE: UnderEach = {
    "demand_features": after_day("week", "cutoff") & until_day("week", "until"),
    ("cutoff", "demand_features"): on_day("week", "cutoff"),
    ("until", "demand_features"): on_day("week", "until"),
}


@table(rows=DemandScore, key=("model", "fold", "series"), owner="planning@example.com", under=LINEAGE)
def demand_scores(demand_champion: Champion) -> pd.DataFrame:
    """How far each demand model was off: one row per model, test period of eight weeks, and kind of demand.

    The champion was chosen on these scores; weeks in which stock ran out do not count. Made anew whenever the models
    are compared.
    """
    scores, horizon = demand_champion.scores, pd.Timedelta(weeks=demand_champion.problem.horizon)
    newest = demand_champion.model.backtest["time"].max()
    rows = scores.assign(
        is_champion=scores["model"] == demand_champion.model_name, until=(scores["cutoff"] + horizon).clip(upper=newest)
    )
    return rows[list(DemandScore.to_schema().columns)]
