"""The contract by which rows are read that people enter on the screen or through the API, and the words of such rows.

They lie in small workbooks that s2p writes itself; how, and how they are read, is the spreadsheet room's.
"""

from collections import Counter
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any, Literal

from s2p_assets.contracts.columns import Column, columns_of
from s2p_assets.contracts.workbook import Workbook

EntryKind = Literal["entry", "correction"]
"""An `entry` counts until something newer says otherwise; a `correction` holds until it is released, or lapses."""
EntryAction = Literal["add", "change", "withdraw"]
ENTRIES_FOLDER = "s2p-entries"
ENTERED_SHEET, WITHDRAWN_SHEET = "Entered", "Withdrawn"


@dataclass(frozen=True)
class EnteredRows(Workbook):
    """A kind of workbook as people enter rows of it: one table, a column for each of the contract's, no layout.

    Cells are held against the same types and rules. Periods stand in a column of their own, each header is exact, and
    nothing is taken from names of files or sheets, from cells above, or from colours.
    """

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        declared = columns_of(self.rows)
        titles = [" ".join(column.headers[0].split()) if column.headers else "" for column in declared]
        shared = Counter(title.casefold() for title in titles)
        return tuple(
            self._plain(column, title if title and shared[title.casefold()] == 1 else column.name)
            for column, title in zip(declared, titles, strict=True)
        )

    def _plain(self, column: Column, title: str) -> Column:
        plain: dict[str, Any] = {"left_of": None, "right_of": None, "fill_down": False, "value_from": ()}
        if column.from_header:
            plain |= {"from_header": None, "year_from": ()}
        return replace(
            column,
            **plain,
            headers=(title,),
            melted=False,
            required=not column.nullable and not column.melted,
            nullable=column.nullable or column.melted,
            na_values=(*column.na_values, *self.na_values),
        )


def as_entered(workbook: Workbook) -> EnteredRows:
    """The contract of rows of this kind that people enter."""
    declared = {one.name: getattr(workbook, one.name) for one in fields(Workbook)}
    plain: dict[str, Any] = {
        "sheets": f"{ENTERED_SHEET}|{WITHDRAWN_SHEET}",
        "tables": "one",
        "totals": (),
        "ignores": (),
        "encoding": None,
        "max_reject_rate": 0.0,
        "where_struck": "read",
        "where_filled": (),
        "where_commented": "read",
        "where_full": "read",
    }
    return EnteredRows(**declared | plain)


def contracts_for(workbook: Workbook, entered: object) -> list[Workbook]:
    """What a file of this kind is read by: one that people entered by its plain form."""
    return [as_entered(workbook) if entered else workbook]


def entry_path(workbook: str, name: str) -> str:
    """Where the workbook of an entry lies, as the ledger writes it."""
    return f"{ENTRIES_FOLDER}/{workbook}/{name}.xlsx"
