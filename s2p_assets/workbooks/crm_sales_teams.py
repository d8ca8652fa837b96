"""Sales agents, their managers and offices. What they sell is in `crm_opportunities.py`."""

from s2p_assets import Code, Row, Text, Workbook, column


class SalesAgent(Row):
    """One sales agent with manager and office, from the list of teams."""

    sales_agent: Code = column("Sales agent", "Agent", "Sales rep", description="The agent's name, as in the deals")
    manager: Text = column("Manager", "Team leader", description="Who leads the agent's team")
    regional_office: Text = column(
        "Regional office", "Region", description="The office that the team belongs to", isin=("Central", "East", "West")
    )


sales_teams = Workbook(
    rows=SalesAgent,
    path=("crm/**/*team*.xls*", "crm/**/*team*.csv"),
    owner="sales-operations@example.com",
    key=("sales_agent",),
)
