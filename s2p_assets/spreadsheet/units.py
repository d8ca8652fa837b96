"""Units that a sheet states for a column where they contradict the contract: in its header, over or under it, in its
number formats, in its own name.

What a text says of numbers is read in `unit_words.py`; a unit in the text of a cell itself is read with the cell, and
a column of currencies or units in `unit_columns.py`.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np
import pyarrow
import pyarrow.compute as pc

from s2p_assets.contracts.columns import Column
from s2p_assets.contracts.findings import Finding
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.spreadsheet import number_formats
from s2p_assets.spreadsheet.cell_parser import CellError, cell_error, noun_for, quoted
from s2p_assets.spreadsheet.grid import CellKind, Cells, Sheet, cell_address, parse_cell_address
from s2p_assets.spreadsheet.header import rows_above
from s2p_assets.spreadsheet.table_rows import TableRows
from s2p_assets.spreadsheet.unit_words import StatedUnit, in_brackets, stated_unit

_AMOUNTS = frozenset({"number", "money", "integer"})
_OVER_ALL = re.compile(
    r"(?:\b(?:in|en|w)\b|\b(?:amounts?|values?|prices?|figures|numbers|betr[äa]ge|angaben|werte|preise|zahlen|montants|valeurs|"
    r"prix|importes|valores|importi|kwoty|currency|w[äa]hrung|unit|einheit)\b\s*(?:are|sind|:|=)?\s*(?:in|en|w)?)\s+(?P<unit>.+)",
    re.IGNORECASE,
)
_SIGNS = re.compile(r"[$€£¥₹₽₩₺‰]")
_UNIT_WORDS = 4


def unit_conflicts(rows: TableRows, workbook: Workbook) -> Iterator[Finding]:
    """A finding for each column whose stated unit is another than the contract's; all its numbers would be wrong.

    A header that the contract declares word for word is meant as it stands.
    """
    header, sheet = rows.header, rows.sheet
    below = _row_of_units(rows)
    units = sheet.row(below) if below else {}
    amounts = [column for column in workbook.columns if column.kind in _AMOUNTS]
    for column in amounts:
        number = header.column_numbers.get(column.name)
        if number is None:
            continue
        title = " ".join(header.titles.get(number, "").split())
        named = header.named.get(column.name, title)
        declared = _is_declared(title, column)
        stated = [] if declared else [(header.bottom, part) for part in (*in_brackets(named), *_SIGNS.findall(named))]
        stated += [(below, units[number])] if below and number in units else []
        for row, text in dict.fromkeys(stated):
            if wrong := contradiction(text, column):
                message = f"'{quoted(text)}' {wrong}"
                yield Finding(sheet.name, cell_address(row, number), column.name, title, "unit", message)
                break
            if unsaid := _unsaid(text, column):
                where = cell_address(row, number)
                yield Finding(sheet.name, where, column.name, title, "unit", unsaid, "notice")
                break
    yield from _over_the_table(rows, amounts)
    yield from _told_of_packages(rows, amounts)
    yield from _unread_words(rows, workbook, below, units)


def _over_the_table(rows: TableRows, amounts: Sequence[Column]) -> Iterator[Finding]:
    """What is said over the table of all its amounts: `all amounts in TEUR`, `Prices (USD)`."""
    found = [column for column in amounts if column.name in rows.header.column_numbers]
    money = [column for column in found if column.kind == "money" or _declared_unit(column).currencies]
    for row, cells in rows_above(rows.sheet, rows.header).items():
        for number, text in cells.items():
            for part in _said_of_all(text):
                concerned = found if not stated_unit(part).currencies and not money else money
                wrong = next(((column, why) for column in concerned if (why := contradiction(part, column))), None)
                if wrong:
                    message = f"'{quoted(text)}' stands over the table: it {wrong[1]}"
                    where = cell_address(row, number)
                    yield Finding(rows.sheet.name, where, wrong[0].name, quoted(text), "unit", message)
                    return


def _told_of_packages(rows: TableRows, amounts: Sequence[Column]) -> Iterator[Finding]:
    """Notices of a unit that a title or a comment at a header names among other words: `Stock in cartons`."""
    counted = [column for column in amounts if column.kind != "money" and column.unit]
    places = {column.name: rows.header.column_numbers.get(column.name) for column in counted}
    comments = rows.sheet.marks.comments
    said = [
        ((rows.header.bottom, number), comments[rows.header.bottom, number], [column])
        for column in amounts
        if (number := rows.header.column_numbers.get(column.name)) and (rows.header.bottom, number) in comments
    ]
    said += [
        ((row, number), text, [column for column in counted if places[column.name]])
        for row, cells in rows_above(rows.sheet, rows.header).items()
        for number, text in cells.items()
    ]
    for place, text, columns in said:
        of_title = place[0] < rows.header.top
        for part in _unit_phrases(text, of_title):
            wrong = next(((column, why) for column in columns if (why := contradiction(part, column))), None)
            if wrong:
                message = f"'{quoted(text)}' {wrong[1]} if '{part}' is meant of '{wrong[0].headers[0]}'"
                where = cell_address(*place)
                yield Finding(rows.sheet.name, where, wrong[0].name, quoted(text), "unit", message, "notice")
                break


def _unit_phrases(text: str, of_title: bool) -> list[str]:
    """The units that a text names after `in`: of a title packages alone, as the others are looked at as a whole."""
    words = [found["unit"].split() for found in _OVER_ALL.finditer(text)]
    parts = [" ".join(some[:count]) for some in words for count in range(1, min(len(some), _UNIT_WORDS) + 1)]
    parts += [] if of_title or len(text.split()) > _UNIT_WORDS else [text]
    stated = {part: stated_unit(part, True) for part in parts}
    return [
        part
        for part, one in stated.items()
        if not one.rest and (one.package or (not of_title and (one.currencies or one.scale != 1)))
    ]


def _said_of_all(text: str) -> list[str]:
    """The parts of a text over a table that are a currency or a scale, and nothing else."""
    parts = [*in_brackets(text), *(found["unit"] for found in _OVER_ALL.finditer(text)), text]
    short = [part for part in parts if len(part.split()) <= _UNIT_WORDS and not stated_unit(part, True).rest]
    return [part for part in short if stated_unit(part).currencies or stated_unit(part).scale != 1]


def _unread_words(rows: TableRows, workbook: Workbook, below: int | None, units: dict[int, str]) -> Iterator[Finding]:
    """Notices of what stands under a header in brackets and is no unit: `(planned)`."""
    titles = {number: name for name, number in rows.header.column_numbers.items()}
    for number, text in units.items():
        inner = in_brackets(text)
        if below and number in titles and inner and stated_unit(inner[0]).rest:
            title = " ".join(rows.header.titles.get(number, "").split())
            message = f"'{quoted(text)}' stands under '{title}'; the column was read as '{title}' all the same"
            yield Finding(rows.sheet.name, cell_address(below, number), titles[number], text, "unit", message, "notice")


def contradiction(text: str, column: Column) -> str:
    """What a text beside a column's name says against the contract, for people; empty where it says nothing so."""
    stated = stated_unit(text, column.kind == "money")
    sign = _SIGNS.search(text)
    mark = sign[0] if sign and len(stated.currencies) > 1 else " or ".join(sorted(stated.currencies))
    return _conflict(stated, mark, column)


