"""The files of the sample trading company, laid out the way people do it, with mistakes planted.

The company is simulated in `retail_company.py`.
"""

import datetime as dt
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pandas as pd

from s2p_assets.samples.retail_company import Company, simulate_company
from s2p_assets.samples.share_files import (
    Exercise,
    Mistake,
    Sample,
    ShareFile,
    SheetLayout,
    csv_bytes,
    split_by_day,
    split_by_month,
    values_by_header,
    workbook_file,
    xlsx_bytes,
)

COMPANY = "HARBOUR & PINE TRADING CO."

NEW_PRICES = "prices/New prices (draft).xlsx"
WEBSHOP = "sales/wholesale/Webshop dealers.xlsx"
POPUP = "sales/retail/Pop-up store.xlsx"
RECOUNT = "inventory/Recount hall B.xlsx"
CONTAINER = "purchasing/Receipts container 7.xlsx"
ROTA = "Warehouse rota.xlsx"

MISTAKES = (
    Mistake(NEW_PRICES, "Prices", "E8", "n/a as a price"),
    Mistake(NEW_PRICES, "Prices", "F11", "a negative price"),
    Mistake(WEBSHOP, "Webshop", "B9", "a quantity in words"),
    Mistake(WEBSHOP, "Webshop", "F14", "the 31st of February"),
    Mistake(POPUP, "Pop-up", "B1", "a header without a quantity; its column has a name that nobody knows"),
    Mistake(RECOUNT, "Hall B", "A13", "a SKU that was counted twice on one day"),
    Mistake(CONTAINER, None, None, "a workbook that was cut off while it was copied"),
    Mistake(ROTA, None, None, "a workbook that no contract claims"),
)

PRICE_LIST = {
    "SKU": "sku",
    "Description": "description",
    "Category": "category",
    "Supplier": "supplier",
    "ASIN": "asin",
    "MSRP": "msrp",
    "T2 cost": "t2_cost",
    "Item cost": "item_cost",
    "Pack size": "pack_size",
    "Minimum order": "minimum_order",
    "Lead time (days)": "lead_time_days",
}
PROMOTIONS = {
    "SKU": "sku",
    "Description": "description",
    "MSRP": "msrp",
    "T2": "t2_cost",
    "Cost": "item_cost",
    "Valid from": "effective_date",
}
INVOICES = {
    "SKU": "sku",
    "Quantity": "quantity",
    "Unit price": "unit_price",
    "Item cost": "item_cost",
    "Customer PO": "customer_po",
    "Ship date": "ship_date",
    "Invoice num": "invoice_num",
}
TILLS = {"SKU": "sku", "Quantity": "quantity", "From date": "from_date", "To date": "to_date"}
GOODS_IN = {
    "SKU": "sku",
    "Quantity": "quantity",
    "Cost": "cost",
    "Receive date": "receive_date",
    "Customer PO": "customer_po",
    "Invoice num": "invoice_num",
}
COUNTS = {
    "SKU": "sku",
    "In building": "in_building",
    "Transship": "transship",
    "Usable supply incl.": "usable_supply_incl",
    "Usable supply excl.": "usable_supply_excl",
    "On order": "on_order",
}
TRADE_WORDS = {
    "SKU": "Item no.",
    "Category": "Product group",
    "Supplier": "Vendor",
    "MSRP": "Retail price",
    "T2 cost": "Dealer price",
    "Item cost": "Unit cost",
    "Minimum order": "MOQ",
}
DESK_WORDS = {
    "SKU": "Item number",
    "Quantity": "Qty",
    "Unit price": "Price",
    "Item cost": "Cost",
    "Customer PO": "PO",
    "Ship date": "Shipped",
    "Invoice num": "Invoice",
}
TILL_WORDS = {"SKU": "Item no.", "Quantity": "Qty", "From date": "From", "To date": "To"}
TILL_SOFTWARE_WORDS = {
    "SKU": "Article",
    "Quantity": "Units sold",
    "From date": "Period start",
    "To date": "Period end",
}
DOCK_WORDS = {
    "SKU": "Article",
    "Quantity": "Qty received",
    "Cost": "Unit cost",
    "Receive date": "Received",
    "Customer PO": "PO number",
    "Invoice num": "Invoice #",
}
HALL_WORDS = {
    "In building": "On hand",
    "Transship": "In transit",
    "Usable supply incl.": "incl. transship",
    "Usable supply excl.": "excl. transship",
}


def write_share(folder: Path, *, until: dt.date, skus: int = 60, seed: int = 7) -> Iterator[Path]:
    """Write the sample share into `folder`, yielding each file as it is written. The same arguments, the same bytes."""
    for file in share_files(until=until, skus=skus, seed=seed):
        yield file.write(folder)


