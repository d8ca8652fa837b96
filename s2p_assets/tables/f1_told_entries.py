"""What the champions told of races that are over. The race that comes next: `f1_race_predictions.py`."""

import pandas as pd

from s2p_assets.columns import Day, Number, Row, Text, Whole, YesNo, code, day, percent, text, whole, yes_no
from s2p_assets.learning.model import Outcome
from s2p_assets.learning.versions import Champion
from s2p_assets.shelves import Under, UnderEach
from s2p_assets.warehouse.table import table

CAME = ("entry_features.top_ten", "entry_features.did_not_finish")


class ToldEntry(Row):
    """A car in a race that is over, as it would have been told from what was known before the season."""

    question: Text = text(says="top ten, or did not finish", of=CAME)
    driver_id: Text = code(says="The driver", of="entry_features.driver_id")
    race_day: Day = day(says="The day of the race", of="entry_features.race_day")
    fold: Whole = whole(says="Number of the season among those tested; 1 is the oldest", of=CAME, ge=1)
    cutoff: Day = day(says="What was known before this day was learned from", of="entry_features.race_day")
    probability: Number = percent(says="How probable it would have been called", of=CAME, ge=0, le=1)
    came: YesNo = yes_no(says="Whether it came about", of=CAME)


UNDER: UnderEach = {
    "entry_features": Under("driver_id = this.driver_id and race_day = this.race_day"),
    ("probability", "entry_features"): Under("race_day < this.cutoff"),
}


@table(rows=ToldEntry, key=("question", "driver_id", "race_day"), owner="race-office@example.com", under=UNDER)
def told_entries(top_ten_champion: Champion[Outcome], failure_champion: Champion[Outcome]) -> pd.DataFrame:
    """What the champions would have told of the cars of past seasons, from what was known before each season."""
    champions = {"top ten": top_ten_champion, "did not finish": failure_champion}
    rows = pd.concat(
        champion.model.backtest.assign(question=question) for question, champion in champions.items()
    ).rename(columns={"entity": "driver_id", "time": "race_day"})
    return rows.assign(came=rows["actual"] == 1)[list(ToldEntry.to_schema().columns)]
