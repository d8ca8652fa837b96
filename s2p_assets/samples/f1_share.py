"""The files of the sample race office: a database's exports, some kept in Excel, with mistakes planted.

Its races are simulated in `f1_seasons.py`.
"""

import datetime as dt
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pandas as pd

from s2p_assets.samples.f1_seasons import simulate_seasons
from s2p_assets.samples.share_files import Mistake, Sample, ShareFile, SheetLayout, csv_bytes, workbook_file

BY_HAND = "f1/Qualifying typed by hand.xlsx"
WINTER_TESTS = "f1/Results of the winter tests.csv"

MISTAKES = (
    Mistake(BY_HAND, "Qualifying", "G4", "a lap that took no time that anyone can read"),
    Mistake(WINTER_TESTS, "Results of the winter tests", "C3", "a driver that nobody knows"),
)
IN_EXCEL = {"races": "Calendar", "constructor_standings": "Standings", "sprint_results": "Sprints"}
NULL = "\\N"


def write_share(folder: Path, *, until: dt.date, years: int = 4, seed: int = 7) -> Iterator[Path]:
    """Write the sample into `folder`, yielding each file as it is written. The same arguments, the same bytes."""
    tables = simulate_seasons(until=until, years=years, seed=seed).tables
    for name, rows in tables.items():
        yield _file(name, rows).write(folder)
    typed = _columns(tables["qualifying"].tail(5).assign(qualify_id=[f"T{number}" for number in range(5)]))
    typed["q1"][2] = "1.22,8"
    yield workbook_file(BY_HAND, SheetLayout("Qualifying", typed)).write(folder)
    tests = _columns(tables["results"].tail(4).assign(result_id=[f"W{number}" for number in range(4)]))
    tests["driverId"][1] = "999"
    yield ShareFile(WINTER_TESTS, partial(csv_bytes, SheetLayout("Tests", tests), ",", "utf-8")).write(folder)


def _file(table: str, rows: pd.DataFrame) -> ShareFile:
    name = IN_EXCEL.get(table, table)
    if table in IN_EXCEL:
        sheet = SheetLayout(name, _columns(rows), above=("Race office", "") if table == "races" else ())
        return workbook_file(f"f1/{table.replace('_', ' ').capitalize()}.xlsx", sheet)
    return ShareFile(f"f1/{table}.csv", partial(csv_bytes, SheetLayout(name, _columns(rows)), ",", "utf-8"))


def _columns(rows: pd.DataFrame) -> dict[str, list[object]]:
    """The table under the database's own names, with its mark where nothing is known."""
    names = {"race_day": "date", "start_time": "time", "car_number": "number", "letters": "code", "born_on": "dob"}
    headers = [names.get(name, name).replace("_", " ").title().replace(" ", "") for name in rows.columns]
    cells = rows.astype(object).where(rows.notna(), NULL)
    return {
        header[:1].lower() + header[1:]: [
            int(one) if isinstance(one, float) and one.is_integer() else one for one in cells[name]
        ]
        for header, name in zip(headers, rows.columns, strict=True)
    }


sample = Sample(MISTAKES, write_share)
