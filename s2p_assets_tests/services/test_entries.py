"""Rows that people enter: recorded under the contract, found by their person, taken back, and beside dropped files."""

import datetime as dt
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlsxwriter

from s2p_assets.catalog.catalog import key_of
from s2p_assets.cli.printing.traces import trace_lines
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.services.as_of import open_as_of
from s2p_assets.services.context import Context, open_context
from s2p_assets.services.entries.recording import EntryTerms, Recorded, record
from s2p_assets.services.entries.rows import EntryRefused, EtagMissing, RowChange, RowChanged
from s2p_assets.services.entries.standing import settle_entries
from s2p_assets.services.entries.telling import cell_changes, entries_of, row_changes
from s2p_assets.services.entries.undoing import Undoing, UndoTerms, preview_undo, release, undo
from s2p_assets.services.errors import NotFound
from s2p_assets.services.held_files import accept_file
from s2p_assets.services.ingest import ingest, store_ingest
from s2p_assets.services.messages.entry_matters import lapsed_matters, overwritten_matters
from s2p_assets.services.status import forget_file, read_status
from s2p_assets.services.trace import trace_table
from s2p_assets.settings import Settings
from s2p_assets.spreadsheet.sandbox import Sandbox
from s2p_assets.warehouse.tables.current_rows import row_etag, rows_with_keys

SHELVES = {
    "desk_articles": '''"""Articles."""

from s2p_assets import Boolean, Code, Date, Integer, Money, Percent, Row, Text, Timestamp, Workbook, column


class Article(Row):
    """An article."""

    article: Code = column("Article no.", "Article", description="Its number", width=4)
    called: Text = column("Name", description="What it is called", nullable=True)
    price: Money = column("Price", description="Price of one", ge=0)
    rebate: Percent = column("Rebate", description="Rebate on it", nullable=True)
    pieces: Integer = column("Pieces", description="Pieces in a case", nullable=True)
    sold: Boolean = column("Sold", description="Whether it is sold", nullable=True)
    since: Date = column("Since", description="First day", nullable=True)
    seen: Timestamp = column("Seen", description="Last seen", nullable=True)
    ean: Code = column("EAN", description="Its bar code", nullable=True, unique=True)


articles = Workbook(rows=Article, path="articles/*.xlsx", owner="articles@example.com", key=("article",))
''',
    "desk_orders": '''"""Orders."""

from s2p_assets import Code, Integer, Row, Workbook, column


class Order(Row):
    """An order."""

    order_no: Code = column("Order", description="Its number")
    article: Code = column("Article", description="What is ordered", references="articles.article")
    pieces: Integer = column("Pieces", description="How many", ge=1)


orders = Workbook(rows=Order, path="orders/*.xlsx", owner="orders@example.com", key=("order_no",))
''',
    "desk_lines": '''"""Lines of the till, without a key."""

from s2p_assets import Code, Date, Integer, Row, Workbook, column


class Line(Row):
    """A line."""

    day: Date = column("Day", description="The day")
    article: Code = column("Article", description="What was sold")
    pieces: Integer = column("Pieces", description="How many")


lines = Workbook(rows=Line, path="lines/*.xlsx", owner="till@example.com")
''',
    "desk_weeks": '''"""Sales from one day to another."""

from s2p_assets import Code, Date, Integer, Row, Workbook, column


class Week(Row):
    """What was sold of an article in some days."""

    article: Code = column("Article", description="What was sold")
    first: Date = column("First", description="First day")
    last: Date = column("Last", description="Last day")
    pieces: Integer = column("Pieces", description="How many")


weeks = Workbook(
    rows=Week, path="weeks/*.xlsx", owner="till@example.com", key=("article", "first", "last"), spans=("first", "last")
)
''',
    "desk_plan": '''"""A plan with months across."""

from s2p_assets import Code, Date, Integer, Row, Workbook, column


class Plan(Row):
    """What is planned of an article in a month."""

    article: Code = column("Article", description="What is planned")
    month: Date = column(description="The month", from_header="month")
    pieces: Integer = column("Pieces", description="How many", melted=True)


plan = Workbook(rows=Plan, path="plan/*.xlsx", owner="plan@example.com", key=("article", "month"), sheets="Plan*")
''',
}
NOON = dt.datetime(2026, 5, 1, 12, tzinfo=dt.UTC)
ARTICLES = [
    ("Article no.", "Name", "Price", "Rebate", "Pieces", "Sold", "Since", "Seen", "EAN"),
    ("0001", "Lamp", 5.0, 0.25, 10, "yes", dt.date(2026, 1, 1), dt.datetime(2026, 1, 2, 3, 4), "401"),
    ("0002", "Bulb", 2.5, None, None, None, None, None, "402"),
    ("0003", "Chair", 19.95, None, 1, "no", None, None, None),
]


