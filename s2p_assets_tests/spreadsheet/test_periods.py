"""Promises about texts that name a period: each is read as what it says, and what may be two is never guessed."""

import datetime as dt
from typing import Any

import numpy as np
import pyarrow
import pytest

from s2p_assets.contracts.columns import Column, Date, DeclarationError, Number, Row, column
from s2p_assets.contracts.date_patterns import FiscalYear, PeriodKind
from s2p_assets.spreadsheet.cell_parser import CellError, parse_cells
from s2p_assets.spreadsheet.grid import CellKind, Cells, Sheet
from s2p_assets.spreadsheet.periods import (
    Period,
    Unclear,
    first_day,
    first_days_in_year,
    of_day,
    read_period,
    written_period,
)

JANUARY, MARCH, WEEK_5, Q1 = dt.date(2024, 1, 1), dt.date(2024, 3, 1), dt.date(2024, 1, 29), dt.date(2024, 1, 1)
READ: dict[PeriodKind, dict[dt.date, str]] = {
    "month": {
        JANUARY: "Jan 24|January 2024|Jan-24|jan.24|Jan'24|2024 Jan|2024-01|202401|2024M01|01/2024|1.2024|01/24|gen 24"
        "|2024-01-01|2024-01-01 00:00:00|2024-01-31|1/1/2024|янв 24|janv. 2024|Januar 2024|enero 2024",
        MARCH: "Mrz 24|Mär 24|März 2024|mars 2024|Mar-24|marzo 2024|2024-03|Maerz 24",
    },
    "week": {
        WEEK_5: "2024-W05|2024W05|2024-W5|W05 2024|W5/2024|KW 5 2024|KW5/24|KW 05/2024|5. KW 2024|2024 KW 5|CW5 2024"
        "|Week 5 2024|Semaine 5 2024|uke 5 2024|v. 5 2024|2024-01-29",
    },
    "quarter": {
        Q1: "Q1 2024|Q1/24|Q1'24|2024Q1|2024-Q1|1Q24|1Q 2024|1. Quartal 2024|T1 2024|1er trimestre 2024|2024-03-31"
        "|1st quarter 2024|I kw. 2024",
        dt.date(2024, 10, 1): "4Q24|Q4 2024|T4 2024|4. Quartal 2024",
    },
    "half": {
        JANUARY: "H1 2024|1H24|2024H1|2024-H1|H1/24|HJ1 2024|1. Halbjahr 2024|1er semestre 2024|S1 2024|first half 2024"
        "|2024-01-01|2024-06-30|I półrocze 2024",
        dt.date(2024, 7, 1): "H2 2024|2. Halbjahr 2024|2nd half 2024|2024-07-01",
    },
    "year": {JANUARY: "2024|2024-01-01|2024-12-31", dt.date(1960, 1, 1): "1960"},
    "day": {dt.date(2024, 4, 13): "13.04.2024|4/13/2024|2024-04-13|13 Apr 2024|April 13, 2024|13. April 2024"},
}
WITHOUT_YEAR: dict[PeriodKind, dict[int, str]] = {
    "month": {1: "Jan|January|Januar|janv.", 5: "May|Mai"},
    "week": {5: "KW 5|KW05|W5|Week 5|5. KW|sem. 5"},
    "quarter": {1: "Q1|1Q|1. Quartal|T1"},
    "half": {2: "H2|2H|2. Halbjahr"},
}
DOUBTFUL: dict[PeriodKind, str] = {
    "month": "05/06|24-Jan|1/2/2024|listopad 2024|24.01|2024-01-24",
    "week": "2024-01-07|KW 53 2023|1/2/2024",
    "quarter": "2024-02-29|Q1 FY24|FY24 Q1|Q1 2023/24|Q1 GJ 2024",
    "half": "2024-03-31|H1 FY24",
    "year": "FY24|2023/24|GJ 2024|Fiscal year 2024|2023-2024",
    "day": "03.04.2024|3/4/24",
}
NO_PERIOD: dict[PeriodKind, str] = {
    "month": "Q1 2024|2024|Total|5|12|SKU 12|Jan 2024 (old)|Jan 1|Maybe 24",
    "week": "2024-05|202405|KW 60|Jan 24",
    "quarter": "Q5 2024|Jan 24|2024",
    "year": "24|2024 plan|Jan 2024|FY|2024/26",
    "day": "2024|Jan 2024",
    "half": "H3 2024|Q1 2024|2024|Half",
}
APRIL, APRIL_23 = dt.date(2024, 4, 1), dt.date(2023, 4, 1)
FISCAL: dict[PeriodKind, dict[dt.date, str]] = {
    "year": {
        APRIL_23: "FY24|FY2024|FY 24|FY'24|2024|2023/24|2023-24|FY23/24|FY 2023/2024|GJ 2024|2023-04-01|2024-03-31"
    },
    "half": {dt.date(2023, 10, 1): "H2 FY24|FY24 H2|FY24H2|H2 2024|2. Halbjahr GJ 2024|H2 2023/24|2024-03-31"},
    "quarter": {
        APRIL_23: "Q1 FY24|FY24Q1|FY24-Q1|Q1 FY2024|Q1/FY24|Q1 2024|1. Quartal GJ 2024|Q1 2023/24|2023-06-30",
        dt.date(2024, 1, 1): "Q4 FY24|2024-01-01",
    },
    "month": {
        APRIL_23: "P01 2024|P1 FY24|FY24-P01|FY2024 P001|Period 1 FY24|Periode 1 GJ 2024|P01 2023/24|Apr FY24|Apr 23",
        MARCH: "P12 FY24|Mar 2024|March FY24|2024-03-01|März GJ24",
    },
}


