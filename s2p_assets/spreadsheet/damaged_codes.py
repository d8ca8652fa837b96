"""Codes that a program took for something else and damaged: a number with an exponent, a date, a rounded number.

Spellings that only look alike are in `code_spelling.py`; how a clean code is read, in `cell_parser.py`.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow
import pyarrow.compute as pc

from s2p_assets.contracts.columns import Column
from s2p_assets.spreadsheet import number_formats
from s2p_assets.spreadsheet.cell_parser import CellError, cell_error, quoted
from s2p_assets.spreadsheet.code_spelling import foreign_letters, script_of, twins
from s2p_assets.spreadsheet.grid import CellKind, Cells, Sheet
from s2p_assets.spreadsheet.text_bytes import are_ascii, trimmed

_EXPONENT = r"^[+-]?[0-9]([.,][0-9]+)?E[+-][0-9]{2,3}$"
_EXACT_DIGITS = 15
_LONG = r"^[1-9][0-9]{15,}$"
_ROUNDED = r"^[1-9][0-9]{14}0+$"
_SIX_DIGITS_LEFT = r"^[1-9][0-9]{5}0{6,9}$"
_TWELVE_DIGITS = r"^[1-9][0-9]{11,14}$"
_DAY_AND_MONTH = r"^[0-9]{1,2}[-. ]{1,2}[^\W\d_]{3,9}\.?$|^[^\W\d_]{3,9}\.?[- ][0-9]{2}$"
_WHOLE_DATE = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}( 00:00:00)?$|^[0-9]{1,2}([./])[0-9]{1,2}[./](19|20)[0-9]{2}( 0?0:00(:00)?)?$"
)
_ERROR = (
    r"^#(NAME\?|REF!|VALUE!|DIV/0!|NUM!|NULL!|SPILL!|CALC!|BEZUG!|WERT!|ZAHL!|NOM ?\?|VALEUR!|NV|¡REF!|¡VALOR!|#+)$"
)
_MARK = r"[^\x00-@\[-`{-\x7f]"  # a letter, or one of far more than letters: `\p{L}` takes 15 ms to be made ready
_SUSPECT = (
    rf"^#|E[+-][0-9]|[0-9]{{16}}|^[0-9]{{1,2}}[-. ]{{1,2}}{_MARK}|^{_MARK}{{3,9}}\.?[- ][0-9]{{2}}$|{_WHOLE_DATE}"
)
_MONTH_LANGUAGES = ("en", "de", "fr", "es", "it", "nl", "pl", "pt", "sv", "da", "nb", "fi", "cs", "tr")
MOST = 0.5
"""The share of a column's cells above which what they have in common is its way."""


def damaged_codes(cells: Cells, column: Column, sheet: Sheet) -> dict[int, CellError]:
    """The cells of a column of codes, by position, that are no longer what was typed."""
    if column.kind != "code" or not len(cells):
        return {}
    found = _shown_with_exponent(cells, column, sheet) | _six_digits_left(cells, column)
    texts = cells.kinds == CellKind.TEXT
    if texts.any():
        held = trimmed(cells.texts)
        suspect = pc.match_substring_regex(held, _SUSPECT).to_numpy(zero_copy_only=False) & texts
        if suspect.any():
            found |= _damaged_texts(held, np.flatnonzero(suspect), int(texts.sum()), column)
    return found


def _shown_with_exponent(cells: Cells, column: Column, sheet: Sheet) -> dict[int, CellError]:
    """Numbers under a format such as `2.20E+02`, which Excel gives to what is typed as `22E1`."""
    if cells.formats is None:
        return {}
    styles = [style for style, code in enumerate(sheet.formats) if number_formats.is_scientific(code)]
    if not styles:
        return {}
    places = np.flatnonzero(np.isin(cells.formats, styles) & (cells.kinds == CellKind.NUMBER))
    found = {}
    for place in places.tolist():
        number = float(cells.texts[place].as_py())
        shown = f"{number:.2E}"
        message = "is a number with an exponent; a code such as 22E1 becomes one when it is typed; type it as text"
        found[place] = cell_error(shown, column, message)
    return found


