"""What was known of each deal, week by week of its life. Whether it will be won is the models' work."""

import numpy as np
import pandas as pd

from s2p_assets import (
    COUNT,
    Boolean,
    Code,
    Date,
    Integer,
    LineageRule,
    LineageRules,
    Money,
    NotYet,
    Number,
    Percent,
    Row,
    Text,
    before_day,
    column,
    column_names,
    events_before,
    feature_set,
    same_key,
)

DAYS_A_WEEK = 7
RECENT = pd.Timedelta(days=90)
OUTCOME = ("opportunities.deal_stage", "opportunities.close_date")


class DealFeatures(Row):
    """One deal on one day of its life: what was known then, and, once it was closed, its outcome."""

    opportunity_id: Code = column(
        description="The deal's number in the CRM", derived_from="opportunities.opportunity_id"
    )
    as_of: Date = column(
        description="The day up to whose morning the deal is described: weekly from the first talk on, for open "
        "deals today",
        derived_from=("opportunities.engage_date", "opportunities.close_date"),
    )
    won: Boolean = column(
        description="Whether it was won; none while it is open", nullable=True, derived_from="opportunities.deal_stage"
    )
    decided_on: Date = column(
        description="Day of its end; none while it is open", nullable=True, derived_from="opportunities.close_date"
    )
    stage: Text = column(
        description="Prospecting before the first talk, Engaging after it", derived_from="opportunities.engage_date"
    )
    age_days: Integer = column(
        description="Days since the first talk", nullable=True, derived_from="opportunities.engage_date", ge=0
    )
    days_to_quarter_end: Integer = column(
        description="Days left of the quarter", derived_from="opportunities.engage_date", ge=0
    )
    sales_agent: Code = column(description="Who works on it", derived_from="opportunities.sales_agent")
    manager: Text = column(description="Who leads the agent's team", derived_from="sales_teams.manager")
    regional_office: Text = column(description="The team's office", derived_from="sales_teams.regional_office")
    product: Code = column(description="What is offered", derived_from="opportunities.product")
    series: Text = column(description="The product's family", derived_from="products.series")
    sales_price: Money = column(description="The product's list price", derived_from="products.sales_price")
    account: Code = column(
        description="The account it is made with, once known", nullable=True, derived_from="opportunities.account"
    )
    sector: Text = column(description="What the account does", nullable=True, derived_from="accounts.sector")
    account_revenue: Number = column(
        description="The account's revenue in millions", nullable=True, derived_from="accounts.revenue"
    )
    account_employees: Integer = column(
        description="The account's employees", nullable=True, derived_from="accounts.employees"
    )
    account_age_years: Integer = column(
        description="Years since it was founded", nullable=True, derived_from="accounts.year_established"
    )
    is_subsidiary: Boolean = column(
        description="Whether the account belongs to another", derived_from="accounts.subsidiary_of"
    )
    agent_open: Integer = column(
        description="The agent's deals that were open", derived_from=OUTCOME[1], ge=0, available="before_outcome"
    )
    agent_closed: Integer = column(
        description="The agent's deals that were closed", derived_from=OUTCOME, ge=0, available="before_outcome"
    )
    agent_win_rate: Percent = column(
        description="Of the agent's closed deals, those won",
        nullable=True,
        derived_from=OUTCOME,
        available="before_outcome",
    )
    agent_recent_win_rate: Percent = column(
        description="Of the agent's deals closed in the last 90 days, those won",
        nullable=True,
        derived_from=OUTCOME,
        available="before_outcome",
    )
    product_closed: Integer = column(
        description="Deals on the product that were closed", derived_from=OUTCOME, ge=0, available="before_outcome"
    )
    product_win_rate: Percent = column(
        description="Of the product's closed deals, those won",
        nullable=True,
        derived_from=OUTCOME,
        available="before_outcome",
    )
    account_closed: Integer = column(
        description="Deals with the account that were closed", derived_from=OUTCOME, ge=0, available="before_outcome"
    )
    account_win_rate: Percent = column(
        description="Of the account's closed deals, those won",
        nullable=True,
        derived_from=OUTCOME,
        available="before_outcome",
    )
    recent_win_rate: Percent = column(
        description="Of all deals closed in the last 90 days, those won",
        nullable=True,
        derived_from=OUTCOME,
        available="before_outcome",
    )