@dataclass
class Desk:
    """A company without Dagster: a share, a warehouse, and somebody who enters rows."""

    ctx: Context
    reader: Sandbox
    hours: int = field(default=0)
    lapsed: list[str] = field(default_factory=list)

    def book(self, name: str) -> Workbook:
        return self.ctx.catalog.workbooks[f"desk_{name}"]

    def drop(self, path: str, rows: Sequence[Sequence[Any]], *, at: dt.datetime | None = None, sheet: str = "") -> None:
        """Save a workbook an hour after the one before it, and take it."""
        self.hours += 1
        moment = at or NOON + dt.timedelta(hours=self.hours)
        file = self.ctx.settings.share / path
        file.parent.mkdir(parents=True, exist_ok=True)
        with xlsxwriter.Workbook(file, {"default_date_format": "yyyy-mm-dd hh:mm"}) as book:
            book.set_properties({"created": moment.replace(tzinfo=None)})
            page = book.add_worksheet(sheet or "Sheet")
            for number, row in enumerate(rows):
                page.write_row(number, 0, row)
        os.utime(file, (moment.timestamp(), moment.timestamp()))

    def take(self) -> dict[str, str]:
        """One look at the share: path → verdict of what was looked at."""
        verdicts: dict[str, str] = {}
        for workbook in self.ctx.catalog.workbooks.values():
            with self.ctx.warehouse.connect() as connection:
                taken = ingest(self.ctx, workbook, self.reader, progress=lambda _: None)
                assert [one.lost for one in taken.files if one.lost] == []
                store_ingest(connection, workbook, taken, "run")
                self.lapsed += settle_entries(self.ctx, connection, workbook)
                verdicts |= {one.path: one.verdict for one in taken.files} | dict.fromkeys(taken.gone, "gone")
        return verdicts

    def etag(self, name: str, **key: Any) -> str:
        with self.ctx.warehouse.connect() as connection:
            (found,) = rows_with_keys(connection, self.book(name), [key])
        assert found
        return found.etag

    def enter(self, name: str, *changes: RowChange, by: str = "ann@example.com", **terms: Any) -> Recorded:
        given = EntryTerms(by, terms.pop("reason", "a slip"), **terms)
        return record(self.ctx, self.reader, self.book(name), changes, given)

    def change(self, name: str, key: dict[str, Any], **values: Any) -> RowChange:
        """A change of a row as it is now."""
        return RowChange("change", values, key, self.etag(name, **key))

    def withdraw(self, name: str, **key: Any) -> RowChange:
        return RowChange("withdraw", {}, key, self.etag(name, **key))

    def undo(self, name: str, entry: str, **terms: Any) -> Undoing:
        given = UndoTerms("ben@example.com", "it was right before", **terms)
        return undo(self.ctx, self.reader, f"desk_{name}", entry, given)

    def rows(self, name: str, columns: str = "article, price::float8") -> list[tuple[Any, ...]]:
        with self.ctx.warehouse.connect() as connection:
            return connection.execute(f"select {columns} from desk.{name} order by 1, 2").fetchall()


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("shelves")
    shelf = folder / "desk_shelves/workbooks"
    shelf.mkdir(parents=True)
    for place in (shelf, shelf.parent):
        (place / "__init__.py").touch()
    for name, source in SHELVES.items():
        (shelf / f"{name}.py").write_text(source)
    sys.path.insert(0, str(folder))
    yield "desk_shelves"
    sys.path.remove(str(folder))
    for name in [name for name in sys.modules if name.partition(".")[0] == "desk_shelves"]:
        del sys.modules[name]  # the next module's lie elsewhere


@pytest.fixture(scope="module")
def reader() -> Iterator[Sandbox]:
    with Sandbox(packages=("desk_shelves",)) as sandbox:
        yield sandbox


@pytest.fixture
def desk(tmp_path: Path, empty_database_url: str, package: str, reader: Sandbox) -> Desk:
    share = tmp_path / "share"
    share.mkdir()
    settings = Settings(home=tmp_path / "home", share=share, database_url=empty_database_url, shelves=(package,))
    ctx = open_context(settings)
    assert not ctx.catalog.faults
    desk = Desk(ctx, reader)
    desk.drop("articles/All.xlsx", ARTICLES)
    assert desk.take()["articles/All.xlsx"] == "accepted"
    return desk


