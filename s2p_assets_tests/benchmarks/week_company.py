"""A made-up company for the week in an hour: shelves for each owner, the files of a week, and what is wrong with them.

What it is put through is in `week.py`.
"""

import datetime as dt
import io
import os
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import xlsxwriter

ENGINEERS = "it@example.com"
OWNERS_OF_A_DOMAIN = 10
ROWS, DAYS_LOADED = 12, 16
FIRST_DAY = dt.date(2026, 3, 2)
HEADER = ["Order no.", "Article", "Quantity", "Price", "Ordered"]
ARTICLES = ("L-1", "L-2", "C-1", "C-2", "S-1")
BOOM = "E-BOOM"
"""An article on which the table of its domain fails."""

WORKBOOK = '''"""What {owner} sends."""

from s2p_assets import Code, Date, Integer, Money, Row, Workbook, column


class Order(Row):
    """An article ordered."""

    order_no: Code = column("Order no.", description="The number of the order")
    article: Code = column("Article", description="The article's number")
    quantity: Integer = column("Quantity", description="Pieces ordered", ge=1)
    price: Money = column("Price", description="Price of one piece", ge=0)
    ordered: Date = column("Ordered", description="Day of the order")


{name} = Workbook(
    rows=Order,
    path="{owner}/**/*.xlsx",
    owner="{owner}@example.com",
    key=("order_no",),
    max_reject_rate={rate},
    {schedule}
)
'''
TABLE = '''"""What a part of the company took in."""

import pandas as pd

from s2p_assets import Code, Integer, Money, Row, column, table


class Takings(Row):
    """An article's takings."""

    article: Code = column(description="The article's number", derived_from={articles})
    quantity: Integer = column(description="Pieces ordered", derived_from={quantities})
    revenue: Money = column(description="What they brought in", derived_from={revenues})


@table(rows=Takings, key=("article",), owner="{domain}@example.com")
def takings({inputs}) -> pd.DataFrame:
    """What each article brought in: one row per article ordered."""
    lines = pd.concat([{names}])
    if (lines["article"] == "{boom}").any():
        raise ValueError("the article {boom} is unknown to finance")
    lines = lines.assign(revenue=lines["quantity"] * lines["price"])
    return lines.groupby("article", as_index=False)[["quantity", "revenue"]].sum()
'''
REPORT = '''"""The takings of a part of the company."""

import datetime as dt

import pandas as pd

from s2p_assets import Document, Figure, ReportColumn, Section, report


@report(title="Takings of {domain}", owner="{domain}@example.com")
def overview(takings: pd.DataFrame) -> Document:
    """What was taken in, by article."""
    total = float(takings["revenue"].sum())
    columns = (ReportColumn("article", "Article", "code"), ReportColumn("revenue", "Revenue", "money"))
    return Document(
        title="Takings of {domain}",
        as_of=dt.date(2026, 3, 31),
        headline=f"{{total:.2f}} taken in",
        figures=(Figure("Taken in", total, "money"),),
        sections=(Section("By article", "Each article.", takings, columns),),
    )
'''


@dataclass(frozen=True)
class Told:
    """What somebody must hear, once: a mail to `recipient` with all of `words` on a line, after the burst."""

    recipient: str
    words: tuple[str, ...]


Deed = Literal["put", "remove"]


@dataclass(frozen=True)
class Step:
    """One thing that somebody does on the share: a file put there, or taken away."""

    deed: Deed
    path: str
    content: bytes = b""
    saved: float = 0.0


@dataclass
class Burst:
    """What is done within a part of a day, and who must hear of what because of it."""

    day: int
    steps: list[Step] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)


@dataclass(frozen=True)
class Size:
    """How large the company is, and how many bursts a day has."""

    files: int
    owners: int
    days: int
    bursts: int

    @property
    def domains(self) -> list[str]:
        return sorted({domain_of(owner) for owner in range(self.owners)})


def domain_of(owner: int) -> str:
    return f"part{owner // OWNERS_OF_A_DOMAIN + 1}"


def owner_name(owner: int) -> str:
    return f"owner{owner + 1:02}"