def _unsaid(text: str, column: Column) -> str:
    """What is said of a unit of which the contract says nothing: kg or USD where numbers are just numbers."""
    stated = stated_unit(text, column.kind == "money")
    units = declared_units(column)
    is_new = bool(stated.currencies) and not any(one.currencies for one in units)
    is_new |= stated.measure not in ("", "%", "piece") and not any(one.measure for one in units)
    if not is_new or stated.rest:
        return ""
    return f"'{quoted(text)}' is a unit of which the contract says nothing; the numbers were read as they stand"


def _conflict(stated: StatedUnit, mark: str, column: Column) -> str:
    """`mark`: how the text writes its currency."""
    unit, named = _declared_unit(column), _named_units(column)
    scales = {unit.scale} if unit.scale != 1 or not named else {one.scale for one in named}
    currencies = unit.currencies or frozenset(code for one in named for code in one.currencies)
    if stated.scale not in scales:
        if stated.scale == 1 and not stated.currencies:
            return ""
        shortened = "says that the numbers are shortened; write them in full"
        return shortened if scales == {1.0} else f"does not say {_scale_word(max(scales))}; write the numbers so"
    if stated.currencies and currencies and not stated.currencies & currencies:
        wanted = " or ".join(sorted(currencies))
        return f"is in {mark}, not in {wanted}; convert the column"
    if stated.per not in {unit.per, *(one.per for one in named)}:
        return f"says that a number is for {stated.per:,.0f} pieces; write it for one"
    declared = {unit.package, *(one.package for one in named)}
    if stated.package and stated.package.rstrip("s") not in {one.rstrip("s") for one in declared}:
        return "says that packages are counted, not single pieces; convert the column"
    taxes = {one.tax for one in (unit, *named)} - {""}
    if stated.tax and stated.tax not in taxes:
        other = f"not {taxes.pop()}" if taxes else "which is not agreed for this column"
        return f"says that the amounts are {'without' if stated.tax == 'net' else 'with'} tax, {other}; ask its owner"
    measures = {unit.measure} - {""} or {one.measure for one in named} - {""}
    counted = {one for one in declared if one}
    if stated.measure and stated.measure != "%" and (measures or counted) and stated.measure not in measures:
        return f"is another unit than {' or '.join(sorted(measures or counted))}; convert the column"
    return ""


