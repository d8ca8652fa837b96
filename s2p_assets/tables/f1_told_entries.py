"""The champions' backtest on races that are over, car by car. The next race is in `f1_race_predictions.py`."""

import pandas as pd

from s2p_assets.columns import Day, Number, Row, Text, Whole, YesNo, code, day, percent, text, whole, yes_no
from s2p_assets.learning.model import Outcome
from s2p_assets.learning.versions import Champion
from s2p_assets.lineage import UnderEach, before_day, same_key
from s2p_assets.warehouse.table import table

OUTCOMES = ("entry_features.top_ten", "entry_features.did_not_finish")


class EntryBacktest(Row):
    """One car in a race that is over, with the probability that a model trained before the season gave it."""

    question: Text = text(says="What is predicted: top ten, or did not finish", of=OUTCOMES)
    driver_id: Text = code(says="The driver", of="entry_features.driver_id")
    race_day: Day = day(says="The day of the race", of="entry_features.race_day")
    fold: Whole = whole(says="Number of the test season; 1 is the oldest", of=OUTCOMES, ge=1)
    cutoff: Day = day(says="The model learned from races before this day", of="entry_features.race_day")
    probability: Number = percent(says="Probability that the model gave", of=OUTCOMES, ge=0, le=1)
    came: YesNo = yes_no(says="Whether it came true", of=OUTCOMES)


LINEAGE: UnderEach = {
    "entry_features": same_key("driver_id", "race_day"),
    ("probability", "entry_features"): before_day("race_day", "cutoff"),
}


@table(rows=EntryBacktest, key=("question", "driver_id", "race_day"), owner="race-office@example.com", under=LINEAGE)
def told_entries(top_ten_champion: Champion[Outcome], failure_champion: Champion[Outcome]) -> pd.DataFrame:
    """How the champions would have judged the cars of past seasons: one row per predicted outcome, driver and race.

    Each probability comes from a model that knew only the races before that season. Made anew with every new champion.
    """
    champions = {"top ten": top_ten_champion, "did not finish": failure_champion}
    rows = pd.concat(
        champion.model.backtest.assign(question=question) for question, champion in champions.items()
    ).rename(columns={"entity": "driver_id", "time": "race_day"})
    return rows.assign(came=rows["actual"] == 1)[list(EntryBacktest.to_schema().columns)]
