"""How good each model was on later seasons. The measures are in `learning/`, the choices in `models/`."""

import pandas as pd

from s2p_assets.columns import Day, Number, Row, Text, Whole, YesNo, code, day, number, percent, text, whole, yes_no
from s2p_assets.learning.model import Outcome
from s2p_assets.learning.versions import Champion
from s2p_assets.shelves import Under, UnderEach
from s2p_assets.warehouse.table import table

CAME = ("entry_features.top_ten", "entry_features.did_not_finish")


class RaceScores(Row):
    """A model on a season, knowing only the races before it."""

    question: Text = text(says="top ten, or did not finish", of=CAME)
    model: Text = code(says="The model", of=CAME)
    fold: Whole = whole(says="Number of the season among those tested; 1 is the oldest", of=CAME, ge=1)
    cutoff: Day = day(says="What was known before this day was learned from", of="entry_features.race_day")
    cases: Whole = whole(says="Cars in races that were told", of="entry_features.driver_id", ge=0)
    log_loss: Number = number(says="Mean −ln of the probability given to what came", of=CAME, ge=0)
    brier: Number = number(says="Mean squared distance of the probability from what came", of=CAME, ge=0, le=1)
    auc: Number = number(says="How often a car that did was given more than one that did not", optional=True, of=CAME)
    accuracy: Number = percent(says="How often the likelier end came", of=CAME, ge=0, le=1)
    base_rate: Number = percent(says="How many did", of=CAME, ge=0, le=1)
    calibration_error: Number = percent(says="Mean distance between what was told and what came", of=CAME, ge=0, le=1)
    is_champion: YesNo = yes_no(says="Whether this model tells the next race", of=CAME)


UNDER: UnderEach = {"entry_features": Under("race_day >= this.cutoff and top_ten is not null")}


@table(rows=RaceScores, key=("question", "model", "fold"), owner="race-office@example.com", under=UNDER)
def race_scores(top_ten_champion: Champion[Outcome], failure_champion: Champion[Outcome]) -> pd.DataFrame:
    """How right each model was about later seasons: by question, model and season."""
    champions = {"top ten": top_ten_champion, "did not finish": failure_champion}
    rows = pd.concat(
        champion.scores.assign(question=question, is_champion=champion.scores["model"] == champion.model_name)
        for question, champion in champions.items()
    )
    return rows[list(RaceScores.to_schema().columns)]