def test_a_change_is_stored_at_once_lies_on_the_share_and_nothing_is_read_or_gone_at_the_next_look(desk: Desk) -> None:
    done = desk.enter("articles", desk.change("articles", {"article": "0001"}, price=6.0))
    assert desk.rows("articles") == [("0001", 6.0), ("0002", 2.5), ("0003", 19.95)]
    assert (done.kind, done.made_by, done.reason) == ("entry", "ann@example.com", "a slip")
    assert done.rows[0].etag == desk.etag("articles", article="0001")
    assert "Price: 0001: 5 → 6" in done.says
    book = openpyxl.load_workbook(desk.ctx.settings.share / done.path)
    assert [cell.value for cell in book["Entered"][2]][:3] == ["0001", "Lamp", 6]
    assert "ann@example.com" in {cell.value for row in book["s2p entry"] for cell in row}
    assert desk.take() == {}
    assert desk.rows("articles")[0] == ("0001", 6.0)


def test_rows_are_added_changed_and_withdrawn_in_one_request(desk: Desk) -> None:
    new = RowChange("add", {"article": "0009", "price": 1, "since": "2026-03-01", "sold": True, "rebate": 0.1})
    done = desk.enter(
        "articles",
        desk.withdraw("articles", article="0003"),
        new,
        desk.change("articles", {"article": "0002"}, called="Bulb, warm", price=3),
    )
    assert [row.etag is None for row in done.rows] == [True, False, False]
    assert desk.rows("articles", "article, called, price::float8, since, sold, rebate") == [
        ("0001", "Lamp", 5.0, dt.date(2026, 1, 1), True, 0.25),
        ("0002", "Bulb, warm", 3.0, None, None, None),
        ("0009", None, 1.0, dt.date(2026, 3, 1), True, 0.1),
    ]
    again = desk.enter("articles", RowChange("add", {"article": "0003", "price": 20}))
    assert desk.rows("articles")[2] == ("0003", 20.0)
    assert again.rows[0].action == "add"


def test_what_nobody_gave_comes_back_as_it_was_in_every_type(desk: Desk) -> None:
    before = desk.rows("articles", "*")[0]
    desk.enter("articles", desk.change("articles", {"article": "0001"}, called="Lamp, red"))
    after = desk.rows("articles", "*")[0]
    assert after[2:9] == before[2:9]
    assert after[1] == "Lamp, red"


def test_every_finding_of_every_row_is_told_and_nothing_is_stored(desk: Desk) -> None:
    good = desk.change("articles", {"article": "0001"}, price=7)
    bad = RowChange("add", {"article": "0010", "price": "cheap", "pieces": 1.5})
    worse = desk.change("articles", {"article": "0002"}, price=-1)
    with pytest.raises(EntryRefused) as refused:
        desk.enter("articles", good, bad, worse)
    told = {(one.number, one.column) for one in refused.value.findings}
    assert told == {(1, "price"), (1, "pieces"), (2, "price")}
    assert desk.rows("articles")[0] == ("0001", 5.0)
    assert not (desk.ctx.settings.share / "s2p-entries").exists()
    with desk.ctx.warehouse.connect() as connection:
        assert connection.execute("select count(*) from s2p.files where entered is not null").fetchone() == (0,)
        assert connection.execute("select count(*) from s2p.entries").fetchone() == (0,)


@pytest.mark.parametrize(
    "change",
    [
        RowChange("add", {"colour": "red"}),
        RowChange("add", {}),
        RowChange("add", {"article": "0001", "price": 3}),
        RowChange("add", {"article": "0011", "price": 3, "ean": "402"}),
        RowChange("add", {"article": "0011", "price": 3, "called": "a\x00b"}),
        RowChange("add", {"article": "0011", "price": 3, "called": "x" * 40_000}),
        RowChange("change", {"price": 3}, {"article": "0001", "price": 5}, "x"),
        RowChange("change", {"price": 3}, {}, "x"),
        RowChange("withdraw", {"price": 3}, {"article": "0001"}, "x"),
    ],
)
def test_what_cannot_be_a_row_of_the_table_is_refused_in_words(desk: Desk, change: RowChange) -> None:
    with pytest.raises(EntryRefused) as refused:
        desk.enter("articles", change)
    assert refused.value.findings[0].message
    assert len(desk.rows("articles")) == 3


