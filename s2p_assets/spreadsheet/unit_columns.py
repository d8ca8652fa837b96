"""Columns that say, row by row, in which currency an amount is or in what a quantity is counted.

A contract names such a column by `currency_from` or `unit_from`; one that it does not name is told of here where it
contradicts the contract or itself. Units in a header or a number format are in `units.py`.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow
import pyarrow.compute as pc

from s2p_assets.contracts.columns import Column, Severity
from s2p_assets.contracts.findings import Finding
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.spreadsheet.cell_parser import quoted
from s2p_assets.spreadsheet.grid import CellKind, Cells, cell_address
from s2p_assets.spreadsheet.header import folded
from s2p_assets.spreadsheet.table_rows import TableRows
from s2p_assets.spreadsheet.unit_words import StatedUnit, stated_unit
from s2p_assets.spreadsheet.units import declared_units

_SAMPLE, _MAX_WORDS = 200, 30
_NUMERIC = ("number", "money", "integer")
_TIMES = frozenset({"day", "week", "month", "year", "hour", "minute", "second", "%"})
Words = dict[str, StatedUnit]


def unit_column_conflicts(rows: TableRows, workbook: Workbook) -> Iterator[tuple[Finding, int | None]]:
    """A finding for each row whose currency or unit is not the contract's, with its position among the rows.

    A finding without a position is about the whole column.
    """
    columns = {rows.header.column_numbers[one.name]: one for one in workbook.columns if one.name in rows.cells}
    ignored = {folded(name) for name in workbook.ignores}
    for number, whole in rows.sheet.columns.items():
        title = rows.header.titles.get(number, "")
        named = columns.get(number)
        if (named is None and folded(title) in ignored) or (named and named.kind not in ("text", "code")):
            continue
        cells = whole.where(np.isin(whole.rows, rows.row_numbers)) if _may_hold_units(whole, rows) else None
        words = _words(cells) if cells is not None else {}
        if not words or cells is None:
            continue
        is_currency = all(one.currencies for one in words.values())
        concerned = _concerned(list(columns.values()), named, is_currency)
        if concerned:
            yield from _conflicts(rows, number, cells, words, concerned, named)
        elif named is None and not is_currency and any(one.package for one in words.values()):
            yield from _package_prices(rows, number, cells, words, list(columns.values()))


def _may_hold_units(cells: Cells, rows: TableRows) -> bool:
    """By its first cells, whether a column holds nothing but currencies or units."""
    below = int(np.searchsorted(cells.rows, rows.header.bottom, side="right"))
    texts = cells.texts[below : below + _SAMPLE]
    if not len(texts) or not (cells.kinds[below : below + _SAMPLE] == CellKind.TEXT).any():
        return False
    return bool(_known(pc.unique(pc.utf8_trim_whitespace(texts)).to_pylist()))


def _words(cells: Cells) -> Words:
    """What each different text of the cells says; empty unless all are currencies, or all units."""
    different = pc.unique(pc.utf8_trim_whitespace(cells.texts))
    return _known(different.to_pylist()) if len(different) <= _MAX_WORDS else {}


def _known(texts: Sequence[str]) -> Words:
    words: Words = {}
    for text in texts:
        one = words[text] = stated_unit(text)
        if one.rest or one.scale != 1 or len(text) > _MAX_WORDS:
            return {}
    if not words:
        return {}
    currencies = [bool(one.currencies) for one in words.values()]
    counted = [bool(one.measure or one.package) and not one.currencies for one in words.values()]
    return words if all(currencies) or (all(counted) and any(not text.isdigit() for text in texts)) else {}


def _concerned(columns: Sequence[Column], named: Column | None, is_currency: bool) -> list[Column]:
    """The amounts, or the quantities, that the column of currencies or units is about."""
    if named is not None:
        chosen = [one for one in columns if named.name in (one.currency_from, one.unit_from)]
        return [one for one in chosen + _unclaimed(columns, is_currency) if declared_units(one)]
    return _unclaimed(columns, is_currency)


def _unclaimed(columns: Sequence[Column], is_currency: bool) -> list[Column]:
    """The amounts or quantities for which the contract names no column of currencies or units."""
    if is_currency:
        free = [one for one in columns if one.kind in _NUMERIC and not one.currency_from]
        money = [one for one in free if one.kind == "money" or any(unit.currencies for unit in declared_units(one))]
        return money or [one for one in free if one.kind == "number" and not one.unit]
    free = [one for one in columns if one.kind in ("number", "integer") and not one.unit_from]
    return [one for one in free if not any(unit.currencies or unit.measure in _TIMES for unit in declared_units(one))]


def _conflicts(
    rows: TableRows, number: int, cells: Cells, words: Words, concerned: Sequence[Column], named: Column | None
) -> Iterator[tuple[Finding, int | None]]:
    title = " ".join(rows.header.titles.get(number, "").split()) or "a column without a name"
    column_name = named.name if named else title
    for column in concerned:
        wanted = declared_units(column)
        if wanted:
            wrong = {text for text, one in words.items() if not any(_agree(one, unit) for unit in wanted)}
            noun = " ".join(column.headers[0].split())
            for place in _places(cells, wrong):
                text = str(cells.texts[place].as_py()).strip()
                row = int(cells.rows[place])
                message = f"'{quoted(text)}' is not what '{noun}' is in, {_in_words(wanted)}; convert the row"
                where = cell_address(row, number)
                found = Finding(rows.sheet.name, where, column_name, text, "unit", message)
                yield found, int(np.searchsorted(rows.row_numbers, row))
            if wrong:
                return
    if named is None and not any(declared_units(column) for column in concerned):
        yield from _undeclared(rows, number, cells, words, title)


def _undeclared(
    rows: TableRows, number: int, cells: Cells, words: Words, title: str
) -> Iterator[tuple[Finding, int | None]]:
    """Several currencies or units beside amounts of which the contract says nothing."""
    different = {one.currencies or one.package.rstrip("s") or one.measure for one in words.values()}
    packages = any(one.package for one in words.values())
    if len(different) < 2 and not packages:
        return
    first = str(cells.texts[0].as_py()).strip()
    other = next((text for text in words if words[text] != words[first]), first)
    place = _places(cells, {other})[0]
    said = f"{quoted(first)} and {quoted(other)}" if other != first else quoted(first)
    message = f"'{title}' says {said}; numbers in different units cannot be read as one; ask how they are agreed"
    severity: Severity = "reject" if packages or any(one.currencies for one in words.values()) else "notice"
    where = cell_address(int(cells.rows[place]), number)
    yield Finding(rows.sheet.name, where, title, other, "unit", message, severity), None


def _package_prices(
    rows: TableRows, number: int, cells: Cells, words: Words, columns: Sequence[Column]
) -> Iterator[tuple[Finding, None]]:
    """Says that the amounts of a list without quantities may be for a case of pieces."""
    amount = next((one for one in columns if one.kind == "money" and not one.unit_from), None)
    if amount is not None and not any(unit.package for unit in declared_units(amount)):
        text = next(text for text, one in words.items() if one.package)
        title = " ".join(rows.header.titles.get(number, "").split()) or "a column without a name"
        noun = " ".join(amount.headers[0].split())
        message = f"'{title}' says {quoted(text)}: '{noun}' may be for that many; if so the contract says unit_from"
        where = cell_address(int(cells.rows[_places(cells, {text})[0]]), number)
        yield Finding(rows.sheet.name, where, title, text, "unit", message, "notice"), None


def _places(cells: Cells, texts: set[str]) -> list[int]:
    found = pc.is_in(pc.utf8_trim_whitespace(cells.texts), pyarrow.array(list(texts), pyarrow.string()))
    return [int(place) for place in np.flatnonzero(found.to_numpy(zero_copy_only=False))]


def _agree(stated: StatedUnit, unit: StatedUnit) -> bool:
    if stated.currencies:
        return not unit.currencies or bool(stated.currencies & unit.currencies)
    if unit.package or unit.measure:
        return (stated.package.rstrip("s"), stated.measure) == (unit.package.rstrip("s"), unit.measure)
    return not stated.package


def _in_words(wanted: Sequence[StatedUnit]) -> str:
    names = [name for one in wanted for name in (*sorted(one.currencies), one.package, one.measure) if name]
    return " or ".join(dict.fromkeys(names)) or "single pieces"
