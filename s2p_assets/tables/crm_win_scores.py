"""How good each model of won deals was on later deals. The measures are in `learning/`, the choice in `models/`."""

import pandas as pd

from s2p_assets.columns import Day, Number, Row, Text, Whole, YesNo, code, day, number, percent, whole, yes_no
from s2p_assets.learning.model import Outcome
from s2p_assets.learning.versions import Champion
from s2p_assets.shelves import Under, UnderEach
from s2p_assets.warehouse.table import table

WON = "deal_features.won"


class WinScores(Row):
    """A model on the deals of one stretch of time, knowing only those that had ended before it."""

    model: Text = code(says="The model", of=WON)
    fold: Whole = whole(says="Number of the stretch; 1 is the oldest", of=WON, ge=1)
    cutoff: Day = day(says="First day of the stretch", of="deal_features.moment")
    entities: Whole = whole(says="Deals that were told", of="deal_features.opportunity_id", ge=0)
    cases: Whole = whole(says="How often they were told: once a week each", of="deal_features.moment", ge=0)
    log_loss: Number = number(says="Mean −ln of the probability given to what came", of=WON, ge=0)
    brier: Number = number(says="Mean squared distance of the probability from what came", of=WON, ge=0, le=1)
    auc: Number = number(says="How often a won deal was given more than a lost one", optional=True, of=WON, ge=0, le=1)
    accuracy: Number = percent(says="How often the likelier end came", of=WON, ge=0, le=1)
    base_rate: Number = percent(says="How many of them were won", of=WON, ge=0, le=1)
    calibration_error: Number = percent(says="Mean distance between what was told and what came", of=WON, ge=0, le=1)
    is_champion: YesNo = yes_no(says="Whether this model tells the open deals", of=WON)


UNDER: UnderEach = {"deal_features": Under("moment >= this.cutoff and won is not null")}


@table(rows=WinScores, key=("model", "fold"), owner="sales-operations@example.com", under=UNDER)
def win_scores(win_champion: Champion[Outcome]) -> pd.DataFrame:
    """How right each model was about deals that ended later: by model and stretch of time.

    The scores beside which the champion was chosen.
    """
    scores = win_champion.scores
    return scores.assign(is_champion=scores["model"] == win_champion.model_name)[list(WinScores.to_schema().columns)]
