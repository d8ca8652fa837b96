"""Sales agents, their managers and offices. What they sell is in `crm_opportunities.py`."""

from s2p_assets.columns import Row, Text, code, text
from s2p_assets.spreadsheet.contract import Workbook


class SalesAgent(Row):
    """One sales agent with manager and office, from the list of teams."""

    sales_agent: Text = code("Sales agent", "Agent", "Sales rep", says="The agent's name, as in the deals")
    manager: Text = text("Manager", "Team leader", says="Who leads the agent's team")
    regional_office: Text = text(
        "Regional office", "Region", says="The office that the team belongs to", isin=("Central", "East", "West")
    )


sales_teams = Workbook(
    rows=SalesAgent,
    found_at=("crm/**/*team*.xls*", "crm/**/*team*.csv"),
    owner="sales-operations@example.com",
    key=("sales_agent",),
)
