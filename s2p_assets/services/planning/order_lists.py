"""What to order today, as one list for each supplier in the supplier's own units: shown, or written to a file.

The quantities are worked out by `inventory`; the report of the plan is on the shelf of reports.
"""

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from s2p_assets.catalog.catalog import Catalog
from s2p_assets.contracts.table import Table
from s2p_assets.services.context import Context
from s2p_assets.services.errors import NotFound
from s2p_assets.services.tables import not_stored

SUPPLIER, UNITS = "supplier", "order_quantity"
NOT_KNOWN = "Supplier not known"
LIST_KINDS = ("csv", "xlsx")
HEADERS = {
    "description": "Description",
    "order_packs": "Cartons",
    "pack_size": "Units in a carton",
    UNITS: "Units",
    "order_cost": "Cost",
}
"""The columns of a list after the item's own number, where the plan has them."""
FORMULA = ("=", "+", "-", "@", "\t", "\r")
WIDTHS = (16, 40, 12, 18, 12, 14)


@dataclass(frozen=True)
class SupplierList:
    """What is ordered of one supplier; `rows`: item and quantities under `headers`."""

    supplier: str
    headers: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    cost: float | None


def order_plans(catalog: Catalog, sees: Callable[[str], bool]) -> list[Table]:
    """The tables that say what to order of whom, by name."""
    named = ((name, {column.name for column in table.columns}) for name, table in sorted(catalog.tables.items()))
    return [catalog.tables[name] for name, columns in named if {SUPPLIER, UNITS} <= columns and sees(name)]


def order_lists(ctx: Context, name: str) -> list[SupplierList]:
    """A list for each supplier of whom something is due today, the dearest first. Raises NotFound and NotStored."""
    plan = next((table for table in order_plans(ctx.catalog, lambda _: True) if table.full_name == name), None)
    if plan is None:
        known = ", ".join(table.full_name for table in order_plans(ctx.catalog, lambda _: True)) or "none"
        raise NotFound(f"{name[:80]} is no plan of orders; there are {known}")
    has = {column.name for column in plan.columns}
    shown = [column for column in HEADERS if column in has]
    query = sql.SQL("select {}, {} from {} where {} > 0 order by 1, 2").format(
        sql.Identifier(SUPPLIER),
        sql.SQL(", ").join(map(sql.Identifier, (*plan.key, *shown))),
        sql.Identifier(plan.domain, plan.name),
        sql.Identifier(UNITS),
    )
    with ctx.warehouse.reading() as connection, connection.cursor(row_factory=dict_row) as cursor:
        try:
            rows = cursor.execute(query).fetchall()
        except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName, psycopg.errors.UndefinedColumn):
            raise not_stored(plan.full_name) from None
    headers = (*map(_key_header, plan.key), *(HEADERS[at] for at in shown))
    suppliers = dict.fromkeys(row[SUPPLIER] or NOT_KNOWN for row in rows)
    lists = [_list_of(name, headers, rows, (*plan.key, *shown)) for name in suppliers]
    return sorted(lists, key=lambda one: (-(one.cost or 0), one.supplier))


def _key_header(name: str) -> str:
    """An abbreviation in capitals."""
    return name.upper() if len(name) <= 3 else name.replace("_", " ").capitalize()


def _list_of(
    supplier: str, headers: tuple[str, ...], rows: Sequence[dict[str, Any]], columns: Sequence[str]
) -> SupplierList:
    mine = [row for row in rows if (row[SUPPLIER] or NOT_KNOWN) == supplier]
    costs = [float(row["order_cost"]) for row in mine if row.get("order_cost") is not None]
    values = tuple(tuple(row[column] for column in columns) for row in mine)
    return SupplierList(supplier, headers, values, sum(costs) if costs else None)


def write_order_list(ctx: Context, name: str, supplier: str, kind: str, target: Path) -> None:
    """One supplier's list as a file to send, `csv` or `xlsx`; values that begin like a formula are none there.

    Raises NotFound.
    """
    if kind not in LIST_KINDS:
        raise NotFound(f"a list is written as {' or '.join(LIST_KINDS)}, not as {kind[:20]!r}")
    found = next((one for one in order_lists(ctx, name) if one.supplier == supplier), None)
    if found is None:
        raise NotFound(f"nothing is due of {supplier[:80]!r} today")
    if kind == "csv":
        with target.open("w", encoding="utf-8-sig", newline="") as file:
            csv.writer(file).writerows([found.headers, *(map(_plain, row) for row in found.rows)])
    else:
        _write_xlsx(found, target)


def _plain(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def _write_xlsx(found: SupplierList, target: Path) -> None:
    import xlsxwriter

    with xlsxwriter.Workbook(str(target), {"strings_to_formulas": False, "strings_to_urls": False}) as book:
        bold, money = book.add_format({"bold": True}), book.add_format({"num_format": "#,##0.00"})
        sheet = book.add_worksheet("Order")
        sheet.write_string(0, 0, f"Order for {found.supplier}", bold)
        for at, header in enumerate(found.headers):
            sheet.write_string(2, at, header, bold)
            sheet.set_column(at, at, WIDTHS[min(at, len(WIDTHS) - 1)])
        for number, row in enumerate(found.rows, 3):
            for at, value in enumerate(row):
                if isinstance(value, str):
                    sheet.write_string(number, at, value)
                elif value is not None:
                    sheet.write_number(number, at, float(value), money if found.headers[at] == "Cost" else None)
        sheet.freeze_panes(3, 1)
