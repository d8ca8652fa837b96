"""How good each model of won deals was on later deals. The measures are in `learning/`, the choice in `models/`."""

from s2p_assets import (
    Boolean,
    Champion,
    ClassificationTask,
    Code,
    Date,
    Frame,
    Integer,
    LineageRules,
    Number,
    Percent,
    Row,
    column,
    column_names,
    from_day,
    has_value,
    table,
)

OUTCOME = "deal_features.won"


class WinScore(Row):
    """One model on the deals of one test period, trained on the deals closed before it."""

    model: Code = column(description="The model", derived_from=OUTCOME)
    fold: Integer = column(description="Number of the test period; 1 is the oldest", derived_from=OUTCOME, ge=1)
    cutoff: Date = column(description="First day of the test period", derived_from="deal_features.as_of")
    entities: Integer = column(
        description="Deals in the test period", derived_from="deal_features.opportunity_id", ge=0
    )
    cases: Integer = column(
        description="Predictions made: one per deal and week", derived_from="deal_features.as_of", ge=0
    )
    log_loss: Number = column(
        description="Mean −ln of the probability given to the outcome", derived_from=OUTCOME, ge=0
    )
    brier: Number = column(
        description="Mean squared distance between probability and outcome", derived_from=OUTCOME, ge=0, le=1
    )
    auc: Number = column(
        description="How often a won deal got more than a lost one", nullable=True, derived_from=OUTCOME, ge=0, le=1
    )
    accuracy: Percent = column(description="How often the likelier outcome came true", derived_from=OUTCOME, ge=0, le=1)
    base_rate: Percent = column(description="Share of them that were won", derived_from=OUTCOME, ge=0, le=1)
    calibration_error: Percent = column(
        description="Mean distance between probability and share won", derived_from=OUTCOME, ge=0, le=1
    )
    is_champion: Boolean = column(description="Whether this model scores the open deals", derived_from=OUTCOME)


LINEAGE: LineageRules = {"deal_features": from_day("as_of", "cutoff") & has_value("won")}


@table(rows=WinScore, key=("model", "fold"), owner="sales-operations@example.com", lineage=LINEAGE)
def win_scores(win_champion: Champion[ClassificationTask]) -> Frame:
    """How good each model was on deals that were closed later: one row per model and test period.

    The champion was chosen on these scores. Made anew whenever the models are compared.
    """
    scores = win_champion.scores
    return scores.assign(is_champion=scores["model"] == win_champion.model_name)[column_names(WinScore)]