OF_ACCOUNT = (
    *("account", "sector", "account_revenue", "account_employees", "account_age_years", "is_subsidiary"),
    *("account_closed", "account_win_rate"),
)
"""What the CRM fills in while a deal lives, for many only as it is closed."""
CLOSED_BEFORE = before_day("close_date", "as_of")
CLOSED_RECENTLY = before_day("close_date", "as_of", within_days=RECENT.days)
STILL_OPEN = before_day("engage_date", "as_of") & LineageRule("coalesce(close_date >= this.as_of, true)")
AGENT, PRODUCT, ACCOUNT = same_key("sales_agent"), same_key("product"), same_key("account")
LINEAGE: LineageRules = {
    "opportunities": same_key("opportunity_id"),
    "accounts": ACCOUNT,
    "sales_teams": AGENT,
    "products": PRODUCT,
    ("agent_open", "opportunities"): AGENT & STILL_OPEN,
    ("agent_closed", "opportunities"): AGENT & CLOSED_BEFORE,
    ("agent_win_rate", "opportunities"): AGENT & CLOSED_BEFORE,
    ("agent_recent_win_rate", "opportunities"): AGENT & CLOSED_RECENTLY,
    ("product_closed", "opportunities"): PRODUCT & CLOSED_BEFORE,
    ("product_win_rate", "opportunities"): PRODUCT & CLOSED_BEFORE,
    ("account_closed", "opportunities"): ACCOUNT & CLOSED_BEFORE,
    ("account_win_rate", "opportunities"): ACCOUNT & CLOSED_BEFORE,
    ("recent_win_rate", "opportunities"): CLOSED_RECENTLY,
}


@feature_set(
    rows=DealFeatures,
    entity=("opportunity_id",),
    event_time="as_of",
    owner="sales-operations@example.com",
    snapshots=OF_ACCOUNT,
    lineage=LINEAGE,
)
def deal_features(
    opportunities: pd.DataFrame, accounts: pd.DataFrame, products: pd.DataFrame, sales_teams: pd.DataFrame
) -> pd.DataFrame:
    """What was known of each deal: one row per deal and week, from the first talk to the day before it was closed.

    An open deal has one row, of the last day that anything is known of. Win rates count the deals closed before that
    morning; what only the close of a deal reveals, its value and its day, is in no feature.
    """
    if opportunities["close_date"].isna().all():
        raise NotYet("no deal has ended yet")
    deals = opportunities.assign(won=opportunities["deal_stage"].eq("Won").where(opportunities["close_date"].notna()))
    cases = _weekly_cases(deals).merge(sales_teams, on="sales_agent").merge(products, on="product")
    cases = cases.merge(accounts, on="account", how="left")
    return _with_win_rates(_described(cases), deals)[column_names(DealFeatures)]


def _weekly_cases(deals: pd.DataFrame) -> pd.DataFrame:
    """One row per deal and day looked at: weekly until a deal is closed, the last known day for an open one."""
    closed = deals[deals["close_date"].notna()]
    weeks = np.ceil((closed["close_date"] - closed["engage_date"]).dt.days / DAYS_A_WEEK).astype(int)
    by_week = closed.loc[closed.index.repeat(weeks)]
    age = by_week.groupby(level=0).cumcount() * DAYS_A_WEEK
    by_week = by_week.assign(as_of=by_week["engage_date"] + pd.to_timedelta(age, unit="D"))
    today = deals[["engage_date", "close_date"]].max().max() + pd.Timedelta(days=1)
    still_open = deals[deals["close_date"].isna()].assign(as_of=today)
    return pd.concat([by_week, still_open], ignore_index=True).rename(columns={"close_date": "decided_on"})


def _described(cases: pd.DataFrame) -> pd.DataFrame:
    """Adds what the deal, its account and the calendar show on the day."""
    as_of = cases["as_of"]
    quarter_end = as_of.dt.to_period("Q").dt.end_time.dt.normalize()
    return cases.assign(
        stage=np.where(cases["engage_date"].notna(), "Engaging", "Prospecting"),
        age_days=(as_of - cases["engage_date"]).dt.days.astype("Int64"),
        days_to_quarter_end=(quarter_end - as_of).dt.days,
        account_revenue=cases["revenue"],
        account_employees=cases["employees"],
        account_age_years=as_of.dt.year - cases["year_established"],
        is_subsidiary=cases["subsidiary_of"].notna(),
        won=cases["won"].astype("boolean"),
    )


def _with_win_rates(cases: pd.DataFrame, deals: pd.DataFrame) -> pd.DataFrame:
    """Adds the win rates of the agent, the product, the account and all, from deals closed before the day."""

    def before(by: tuple[str, ...], when: str = "close_date", within: pd.Timedelta | None = None) -> pd.DataFrame:
        return events_before(cases, deals, by=by, at="as_of", when=when, means=["won"], within=within)

    agent, product, account = before(("sales_agent",)), before(("product",)), before(("account",))
    known = cases["account"].notna()
    return cases.assign(
        agent_open=before(("sales_agent",), when="engage_date")[COUNT] - agent[COUNT],
        agent_closed=agent[COUNT],
        agent_win_rate=agent["won"],
        agent_recent_win_rate=before(("sales_agent",), within=RECENT)["won"],
        product_closed=product[COUNT],
        product_win_rate=product["won"],
        account_closed=account[COUNT].where(known, 0),
        account_win_rate=account["won"].where(known),
        recent_win_rate=before((), within=RECENT)["won"],
    )