def write_shelves(folder: Path, size: Size) -> None:
    """A contract for each owner, a table and a report for each ten of them."""
    files: dict[str, str] = {}
    for owner in range(size.owners):
        name = owner_name(owner)
        schedule = 'every="day", by="2 days", dated_by="ordered",' if owner == 0 else ""
        rate = 0.4 if owner % 2 else 0.0
        text = WORKBOOK.format(owner=name, name=name, rate=rate, schedule=schedule)
        files[f"workbooks/{domain_of(owner)}_{name}.py"] = text
    for domain in size.domains:
        books = [owner_name(owner) for owner in range(size.owners) if domain_of(owner) == domain]

        def columns(*named: str, books: list[str] = books) -> str:
            return repr(tuple(f"{book}.{one}" for book in books for one in named))

        files[f"tables/{domain}_takings.py"] = TABLE.format(
            domain=domain,
            boom=BOOM,
            articles=columns("article"),
            quantities=columns("quantity"),
            revenues=columns("quantity", "price"),
            inputs=", ".join(f"{book}: pd.DataFrame" for book in books),
            names=", ".join(books),
        )
        files[f"reports/{domain}_overview.py"] = REPORT.format(domain=domain)
    for name, source in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        for package in (file.parent, file.parent.parent):
            (package / "__init__.py").touch()
        file.write_text(source)


Rows = list[list[Any]]


