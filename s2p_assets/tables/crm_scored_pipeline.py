"""The open deals with how probably each is won, and why. What they come to by month is `crm_win_forecast.py`."""

import pandas as pd

from s2p_assets.columns import Day, Number, Row, Text, Whole, code, day, money, percent, text, whole
from s2p_assets.learning.classifying.reasons import in_words, reasons_of
from s2p_assets.learning.classifying.telling import open_cases, tell
from s2p_assets.learning.model import Outcome
from s2p_assets.learning.versions import Champion
from s2p_assets.shelves import Under, UnderEach
from s2p_assets.warehouse.table import table

CASE = "deal_features.opportunity_id"
TOLD = ("deal_features.won", "deal_features.age_days", "deal_features.days_to_quarter_end")
CALLED = {
    "age_days": "days since the first talk",
    "days_to_quarter_end": "days left of the quarter",
    "agent_open": "open deals of the agent",
    "agent_closed": "past deals of the agent",
    "sales_price": "list price",
    "recent_win_rate": "share won of late",
}


class ScoredDeal(Row):
    """An open deal, as it stands today."""

    opportunity_id: Text = code(says="The deal's number in the CRM", of=CASE)
    moment: Day = day(says="The day of which this was known", of="deal_features.moment")
    stage: Text = text(says="Prospecting or Engaging", of="deal_features.stage")
    age_days: Whole = whole(says="Days since the first talk", optional=True, of="deal_features.age_days", ge=0)
    sales_agent: Text = code(says="Who works on it", of="deal_features.sales_agent")
    manager: Text = text(says="Who leads the agent's team", of="deal_features.manager")
    regional_office: Text = text(says="The team's office", of="deal_features.regional_office")
    product: Text = code(says="What is offered", of="deal_features.product")
    account: Text = code(says="Whom it is made with, once known", optional=True, of="deal_features.account")
    sales_price: Number = money(says="The product's list price", of="deal_features.sales_price")
    probability: Number = percent(says="How probably it is won", of=TOLD, ge=0, le=1)
    expected_value: Number = money(says="List price × probability", of=("deal_features.sales_price", *TOLD), ge=0)
    reasons: Text = text(
        says="What adds most to the probability, or takes from it, in points of a hundred against the usual deal",
        of=TOLD,
    )
    model: Text = text(says="The champion that told it", of=TOLD)
    model_version: Text = code(says="Which version of it", of=TOLD)


UNDER: UnderEach = {
    "deal_features": Under("opportunity_id = this.opportunity_id and moment = this.moment"),
}


@table(rows=ScoredDeal, key=("opportunity_id",), owner="sales-operations@example.com", under=UNDER)
def scored_pipeline(deal_features: pd.DataFrame, win_champion: Champion[Outcome]) -> pd.DataFrame:
    """Every open deal with the probability that it is won, what that is worth, and the reasons."""
    deals = open_cases(deal_features, win_champion.problem)
    told = tell(win_champion, deals)
    reasons = reasons_of(win_champion, deals, deal_features)
    rows = deals.assign(
        probability=told["probability"],
        expected_value=(told["probability"] * deals["sales_price"].astype(float)).round(2),
        reasons=in_words(reasons, deals, names=CALLED),
        model=told["model"],
        model_version=told["model_version"],
    )
    return rows[list(ScoredDeal.to_schema().columns)]
