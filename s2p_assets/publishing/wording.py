"""How values are written for people: thousands separators, currency, dates, changes, each as the locale has them.

What is written within `written_for` follows that locale; else it is international English. What a report says
belongs to the report; how a spreadsheet formats its own numbers belongs to `excel`.
"""

import datetime as dt
import functools
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from numbers import Real
from typing import Any

import pandas as pd
from babel import Locale, dates
from babel.numbers import get_currency_symbol, get_decimal_symbol, get_group_symbol

from s2p_assets.publishing.report import Change, Document, Figure, Format

MINUS = "\N{MINUS SIGN}"
SPACE = "\N{NO-BREAK SPACE}"
NOTHING = "\N{EN DASH}"
AMOUNT = re.compile("\ue000([^\ue001]*)\ue001")
NUMBER = re.compile(r"(?<![\w.,-])(\d{1,3}(?:,\d{3})+|\d+(?=\.\d|\s?%))(\.\d+)?(\s?%)?(?!\w|[.,]\d)")
SYMBOLS = {"EUR": "€", "GBP": "£", "JPY": "¥", "USD": "$"}
INTERNATIONAL = "en"
"""English of no country: `1,234.5`, `5.2 %`, `15 Nov 2026`."""
_locale: ContextVar[str] = ContextVar("locale", default=INTERNATIONAL)
D3_DATES = {"d": "%-d", "dd": "%d", "M": "%-m", "MM": "%m", "MMM": "%b", "MMMM": "%B", "y": "%Y", "yy": "%y"}


@contextmanager
def written_for(locale: str) -> Iterator[None]:
    """Numbers and dates in the block are written as in `locale`, such as `de_DE`."""
    before = _locale.set(locale)
    try:
        yield
    finally:
        _locale.reset(before)


def language_tag() -> str:
    """How a page names its language: the texts are English, the numbers those of a country, as in `en-DE`."""
    territory = _parsed(_locale.get()).territory
    return f"en-{territory}" if territory else "en"


def is_missing(value: Any) -> bool:
    """Whether `value` is no value: None, NaN, NaT, NA or an infinity."""
    return bool(pd.isna(value)) or (isinstance(value, float) and math.isinf(value))


def decimals_for(values: "pd.Series[Any]", kind: Format) -> int:
    """How many decimals a column of these values needs: the same for all, so that they line up."""
    if kind == "money":
        return 2
    if kind == "percent":
        return 1
    if kind != "number":
        return 0
    known = pd.to_numeric(values, errors="coerce").abs().dropna()
    known = known[known.map(math.isfinite)]
    if known.empty or (known % 1 == 0).all():
        return 0
    largest = float(known.max())
    return 1 if largest >= 10 else 2 if largest >= 1 else 3


def grouped(value: float, decimals: int = 0) -> str:
    """`-1234.5` → `−1,234.5`, `−1.234,5` in German; never a negative zero."""
    whole, _, fraction = f"{abs(value):.{decimals}f}".partition(".")
    point, joint, sizes = _separators(_locale.get())
    text = joint.join(_groups(whole, *sizes)) + (point + fraction if fraction else "")
    return MINUS + text if value < 0 and text.strip(f"0{point}") else text


def _groups(digits: str, last: int, others: int) -> list[str]:
    """`1234567` in groups: the last of `last` digits, those before it of `others`."""
    head, tail = digits[:-last], digits[-last:]
    starts = range(len(head) % others or others, len(head) + 1, others) if head else range(0)
    return [*(head[max(0, end - others) : end] for end in starts), tail]


def money(value: float, currency: str, decimals: int) -> str:
    """`€1,234.50`, `1.234,50 €` in German; `CHF 1,234.50` where the currency has no sign of its own."""
    sign, amount = (MINUS, -value) if value < 0 else ("", value)
    before, after = _around_money(_locale.get(), currency)
    return f"{sign}{before}{grouped(amount, decimals)}{after}"


def percent(value: float, decimals: int) -> str:
    """`5.2 %` for 0.052, `5.2%` in British English."""
    before, after = _around_percent(_locale.get())
    return f"{before}{grouped(value * 100, decimals)}{after}"


@functools.cache
def _parsed(locale: str) -> Locale:
    return Locale.parse(locale.replace("-", "_"))


@functools.cache
def _separators(locale: str) -> tuple[str, str, tuple[int, int]]:
    """Decimal mark, thousands mark, and the sizes of the last group of digits and of those before it."""
    last, others = _parsed(locale).decimal_formats[None].grouping
    return get_decimal_symbol(_parsed(locale)), get_group_symbol(_parsed(locale)), (last, others)


@functools.cache
def _around_money(locale: str, currency: str) -> tuple[str, str]:
    if locale == INTERNATIONAL:
        return SYMBOLS.get(currency, currency + SPACE), ""
    pattern, symbol = _parsed(locale).currency_formats["standard"], get_currency_symbol(currency, _parsed(locale))
    before, after = pattern.prefix[0].replace("¤", symbol), pattern.suffix[0].replace("¤", symbol)
    return before + SPACE if before[-1:].isalpha() else before, after


@functools.cache
def _around_percent(locale: str) -> tuple[str, str]:
    pattern = _parsed(locale).percent_formats[None]
    return ("", f"{SPACE}%") if locale == INTERNATIONAL else (pattern.prefix[0], pattern.suffix[0])


def amount(value: float) -> str:
    """An amount of money in a sentence; `in_currency` writes it, because who writes the sentence knows no currency."""
    return f"\ue000{float(value)!r}\ue001"