def test_a_key_is_not_changed(desk: Desk) -> None:
    with pytest.raises(EntryRefused, match="key is not changed"):
        desk.enter("articles", desk.change("articles", {"article": "0001"}, article="0077"))


def test_no_change_is_lost_between_two_people(desk: Desk) -> None:
    first, second = (desk.change("articles", {"article": "0001"}, **one) for one in ({"price": 6}, {"called": "Torch"}))
    desk.enter("articles", first)
    with pytest.raises(RowChanged) as late:
        desk.enter("articles", second, by="ben@example.com")
    now = late.value.rows[0]
    assert now
    assert (float(now.values["price"]), now.values["called"]) == (6.0, "Lamp")
    desk.enter("articles", RowChange("change", second.values, second.key, now.etag), by="ben@example.com")
    assert desk.rows("articles", "price::float8, called")[1] == (6.0, "Torch")
    with pytest.raises(EtagMissing):
        desk.enter("articles", RowChange("change", {"price": 1}, {"article": "0001"}))
    with pytest.raises(RowChanged):
        desk.enter("articles", RowChange("withdraw", {}, {"article": "7777"}, now.etag))


def test_an_entry_gives_way_to_a_newer_file_and_a_correction_holds(desk: Desk) -> None:
    desk.enter("articles", desk.change("articles", {"article": "0001"}, price=6))
    desk.enter("articles", desk.change("articles", {"article": "0002"}, price=3), kind="correction")
    later = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
    desk.drop("articles/All.xlsx", [*ARTICLES, ("0004", "Table", 99, None, None, None, None, None, None)], at=later)
    assert desk.take() == {"articles/All.xlsx": "accepted"}
    assert desk.rows("articles") == [("0001", 5.0), ("0002", 3.0), ("0003", 19.95), ("0004", 99.0)]
    assert desk.take() == {}


def test_a_newer_file_is_not_held_for_what_somebody_entered(desk: Desk) -> None:
    desk.enter("articles", desk.change("articles", {"article": "0001"}, price=50))
    later = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
    desk.drop("articles/Again.xlsx", ARTICLES, at=later)
    assert desk.take() == {"articles/Again.xlsx": "accepted"}
    assert desk.rows("articles")[0] == ("0001", 5.0)


def test_an_entry_wins_over_a_file_of_a_clock_that_is_ahead(desk: Desk) -> None:
    desk.drop(
        "articles/All.xlsx", [ARTICLES[0], ("0001", "Lamp", 5.5)], at=dt.datetime.now(dt.UTC) + dt.timedelta(days=2)
    )
    desk.ctx.settings.share.joinpath("articles/All.xlsx")
    desk.take()
    key = {"article": "0001"}
    desk.enter("articles", desk.change("articles", key, price=9))
    assert desk.rows("articles")[0] == ("0001", 9.0)


def test_a_row_of_a_wide_workbook_is_entered_with_its_period(desk: Desk) -> None:
    months = [dt.date(2026, month, 1) for month in (1, 2, 3)]
    desk.drop("plan/Plan.xlsx", [("Article", *months), ("0001", 10, 20, 30)], sheet="Plan 2026")
    assert desk.take() == {"plan/Plan.xlsx": "accepted"}
    key = {"article": "0001", "month": "2026-02-01"}
    change = RowChange("change", {"pieces": 25}, key, desk.etag("plan", article="0001", month=months[1]))
    desk.enter("plan", change, RowChange("add", {"article": "0002", "month": "2026-02-01", "pieces": 5}))
    assert [pieces for _, _, pieces in desk.rows("plan", "article, month, pieces")] == [10, 25, 30, 5]


def test_what_refers_to_nothing_is_refused_and_what_is_referred_to_is_asked_about(desk: Desk) -> None:
    with pytest.raises(EntryRefused, match="'0007' is not in the articles"):
        desk.enter("orders", RowChange("add", {"order_no": "1", "article": "0007", "pieces": 1}))
    desk.enter("orders", RowChange("add", {"order_no": "1", "article": "0003", "pieces": 1}))
    leaving = desk.withdraw("articles", article="0003")
    with pytest.raises(EntryRefused, match="1 row refers to '0003'") as asked:
        desk.enter("articles", leaving)
    assert asked.value.may_be_sure
    desk.enter("articles", leaving, sure=True)
    assert len(desk.rows("articles")) == 2


