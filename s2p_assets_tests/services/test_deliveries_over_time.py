"""A company's share over ten weeks: beside each faulty sequence of files lies its twin, in which nothing went wrong.

What is loaded of the faulty one is what is loaded of its twin, or somebody is told; of the twin nobody is told
anything. Faults within one sheet have their twins in `spreadsheet/test_twins.py`.
"""

import csv
import datetime as dt
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from s2p_assets.services.context import Context, open_context
from s2p_assets.services.held_files import accept_file, keep_file
from s2p_assets.services.ingest import ingest, store_ingest
from s2p_assets.services.status import forget_file, read_status
from s2p_assets.settings import Settings
from s2p_assets.spreadsheet.sandbox import Sandbox
from s2p_assets_tests.retail_home import emptied
from s2p_assets_tests.services.test_held_files import set_modified

WORKBOOKS = {
    "prices": ("price: Money = column(description='Price of one piece')", 'key=("article",), ordinary_change=0.5'),
    "stock": (
        "pieces: Integer = column(description='Pieces')",
        'key=("article",), may_overwrite=True, max_restated=None',
    ),
    "orders": (
        "order: Code = column(description='Its number')\n    day: Date = column(description='Its day')\n"
        "    pieces: Integer = column(description='Pieces')",
        'key=("order",)',
    ),
    "sales": ("day: Date = column(description='Its day')\n    pieces: Integer = column(description='Pieces')", ""),
    "shops": (
        "day: Date = column(description='Its day')\n    pieces: Integer = column(description='Pieces')",
        'key=("article", "day"), every="week", by="3 days", dated_by="day", one_per="shops/{shop} W*"',
    ),
}
HEADERS = {
    "prices": ("Article", "Price"),
    "stock": ("Article", "Pieces"),
    "orders": ("Order", "Article", "Day", "Pieces"),
    "sales": ("Article", "Day", "Pieces"),
    "shops": ("Article", "Day", "Pieces"),
}
DECISIONS: dict[str, Callable[[Context, str], Any]] = {
    "accept": accept_file,
    "keep": keep_file,
    "forget": forget_file,
}
MONDAY = dt.date(2026, 1, 5)
WEEKS = 9
DAY = dt.timedelta(days=1)

Rows = Sequence[Sequence[Any]]


@dataclass(frozen=True)
class Save:
    """A file is saved with these rows; `own_week`: when its content was, by the date in it."""

    path: str
    rows: Rows
    own_week: float | None = None


@dataclass(frozen=True)
class Copy:
    """A file is copied, its bytes as they are; `keeps_date`: as a backup does."""

    path: str
    to: str
    keeps_date: bool = False


@dataclass(frozen=True)
class Rename:
    path: str
    to: str


@dataclass(frozen=True)
class Delete:
    path: str


@dataclass(frozen=True)
class Decide:
    """A person decides about a file: `accept`, `keep` or `forget`."""

    word: str
    path: str


Action = Save | Copy | Rename | Delete | Decide
Weeks = dict[int, Sequence[Action]]


@dataclass(frozen=True)
class Scenario:
    """What a department does week by week, and what it would have done; `kind` of workbook."""

    kind: str
    twin: Weeks
    fault: Weeks
    asked: bool = True
    judged_from: int = 0
    right_in_the_end: bool = False


def prices(count: int = 12, **changed: float) -> Rows:
    return [(f"A{number}", changed.get(f"A{number}", 5.0)) for number in range(count)]


def week_of_sales(week: int, count: int = 12, times: int = 1) -> Rows:
    """What was sold in a week: an article a line."""
    day = MONDAY + 7 * week * DAY
    return [(f"A{number}", day + number % 5 * DAY, times * (10 + 3 * number + week)) for number in range(count)]


def orders(first: int, count: int = 10, pieces: int = 2, week: int = 0) -> Rows:
    day = MONDAY + 7 * week * DAY
    return [(f"N{first + line}", f"A{line % 4}", day + line % 5 * DAY, pieces + line) for line in range(count)]