def each(table: dict[PeriodKind, Any]) -> list[tuple[Any, ...]]:
    """(kind, text) or (kind, text, expected) of every text."""
    return [
        (kind, text, *expected)
        for kind, given in table.items()
        for texts, expected in (
            [(texts, (what,)) for what, texts in given.items()] if isinstance(given, dict) else [(given, ())]
        )
        for text in texts.split("|")
    ]


@pytest.mark.parametrize(("kind", "text", "day"), each(READ))
def test_a_period_is_read_in_every_usual_spelling(kind: PeriodKind, text: str, day: dt.date) -> None:
    found = read_period(text, kind)
    assert isinstance(found, Period)
    assert first_day(found) == day


@pytest.mark.parametrize(("kind", "text", "number"), each(WITHOUT_YEAR))
def test_a_period_without_a_year_waits_for_one(kind: PeriodKind, text: str, number: int) -> None:
    assert read_period(text, kind) == Period(kind, None, number)


@pytest.mark.parametrize(("kind", "text"), each(DOUBTFUL))
def test_what_may_be_two_periods_is_not_guessed(kind: PeriodKind, text: str) -> None:
    assert isinstance(read_period(text, kind), Unclear)


@pytest.mark.parametrize(("kind", "text"), each(NO_PERIOD))
def test_what_is_no_period_of_the_kind_is_none(kind: PeriodKind, text: str) -> None:
    assert read_period(text, kind) is None


@pytest.mark.parametrize(("kind", "text", "day"), each(FISCAL))
def test_periods_of_a_fiscal_year_begin_where_the_contract_says(kind: PeriodKind, text: str, day: dt.date) -> None:
    found = read_period(text, kind, (), FiscalYear(4))
    assert isinstance(found, Period)
    assert first_day(found) == day


def test_a_fiscal_year_may_be_named_after_its_start() -> None:
    fiscal = FiscalYear(10, "start")
    for text in ("Q2 FY24", "Q2 2024/25"):
        found = read_period(text, "quarter", (), fiscal)
        assert isinstance(found, Period)
        assert first_day(found) == dt.date(2025, 1, 1)


