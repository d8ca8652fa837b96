"""Deals from the first contact to their close, as the CRM exports them. Accounts are in `crm_accounts.py`."""

import pandas as pd

from s2p_assets.columns import Day, Number, Row, Text, code, day, money, row_rule, text
from s2p_assets.spreadsheet.contract import Workbook

DATE_FORMATS = ("%Y-%m-%d", "%m/%d/%Y")
OPEN = ("Prospecting", "Engaging")
CLOSED = ("Won", "Lost")


def _agrees(stage: "pd.Series[str]", stages: tuple[str, ...], filled: "pd.Series[bool]") -> "pd.Series[bool]":
    """Whether a cell is filled in exactly these stages; an unknown stage is left to another rule."""
    return (stage.isin(stages) == filled) | ~stage.isin((*OPEN, *CLOSED))


class Opportunity(Row):
    """One deal as of the CRM's export: open, won or lost."""

    opportunity_id: Text = code("Opportunity ID", "Opportunity", "Deal ID", says="The deal's number in the CRM")
    sales_agent: Text = code(
        "Sales agent", "Agent", "Sales rep", says="Who works on it", refers_to="sales_teams.sales_agent"
    )
    product: Text = code(
        "Product", "Product name", says="What is offered", means={"GTXPro": "GTX Pro"}, refers_to="products.product"
    )
    account: Text = code(
        "Account", "Account name", "Company", says="The account it is made with, once known", optional=True,
        refers_to="accounts.account",
    )  # fmt: skip
    deal_stage: Text = text("Deal stage", "Stage", says="Stage of the deal", isin=(*OPEN, *CLOSED), known="after")
    engage_date: Day = day(
        "Engage date", "Engaged", "Engaged on", says="Day on which talks began", optional=True, written=DATE_FORMATS
    )
    close_date: Day = day(
        "Close date",
        "Closed",
        "Closed on",
        says="Day on which it was won or lost",
        optional=True,
        written=DATE_FORMATS,
        known="after",
    )
    close_value: Number = money(
        "Close value", "Value", says="What it brought in; 0 when lost", optional=True, ge=0, known="after"
    )

    @row_rule("a deal that is won or lost has the day of its end", at="close_date")
    def closed_deals_have_their_day(cls, rows: pd.DataFrame) -> "pd.Series[bool]":
        return _agrees(rows["deal_stage"], CLOSED, rows["close_date"].notna())

    @row_rule("a deal that talks have begun on has their first day, one in prospecting has none", at="engage_date")
    def engaged_deals_have_their_day(cls, rows: pd.DataFrame) -> "pd.Series[bool]":
        return _agrees(rows["deal_stage"], ("Engaging", *CLOSED), rows["engage_date"].notna())

    @row_rule("the deal ends before it begins", at="close_date")
    def ends_after_it_begins(cls, rows: pd.DataFrame) -> "pd.Series[bool]":
        return rows["close_date"] >= rows["engage_date"]

    @row_rule("a deal that is won or lost has a value, an open one has none yet", at="close_value")
    def closed_deals_have_a_value(cls, rows: pd.DataFrame) -> "pd.Series[bool]":
        return _agrees(rows["deal_stage"], CLOSED, rows["close_value"].notna())

    @row_rule("a lost deal brought something in", at="close_value", severity="notice")
    def lost_deals_bring_nothing(cls, rows: pd.DataFrame) -> "pd.Series[bool]":
        return (rows["deal_stage"] != "Lost") | (rows["close_value"] == 0)


opportunities = Workbook(
    rows=Opportunity,
    found_at=tuple(
        f"crm/**/*{word}*.{ending}" for word in ("pipeline", "opportunit", "deal") for ending in ("xls*", "csv")
    ),
    owner="sales-operations@example.com",
    key=("opportunity_id",),
    returns_up_to=0.02,
)
