"""Reading the cells of one column as the contract's kind of value; every cell that cannot be read becomes an error.

Clean cells take a vectorised way; of odd ones each different text is read once. Rules over values belong elsewhere.
"""

import datetime as dt
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow
import pyarrow.compute as pc

from s2p_assets.contracts.columns import Column
from s2p_assets.contracts.date_patterns import format_example
from s2p_assets.spreadsheet import number_formats
from s2p_assets.spreadsheet.code_spelling import plain_spelling
from s2p_assets.spreadsheet.date_texts import dates_in_digits
from s2p_assets.spreadsheet.grid import CellKind, Cells, Sheet
from s2p_assets.spreadsheet.periods import Period, Unclear, examples, first_day, of_day
from s2p_assets.spreadsheet.text_bytes import are_ascii, trimmed
from s2p_assets.spreadsheet.text_values import (
    LAST_SERIAL,
    NotADate,
    NotANumber,
    currency_conflict,
    parse_date,
    parse_number,
    parse_percent,
    serial_to_datetime,
)

_ISO_DAYS = ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S.%f")
_ISO_MOMENTS = (*_ISO_DAYS, "%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M")
_NUMERIC = frozenset({"number", "money", "percent", "integer"})
_KEPT_DIGITS = 15
_NUMBER = r"^[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]+)?$"
_PLAIN_NUMBER = r"^[+-]?[0-9]+([.][0-9]+)?$"
_TENS = 10 ** np.arange(1, 19)


@dataclass(frozen=True, slots=True)
class CellError:
    """Why a cell cannot be read. `value` is the cell as a person sees it."""

    rule: str
    message: str
    value: str


@dataclass(slots=True)
class ParsedColumn:
    """`values`: one per cell, null for a cell that says "no value" or has a problem.

    `errors` and `missing` (texts that mean "no value") by the cell's position. `replaced`: the positions of cells
    that the contract replaces by another text, by what they say.
    """

    values: pyarrow.Array
    errors: dict[int, CellError]
    missing: dict[int, str]
    replaced: dict[str, npt.NDArray[np.int64]] = field(default_factory=dict)


ParseTarget = tuple[ParsedColumn, npt.NDArray[np.int64]]
ParseText = Callable[[str], Any]


class _NoValue:
    """A text that means "no value" in its column."""


_NO_VALUE = _NoValue()


def parse_cells(cells: Cells, column: Column, sheet: Sheet) -> ParsedColumn:
    """The cells as values of `column`'s Arrow type; never raises for what stands in a cell."""
    parts: list[pyarrow.Array] = []
    places: list[npt.NDArray[np.int64]] = []
    parsed = ParsedColumn(pyarrow.nulls(0, column.arrow_type), {}, {})
    cells = _replaced(cells, column, parsed)
    for kind in np.unique(cells.kinds):
        mask = cells.kinds == kind
        place = np.flatnonzero(mask)
        parts.append(_parse_kind(CellKind(int(kind)), cells.where(mask), column, sheet, into=(parsed, place)))
        places.append(place)
    if len(parts) == 1:
        parsed.values = parts[0]
    elif parts:
        order = np.argsort(np.concatenate(places), kind="stable")
        parsed.values = pyarrow.concat_arrays(parts).take(pyarrow.array(order))
    _refuse_other_currencies(parsed, cells, column, sheet)
    return parsed


def _replaced(cells: Cells, column: Column, parsed: ParsedColumn) -> Cells:
    """The cells with what the contract says is meant in place of what is written; `parsed` is told which."""
    texts = trimmed(cells.texts) if column.replace else cells.texts
    for written, meant in column.replace:
        here = pc.equal(texts, written)
        if pc.any(here).as_py():
            parsed.replaced[written] = np.flatnonzero(here)
            cells = replace(cells, texts=pc.if_else(here, meant, cells.texts))
    return cells


def _refuse_other_currencies(parsed: ParsedColumn, cells: Cells, column: Column, sheet: Sheet) -> None:
    """A number that its format shows in dollars is no amount in euros."""
    if column.kind not in _NUMERIC or not column.unit or cells.formats is None:
        return
    shown_in = {
        style: message
        for style, code in enumerate(sheet.formats)
        if (message := currency_conflict(number_formats.currency_of(code), column.unit))
    }
    wrong = np.isin(cells.formats, list(shown_in)) & (cells.kinds == CellKind.NUMBER)
    if not wrong.any():
        return
    parsed.values = pc.if_else(pyarrow.array(wrong), pyarrow.scalar(None, column.arrow_type), parsed.values)
    for place in np.flatnonzero(wrong).tolist():
        text = _digits(float(cells.texts[place].as_py()))
        message = f"{text} is shown {shown_in[int(cells.formats[place])].removeprefix('is ')}"
        parsed.errors[place] = CellError("type", message, text)


