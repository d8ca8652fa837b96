"""Promises of when files are expected: periods, days by which they are due, and who has not sent which."""

import datetime as dt

import pytest

from s2p_assets.contracts import columns as c
from s2p_assets.contracts.columns import DeclarationError
from s2p_assets.contracts.schedule import Every, Schedule, expected_files, periods_due
from s2p_assets.contracts.workbook import Workbook

OCTOBER = dt.date(2026, 10, 9)


@pytest.mark.parametrize(
    ("every", "by", "day", "due"),
    [
        ("month", "5th", "2026-10-09", "2026-11-05"),
        ("month", "", "2026-12-31", "2027-01-10"),
        ("quarter", "15th", "2026-10-09", "2027-01-15"),
        ("year", "31 days", "2026-10-09", "2027-01-31"),
        ("week", "Tuesday", "2026-10-11", "2026-10-13"),
        ("week", "", "2026-10-05", "2026-10-14"),
        ("workday", "1 day", "2026-10-10", "2026-10-10"),
        ("day", "0 days", "2026-10-10", "2026-10-10"),
    ],
)
def test_the_file_of_a_period_is_due_on_the_day_that_is_declared(every: Every, by: str, day: str, due: str) -> None:
    schedule = Schedule(every, by)
    assert schedule.due(schedule.period_of(dt.date.fromisoformat(day))) == dt.date.fromisoformat(due)


@pytest.mark.parametrize(
    ("every", "by", "days"),
    [
        ("day", "2 days", 4),
        ("workday", "1 day", 5),
        ("week", "Tuesday", 10),
        ("month", "5th", 37),
        ("quarter", "10 days", 103),
    ],
)
def test_two_files_in_time_lie_no_further_apart_than_is_said(every: Every, by: str, days: int) -> None:
    """The first of a period came on the day after it began, the next on its last day."""
    assert Schedule(every, by).longest_pause == dt.timedelta(days=days)


def test_what_is_due_changes_by_time_alone_on_the_day_after_the_last_in_time() -> None:
    schedules = {"acme_sales": Schedule("month", "5th"), "acme_stock": Schedule("week")}
    days = [dt.date(2026, 11, 1) + dt.timedelta(days=day) for day in range(14)]
    due = [periods_due(schedules, day) for day in days]
    changed = [day.day for day, before, now in zip(days[1:], due, due[1:], strict=False) if before != now]
    assert changed == [5, 6, 12]
    assert due[-1] == "acme_sales: October 2026; acme_stock: the week of 2 November 2026"


@pytest.mark.parametrize(
    ("today", "late"),
    [("2026-11-05", []), ("2026-11-06", ["October 2026"]), ("2026-12-06", ["October 2026", "November 2026"])],
)
def test_a_file_is_late_from_the_day_after_it_was_due(today: str, late: list[str]) -> None:
    schedule = Schedule("month", "5th")
    came = [(None, schedule.period_of(dt.date(2026, 9, 1)))]
    found = list(expected_files(schedule, came, {None}, dt.date.fromisoformat(today)))
    assert [one.period.label for one in found] == late
    assert [one.is_late for one in found] == [False, True][-len(late) :] if late else not found


def test_each_sender_is_waited_for_and_one_who_never_sent_only_for_the_last_period() -> None:
    schedule = Schedule("week", "Monday")
    came = [("Berlin", schedule.period_of(dt.date(2026, 10, day))) for day in (5, 19)]
    found = list(expected_files(schedule, came, {"Berlin", "Hamburg"}, dt.date(2026, 10, 28)))
    assert [(one.sender, one.period.first.isoformat()) for one in found] == [
        ("Berlin", "2026-10-12"),
        ("Hamburg", "2026-10-19"),
    ]


def test_who_was_silent_for_longer_than_anybody_waits_is_not_asked_for_ever() -> None:
    schedule = Schedule("month", "5th")
    came = [("closed shop", schedule.period_of(dt.date(2024, 3, 1)))]
    assert not list(expected_files(schedule, came, {"closed shop"}, dt.date(2026, 10, 28)))


class Sale(c.Row):
    """What one shop sold on one day."""

    __module__ = "shelf.acme_sales"

    shop: c.Code = c.column(description="Which shop")
    day: c.Date = c.column(description="On which day")


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        ({"by": "5th"}, "say every= too"),
        ({"every": "fortnight"}, "is no period"),
        ({"every": "week", "by": "5th"}, "after a month, quarter or year"),
        ({"every": "month", "by": "31st"}, "1st to 28th"),
        ({"every": "month", "by": "soon"}, "is no day"),
        ({"every": "month", "by": "Tuesday"}, "after a week"),
        ({"every": "month", "dated_by": "shop"}, "no column of dates"),
        ({"every": "month", "one_per": "store"}, "no column"),
    ],
)
def test_words_that_contradict_each_other_are_a_fault_of_the_contract(words: dict[str, str], fault: str) -> None:
    with pytest.raises(DeclarationError, match=fault):
        Workbook(rows=Sale, path="sales/*", owner="Ann", **words)  # type: ignore[arg-type]
