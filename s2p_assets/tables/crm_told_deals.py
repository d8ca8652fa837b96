"""The champion's backtest on deals that are closed, week by week. Open deals are in `crm_scored_pipeline.py`."""

import pandas as pd

from s2p_assets.columns import Day, Number, Row, Text, Whole, YesNo, code, day, percent, whole, yes_no
from s2p_assets.learning.classifying.telling import tried
from s2p_assets.learning.model import Outcome
from s2p_assets.learning.versions import Champion
from s2p_assets.lineage import UnderEach, before_day, same_key
from s2p_assets.warehouse.table import table

OUTCOME = "deal_features.won"


class DealBacktest(Row):
    """One closed deal in a week of its life, with the probability that a model trained on earlier deals gave it."""

    opportunity_id: Text = code(says="The deal's number in the CRM", of="deal_features.opportunity_id")
    moment: Day = day(says="The day up to whose morning the deal is described", of="deal_features.moment")
    fold: Whole = whole(says="Number of the test period; 1 is the oldest", of=OUTCOME, ge=1)
    cutoff: Day = day(says="The model learned from deals closed before this day", of="deal_features.moment")
    probability: Number = percent(says="Probability of a win that the model gave", of=OUTCOME, ge=0, le=1)
    part: Whole = whole(
        says="Tenth of all rows by probability; 1 is the lowest. Fewer than ten where many are alike", ge=1, of=OUTCOME
    )
    won: YesNo = yes_no(says="Whether it was won", of=OUTCOME)


LINEAGE: UnderEach = {
    "deal_features": same_key("opportunity_id", "moment"),
    ("probability", "deal_features"): before_day("decided_on", "cutoff"),
}


@table(rows=DealBacktest, key=("opportunity_id", "moment"), owner="sales-operations@example.com", under=LINEAGE)
def told_deals(win_champion: Champion[Outcome]) -> pd.DataFrame:
    """How the champion would have judged deals that are closed by now: one row per deal and week of its life.

    Each probability comes from a model that knew only the deals closed before the test period. Made anew with every
    new champion.
    """
    return tried(win_champion)[list(DealBacktest.to_schema().columns)]
