"""What a strptime pattern gives: one day, or the first day of a week, month, quarter, half-year or year.

Of calendar years, or of fiscal ones that begin in another month.

Reading a text by a pattern belongs to `spreadsheet/periods.py`.
"""

import datetime as dt
import re
from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

PeriodKind = Literal["day", "week", "month", "quarter", "half", "year"]
PERIOD_KINDS: tuple[PeriodKind, ...] = ("day", "week", "month", "quarter", "half", "year")
KIND_NAMES: dict[PeriodKind, str] = {kind: "half-year" if kind == "half" else kind for kind in PERIOD_KINDS}
MONTHS_IN: dict[PeriodKind, int] = {"month": 1, "quarter": 3, "half": 6, "year": 12}

_DIRECTIVE = re.compile(r"%(.)")
_KNOWN = frozenset("aAbBcdfgGhHIjmMpPqSuUVwWxXyYzZ%")
_WHOLE = frozenset("cx")
"""The locale's own date: day, month and year."""
FISCAL_WORDS = (
    r"f\.?y|fiscal(?:\s+year)?|financial(?:\s+year)?|g\.?j|wj|gesch(?:ä|ae)ftsjahr|wirtschaftsjahr|exercice|ejercicio|"
    r"esercizio|boekjaar|exerc[íi]cio|rok\s+obrotowy|regnskabsår|räkenskapsår"
)
"""The words by which people mark a fiscal year, as a regular expression of texts in lower case."""
_FISCAL_MARK = re.compile(rf"(?<![^\W\d_])(?:{FISCAL_WORDS})(?![^\W\d_])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class FiscalYear:
    """A company's own year. `start`: the month in which it begins; `named_after`: of which end it bears the year.

    FY2024 of a company whose year begins in April is that from April 2023, or, named after its start, from April 2024.
    `weeks`: of how many weeks each of its periods is, where these are no months: those of `FISCAL_WEEKS`; a year of 53
    weeks has the last one in its last period. `years`: the first day of each such year.
    """

    start: int
    named_after: Literal["start", "end"] = "end"
    weeks: tuple[int, ...] = ()
    years: tuple[tuple[int, dt.date], ...] = ()

    @property
    def periods(self) -> int:
        """How many periods it has: 12 months, or 12 or 13 spans of weeks."""
        return len(self.weeks) or 12

    def first_day(self, year: int, month: int = 1) -> dt.date:
        """The first day of the month, or period, that is number `month` of fiscal year `year`. Raises ValueError."""
        if self.weeks:
            start = dict(self.years).get(year)
            if start is None or not 1 <= month <= self.periods:
                raise ValueError(f"no period {month} of {year} is known")
            return start + dt.timedelta(weeks=sum(self.weeks[: month - 1]))
        first = year - (self.named_after == "end" and self.start > 1)
        years, months = divmod(self.start + month - 2, 12)
        return dt.date(first + years, months + 1, 1)

    def place_of(self, day: dt.date) -> tuple[int, int]:
        """The fiscal year of a day, and the number of its month there. Raises ValueError where that is not known."""
        if self.weeks:
            return self._place_by_weeks(day)
        month = (day.month - self.start) % 12 + 1
        first = day.year - (day.month < self.start)
        return first + (self.named_after == "end" and self.start > 1), month

    def _place_by_weeks(self, day: dt.date) -> tuple[int, int]:
        place = bisect_right([start for _, start in self.years], day) - 1
        weeks = (day - self.years[place][1]).days // 7 if place >= 0 else -1
        if not 0 <= weeks <= WEEKS_IN_LONG_YEAR - 1:
            raise ValueError(f"{day} is of no fiscal year that is known")
        ends = [sum(self.weeks[: count + 1]) for count in range(self.periods)]
        return self.years[place][0], min(bisect_right(ends, weeks) + 1, self.periods)


FISCAL_WEEKS: dict[str, tuple[int, ...]] = {
    "4-4-5": (4, 4, 5) * 4,
    "4-5-4": (4, 5, 4) * 4,
    "5-4-4": (5, 4, 4) * 4,
    "13 periods": (4,) * 13,
}
"""The ways in which companies part a year of 52 or 53 weeks into periods."""
WEEKS_IN_LONG_YEAR = 53


def fiscal_years_fault(weeks: str, years: tuple[tuple[int, str], ...]) -> str:
    """What is wrong with a year of weeks as a contract declares it; empty where nothing is."""
    if weeks not in FISCAL_WEEKS:
        return f"fiscal_weeks is one of {', '.join(FISCAL_WEEKS)}, not {weeks!r}"
    if not years:
        return "fiscal_weeks needs the first day of each year: fiscal_years={2025: '2025-02-02', 2026: '2026-02-01'}"
    try:
        starts = [(year, dt.date.fromisoformat(day)) for year, day in years]
    except (TypeError, ValueError):
        return "fiscal_years holds a year's number and its first day: {2025: '2025-02-02'}"
    for (year, first), (after, second) in pairwise(starts):
        if after != year + 1 or (second - first).days not in (52 * 7, WEEKS_IN_LONG_YEAR * 7):
            return f"fiscal_years: from {first} to {second} it is neither 52 nor 53 weeks, or a year between is lacking"
    return ""


def is_fiscal(text: str) -> bool:
    """Whether a text or pattern says that it is about a fiscal year: `FY24`, `GJ %Y`."""
    return bool(_FISCAL_MARK.search(text))


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
    if "h" in given:
        return "half"
    if month or "P" in given:
        return "month"
    return "year" if given & frozenset("YyGg") and not given & frozenset("dV") else None


def pattern_fault(pattern: str, *, year_elsewhere: bool = False, fiscal: FiscalYear | None = None) -> str:
    """Why no single day follows from a text in this pattern; empty where one does.

    `year_elsewhere`: the year may stand beside the text, as over a header. `fiscal`: the year that it may be about.
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
        return "it names no day, week, month, quarter, half-year or year"
    if fiscal is None and len(re.findall("%[YyGg]", pattern)) > 1 and period_kind_of(pattern) != "day":
        return "two years name a fiscal year; say by fiscal_year_start in which month that begins"
    if fiscal is None and ("P" in given or is_fiscal(_DIRECTIVE.sub(" ", pattern))):
        return "it is about a fiscal year; say by fiscal_year_start in which month that begins"
    if not (year_elsewhere or given & frozenset("YyGg") or given & _WHOLE):
        return "it has no year, so that it names no one day"
    return ""


def format_example(pattern: str) -> str:
    """A strptime pattern for people: `%d.%m.%Y` → `DD.MM.YYYY`."""
    names = {"Y": "YYYY", "y": "YY", "m": "MM", "d": "DD", "H": "hh", "M": "mm", "S": "ss", "f": "ffffff"}
    names |= {"G": "YYYY", "g": "YY", "V": "01", "q": "1", "h": "1", "P": "01"}
    names |= {"I": "hh", "p": "AM/PM", "b": "Mon", "B": "Month", "a": "Wed", "A": "Weekday"}
    for letter, name in names.items():
        pattern = pattern.replace(f"%{letter}", name)
    return pattern
