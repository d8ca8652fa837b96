"""How values are written for people: thousands separators, currency, dates, changes, each as the locale has them.

What is written within `use_locale` follows that locale; else it is international English. What a report says
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

from s2p_assets.contracts.report import Document, Figure, RelativeChange, ValueFormat

MINUS = "\N{MINUS SIGN}"
SPACE = "\N{NO-BREAK SPACE}"
MISSING = "\N{EN DASH}"
MONEY_IN_TEXT = re.compile("\ue000([^\ue001]*)\ue001")
WRITTEN_NUMBER = re.compile(r"(?<![\w.,-])(\d{1,3}(?:,\d{3})+|\d+(?=\.\d|\s?%))(\.\d+)?(\s?%)?(?!\w|[.,]\d)")
CURRENCY_SYMBOLS = {"EUR": "€", "GBP": "£", "JPY": "¥", "USD": "$"}
INTERNATIONAL_LOCALE = "en"
"""English of no country: `1,234.5`, `5.2 %`, `15 Nov 2026`."""
_locale: ContextVar[str] = ContextVar("locale", default=INTERNATIONAL_LOCALE)
D3_DATES = {"d": "%-d", "dd": "%d", "M": "%-m", "MM": "%m", "MMM": "%b", "MMMM": "%B", "y": "%Y", "yy": "%y"}


@contextmanager
def use_locale(locale: str) -> Iterator[None]:
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


def decimals_for(values: "pd.Series[Any]", kind: ValueFormat) -> int:
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


def format_number(value: float, decimals: int = 0) -> str:
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


def format_money(value: float, currency: str, decimals: int) -> str:
    """`€1,234.50`, `1.234,50 €` in German; `CHF 1,234.50` where the currency has no sign of its own."""
    sign, amount = (MINUS, -value) if value < 0 else ("", value)
    before, after = _around_money(_locale.get(), currency)
    return f"{sign}{before}{format_number(amount, decimals)}{after}"


def format_percent(value: float, decimals: int) -> str:
    """`5.2 %` for 0.052, `5.2%` in British English."""
    before, after = _around_percent(_locale.get())
    return f"{before}{format_number(value * 100, decimals)}{after}"


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
    if locale == INTERNATIONAL_LOCALE:
        return CURRENCY_SYMBOLS.get(currency, currency + SPACE), ""
    pattern, symbol = _parsed(locale).currency_formats["standard"], get_currency_symbol(currency, _parsed(locale))
    before, after = pattern.prefix[0].replace("¤", symbol), pattern.suffix[0].replace("¤", symbol)
    return before + SPACE if before[-1:].isalpha() else before, after


@functools.cache
def _around_percent(locale: str) -> tuple[str, str]:
    pattern = _parsed(locale).percent_formats[None]
    return ("", f"{SPACE}%") if locale == INTERNATIONAL_LOCALE else (pattern.prefix[0], pattern.suffix[0])


def money_in_text(value: float) -> str:
    """An amount of money in a sentence; `fill_in_currency` writes it, because who writes the sentence knows no
    currency.
    """
    return f"\ue000{float(value)!r}\ue001"


def fill_in_currency(document: Document, currency: str) -> Document:
    """The document with every `money_in_text` in its sentences written in the currency, from 1,000 on without cents."""

    def written(text: str) -> str:
        return MONEY_IN_TEXT.sub(lambda found: _rounded(float(found[1]), currency), text)

    return replace(
        document,
        headline=written(document.headline),
        figures=tuple(replace(figure, note=written(figure.note)) for figure in document.figures),
        sections=tuple(
            replace(
                section,
                description=written(section.description),
                when_empty=written(section.when_empty),
                says=written(section.says),
            )
            for section in document.sections
        ),
        notes=tuple(written(note) for note in document.notes),
        action=written(document.action),
    )


def _rounded(value: float, currency: str) -> str:
    return format_money(value, currency, 0 if abs(value) >= 1000 else 2)


def format_long_date(value: dt.date) -> str:
    """`Sunday 15 November 2026`."""
    if _locale.get() != INTERNATIONAL_LOCALE:
        return str(dates.format_date(value, "full", _parsed(_locale.get())))
    return f"{value:%A} {value.day} {value:%B} {value.year:04d}"


def format_date(value: dt.date) -> str:
    """`15 Nov 2026`."""
    if _locale.get() != INTERNATIONAL_LOCALE:
        return str(dates.format_date(value, "medium", _parsed(_locale.get())))
    return f"{value.day} {value:%b} {value.year:04d}"


def format_month(value: dt.date) -> str:
    """`November 2026`."""
    return str(dates.format_skeleton("yMMMM", value, locale=_parsed(_locale.get())))


def format_timestamp(value: dt.datetime) -> str:
    """`15 Nov 2026, 07:30`, with the time zone where it is known."""
    time = f"{value:%H:%M}"
    if _locale.get() != INTERNATIONAL_LOCALE:
        time = str(dates.format_time(value.replace(tzinfo=None), "short", locale=_parsed(_locale.get())))
    return f"{format_date(value)}, {time} {value:%Z}".rstrip()


def d3_locale() -> tuple[dict[str, Any], dict[str, Any], str]:
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
    if _locale.get() == INTERNATIONAL_LOCALE:
        return numbers, times, "%-d %b %Y"
    pattern = re.sub(r"'([^']*)'|(d+|M+|y+)", _as_d3, locale.date_formats["medium"].pattern)
    return numbers, times, pattern


def _as_d3(found: "re.Match[str]") -> str:
    return found[1] if found[2] is None else D3_DATES.get(found[2], "%x")


def localize_numbers(text: str) -> str:
    """A sentence from elsewhere, its numbers (`1,234`, `0.705`, `12.3%`) written as in the locale."""
    return WRITTEN_NUMBER.sub(_localized, text)


def _localized(found: "re.Match[str]") -> str:
    decimals = len(found[2]) - 1 if found[2] else 0
    value = float(found[1].replace(",", "") + (found[2] or ""))
    return format_percent(value / 100, decimals) if found[3] else format_number(value, decimals)


def format_cell(value: Any, kind: ValueFormat, decimals: int) -> str:
    """A value as it stands in a table; the currency stands in the column's title."""
    if is_missing(value):
        return MISSING
    if kind == "date":
        return format_date(value) if isinstance(value, dt.date) else str(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if kind in ("text", "code") or isinstance(value, str):
        return str(value)
    if kind == "percent":
        return format_percent(float(value), decimals)
    return format_number(float(value), decimals)


def format_column_title(title: str, kind: ValueFormat, currency: str) -> str:
    """Money columns say their currency."""
    return f"{title} ({currency})" if kind == "money" else title


def format_figure(figure: Figure, currency: str) -> str:
    """A headline number; amounts of a thousand and more without cents."""
    value = figure.value
    if is_missing(value):
        return "not known"
    if figure.format == "date" and isinstance(value, dt.date):
        return format_date(value)
    if not isinstance(value, Real):
        return str(value)
    if figure.format == "money":
        return _rounded(float(value), currency)
    return format_cell(value, figure.format, decimals_for(pd.Series([value]), figure.format))


def format_share(value: float) -> str:
    """The size of a change without its direction: `5.2 %`, `140 %`."""
    return format_percent(abs(value), 0 if abs(value) >= 1 else 1)


def format_signed_share(value: float) -> str:
    """A change with its direction, without decimals: `+17 %`, `−57 %`."""
    return f"{MINUS if value < 0 else '+'}{format_percent(abs(value), 0)}"


def change_direction(change: RelativeChange) -> int:
    """1 for more, -1 for less, 0 for a change that rounds to nothing."""
    return 0 if abs(change.share) < 0.0005 else (1 if change.share > 0 else -1)


def change_arrow(change: RelativeChange) -> str:
    return ("▼", "=", "▲")[change_direction(change) + 1]


def describe_change(change: RelativeChange) -> str:
    """`5.2 % more than the week before`, for a sentence."""
    earlier = change.compared_with
    if change_direction(change) == 0:
        return f"as much as {earlier}"
    return f"{format_share(change.share)} {'more' if change.share > 0 else 'less'} than {earlier}"


def pluralize(count: int, one: str, many: str = "") -> str:
    """`1 SKU`, `1,204 SKUs`."""
    return f"{format_number(count)} {one if count == 1 else many or one + 's'}"
