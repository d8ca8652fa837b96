"""The companies that deals are made with. The deals themselves are in `crm_opportunities.py`."""

from s2p_assets import Code, Integer, Number, Row, Text, Workbook, column

SECTORS = (
    *("employment", "entertainment", "finance", "marketing", "medical"),
    *("retail", "services", "software", "technology", "telecommunications"),
)


class Account(Row):
    """One company that the sales teams sell to, from the CRM."""

    account: Code = column("Account", "Account name", "Company", description="The company's name, as in the deals")
    sector: Text = column(
        "Sector", "Industry", description="The company's sector", replace={"technolgy": "technology"}, isin=SECTORS
    )
    year_established: Integer = column(
        "Year established", "Founded", description="Year in which it was founded", nullable=True, in_range=(1500, 2100)
    )
    revenue: Number = column(
        "Revenue", "Revenue (m)", description="Its yearly revenue in millions", nullable=True, ge=0
    )
    employees: Integer = column("Employees", "Headcount", description="Number of employees", nullable=True, ge=0)
    office_location: Text = column(
        "Office location",
        "Country",
        description="The country of its office",
        nullable=True,
        replace={"Philipines": "Philippines"},
    )
    subsidiary_of: Code = column(
        "Subsidiary of",
        "Parent company",
        description="The company that it belongs to",
        nullable=True,
        required=False,
        references="accounts.account",
    )


accounts = Workbook(
    rows=Account,
    path=("crm/**/*account*.xls*", "crm/**/*account*.csv"),
    owner="sales-operations@example.com",
    key=("account",),
    ordinary_change=0.5,
)
