"""The champion's backtest on deals that are closed, week by week. Open deals are in `crm_scored_pipeline.py`."""

from s2p_assets import (
    Boolean,
    Champion,
    ClassificationTask,
    Code,
    Date,
    Frame,
    Integer,
    LineageRules,
    Percent,
    Row,
    backtested_cases,
    before_day,
    column,
    column_names,
    same_key,
    table,
)

OUTCOME = "deal_features.won"


class DealBacktest(Row):
    """One closed deal in a week of its life, with the probability that a model trained on earlier deals gave it."""

    opportunity_id: Code = column(
        description="The deal's number in the CRM", derived_from="deal_features.opportunity_id"
    )
    as_of: Date = column(
        description="The day up to whose morning the deal is described", derived_from="deal_features.as_of"
    )
    fold: Integer = column(description="Number of the test period; 1 is the oldest", derived_from=OUTCOME, ge=1)
    cutoff: Date = column(
        description="The model learned from deals closed before this day", derived_from="deal_features.as_of"
    )
    probability: Percent = column(
        description="Probability of a win that the model gave", derived_from=OUTCOME, ge=0, le=1
    )
    decile: Integer = column(
        description="Tenth of all rows by probability; 1 is the lowest. Fewer than ten where many are alike",
        ge=1,
        derived_from=OUTCOME,
    )
    won: Boolean = column(description="Whether it was won", derived_from=OUTCOME)


LINEAGE: LineageRules = {
    "deal_features": same_key("opportunity_id", "as_of"),
    ("probability", "deal_features"): before_day("decided_on", "cutoff"),
}


@table(rows=DealBacktest, key=("opportunity_id", "as_of"), owner="sales-operations@example.com", lineage=LINEAGE)
def deal_backtest(win_champion: Champion[ClassificationTask]) -> Frame:
    """How the champion would have judged deals that are closed by now: one row per deal and week of its life.

    Each probability comes from a model that knew only the deals closed before the test period. Made anew with every
    new champion.
    """
    return backtested_cases(win_champion)[column_names(DealBacktest)]