def _parse_kind(kind: CellKind, cells: Cells, column: Column, sheet: Sheet, *, into: ParseTarget) -> pyarrow.Array:
    """Values of the cells of one kind; the plain ones at once, the others text by text."""
    values, plain = _plain(kind, cells, column, sheet)
    if plain.all():
        return values
    odd = ~plain
    parsed, place = into
    slow = _one_by_one(cells.where(odd), _reader(kind, column, sheet), column, into=(parsed, place[odd]))
    if odd.all():
        return slow
    position = np.where(plain, np.arange(len(cells)), len(cells) + np.cumsum(odd) - 1)
    return pyarrow.concat_arrays([values, slow]).take(pyarrow.array(position))


Plain = tuple[pyarrow.Array, npt.NDArray[np.bool_]]


def _plain(kind: CellKind, cells: Cells, column: Column, sheet: Sheet) -> Plain:
    """Values of the cells that need no thought, and which these are."""
    none = pyarrow.nulls(len(cells), column.arrow_type), np.zeros(len(cells), dtype=bool)
    if column.kind in _NUMERIC and kind in (CellKind.NUMBER, CellKind.TEXT):
        return _plain_numbers(kind, cells, column)
    if column.kind in ("text", "code") and kind == CellKind.TEXT:
        return _plain_texts(cells, column, sheet)
    if column.kind in ("text", "code") and kind == CellKind.NUMBER:
        return _plain_codes(cells, column, sheet)
    if column.kind in ("date", "timestamp") and kind == CellKind.DATE and not column.period_kind:
        return _plain_dates(cells, column, sheet)
    if column.kind in ("date", "timestamp") and kind == CellKind.TEXT and not (column.period_kind or column.fiscal):
        return _plain_date_texts(cells, column)
    return none


def _plain_numbers(kind: CellKind, cells: Cells, column: Column) -> Plain:
    if kind == CellKind.NUMBER:
        return _as_plain(*_numbers(cells.texts, _NUMBER), column)
    texts = trimmed(cells.texts)
    if column.decimal == ",":
        texts = pc.if_else(pc.match_substring(texts, "."), "", pc.replace_substring(texts, ",", "."))
    return _as_plain(*_matching(texts, _PLAIN_NUMBER), column)


Numbers = tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]


def _numbers(texts: pyarrow.Array, shape: str) -> Numbers:
    """The texts as numbers, and which of them are finite ones of that shape, which holds whatever Arrow reads."""
    try:
        numbers = pc.cast(texts, pyarrow.float64()).to_numpy(zero_copy_only=False)
    except pyarrow.ArrowInvalid:
        return _matching(pc.utf8_trim_whitespace(texts), shape)
    return numbers, np.isfinite(numbers)


def _matching(texts: pyarrow.Array, shape: str) -> Numbers:
    """The texts that match `shape` as numbers, and which these are."""
    regular = pc.match_substring_regex(texts, shape)
    numbers = pc.cast(pc.if_else(regular, texts, "0"), pyarrow.float64()).to_numpy(zero_copy_only=False)
    return numbers, regular.to_numpy(zero_copy_only=False) & np.isfinite(numbers)


def _as_plain(numbers: npt.NDArray[np.float64], plain: npt.NDArray[np.bool_], column: Column) -> Plain:
    """Numbers as the column's type; whole ones only where they are whole and kept exactly."""
    if column.kind == "integer":
        numbers = np.where(plain, numbers, 0.0)
        whole = np.rint(numbers)
        plain &= (np.abs(whole) < 2**53) & (np.abs(numbers - whole) <= 1e-9 * np.maximum(1.0, np.abs(whole)))
        return pyarrow.array(np.where(plain, whole, 0).astype(np.int64)), plain
    return pyarrow.array(numbers), plain


def _plain_texts(cells: Cells, column: Column, sheet: Sheet) -> Plain:
    texts = trimmed(_plainly_spelled(cells.texts, column))
    plain = ~_are_words(texts, column.na_values)
    if texts is not cells.texts and not are_ascii(cells.texts):
        plain &= ~_are_words(trimmed(cells.texts), column.na_values)
    if column.width and not sheet.typed:
        digits = pc.match_substring_regex(texts, "^[0-9]+$")
        texts = pc.if_else(digits, pc.utf8_lpad(texts, column.width, "0"), texts)
    return texts, plain


