"""The open deals, each with the probability that it is won. What they bring by month is `crm_win_forecast.py`."""

import pandas as pd

from s2p_assets.columns import Day, Number, Row, Text, Whole, code, day, money, percent, text, whole
from s2p_assets.learning.classifying.reasons import in_words, reasons_of
from s2p_assets.learning.classifying.telling import open_cases, tell
from s2p_assets.learning.model import Outcome
from s2p_assets.learning.versions import Champion
from s2p_assets.lineage import UnderEach, same_key
from s2p_assets.warehouse.table import table

CASE = "deal_features.opportunity_id"
EVIDENCE = ("deal_features.won", "deal_features.age_days", "deal_features.days_to_quarter_end")
"""What a probability is learned from, and what weighs most in it."""
FEATURE_NAMES = {
    "age_days": "days since the first talk",
    "days_to_quarter_end": "days left of the quarter",
    "agent_open": "open deals of the agent",
    "agent_closed": "past deals of the agent",
    "sales_price": "list price",
    "recent_win_rate": "share won of late",
}


class ScoredDeal(Row):
    """One open deal, as of the last day that anything is known of."""

    opportunity_id: Text = code(says="The deal's number in the CRM", of=CASE)
    moment: Day = day(says="The day up to whose morning the deal is described", of="deal_features.moment")
    stage: Text = text(says="Prospecting or Engaging", of="deal_features.stage")
    age_days: Whole = whole(says="Days since the first talk", optional=True, of="deal_features.age_days", ge=0)
    sales_agent: Text = code(says="Who works on it", of="deal_features.sales_agent")
    manager: Text = text(says="Who leads the agent's team", of="deal_features.manager")
    regional_office: Text = text(says="The team's office", of="deal_features.regional_office")
    product: Text = code(says="What is offered", of="deal_features.product")
    account: Text = code(says="The account it is made with, once known", optional=True, of="deal_features.account")
    sales_price: Number = money(says="The product's list price", of="deal_features.sales_price")
    probability: Number = percent(says="Probability that it is won", of=EVIDENCE, ge=0, le=1)
    expected_value: Number = money(says="List price × probability", of=("deal_features.sales_price", *EVIDENCE), ge=0)
    reasons: Text = text(
        says="What adds most to the probability, or takes from it, in points of a hundred against the usual deal",
        of=EVIDENCE,
    )
    model: Text = text(says="The champion model that gave the probability", of=EVIDENCE)
    model_version: Text = code(says="The version of that model", of=EVIDENCE)


LINEAGE: UnderEach = {"deal_features": same_key("opportunity_id", "moment")}


@table(rows=ScoredDeal, key=("opportunity_id",), owner="sales-operations@example.com", under=LINEAGE)
def scored_pipeline(deal_features: pd.DataFrame, win_champion: Champion[Outcome]) -> pd.DataFrame:
    """Every open deal with the probability that it is won, its expected value and the reasons: one row per deal.

    Made anew from the CRM's latest export, by the model that did best on earlier deals.
    """
    deals = open_cases(deal_features, win_champion.problem)
    predicted = tell(win_champion, deals)
    reasons = reasons_of(win_champion, deals, deal_features)
    rows = deals.assign(
        probability=predicted["probability"],
        expected_value=(predicted["probability"] * deals["sales_price"].astype(float)).round(2),
        reasons=in_words(reasons, deals, names=FEATURE_NAMES),
        model=predicted["model"],
        model_version=predicted["model_version"],
    )
    return rows[list(ScoredDeal.to_schema().columns)]