def _scale_word(scale: float) -> str:
    return {1e3: "thousands", 1e6: "millions", 1e9: "billions"}.get(scale, f"{scale:,.0f}")


def _declared_unit(column: Column) -> StatedUnit:
    return stated_unit(column.unit, column.kind == "money") if column.unit else StatedUnit()


def declared_units(column: Column) -> list[StatedUnit]:
    """What the contract says of the column's numbers: by its unit, else in the brackets of its headers."""
    units = [_declared_unit(column)] if column.unit else list(_named_units(column))
    return [one for one in units if one.currencies or one.package or one.measure]


@lru_cache(maxsize=2048)
def _units_of(headers: tuple[str, ...], is_money: bool) -> tuple[StatedUnit, ...]:
    return tuple(stated_unit(" ".join([*in_brackets(name), *_SIGNS.findall(name)]), is_money) for name in headers)


def _named_units(column: Column) -> tuple[StatedUnit, ...]:
    """What the declared headers say; a column with a unit is in that unit, whatever else its headers say."""
    return _units_of(column.headers, column.kind == "money")


def ambiguous_percents(
    cells: Cells, values: pyarrow.Array, sheet: Sheet, title: str, column: Column
) -> dict[int, CellError]:
    """The cells, by position, whose column is headed `%` while they bear no sign: 25 may be 25 % or 2,500 %.

    Also where other cells of the column bear a sign and these, which are above one, do not.
    """
    if column.kind != "percent":
        return {}
    signed = pc.match_substring(cells.texts, "%").to_numpy(zero_copy_only=False)
    if cells.formats is not None:
        percents = [style for style, shown in enumerate(sheet.formats) if number_formats.is_percent(shown)]
        signed |= np.isin(cells.formats, percents)
    numbers = pc.fill_null(pc.abs(values), 0.0).to_numpy(zero_copy_only=False)
    if "%" in title and not _is_declared(" ".join(title.split()), column):
        message = f"is ambiguous under '{' '.join(title.split())}'; format it as a percentage, as in 25 %"
        bare = (numbers != 0) & ~signed
    elif signed.any():
        message = "is ambiguous: other cells of the column have a percent sign, and this has none; format it alike"
        bare = (numbers > 1) & ~signed
    else:
        return {}
    texts = {int(place): str(cells.texts[int(place)].as_py()).strip() for place in np.flatnonzero(bare)}
    return {place: cell_error(text, column, message) for place, text in texts.items()}


