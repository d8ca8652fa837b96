"""Promises of dates: one far from the file's own is a finding, unless the contract bounds the column itself."""

import datetime as dt
import os
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from s2p_assets.contracts.columns import Code, Date, Row, Timestamp, column
from s2p_assets.contracts.findings import ReadResult
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.spreadsheet.reading import read_file

FORMATS = ("%d.%m.%Y", "%Y-%m-%d")


class Sale(Row):
    """A sale on a day."""

    sku: Code = column("SKU", description="article")
    day: Date = column("Date", description="day", formats=FORMATS)


class SaleAt(Row):
    """A sale at a moment."""

    sku: Code = column("SKU", description="article")
    day: Timestamp = column("Date", description="moment", formats=("%d.%m.%Y %H:%M", *FORMATS))


class BoundedSale(Row):
    """A sale on a day between bounds of its contract."""

    sku: Code = column("SKU", description="article")
    day: Date = column(
        "Date",
        description="day",
        formats=FORMATS,
        in_range={"min_value": dt.date(1900, 1, 1), "max_value": dt.date(2090, 1, 1)},
    )


class NamedSale(Row):
    """A sale in the month that the sheet is named after."""

    sku: Code = column("SKU", description="article")
    month: Date = column("Month", description="month", value_from="sheet", formats="%b %Y")


def read(tmp_path: Path, rows: type[Row], *days: Any, sheet: str = "Sheet1", saved: str = "2024-04-02") -> ReadResult:
    path = tmp_path / "sales.xlsx"
    book = openpyxl.Workbook()
    book.active.title = sheet
    book.active.append(["SKU", "Date"] if days else ["SKU"])
    for number, day in enumerate(days or (None,)):
        book.active.append([f"A{number}", day])
    book.save(path)
    moment = dt.datetime.fromisoformat(saved).timestamp()
    os.utime(path, (moment, moment))
    return read_file(path, [Workbook(rows=rows, path="*", owner="o@example.org", max_reject_rate=0.9)])


def far(reading: ReadResult) -> list[str | None]:
    return [one.cell for one in reading.findings if one.rule == "far_date"]


NEAR = [dt.date(2024, 3, day) for day in range(1, 9)]


@pytest.mark.parametrize("wrong", [dt.date(2062, 3, 4), dt.date(1926, 3, 4), "04.03.0206", "04.03.2204", "04.03.2042"])
@pytest.mark.parametrize("rows", [Sale, SaleAt])
def test_a_year_typed_wrong_is_a_finding_among_others_and_alone(tmp_path: Path, rows: type[Row], wrong: Any) -> None:
    among = read(tmp_path, rows, *NEAR, wrong)
    assert (among.verdict, far(among)) == ("partly", ["B10"])
    assert "far from the other dates here, which are around 2024-03-0" in among.findings[0].message
    alone = read(tmp_path, rows, wrong)
    assert far(alone) == ["B2"]
    assert "far from the day on which the file was saved, 2024-04-02" in alone.findings[0].message


@pytest.mark.parametrize(
    "days",
    [
        [dt.date(2024, 3, 1)],
        [dt.date(2014, 3, 1), dt.date(2024, 3, 1)],
        [dt.date(1951, 1, 1), dt.date(1964, 5, 1), dt.date(1978, 1, 1), dt.date(1990, 1, 1), dt.date(2003, 1, 1)],
        [dt.date(1900 + year, 1, 1) for year in range(124)],
        [*NEAR, dt.date(9999, 12, 31), dt.date(2099, 12, 31)],
        [*NEAR, dt.date(2019, 1, 1), dt.date(2029, 1, 1)],
    ],
)
def test_dates_that_belong_together_are_left_alone(tmp_path: Path, days: list[dt.date]) -> None:
    assert read(tmp_path, Sale, *days).findings == []


@pytest.mark.parametrize(
    ("days", "cells"),
    [
        ([*NEAR, dt.date(2023, 3, 4)], ["B10"]),
        ([*NEAR, dt.date(2025, 3, 11)], ["B10"]),
        ([dt.date(2023, 12, 28), *(dt.date(2024, 1, day) for day in range(2, 12)), dt.date(2023, 1, 5)], ["B13"]),
        ([*NEAR, dt.date(2023, 9, 4)], []),
        ([*NEAR, *(dt.date(2023, 3, day) for day in range(1, 9))], []),
        ([dt.date(2023, month, 1) for month in range(1, 13)] + [dt.date(2024, 1, 1)], []),
        ([*NEAR[:5], dt.date(2023, 3, 4)], []),
    ],
)
def test_last_years_date_in_a_months_file_is_a_notice(tmp_path: Path, days: list[dt.date], cells: list[str]) -> None:
    reading = read(tmp_path, Sale, *days)
    assert [one.cell for one in reading.findings if one.rule == "another_year"] == cells
    assert reading.verdict == "accepted"


def test_the_bounds_of_a_contract_count_instead(tmp_path: Path) -> None:
    reading = read(tmp_path, BoundedSale, *NEAR, dt.date(2062, 3, 4), dt.date(1926, 3, 4), dt.date(2095, 1, 1))
    assert far(reading) == []
    assert [one.cell for one in reading.findings] == ["B12"]


def test_a_sheets_name_with_a_far_year_is_a_finding(tmp_path: Path) -> None:
    assert read(tmp_path, NamedSale, sheet="Mar 2024").findings == []
    wrong = read(tmp_path, NamedSale, sheet="Mar 2062")
    assert (wrong.verdict, [one.rule for one in wrong.findings]) == ("returned", ["far_date"])


@pytest.mark.parametrize("year", [2014, 2034])
@pytest.mark.parametrize("day", range(1, 13))
def test_a_year_that_is_ten_off_is_told_once_whatever_the_day(tmp_path: Path, year: int, day: int) -> None:
    (found,) = read(tmp_path, Sale, *NEAR, dt.date(year, 3, day)).findings
    assert (found.cell, found.rule in ("another_year", "far_date")) == ("B10", True)
