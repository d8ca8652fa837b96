"""What the champion told of deals that have ended since, week by week. Open deals: `crm_scored_pipeline.py`."""

import pandas as pd

from s2p_assets.columns import Day, Number, Row, Text, Whole, YesNo, code, day, percent, whole, yes_no
from s2p_assets.learning.classifying.telling import tried
from s2p_assets.learning.model import Outcome
from s2p_assets.learning.versions import Champion
from s2p_assets.shelves import Under, UnderEach
from s2p_assets.warehouse.table import table

WON = "deal_features.won"


class ToldDeal(Row):
    """A deal in a week of its life, as it would have been told from what had ended before."""

    opportunity_id: Text = code(says="The deal's number in the CRM", of="deal_features.opportunity_id")
    moment: Day = day(says="The day of which this was known", of="deal_features.moment")
    fold: Whole = whole(says="Number of the stretch of time; 1 is the oldest", of=WON, ge=1)
    cutoff: Day = day(says="What had ended before this day was known", of="deal_features.moment")
    probability: Number = percent(says="How probable it would have been called", of=WON, ge=0, le=1)
    part: Whole = whole(
        says="Which tenth of all these by probability, 1 the least; fewer if many are told the same", ge=1, of=WON
    )
    won: YesNo = yes_no(says="Whether it was won", of=WON)


UNDER: UnderEach = {
    "deal_features": Under("opportunity_id = this.opportunity_id and moment = this.moment"),
    ("probability", "deal_features"): Under("decided_on < this.cutoff"),
}


@table(rows=ToldDeal, key=("opportunity_id", "moment"), owner="sales-operations@example.com", under=UNDER)
def told_deals(win_champion: Champion[Outcome]) -> pd.DataFrame:
    """What the champion would have told of deals that have ended, from what was known at the start of each stretch."""
    return tried(win_champion)[list(ToldDeal.to_schema().columns)]
