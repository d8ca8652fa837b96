"""When files of a kind are expected: for which periods, by which day, from whom.

What has come is looked up in the warehouse; a contract says the words that are read here.
"""

import datetime as dt
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

Every = Literal["day", "workday", "week", "month", "quarter", "year"]
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
DAY_OF_MONTH = re.compile(r"(\d{1,2})(?:st|nd|rd|th)")
DAYS_AFTER = re.compile(r"(\d{1,3}) days?")
DEFAULT_BY: dict[str, str] = {"day": "2 days", "workday": "3 days", "week": "3 days"}
MOST_MISSING = 12
"""So many periods back is looked: who has sent nothing for longer is taken as closed."""
ONE_DAY = dt.timedelta(days=1)
LEAP_YEAR = dt.date(2028, 1, 1)
"""Begins a year in which every period is as long as it can be."""


@dataclass(frozen=True, slots=True)
class ExpectedPeriod:
    """A period for which a file is expected: its first and last day, and what people call it."""

    first: dt.date
    last: dt.date
    label: str


@dataclass(frozen=True, slots=True)
class Expected:
    """A file that should have come by `due` and has not. `sender`: whose, of one per sender; None where all send one.

    `is_late`: it is of the last period that is due; else one was skipped, as later ones came or are due too.
    """

    period: ExpectedPeriod
    due: dt.date
    sender: str | None
    is_late: bool