def test_days_that_would_count_twice_are_asked_about(desk: Desk) -> None:
    week = {"article": "0001", "first": "2026-03-02", "last": "2026-03-08", "pieces": 5}
    desk.enter("weeks", RowChange("add", week))
    with pytest.raises(EntryRefused, match="would count twice") as asked:
        desk.enter("weeks", RowChange("add", week | {"first": "2026-03-01", "last": "2026-03-09"}))
    assert asked.value.may_be_sure


def test_files_in_the_folder_of_entries_are_read_from_nowhere_but_the_archive(desk: Desk) -> None:
    done = desk.enter("articles", desk.change("articles", {"article": "0001"}, price=6))
    file = desk.ctx.settings.share / done.path
    book = openpyxl.load_workbook(file)
    book["Entered"]["C2"] = 999
    book.save(file)
    book.save(file.with_name("2026-01-01-000000-00000000.xlsx"))
    assert desk.take() == {}
    assert desk.rows("articles")[0] == ("0001", 6.0)
    book.save(desk.ctx.settings.share / "articles/Copied.xlsx")
    moment = NOON.timestamp()
    os.utime(desk.ctx.settings.share / "articles/Copied.xlsx", (moment, moment))
    assert desk.take() == {"articles/Copied.xlsx": "returned"}


TOMORROW = dt.timedelta(days=1)


def articles(**prices: float) -> list[Any]:
    """The price list with other prices, by article."""
    found: list[Any] = [ARTICLES[0]]
    for article, called, price, *rest in ARTICLES[1:]:
        found.append((article, called, prices.get(f"a{article}", price), *rest))
    return found


def test_what_an_undo_will_do_is_told_before_and_then_done(desk: Desk) -> None:
    done = desk.enter(
        "articles", desk.change("articles", {"article": "0001"}, price=6), desk.withdraw("articles", article="0002")
    )
    file = desk.ctx.settings.share / done.path
    told = preview_undo(desk.ctx, "desk_articles", done.name)
    assert [row.says for row in told.rows] == [
        "0001: price 6.0 → 5.0, as in articles/All.xlsx › Sheet › row 2",
        "0002: the row is shown again, as articles/All.xlsx › Sheet › row 3 has it",
    ]
    assert (desk.rows("articles")[0], file.exists()) == (("0001", 6.0), True)
    with pytest.raises(RowChanged):
        desk.undo("articles", done.name, version='"another"')
    desk.undo("articles", done.name, version=told.version)
    assert (desk.rows("articles"), file.exists()) == ([("0001", 5.0), ("0002", 2.5), ("0003", 19.95)], False)
    with pytest.raises(NotFound, match="it was undone"):
        desk.undo("articles", done.name)
    assert desk.take() == {}


def test_an_undo_of_some_rows_leaves_the_others(desk: Desk) -> None:
    done = desk.enter(
        "articles", *(desk.change("articles", {"article": one}, price=1) for one in ("0001", "0002", "0003"))
    )
    desk.undo("articles", done.name, numbers=[1])
    assert [price for _, price in desk.rows("articles")] == [1.0, 2.5, 1.0]
    assert len(openpyxl.load_workbook(desk.ctx.settings.share / done.path)["Entered"]["A"]) == 3
    assert desk.take() == {}
    desk.undo("articles", done.name)
    assert [price for _, price in desk.rows("articles")] == [5.0, 2.5, 19.95]


def test_an_undo_beneath_somebody_elses_entry_says_that_nothing_changes(desk: Desk) -> None:
    first = desk.enter("articles", desk.change("articles", {"article": "0001"}, price=6))
    second = desk.enter("articles", desk.change("articles", {"article": "0001"}, called="Torch"), by="ben@example.com")
    (row,) = preview_undo(desk.ctx, "desk_articles", first.name).rows
    assert row.says == f"0001: nothing changes, as {second.path} says what is shown"


def test_a_correction_is_of_one_cell_and_lapses_when_that_cell_changes(desk: Desk) -> None:
    done = desk.enter("articles", desk.change("articles", {"article": "0001"}, price=6), kind="correction")
    now = dt.datetime.now(dt.UTC)
    renamed = [ARTICLES[0], ("0001", "Lamp, red", *ARTICLES[1][2:]), *ARTICLES[2:]]
    desk.drop("articles/All.xlsx", renamed, at=now + TOMORROW)
    desk.take()
    assert desk.rows("articles", "called, price::float8")[0] == ("Bulb", 2.5)
    assert ("Lamp, red", 6.0) in desk.rows("articles", "called, price::float8")
    assert desk.lapsed == []
    desk.drop("articles/All.xlsx", articles(a0001=5.5), at=now + 2 * TOMORROW)
    desk.take()
    assert desk.rows("articles")[0] == ("0001", 5.5)
    assert desk.lapsed == ["0001: price was 5.0 and is 5.5 in articles/All.xlsx › Sheet › row 2"]
    assert not (desk.ctx.settings.share / done.path).exists()
    assert desk.take() == {}


