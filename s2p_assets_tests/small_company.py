"""A company small enough to be processed in seconds, in processes of its own: shelves, share, runs, what stands after.

What it is put through belongs to the tests.
"""

import datetime as dt
import json
import os
import re
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openpyxl
import psutil
import psycopg
import pytest
from psycopg import sql

from s2p_assets.warehouse.server import embedded
from s2p_assets.warehouse.server.connection import connect
from s2p_assets_tests.warm_commands import warm_commands

TIMES = ("seen_at", "sent_at", "sent_to")
"""Columns that differ from run to run: when files were seen, and whom a message had reached by then."""
PATIENCE_SECONDS = 240
DROPPED = dt.datetime(2026, 1, 5, 8, tzinfo=dt.UTC).timestamp()

SHELVES = {
    "workbooks/acme_orders.py": '''"""ACME's orders."""

from s2p_assets import Code, Date, Integer, Money, Row, Workbook, column


class Order(Row):
    """An article ordered."""

    order_no: Code = column("Order no.", description="The number of the order")
    article: Code = column("Article", description="The article's number")
    quantity: Integer = column("Quantity", description="Pieces ordered", ge=1)
    price: Money = column("Price", description="Price of one piece", ge=0)
    ordered: Date = column("Ordered", description="Day of the order")


orders = Workbook(
    rows=Order, path="orders/**/*.xlsx", owner="sales@example.com", key=("order_no",), max_reject_rate=0.4
)
''',
    "workbooks/acme_articles.py": '''"""ACME's articles."""

from s2p_assets import Code, Row, Text, Workbook, column


class Article(Row):
    """An article."""

    article: Code = column("Article", description="The article's number")
    called: Text = column("Name", description="What it is called")


articles = Workbook(rows=Article, path="articles/*.xlsx", owner="sales@example.com", key=("article",))
''',
    "tables/acme_revenue.py": '''"""ACME's revenue by article."""

import pandas as pd

from s2p_assets import Code, Integer, Money, Row, Text, column, table


class Revenue(Row):
    """An article's revenue."""

    article: Code = column(description="The article's number", derived_from="orders.article")
    called: Text = column(description="What it is called", nullable=True, derived_from="articles.called")
    quantity: Integer = column(description="Pieces ordered", derived_from="orders.quantity")
    revenue: Money = column(description="What they brought in", derived_from=("orders.quantity", "orders.price"))


@table(rows=Revenue, key=("article",), owner="sales@example.com")
def revenue(orders: pd.DataFrame, articles: pd.DataFrame) -> pd.DataFrame:
    """What each article brought in: one row per article ordered."""
    lines = orders.assign(revenue=orders["quantity"] * orders["price"])
    sums = lines.groupby("article", as_index=False)[["quantity", "revenue"]].sum()
    return sums.merge(articles, on="article", how="left")[["article", "called", "quantity", "revenue"]]
''',
    "reports/acme_takings.py": '''"""ACME's takings."""

import datetime as dt

import pandas as pd

from s2p_assets import Document, Figure, ReportColumn, Section, report


@report(title="Takings", owner="sales@example.com")
def takings(revenue: pd.DataFrame) -> Document:
    """What was taken in, by article."""
    total = float(revenue["revenue"].sum())
    columns = (ReportColumn("article", "Article", "code"), ReportColumn("revenue", "Revenue", "money"))
    return Document(
        title="Takings",
        as_of=dt.date(2026, 1, 31),
        headline=f"{total:.2f} taken in",
        figures=(Figure("Taken in", total, "money"),),
        sections=(Section("By article", "Each article.", revenue, columns),),
    )
''',
}


@dataclass(frozen=True)
class Answer:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.err.strip().splitlines()

    @property
    def text(self) -> str:
        return f"exit {self.code}\n{self.out}\n{self.err}"


