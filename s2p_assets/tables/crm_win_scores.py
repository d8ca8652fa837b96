"""How good each model of won deals was on later deals. The measures are in `learning/`, the choice in `models/`."""

import pandas as pd

from s2p_assets.columns import Day, Number, Row, Text, Whole, YesNo, code, day, number, percent, whole, yes_no
from s2p_assets.learning.model import Outcome
from s2p_assets.learning.versions import Champion
from s2p_assets.lineage import UnderEach, from_day, has_value
from s2p_assets.warehouse.table import table

OUTCOME = "deal_features.won"


class WinScore(Row):
    """One model on the deals of one test period, trained on the deals closed before it."""

    model: Text = code(says="The model", of=OUTCOME)
    fold: Whole = whole(says="Number of the test period; 1 is the oldest", of=OUTCOME, ge=1)
    cutoff: Day = day(says="First day of the test period", of="deal_features.moment")
    entities: Whole = whole(says="Deals in the test period", of="deal_features.opportunity_id", ge=0)
    cases: Whole = whole(says="Predictions made: one per deal and week", of="deal_features.moment", ge=0)
    log_loss: Number = number(says="Mean −ln of the probability given to the outcome", of=OUTCOME, ge=0)
    brier: Number = number(says="Mean squared distance between probability and outcome", of=OUTCOME, ge=0, le=1)
    auc: Number = number(says="How often a won deal got more than a lost one", optional=True, of=OUTCOME, ge=0, le=1)
    accuracy: Number = percent(says="How often the likelier outcome came true", of=OUTCOME, ge=0, le=1)
    base_rate: Number = percent(says="Share of them that were won", of=OUTCOME, ge=0, le=1)
    calibration_error: Number = percent(says="Mean distance between probability and share won", of=OUTCOME, ge=0, le=1)
    is_champion: YesNo = yes_no(says="Whether this model scores the open deals", of=OUTCOME)


LINEAGE: UnderEach = {"deal_features": from_day("moment", "cutoff") & has_value("won")}


@table(rows=WinScore, key=("model", "fold"), owner="sales-operations@example.com", under=LINEAGE)
def win_scores(win_champion: Champion[Outcome]) -> pd.DataFrame:
    """How good each model was on deals that were closed later: one row per model and test period.

    The champion was chosen on these scores. Made anew whenever the models are compared.
    """
    scores = win_champion.scores
    return scores.assign(is_champion=scores["model"] == win_champion.model_name)[list(WinScore.to_schema().columns)]
