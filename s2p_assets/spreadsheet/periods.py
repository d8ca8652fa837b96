"""Texts and dates that name a period: a day, an ISO week, a month, a quarter or a year, in the languages of Europe.

What may mean two periods is never guessed. In which cells of a header periods stand is found in `wide_header.py`.
"""

import datetime as dt
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from s2p_assets.contracts.date_patterns import PeriodKind, directives

LANGUAGES = (
    *("en", "de", "fr", "es", "it", "pt", "nl", "pl", "cs", "sk", "sl", "hr", "sr_Latn", "hu", "ro", "da", "sv", "nb"),
    *("fi", "et", "lv", "lt", "tr", "el", "ru", "uk", "bg", "ca", "ga", "is", "sq", "bs", "mk"),
)
_SEPARATORS = " .,/'’`_-–\u00a0"
_SEPARATED = rf"[{re.escape(_SEPARATORS)}]*"
_YEAR = r"(?:19|20|21)\d\d"
_FIRST_YEAR, _LAST_YEAR = 1900, 2199
_ISO_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:[ T]00:00(?::00(?:\.0+)?)?)?")
_NUMERIC_DAY = re.compile(r"(\d{1,2})[./-](\d{1,2})[./-](\d{4}|\d{2})")
_WEEK_SIGNS = ("w", "kw", "cw", "wk", "week", "weeknr", "kalenderwoche", "woche", "v", "vk", "sem", "sett", "ct", "td")


@dataclass(frozen=True, slots=True)
class Period:
    """A period as a text names it. `number`: of the week, month or quarter in its year; of a day, month × 100 + day.

    `year`: None where the text says none.
    """

    kind: PeriodKind
    year: int | None
    number: int = 1


@dataclass(frozen=True, slots=True)
class Unclear:
    """A text that may name several periods, or none that there is; `why` completes the sentence `'…' …`."""

    why: str


Reading = Period | Unclear | None
"""What a text says; None where it names no period."""


def first_day(period: Period, year: int | None = None) -> dt.date | None:
    """The first day of a period; `year` where it names none. None where there is no such period: week 53 of 2023."""
    here = period.year if period.year is not None else year
    if here is None:
        return None
    try:
        if period.kind == "week":
            return dt.date.fromisocalendar(here, period.number, 1)
        if period.kind == "quarter":
            return dt.date(here, 3 * period.number - 2, 1)
        if period.kind == "month":
            return dt.date(here, period.number, 1)
        if period.kind == "day":
            return dt.date(here, *divmod(period.number, 100))
        return dt.date(here, 1, 1)
    except ValueError:
        return None


def of_day(day: dt.date, kind: PeriodKind) -> Reading:
    """The period that a date in a header names: its first or last day, or for weeks its Monday.

    Another day may begin or end a week of another kind, or be what Excel made of `Jan 24`.
    """
    if kind == "day":
        return Period("day", day.year, day.month * 100 + day.day)
    if kind == "week":
        if day.isoweekday() != 1:
            return Unclear(f"is a {day:%A}; a week of ISO 8601 begins on Monday: write its Monday or its number")
        year, week, _ = day.isocalendar()
        return Period("week", year, week)
    period = _period_around(day, kind)
    start, after = first_day(period), first_day(_following(period))
    if day == start or (after is not None and day == after - dt.timedelta(days=1)):
        return period
    return Unclear(f"is {day.day} {day:%B %Y}, not the first or last day of a {kind}; write the {kind} that is meant")


