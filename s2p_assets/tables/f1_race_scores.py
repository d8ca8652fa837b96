"""How good each model was on later seasons. The measures are in `learning/`, the choices in `models/`."""

import pandas as pd

from s2p_assets.columns import Day, Number, Row, Text, Whole, YesNo, code, day, number, percent, text, whole, yes_no
from s2p_assets.learning.model import Outcome
from s2p_assets.learning.versions import Champion
from s2p_assets.lineage import UnderEach, from_day, has_value
from s2p_assets.warehouse.table import table

OUTCOMES = ("entry_features.top_ten", "entry_features.did_not_finish")


class RaceScore(Row):
    """One model on one season, trained on the races before it."""

    question: Text = text(says="What is predicted: top ten, or did not finish", of=OUTCOMES)
    model: Text = code(says="The model", of=OUTCOMES)
    fold: Whole = whole(says="Number of the test season; 1 is the oldest", of=OUTCOMES, ge=1)
    cutoff: Day = day(says="The model learned from races before this day", of="entry_features.race_day")
    cases: Whole = whole(says="Predictions made: one per car and race", of="entry_features.driver_id", ge=0)
    log_loss: Number = number(says="Mean −ln of the probability given to the outcome", of=OUTCOMES, ge=0)
    brier: Number = number(says="Mean squared distance between probability and outcome", of=OUTCOMES, ge=0, le=1)
    auc: Number = number(says="How often a car that did got more than one that did not", optional=True, of=OUTCOMES)
    accuracy: Number = percent(says="How often the likelier outcome came true", of=OUTCOMES, ge=0, le=1)
    base_rate: Number = percent(says="Share of cars that did", of=OUTCOMES, ge=0, le=1)
    calibration_error: Number = percent(says="Mean distance between probability and share", of=OUTCOMES, ge=0, le=1)
    is_champion: YesNo = yes_no(says="Whether this model predicts the next race", of=OUTCOMES)


LINEAGE: UnderEach = {"entry_features": from_day("race_day", "cutoff") & has_value("top_ten")}


@table(rows=RaceScore, key=("question", "model", "fold"), owner="race-office@example.com", under=LINEAGE)
def race_scores(top_ten_champion: Champion[Outcome], failure_champion: Champion[Outcome]) -> pd.DataFrame:
    """How good each model was on later seasons: one row per predicted outcome, model and season.

    The champions were chosen on these scores. Made anew whenever the models are compared.
    """
    champions = {"top ten": top_ten_champion, "did not finish": failure_champion}
    rows = pd.concat(
        champion.scores.assign(question=question, is_champion=champion.scores["model"] == champion.model_name)
        for question, champion in champions.items()
    )
    return rows[list(RaceScore.to_schema().columns)]
