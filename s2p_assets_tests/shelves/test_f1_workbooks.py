"""What the Formula 1 contracts accept, return and remark on, and that the sample share is good but for its faults."""

import datetime as dt
from pathlib import Path
from typing import Any

import pyarrow
import pytest

from s2p_assets.catalog.paths import matching_contracts
from s2p_assets.catalog.shelves import read_shelf
from s2p_assets.contracts.findings import ReadResult
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.samples.f1_share import BY_HAND, MISTAKES, WINTER_TESTS, write_share
from s2p_assets.spreadsheet.reading import read_file
from s2p_assets.workbooks.f1_results import results

UNTIL = dt.date(2026, 3, 31)
DAY = dt.date(2025, 3, 16)
PLACE: list[Any] = [25, 1, "1", 7]
CAR: list[Any] = ["4", 1, 1, "1", 1, 25, 57, "1:42:06.304", 6126304, 43, 1, "1:22.167"]
GOOD: dict[str, list[Any]] = {
    "f1_circuits": ["1", "albert_park", "Albert Park", "Melbourne", "Australia", -37.8497, 144.968, 10],
    "f1_races": ["1144", 2025, 1, "1", "Australian Grand Prix", DAY, "04:00:00"],
    "f1_drivers": ["846", "norris", "4", "NOR", "Lando", "Norris", dt.date(1999, 11, 13), "British"],
    "f1_constructors": ["1", "mclaren", "McLaren", "British"],
    "f1_status": ["1", "Finished"],
    "f1_qualifying": ["1", "1144", "846", "1", "4", 1, "1:15.912", "1:15.415", "1:15.096"],
    "f1_results": ["1", "1144", "846", "1", *CAR, 231.2, "1"],
    "f1_sprint_results": ["1", "1144", "846", "1", *CAR, "1"],
    "f1_driver_standings": ["1", "1144", "846", *PLACE],
    "f1_constructor_standings": ["1", "1144", "1", *PLACE],
    "f1_pit_stops": ["1144", "846", 1, 34, "15:48:15", "17:12.3", 23115],
}
BOOKS = tuple(book for book in read_shelf(["s2p_assets"], "workbooks", Workbook).items.values() if book.domain == "f1")


def test_a_null_mark_is_no_value_and_a_car_that_retired_has_no_place(tmp_path: Path) -> None:
    retired = ["2", *GOOD["f1_results"][1:]]
    for name in ("position", "time", "milliseconds", "fastest_lap_speed"):
        retired[[column.name for column in results.columns].index(name)] = "\\N"
    retired[[column.name for column in results.columns].index("position_text")] = "R"
    path = tmp_path / "results.csv"
    lines = [[column.headers[0] for column in results.columns], GOOD["f1_results"], retired]
    path.write_text("\n".join(",".join(map(str, line)) for line in lines))
    reading = read_file(path, [results])
    assert (reading.verdict, reading.findings) == ("accepted", [])
    assert reading.rows is not None
    assert reading.rows["position"].to_pylist() == [1, None]
    assert reading.rows["fastest_lap_speed"].to_pylist() == [231.2, None]


@pytest.fixture(scope="module")
def share(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ReadResult]:
    """The sample share's files, read in an order in which what is referred to comes first."""
    folder = tmp_path_factory.mktemp("share")
    first = {"f1_circuits": 0, "f1_status": 0, "f1_drivers": 0, "f1_constructors": 0, "f1_races": 1}
    files = {path.relative_to(folder).as_posix(): path for path in write_share(folder, until=UNTIL, years=2)}
    books = {name: matching_contracts(name, BOOKS)[0] for name in files}
    readings: dict[str, ReadResult] = {}
    for name in sorted(files, key=lambda name: first.get(books[name].full_name, 2)):
        loaded = {reading.workbook: reading.rows for reading in readings.values() if reading.rows is not None}
        known = {one.column: loaded[one.workbook][one.target_column].combine_chunks() for one in books[name].references}
        readings[name] = read_file(files[name], [books[name]], reference_values={books[name].full_name: known})
    return readings


def test_every_kind_of_workbook_is_on_the_sample_share(share: dict[str, ReadResult]) -> None:
    assert {reading.workbook for reading in share.values()} == {book.full_name for book in BOOKS}


def test_the_planted_cells_come_back_and_no_others(share: dict[str, ReadResult]) -> None:
    found = {
        (path, finding.sheet, finding.cell)
        for path, reading in share.items()
        for finding in reading.findings
        if finding.severity == "reject"
    }
    assert found == {planted[:3] for planted in MISTAKES}
    assert {path for path, reading in share.items() if reading.verdict != "accepted"} == {BY_HAND, WINTER_TESTS}


def test_the_race_to_come_has_a_qualifying_and_no_results(share: dict[str, ReadResult]) -> None:
    raced, qualified = (set(rows_of(share, name)["race_id"].to_pylist()) for name in ("f1_results", "f1_qualifying"))
    assert len(qualified - raced) == 1


def rows_of(share: dict[str, ReadResult], name: str) -> pyarrow.Table:
    return next(reading.rows for reading in share.values() if reading.workbook == name and reading.rows is not None)


@pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.name)
def test_a_file_named_like_its_table_belongs_to_it_alone(book: Workbook) -> None:
    assert matching_contracts(f"f1/{book.name}.csv", BOOKS) == (book,)