def share_files(*, until: dt.date, skus: int = 60, seed: int = 7) -> tuple[ShareFile, ...]:
    """The files of the sample share, still unwritten: two years of a trading company that end at `until`.

    Raises ValueError for fewer than 20 SKUs: the planted mistakes need their places.
    """
    if skus < 20:
        raise ValueError(f"the sample share needs at least 20 SKUs, not {skus}")
    company = simulate_company(until=until, skus=skus, seed=seed)
    return (
        *_price_lists(company.price_list),
        *_wholesale(company.wholesale_sales),
        *_retail(company.retail_sales),
        *_receipts(company.receipts),
        *_inventory(company.inventory),
        *_with_mistakes(company),
    )


def _price_lists(prices: pd.DataFrame) -> Iterator[ShareFile]:
    """Half-yearly lists, dated in a column or in the file's or sheet's name; one workbook of promotions a year."""
    lists = prices[prices["occasion"] == "list"]
    for number, (day, frame) in enumerate(split_by_day(lists, "effective_date")):
        if number % 3 == 0:
            sheet = SheetLayout(
                "Price list",
                values_by_header(frame, PRICE_LIST | {"Effective date": "effective_date"}),
                above=(COMPANY, f"Price list from {day:%B %Y}", ""),
                indent=1,
                below=("", "Prices without VAT. Questions: purchasing@example.com"),
            )
            yield workbook_file(f"prices/Price list {day:%B %Y}.xlsx", sheet)
        elif number % 3 == 1:
            sheet = SheetLayout(
                "Prices",
                values_by_header(frame, PRICE_LIST, TRADE_WORDS),
                above=(COMPANY, ""),
                groups={0: ("What", 5), 5: ("Prices per unit", 3), 8: ("Ordering", 3)},
                as_text=("Retail price", "Dealer price"),
            )
            yield workbook_file(f"prices/PRICELIST_{day:%Y-%m-%d}_final.xlsx", sheet)
        else:
            sheets = [
                SheetLayout(
                    f"{category} {day:%d.%m.%Y}",
                    values_by_header(part, PRICE_LIST),
                    above=(f"{COMPANY} · {category}", ""),
                )
                for category, part in frame.groupby("category", sort=False)
            ]
            yield workbook_file(f"prices/Price list by category {day:%Y}.xlsx", *sheets)
    promotions = prices[prices["occasion"] == "promotion"]
    for year, frame in promotions.groupby(promotions["effective_date"].dt.year):
        above = (f"Promotions {year}", "Two lines each: the price of the promotion, then the price after it", "")
        sheet = SheetLayout("Promotions", values_by_header(frame, PROMOTIONS), above=above)
        yield workbook_file(f"prices/promotions/Promotions {year}.xlsx", sheet)


def _wholesale(sales: pd.DataFrame) -> Iterator[ShareFile]:
    """A workbook a month, but for the web shop, which sends one for the two years (see `_with_mistakes`)."""
    for number, (month, frame) in enumerate(split_by_month(sales[sales["dealer"] != "WEB"], "ship_date")):
        table, words = values_by_header(frame, INVOICES), (COMPANY, f"Invoiced in {month:%B %Y}", "")
        if number % 4 == 0:
            sheets = [SheetLayout("Invoices", table, above=words, total="Quantity", indent=1)]
        elif number % 4 == 1:
            sheets = [SheetLayout(f"{month:%b %y}", values_by_header(frame, INVOICES, DESK_WORDS), dates="%m/%d/%Y")]
        elif number % 4 == 2:
            early = frame["ship_date"].dt.day <= 15
            halves = {"1st to 15th": frame[early], "16th to end": frame[~early]}
            sheets = [
                SheetLayout(name, values_by_header(half, INVOICES), above=words[:1])
                for name, half in halves.items()
                if len(half)
            ]
        else:
            sheets = [SheetLayout("Export", table, as_text=("Unit price",), dates="%Y-%m-%d", above=("Order desk", ""))]
        yield workbook_file(f"sales/wholesale/{month:%Y}/Wholesale {month:%Y-%m}.xlsx", *sheets)


def _retail(sales: pd.DataFrame) -> Iterator[ShareFile]:
    """What the tills' software exports: workbooks, and twice in five months a CSV."""
    for number, (month, frame) in enumerate(split_by_month(sales, "to_date")):
        path = f"sales/retail/{month:%Y}/Retail sales {month:%B %Y}"
        if number % 5 == 3:
            sheet = SheetLayout("Tills", values_by_header(frame, TILLS, TILL_SOFTWARE_WORDS), dates="%d.%m.%Y")
            yield ShareFile(f"{path}.csv", partial(csv_bytes, sheet, ";", "cp1252"))
        elif number % 5 == 4:
            sheet = SheetLayout("Tills", values_by_header(frame, TILLS), dates="%Y-%m-%d")
            yield ShareFile(f"{path}.csv", partial(csv_bytes, sheet, ",", "utf-8-sig"))
        else:
            words, total = ({}, "Quantity") if number % 2 else (TILL_WORDS, "Qty")
            yield workbook_file(
                f"{path}.xlsx",
                SheetLayout("Tills", values_by_header(frame, TILLS, words), total=total, indent=number % 3),
            )