def unit_formats(cells: Cells, column: Column, sheet: Sheet) -> dict[int, CellError]:
    """The number cells, by position, whose format shows another unit than the contract's, or than the other cells'."""
    if column.kind not in _AMOUNTS or cells.formats is None or not len(cells):
        return {}
    used = [int(style) for style in np.unique(cells.formats) if 0 <= style < len(sheet.formats)]
    if not any(number_formats.changes_meaning(sheet.formats[style]) for style in used):
        return {}
    wrong = {style: why for style in used if (why := _format_contradiction(sheet.formats[style], column))}
    wrong |= _mixed_formats(cells, column, sheet, [style for style in used if style not in wrong])
    found = np.flatnonzero(np.isin(cells.formats, list(wrong)) & (cells.kinds == CellKind.NUMBER))
    return {
        int(place): CellError("unit", wrong[int(cells.formats[place])], str(cells.texts[int(place)].as_py()))
        for place in found
    }


def _format_contradiction(code: str, column: Column) -> str:
    """What the words in a number format say against the contract. `0.0,"k"` shows thousands of a number in full."""
    words = number_formats.words_of(code)
    if column.kind in ("money", "integer") and number_formats.is_percent(code):
        return f"is shown as a percentage, which is not {noun_for(column)}"
    if not words:
        return ""
    stated = stated_unit(words, column.kind == "money")
    shown = 1000.0 ** number_formats.thousands_hidden(code)
    stated = StatedUnit(
        stated.scale / shown if stated.scale > 1 else 1.0,
        frozenset(),  # another currency is told with the cell
        *(stated.per, stated.package, stated.measure, stated.tax),
    )
    wrong = _conflict(stated, "", column)
    return f"is shown as '{quoted(words)}', which {wrong}" if wrong else ""


def _mixed_formats(cells: Cells, column: Column, sheet: Sheet, used: Sequence[int]) -> dict[int, str]:
    """The styles of the fewer cells where a column shows amounts in several currencies, or shares beside numbers."""
    numbers = cells.kinds == CellKind.NUMBER
    assert cells.formats is not None
    counts = {style: int((numbers & (cells.formats == style)).sum()) for style in used}
    codes = {style: sheet.formats[style] for style, count in counts.items() if count}
    groups: dict[str, list[int]] = {}
    if column.unit is None and not column.currency_from:
        for style, code in codes.items():
            if codes_shown := stated_unit(number_formats.currency_of(code)).currencies:
                groups.setdefault(" or ".join(sorted(codes_shown)[:2]), []).append(style)
        if wrong := _fewer(
            groups, counts, "is shown in {here}, other cells of the column in {most}; bring them together"
        ):
            return wrong
    groups = {"percent": [], "plain": []}
    for style, code in codes.items():
        shows_percent = number_formats.is_percent(code) or "%" in number_formats.words_of(code)
        groups["percent" if shows_percent else "plain"].append(style)
    return _fewer(groups, counts, "is shown as {here}, other cells of the column as {most}; format them alike")


def _fewer(groups: dict[str, list[int]], counts: dict[int, int], message: str) -> dict[int, str]:
    groups = {name: styles for name, styles in groups.items() if styles}
    if len(groups) < 2:
        return {}
    most = max(groups, key=lambda name: sum(counts[style] for style in groups[name]))
    words = {"percent": "a percentage", "plain": "a plain number"}
    return {
        style: message.format(here=words.get(name, name), most=words.get(most, most))
        for name, styles in groups.items()
        if name != most
        for style in styles
    }


def _row_of_units(rows: TableRows) -> int | None:
    """The number of the row under the header that holds units, if there is one."""
    places = [parse_cell_address(notice.cell) for notice in rows.notices if notice.rule == "units"]
    return next((place[0] for place in places if place), None)


def _is_declared(title: str, column: Column) -> bool:
    return title.casefold() in {" ".join(name.split()).casefold() for name in column.headers}