def weekly(change: dict[int, Sequence[Action]] | None = None, weeks: int = WEEKS - 1) -> Weeks:
    """A file of sales each week, but in the weeks of `change`."""
    usual: Weeks = {week: [Save(f"Sales W{week}.xlsx", week_of_sales(week))] for week in range(weeks)}
    return usual | (change or {})


NAMES_OF_COPIES = """
May-PC42 May-DESKTOP-7AB3C1D-2 May-Ann-PC May-LAPTOP-ANN
May (Ann's conflicted copy 2026-01-05) | May (In Konflikt stehende Kopie von Ann 2026-01-05)
May (Copie en conflit de Ann 2026-01-05) | May (kopia powodująca konflikty Ann) | May （競合コピー 2026-01-05）
May (конфліктна копія Ann) | May (conflicted copy 2026-01-05 101500) | May_conflict-20260105-101500
May (1) | May(1) | Copy of May | Kopie von May | Copia di May | Kopia May
May のコピー | May的副本 | May [Conflict (1)] | May-PC42-Copy
May - Copy | May - Copy (2) | May - Kopie | May – kopie | May - Copie | May - Cópia | May — копия | May - Másolat
May - 副本 | May - コピー | May - Αντίγραφο | May - Kopija | May - Kopiera | May - Bản sao
May copy 2 | May Kopie | May (another copy) | May_copy1 | May-conflict-Ann | May.sync-conflict-20260105-101500-ABCDEFG
May (SFConflict ann@example.com 2026-01-05) | May (AutoRecovered) | May 2 | May backup | May_old
"""


def _names() -> list[str]:
    lines = NAMES_OF_COPIES.strip().splitlines()
    return [name.strip() for line in lines for name in (line.split("|") if "|" in line else line.split(" "))]


def _conflicts() -> Iterator[tuple[str, Scenario]]:
    """A copy by each name, by turns of a list with a key and of one without."""
    names = _names()
    for name in names[::2]:
        twin: Weeks = {0: [Save("May.csv", prices())], 4: [Save("May.csv", prices(13))]}
        yield f"prices beside {name}", Scenario("prices", twin, twin | {2: [Save(f"{name}.csv", prices(14, A1=5.5))]})
    for name in names[1::2]:
        twin = {0: [Save("May.csv", week_of_sales(0))]}
        copy = Save(f"{name}.csv", [*week_of_sales(0)[:-1], *week_of_sales(1)])
        yield f"sales beside {name}", Scenario("sales", twin, twin | {2: [copy]})


