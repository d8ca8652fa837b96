"""The open deals, each with the probability that it is won. What they bring by month is `crm_win_forecast.py`."""

from s2p_assets import (
    Champion,
    ClassificationTask,
    Code,
    Date,
    Frame,
    Integer,
    LineageRules,
    Money,
    Percent,
    Row,
    Text,
    column,
    column_names,
    explain,
    explanation_sentences,
    open_cases,
    same_key,
    score_cases,
    table,
)

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
    "agent_win_rate": "share won by the agent",
    "agent_recent_win_rate": "share won by the agent of late",
    "product_win_rate": "share won of the product",
    "account_win_rate": "share won with the account",
}


class ScoredDeal(Row):
    """One open deal, as of the last day that anything is known of."""

    opportunity_id: Code = column(description="The deal's number in the CRM", derived_from=CASE)
    as_of: Date = column(
        description="The day up to whose morning the deal is described", derived_from="deal_features.as_of"
    )
    stage: Text = column(description="Prospecting or Engaging", derived_from="deal_features.stage")
    age_days: Integer = column(
        description="Days since the first talk", nullable=True, derived_from="deal_features.age_days", ge=0
    )
    sales_agent: Code = column(description="Who works on it", derived_from="deal_features.sales_agent")
    manager: Text = column(description="Who leads the agent's team", derived_from="deal_features.manager")
    regional_office: Text = column(description="The team's office", derived_from="deal_features.regional_office")
    product: Code = column(description="What is offered", derived_from="deal_features.product")
    account: Code = column(
        description="The account it is made with, once known", nullable=True, derived_from="deal_features.account"
    )
    sales_price: Money = column(description="The product's list price", derived_from="deal_features.sales_price")
    probability: Percent = column(description="Probability that it is won", derived_from=EVIDENCE, ge=0, le=1)
    expected_value: Money = column(
        description="List price × probability", derived_from=("deal_features.sales_price", *EVIDENCE), ge=0
    )
    reasons: Text = column(
        description="What adds most to the probability, or takes from it, in points of a hundred against the "
        "usual deal",
        derived_from=EVIDENCE,
    )
    model: Text = column(description="The champion model that gave the probability", derived_from=EVIDENCE)
    model_version: Code = column(description="The version of that model", derived_from=EVIDENCE)


LINEAGE: LineageRules = {"deal_features": same_key("opportunity_id", "as_of")}


@table(rows=ScoredDeal, key=("opportunity_id",), owner="sales-operations@example.com", lineage=LINEAGE)
def scored_pipeline(deal_features: Frame, win_champion: Champion[ClassificationTask]) -> Frame:
    """Every open deal with the probability that it is won, its expected value and the reasons: one row per deal.

    Made anew from the CRM's latest export, by the model that did best on earlier deals.
    """
    deals = open_cases(deal_features, win_champion.task)
    predicted = score_cases(win_champion, deals)
    reasons = explain(win_champion, deals, deal_features)
    rows = deals.assign(
        probability=predicted["probability"],
        expected_value=(predicted["probability"] * deals["sales_price"].astype(float)).round(2),
        reasons=explanation_sentences(reasons, deals, names=FEATURE_NAMES),
        model=predicted["model"],
        model_version=predicted["model_version"],
    )
    return rows[column_names(ScoredDeal)]
