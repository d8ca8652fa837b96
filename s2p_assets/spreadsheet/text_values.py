"""Numbers and dates as people write them: decimal commas, thousands marks, currencies, accounting negatives, serials.

Which cell they stand in, and whether the contract wants them, is decided elsewhere.
"""

import datetime as dt
import re
import unicodedata
from functools import lru_cache
from typing import Literal

from s2p_assets.contracts.date_patterns import FiscalYear, period_kind_of
from s2p_assets.spreadsheet.periods import first_day, read_by_pattern

LAST_SERIAL = 2_958_466  # the day after 9999-12-31

_SPACES = re.compile("[\\s\u00a0\u2007\u2009\u202f]+")
_SIGNS = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR", "₽": "RUB", "₩": "KRW", "₺": "TRY", "zł": "PLN"}
_SHARED_SIGNS = {
    "$": frozenset({"USD", "CAD", "AUD", "NZD", "SGD", "HKD", "MXN", "TWD", "BRL", "CLP", "COP", "ARS"}),
    "¥": frozenset({"JPY", "CNY"}),
    "£": frozenset({"GBP", "EGP"}),
}
_CURRENCIES = (
    "EUR USD GBP CHF JPY CNY SEK NOK DKK PLN CZK HUF RON BGN TRY INR AUD CAD NZD SGD HKD KRW MXN BRL ZAR RUB UAH "
    "ILS AED SAR THB IDR MYR PHP TWD CLP COP ARS EGP VND ISK"
)
_ISO_CODES = frozenset(_CURRENCIES.split())
_PLAIN = {mark: re.compile(rf"(?:\d+(?:[{mark}]\d*)?|[{mark}]\d+)(?:[eE][+-]?\d+)?") for mark in (".", ",")}
_GROUPED = {
    mark: re.compile(rf"\d{{1,3}}(?:(?P<sep>{other}|['’ ])\d{{3}})(?:(?P=sep)\d{{3}})*(?:[{mark}]\d*)?")
    for mark, other in ((".", ","), (",", r"\."))
}


class NotANumber(ValueError):
    """The text is no number; the message says more where more is known, else it is empty."""


def parse_number(text: str, decimal: Literal[".", ","], unit: str | None = None) -> float:
    """The number that `text` writes, `decimal` being its decimal mark. A percent sign is not a number's.

    Currency signs, ISO codes and the unit itself are passed over; another currency than `unit` is an error.
    Raises NotANumber.
    """
    bare, negative = _unsigned(_SPACES.sub(" ", text).strip())
    bare = _without_unit(bare, unit)
    bare, inner_negative = _unsigned(bare)
    if negative and inner_negative:
        raise NotANumber
    bare = bare.strip()
    if _PLAIN[decimal].fullmatch(bare):
        digits = bare.replace(decimal, ".")
    elif found := _GROUPED[decimal].fullmatch(bare):
        digits = bare.replace(found.group("sep"), "").replace(decimal, ".")
    else:
        raise NotANumber(_why_not(bare, decimal))
    return -float(digits) if negative or inner_negative else float(digits)


def _unsigned(text: str) -> tuple[str, bool]:
    """`text` without its sign, and whether it was negative: `-5`, `5-`, `(5)`."""
    text = text.replace("\u2212", "-").replace("\u2013", "-")
    if text.startswith("(") and text.endswith(")"):
        return text[1:-1].strip(), True
    if text.startswith("-") or text.endswith("-"):
        return text.removeprefix("-").removesuffix("-").strip() if text.count("-") == 1 else text, True
    return text.removeprefix("+").strip(), False


def _without_unit(text: str, unit: str | None) -> str:
    if unit and unit.upper() not in _ISO_CODES and text.casefold().endswith(unit.casefold()):
        return text[: -len(unit)].strip()
    for sign, code in _SIGNS.items():
        if text.startswith(sign) or text.endswith(sign):
            _check_currency(sign, _SHARED_SIGNS.get(sign, frozenset({code})), unit)
            return text.removeprefix(sign).removesuffix(sign).strip()
    for code in (text[:3].upper(), text[-3:].upper()):
        if code in _ISO_CODES:
            _check_currency(code, frozenset({code}), unit)
            return (text[3:] if text[:3].upper() == code else text[:-3]).strip()
    return text


def _check_currency(written: str, codes: frozenset[str], unit: str | None) -> None:
    wanted = currency_in(unit) if unit else ""
    if wanted and wanted not in codes:
        raise NotANumber(f"is in {written}, not in {wanted}")


def currencies_of(mark: str) -> frozenset[str]:
    """The ISO codes of the currencies that a sign or a code may mean, none where it is neither."""
    if mark.upper() in _ISO_CODES:
        return frozenset({mark.upper()})
    return _SHARED_SIGNS.get(mark, frozenset({_SIGNS[mark]}) if mark in _SIGNS else frozenset())


@lru_cache(maxsize=256)
def currency_in(unit: str) -> str:
    """The ISO code of the currency in a contract's unit: `EUR`, also of `EUR net` and `kEUR`; else empty."""
    words = re.findall(r"[A-Za-z]+", unit)
    return next((word[-3:].upper() for word in words if _is_currency_word(word)), "")


def _is_currency_word(word: str) -> bool:
    return word.upper() in _ISO_CODES or (len(word) == 4 and word[0] in "kTM" and word[1:] in _ISO_CODES)


