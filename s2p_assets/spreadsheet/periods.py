"""Texts and dates that name a period: a day, an ISO week, a month, a quarter, a half-year or a year, in
the languages of Europe; months, quarters, half-years and years also of a company's fiscal year.

What may mean two periods is never guessed. In which cells of a header periods stand is found in `wide_header.py`.
"""

import datetime as dt
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from s2p_assets.contracts.date_patterns import (
    FISCAL_WORDS,
    KIND_NAMES,
    MONTHS_IN,
    FiscalYear,
    PeriodKind,
    directives,
    format_example,
    is_fiscal,
)

LANGUAGES = (
    *("en", "de", "fr", "es", "it", "pt", "nl", "pl", "cs", "sk", "sl", "hr", "sr_Latn", "hu", "ro", "da", "sv", "nb"),
    *("fi", "et", "lv", "lt", "tr", "el", "ru", "uk", "bg", "ca", "ga", "is", "sq", "bs", "mk"),
)
_SEPARATORS = " .,/'’`_-–\u00a0"
_SEPARATED = rf"[{re.escape(_SEPARATORS)}]*"
_YEAR = r"(?:19|20|21)\d\d"
_CALENDAR = FiscalYear(1)
_ISO_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:[ T]00:00(?::00(?:\.0+)?)?)?")
_NUMERIC_DAY = re.compile(r"(\d{1,2})[./-](\d{1,2})[./-](\d{4}|\d{2})")
_FISCAL = re.compile(
    rf"(?<![^\W\d_])(?:{FISCAL_WORDS})(?![^\W\d_])\.?[ _]*"
    rf"(?:['’]?(?P<y>{_YEAR}|\d\d)(?!\d)(?:\s*[/–-]\s*(?P<z>{_YEAR}|\d\d)(?!\d))?)?"
)
_TWO_YEARS = re.compile(rf"(?<!\d)(?P<y>{_YEAR})\s*[/–-]\s*(?P<z>{_YEAR}|\d\d)(?![\d/.-])")
_FISCAL_MONTH = re.compile(r"p(?:eri?od[eo]?|ériode|er)?\.?[ _-]?(?:0{0,2}([1-9])|0?(1[0-3]))")
_HALF_WORDS = (
    r"h|hy|hj|half|half[- ]?year|halbjahr|halbj|s|sem|semestre|semester|semestr|półrocze|polrocze|pololetí|félév"
)
_ORDINALS = {"first": "1", "second": "2", "1st": "1", "2nd": "2", "i": "1", "ii": "2", "erstes": "1", "zweites": "2"}
_WEEK_SIGNS = ("w", "kw", "cw", "wk", "week", "weeknr", "kalenderwoche", "woche", "v", "vk", "sem", "sett", "ct", "td")


@dataclass(frozen=True, slots=True)
class Period:
    """A period as a text names it. `number`: of the week, month, … in its year; of a day, month × 100 + day.

    `year`: None where the text says none. `fiscal`: the company's own year, of which year and number are then.
    """

    kind: PeriodKind
    year: int | None
    number: int = 1
    fiscal: FiscalYear | None = None


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
        if period.kind == "day":
            return dt.date(here, *divmod(period.number, 100))
        month = (period.number - 1) * MONTHS_IN[period.kind] + 1
        if period.fiscal and period.fiscal.periods % MONTHS_IN[period.kind] and period.kind != "year":
            return None  # 13 periods make no quarters
        return period.fiscal.first_day(here, month) if period.fiscal else dt.date(here, month, 1)
    except ValueError:
        return None


def of_day(day: dt.date, kind: PeriodKind, fiscal: FiscalYear | None = None) -> Reading:
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
    try:
        period = _period_around(day, kind, fiscal)
    except ValueError:
        return Unclear(f"is {day.day} {day:%B %Y}, of a year whose first day the contract does not say by fiscal_years")
    start, after = first_day(period), first_day(_following(period))
    if day == start or (after is not None and day == after - dt.timedelta(days=1)):
        return period
    noun = f"{'fiscal ' if fiscal else ''}{KIND_NAMES[kind]}"
    return Unclear(f"is {day.day} {day:%B %Y}, not the first or last day of a {noun}; write the {noun} that is meant")


