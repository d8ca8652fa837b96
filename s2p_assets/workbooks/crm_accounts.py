"""The companies that deals are made with. The deals themselves are in `crm_opportunities.py`."""

from s2p_assets.columns import Number, Row, Text, Whole, code, number, text, whole
from s2p_assets.spreadsheet.contract import Workbook

SECTORS = (
    *("employment", "entertainment", "finance", "marketing", "medical"),
    *("retail", "services", "software", "technology", "telecommunications"),
)


class Account(Row):
    """One company that the sales teams sell to, from the CRM."""

    account: Text = code("Account", "Account name", "Company", says="The company's name, as in the deals")
    sector: Text = text(
        "Sector", "Industry", says="The company's sector", means={"technolgy": "technology"}, isin=SECTORS
    )
    year_established: Whole = whole(
        "Year established", "Founded", says="Year in which it was founded", optional=True, in_range=(1500, 2100)
    )
    revenue: Number = number("Revenue", "Revenue (m)", says="Its yearly revenue in millions", optional=True, ge=0)
    employees: Whole = whole("Employees", "Headcount", says="Number of employees", optional=True, ge=0)
    office_location: Text = text(
        "Office location",
        "Country",
        says="The country of its office",
        optional=True,
        means={"Philipines": "Philippines"},
    )
    subsidiary_of: Text = code(
        "Subsidiary of",
        "Parent company",
        says="The company that it belongs to",
        optional=True,
        may_be_absent=True,
        refers_to="accounts.account",
    )


accounts = Workbook(
    rows=Account,
    found_at=("crm/**/*account*.xls*", "crm/**/*account*.csv"),
    owner="sales-operations@example.com",
    key=("account",),
)
