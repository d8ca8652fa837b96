"""Deals from the first contact to their close, as the CRM exports them. Accounts are in `crm_accounts.py`."""

from s2p_assets import Code, Date, Frame, Money, Row, Series, Text, Workbook, column, row_rule

DATE_FORMATS = ("%Y-%m-%d", "%m/%d/%Y")
OPEN = ("Prospecting", "Engaging")
CLOSED = ("Won", "Lost")


def _agrees(stage: Series, stages: tuple[str, ...], filled: Series) -> Series:
    """Whether a cell is filled in exactly these stages; an unknown stage is left to another rule."""
    return (stage.isin(stages) == filled) | ~stage.isin((*OPEN, *CLOSED))


class Opportunity(Row):
    """One deal as of the CRM's export: open, won or lost."""

    opportunity_id: Code = column(
        "Opportunity ID", "Opportunity", "Deal ID", description="The deal's number in the CRM"
    )
    sales_agent: Code = column(
        "Sales agent", "Agent", "Sales rep", description="Who works on it", references="sales_teams.sales_agent"
    )
    product: Code = column(
        "Product",
        "Product name",
        description="What is offered",
        replace={"GTXPro": "GTX Pro"},
        references="products.product",
    )
    account: Code = column(
        "Account", "Account name", "Company", description="The account it is made with, once known", nullable=True,
        references="accounts.account",
    )  # fmt: skip
    deal_stage: Text = column(
        "Deal stage", "Stage", description="Stage of the deal", isin=(*OPEN, *CLOSED), available="after_outcome"
    )
    engage_date: Date = column(
        "Engage date",
        "Engaged",
        "Engaged on",
        description="Day on which talks began",
        nullable=True,
        formats=DATE_FORMATS,
    )
    close_date: Date = column(
        "Close date",
        "Closed",
        "Closed on",
        description="Day on which it was won or lost",
        nullable=True,
        formats=DATE_FORMATS,
        available="after_outcome",
    )
    close_value: Money = column(
        "Close value",
        "Value",
        description="What it brought in; 0 when lost",
        nullable=True,
        ge=0,
        available="after_outcome",
    )

    @row_rule("a deal that is won or lost has the day of its end", at="close_date")
    def closed_deals_have_their_day(cls, rows: Frame) -> Series:
        return _agrees(rows["deal_stage"], CLOSED, rows["close_date"].notna())

    @row_rule("a deal that talks have begun on has their first day, one in prospecting has none", at="engage_date")
    def engaged_deals_have_their_day(cls, rows: Frame) -> Series:
        return _agrees(rows["deal_stage"], ("Engaging", *CLOSED), rows["engage_date"].notna())

    @row_rule("the deal ends before it begins", at="close_date")
    def ends_after_it_begins(cls, rows: Frame) -> Series:
        return rows["close_date"] >= rows["engage_date"]

    @row_rule("a deal that is won or lost has a value, an open one has none yet", at="close_value")
    def closed_deals_have_a_value(cls, rows: Frame) -> Series:
        return _agrees(rows["deal_stage"], CLOSED, rows["close_value"].notna())

    @row_rule("a lost deal brought something in", at="close_value", severity="notice")
    def lost_deals_bring_nothing(cls, rows: Frame) -> Series:
        return (rows["deal_stage"] != "Lost") | (rows["close_value"] == 0)


opportunities = Workbook(
    rows=Opportunity,
    path=tuple(
        f"crm/**/*{word}*.{ending}" for word in ("pipeline", "opportunit", "deal") for ending in ("xls*", "csv")
    ),
    owner="sales-operations@example.com",
    key=("opportunity_id",),
    max_reject_rate=0.02,
    max_restated=None,  # deals move on from week to week
    may_overwrite=True,
)