@pytest.mark.parametrize(("kind", "text"), [("month", "2024-03"), ("month", "03/2024"), ("quarter", "2024-02-01")])
def test_what_may_be_of_either_year_is_not_guessed(kind: PeriodKind, text: str) -> None:
    assert isinstance(read_period(text, kind, (), FiscalYear(4)), Unclear)


@pytest.mark.parametrize("text", ["P13 FY24", "P00 2024", "Q5 FY24", "FY24", "Total"])
def test_a_period_that_no_fiscal_year_has_is_none(text: str) -> None:
    assert read_period(text, "month", (), FiscalYear(4)) is None


def test_a_date_cell_that_excel_made_of_jan_24_is_no_january() -> None:
    assert isinstance(of_day(dt.date(2026, 1, 24), "month"), Unclear)


def declared(**options: Any) -> type[Row]:
    fields = {
        "__module__": "shelf.acme_dates",
        "__annotations__": {"at": Date},
        "at": column(description="", **options),
    }
    return type("Dates", (Row,), fields)


@pytest.mark.parametrize(
    "pattern",
    [
        "%Y-W%W",
        "%Y-%U",
        "%d.%m.",
        "KW %V",
        "%Y-W%V",
        "%H:%M",
        "%G",
        "Q%q",
        "%Y-%k",
        "%b",
        "H%h",
        "FY%y",
        "P%P %Y",
        "%Y/%y",
    ],
)
def test_a_pattern_from_which_no_day_follows_is_a_fault_of_the_contract(pattern: str) -> None:
    with pytest.raises(DeclarationError, match="gives no day"):
        declared(formats=pattern)


@pytest.mark.parametrize(
    ("pattern", "text", "day"),
    [
        ("%G-W%V", "2024-W05", WEEK_5),
        ("%G-W%V", "2020-W53", dt.date(2020, 12, 28)),
        ("%G-W%V-%u", "2024-W05-3", dt.date(2024, 1, 31)),
        ("KW %V/%G", "KW 5/2024", WEEK_5),
        ("KW%V/%g", "KW05/24", WEEK_5),
        ("Q%q %Y", "Q3 2024", dt.date(2024, 7, 1)),
        ("%Y-%m", "2024-03", MARCH),
        ("%B %Y", "März 2024", MARCH),
        ("%Y", "2024", JANUARY),
        ("H%h %Y", "H2 2024", dt.date(2024, 7, 1)),
        ("%Y-%j", "2024-060", dt.date(2024, 2, 29)),
        ("%Y-W%W-%w", "2024-W05-1", WEEK_5),
    ],
)
def test_weeks_months_quarters_and_years_can_be_declared_as_dates(pattern: str, text: str, day: dt.date) -> None:
    (at,) = declared(formats=pattern).s2p_columns
    cells = Cells(np.array([2], np.int32), np.array([CellKind.TEXT], np.int8), pyarrow.array([text]))
    parsed = parse_cells(cells, at, Sheet("Sheet1"))
    assert (parsed.errors, parsed.values.to_pylist()) == ({}, [day])


@pytest.mark.parametrize(
    ("pattern", "text", "day"),
    [
        ("FY%y-P%P", "FY24-P03", dt.date(2023, 6, 1)),
        ("%P/%Y", "012/2024", MARCH),
        ("FY%Y Q%q", "FY2024 Q4", dt.date(2024, 1, 1)),
        ("Q%q %Y", "Q1 2024", APRIL_23),
        ("H%h %Y/%y", "H2 2023/24", dt.date(2023, 10, 1)),
        ("%Y/%y", "2023/24", APRIL_23),
        ("FY%y", "FY24", APRIL_23),
        ("%b %Y", "Apr 2023", APRIL_23),
        ("%b FY%y", "Mai FY24", dt.date(2023, 5, 1)),
    ],
)
def test_fiscal_periods_can_be_declared_as_dates(pattern: str, text: str, day: dt.date) -> None:
    (at,) = declared(formats=pattern, fiscal_year_start=4).s2p_columns
    assert one_cell(at, text) == ({}, [day])
    wrong, _ = one_cell(at, "FY24-P14")
    assert "is not written as" in wrong[0].message