def in_currency(document: Document, currency: str) -> Document:
    """The document with every `amount` in its sentences written in the currency, from 1,000 on without cents."""

    def written(text: str) -> str:
        return AMOUNT.sub(lambda found: _rounded(float(found[1]), currency), text)

    return replace(
        document,
        headline=written(document.headline),
        figures=tuple(replace(figure, note=written(figure.note)) for figure in document.figures),
        sections=tuple(
            replace(section, says=written(section.says), when_empty=written(section.when_empty))
            for section in document.sections
        ),
        notes=tuple(written(note) for note in document.notes),
    )


def _rounded(value: float, currency: str) -> str:
    return money(value, currency, 0 if abs(value) >= 1000 else 2)


def long_day(value: dt.date) -> str:
    """`Sunday 15 November 2026`."""
    if _locale.get() != INTERNATIONAL:
        return str(dates.format_date(value, "full", _parsed(_locale.get())))
    return f"{value:%A} {value.day} {value:%B} {value.year:04d}"


def short_day(value: dt.date) -> str:
    """`15 Nov 2026`."""
    if _locale.get() != INTERNATIONAL:
        return str(dates.format_date(value, "medium", _parsed(_locale.get())))
    return f"{value.day} {value:%b} {value.year:04d}"


def moment(value: dt.datetime) -> str:
    """`15 Nov 2026, 07:30`, with the time zone where it is known."""
    time = f"{value:%H:%M}"
    if _locale.get() != INTERNATIONAL:
        time = str(dates.format_time(value.replace(tzinfo=None), "short", locale=_parsed(_locale.get())))
    return f"{short_day(value)}, {time} {value:%Z}".rstrip()


def charts_locale() -> tuple[dict[str, Any], dict[str, Any], str]:
    """The locale for axes, as d3 takes it: of numbers, of time, and the pattern of a short day."""
    locale = _parsed(_locale.get())
    point, joint, (last, others) = _separators(_locale.get())
    grouping = [last, *[others] * 6]
    numbers = {"decimal": point, "thousands": joint, "grouping": grouping, "currency": ["", ""]}
    numbers["percent"] = "".join(_around_percent(_locale.get()))
    days = {width: [locale.days["format"][width][(n - 1) % 7] for n in range(7)] for width in ("wide", "abbreviated")}
    months = {width: [locale.months["format"][width][n] for n in range(1, 13)] for width in ("wide", "abbreviated")}
    times = {"dateTime": "%x, %X", "date": "%x", "time": "%H:%M:%S", "periods": ["AM", "PM"]}
    times |= {"days": days["wide"], "shortDays": days["abbreviated"]}
    times |= {"months": months["wide"], "shortMonths": months["abbreviated"]}
    if _locale.get() == INTERNATIONAL:
        return numbers, times, "%-d %b %Y"
    pattern = re.sub(r"'([^']*)'|(d+|M+|y+)", _as_d3, locale.date_formats["medium"].pattern)
    return numbers, times, pattern


def _as_d3(found: "re.Match[str]") -> str:
    return found[1] if found[2] is None else D3_DATES.get(found[2], "%x")


def rewritten(text: str) -> str:
    """A sentence from elsewhere, its numbers (`1,234`, `0.705`, `12.3%`) written as in the locale."""
    return NUMBER.sub(_rewritten, text)


def _rewritten(found: "re.Match[str]") -> str:
    decimals = len(found[2]) - 1 if found[2] else 0
    value = float(found[1].replace(",", "") + (found[2] or ""))
    return percent(value / 100, decimals) if found[3] else grouped(value, decimals)


def cell(value: Any, kind: Format, decimals: int) -> str:
    """A value as it stands in a table; the currency stands in the column's title."""
    if is_missing(value):
        return NOTHING
    if kind == "day":
        return short_day(value) if isinstance(value, dt.date) else str(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if kind in ("text", "code") or isinstance(value, str):
        return str(value)
    if kind == "percent":
        return percent(float(value), decimals)
    return grouped(float(value), decimals)


def column_title(title: str, kind: Format, currency: str) -> str:
    """Money columns say their currency."""
    return f"{title} ({currency})" if kind == "money" else title


def figure_value(figure: Figure, currency: str) -> str:
    """A headline number; amounts of a thousand and more without cents."""
    value = figure.value
    if is_missing(value):
        return "not known"
    if figure.format == "day" and isinstance(value, dt.date):
        return short_day(value)
    if not isinstance(value, Real):
        return str(value)
    if figure.format == "money":
        return _rounded(float(value), currency)
    return cell(value, figure.format, decimals_for(pd.Series([value]), figure.format))


def share(value: float) -> str:
    """The size of a change without its direction: `5.2 %`, `140 %`."""
    return percent(abs(value), 0 if abs(value) >= 1 else 1)


def direction(change: Change) -> int:
    """1 for more, -1 for less, 0 for a change that rounds to nothing."""
    return 0 if abs(change.share) < 0.0005 else (1 if change.share > 0 else -1)


def arrow(change: Change) -> str:
    return ("▼", "=", "▲")[direction(change) + 1]


def change_in_words(change: Change) -> str:
    """`5.2 % more than the week before`, for a sentence."""
    earlier = change.than
    if direction(change) == 0:
        return f"as much as {earlier}"
    return f"{share(change.share)} {'more' if change.share > 0 else 'less'} than {earlier}"


def counted(count: int, one: str, many: str = "") -> str:
    """`1 SKU`, `1,204 SKUs`."""
    return f"{grouped(count)} {one if count == 1 else many or one + 's'}"
