"""The champions' backtest on races that are over, car by car. The next race is in `f1_race_predictions.py`."""

import pandas as pd

from s2p_assets import (
    Boolean,
    Champion,
    ClassificationTask,
    Code,
    Date,
    Integer,
    LineageRules,
    Percent,
    Row,
    Text,
    before_day,
    column,
    column_names,
    exclusive_backtests,
    same_key,
    table,
)

OUTCOMES = ("entry_features.top_ten", "entry_features.did_not_finish")


class EntryBacktest(Row):
    """One car in a race that is over, with the probability that a model trained before the season gave it."""

    question: Text = column(description="What is predicted: top ten, or did not finish", derived_from=OUTCOMES)
    driver_id: Code = column(description="The driver", derived_from="entry_features.driver_id")
    race_day: Date = column(description="The day of the race", derived_from="entry_features.race_day")
    fold: Integer = column(description="Number of the test season; 1 is the oldest", derived_from=OUTCOMES, ge=1)
    cutoff: Date = column(
        description="The model learned from races before this day", derived_from="entry_features.race_day"
    )
    probability: Percent = column(description="Probability that the model gave", derived_from=OUTCOMES, ge=0, le=1)
    outcome: Boolean = column(description="Whether it came true", derived_from=OUTCOMES)


LINEAGE: LineageRules = {
    "entry_features": same_key("driver_id", "race_day"),
    ("probability", "entry_features"): before_day("race_day", "cutoff"),
}


@table(rows=EntryBacktest, key=("question", "driver_id", "race_day"), owner="race-office@example.com", lineage=LINEAGE)
def entry_backtest(
    top_ten_champion: Champion[ClassificationTask], failure_champion: Champion[ClassificationTask]
) -> pd.DataFrame:
    """How the champions would have judged the cars of past seasons: one row per predicted outcome, driver and race.

    Each probability comes from a model that knew only the races before that season, and goes with those
    of the other cars and the other outcome. Made anew with every new champion.
    """
    top_ten, failures = exclusive_backtests(top_ten_champion.model.backtest, failure_champion.model.backtest, most=10)
    told = {"top ten": top_ten, "did not finish": failures}
    rows = pd.concat(backtest.assign(question=question) for question, backtest in told.items()).rename(
        columns={"entity": "driver_id", "time": "race_day"}
    )
    return rows.assign(outcome=rows["actual"] == 1)[column_names(EntryBacktest)]