def _period_around(day: dt.date, kind: PeriodKind, fiscal: FiscalYear | None = None) -> Period:
    if fiscal and (kind != "month" or fiscal.weeks):
        year, month = fiscal.place_of(day)
        return Period(kind, year, (month - 1) // MONTHS_IN[kind] + 1, fiscal)
    return Period(kind, day.year, (day.month - 1) // MONTHS_IN[kind] + 1)


def _following(period: Period) -> Period:
    periods = period.fiscal.periods if period.fiscal else 12
    year, last = period.year or 0, periods // MONTHS_IN[period.kind]
    if period.number == last:
        return replace(period, year=year + 1, number=1)
    return replace(period, number=period.number + 1)


@lru_cache(maxsize=20_000)
def read_period(
    text: str, kind: PeriodKind, patterns: tuple[str, ...] = (), fiscal: FiscalYear | None = None
) -> Reading:
    """The period of this kind that `text` names: by its `patterns` alone where there are any.

    `fiscal`: the year of which its years, half-years, quarters and numbered periods are; None for the calendar's.

    >>> read_period("Mrz 24", "month")
    Period(kind='month', year=2024, number=3)
    """
    plain = _plain(text)
    for pattern in patterns:
        found = read_by_pattern(plain, pattern, fiscal)
        if found is not None:
            return found if found.kind == kind else _of_named_day(found, kind, fiscal)
    if patterns or not plain:
        return None
    day = _day_of(plain)
    if day is not None:
        return day if isinstance(day, Unclear) else of_day(day, kind, fiscal)
    plain, is_of_fiscal_year = _without_fiscal_mark(plain, kind, fiscal)
    found_all = set(_readings(plain, kind, is_of_fiscal_year, fiscal))
    if found_all and is_of_fiscal_year and (fiscal is None or kind not in MONTHS_IN):
        return Unclear(_WHICH_YEAR if kind in MONTHS_IN else f"is of a fiscal year, whose {kind}s are not known")
    sure = {found for found in found_all if isinstance(found, Period)}
    unclear = [found for found in found_all if isinstance(found, Unclear)]
    if unclear:
        return unclear[0]
    if len(sure) > 1:
        return Unclear(f"may be {' or '.join(sorted(map(label, sure)))}; write the year with four digits")
    found = sure.pop() if sure else None
    if found is not None and _is_of_unknown_year(found):
        return Unclear("is of a year whose first day the contract does not say by fiscal_years")
    if found is not None and found.year is not None and first_day(found) is None:
        return Unclear(f"names a {KIND_NAMES[kind]} that {found.year} does not have")
    return found


def _is_of_unknown_year(period: Period) -> bool:
    """Whether a period is of a year of weeks whose first day the contract does not say."""
    known = period.fiscal.years if period.fiscal and period.fiscal.weeks else ()
    return bool(known) and period.year is not None and period.year not in dict(known)


_WHICH_YEAR = "is of a fiscal year, and the contract does not say by fiscal_year_start when that begins"


def _without_fiscal_mark(text: str, kind: PeriodKind, fiscal: FiscalYear | None) -> tuple[str, bool]:
    """The text with its fiscal year as a plain one, and whether it had such: `q1 fy24` → `q1 2024`."""
    found = _FISCAL.search(text)
    if found is None:
        found = _TWO_YEARS.search(text)
        if found is None or not _follow(found["y"], found["z"]):
            return text, False
        if kind in ("day", "week") or (kind == "month" and found.span() == (0, len(text)) and int(found["z"]) <= 12):
            return text, False
    elif not found["y"] and (years := _TWO_YEARS.search(text)) and _follow(years["y"], years["z"]):
        return _without_fiscal_mark(text[: found.start()] + text[found.end() :], kind, fiscal)[0], True
    year = ""
    if found["y"]:
        first = _full_year(found["y"])
        has_two = bool(found["z"]) and _follow(found["y"], found["z"])
        year = f"{first + (has_two and (fiscal is None or fiscal.named_after == 'end'))}"
        if found["z"] and not has_two:
            year += text[found.end("y") : found.end()]
    return " ".join(f"{text[: found.start()]} {year} {text[found.end() :]}".split()).strip(_SEPARATORS), True


def _follow(first: str, second: str) -> bool:
    """Whether the second of two written years is the one after the first."""
    return int(second) % 100 == (int(first) + 1) % 100 and (len(second) == 2 or int(second) == int(first) + 1)


def _of_named_day(found: Period, kind: PeriodKind, fiscal: FiscalYear | None) -> Reading:
    day = first_day(found)
    return None if day is None or found.kind != "day" else of_day(day, kind, fiscal)


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def year_in(text: str) -> int | None:
    """The one year of four digits in a name such as `Plan 2024.xlsx`; None for none, several, or a fiscal year."""
    years = {int(found) for found in re.findall(rf"(?<!\d){_YEAR}(?!\d)", text)}
    return years.pop() if len(years) == 1 and not is_fiscal(text) and not _years_that_follow(text) else None


def _years_that_follow(text: str) -> bool:
    found = _TWO_YEARS.search(text)
    return bool(found and int(found["z"]) > 12 and _follow(found["y"], found["z"]))


def fiscal_year_in(text: str, fiscal: FiscalYear) -> int | None:
    """The fiscal year in a name such as `Plan FY24.xlsx` or `Budget 2023-24`; None where it names none as such."""
    plain = _plain(text)
    if not is_fiscal(plain) and not _years_that_follow(plain):
        return None
    years = set(re.findall(rf"(?<!\d){_YEAR}(?!\d)", _without_fiscal_mark(plain, "year", fiscal)[0]))
    return int(years.pop()) if len(years) == 1 else None


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


def _readings(
    text: str, kind: PeriodKind, is_of_fiscal_year: bool, fiscal: FiscalYear | None
) -> Iterator[Period | Unclear]:
    """Every way in which a text may be a year and a period of it, or the period alone.

    `is_of_fiscal_year`: whether it said so of its year, which the text has no more.
    """
    if kind == "year":
        if re.fullmatch(_YEAR, text):
            yield Period("year", int(text), 1, fiscal)
    elif kind == "month" and fiscal:
        yield from _fiscal_months(text, is_of_fiscal_year, fiscal)
    elif kind == "day":
        yield from _days(text)
    elif kind == "month" and (digits := list(_months_in_digits(text))):
        yield from digits
    else:
        number_of = _NUMBERS[kind]
        if number := number_of(text, ""):
            yield Period(kind, None, number, fiscal)
        for year, rest in _years_apart(text):
            if number := number_of(rest, year):
                yield Period(kind, _full_year(year), number, fiscal)
        if kind == "month":
            yield from _doubtful_months(text)


def _fiscal_months(text: str, is_of_fiscal_year: bool, fiscal: FiscalYear) -> Iterator[Period | Unclear]:
    """Months where the company has its own year: `P01 2024` is of that, `Apr 24` of the calendar's, `Apr FY24` not."""
    for year, rest in (("", text), *_years_apart(text)):
        own = _full_year(year) if year else None
        found = _FISCAL_MONTH.fullmatch(rest)
        if found and int(found[1] or found[2]) <= fiscal.periods:
            yield Period("month", own, int(found[1] or found[2]), fiscal)
        elif fiscal.weeks and _month(rest):
            yield Unclear("names a month, and the contract's periods are of weeks; write P01 FY2024")
        elif month := _month(rest):
            of_fiscal = own is None or is_of_fiscal_year
            number = (month - fiscal.start) % 12 + 1
            yield Period("month", own, number, fiscal) if of_fiscal else Period("month", own, month)
        elif year and _month_number(rest, year):
            yield Unclear("may be a month of the calendar or of the fiscal year; write P01 or the month's name")
    if any(_months_in_digits(text)):
        yield Unclear("may be a month of the calendar or of the fiscal year; write P01 or the month's name")
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


def _half_number(text: str, _: str) -> int:
    """1 or 2: `h1`, `1. halbjahr`, `2e semestre`, `second half`."""
    found = re.fullmatch(rf"(?:{_HALF_WORDS})\.?[ -]?([12])", text)
    found = found or re.fullmatch(rf"([12])(?:\.|er|re|e|ème|º|o|ª)?[ -]?(?:{_HALF_WORDS})\.?", text)
    if found:
        return int(found[1])
    word, _, rest = text.partition(" ")
    return int(_ORDINALS[word]) if word in _ORDINALS and re.fullmatch(rf"(?:{_HALF_WORDS})\.?", rest) else 0


_NUMBERS: dict[str, Callable[[str, str], int]] = {
    "month": _month_number,
    "week": _week_number,
    "quarter": _quarter_number,
    "half": _half_number,
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
    "h": r"(?P<h>[12])", "P": r"(?P<P>0{0,2}[1-9]|0?1[0-3])",
    "V": r"(?P<V>5[0-3]|[1-4]\d|0?[1-9])", "b": r"(?P<b>[^\W\d_]+\.?)", "B": r"(?P<b>[^\W\d_]+)", "%": "%",
}  # fmt: skip


_NUMBERED: dict[str, PeriodKind] = {"V": "week", "q": "quarter", "h": "half", "P": "month"}


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
    years = [place for place, word in enumerate(words) if word.startswith("(?P<Y>")]
    for place in years[1:]:
        words[place] = words[place].replace("<Y>", "<Z>")
    try:
        return re.compile("".join(words), re.IGNORECASE)
    except re.error:
        return None


def read_by_pattern(text: str, pattern: str, fiscal: FiscalYear | None = None) -> Period | None:
    """The period that `text` names in a strptime pattern.

    Besides it knows `%G-W%V`, `%q`, the quarter, `%h`, the half-year, and `%P`, the number of a fiscal year's month.

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
    if parts.get("Z") and year is not None:
        if not _follow(parts["Y"], parts["Z"]):
            return None
        year += bool(fiscal and fiscal.named_after == "end")
    month = int(parts["m"]) if parts.get("m") else _month(parts["b"]) if parts.get("b") else 0
    if "b" in parts and not month:
        return None
    numbered = next((sign for sign in _NUMBERED if parts.get(sign)), None)
    if numbered:
        kind = _NUMBERED[numbered]
        if numbered == "P" and int(parts[numbered]) > (fiscal.periods if fiscal else 12):
            return None
        period = Period(kind, year, int(parts[numbered]), None if kind == "week" else fiscal)
    elif month and parts.get("d"):
        period = Period("day", year, month * 100 + int(parts["d"]))
    elif month and fiscal and (year is None or is_fiscal(re.sub("%.", " ", pattern)) or parts.get("Z")):
        period = Period("month", year, (month - fiscal.start) % 12 + 1, fiscal)
    else:
        period = Period("month", year, month) if month else Period("year", year, 1, fiscal)
    return None if period.year is not None and first_day(period) is None else period


def _by_strptime(text: str, pattern: str) -> Period | None:
    try:
        day = dt.datetime.strptime(text, pattern)  # noqa: DTZ007  local time is meant
    except ValueError:
        return None
    return Period("day", day.year, day.month * 100 + day.day)


def label(period: Period) -> str:
    """A period for people: `January 2024`, `week 5 of 2024`, `Q1 2024`."""
    year = "" if period.year is None else f" {'FY' if period.fiscal else ''}{period.year}"
    if period.kind == "week":
        return f"week {period.number}{f' of{year}' if year else ''}"
    if period.kind == "quarter":
        return f"Q{period.number}{year}"
    if period.kind == "half":
        return f"H{period.number}{year}"
    if period.kind == "month" and period.fiscal:
        return f"P{period.number:02}{year}"
    if period.kind == "month":
        return f"{dt.date(2024, period.number, 1):%B}{year}"
    if period.kind == "day":
        month, day = divmod(period.number, 100)
        return f"{day} {dt.date(2024, month, 1):%B}{year}"
    return year.strip()


def label_of_day(day: dt.date, kind: PeriodKind, fiscal: FiscalYear | None = None) -> str:
    """The period that begins on a day, for people."""
    if kind == "week":
        year, week, _ = day.isocalendar()
        return label(Period("week", year, week))
    if kind == "day":
        return label(Period("day", day.year, day.month * 100 + day.day))
    return label(_period_around(day, kind, fiscal))


def first_days_in_year(kind: PeriodKind, year: int, fiscal: FiscalYear | None = None) -> list[dt.date]:
    """The first days of the periods of a year: its weeks, months, …; of days the first 31, of years three."""
    if kind == "day":
        return [dt.date(year, 1, day) for day in range(1, 32)]
    if kind == "week":
        days = (first_day(Period("week", year, number)) for number in range(1, 54))
        return [day for day in days if day is not None]
    if fiscal and fiscal.weeks:
        years = [one for one, _ in fiscal.years if one >= year][:3] if kind == "year" else [year]
        numbers = range(1, 2 if kind == "year" else fiscal.periods // MONTHS_IN[kind] + 1)
        days = (first_day(Period(kind, one, number, fiscal)) for one in years for number in numbers)
        return [day for day in days if day is not None]
    months = range(1, 37 if kind == "year" else 13, MONTHS_IN[kind])
    return [(fiscal or _CALENDAR).first_day(year, month) for month in months]


def written_period(
    day: dt.date, kind: PeriodKind, patterns: Sequence[str] = (), fiscal: FiscalYear | None = None
) -> str:
    """The period that begins on `day` as a header cell says it, in the first of its `patterns`."""
    iso_year, week, _ = day.isocalendar()
    fiscal_year, month = (fiscal or _CALENDAR).place_of(day)
    pattern = patterns[0] if patterns else _usual_pattern(kind, fiscal)
    own = {"%G": f"{iso_year}", "%g": f"{iso_year % 100:02}", "%V": f"{week:02}", "%P": f"{month:02}"}
    own |= {"%q": f"{(month + 2) // 3}", "%h": f"{(month + 5) // 6}"}
    if fiscal and (not directives(pattern) & frozenset("mbBd") or is_fiscal(re.sub("%.", " ", pattern))):
        first = fiscal_year - (fiscal.named_after == "end")
        if two := re.search("(%[Yy])([^%]+)(%[Yy])", pattern):
            own_years = {"%Y": "{}", "%y": "{:02}"}
            shown = [
                own_years[sign].format(year % (100 if sign == "%y" else 10_000))
                for year, sign in ((first, two[1]), (first + 1, two[3]))
            ]
            pattern = pattern.replace(two[0], two[2].join(shown))
        own |= {"%Y": f"{fiscal_year}", "%y": f"{fiscal_year % 100:02}"}
    for directive, text in own.items():
        pattern = pattern.replace(directive, text)
    return day.strftime(pattern)


def _usual_pattern(kind: PeriodKind, fiscal: FiscalYear | None) -> str:
    usual = {"week": "%G-W%V", "month": "%b %Y", "quarter": "Q%q %Y", "half": "H%h %Y", "year": "%Y"}
    pattern = "P%P FY%Y" if fiscal and fiscal.weeks and kind == "month" else usual.get(kind, "%Y-%m-%d")
    return pattern.replace("%Y", "FY%Y") if fiscal and kind in ("quarter", "half", "year") else pattern


def examples(kind: PeriodKind, patterns: Sequence[str] = (), fiscal: FiscalYear | None = None) -> str:
    """How a period of this kind may be written: `'Jan 2024'`."""
    if fiscal:
        shown_in = patterns or (_usual_pattern(kind, fiscal),)
        day = fiscal.first_day(fiscal.years[0][0] if fiscal.years else 2024)
        return " or ".join(f"'{written_period(day, kind, (pattern,), fiscal)}'" for pattern in shown_in)
    if patterns:
        return " or ".join(f"'{format_example(pattern)}'" for pattern in patterns)
    shown = {"day": "2024-01-31", "week": "2024-W05", "month": "Jan 2024", "quarter": "Q1 2024", "year": "2024"}
    shown["half"] = "H1 2024"
    return f"'{shown[kind]}'"