def test_a_number_is_a_date_where_the_contract_writes_it_in_digits_alone() -> None:
    (at,) = declared(formats="%Y%m").s2p_columns
    assert one_cell(at, "202403", CellKind.NUMBER) == ({}, [MARCH])
    assert one_cell(at, "202413", CellKind.NUMBER)[0][0].message == "'202413' is not written as YYYYMM"
    (plain,) = declared(formats="%d.%m.%Y").s2p_columns
    assert "is a number, not a date" in one_cell(plain, "202403", CellKind.NUMBER)[0][0].message


def test_a_date_cell_among_months_is_the_month_only_at_either_end_of_it() -> None:
    (at,) = declared(formats=("%Y-%m", "%B %Y")).s2p_columns
    for serial, day in (("45352", MARCH), ("45382", MARCH)):
        assert one_cell(at, serial, CellKind.DATE) == ({}, [day])
    assert "not the first or last day of a month" in one_cell(at, "45360", CellKind.DATE)[0][0].message


def test_a_fiscal_year_that_is_half_said_is_a_fault_of_the_contract() -> None:
    with pytest.raises(DeclarationError, match="the number of a month, 1 to 12"):
        declared(formats="Q%q %Y", fiscal_year_start=13)
    with pytest.raises(DeclarationError, match="says nothing without fiscal_year_start"):
        declared(formats="Q%q %Y", fiscal_year_named_after="start")
    with pytest.raises(DeclarationError, match="is for dates that name a month"):
        declared(formats="%d.%m.%Y", fiscal_year_start=4)


@pytest.mark.parametrize("patterns", [(), ("FY%Y Q%q",), ("Q%q %Y/%y",), ("Q%q FY%y",)])
def test_a_template_writes_what_is_read_again(patterns: tuple[str, ...]) -> None:
    fiscal = FiscalYear(4)
    for day in first_days_in_year("quarter", 2024, fiscal):
        found = read_period(written_period(day, "quarter", patterns, fiscal), "quarter", patterns, fiscal)
        assert isinstance(found, Period)
        assert first_day(found) == day


def one_cell(at: Column, text: str, kind: CellKind = CellKind.TEXT) -> tuple[dict[int, CellError], list[Any]]:
    cells = Cells(np.array([2], np.int32), np.array([kind], np.int8), pyarrow.array([text]))
    parsed = parse_cells(cells, at, Sheet("Sheet1"))
    return parsed.errors, parsed.values.to_pylist()


def test_a_week_that_its_year_does_not_have_is_a_finding() -> None:
    (at,) = declared(formats="%G-W%V").s2p_columns
    cells = Cells(np.array([2], np.int32), np.array([CellKind.TEXT], np.int8), pyarrow.array(["2023-W53"]))
    assert "not written as YYYY-W01" in parse_cells(cells, at, Sheet("Sheet1")).errors[0].message


def test_half_a_wide_table_is_a_fault_of_the_contract() -> None:
    with pytest.raises(DeclarationError, match="no column is melted"):
        declared(from_header="month")
    with pytest.raises(DeclarationError, match="names a week, not a month"):
        declared(from_header="month", formats="%G-W%V")
    with pytest.raises(DeclarationError, match="from_header is one of"):
        declared(from_header="moon")
    with pytest.raises(DeclarationError, match="year_from is for"):
        declared(year_from="file")
    with pytest.raises(DeclarationError, match="but no column is from_header"):
        type(
            "Half",
            (Row,),
            {
                "__module__": "shelf.acme_half",
                "__annotations__": {"n": Number},
                "n": column(description="", melted=True),
            },
        )


# -- years of weeks ----------------------------------------------------------------------------------------------------

RETAIL_YEARS = {2024: "2024-01-28", 2025: "2025-02-02", 2026: "2026-02-01"}