SCENARIOS: dict[str, Scenario] = dict(_conflicts()) | {
    "a copy of the folder": Scenario(
        "sales",
        {0: [Save("2026/May.xlsx", week_of_sales(0))], 3: [Save("2026/May.xlsx", week_of_sales(0, 13))]},
        {
            0: [Save("2026/May.xlsx", week_of_sales(0))],
            1: [Copy("2026/May.xlsx", "2026 - Copy/May.xlsx")],
            3: [Save("2026/May.xlsx", week_of_sales(0, 13))],
        },
    ),
    "the same bytes in an archive, then the original goes on": Scenario(
        "sales",
        {0: [Save("May.xlsx", week_of_sales(0))], 3: [Save("May.xlsx", week_of_sales(0, 13))]},
        {
            0: [Save("May.xlsx", week_of_sales(0))],
            1: [Copy("May.xlsx", "Archive/May.xlsx")],
            3: [Save("May.xlsx", week_of_sales(0, 13))],
        },
    ),
    "an older copy in the place of a newer file": Scenario(
        "prices",
        {0: [Save("May.xlsx", prices())], 2: [Save("May.xlsx", prices(A1=6.0))]},
        {
            0: [Save("May.xlsx", prices())],
            2: [Save("May.xlsx", prices(A1=6.0))],
            4: [Save("May.xlsx", prices(), own_week=0.5)],
        },
    ),
    "an older text file in the place of a newer one": Scenario(
        "prices",
        {0: [Save("May.csv", prices())], 2: [Save("May.csv", prices(A1=6.0))]},
        {
            0: [Save("May.csv", prices()), Copy("May.csv", "../May.bak", keeps_date=True)],
            2: [Save("May.csv", prices(A1=6.0))],
            4: [Copy("../May.bak", "May.csv", keeps_date=True)],
        },
    ),
    "an older copy under another name": Scenario(
        "prices",
        {0: [Save("May.xlsx", prices())], 2: [Save("May.xlsx", prices(A1=6.0))]},
        {
            0: [Save("May.xlsx", prices())],
            2: [Save("May.xlsx", prices(A1=6.0))],
            4: [Save("from the backup.xlsx", prices(), own_week=0.5)],
        },
    ),
    "a file is deleted": Scenario("sales", weekly(), weekly() | {7: [Delete("Sales W2.xlsx")]}, asked=True),
    "a file is deleted, and something is sold": Scenario(
        "sales",
        {0: [Save("May.xlsx", week_of_sales(0))]},
        {0: [Save("May.xlsx", week_of_sales(0))], 3: [Delete("May.xlsx")]},
    ),
    "saved under another name": Scenario(
        "sales",
        {0: [Save("May.xlsx", week_of_sales(0))], 2: [Save("May.xlsx", week_of_sales(0, 13))]},
        {0: [Save("May.xlsx", week_of_sales(0))], 2: [Save("May new.xlsx", week_of_sales(0, 13)), Delete("May.xlsx")]},
    ),
    "a price list saved under another name, an article fewer": Scenario(
        "prices",
        {0: [Save("May.xlsx", prices())], 2: [Save("May.xlsx", prices(11))]},
        {0: [Save("May.xlsx", prices())], 2: [Save("Prices 2.xlsx", prices(11)), Delete("May.xlsx")]},
    ),
    "half of it is gone": Scenario(
        "orders",
        {0: [Save("Orders.xlsx", orders(0, 12))]},
        {0: [Save("Orders.xlsx", orders(0, 12))], 2: [Save("Orders.xlsx", orders(0, 6))]},
    ),
    "all of it is gone": Scenario(
        "orders",
        {0: [Save("Orders.xlsx", orders(0, 12))]},
        {0: [Save("Orders.xlsx", orders(0, 12))], 2: [Save("Orders.xlsx", [])]},
    ),
    "all of it is gone, without a key": Scenario(
        "sales",
        {0: [Save("May.xlsx", week_of_sales(0))]},
        {0: [Save("May.xlsx", week_of_sales(0))], 2: [Save("May.xlsx", [])]},
    ),
    "history is told anew": Scenario(
        "sales",
        {0: [Save("Year.xlsx", week_of_sales(0))], 1: [Save("Year.xlsx", [*week_of_sales(0), *week_of_sales(1)])]},
        {
            0: [Save("Year.xlsx", week_of_sales(0))],
            1: [Save("Year.xlsx", [*week_of_sales(0, times=12), *week_of_sales(1)])],
        },
    ),
    "history is told anew, by key": Scenario(
        "orders",
        {0: [Save("Year.xlsx", orders(0))], 1: [Save("Year.xlsx", [*orders(0), *orders(10)])]},
        {0: [Save("Year.xlsx", orders(0))], 1: [Save("Year.xlsx", [*orders(0, pieces=24), *orders(10)])]},
    ),
    "numbers of another file are given out again": Scenario(
        "orders",
        {0: [Save("North.xlsx", orders(0))], 1: [Save("South.xlsx", orders(100, 5, 7, 1))]},
        {0: [Save("North.xlsx", orders(0))], 1: [Save("South.xlsx", orders(5, 5, 7, 1))]},
    ),
    "some numbers of a large file are given out again": Scenario(
        "orders",
        {0: [Save("North.xlsx", orders(0, 40))], 1: [Save("South.xlsx", orders(100, 40, 2, 1))]},
        {0: [Save("North.xlsx", orders(0, 40))], 1: [Save("South.xlsx", orders(39, 40, 2, 1))]},
    ),
    "windows of an export overlap by a third": Scenario(
        "sales",
        {
            0: [Save("Export 1.xlsx", [row for week in range(3) for row in week_of_sales(week)])],
            3: [Save("Export 2.xlsx", [row for week in range(3, 5) for row in week_of_sales(week)])],
            5: [Save("Export 3.xlsx", [row for week in range(5, 7) for row in week_of_sales(week)])],
        },
        {
            0: [Save("Export 1.xlsx", [row for week in range(3) for row in week_of_sales(week)])],
            3: [Save("Export 2.xlsx", [row for week in range(2, 5) for row in week_of_sales(week)])],
            5: [Save("Export 3.xlsx", [row for week in range(4, 7) for row in week_of_sales(week)])],
        },
    ),
    "windows of an export overlap by a day": Scenario(
        "sales",
        {
            0: [Save("Export.xlsx", [row for week in range(4) for row in week_of_sales(week)])],
            3: [Save("Export 2026-02.xlsx", [row for week in range(4, 8) for row in week_of_sales(week)])],
        },
        {
            0: [Save("Export.xlsx", [row for week in range(4) for row in week_of_sales(week)])],
            3: [
                Save(
                    "Export 2026-02.xlsx",
                    [*week_of_sales(3)[-2:], *[row for week in range(4, 8) for row in week_of_sales(week)]],
                )
            ],
        },
    ),
    "the wrong month is saved over the right one": Scenario(
        "sales",
        weekly(weeks=5),
        weekly({3: [Save("Sales W2.xlsx", week_of_sales(3))]}, weeks=5),
    ),
    "last week's file under this week's name": Scenario(
        "sales", weekly(weeks=5), weekly({4: [Copy("Sales W3.xlsx", "Sales W4.xlsx")]}, weeks=5), asked=False
    ),
    "last week's file once more under this week's name": Scenario(
        "sales", weekly(weeks=5), weekly({4: [Save("Sales W4.xlsx", week_of_sales(3))]}, weeks=5)
    ),
    "corrected a week later": Scenario(
        "orders",
        {0: [Save("Orders.xlsx", orders(0))]},
        {
            0: [Save("Orders.xlsx", orders(0, pieces=20))],
            1: [Save("Orders.xlsx", orders(0))],
            2: [Decide("accept", "Orders.xlsx")],
        },
        judged_from=1,
        right_in_the_end=True,
    ),
    "accepted, but it is another file by now": Scenario(
        "orders",
        {0: [Save("Orders.xlsx", orders(0))]},
        {
            0: [Save("Orders.xlsx", orders(0))],
            1: [Save("Orders.xlsx", orders(0, 4))],
            2: [Decide("accept", "Orders.xlsx"), Save("Orders.xlsx", orders(0, 3))],
        },
    ),
    "a copy is accepted, and the original goes": Scenario(
        "sales",
        {0: [Save("May.xlsx", week_of_sales(0))], 1: [Save("May.xlsx", week_of_sales(0, 13))]},
        {
            0: [Save("May.xlsx", week_of_sales(0))],
            1: [Save("May (1).xlsx", week_of_sales(0, 13))],
            2: [Delete("May.xlsx")],
            3: [Decide("forget", "May.xlsx")],
        },
        judged_from=1,
        right_in_the_end=True,
    ),
    "forgotten, deleted and delivered again": Scenario(
        "sales",
        {0: [Save("May.xlsx", week_of_sales(0))]},
        {
            0: [Save("May.xlsx", week_of_sales(0)), Copy("May.xlsx", "../kept.bak")],
            1: [Decide("forget", "May.xlsx")],
            3: [Delete("May.xlsx")],
            4: [Copy("../kept.bak", "May.xlsx")],
        },
        judged_from=4,
        right_in_the_end=True,
    ),
    "kept, and delivered again by another name": Scenario(
        "sales",
        {0: [Save("May.xlsx", week_of_sales(0))]},
        {
            0: [Save("May.xlsx", week_of_sales(0))],
            1: [Delete("May.xlsx")],
            2: [Decide("keep", "May.xlsx")],
            4: [Save("June.xlsx", [*week_of_sales(0)[:-1], *week_of_sales(1)])],
        },
    ),
    "held, then put right": Scenario(
        "orders",
        {0: [Save("Orders.xlsx", orders(0))], 3: [Save("Orders.xlsx", orders(0, 11))]},
        {
            0: [Save("Orders.xlsx", orders(0))],
            2: [Save("Orders.xlsx", orders(0, 4))],
            3: [Save("Orders.xlsx", orders(0, 11))],
        },
    ),
    "held, then put back as it was": Scenario(
        "orders",
        {0: [Save("Orders.xlsx", orders(0))]},
        {
            0: [Save("Orders.xlsx", orders(0)), Copy("Orders.xlsx", "../kept.bak", keeps_date=True)],
            2: [Save("Orders.xlsx", orders(0, 4))],
            3: [Copy("../kept.bak", "Orders.xlsx")],
        },
    ),
    "held, then deleted": Scenario(
        "orders",
        {0: [Save("Orders.xlsx", orders(0))]},
        {0: [Save("Orders.xlsx", orders(0))], 2: [Save("Orders.xlsx", orders(0, 4))], 3: [Delete("Orders.xlsx")]},
    ),
    "held, then renamed": Scenario(
        "orders",
        {0: [Save("Orders.xlsx", orders(0))]},
        {
            0: [Save("Orders.xlsx", orders(0))],
            2: [Save("Orders.xlsx", orders(0, 4, pieces=9))],
            3: [Rename("Orders.xlsx", "Orders corrected.xlsx")],
        },
    ),
    "a conflict copy renamed": Scenario(
        "sales",
        {0: [Save("May.xlsx", week_of_sales(0))]},
        {
            0: [Save("May.xlsx", week_of_sales(0))],
            1: [Save("May - Copy.xlsx", week_of_sales(0, 10))],
            3: [Rename("May - Copy.xlsx", "June.xlsx")],
        },
    ),
    "two files change names": Scenario(
        "orders",
        {0: [Save("North.xlsx", orders(0)), Save("South.xlsx", orders(50, 10, 7))]},
        {
            0: [Save("North.xlsx", orders(0)), Save("South.xlsx", orders(50, 10, 7))],
            2: [Rename("North.xlsx", "x.xlsx"), Rename("South.xlsx", "North.xlsx"), Rename("x.xlsx", "South.xlsx")],
        },
        asked=False,
    ),
    "a name in capitals": Scenario(
        "sales",
        {0: [Save("May.xlsx", week_of_sales(0))], 2: [Save("May.xlsx", week_of_sales(0, 13))]},
        {0: [Save("May.xlsx", week_of_sales(0))], 2: [Delete("May.xlsx"), Save("MAY.xlsx", week_of_sales(0, 13))]},
    ),
    "an article goes from the list, but an older list has it": Scenario(
        "prices",
        {0: [Save("List 2025.xlsx", prices(11))], 1: [Save("List 2026.xlsx", prices(11))]},
        {
            0: [Save("List 2025.xlsx", prices(12))],
            1: [Save("List 2026.xlsx", prices(12))],
            3: [Save("List 2026.xlsx", prices(11))],
        },
        asked=False,
        judged_from=3,
    ),
    "another suffix": Scenario(
        "sales",
        {0: [Save("May.csv", week_of_sales(0))]},
        {0: [Save("May.csv", week_of_sales(0))], 1: [Save("May.xlsx", week_of_sales(0))]},
    ),
    "an empty file of a sync program": Scenario(
        "sales",
        {0: [Save("May.csv", week_of_sales(0))]},
        {0: [Save("May.csv", week_of_sales(0))], 1: [Save("May.csv", ())]},
    ),
    "a shop is late": Scenario(
        "shops",
        {
            w: [Save(f"Berlin W{w}.xlsx", week_of_sales(w)), Save(f"Hamburg W{w}.xlsx", week_of_sales(w, 20)[12:])]
            for w in range(WEEKS)
        },
        {
            w: [
                Save(f"Berlin W{w}.xlsx", week_of_sales(w)),
                *([Save(f"Hamburg W{w}.xlsx", week_of_sales(w, 20)[12:])] if w < 8 else []),
            ]
            for w in range(WEEKS)
        },
    ),
    "a shop left out a week": Scenario(
        "shops",
        {
            w: [Save(f"Berlin W{w}.xlsx", week_of_sales(w)), Save(f"Hamburg W{w}.xlsx", week_of_sales(w, 20)[12:])]
            for w in range(WEEKS)
        },
        {
            w: [
                Save(f"Berlin W{w}.xlsx", week_of_sales(w)),
                *([Save(f"Hamburg W{w}.xlsx", week_of_sales(w, 20)[12:])] if w != 4 else []),
            ]
            for w in range(WEEKS)
        },
    ),
    "the year typed wrong throughout": Scenario(
        "shops",
        {w: [Save(f"Berlin W{w}.xlsx", week_of_sales(w))] for w in range(WEEKS)},
        {w: [Save(f"Berlin W{w}.xlsx", week_of_sales(w) if w != 5 else week_of_sales(w - 52))] for w in range(WEEKS)},
    ),
    "the factor of a case in prices": Scenario(
        "prices",
        {0: [Save("May.xlsx", prices())], 2: [Save("May.xlsx", prices(A1=6.0))]},
        {0: [Save("May.xlsx", prices())], 2: [Save("May.xlsx", prices(A1=60.0, A2=60.0, A3=60.0))]},
    ),
}