def _six_digits_left(cells: Cells, column: Column) -> dict[int, CellError]:
    """Long codes of which six digits are left, as of `4.00638E+12`, where all long ones of the column are so."""
    rounded = _rounded_to_six(cells.texts)
    long = pc.sum(pc.match_substring_regex(cells.texts, _TWELVE_DIGITS)).as_py() if len(rounded) > 1 else 0
    if not 1 < len(rounded) == long:
        return {}
    message = "ends in zeros from its 7th digit on, as a number that was shortened; enter its digits in full, as text"
    return {int(place): cell_error(str(cells.texts[int(place)].as_py()), column, message) for place in rounded}


def _rounded_to_six(texts: pyarrow.Array) -> npt.NDArray[np.int64]:
    """The positions of codes of 12 to 15 digits with zeros from the seventh on; a one with zeros is a count's start."""
    if (pc.max(pc.binary_length(texts)).as_py() or 0) < 12 or not pc.any(pc.ends_with(texts, "000000")).as_py():
        return np.zeros(0, np.int64)
    rounded = pc.match_substring_regex(texts, _SIX_DIGITS_LEFT)
    return np.flatnonzero(pc.and_not(rounded, pc.match_substring_regex(texts, "^[1-9]0+$")))


def _damaged_texts(
    texts: pyarrow.Array, places: npt.NDArray[np.int64], count: int, column: Column
) -> dict[int, CellError]:
    suspects = {int(place): str(texts[int(place)].as_py()) for place in places}
    found: dict[int, CellError] = {}
    exponents = "is a number that was shortened when the file was saved; save its digits in full, as text"
    found |= _like(suspects, _EXPONENT, exponents, column)
    errors = "is what Excel shows for a cell that it cannot calculate or show; correct it there and save again"
    found |= _like(suspects, _ERROR, errors, column)
    rounded = {place: text for place, text in suspects.items() if re.match(_ROUNDED, text)}
    long = sum(bool(re.match(_LONG, text)) for text in suspects.values())
    if len(rounded) > MOST * long:
        message = "ends in zeros from its 16th digit on, which is how Excel rounds long numbers; enter it as text"
        found |= {place: cell_error(text, column, message) for place, text in rounded.items()}
    days = {place: text for place, text in suspects.items() if is_day_and_month(text)}
    dates = {place: text for place, text in suspects.items() if is_whole_date(text)}
    few = len(days) + len(dates) <= MOST * count or count == 1
    taken = (days if few or len(days) < count else {}) | (dates if few else {})
    message = "is a date; Excel makes one of a code such as MAR-1; enter the code again, as text"
    return found | {place: cell_error(text, column, message) for place, text in taken.items()}


def is_whole_date(text: str) -> bool:
    """Whether a text is a day with its year: `2024-03-01`, `1.3.2024`."""
    return bool(re.match(_WHOLE_DATE, text))


def _like(texts: dict[int, str], shape: str, message: str, column: Column) -> dict[int, CellError]:
    return {place: cell_error(text, column, message) for place, text in texts.items() if re.match(shape, text)}


def is_day_and_month(text: str) -> bool:
    """`1-Mar`, `01. Mrz`, `Mar-45`: how Excel shows what it took for a date; a code in capitals is none."""
    if not re.match(_DAY_AND_MONTH, text):
        return False
    words = re.findall(r"[^\W\d_]+", text)
    return len(words) == 1 and not words[0].isupper() and words[0].casefold() in _months()


