"""What was known of each deal, week by week of its life. Whether it will be won is the models' work."""

import numpy as np
import pandas as pd

from s2p_assets.columns import (
    Day,
    Number,
    Row,
    Text,
    Whole,
    YesNo,
    code,
    day,
    money,
    number,
    percent,
    text,
    whole,
    yes_no,
)
from s2p_assets.learning.feature_set import feature_set
from s2p_assets.learning.known_before import COUNT, known_before
from s2p_assets.lineage import Under, UnderEach, before_day, same_key
from s2p_assets.shelves import NotYet

DAYS_A_WEEK = 7
RECENT = pd.Timedelta(days=90)
OUTCOME = ("opportunities.deal_stage", "opportunities.close_date")


class DealFeatures(Row):
    """One deal on one day of its life: what was known then, and, once it was closed, its outcome."""

    opportunity_id: Text = code(says="The deal's number in the CRM", of="opportunities.opportunity_id")
    moment: Day = day(
        says="The day up to whose morning the deal is described: weekly from the first talk on, for open deals today",
        of=("opportunities.engage_date", "opportunities.close_date"),
    )
    won: YesNo = yes_no(says="Whether it was won; none while it is open", optional=True, of="opportunities.deal_stage")
    decided_on: Day = day(says="Day of its end; none while it is open", optional=True, of="opportunities.close_date")
    stage: Text = text(says="Prospecting before the first talk, Engaging after it", of="opportunities.engage_date")
    age_days: Whole = whole(says="Days since the first talk", optional=True, of="opportunities.engage_date", ge=0)
    days_to_quarter_end: Whole = whole(says="Days left of the quarter", of="opportunities.engage_date", ge=0)
    sales_agent: Text = code(says="Who works on it", of="opportunities.sales_agent")
    manager: Text = text(says="Who leads the agent's team", of="sales_teams.manager")
    regional_office: Text = text(says="The team's office", of="sales_teams.regional_office")
    product: Text = code(says="What is offered", of="opportunities.product")
    series: Text = text(says="The product's family", of="products.series")
    sales_price: Number = money(says="The product's list price", of="products.sales_price")
    account: Text = code(says="The account it is made with, once known", optional=True, of="opportunities.account")
    sector: Text = text(says="What the account does", optional=True, of="accounts.sector")
    account_revenue: Number = number(says="The account's revenue in millions", optional=True, of="accounts.revenue")
    account_employees: Whole = whole(says="The account's employees", optional=True, of="accounts.employees")
    account_age_years: Whole = whole(says="Years since it was founded", optional=True, of="accounts.year_established")
    is_subsidiary: YesNo = yes_no(says="Whether the account belongs to another", of="accounts.subsidiary_of")
    agent_open: Whole = whole(says="The agent's deals that were open", of=OUTCOME[1], ge=0, known="before")
    agent_closed: Whole = whole(says="The agent's deals that were closed", of=OUTCOME, ge=0, known="before")
    agent_win_rate: Number = percent(says="The share of these that were won", optional=True, of=OUTCOME, known="before")
    agent_recent_win_rate: Number = percent(
        says="The same of the last 90 days", optional=True, of=OUTCOME, known="before"
    )
    product_closed: Whole = whole(says="Deals on the product that were closed", of=OUTCOME, ge=0, known="before")
    product_win_rate: Number = percent(
        says="The share of these that were won", optional=True, of=OUTCOME, known="before"
    )
    account_closed: Whole = whole(says="Deals with the account that were closed", of=OUTCOME, ge=0, known="before")
    account_win_rate: Number = percent(
        says="The share of these that were won", optional=True, of=OUTCOME, known="before"
    )
    recent_win_rate: Number = percent(
        says="The share of all deals of the last 90 days won", optional=True, of=OUTCOME, known="before"
    )


CLOSED_BEFORE = before_day("close_date", "moment")
CLOSED_RECENTLY = before_day("close_date", "moment", within_days=RECENT.days)
STILL_OPEN = before_day("engage_date", "moment") & Under("coalesce(close_date >= this.moment, true)")
AGENT, PRODUCT, ACCOUNT = same_key("sales_agent"), same_key("product"), same_key("account")
LINEAGE: UnderEach = {
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
    event_time="moment",
    owner="sales-operations@example.com",
    under=LINEAGE,
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
    return _with_win_rates(_described(cases), deals)[list(DealFeatures.to_schema().columns)]


def _weekly_cases(deals: pd.DataFrame) -> pd.DataFrame:
    """One row per deal and day looked at: weekly until a deal is closed, the last known day for an open one."""
    closed = deals[deals["close_date"].notna()]
    weeks = np.ceil((closed["close_date"] - closed["engage_date"]).dt.days / DAYS_A_WEEK).astype(int)
    by_week = closed.loc[closed.index.repeat(weeks)]
    age = by_week.groupby(level=0).cumcount() * DAYS_A_WEEK
    by_week = by_week.assign(moment=by_week["engage_date"] + pd.to_timedelta(age, unit="D"))
    today = deals[["engage_date", "close_date"]].max().max() + pd.Timedelta(days=1)
    still_open = deals[deals["close_date"].isna()].assign(moment=today)
    return pd.concat([by_week, still_open], ignore_index=True).rename(columns={"close_date": "decided_on"})


def _described(cases: pd.DataFrame) -> pd.DataFrame:
    """Adds what the deal, its account and the calendar show on the day."""
    moment = cases["moment"]
    quarter_end = moment.dt.to_period("Q").dt.end_time.dt.normalize()
    return cases.assign(
        stage=np.where(cases["engage_date"].notna(), "Engaging", "Prospecting"),
        age_days=(moment - cases["engage_date"]).dt.days.astype("Int64"),
        days_to_quarter_end=(quarter_end - moment).dt.days,
        account_revenue=cases["revenue"],
        account_employees=cases["employees"],
        account_age_years=moment.dt.year - cases["year_established"],
        is_subsidiary=cases["subsidiary_of"].notna(),
        won=cases["won"].astype("boolean"),
    )


def _with_win_rates(cases: pd.DataFrame, deals: pd.DataFrame) -> pd.DataFrame:
    """Adds the win rates of the agent, the product, the account and all, from deals closed before the day."""

    def before(by: tuple[str, ...], when: str = "close_date", within: pd.Timedelta | None = None) -> pd.DataFrame:
        return known_before(cases, deals, by=by, at="moment", when=when, means=["won"], within=within)

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
