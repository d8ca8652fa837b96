"""The files of the sample sales department: exports and lists as people save them, with mistakes planted.

Its deals are simulated in `crm_company.py`.
"""

import datetime as dt
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pandas as pd

from s2p_assets.samples.crm_company import SalesDepartment, simulate_sales_department
from s2p_assets.samples.share_files import (
    Mistake,
    Sample,
    ShareFile,
    SheetLayout,
    csv_bytes,
    values_by_header,
    workbook_file,
)

FAIR = "crm/Deals from the trade fair.xlsx"
EXPORT = "crm/Pipeline of last year.csv"

MISTAKES = (
    Mistake(FAIR, "Fair", "D5", "an account that is on no list of accounts"),
    Mistake(FAIR, "Fair", "G6", "a deal that was won on no day"),
    Mistake(EXPORT, "Pipeline of last year", "E20", "a stage that nobody knows"),
)

ACCOUNTS = {
    "Account": "account",
    "Sector": "sector",
    "Year established": "year_established",
    "Revenue (m)": "revenue",
    "Employees": "employees",
    "Office location": "office_location",
    "Subsidiary of": "subsidiary_of",
}
PRODUCTS = {"product": "product", "series": "series", "sales_price": "sales_price"}
TEAMS = {"Agent": "sales_agent", "Team leader": "manager", "Region": "regional_office"}
DEALS = {
    "Opportunity ID": "opportunity_id",
    "Sales agent": "sales_agent",
    "Product": "product",
    "Account": "account",
    "Deal stage": "deal_stage",
    "Engage date": "engage_date",
    "Close date": "close_date",
    "Close value": "close_value",
}


def write_share(folder: Path, *, until: dt.date, deals: int = 420, seed: int = 7) -> Iterator[Path]:
    """Write the sample into `folder`, yielding each file as it is written. The same arguments, the same bytes."""
    department = simulate_sales_department(until=until, deals=deals, seed=seed)
    for file in (*_lists(department), *_deals(department.opportunities), _fair(department, pd.Timestamp(until))):
        yield file.write(folder)


def _lists(department: SalesDepartment) -> Iterator[ShareFile]:
    """Accounts as the assistant keeps them, products as an export, agents as the office hangs them up."""
    accounts = _written(department.accounts, ACCOUNTS)
    accounts["Sector"] = ["technolgy" if sector == "technology" else sector for sector in accounts["Sector"]]
    yield workbook_file(
        "crm/Accounts.xlsx", SheetLayout("Accounts", accounts, above=("Accounts, please keep in order", ""))
    )
    yield ShareFile(
        "crm/products.csv",
        partial(csv_bytes, SheetLayout("products", _written(department.products, PRODUCTS)), ",", "utf-8"),
    )
    teams = [
        SheetLayout(str(office), _written(part, TEAMS), above=(f"Office {office}", ""), indent=1)
        for office, part in department.sales_teams.groupby("regional_office")
    ]
    yield workbook_file("crm/Sales teams.xlsx", *teams)


def _deals(deals: pd.DataFrame) -> Iterator[ShareFile]:
    """An export in US dates of the older half, one line of which is bad; a workbook of the newer."""
    old, new = deals.iloc[: len(deals) // 2], deals.iloc[len(deals) // 2 :]
    export = _written(old, DEALS)
    export["Product"] = ["GTXPro" if product == "GTX Pro" else product for product in export["Product"]]
    export["Deal stage"][18] = "Victory"
    yield ShareFile(EXPORT, partial(csv_bytes, SheetLayout("Pipeline", export, dates="%m/%d/%Y"), ",", "utf-8-sig"))
    sheet = SheetLayout("Deals", _written(new, DEALS), above=("Open and closed deals", ""), indent=1)
    yield workbook_file("crm/Deals this year.xlsx", sheet)


def _fair(department: SalesDepartment, until: pd.Timestamp) -> ShareFile:
    """Deals from a trade fair; two of them have a mistake."""
    fair = department.opportunities.head(4).assign(
        opportunity_id=[f"FAIR-{number}" for number in range(1, 5)],
        account=department.accounts["account"].iloc[0],
        deal_stage="Engaging",
        engage_date=until - pd.Timedelta(days=3),
        close_date=None,
        close_value=None,
    )
    rows = _written(fair, DEALS)
    rows["Account"][2] = "Mirage Holdings"
    rows["Deal stage"][3], rows["Close value"][3] = "Won", 550.0
    return workbook_file(FAIR, SheetLayout("Fair", rows, above=("Met at the fair",)))


def _written(frame: pd.DataFrame, headers: dict[str, str]) -> dict[str, list[object]]:
    """As `values_by_header`, with nothing in the cells of what is missing."""
    rows = values_by_header(frame, headers)
    return {header: [None if pd.isna(value) else value for value in values] for header, values in rows.items()}


sample = Sample(MISTAKES, write_share)