@dataclass(frozen=True)
class SmallCompany:
    """Its folder: `home`, `share` and the shelf package `small_shelves`."""

    folder: Path
    url: str | None = None

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def share(self) -> Path:
        return self.folder / "share"

    @property
    def environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("S2P_", "DAGSTER_"))}
        own = {"S2P_HOME": str(self.home), "S2P_SHARE": str(self.share), "S2P_SHELVES": "small_shelves"}
        temporary = self.folder / "tmp"
        temporary.mkdir(exist_ok=True)
        own |= {"PYTHONPATH": os.pathsep.join([str(self.folder), *sys.path]), "TMPDIR": str(temporary)}
        return inherited | own | ({"S2P_DATABASE_URL": self.url} if self.url else {})

    def start(self, *words: str, **changed: Any) -> "subprocess.Popen[str]":
        """A command in a process group of its own; `changed`: further arguments of Popen, `env` on top of ours."""
        environment = self.environment | changed.pop("env", {})
        return subprocess.Popen(
            [sys.executable, "-m", "s2p_assets.cli", *(words or ("run",))],
            **{"env": environment, "cwd": self.folder, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
            | {"text": True, "start_new_session": True}
            | changed,
        )

    def run(self, *words: str, **changed: Any) -> Answer:
        """A command to its end; in a process that begins warm, unless Popen is to be told more than the environment."""
        if changed.keys() - {"env"}:
            return answer(self.start(*words, **changed))
        environment = self.environment | changed.get("env", {})
        return Answer(*warm_commands().run(words or ("run",), environment, self.folder, PATIENCE_SECONDS))

    @contextmanager
    def database(self) -> Iterator[psycopg.Connection]:
        """A connection to its database, which is started where necessary."""
        folder = self.home / "postgres"
        with connect(self.url or embedded.start_server(folder)) as connection:
            yield connection
        if not self.url:
            embedded.release_server(folder)

    def servers(self) -> list[psutil.Process]:
        """The processes of its embedded PostgreSQL."""
        return [process for process in psutil.process_iter() if self._is_its_server(process)]

    def _is_its_server(self, process: psutil.Process) -> bool:
        try:
            return process.name() == "postgres" and Path(process.cwd()) == self.home / "postgres/data"
        except psutil.Error:
            return False

    def state(self) -> dict[str, Any]:
        """All that people and programs see of it, without ids, times and folders."""
        with self.database() as connection:
            tables = {name: _content(connection, name) for name in _tables(connection)}
            ledger = connection.execute(
                "select workbook, path, sha256, verdict, status, is_loaded, rows_read, rows_accepted, "
                "rows_returned, error"
                " from s2p.files where status <> 'replaced' order by workbook, path"
            ).fetchall()
        return {"tables": tables, "ledger": ledger, "files": self._published()}

    def _published(self) -> dict[str, str]:
        """What lies in s2p's own folders on the share, with its text where that is the same in every run."""
        found = {}
        for folder in ("s2p-returned", "s2p-reports"):
            for file in sorted((self.share / folder).rglob("*")):
                if file.is_file():
                    found[str(file.relative_to(self.share))] = _shown(file)
        return found

    def left_over(self) -> list[str]:
        """Unfinished files that lie about: in the home, on the share, in the temporary folder."""
        homes = (file for file in self.home.rglob("*") if not file.is_relative_to(self.home / "postgres"))
        places = [*homes, *self.share.rglob("*"), *(self.folder / "tmp").rglob("*")]
        unfinished = re.compile(r"/incoming/.|/\.draft-|\.tmp$|/\.s2p-|\.draft\.|/tmp/s2p-|/spool/.|data\.new")
        return sorted(str(place) for place in places if unfinished.search(str(place.relative_to(self.folder.parent))))


def answer(process: "subprocess.Popen[str]") -> Answer:
    """How it ends. Its whole group is killed when it takes too long."""
    try:
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        kill(process)
        raise
    return Answer(process.returncode, out, err)


def kill(process: "subprocess.Popen[str]") -> None:
    """SIGKILL for the process and everything that it started, except its PostgreSQL, which stands apart."""
    with suppress(psutil.NoSuchProcess):
        for child in psutil.Process(process.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                if child.name() != "postgres" and "postgres_supervisor.py" not in " ".join(child.cmdline()):
                    child.kill()
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def build(folder: Path, url: str | None = None) -> SmallCompany:
    """A company in `folder`: its shelves, and a share of a dozen workbooks."""
    company = SmallCompany(folder, url)
    for name, source in SHELVES.items():
        file = folder / "small_shelves" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        for package in (file.parent, file.parent.parent):
            (package / "__init__.py").touch()
        file.write_text(source)
    fill(company)
    return company


def fill(company: SmallCompany, orders: int = 10) -> None:
    """Ten files of orders, of which two claim the same keys, one has a bad row and one is bad; two of articles."""
    header = ["Article", "Name"]
    save(company.share / "articles/Lamps.xlsx", [header, ["L-1", "Lamp"], ["L-2", "Bulb"]], 1)
    save(company.share / "articles/Chairs.xlsx", [header, ["C-1", "Chair"], ["C-2", "=1+1"], [None, None]], 2)
    for number in range(orders):
        save(company.share / f"orders/Orders {number:02}.xlsx", order_rows(number), 10 + number)
    some_bad = order_rows(90)
    some_bad[3][2] = "a few"
    save(company.share / "orders/Some bad.xlsx", some_bad, 50)
    all_bad = order_rows(91)
    for row in all_bad[1:]:
        row[3] = "n/a"
    save(company.share / "orders/All bad.xlsx", all_bad, 51)
    save(company.share / "orders/Again.xlsx", order_rows(0, quantity=7), 60)


def order_rows(number: int, quantity: int = 2) -> list[list[Any]]:
    """A header and eight orders whose numbers belong to file `number`."""
    header: list[Any] = ["Order no.", "Article", "Quantity", "Price", "Ordered"]
    articles = ("L-1", "L-2", "C-1")
    day = dt.date(2026, 1, 1) + dt.timedelta(days=number % 28)
    return [header, *([f"{number}-{line}", articles[line % 3], quantity, 9.95 + line, day] for line in range(8))]


def save(file: Path, rows: list[list[Any]], hours: int = 0) -> Path:
    """A workbook with these rows, put on the share in one piece `hours` after the others began to be."""
    book = openpyxl.Workbook()
    for row in rows:
        book.worksheets[0].append(row)
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_name(f"~{file.name}.tmp")
    book.save(beside)
    os.utime(beside, (DROPPED + 3600 * hours, DROPPED + 3600 * hours))
    beside.replace(file)
    return file


def one_line(ended: Answer) -> str:
    """The only line on stderr."""
    assert len(ended.lines) == 1, ended.text
    return ended.lines[0]


def paths(company: SmallCompany, part: str) -> list[str]:
    """The paths of files with `part` in their names whose rows stand."""
    ledger = company.state()["ledger"]
    return [path for _, path, _, _, _, holds, *_ in ledger if part in path and holds]


def wait_until(happens: Callable[[], bool], process: "subprocess.Popen[str]") -> None:
    """Return at once when it happens; a process that ended before is a failed test."""
    while not happens():
        assert process.poll() is None, answer(process).text
        time.sleep(0.002)


def archived(company: SmallCompany) -> int:
    return sum(1 for _ in (company.home / "archive").glob("??/*"))


@contextmanager
def mounted(place: Path, *options: str) -> Iterator[None]:
    """Something mounted at `place`; the test is skipped where that is not allowed."""
    place.mkdir(exist_ok=True) if not place.exists() else None
    done = subprocess.run(["mount", *options, str(place)], check=False, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"needs the right to mount: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


@contextmanager
def read_only(place: Path) -> Iterator[None]:
    """`place` cannot be written, not even by root."""
    with mounted(place, "--bind", str(place)):
        subprocess.run(["mount", "-o", "remount,bind,ro", str(place)], check=True)
        yield


@contextmanager
def unreadable(file: Path) -> Iterator[None]:
    """`file` cannot be read, not even by root: reading the start of a process's memory is an I/O error."""
    if os.geteuid():
        file.chmod(0)
        yield
        file.chmod(0o644)
    else:
        with mounted(file, "--bind", "/proc/1/mem"):
            yield


def new_database(url: str, name: str) -> str:
    """The address of a new database on the server of `url`."""
    with connect(url) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    return f"postgresql://postgres@:5432/{name}?{url.partition('?')[2]}"


def _tables(connection: psycopg.Connection) -> list[str]:
    query = "select tablename from pg_tables where schemaname = 'acme' order by 1"
    return [str(name) for (name,) in connection.execute(query)]


def _content(connection: psycopg.Connection, table: str) -> list[tuple[Any, ...]]:
    """The rows of a table as text, sorted; ledger ids as the paths they stand for."""
    query = "select column_name from information_schema.columns where table_schema = 'acme' and table_name = %s"
    columns = sorted(str(name) for (name,) in connection.execute(query, (table,)) if name not in TIMES)
    path = sql.SQL("(select f.path from s2p.files f where f.id = t.{0})")
    shown = [
        path.format(sql.Identifier(name))
        if name in ("_file", "_superseded_by", "file")
        else sql.SQL("t.{}::text").format(sql.Identifier(name))
        for name in columns
    ]
    order = sql.SQL(", ").join(sql.SQL(str(place + 1)) for place in range(len(shown)))
    place = sql.Identifier("acme", table)
    whole = sql.SQL("select {} from {} t order by {}").format(sql.SQL(", ").join(shown), place, order)
    return connection.execute(whole).fetchall()


def _shown(file: Path) -> str:
    if file.suffix == ".xlsx":
        with zipfile.ZipFile(file) as book:
            assert book.testzip() is None
            return f"{len(book.namelist())} parts"
    if file.name == "edition.json":
        return str(json.loads(file.read_text())["headline"])
    return "integer" if file.stat().st_size else "empty"