def _receipts(receipts: pd.DataFrame) -> Iterator[ShareFile]:
    """A workbook a month from the goods-in desk."""
    for number, (month, frame) in enumerate(split_by_month(receipts, "receive_date")):
        sheet = SheetLayout(
            "Goods in",
            values_by_header(frame, GOODS_IN, DOCK_WORDS if number % 2 else {}),
            above=("Goods-in book", f"{month:%B %Y}", "") if number % 3 else (),
            dates="%d.%m.%Y" if number % 4 == 2 else None,
            below=("", "Checked: T. Moss") if number % 2 else (),
        )
        yield workbook_file(f"purchasing/{month:%Y}/Receipts {month:%Y-%m}.xlsx", sheet)


def _inventory(counts: pd.DataFrame) -> Iterator[ShareFile]:
    """A count a month; its date stands in a column, in the file's name or in the sheet's."""
    for number, (day, frame) in enumerate(split_by_day(counts, "count_date")):
        if number % 4 == 0:
            sheet = SheetLayout(
                "Count", values_by_header(frame, COUNTS | {"Count date": "count_date"}), above=(COMPANY, "")
            )
            yield workbook_file(f"inventory/Stock count {day:%B %Y}.xlsx", sheet)
        elif number % 4 == 1:
            table = values_by_header(frame, COUNTS, HALL_WORDS)
            sheet = SheetLayout("Stock", table, groups={3: ("Usable", 2)}, total="On hand", indent=1)
            yield workbook_file(f"inventory/Stock count {day:%Y-%m-%d}.xlsx", sheet)
        elif number % 4 == 2:
            sheets = [
                SheetLayout(
                    str(category), values_by_header(part, COUNTS), above=(f"{category}, counted by two people", "")
                )
                for category, part in frame.groupby("category", sort=False)
            ]
            yield workbook_file(f"inventory/Stock count {day:%d.%m.%Y}.xlsx", *sheets)
        else:
            sheet = SheetLayout(f"Count {day:%Y-%m-%d}", values_by_header(frame, COUNTS))
            yield workbook_file(f"inventory/Stock {day:%B %Y}.xlsx", sheet)


def _with_mistakes(company: Company) -> Iterator[ShareFile]:
    """The files with planted mistakes, and the web shop's two years, of which only two lines are bad."""
    last = company.stock.index[-1]
    yield workbook_file(NEW_PRICES, _new_prices(company.price_list, last))
    yield workbook_file(WEBSHOP, _webshop(company.wholesale_sales, last))
    sold = company.retail_sales[company.retail_sales["to_date"] == last].head(15)
    yield workbook_file(POPUP, SheetLayout("Pop-up", values_by_header(sold, TILLS, {"Quantity": "Qty sold"})))
    yield workbook_file(RECOUNT, _recount(company.inventory, last - pd.Timedelta(days=3)))
    container = xlsx_bytes([SheetLayout("Goods in", values_by_header(company.receipts.tail(30), GOODS_IN))])
    yield ShareFile(CONTAINER, lambda: container[: len(container) * 2 // 3])
    rota = {"Who": ["Ada", "Ben", "Cleo", "Dov"], "Early": ["x", "", "x", ""], "Late": ["", "x", "", "x"]}
    yield workbook_file(ROTA, SheetLayout("Week 1", rota, above=("Who works when",)))


def _new_prices(prices: pd.DataFrame, last: pd.Timestamp) -> SheetLayout:
    newest = prices[prices["occasion"] == "list"].drop_duplicates("sku", keep="last").head(12)
    newest = newest.assign(effective_date=last + pd.Timedelta(days=30))
    headers = ("SKU", "Description", "Category", "Supplier", "MSRP", "T2 cost", "Item cost")
    table = values_by_header(
        newest, {name: PRICE_LIST[name] for name in headers} | {"Effective date": "effective_date"}
    )
    table["MSRP"][3] = "n/a"
    table["T2 cost"][6] = -4.99
    return SheetLayout("Prices", table, above=(COMPANY, "New prices, DRAFT", ""))


def _webshop(sales: pd.DataFrame, last: pd.Timestamp) -> SheetLayout:
    table = values_by_header(sales[sales["dealer"] == "WEB"], INVOICES)
    for row, wrong in ((5, {"Quantity": "a dozen"}), (10, {"Ship date": f"31.02.{last:%Y}"})):
        for name, values in table.items():
            values.insert(row, wrong.get(name, f"INV-WEB{row}" if name == "Invoice num" else values[row]))
    return SheetLayout("Webshop", table, above=(COMPANY, ""))


def _recount(counts: pd.DataFrame, day: pd.Timestamp) -> SheetLayout:
    hall = counts.drop_duplicates("sku", keep="last").head(14).assign(count_date=day)
    twice = pd.concat([hall.iloc[:8], hall.iloc[[2]], hall.iloc[8:]])
    table = values_by_header(twice, COUNTS | {"Count date": "count_date"})
    return SheetLayout("Hall B", table, above=("Recount, hall B", "Counted twice where we were not sure", ""))


sample = Sample(MISTAKES, write_share, Exercise("prices/promotions/Promotions *.xlsx", "Promotions", "C5", "n/a"))
