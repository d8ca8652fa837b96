"""How values are written for people: thousands separators, currency, dates, changes.

What a report says belongs to the report; how a spreadsheet formats its own numbers belongs to `excel`.
"""

import datetime as dt
import math
import re
from dataclasses import replace
from numbers import Real
from typing import Any

import pandas as pd

from s2p_assets.publishing.report import Change, Document, Figure, Format

MINUS = "\N{MINUS SIGN}"
SPACE = "\N{NO-BREAK SPACE}"
NOTHING = "\N{EN DASH}"
AMOUNT = re.compile("\ue000([^\ue001]*)\ue001")
SYMBOLS = {"EUR": "€", "GBP": "£", "JPY": "¥", "USD": "$"}


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
    """`-1234.5` → `−1,234.5`; never a negative zero."""
    text = f"{abs(value):,.{decimals}f}"
    return MINUS + text if value < 0 and text.strip("0.,") else text


def money(value: float, currency: str, decimals: int) -> str:
    """`€1,234.50`; `CHF 1,234.50` where the currency has no sign of its own."""
    sign, amount = (MINUS, -value) if value < 0 else ("", value)
    return f"{sign}{SYMBOLS.get(currency, currency + SPACE)}{grouped(amount, decimals)}"


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
    return f"{value:%A} {value.day} {value:%B} {value.year:04d}"


def short_day(value: dt.date) -> str:
    """`15 Nov 2026`."""
    return f"{value.day} {value:%b} {value.year:04d}"


def moment(value: dt.datetime) -> str:
    """`15 Nov 2026, 07:30`, with the time zone where it is known."""
    return f"{short_day(value)}, {value:%H:%M} {value:%Z}".rstrip()


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
        return f"{grouped(float(value) * 100, decimals)}{SPACE}%"
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
    percent = abs(value) * 100
    return f"{grouped(percent, 0 if percent >= 100 else 1)}{SPACE}%"


def direction(change: Change) -> int:
    """1 for more, -1 for less, 0 for a change that rounds to nothing."""
    return 0 if abs(change.share) < 0.0005 else (1 if change.share > 0 else -1)


def arrow(change: Change) -> str:
    return ("▼", "=", "▲")[direction(change) + 1]


def change_in_words(change: Change) -> str:
    """`5.2 % more than the week before`, for a sentence."""
    if direction(change) == 0:
        return f"as much as {change.than}"
    return f"{share(change.share)} {'more' if change.share > 0 else 'less'} than {change.than}"


def counted(count: int, one: str, many: str = "") -> str:
    """`1 SKU`, `1,204 SKUs`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