def _period_around(day: dt.date, kind: PeriodKind) -> Period:
    number = {"quarter": (day.month + 2) // 3, "month": day.month}.get(kind, 1)
    return Period(kind, day.year, number)


def _following(period: Period) -> Period:
    year, last = period.year or 0, {"quarter": 4, "month": 12}.get(period.kind, 1)
    if period.number == last:
        return Period(period.kind, year + 1, 1)
    return Period(period.kind, year, period.number + 1)


@lru_cache(maxsize=20_000)
def read_period(text: str, kind: PeriodKind, patterns: tuple[str, ...] = ()) -> Reading:
    """The period of this kind that `text` names: by its `patterns` alone where there are any.

    >>> read_period("Mrz 24", "month")
    Period(kind='month', year=2024, number=3)
    """
    plain = _plain(text)
    for pattern in patterns:
        found = read_by_pattern(plain, pattern)
        if found is not None:
            return found if found.kind == kind else _of_named_day(found, kind)
    if patterns or not plain:
        return None
    day = _day_of(plain)
    if day is not None:
        return day if isinstance(day, Unclear) else of_day(day, kind)
    found_all = set(_readings(plain, kind))
    sure = {found for found in found_all if isinstance(found, Period)}
    unclear = [found for found in found_all if isinstance(found, Unclear)]
    if unclear:
        return unclear[0]
    if len(sure) > 1:
        return Unclear(f"may be {' or '.join(sorted(map(label, sure)))}; write the year with four digits")
    found = sure.pop() if sure else None
    if found is not None and found.year is not None and first_day(found) is None:
        return Unclear(f"names a {kind} that {found.year} does not have")
    return found


def _of_named_day(found: Period, kind: PeriodKind) -> Reading:
    day = first_day(found)
    return None if day is None or found.kind != "day" else of_day(day, kind)


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def year_in(text: str) -> int | None:
    """The one year of four digits in a name such as `Plan 2024.xlsx`; None for none, several, or a fiscal year."""
    years = {int(found) for found in re.findall(rf"(?<!\d){_YEAR}(?!\d)", text)}
    is_fiscal = re.search(r"(?i)(?<![^\W_])(?:fy|gj|fiscal|financial|geschäftsjahr|exercice)(?![^\W\d_])", text)
    return years.pop() if len(years) == 1 and not is_fiscal else None


def _day_of(text: str) -> dt.date | Unclear | None:
    """The day that a text names by year, month and day; unclear where day and month may have changed places."""
    if found := _ISO_DAY.fullmatch(text):
        return _date(int(found[1]), int(found[2]), int(found[3]))
    if found := _NUMERIC_DAY.fullmatch(text):
        one, other, year = int(found[1]), int(found[2]), _full_year(found[3])
        days = {day for day in (_date(year, other, one), _date(year, one, other)) if day is not None}
        if len(days) > 1:
            names = " or ".join(f"{day.day} {day:%B %Y}" for day in sorted(days))
            return Unclear(f"may be {names}; the contract says by formats which is meant")
        return days.pop() if days else None
    return None


def _date(year: int, month: int, day: int) -> dt.date | None:
    try:
        return dt.date(year, month, day)
    except ValueError:
        return None


def _full_year(digits: str) -> int:
    """`24` → 2024, as strptime reads it; four digits as they stand."""
    return dt.datetime.strptime(digits, "%Y" if len(digits) == 4 else "%y").year  # noqa: DTZ007  a year has no zone


def _readings(text: str, kind: PeriodKind) -> Iterator[Period | Unclear]:
    """Every way in which a text may be a year and a period of it, or the period alone."""
    if kind == "year":
        if re.fullmatch(_YEAR, text):
            yield Period("year", int(text))
    elif kind == "day":
        yield from _days(text)
    elif kind == "month" and (digits := list(_months_in_digits(text))):
        yield from digits
    else:
        number_of = _NUMBERS[kind]
        if number := number_of(text, ""):
            yield Period(kind, None, number)
        for year, rest in _years_apart(text):
            if number := number_of(rest, year):
                yield Period(kind, _full_year(year), number)
        if kind == "month":
            yield from _doubtful_months(text)


def _months_in_digits(text: str) -> Iterator[Period | Unclear]:
    """`202401`, `01/24`: months of which a name would be plainer."""
    if re.fullmatch(rf"{_YEAR}(?:0[1-9]|1[0-2])", text):
        yield Period("month", int(text[:4]), int(text[4:]))
    elif found := re.fullmatch(rf"(\d\d?)[{re.escape(_SEPARATORS)}](\d\d)", text):
        if int(found[1]) <= 12 < int(found[2]):
            yield Period("month", _full_year(found[2]), int(found[1]))
        elif int(found[1]) <= 12 or 1 <= int(found[2]) <= 12:
            yield Unclear("may be a year and a month, or a day and a month; write the year with four digits")


def _doubtful_months(text: str) -> Iterator[Unclear]:
    """`24-Jan`, which may be a day, and names of which languages mean different months."""
    if (found := re.fullmatch(rf"(\d\d?){_SEPARATED}([^\W\d_]+)\.?", text)) and _month(found[2]):
        yield Unclear(f"may be the day {found[1]} of a month or the year 20{found[1]:0>2}; write the year in full")
    if _contested_names() & {_bare(rest) for rest in (text, *dict(_years_apart(text)).values())}:
        yield Unclear("names different months in different languages; write the month as a number, as in 2024-01")


def _days(text: str) -> Iterator[Period]:
    """`3 Jan 2024`, `3. Januar`, `Jan 3, 2024`."""
    for pattern in (
        rf"(?P<d>\d\d?){_SEPARATED}(?P<b>[^\W\d_]+)\.?(?:{_SEPARATED}(?P<y>{_YEAR}))?",
        rf"(?P<b>[^\W\d_]+)\.?{_SEPARATED}(?P<d>\d\d?)(?:,?\s+(?P<y>{_YEAR}))?",
    ):
        found = re.fullmatch(pattern, text)
        month = _month(found["b"]) if found else 0
        if found and month and _date(int(found["y"] or 2024), month, int(found["d"])):
            yield Period("day", int(found["y"]) if found["y"] else None, month * 100 + int(found["d"]))


def _years_apart(text: str) -> Iterator[tuple[str, str]]:
    """(year, rest) for each place where a text may bear its year: four digits at either end, two at the end."""
    for pattern in (
        rf"(?P<y>{_YEAR}){_SEPARATED}(?P<rest>\D.*|\d\d?)",
        rf"(?P<rest>.*[^\d]|\d\d?[{re.escape(_SEPARATORS)}]){_SEPARATED}(?P<y>{_YEAR})",
        r"(?P<rest>.*\D)(?P<y>\d\d)",
    ):
        if found := re.fullmatch(pattern, text):
            rest = found["rest"].strip(_SEPARATORS)
            if rest:
                yield found["y"], rest


def _month_number(text: str, year: str) -> int:
    """The month that the rest of a text beside its year names, 0 for none; digits need a year beside them."""
    if year and (found := re.fullmatch(r"m?(0?[1-9]|1[0-2])", text)):
        return int(found[1])
    return _month(text)


def _week_number(text: str, _: str) -> int:
    words = "|".join(map(re.escape, _week_words()))
    found = re.fullmatch(rf"(?:{words})\.?[ _-]?(\d\d?)\.?", text)
    found = found or re.fullmatch(rf"(\d\d?)\.?[ -]?(?:{words})\.?", text)
    number = int(found[1]) if found else 0
    return number if number <= 53 else 0


def _quarter_number(text: str, _: str) -> int:
    if text in _quarter_names():
        return _quarter_names()[text]
    found = re.fullmatch(r"(?:q|qtr|quarter|quartal|qu|t|trim|trimestre|kv|kvartal)\.?[ -]?([1-4])", text)
    found = found or re.fullmatch(
        r"([1-4])\.?[ -]?(?:q|qtr|quarter|quartal|t|trim|trimestre|kv|kvartal|kw(?:artał)?)\.?", text
    )
    return int(found[1]) if found else 0


_NUMBERS: dict[str, Callable[[str, str], int]] = {
    "month": _month_number,
    "week": _week_number,
    "quarter": _quarter_number,
}


def _month(word: str) -> int:
    return month_names().get(_bare(word), 0)


def _bare(word: str) -> str:
    """A name without case, accents and points."""
    spelled = unicodedata.normalize("NFKD", word.casefold().replace("ß", "ss")).replace(".", "")
    return "".join(mark for mark in spelled if not unicodedata.combining(mark)).strip()


@lru_cache(maxsize=1)
def _months_by_name() -> dict[str, frozenset[int]]:
    """Name or short form → the months that it names in one language or another."""
    from babel import Locale
    from babel.dates import get_month_names

    found: dict[str, set[int]] = {}
    for language in LANGUAGES:
        locale = Locale.parse(language)
        for width in ("wide", "abbreviated"):
            for context in ("format", "stand-alone"):
                for number, name in get_month_names(width, context, locale).items():
                    if not name.strip(".").isdigit():
                        found.setdefault(_bare(name), set()).add(number)
    for number, name in ((9, "sept"), (3, "mrz"), (3, "maerz")):
        found.setdefault(name, set()).add(number)
    return {name: frozenset(numbers) for name, numbers in found.items()}


@lru_cache(maxsize=1)
def month_names() -> dict[str, int]:
    """Name or short form → month, of those that name one month whatever the language."""
    return {name: min(numbers) for name, numbers in _months_by_name().items() if len(numbers) == 1}


@lru_cache(maxsize=1)
def _contested_names() -> frozenset[str]:
    """Names that are different months in different languages: `listopad` is October in Croatia, November in Poland."""
    return frozenset(name for name, numbers in _months_by_name().items() if len(numbers) > 1)


@lru_cache(maxsize=1)
def _quarter_names() -> dict[str, int]:
    """`q1`, `1. quartal`, `1er trimestre` → quarter."""
    from babel import Locale
    from babel.dates import get_quarter_names

    found: dict[str, set[int]] = {}
    for language in LANGUAGES:
        for width in ("wide", "abbreviated"):
            for number, name in get_quarter_names(width, "format", Locale.parse(language)).items():
                found.setdefault(_plain(name).strip(_SEPARATORS), set()).add(number)
    return {name: numbers.pop() for name, numbers in found.items() if len(numbers) == 1}


@lru_cache(maxsize=1)
def _week_words() -> tuple[str, ...]:
    """The words and signs for a week, longest first."""
    from babel import Locale
    from babel.units import format_unit

    found = set(_WEEK_SIGNS)
    for language in LANGUAGES:
        for length in ("long", "short"):
            shown = format_unit(1, "duration-week", length=length, locale=Locale.parse(language))
            word = _plain(re.sub(r"\d", "", shown)).strip(_SEPARATORS)
            if word and " " not in word:
                found.add(word)
    return tuple(sorted(found, key=len, reverse=True))


_DIRECTIVES = {
    "Y": r"(?P<Y>\d{4})", "G": r"(?P<Y>\d{4})", "y": r"(?P<Y>\d{2})", "g": r"(?P<Y>\d{2})",
    "m": r"(?P<m>1[0-2]|0?[1-9])", "d": r"(?P<d>3[01]|[12]\d|0?[1-9])", "q": r"(?P<q>[1-4])",
    "V": r"(?P<V>5[0-3]|[1-4]\d|0?[1-9])", "b": r"(?P<b>[^\W\d_]+\.?)", "B": r"(?P<b>[^\W\d_]+)", "%": "%",
}  # fmt: skip


@lru_cache(maxsize=1_000)
def _expression(pattern: str) -> re.Pattern[str] | None:
    """A pattern of periods as a regular expression; None where it asks for what strptime alone knows."""
    if not directives(pattern) <= _DIRECTIVES.keys():
        return None
    parts = re.split(r"%(.)", pattern)
    words = [
        re.sub(r"(?:\\\s)+", r"\\s*", re.escape(part.casefold())) if place % 2 == 0 else _DIRECTIVES[part]
        for place, part in enumerate(parts)
    ]
    try:
        return re.compile("".join(words), re.IGNORECASE)
    except re.error:
        return None


def read_by_pattern(text: str, pattern: str) -> Period | None:
    """The period that `text` names in a strptime pattern, which besides knows `%q`, the quarter, and `%G-W%V`.

    Blanks may be left out, and months are written in any language of Europe.
    """
    expression = _expression(pattern)
    if expression is None:
        return _by_strptime(text, pattern)
    found = expression.fullmatch(_plain(text))
    if found is None:
        return None
    parts = found.groupdict()
    year = _full_year(parts["Y"]) if parts.get("Y") else None
    month = int(parts["m"]) if parts.get("m") else _month(parts["b"]) if parts.get("b") else 0
    if "b" in parts and not month:
        return None
    if parts.get("V"):
        period = Period("week", year, int(parts["V"]))
    elif parts.get("q"):
        period = Period("quarter", year, int(parts["q"]))
    elif month and parts.get("d"):
        period = Period("day", year, month * 100 + int(parts["d"]))
    else:
        period = Period("month", year, month) if month else Period("year", year)
    return None if period.year is not None and first_day(period) is None else period


def _by_strptime(text: str, pattern: str) -> Period | None:
    try:
        day = dt.datetime.strptime(text, pattern)  # noqa: DTZ007  local time is meant
    except ValueError:
        return None
    return Period("day", day.year, day.month * 100 + day.day)


def label(period: Period) -> str:
    """A period for people: `January 2024`, `week 5 of 2024`, `Q1 2024`."""
    year = "" if period.year is None else f" {period.year}"
    if period.kind == "week":
        return f"week {period.number}{f' of{year}' if year else ''}"
    if period.kind == "quarter":
        return f"Q{period.number}{year}"
    if period.kind == "month":
        return f"{dt.date(2024, period.number, 1):%B}{year}"
    if period.kind == "day":
        month, day = divmod(period.number, 100)
        return f"{day} {dt.date(2024, month, 1):%B}{year}"
    return year.strip()


def label_of_day(day: dt.date, kind: PeriodKind) -> str:
    """The period that begins on a day, for people."""
    if kind == "week":
        year, week, _ = day.isocalendar()
        return label(Period("week", year, week))
    if kind == "day":
        return label(Period("day", day.year, day.month * 100 + day.day))
    return label(_period_around(day, kind))


def first_days_in_year(kind: PeriodKind, year: int) -> list[dt.date]:
    """The first days of the periods of a year: its weeks, months or quarters; of days the first 31, of years three."""
    if kind == "day":
        return [dt.date(year, 1, day) for day in range(1, 32)]
    if kind == "week":
        days = (first_day(Period("week", year, number)) for number in range(1, 54))
        return [day for day in days if day is not None]
    if kind == "year":
        return [dt.date(year + step, 1, 1) for step in range(3)]
    return [dt.date(year, month, 1) for month in range(1, 13, 3 if kind == "quarter" else 1)]


def written_period(day: dt.date, kind: PeriodKind, patterns: Sequence[str] = ()) -> str:
    """The period that begins on `day` as a header cell says it, in the first of its `patterns`."""
    iso_year, week, _ = day.isocalendar()
    quarter = (day.month + 2) // 3
    usual = {"week": "%G-W%V", "month": "%b %Y", "quarter": "Q%q %Y", "year": "%Y"}
    pattern = patterns[0] if patterns else usual.get(kind, "%Y-%m-%d")
    own = {"%G": f"{iso_year}", "%g": f"{iso_year % 100:02}", "%V": f"{week:02}", "%q": f"{quarter}"}
    for directive, text in own.items():
        pattern = pattern.replace(directive, text)
    return day.strftime(pattern)


def examples(kind: PeriodKind, patterns: Sequence[str] = ()) -> str:
    """How a period of this kind may be written: `'Jan 2024'`."""
    from s2p_assets.spreadsheet.cell_parser import format_example

    if patterns:
        return " or ".join(f"'{format_example(pattern)}'" for pattern in patterns)
    shown = {"day": "2024-01-31", "week": "2024-W05", "month": "Jan 2024", "quarter": "Q1 2024", "year": "2024"}
    return f"'{shown[kind]}'"