@dataclass(frozen=True, slots=True)
class Schedule:
    """How often files are expected, and by which day after the period's end.

    `by`: `"5th"`, a day of the month after a month, quarter or year; `"Tuesday"`, of the week after a week;
    `"3 days"` after the end of any. Raises ValueError for words that there are none of, or that do not go together.

    >>> Schedule("month", "5th").due(Schedule("month", "5th").period_of(dt.date(2026, 10, 9)))
    datetime.date(2026, 11, 5)
    """

    every: Every
    by: str = ""

    def __post_init__(self) -> None:
        if self.every not in get_args(Every):
            raise ValueError(f"every={self.every!r} is no period; there are {', '.join(get_args(Every))}")
        by, day = self._by, DAY_OF_MONTH.fullmatch(self._by)
        if day and (self.every not in ("month", "quarter", "year") or not 1 <= int(day[1]) <= 28):
            raise ValueError(f"by={self.by!r} is a day of the month, 1st to 28th, after a month, quarter or year")
        if by in WEEKDAYS and self.every != "week":
            raise ValueError(f"by={self.by!r} is a day of the week after a week, not after a {self.every}")
        if not day and by not in WEEKDAYS and not DAYS_AFTER.fullmatch(by):
            raise ValueError(f"by={self.by!r} is no day; write '5th', 'Tuesday' or '3 days'")

    @property
    def _by(self) -> str:
        return self.by.strip().lower() or DEFAULT_BY.get(self.every, "10 days")

    def period_of(self, day: dt.date) -> ExpectedPeriod:
        """The period in which a day lies; of workdays, a weekend belongs to the Friday before."""
        if self.every == "workday":
            day -= ONE_DAY * max(day.weekday() - 4, 0)
        if self.every in ("day", "workday"):
            return ExpectedPeriod(day, day, f"{day.day} {day:%B %Y}")
        if self.every == "week":
            first = day - ONE_DAY * day.weekday()
            return ExpectedPeriod(first, first + 6 * ONE_DAY, f"the week of {first.day} {first:%B %Y}")
        months = {"month": 1, "quarter": 3, "year": 12}[self.every]
        first = dt.date(day.year, (day.month - 1) // months * months + 1, 1)
        last = _months_later(first, months) - ONE_DAY
        labels = {"month": f"{first:%B %Y}", "quarter": f"Q{(first.month + 2) // 3} {first.year}"}
        return ExpectedPeriod(first, last, labels.get(self.every, str(first.year)))

    def before(self, period: ExpectedPeriod) -> ExpectedPeriod:
        """The period before."""
        return self.period_of(period.first - ONE_DAY)

    def due(self, period: ExpectedPeriod) -> dt.date:
        """The last day on which the file of a period is in time."""
        by = self._by
        if day := DAY_OF_MONTH.fullmatch(by):
            return (period.last + ONE_DAY).replace(day=int(day[1]))
        if by in WEEKDAYS:
            return period.last + ONE_DAY * (1 + WEEKDAYS.index(by))
        found = DAYS_AFTER.fullmatch(by)
        assert found, "what `by` says is checked when it is declared"
        return period.last + ONE_DAY * int(found[1])

    @property
    def longest_pause(self) -> dt.timedelta:
        """The longest that may lie between two files that are in time: the first early, the next on its last day.

        >>> Schedule("week", "Tuesday").longest_pause
        datetime.timedelta(days=10)
        """
        some = [self.period_of(LEAP_YEAR + ONE_DAY * day) for day in range(0, 366, 5)]
        after = max(self.due(period) - period.last for period in some)
        periods = (self.before(period) for period in some)
        longest = max(now.last - before.last for now, before in zip(some, periods, strict=True))
        return longest + after + ONE_DAY

    def last_due(self, today: dt.date) -> ExpectedPeriod:
        """The newest period whose file should have come by now."""
        period = self.period_of(today)
        while self.due(period) >= today:
            period = self.before(period)
        return period


def periods_due(schedules: Mapping[str, Schedule], today: dt.date) -> str:
    """The last period that is due of each kind of workbook: another text as soon as a file may be late, by time alone.

    >>> periods_due({"acme_sales": Schedule("month", "5th")}, dt.date(2026, 11, 6))
    'acme_sales: October 2026'
    """
    return "; ".join(f"{name}: {one.last_due(today).label}" for name, one in sorted(schedules.items()))


def expected_files(
    schedule: Schedule,
    came: Collection[tuple[str | None, ExpectedPeriod]],
    senders: Collection[str | None],
    today: dt.date,
) -> Iterator[Expected]:
    """Every file that should have come by `today` and has not, by sender and period, the oldest first.

    `came`: (sender, period) of what has. From the first period on of which any came, at most `MOST_MISSING` back; a
    sender of whom nothing ever came is expected with the last one that is due.
    """
    last, have = schedule.last_due(today), {(sender, period.first) for sender, period in came}
    for sender in sorted(senders, key=str):
        firsts = [period for who, period in came if who == sender]
        begun = min((period.first for period in firsts), default=last.first)
        period, wanted = last, list[ExpectedPeriod]()
        while period.first >= begun and len(wanted) < MOST_MISSING:
            wanted.append(period)
            period = schedule.before(period)
        if (
            firsts
            and wanted
            and not any((sender, one.first) in have for one in wanted)
            and max(one.first for one in firsts) < wanted[-1].first
        ):
            continue  # silent for longer than anybody waits
        for one in reversed(wanted):
            if (sender, one.first) not in have:
                yield Expected(one, schedule.due(one), sender, is_late=one == last)


def sender_pattern(pattern: str) -> re.Pattern[str]:
    """The paths of files that tell who sent them: `sales/{shop}/*` → the text between the slashes, as `sender`.

    `*` stands for anything within a name, `**` for folders too. Raises ValueError where it has not one place in braces.

    >>> sender_pattern("sales/Sales {shop} 2*.xlsx").fullmatch("sales/Sales Berlin 2026-01.xlsx")["sender"]
    'Berlin'
    """
    parts = re.split(r"(\{\w+\}|\*\*/|\*+|\?)", pattern)
    if sum(part.startswith("{") for part in parts) != 1:
        raise ValueError(f"one_per={pattern!r} needs one place in braces for the sender, such as 'sales/{{shop}}/*'")
    regex = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    written = (
        r"(?P<sender>[^/]+?)" if part.startswith("{") else regex[part] if part in regex else re.escape(part)
        for part in parts
    )
    return re.compile("".join(written), re.IGNORECASE)


def _months_later(first: dt.date, months: int) -> dt.date:
    count = first.year * 12 + first.month - 1 + months
    return dt.date(count // 12, count % 12 + 1, 1)
