"""How good each model was on later seasons. The measures are in `learning/`, the choices in `models/`."""

import pandas as pd

from s2p_assets import (
    Boolean,
    Champion,
    ClassificationTask,
    Code,
    Date,
    Integer,
    LineageRules,
    Number,
    Percent,
    Row,
    Text,
    column,
    column_names,
    exclusive_backtests,
    from_day,
    has_value,
    scores_as_told,
    table,
)

OUTCOMES = ("entry_features.top_ten", "entry_features.did_not_finish")


class RaceScore(Row):
    """One model on one season, trained on the races before it."""

    question: Text = column(description="What is predicted: top ten, or did not finish", derived_from=OUTCOMES)
    model: Code = column(description="The model", derived_from=OUTCOMES)
    fold: Integer = column(description="Number of the test season; 1 is the oldest", derived_from=OUTCOMES, ge=1)
    cutoff: Date = column(
        description="The model learned from races before this day", derived_from="entry_features.race_day"
    )
    cases: Integer = column(
        description="Predictions made: one per car and race", derived_from="entry_features.driver_id", ge=0
    )
    log_loss: Number = column(
        description="Mean −ln of the probability given to the outcome", derived_from=OUTCOMES, ge=0
    )
    brier: Number = column(
        description="Mean squared distance between probability and outcome", derived_from=OUTCOMES, ge=0, le=1
    )
    auc: Number = column(
        description="How often a car that did got more than one that did not", nullable=True, derived_from=OUTCOMES
    )
    accuracy: Percent = column(
        description="How often the likelier outcome came true", derived_from=OUTCOMES, ge=0, le=1
    )
    base_rate: Percent = column(description="Share of cars that did", derived_from=OUTCOMES, ge=0, le=1)
    calibration_error: Percent = column(
        description="Mean distance between probability and share", derived_from=OUTCOMES, ge=0, le=1
    )
    is_champion: Boolean = column(description="Whether this model predicts the next race", derived_from=OUTCOMES)


LINEAGE: LineageRules = {"entry_features": from_day("race_day", "cutoff") & has_value("top_ten")}


@table(rows=RaceScore, key=("question", "model", "fold"), owner="race-office@example.com", lineage=LINEAGE)
def race_scores(
    top_ten_champion: Champion[ClassificationTask], failure_champion: Champion[ClassificationTask]
) -> pd.DataFrame:
    """How good each model was on later seasons: one row per predicted outcome, model and season.

    The champions were chosen on what each said alone, and are scored here on what was told: both outcomes as one
    distribution. Made anew whenever the models are compared.
    """
    top_ten, failures = exclusive_backtests(top_ten_champion.model.backtest, failure_champion.model.backtest, most=10)
    told = {"top ten": (top_ten_champion, top_ten), "did not finish": (failure_champion, failures)}
    rows = pd.concat(
        scores_as_told(champion.scores, champion.model_name, backtest).assign(
            question=question, is_champion=champion.scores["model"] == champion.model_name
        )
        for question, (champion, backtest) in told.items()
    )
    return rows[column_names(RaceScore)]