def _why_not(text: str, decimal: str) -> str:
    other = "," if decimal == "." else "."
    if re.fullmatch(r"\d+([.,]\d+)+", text) and other in text:
        return f"is ambiguous: {'a comma' if other == ',' else 'a point'} is not the decimal mark of this column"
    if text.endswith("%"):
        return "is a share, not a number"
    return ""


def parse_percent(text: str, decimal: Literal[".", ","]) -> float:
    """0.25 for `25 %`; a number without the sign stays as it is. Raises NotANumber."""
    bare, negative = _unsigned(text.strip())
    bare = bare.strip()
    if bare.endswith("%") or bare.startswith("%"):
        share = parse_number(bare.strip("%"), decimal) / 100
        return -share if negative else share
    return parse_number(text, decimal)


def currency_conflict(mark: str, unit: str | None) -> str:
    """`is in $, not in EUR` when `mark`, a sign or ISO code, is of another currency than `unit`; else empty."""
    try:
        _without_unit(mark, unit)
    except NotANumber as error:
        return str(error)
    return ""


class NotADate(ValueError):
    """The serial number is no date; the message says what it is."""


_FIRST_1900 = dt.datetime.fromisoformat("1899-12-30")
_FIRST_1904 = dt.datetime.fromisoformat("1904-01-01")


def serial_to_datetime(serial: float, starts_1904: bool) -> dt.datetime:
    """The date and time, to the millisecond, that Excel shows for a serial number. Raises NotADate."""
    if serial < 0 or serial >= LAST_SERIAL:
        raise NotADate("is beyond Excel's calendar")
    days, fraction = divmod(serial, 1)
    moment = dt.timedelta(days=days, milliseconds=round(fraction * 86_400_000))
    if starts_1904:
        return _FIRST_1904 + moment
    if serial < 1:
        raise NotADate("is a time of day without a date" if serial else "is zero, shown as a date")
    if 60 <= serial < 61:
        raise NotADate("is 29 February 1900, a day that never was")
    return _FIRST_1900 + moment + (dt.timedelta(days=1) if serial < 60 else dt.timedelta())


_DIRECTIVES = {
    "Y": r"\d{4}", "y": r"\d{2}", "m": r"\d{1,2}", "d": r"\d{1,2}", "H": r"\d{1,2}", "I": r"\d{1,2}", "M": r"\d{1,2}",
    "S": r"\d{1,2}", "f": r"\d{1,6}", "j": r"\d{1,3}", "U": r"\d{1,2}", "W": r"\d{1,2}", "V": r"\d{1,2}",
    "h": "[12]", "P": r"\d{1,3}", "G": r"\d{4}", "u": r"\d", "w": r"\d", "B": r"[^\W\d_]+", "b": r"[^\W\d_]+\.?",
    "q": "[1-4]", "g": r"\d{2}", "A": r"[^\W\d_]+", "a": r"[^\W\d_]+", "p": r"[AaPp]\.?[Mm]\.?", "%": "%",
}  # fmt: skip


def parse_date(text: str, pattern: str, fiscal: FiscalYear | None = None) -> dt.datetime:
    """The date that `text` writes as the strptime `pattern`; months in English, German, French or Spanish.

    Of a week, month, … or year, which may be of a company's own `fiscal` year, it is the first day. Raises ValueError.
    """
    kind = period_kind_of(pattern)
    if kind in ("week", "quarter", "half") or (fiscal and kind != "day"):  # which strptime does not know
        period = read_by_pattern(text, pattern, fiscal)
        day = first_day(period) if period else None
        if day is None:
            raise ValueError(text)
        return dt.datetime.combine(day, dt.time())
    try:
        return dt.datetime.strptime(text, pattern)  # noqa: DTZ007  local time is meant
    except ValueError:
        if "%B" not in pattern and "%b" not in pattern:
            raise
    length = 3 if "%b" in pattern else None
    english = re.sub(r"[^\W\d_]+\.?", lambda word: _in_english(word.group(), length), text)
    return dt.datetime.strptime(english, pattern)  # noqa: DTZ007  local time is meant


def _in_english(word: str, length: int | None) -> str:
    month = _foreign_months().get(unicodedata.normalize("NFC", word).casefold().rstrip("."))
    return month[:length] if month else word


@lru_cache(maxsize=1)
def _foreign_months() -> dict[str, str]:
    """Month names and their short forms → English names."""
    from vl_convert import get_time_format_locale

    months = get_time_format_locale("en-US")["months"]
    tables = [get_time_format_locale(locale) for locale in ("de-DE", "fr-FR", "es-ES")]
    named = [zip(table[kind], months, strict=True) for table in tables for kind in ("months", "shortMonths")]
    return {name.casefold().rstrip("."): month for pairs in named for name, month in pairs}


def find_date(text: str, pattern: str, fiscal: FiscalYear | None = None) -> dt.datetime | None:
    """The first date written as the strptime `pattern` anywhere within `text`, such as a file's name."""
    parts = re.split(r"%(.)", pattern)
    expression = "".join(
        re.escape(part) if position % 2 == 0 else _DIRECTIVES.get(part, ".+?") for position, part in enumerate(parts)
    )
    first = r"(?<!\d)" if parts[0] == "" else ""
    last = r"(?!\d)" if parts[-1] == "" else ""
    for found in re.finditer(f"{first}{expression}{last}", unicodedata.normalize("NFC", text)):
        try:
            return parse_date(found.group(), pattern, fiscal)
        except ValueError:
            continue
    return None