ORDINARY: dict[str, tuple[str, Weeks]] = {
    "a file each week": ("sales", weekly()),
    "a growing list": (
        "orders",
        {
            w: [Save("Orders.xlsx", [row for one in range(w + 1) for row in orders(10 * one, week=one)])]
            for w in range(8)
        },
    ),
    "a growing list without a key": (
        "sales",
        {w: [Save("Sales.xlsx", [row for one in range(w + 1) for row in week_of_sales(one)])] for w in range(8)},
    ),
    "saved again": ("sales", {w: [Save("May.xlsx", week_of_sales(0))] for w in range(4)}),
    "sorted otherwise": (
        "sales",
        {0: [Save("May.xlsx", week_of_sales(0))], 1: [Save("May.xlsx", week_of_sales(0)[::-1])]},
    ),
    "a price corrected": ("prices", {0: [Save("May.xlsx", prices())], 1: [Save("May.xlsx", prices(A1=7.0))]}),
    "a sixth of prices changed": (
        "prices",
        {0: [Save("May.xlsx", prices())], 1: [Save("May.xlsx", prices(A1=5.4, A7=4.9))]},
    ),
    "all prices raised": (
        "prices",
        {0: [Save("May.xlsx", prices())], 1: [Save("May.xlsx", prices(12, **{f"A{n}": 5.35 for n in range(12)}))]},
    ),
    "a new price list each month": (
        "prices",
        {
            w: [Save(f"Prices {w}.2026.xlsx", prices(12 + w, **{f"A{n}": 5.0 + w / 10 for n in range(12)}))]
            for w in range(6)
        },
    ),
    "a stock list each day": (
        "stock",
        {w: [Save(f"Stock {MONDAY + 7 * w * DAY}.xlsx", [(f"A{n}", n * w) for n in range(12)])] for w in range(6)},
    ),
    "a file renamed": ("sales", {0: [Save("May.xlsx", week_of_sales(0))], 2: [Rename("May.xlsx", "May 2026.xlsx")]}),
    "a file moved to last year's folder": (
        "sales",
        {0: [Save("May.xlsx", week_of_sales(0))], 2: [Rename("May.xlsx", "2025/May.xlsx")]},
    ),
    "downloads of one name": (
        "sales",
        {w: [Save(f"export{f' ({w})' if w else ''}.csv", week_of_sales(w))] for w in range(6)},
    ),
    "names that look like copies": (
        "sales",
        {
            0: [Save("Sales.xlsx", week_of_sales(0))],
            1: [Save("Sales-NORTH.xlsx", week_of_sales(1))],
            2: [Save("Sales 2.xlsx", week_of_sales(2))],
        },
    ),
    "a few lines that are alike by chance": (
        "sales",
        {w: [Save(f"W{w}.xlsx", [*week_of_sales(w), ("A0", MONDAY, 1)])] for w in range(6)},
    ),
    "shops that send each week": (
        "shops",
        {
            w: [Save(f"Berlin W{w}.xlsx", week_of_sales(w)), Save(f"Hamburg W{w}.xlsx", week_of_sales(w, 20)[12:])]
            for w in range(WEEKS)
        },
    ),
    "an order cancelled": (
        "orders",
        {0: [Save("Orders.xlsx", orders(0, 20))], 1: [Save("Orders.xlsx", orders(0, 20)[:-2])]},
    ),
    "a year's file replaced by a longer one": (
        "sales",
        {
            0: [Save("Sales 2026.csv", [row for w in range(3) for row in week_of_sales(w)])],
            4: [Save("Sales 2026.csv", [row for w in range(7) for row in week_of_sales(w)])],
        },
    ),
}


