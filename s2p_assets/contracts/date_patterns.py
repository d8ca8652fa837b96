"""What a strptime pattern gives: one day, or the first day of a week, month, quarter or year.

Reading a text by a pattern belongs to `spreadsheet/periods.py`.
"""

import re
from typing import Literal

PeriodKind = Literal["day", "week", "month", "quarter", "year"]
PERIOD_KINDS: tuple[PeriodKind, ...] = ("day", "week", "month", "quarter", "year")

_DIRECTIVE = re.compile(r"%(.)")
_KNOWN = frozenset("aAbBcdfgGHIjmMpqSuUVwWxXyYzZ%")
_WHOLE = frozenset("cx")
"""The locale's own date: day, month and year."""


def directives(pattern: str) -> frozenset[str]:
    """The letters behind the percent signs of a pattern: `%Y-%m` → Y, m."""
    return frozenset(_DIRECTIVE.findall(pattern))


def period_kind_of(pattern: str) -> PeriodKind | None:
    """Of what a text in this pattern names the first day, its year aside; None where it names no period at all."""
    given = directives(pattern)
    weekday, month = bool(given & frozenset("uwaA")), bool(given & frozenset("mbB"))
    if given & _WHOLE or "j" in given or (month and "d" in given):
        return "day"
    if given & frozenset("VUW"):
        return "day" if weekday else "week" if "V" in given else None
    if "q" in given:
        return "quarter"
    if month:
        return "month"
    return "year" if given & frozenset("YyGg") and not given & frozenset("dV") else None


def pattern_fault(pattern: str, *, year_elsewhere: bool = False) -> str:
    """Why no single day follows from a text in this pattern; empty where one does.

    `year_elsewhere`: the year may stand beside the text, as over a header.
    """
    given = directives(pattern)
    if unknown := sorted(given - _KNOWN):
        return f"there is no directive %{unknown[0]}"
    if given & frozenset("UW") and not given & frozenset("uwaA"):
        return "a week of %U or %W without a weekday is no day; ISO weeks are %G-W%V"
    if "V" in given and given & frozenset("Yy"):
        return "the year of an ISO week is %G, not %Y: the last days of December may lie in week 1 of the next"
    if given & frozenset("Gg") and "V" not in given:
        return "%G is the year of an ISO week, %V; a calendar year is %Y"
    if period_kind_of(pattern) is None:
        return "it names no day, week, month, quarter or year"
    if not (year_elsewhere or given & frozenset("YyGg") or given & _WHOLE):
        return "it has no year, so that it names no one day"
    return ""