def test_of_a_correction_of_two_cells_the_other_one_holds(desk: Desk) -> None:
    desk.enter("articles", desk.change("articles", {"article": "0001"}, price=6, pieces=12), kind="correction")
    desk.drop("articles/All.xlsx", articles(a0001=5.5), at=dt.datetime.now(dt.UTC) + TOMORROW)
    desk.take()
    assert desk.rows("articles", "price::float8, pieces")[1] == (5.5, 12)
    assert len(desk.lapsed) == 1
    desk.take()
    assert len(desk.lapsed) == 1


def test_corrections_on_top_of_each_other_keep_both_cells(desk: Desk) -> None:
    desk.enter("articles", desk.change("articles", {"article": "0001"}, price=6), kind="correction")
    with pytest.raises(EntryRefused, match="a correction holds this row"):
        desk.enter("articles", desk.change("articles", {"article": "0001"}, pieces=12))
    desk.enter("articles", desk.change("articles", {"article": "0001"}, pieces=12), kind="correction")
    desk.drop(
        "articles/All.xlsx",
        [ARTICLES[0], ("0001", "Torch", *ARTICLES[1][2:]), *ARTICLES[2:]],
        at=dt.datetime.now(dt.UTC) + TOMORROW,
    )
    desk.take()
    assert desk.rows("articles", "called, price::float8, pieces")[2] == ("Torch", 6.0, 12)


def test_a_correction_of_a_row_that_goes_lapses_and_a_released_one_shows_the_file(desk: Desk) -> None:
    gone = desk.enter("articles", desk.change("articles", {"article": "0003"}, price=1), kind="correction")
    held = desk.enter("articles", desk.withdraw("articles", article="0002"), kind="correction")
    desk.drop("articles/All.xlsx", ARTICLES[:3], at=dt.datetime.now(dt.UTC) + TOMORROW)
    desk.take()
    accept_file(desk.ctx, "articles/All.xlsx") if len(desk.rows("articles")) == 2 else None
    desk.take()
    assert [article for article, _ in desk.rows("articles")] == ["0001"]
    assert desk.lapsed == ["0003: the row that was corrected is in no file any more"]
    release(desk.ctx, desk.reader, "desk_articles", held.name, UndoTerms("ben@example.com", "it is sold again"))
    assert [article for article, _ in desk.rows("articles")] == ["0001", "0002"]
    told = {one["name"]: one["rows"][0]["ended_how"] for one in entries_of(desk.ctx, lambda _: True)}
    assert told == {gone.name: "lapsed", held.name: "released"}


def test_rows_without_a_key_are_added_and_withdrawn(desk: Desk) -> None:
    lines = [("Day", "Article", "Pieces"), *[(dt.date(2026, 2, day), "0001", 3) for day in (1, 1, 2)]]
    desk.drop("lines/May.xlsx", lines)
    desk.take()
    with desk.ctx.warehouse.connect() as connection:
        found = connection.execute("select _file, _sheet, _row from desk.lines where _row = 3").fetchone()
    assert found
    with pytest.raises(EntryRefused, match="has no key"):
        desk.enter("lines", RowChange("change", {"pieces": 4}, {}, row_etag(*found)))
    done = desk.enter(
        "lines",
        RowChange("withdraw", etag=row_etag(*found)),
        RowChange("add", {"day": "2026-02-03", "article": "0002", "pieces": 1}),
    )
    shown = [(dt.date(2026, 2, 1), "0001"), (dt.date(2026, 2, 2), "0001"), (dt.date(2026, 2, 3), "0002")]
    assert desk.rows("lines", "day, article") == shown
    with pytest.raises(RowChanged):
        desk.enter("lines", RowChange("withdraw", etag=row_etag(*found)))
    desk.drop("lines/May.xlsx", [*lines, (dt.date(2026, 2, 9), "0009", 3)], at=dt.datetime.now(dt.UTC) + TOMORROW)
    desk.take()
    assert desk.rows("lines", "day, article") == [*shown, (dt.date(2026, 2, 9), "0009")]
    desk.undo("lines", done.name, numbers=[0])
    assert desk.rows("lines", "day, article")[:2] == [shown[0], shown[0]]
    assert len(desk.rows("lines", "day, article")) == 5