@pytest.mark.parametrize(
    ("weeks", "text", "day"),
    [
        ("4-4-5", "FY25-P01", dt.date(2025, 2, 2)),
        ("4-4-5", "FY25-P04", dt.date(2025, 5, 4)),
        ("4-5-4", "FY25-P03", dt.date(2025, 4, 6)),
        ("5-4-4", "FY25-P02", dt.date(2025, 3, 9)),
        ("4-4-5", "FY24-P12", dt.date(2024, 12, 22)),  # of six weeks: 2024 has 53
        ("13 periods", "FY25-P13", dt.date(2026, 1, 4)),
    ],
)
def test_periods_of_weeks_begin_where_the_contract_says(weeks: str, text: str, day: dt.date) -> None:
    (at,) = declared(formats="FY%y-P%P", fiscal_weeks=weeks, fiscal_years=RETAIL_YEARS).s2p_columns
    assert one_cell(at, text) == ({}, [day])


@pytest.mark.parametrize("text", ["FY25-P13", "FY27-P01"])
def test_a_period_of_weeks_that_is_not_known_is_a_finding(text: str) -> None:
    (at,) = declared(formats="FY%y-P%P", fiscal_weeks="4-4-5", fiscal_years=RETAIL_YEARS).s2p_columns
    wrong, _ = one_cell(at, text)
    assert "is not written as 'FY24-P01'" in wrong[0].message


def test_a_header_of_periods_of_weeks_says_what_is_not_known() -> None:
    (at,) = declared(formats="FY%y-P%P", fiscal_weeks="4-4-5", fiscal_years=RETAIL_YEARS).s2p_columns
    for text, why in (("P01 FY27", "fiscal_years"), ("Feb 2025", "periods are of weeks")):
        found = read_period(text, "month", (), at.fiscal)
        assert isinstance(found, Unclear)
        assert why in found.why
    quarter = read_period("Q2 FY25", "quarter", (), at.fiscal)
    assert isinstance(quarter, Period)
    assert first_day(quarter) == dt.date(2025, 5, 4)


def test_a_date_cell_in_a_year_of_weeks_is_the_period_that_begins_there() -> None:
    (at,) = declared(formats="FY%y-P%P", fiscal_weeks="4-4-5", fiscal_years=RETAIL_YEARS).s2p_columns
    assert isinstance(of_day(dt.date(2025, 3, 2), "month", at.fiscal), Period)
    for day, why in ((dt.date(2025, 3, 5), "not the first or last day"), (dt.date(2031, 3, 5), "fiscal_years")):
        found = of_day(day, "month", at.fiscal)
        assert isinstance(found, Unclear)
        assert why in found.why


@pytest.mark.parametrize(
    ("weeks", "years", "why"),
    [
        ("4-4-6", RETAIL_YEARS, "is one of 4-4-5"),
        ("4-4-5", {}, "needs the first day of each year"),
        ("4-4-5", {2024: "2024-01-28", 2026: "2026-02-01"}, "a year between is lacking"),
        ("4-4-5", {2024: "2024-01-28", 2025: "2025-02-03"}, "neither 52 nor 53 weeks"),
        ("4-4-5", {2024: "spring"}, "its first day"),
    ],
)
def test_a_year_of_weeks_that_cannot_be_is_a_fault_of_the_contract(weeks: str, years: dict[int, str], why: str) -> None:
    with pytest.raises(DeclarationError, match=why):
        declared(formats="FY%y-P%P", fiscal_weeks=weeks, fiscal_years=years)


def test_bounds_of_dates_may_be_written_as_texts() -> None:
    (at,) = declared(ge="2020-01-01", in_range=["2019-01-01", "2030-12-31"]).s2p_columns
    assert dict(at.checks) == {"ge": dt.date(2020, 1, 1), "in_range": [dt.date(2019, 1, 1), dt.date(2030, 12, 31)]}