class Week:
    """The bursts of a week, by a seed: good files, one fault after the other, and each corrected in the next burst."""

    def __init__(self, size: Size, seed: int) -> None:
        self.size, self.random = size, random.Random(seed)
        self.bursts = [Burst(day) for day in range(size.days) for _ in range(size.bursts)]
        self.clock = dt.datetime(FIRST_DAY.year, FIRST_DAY.month, FIRST_DAY.day, 8, tzinfo=dt.UTC).timestamp()
        self.number = 0
        self.faults: dict[str, int] = {}
        self._make()

    def _make(self) -> None:
        kinds = [
            *(self._bad_cell, self._no_column, self._damaged, self._no_workbook, self._empty, self._half_gone),
            *(self._conflicted, self._unclaimed, self._gone, self._fails),
        ]
        faults = max(self.size.files // 10, len(kinds))
        places = len(self.bursts) - 1  # what comes back in the last one could not be corrected
        self._late(self.bursts[0])
        for fault in range(faults):
            at = fault * places // faults
            kinds[fault % len(kinds)](at, fault % self.size.owners)
        for good in range(left := self.size.files - self.number):
            self._put(self.bursts[good * len(self.bursts) // left], good % self.size.owners, "Orders", self._rows())
        for burst in self.bursts:  # corrections come first, as the people who make them heard of them before
            burst.steps.sort(key=lambda step: step.saved)

    def _rows(self, count: int = ROWS) -> Rows:
        self.number += 1
        when = FIRST_DAY + dt.timedelta(days=self.number % 28)
        lines = [
            [f"{self.number}-{line}", self.random.choice(ARTICLES), self.random.randint(1, 9), 9.95 + line, when]
            for line in range(count)
        ]
        return [HEADER, *lines]

    def _put(self, burst: Burst, owner: int, name: str, rows: Rows | bytes, folder: str | None = None) -> str:
        path = f"{folder or owner_name(owner)}/{name} {self.number:04}.xlsx"
        return self._save(burst, path, rows)

    def _save(self, burst: Burst, path: str, rows: Rows | bytes) -> str:
        self.clock += 7.0
        content = rows if isinstance(rows, bytes) else workbook(rows)
        burst.steps.append(Step("put", path, content, self.clock))
        return path

    def _fault(self, kind: str, at: int, recipients: list[str], *words: str) -> None:
        self.faults[kind] = self.faults.get(kind, 0) + 1
        self.bursts[at].told += [Told(recipient, words) for recipient in recipients]

    def _comes_back(self, kind: str, at: int, owner: int, content: Rows | bytes, good: Rows) -> None:
        path = self._put(self.bursts[at], owner, kind.capitalize(), content)
        self._fault(kind, at, [mail_of(owner)], Path(path).name)
        self._save(self.bursts[at + 1], path, good)

    def _bad_cell(self, at: int, owner: int) -> None:
        good = self._rows()
        bad = [list(row) for row in good]
        bad[3][3] = "n/a"
        self._comes_back("bad cell", at, owner, bad, good)

    def _no_column(self, at: int, owner: int) -> None:
        good = self._rows()
        self._comes_back("no column", at, owner, [[*row[:3], row[4]] for row in good], good)

    def _damaged(self, at: int, owner: int) -> None:
        good = self._rows()
        whole = workbook(good)
        self._comes_back("damaged", at, owner, whole[: len(whole) // 2], good)

    def _no_workbook(self, at: int, owner: int) -> None:
        self._comes_back("no workbook", at, owner, b"Dear all, the numbers will follow.\n" * 20, self._rows())

    def _empty(self, at: int, owner: int) -> None:
        good = self._rows()
        self._comes_back("empty", at, owner, [["Notes"], [None], ["to be done"]], good)

    def _half_gone(self, at: int, owner: int) -> None:
        """Saved without most of its rows, by mistake: held, and saved anew as it was."""
        good = self._rows(count=20)
        before = max(at - 1, 0)
        path = self._put(self.bursts[before], owner, "Cut", good)
        at = max(at, 1)
        if at + 1 >= len(self.bursts):
            return
        self._save(self.bursts[at], path, good[:4])
        self._fault("cut off", at, [mail_of(owner), ENGINEERS], Path(path).name)
        self._save(self.bursts[at + 1], path, good)

    def _conflicted(self, at: int, owner: int) -> None:
        """What a sync program made of two people's work: held, until one of them takes it away."""
        good = self._rows()
        path = self._put(self.bursts[at], owner, "Shared", good)
        copy = path.replace(".xlsx", " (conflicted copy).xlsx")
        other = [list(row) for row in good]
        other[2][2] += 1
        self._save(self.bursts[at], copy, other)
        self._fault("conflicted copy", at, [mail_of(owner), ENGINEERS], Path(copy).name)
        self.bursts[at + 1].steps.append(Step("remove", copy))

    def _unclaimed(self, at: int, owner: int) -> None:
        path = self._put(self.bursts[at], owner, "Astray", self._rows(), folder="misc")
        self._fault("unclaimed", at, [ENGINEERS], path)
        self.bursts[at + 1].steps.append(Step("remove", path))

    def _gone(self, at: int, owner: int) -> None:
        """Taken away by mistake, and put back."""
        good = self._rows()
        before, at = max(at - 1, 0), max(at, 1)
        if at + 1 >= len(self.bursts):
            return
        path = self._put(self.bursts[before], owner, "Lost", good)
        self.bursts[at].steps.append(Step("remove", path))
        self._fault("gone", at, [mail_of(owner), ENGINEERS], Path(path).name)
        self._save(self.bursts[at + 1], path, good)

    def _fails(self, at: int, owner: int) -> None:
        """Of each domain once, as what fails stays the same matter: an article on which its table fails."""
        domain, at = domain_of(owner), max(at, 1)  # what was never made is not held back
        if f"fails {domain}" in self.faults or at + 1 >= len(self.bursts):
            return
        good = self._rows()
        bad = [list(row) for row in good]
        bad[1][1] = BOOM
        path = self._put(self.bursts[at], owner, "Unknown", bad)
        self._fault(f"fails {domain}", at, [ENGINEERS], f"{domain}/takings could not be made")
        self._fault(f"held back {domain}", at, [f"{domain}@example.com"], f"Takings of {domain} cannot be renewed")
        self._save(self.bursts[at + 1], path, good)

    def _late(self, burst: Burst) -> None:
        """One sender owes a file for each day; today by the real clock, as that is what decides."""
        today = dt.datetime.now().astimezone().date()
        days = [today - dt.timedelta(days=back) for back in range(DAYS_LOADED, 0, -1)]
        late = days[DAYS_LOADED // 2]
        rows = self._rows(count=DAYS_LOADED)
        for row, day in zip(rows[1:], days, strict=True):
            row[4] = day
        self._put(burst, 0, "Daily", [row for row in rows if row[4] != late])
        self._fault("late", 0, [mail_of(0)], f"{late.day} {late:%B %Y} has not come")
        self._put(self.bursts[1], 0, "Daily", [HEADER, rows[1 + DAYS_LOADED // 2]])


def mail_of(owner: int) -> str:
    return f"{owner_name(owner)}@example.com"


def workbook(rows: Rows) -> bytes:
    """The bytes of a workbook with these rows, written once and delivered to both companies."""
    held = io.BytesIO()
    with xlsxwriter.Workbook(held, {"in_memory": True, "default_date_format": "yyyy-mm-dd"}) as book:
        sheet = book.add_worksheet()
        for place, row in enumerate(rows):
            sheet.write_row(place, 0, row)
    return held.getvalue()


def take_steps(share: Path, steps: list[Step]) -> None:
    """Do on the share what a burst has, each file in one piece."""
    for step in steps:
        file = share / step.path
        if step.deed == "remove":
            file.unlink(missing_ok=True)
            continue
        file.parent.mkdir(parents=True, exist_ok=True)
        beside = file.with_name(f"~{file.name}.tmp")
        beside.write_bytes(step.content)
        os.utime(beside, (step.saved, step.saved))
        beside.replace(file)