def shelf(kind: str) -> str:
    columns, options = WORKBOOKS[kind]
    return f'''"""{kind}."""

from s2p_assets import Code, Date, Integer, Money, Row, Workbook, column


class Line(Row):
    """A line."""

    article: Code = column(description="The article's number")
    {columns}


book = Workbook(rows=Line, path=("{kind}/**/*.xlsx", "{kind}/**/*.csv"), owner="{kind}@example.com", {options})
'''


@dataclass
class Department:
    """Whose folder it is: what it did week by week, what of it was loaded then, and what was said of it."""

    kind: str
    place: str
    weeks: Weeks
    loaded: list[list[tuple[Any, ...]]] = field(default_factory=list)
    told: list[dict[str, set[str]]] = field(default_factory=list)

    def path(self, name: str) -> str:
        return f"{self.kind}/{self.place}~{name}" if self.kind == "shops" else f"{self.kind}/{self.place}/{name}"

    def is_of(self, text: str) -> bool:
        return f"{self.place}/" in text or f"{self.place}~" in text


@dataclass
class Share:
    """The company's share and warehouse."""

    ctx: Context
    reader: Sandbox
    outside: Path

    def file(self, department: Department, name: str) -> Path:
        if name.startswith("../"):
            file = self.outside / f"{department.place} {name[3:]}"
        else:
            file = self.ctx.settings.share / department.path(name)
        file.parent.mkdir(parents=True, exist_ok=True)
        return file

    def act(self, department: Department, action: Action, moment: dt.datetime) -> None:
        file = self.file(department, action.path)
        if isinstance(action, Decide):
            DECISIONS[action.word](self.ctx, department.path(action.path))
        elif isinstance(action, Delete):
            file.unlink()
        elif isinstance(action, Rename):
            file.rename(self.file(department, action.to))
        elif isinstance(action, Copy):
            there = self.file(department, action.to)
            shutil.copy2(file, there)
            if not action.keeps_date:
                os.utime(there, (moment.timestamp(), moment.timestamp()))
        else:
            own = moment if action.own_week is None else moment_of(action.own_week)
            save(file, HEADERS[department.kind], [_own(row, department) for row in action.rows], own)
            os.utime(file, (moment.timestamp(), moment.timestamp()))

    def look(self) -> None:
        for workbook in self.ctx.catalog.workbooks.values():
            with self.ctx.warehouse.connect() as connection:
                taken = ingest(self.ctx, workbook, self.reader, progress=lambda _: None)
                assert [one.lost for one in taken.files if one.lost] == []
                store_ingest(connection, workbook, taken, "run")

    def rows(self, kind: str) -> list[tuple[str, ...]]:
        columns = ", ".join(f'"{header.lower()}"::text' for header in HEADERS[kind])
        with self.ctx.warehouse.connect() as connection:
            return connection.execute(f"select {columns} from acme.{kind}").fetchall()


