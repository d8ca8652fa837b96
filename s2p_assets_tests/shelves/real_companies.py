"""What pandas counts in the raw files of three real companies: rows, and cells that break a contract, rule by rule.

It is counted without s2p; what s2p makes of the same files is compared in the tests.
"""

import functools
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

import s2p_assets_tests
from s2p_assets.contracts.findings import Finding

DATA = Path(s2p_assets_tests.__file__).resolve().parents[2] / "shared" / "data"
FOLDERS = ("price_and_revenue_xls", "electronics_monthly_2019", "bibitor_inventory")
MERELY_REMARKED = ("row_rule", "purchase_price")
RULES = {"required", "gt", "ge", "le", "ne", "isin", "key", "row_rule", "type", "formats", "str_matches"}

Rule = tuple[str, str]
Broken = dict[Rule, "pd.Series[bool]"]


@dataclass(frozen=True)
class Counted:
    """One raw file: its rows, how many of them break a rule, and how many cells break each rule."""

    rows: int
    bad: int
    cells: Counter[Rule]

    @property
    def good(self) -> int:
        return self.rows - self.bad


def names() -> list[str]:
    """Every file of the three companies, relative to the data folder."""
    found = [path for folder in FOLDERS for path in sorted((DATA / folder).rglob("*")) if path.is_file()]
    return [path.relative_to(DATA).as_posix() for path in found]


def kind(name: str) -> str:
    """Which workbook a file is, judged by its name alone."""
    beginnings = {
        "Revenue": "trading_sales",
        "Price List": "trading_price_list",
        "item cost": "trading_item_cost",
        "Customers": "trading_customers",
        "Sales_": "electronics_sales",
        "Invoice": "liquor_invoices",
        "2017PurchasePrices": "liquor_price_list",
    }
    return next(workbook for begins, workbook in beginnings.items() if Path(name).name.startswith(begins))


@functools.cache
def raw(name: str) -> pd.DataFrame:
    """The rows under the header as the file holds them: cells of workbooks as Excel has them, of CSV files as text.

    Empty rows and columns around a table are left out, and so are header lines repeated in mid-table.
    """
    if name.endswith(".csv"):
        rows = pd.read_csv(DATA / name, dtype=str, keep_default_na=False, skip_blank_lines=False)
        first = rows.columns[-1]
        return rows[(rows[first] != "") & (rows[first] != first)]
    cells = pd.read_excel(DATA / name, engine="calamine", header=None, dtype=object)
    cells = cells.dropna(how="all").dropna(how="all", axis=1)
    return cells.iloc[1:].set_axis([str(header) for header in cells.iloc[0]], axis=1)


def amounts(texts: "pd.Series[str]") -> "pd.Series[float]":
    """`$1,234.50 ` and `1234.5` alike; missing where there is no number."""
    return pd.to_numeric(texts.astype(str).str.strip().str.lstrip("$").str.replace(",", ""), errors="coerce")


def cells_by_rule(findings: Iterable[Finding]) -> Counter[tuple[str, str | None]]:
    """How many cells each rule found, rejects and notices alike, leaving out what concerns whole columns and sheets."""
    return Counter((finding.rule, finding.column) for finding in findings if finding.cell and finding.rule in RULES)


@functools.cache
def counted(name: str) -> Counted:
    """What pandas says of one file."""
    rows = raw(name)
    broken = BROKEN[kind(name)](rows)
    returned = pd.concat([bad for rule, bad in broken.items() if rule != MERELY_REMARKED], axis=1).any(axis=1)
    return Counted(len(rows), int(returned.sum()), +Counter({rule: int(bad.sum()) for rule, bad in broken.items()}))


@functools.cache
def good(name: str) -> pd.DataFrame:
    """The raw rows that break no rule."""
    rows = raw(name)
    broken = BROKEN[kind(name)](rows)
    return rows[~pd.concat([bad for rule, bad in broken.items() if rule != MERELY_REMARKED], axis=1).any(axis=1)]


def _empty(rows: pd.DataFrame, headers: dict[str, str]) -> Broken:
    """Cells that must be filled and are not. `headers`: the raw header of each column."""
    return {("required", column): rows[header].isna() | (rows[header] == "") for column, header in headers.items()}


def _unreadable(rows: pd.DataFrame, headers: dict[str, str], form: str) -> Broken:
    """Cells that are no date of the form."""
    return {
        ("formats", column): pd.to_datetime(rows[header], format=form, errors="coerce").isna()
        for column, header in headers.items()
    }


