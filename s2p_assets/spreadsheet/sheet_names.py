"""What the names of sheets say of the tables in them: `Mar'24 (old)`, `Prices (kEUR)`, `in TEUR`, `Copy of March`.

Which sheets a contract looks into is decided in `header.py`.
"""

import re
from collections.abc import Iterator, Sequence

from s2p_assets.contracts.columns import Column
from s2p_assets.contracts.findings import Finding
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.spreadsheet.header import Header
from s2p_assets.spreadsheet.text_values import find_date
from s2p_assets.spreadsheet.unit_words import in_brackets, stated_unit, without_brackets
from s2p_assets.spreadsheet.units import contradiction

_AMOUNTS = ("number", "money", "integer")
_CURRENCIES = frozenset(
    {*("EUR", "USD", "GBP", "CHF", "PLN", "CZK", "HUF", "SEK", "NOK", "DKK", "JPY", "CNY", "CAD", "AUD", "BRL", "INR")}
)
"""Those that a sheet is named after; other codes, such as ALL and TOP, are words."""
_OTHER_STATES = (
    r"old|alt|ancien|vecchio|viejo|stary|copy(?:\s+of)?|kopie(?:\s+von)?|copie(?:\s+de)?|copia(?:\s+di|\s+de)?|kopia|backup|bak|"
    r"draft|entwurf|brouillon|bozza|borrador|archive?|vorjahr|previous|last\s+year"
)
_PERIOD = re.compile(
    r"(?:19|20)\d\d(?:\s*[-/–]\s*(?:19|20)?\d\d)?|[QH][1-4](?:[ /]*(?:19|20)?\d\d)?|FY ?(?:20)?\d\d", re.IGNORECASE
)
_OTHER_STATE = re.compile(rf"(?<![^\W_])(?:{_OTHER_STATES})(?![^\W_])", re.IGNORECASE)


def bracketed_names(names: Sequence[str], name: str, header: Header, workbook: Workbook) -> Iterator[Finding]:
    """What is to be said of the name of a sheet that has a table; `names`: those of all sheets that have one.

    A contract whose `sheets` has brackets itself means them, as in `*|*(*)`.
    """
    inner = in_brackets(name)
    unbracketed = without_brackets(name)
    amounts = [column for column in workbook.columns if column.kind in _AMOUNTS]
    if wrong := next(
        (why for part in _units_in(unbracketed) for one in amounts if (why := contradiction(part, one))), ""
    ):
        yield Finding(name, None, None, name, "sheet_name", f"the sheet is named '{name}': it {wrong}")
        return
    if not inner and (state := _OTHER_STATE.search(unbracketed)):
        yield from _other_state(names, name, state)
        return
    if not inner or any("(" in part for part in workbook.sheets.split("|") if not part.startswith("!")):
        return
    for part in inner:
        if wrong := next((why for column in amounts if (why := contradiction(part, column))), ""):
            yield Finding(name, None, None, name, "sheet_name", f"the sheet's name says '{part}': it {wrong}")
            return
    more = [part for part in inner if stated_unit(part).rest and not _is_date_of(part, header, workbook)]
    if not more:
        return
    said = f"the sheet is named '{name}'"
    base = _plain(name)
    if _dates_from_name(header, workbook) or any(_plain(other) == base for other in names if not in_brackets(other)):
        remedy = "rename it if it is meant, else move it to a file of its own"
        yield Finding(
            name, None, None, name, "sheet_name", f"{said}; '({more[0]})' makes another sheet of it; {remedy}"
        )
    elif not all(map(_PERIOD.fullmatch, more)) and (len(names) == 1 or not all(map(in_brackets, names))):
        yield Finding(name, None, None, name, "sheet_name", f"{said}; it was read all the same", "notice")


def _units_in(name: str) -> list[str]:
    """The last words of a name, or all of it, where they are a currency, shortened or not: `Prices kEUR`."""
    words = name.split()
    parts = [" ".join(words[-count:]) for count in (1, 2, 3) if count <= len(words)]
    stated = {part: stated_unit(part, True) for part in parts}
    return [part for part, one in stated.items() if not one.rest and one.currencies & _CURRENCIES]


def _other_state(names: Sequence[str], name: str, state: re.Match[str]) -> Iterator[Finding]:
    """What is said of `Copy of March` and `March - old`, beside `March` or alone."""
    rest = _plain(name.replace(state[0], " ", 1))
    said = f"the sheet is named '{name}'"
    if rest and any(_plain(other) == rest for other in names if other != name):
        remedy = "move it to a file of its own, or say by sheets in the contract which are read"
        message = f"{said}; '{state[0]}' makes another sheet of it; {remedy}"
        yield Finding(name, None, None, name, "sheet_name", message)
    else:
        yield Finding(name, None, None, name, "sheet_name", f"{said}; it was read all the same", "notice")


def _plain(name: str) -> str:
    return re.sub(r"\W+", " ", without_brackets(name)).strip().casefold()


def _dates_from_name(header: Header, workbook: Workbook) -> list[Column]:
    """The columns whose day is taken from the sheet's name."""
    absent = [column for column in workbook.columns if column.name not in header.column_numbers]
    return [column for column in absent if column.kind in ("date", "timestamp") and "sheet" in column.value_from]


def _is_date_of(part: str, header: Header, workbook: Workbook) -> bool:
    columns = _dates_from_name(header, workbook)
    return any(
        find_date(part, pattern, column.fiscal)
        for column in columns
        for pattern in column.formats or ("%Y-%m-%d", "%Y-%m")
    )