def test_what_withdraws_a_line_that_its_file_lacks_by_now_lapses(desk: Desk) -> None:
    lines = [("Day", "Article", "Pieces"), *[(dt.date(2026, 2, day), f"000{day}", 3) for day in range(1, 9)]]
    desk.drop("lines/May.xlsx", lines)
    desk.take()
    with desk.ctx.warehouse.connect() as connection:
        found = connection.execute("select _file, _sheet, _row from desk.lines where _row = 3").fetchone()
    assert found
    desk.enter("lines", RowChange("withdraw", etag=row_etag(*found)))
    desk.drop("lines/May.xlsx", [lines[0], lines[1], *lines[3:]], at=dt.datetime.now(dt.UTC) + TOMORROW)
    desk.take()
    assert (len(desk.rows("lines", "day, article")), len(desk.lapsed)) == (7, 1)


def test_the_history_of_a_row_and_of_a_cell_says_who_when_and_why(desk: Desk) -> None:
    done = desk.enter("articles", desk.change("articles", {"article": "0001"}, price=6), reason="a slip of the pen")
    desk.enter("articles", desk.change("articles", {"article": "0001"}, called="Torch"), by="cy@example.com")
    desk.undo("articles", done.name)
    told = row_changes(desk.ctx, desk.book("articles"), {"article": "0001"})
    assert [(one.what, one.by) for one in told] == [
        ("undone", "ben@example.com"),
        ("change", "cy@example.com"),
        ("change", "ann@example.com"),
        ("file", "articles@example.com"),
    ]
    assert (told[2].why, told[2].changes, told[1].counts) == ("a slip of the pen", {"price": (5.0, 6.0)}, True)
    cell = cell_changes(desk.ctx, desk.book("articles"), {"article": "0001"}, "price")
    assert [one.what for one in cell] == ["undone", "change", "file"]
    assert cell[-1].values
    assert cell[-1].values["price"] == 5.0


def test_a_process_killed_after_storing_shows_its_workbook_at_the_next_look(desk: Desk) -> None:
    done = desk.enter("articles", desk.change("articles", {"article": "0001"}, price=6))
    file = desk.ctx.settings.share / done.path
    content = file.read_bytes()
    file.unlink()
    assert desk.take() == {}
    assert (file.read_bytes(), desk.rows("articles")[0]) == (content, ("0001", 6.0))
    desk.undo("articles", done.name)
    file.write_bytes(content)
    os.utime(file, ns=(0, 0))
    desk.take()
    assert not file.exists()


def test_what_stood_before_an_entry_and_before_its_undoing_is_known(desk: Desk) -> None:
    moments = [dt.datetime.now(dt.UTC)]
    done = desk.enter("articles", desk.change("articles", {"article": "0001"}, price=6), kind="correction")
    moments.append(dt.datetime.now(dt.UTC))
    desk.enter("articles", desk.withdraw("articles", article="0002"))
    moments.append(dt.datetime.now(dt.UTC))
    desk.undo("articles", done.name)
    then = []
    for moment in moments:
        with open_as_of(desk.ctx, moment, lambda _: None) as known:
            rows = known.of(key_of(desk.book("articles")))
            then.append(sorted(zip(rows["article"], rows["price"], strict=True)))
    assert [dict(one) for one in then] == [
        {"0001": 5.0, "0002": 2.5, "0003": 19.95},
        {"0001": 6.0, "0002": 2.5, "0003": 19.95},
        {"0001": 6.0, "0003": 19.95},
    ]


def test_a_trace_ends_at_the_person_and_at_the_cell_that_was_overridden(desk: Desk) -> None:
    desk.enter("articles", desk.change("articles", {"article": "0001"}, price=6), reason="a slip of the pen")
    desk.enter(
        "articles", desk.change("articles", {"article": "0001"}, pieces=12), by="ben@example.com", kind="correction"
    )
    where = {"article": "0001"}
    found = trace_table(desk.ctx, "desk_articles", where, ("price", "pieces"), most=None)
    file = found.rows[0].file
    assert file
    assert file.entered
    assert (file.entered.by, file.entered.kind, file.cells) == ("ben@example.com", "correction", {"pieces": "E2"})
    first = file.entered.over
    assert first
    assert first.entered
    assert (first.entered.by, first.entered.reason, first.cells) == (
        "ann@example.com",
        "a slip of the pen",
        {"price": "C2"},
    )
    source = first.entered.over
    assert source
    assert (source.path, source.cells, source.entered) == ("articles/All.xlsx", {"price": "C2", "pieces": "E2"}, None)
    said = [line for _, line in trace_lines(found)]
    assert any("a slip of the pen" in line and "entered by ann@example.com" in line for line in said)
    assert any("over articles/All.xlsx › Sheet › C2 = 5" in line for line in said)