def _trading_sales(rows: pd.DataFrame) -> Broken:
    quantity, discount = rows["Qty"].astype(float), rows["Discount"].astype(float)
    return (
        _empty(rows, {"customer_id": "Customer ID", "item_code": "Item Code", "quantity": "Qty"})
        | _unreadable(rows, {"sold_on": "Date"}, "%m.%d.%Y")
        | {
            ("isin", "invoice_type"): ~rows["Invoice Type"].isin(["Invoice", "Return"]),
            ("type", "quantity"): quantity % 1 != 0,
            ("ne", "quantity"): quantity == 0,
            ("ge", "discount"): discount < 0,
            ("le", "discount"): discount > 1,
            ("row_rule", "quantity"): (rows["Invoice Type"] == "Return") != (quantity < 0),
        }
    )


def _trading_price_list(rows: pd.DataFrame) -> Broken:
    headers = {"item_code": "Item Code", "item_category": "Item Category", "item_type": "Item Type"}
    return _empty(rows, headers | {"item_name": "Item Name", "unit": "Unit"}) | {
        ("gt", "price"): ~(rows["Price"].astype(float) > 0),
        ("key", "item_code"): rows.duplicated("Item Code"),
    }


def _trading_item_cost(rows: pd.DataFrame) -> Broken:
    return _empty(rows, {"item_code": "Item Code"}) | {
        ("gt", "cost"): ~(rows["Cost"].astype(float) > 0),
        ("key", "item_code"): rows.duplicated("Item Code"),
    }


def _trading_customers(rows: pd.DataFrame) -> Broken:
    channels = ["Whole Sales", "Retail", "Key Accounts", "E-Commerce"]
    headers = {"customer_id": "Customer ID", "customer_name": "Customer Name", "continent": "Continent Name"}
    return _empty(rows, headers | {"country": "Country", "region": "Region", "sales_rep": "Sales Rep."}) | {
        ("isin", "channel"): ~rows["Channel"].isin(channels),
        ("key", "customer_id"): rows.duplicated("Customer ID"),
    }


def _electronics_sales(rows: pd.DataFrame) -> Broken:
    return (
        _empty(rows, {"product": "Product", "address": "Purchase Address"})
        | _unreadable(rows, {"ordered_at": "Order Date"}, "%m/%d/%y %H:%M")
        | {
            ("str_matches", "order_id"): ~rows["Order ID"].str.fullmatch(r"\d{6}"),
            ("type", "quantity"): ~rows["Quantity Ordered"].str.fullmatch(r"-?\d+"),
            ("gt", "quantity"): amounts(rows["Quantity Ordered"]) <= 0,
            ("type", "unit_price"): amounts(rows["Price Each"]).isna(),
            ("gt", "unit_price"): amounts(rows["Price Each"]) <= 0,
        }
    )


def _liquor_price_list(rows: pd.DataFrame) -> Broken:
    price, cost = amounts(rows["Price"]), amounts(rows["PurchasePrice"])
    volume = amounts(rows["Volume"].replace({"": None, "Unknown": None}))
    headers = {"brand": "Brand", "description": "Description", "vendor_number": "VendorNumber"}
    return _empty(rows, headers | {"vendor_name": "VendorName"}) | {
        ("type", "price"): price.isna(),
        ("gt", "price"): price <= 0,
        ("gt", "volume"): volume <= 0,
        ("isin", "classification"): ~rows["Classification"].isin(["1", "2"]),
        ("type", "purchase_price"): cost.isna(),
        ("gt", "purchase_price"): cost <= 0,
        ("key", "brand"): rows.duplicated("Brand"),
        MERELY_REMARKED: cost > price,
    }


def _liquor_invoices(rows: pd.DataFrame) -> Broken:
    headers = {"vendor_number": "VendorNumber", "vendor_name": "VendorName", "po_number": "PONumber"}
    days = {"invoice_date": "InvoiceDate", "po_date": "PODate", "pay_date": "PayDate"}
    return (
        _empty(rows, headers)
        | _unreadable(rows, days, "%Y-%m-%d")
        | {
            ("gt", "quantity"): ~(amounts(rows["Quantity"]) > 0),
            ("ge", "dollars"): ~(amounts(rows["Dollars"]) >= 0),
            ("ge", "freight"): ~(amounts(rows["Freight"]) >= 0),
            ("row_rule", "invoice_date"): rows["InvoiceDate"] < rows["PODate"],
            ("row_rule", "pay_date"): rows["PayDate"] < rows["InvoiceDate"],
            ("key", "po_number"): rows.duplicated("PONumber"),
        }
    )


BROKEN = {
    "trading_sales": _trading_sales,
    "trading_price_list": _trading_price_list,
    "trading_item_cost": _trading_item_cost,
    "trading_customers": _trading_customers,
    "electronics_sales": _electronics_sales,
    "liquor_price_list": _liquor_price_list,
    "liquor_invoices": _liquor_invoices,
}