@lru_cache(maxsize=1)
def _months() -> frozenset[str]:
    from babel import Locale

    names = {"mrz"}
    for language in _MONTH_LANGUAGES:
        months = Locale(language).months
        for context in ("format", "stand-alone"):
            for width in ("abbreviated", "wide"):
                names |= {str(name).casefold().rstrip(".") for name in months[context][width].values()}
    return frozenset(name for name in names if name.isalpha())


def codes_shown_otherwise(cells: Cells, column: Column, sheet: Sheet) -> npt.NDArray[np.int64]:
    """The positions of number cells whose format adds to the code what is not in the cell: 123 shown as `A-123`."""
    if column.kind != "code" or cells.formats is None:
        return np.zeros(0, np.int64)
    styles = [style for style, code in enumerate(sheet.formats) if number_formats.adds_marks(code)]
    if not styles:
        return np.zeros(0, np.int64)
    return np.flatnonzero(np.isin(cells.formats, styles) & (cells.kinds == CellKind.NUMBER))


def rounded_codes_perhaps(cells: Cells, column: Column) -> npt.NDArray[np.int64]:
    """The positions of texts of more than 15 digits that end in zeros, where most long ones do not."""
    if column.kind != "code" or not len(cells):
        return np.zeros(0, np.int64)
    if pc.max(pc.binary_length(cells.texts)).as_py() <= _EXACT_DIGITS:
        return np.zeros(0, np.int64)
    long = pc.match_substring_regex(cells.texts, _LONG)
    if not pc.any(long).as_py():
        return np.zeros(0, np.int64)
    rounded = pc.match_substring_regex(cells.texts, _ROUNDED)
    few = 0 < pc.sum(rounded).as_py() <= MOST * pc.sum(long).as_py()
    return np.flatnonzero(rounded) if few else np.zeros(0, np.int64)


def codes_of_six_digits(cells: Cells, column: Column) -> npt.NDArray[np.int64]:
    """The positions of long codes with zeros from the seventh digit on, where other long ones have more digits."""
    if column.kind != "code" or not len(cells) or _six_digits_left(cells, column):
        return np.zeros(0, np.int64)
    return _rounded_to_six(cells.texts)


def look_alikes(values: pyarrow.Array, column: Column) -> Iterator[tuple[int, str, str]]:
    """For each spelling that looks like a known code but is another: its first position, the code, what to say."""
    if column.kind != "code" or not len(values):
        return
    found = twins(values)
    if not found and are_ascii(values):
        return
    codes = [code for code in pc.unique(values).to_pylist() if code]
    latin = sum(any(mark.isascii() and mark.isalpha() for mark in code) for code in codes)
    among_latin = latin > MOST * len(codes)
    mixed = {code: "" for code in codes if not code.isascii() and foreign_letters(code, among_latin)}
    for code, other in {**mixed, **found}.items():
        places = np.flatnonzero(pc.fill_null(pc.equal(values, code), False))
        yield int(places[0]), code, _twin_message(code, other, len(places))


def _twin_message(code: str, other: str, count: int) -> str:
    many = f" ({count:,} such cells)" if count > 1 else ""
    odd = next((mark for mark in code if not mark.isascii() and mark.isalpha()), "")
    if not odd and other.strip("0") == code.strip("0") and other.isdigit() and code.isdigit():
        return (
            f"'{quoted(code)}' differs from '{quoted(other)}' in leading zeros alone{many}; make them one if they are"
        )
    if not odd and " ".join(other.split()) == " ".join(code.split()):
        return f"'{quoted(code)}' differs from '{quoted(other)}' in blanks alone{many}; make them one if they are"
    if odd and other:
        return f"'{quoted(code)}' looks like '{quoted(other)}' but has a {script_of(odd)} '{odd}'{many}; type it again"
    if odd:
        return f"'{quoted(code)}' has a {script_of(odd)} '{odd}' among Latin letters{many}; type it again if it is none"
    return f"'{quoted(code)}' differs from '{quoted(other)}' in capital letters alone{many}; make them one if they are"