def moment_of(week: float) -> dt.datetime:
    return dt.datetime(2026, 1, 9, 12, tzinfo=dt.UTC) + dt.timedelta(days=7 * week)


def _own(row: Sequence[Any], department: Department) -> list[Any]:
    """The row with the department's own articles, and orders."""
    codes = ("A", "N")
    return [f"{department.place}-{value}" if str(value).startswith(codes) else value for value in row]


def save(file: Path, header: Sequence[str], rows: Rows, moment: dt.datetime) -> None:
    if file.suffix == ".csv":
        with file.open("w", newline="") as written:
            csv.writer(written).writerows([header, *rows] if rows else [])
        return
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Sheet")
    for row in [header, *rows]:
        sheet.append(list(row))
    book.save(file)
    set_modified(file, moment)


def run(share: Share, departments: Sequence[Department]) -> None:
    """Ten weeks."""
    for week in range(WEEKS):
        for department in departments:
            for number, action in enumerate(department.weeks.get(week, ())):
                share.act(department, action, moment_of(week) + dt.timedelta(minutes=number))
        share.look()
        status = read_status(share.ctx, today=(moment_of(week) + dt.timedelta(days=6)).date())
        shown = {kind: share.rows(kind) for kind in WORKBOOKS}
        for department in departments:
            own = [
                [text.replace(f"{department.place}-", "") for text in row]
                for row in shown[department.kind]
                if any(text.startswith(f"{department.place}-") for text in row)
            ]
            department.loaded.append(sorted(map(tuple, own)))
            department.told.append(_told(status, department))


