"""Promises about texts that name a period: each is read as what it says, and what may be two is never guessed."""

import datetime as dt
from typing import Any

import numpy as np
import pyarrow
import pytest

from s2p_assets.contracts.columns import Date, DeclarationError, Number, Row, column
from s2p_assets.contracts.date_patterns import PeriodKind
from s2p_assets.spreadsheet.cell_parser import parse_cells
from s2p_assets.spreadsheet.grid import CellKind, Cells, Sheet
from s2p_assets.spreadsheet.periods import Period, Unclear, first_day, of_day, read_period

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
    "year": {JANUARY: "2024|2024-01-01|2024-12-31", dt.date(1960, 1, 1): "1960"},
    "day": {dt.date(2024, 4, 13): "13.04.2024|4/13/2024|2024-04-13|13 Apr 2024|April 13, 2024|13. April 2024"},
}
WITHOUT_YEAR: dict[PeriodKind, dict[int, str]] = {
    "month": {1: "Jan|January|Januar|janv.", 5: "May|Mai"},
    "week": {5: "KW 5|KW05|W5|Week 5|5. KW|sem. 5"},
    "quarter": {1: "Q1|1Q|1. Quartal|T1"},
}
DOUBTFUL: dict[PeriodKind, str] = {
    "month": "05/06|24-Jan|1/2/2024|listopad 2024|24.01|2024-01-24",
    "week": "2024-01-07|KW 53 2023|1/2/2024",
    "quarter": "2024-02-29",
    "day": "03.04.2024|3/4/24",
}
NO_PERIOD: dict[PeriodKind, str] = {
    "month": "Q1 2024|2024|Total|5|12|SKU 12|Jan 2024 (old)|Jan 1|Maybe 24",
    "week": "2024-05|202405|KW 60|Jan 24",
    "quarter": "Q5 2024|Jan 24|2024",
    "year": "24|FY24|2024 plan|Jan 2024",
    "day": "2024|Jan 2024",
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
    "pattern", ["%Y-W%W", "%Y-%U", "%d.%m.", "KW %V", "%Y-W%V", "%H:%M", "%G", "Q%q", "%Y-%k", "%b"]
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
        ("%Y-%j", "2024-060", dt.date(2024, 2, 29)),
        ("%Y-W%W-%w", "2024-W05-1", WEEK_5),
    ],
)
def test_weeks_months_quarters_and_years_can_be_declared_as_dates(pattern: str, text: str, day: dt.date) -> None:
    (at,) = declared(formats=pattern).s2p_columns
    cells = Cells(np.array([2], np.int32), np.array([CellKind.TEXT], np.int8), pyarrow.array([text]))
    parsed = parse_cells(cells, at, Sheet("Sheet1"))
    assert (parsed.errors, parsed.values.to_pylist()) == ({}, [day])


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