def _are_words(texts: pyarrow.Array, words: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Which texts are one of a few words, in whatever case; only those as short as a word are looked at."""
    longest = max((len(word.lower()) for word in words), default=-1)
    found = pc.less_equal(pc.utf8_length(texts), longest).to_numpy(zero_copy_only=False)
    if found.any():
        short = texts if found.all() else texts.filter(pyarrow.array(found))
        wanted = pyarrow.array([word.lower() for word in words], pyarrow.string())
        found[found] = pc.is_in(pc.utf8_lower(short), wanted).to_numpy(zero_copy_only=False)
    return found


def without_percent_sign(cells: Cells, values: pyarrow.Array, sheet: Sheet) -> list[int]:
    """The positions of shares above one that neither a sign nor a format says to be shares."""
    large = pc.fill_null(pc.greater(pc.abs(values), 1.0), False).to_numpy(zero_copy_only=False)
    if not large.any():
        return []
    large &= ~pc.match_substring(cells.texts, "%").to_numpy(zero_copy_only=False)
    if cells.formats is not None:
        signed = [style for style, code in enumerate(sheet.formats) if number_formats.is_percent(code)]
        large &= ~np.isin(cells.formats, signed)
    return [int(place) for place in np.flatnonzero(large)]


def _plainly_spelled(texts: pyarrow.Array, column: Column) -> pyarrow.Array:
    """Where texts are compared, spellings that look the same and safely are the same are one."""
    return texts if column.kind != "code" and not column.allowed_values else plain_spelling(texts)


def _plain_codes(cells: Cells, column: Column, sheet: Sheet) -> Plain:
    texts = cells.texts
    plain = _are_counts(texts)
    if column.kind == "code" and column.width:
        texts = pc.utf8_lpad(texts, column.width, "0")
    if cells.formats is not None and len(sheet.formats):
        zeros = np.array([*map(number_formats.leading_zeros, sheet.formats), 0])[
            np.minimum(cells.formats, len(sheet.formats))
        ]
        for width in np.unique(zeros[zeros > 0]):
            texts = pc.if_else(pyarrow.array(zeros == width), pc.utf8_lpad(texts, int(width), "0"), texts)
    return texts, plain


def _are_counts(texts: pyarrow.Array) -> npt.NDArray[np.bool_]:
    """Which texts are digits without a zero in front, as many as Excel keeps."""
    try:
        numbers = pc.cast(texts, pyarrow.int64()).to_numpy(zero_copy_only=False)
    except pyarrow.ArrowInvalid:
        shape = rf"^[1-9][0-9]{{0,{_KEPT_DIGITS - 1}}}$|^0$"
        return pc.match_substring_regex(texts, shape).to_numpy(zero_copy_only=False)
    digits = np.searchsorted(_TENS, numbers, side="right") + 1
    plain = (numbers >= 0) & (digits <= _KEPT_DIGITS) & (digits == pc.binary_length(texts).to_numpy())
    return plain & ((numbers == 0) | ~pc.starts_with(texts, "0").to_numpy(zero_copy_only=False))  # Arrow reads 0xFF


def _plain_dates(cells: Cells, column: Column, sheet: Sheet) -> Plain:
    serials, plain = _numbers(cells.texts, _NUMBER)
    plain = plain & (serials >= (0 if sheet.starts_1904 else 61)) & (serials < LAST_SERIAL)
    serials = np.where(plain, serials, 61.0)
    days = np.floor(serials)
    milliseconds = np.rint((serials - days) * 86_400_000).astype(np.int64)
    epoch = np.datetime64("1904-01-01" if sheet.starts_1904 else "1899-12-30", "ms")
    moments = epoch + days.astype(np.int64).astype("timedelta64[D]") + milliseconds.astype("timedelta64[ms]")
    if column.kind == "date":
        dates = moments.astype("datetime64[D]")
        plain &= dates == moments
        return pyarrow.array(dates, pyarrow.date32()), plain
    return pyarrow.array(moments.astype("datetime64[us]"), pyarrow.timestamp("us")), plain


def _plain_date_texts(cells: Cells, column: Column) -> Plain:
    """By the column's first pattern, or the ways of ISO 8601, of which no text fits two."""
    encoded = pc.dictionary_encode(trimmed(cells.texts))
    texts, which = encoded.dictionary, encoded.indices.to_numpy()
    patterns = column.formats[:1] or (_ISO_DAYS if column.kind == "date" else _ISO_MOMENTS)
    moments, plain = dates_in_digits(texts, patterns)
    plain &= ~_are_words(texts, column.na_values)
    if column.kind == "date":
        days = moments.astype("datetime64[D]")
        plain &= days == moments
        return pyarrow.array(days[which], pyarrow.date32()), plain[which]
    return pyarrow.array(moments[which], pyarrow.timestamp("us")), plain[which]


def _one_by_one(cells: Cells, read: ParseText, column: Column, *, into: ParseTarget) -> pyarrow.Array:
    """Reads each different text once and hands the result to every cell that holds it."""
    parsed, place = into
    encoded = pc.dictionary_encode(cells.texts)
    outcomes = [read(text) for text in encoded.dictionary.to_pylist()]
    good = [None if isinstance(outcome, (CellError, _NoValue)) else outcome for outcome in outcomes]
    which = encoded.indices.to_numpy()
    set_aside = np.array([isinstance(outcome, (CellError, _NoValue)) for outcome in outcomes], dtype=bool)
    for position in np.flatnonzero(set_aside[which]):
        outcome = outcomes[int(which[position])]
        if isinstance(outcome, CellError):
            parsed.errors[int(place[position])] = outcome
        else:
            parsed.missing[int(place[position])] = str(cells.texts[int(position)].as_py())
    return pyarrow.array(good, column.arrow_type).take(pyarrow.array(which))


def _reader(kind: CellKind, column: Column, sheet: Sheet) -> ParseText:
    """How a text of this kind of cell is read for the column: a value, `_NO_VALUE` or a CellError."""
    if kind == CellKind.ERROR:
        return lambda text: CellError("error_cell", f"the cell holds the error {text}; correct its formula", text)
    if kind == CellKind.UNCALCULATED:
        return lambda text: CellError(
            "uncalculated", "the formula was saved without its result; open and save it in Excel", text
        )
    if kind == CellKind.TEXT:
        return lambda text: _of_text(text.strip(), column)
    if kind == CellKind.NUMBER:
        return lambda text: _of_number(text, column)
    if kind == CellKind.BOOL:
        return lambda text: _of_bool(text, column)
    if kind == CellKind.DURATION:
        return lambda text: _of_duration(text, column)
    return lambda text: _of_date(text, kind, column, sheet)


def quoted(text: str) -> str:
    """A cell's text as a message quotes it: one line, at most 60 characters."""
    line = " ".join(text.split())
    return line if len(line) <= 60 else f"{line[:57]}…"


def noun_for(column: Column) -> str:
    """The column's title as a noun in a sentence: `a unit price`, `an SKU`."""
    title = " ".join(column.headers[0].split())
    words = " ".join(word if word[1:] != word[1:].lower() or len(word) == 1 else word.lower() for word in title.split())
    spelled = words.split(" ")[0].isupper() and len(words.split(" ")[0]) > 1
    vowel = words[:1] in "AEFHILMNORSX" if spelled else words[:1].lower() in "aeio"
    return f"{'an' if vowel else 'a'} {words}"


def cell_error(text: str, column: Column, more: str = "") -> CellError:
    """The plainest problem: `'n/a' is not a price`."""
    return CellError("type", f"'{quoted(text)}' {more or f'is not {noun_for(column)}'}", text)


def _plain_word(text: str, column: Column) -> str:
    return str(_plainly_spelled(pyarrow.array([text]), column)[0].as_py()).strip().casefold()


def _of_text(text: str, column: Column) -> Any:
    if _plain_word(text, column) in {word.casefold() for word in column.na_values} or text.casefold() in {
        word.casefold() for word in column.na_values
    }:
        return _NO_VALUE
    if column.kind in ("text", "code"):
        return text
    if column.kind == "boolean":
        return _of_boolean_text(text, column)
    if column.kind in ("date", "timestamp"):
        return _of_date_text(text, column)
    try:
        if column.kind == "percent":
            return parse_percent(text, column.decimal)
        return _as_number(parse_number(text, column.decimal, column.unit), text, column)
    except NotANumber as error:
        return cell_error(text, column, str(error))


def _as_number(number: float, text: str, column: Column) -> Any:
    if not math.isfinite(number):
        return cell_error(text, column)
    if column.kind != "integer":
        return number
    if abs(number) >= 2**53:
        return CellError("rounded", f"{quoted(text)} is stored as a rounded number; keep it as text", text)
    if abs(number - round(number)) > 1e-9 * max(1.0, abs(number)):
        return CellError("type", f"{quoted(text)} is not a whole number", text)
    return round(number)


def _of_boolean_text(text: str, column: Column) -> Any:
    word = text.casefold()
    if word in {yes.casefold() for yes in column.yes}:
        return True
    if word in {no.casefold() for no in column.no}:
        return False
    return cell_error(text, column, f"is neither {column.yes[0]!r} nor {column.no[0]!r}")


def _of_date_text(text: str, column: Column) -> Any:
    iso = _ISO_DAYS if column.kind == "date" else _ISO_MOMENTS
    no_such_day = False
    for pattern in column.formats or iso:
        try:
            return _as_date(parse_date(text, pattern, column.fiscal), text, column)
        except ValueError as error:
            no_such_day |= str(error).startswith("day ")  # so it says of what is written right: 31.02.2026
    if no_such_day:
        return CellError("formats", f"'{quoted(text)}' is a day that there is not", text)
    return CellError("formats", f"'{quoted(text)}' is not written as {_written_as(column, iso)}", text)


def _written_as(column: Column, iso: Sequence[str]) -> str:
    """How a date of the column may be written: `DD.MM.YYYY`; `'FY24-P01'` of a fiscal year."""
    if column.fiscal and column.period_kind:
        return examples(column.period_kind, column.formats, column.fiscal)
    return " or ".join(map(format_example, column.formats or iso[:1]))


def _as_date(moment: dt.datetime, text: str, column: Column) -> Any:
    if moment.tzinfo is not None:
        return CellError("type", f"'{quoted(text)}' has a time zone; write the local time", text)
    if column.kind == "timestamp":
        return moment
    if moment.time() != dt.time():
        return CellError("type", f"{moment:%Y-%m-%d %H:%M} has a time of day; the column is for dates alone", text)
    return moment.date()


def _of_number(text: str, column: Column) -> Any:
    try:
        number = float(text)
    except ValueError:
        return cell_error(text, column)
    if column.kind in _NUMERIC:
        return _as_number(number, text, column)
    digits = _digits(number)
    if column.kind in ("text", "code"):
        if abs(number) >= 10**_KEPT_DIGITS:
            message = f"{digits} is stored as a rounded number (Excel keeps {_KEPT_DIGITS} digits); keep it as text"
            return CellError("rounded", message, digits)
        width = column.width if column.kind == "code" else None
        return digits.zfill(width) if width and number.is_integer() else digits
    if column.kind == "boolean":
        return _of_boolean_text(digits, column)
    if number.is_integer() and any(_is_digits_alone(pattern) for pattern in column.formats):
        return _of_date_text(digits, column)
    return CellError("type", f"{digits} is a number, not a date; format the cell as a date", digits)


def _is_digits_alone(pattern: str) -> bool:
    """Whether a date in this pattern is a whole number: `%Y%m`."""
    return bool(re.fullmatch("(?:%[YGymdVjqhP])+", pattern))


def _digits(number: float) -> str:
    return str(int(number)) if number.is_integer() and abs(number) < 1e21 else repr(number)


def _of_bool(text: str, column: Column) -> Any:
    word = "TRUE" if text.strip() in ("1", "true", "TRUE") else "FALSE"
    if column.kind == "boolean":
        return word == "TRUE"
    return word if column.kind in ("text", "code") else cell_error(word, column)


def _of_duration(text: str, column: Column) -> Any:
    if column.kind == "number":
        return _of_number(text, column)
    return cell_error(text, column, f"is a length of time or a time of day, not {noun_for(column)}")


def _of_date(text: str, kind: CellKind, column: Column, sheet: Sheet) -> Any:
    try:
        is_iso = kind == CellKind.ISO
        moment = dt.datetime.fromisoformat(text) if is_iso else serial_to_datetime(float(text), sheet.starts_1904)
    except NotADate as error:
        return cell_error(text, column, str(error))
    except ValueError:
        return cell_error(text, column)
    if column.period_kind and moment.time() == dt.time():
        period = of_day(moment.date(), column.period_kind, column.fiscal)
        day = first_day(period) if isinstance(period, Period) else None
        if day is None:
            shown = f"{moment.date()}"
            return cell_error(shown, column, period.why if isinstance(period, Unclear) else "")
        moment = dt.datetime.combine(day, dt.time())
    if column.kind in ("date", "timestamp"):
        return _as_date(moment, text, column)
    written = f"{moment:%Y-%m-%d}" if moment.time() == dt.time() else f"{moment:%Y-%m-%d %H:%M:%S}"
    if column.kind == "text":
        return written
    return CellError(
        "type", f"the cell holds the date {written}, not {noun_for(column)}; format it as text or number", written
    )