def test_who_entered_something_and_the_owner_are_told_when_it_ends_by_itself(desk: Desk) -> None:
    began = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=1)
    desk.enter("articles", desk.change("articles", {"article": "0001"}, price=6), kind="correction")
    desk.enter("articles", desk.change("articles", {"article": "0002"}, price=3), by="token the till")
    desk.drop("articles/All.xlsx", articles(a0001=5.5), at=dt.datetime.now(dt.UTC) + TOMORROW)
    desk.take()
    with desk.ctx.warehouse.connect() as connection:
        (lapsed,) = lapsed_matters(desk.ctx, connection, began)
        (overwritten,) = overwritten_matters(desk.ctx, connection, began)
        assert overwritten_matters(desk.ctx, connection, dt.datetime.now(dt.UTC) + TOMORROW) == []
    assert (lapsed.owner, lapsed.to) == ("articles@example.com", ("ann@example.com",))
    assert "price was 5.0 and is 5.5 in articles/All.xlsx" in lapsed.title
    assert (overwritten.owner, overwritten.to) == ("articles@example.com", ())
    assert "articles/All.xlsx, which is newer, has 1 of its rows" in overwritten.title


def test_what_lies_in_the_folder_of_entries_by_hand_is_told(desk: Desk) -> None:
    done = desk.enter("articles", desk.change("articles", {"article": "0001"}, price=6))
    folder = desk.ctx.settings.entries
    (folder / "desk_articles/Mine.xlsx").write_bytes((folder.parent / done.path).read_bytes())
    (folder / "Loose.xlsx").write_bytes(b"x")
    (told,) = ([one["path"] for one in read_status(desk.ctx)["unclaimed"]],)
    assert sorted(told) == ["s2p-entries/Loose.xlsx", "s2p-entries/desk_articles/Mine.xlsx"]
    with pytest.raises(NotFound, match="s2p entries undo"):
        forget_file(desk.ctx, done.path)


def test_an_entry_is_read_again_for_a_new_contract_and_keeps_its_place(desk: Desk) -> None:
    done = desk.enter("articles", desk.change("articles", {"article": "0001"}, price=6), kind="correction")
    with desk.ctx.warehouse.connect() as connection:
        connection.execute("update s2p.files set contract_version = 'older'")
    assert desk.take() == {done.path: "accepted", "articles/All.xlsx": "accepted"}
    assert desk.rows("articles")[0] == ("0001", 6.0)
    assert desk.undo("articles", done.name).rows[0].then
    assert desk.rows("articles")[0] == ("0001", 5.0)


def test_two_people_at_once_one_of_them_is_told(desk: Desk) -> None:
    changes = [desk.change("articles", {"article": "0001"}, price=price) for price in (6, 7, 8, 9)]

    def enter(change: RowChange) -> str:
        try:
            desk.enter("articles", change)
        except RowChanged:
            return "late"
        return "stored"

    with Sandbox(workers=4, packages=("desk_shelves",)) as readers, ThreadPoolExecutor(4) as people:
        desk.reader = readers
        assert sorted(people.map(enter, changes)) == ["late", "late", "late", "stored"]


def test_five_hundred_rows_cost_little_more_than_one(desk: Desk) -> None:
    header = ARTICLES[0]
    desk.drop("articles/Many.xlsx", [header, *((f"{at:04}", "x", 1.0) for at in range(1000, 1500))])
    desk.take()
    with desk.ctx.warehouse.connect() as connection:
        keys = [{"article": f"{at:04}"} for at in range(1000, 1500)]
        found = rows_with_keys(connection, desk.book("articles"), keys)
    changes = [
        RowChange("change", {"price": 2}, key, row.etag)
        for key, row in zip(keys, found, strict=True)
        if row is not None
    ]
    done = desk.enter("articles", *changes)
    assert len(done.rows) == 500
    assert sum(price for _, price in desk.rows("articles")) == 1000 + 27.45