def _told(status: dict[str, Any], department: Department) -> dict[str, set[str]]:
    """By word, what the status says of a department: that its files are held, gone, … or what they changed."""
    words = {
        word: {repr(file) for file in status[word] if department.is_of(file.get("path") or file.get("name") or "")}
        for word in ("held", "gone", "sent_back", "missing", "unclaimed")
    }
    changes = {file["says"] for file in status["changes"] if file["of_known_rows"] and department.is_of(file["path"])}
    return {word: said for word, said in (words | {"changes": changes}).items() if said}


@pytest.fixture(scope="module")
def departments(tmp_path_factory: pytest.TempPathFactory, database_url: str) -> Iterator[dict[str, Department]]:
    """Every department after its weeks, by name; of a scenario `twin` and `fault`, of an ordinary one itself."""
    folder, package = tmp_path_factory.mktemp("over time"), "shelves_over_time"
    shelves = folder / package / "workbooks"
    shelves.mkdir(parents=True)
    for place in (shelves, shelves.parent):
        (place / "__init__.py").touch()
    for kind in WORKBOOKS:
        (shelves / f"acme_{kind}.py").write_text(shelf(kind))
    (folder / "share").mkdir()
    made: dict[str, Department] = {}
    for number, (name, scenario) in enumerate(SCENARIOS.items()):
        alike = next((one for one in made.values() if one.weeks == scenario.twin), None)
        made[f"twin of {name}"] = alike or Department(scenario.kind, f"t{number:03}", scenario.twin)
        made[f"fault of {name}"] = Department(scenario.kind, f"f{number:03}", scenario.fault)
    for number, (name, (kind, weeks)) in enumerate(ORDINARY.items()):
        made[name] = Department(kind, f"o{number:03}", weeks)
    sys.path.insert(0, str(folder))
    settings = Settings(
        home=folder / "home", share=folder / "share", database_url=emptied(database_url), shelves=(package,)
    )
    ctx = open_context(settings)
    assert not ctx.catalog.faults
    with Sandbox(packages=(package,)) as reader:
        every = {department.place: department for department in made.values()}
        run(Share(ctx, reader, tmp_path_factory.mktemp("outside")), list(every.values()))
    yield made
    sys.path.remove(str(folder))


@pytest.mark.parametrize("name", SCENARIOS)
def test_what_is_loaded_is_what_the_twin_has_or_somebody_is_told(departments: dict[str, Department], name: str) -> None:
    twin, fault = departments[f"twin of {name}"], departments[f"fault of {name}"]
    for week in range(SCENARIOS[name].judged_from, WEEKS):
        told = fault.told[week]
        asked = told.keys() - {"changes"} if SCENARIOS[name].asked else told
        assert fault.loaded[week] == twin.loaded[week] or asked, f"week {week}: a wrong number, and no word to anybody"
    assert not any(told.keys() - {"changes"} for told in twin.told)
    if SCENARIOS[name].right_in_the_end:
        assert (fault.loaded[-1], fault.told[-1].keys() - {"changes"}) == (twin.loaded[-1], set())


@pytest.mark.parametrize("name", ORDINARY)
def test_nobody_is_asked_about_an_ordinary_sequence(departments: dict[str, Department], name: str) -> None:
    department = departments[name]
    assert [told.keys() - {"changes"} for told in department.told] == [set()] * WEEKS
    assert department.loaded[-1]
