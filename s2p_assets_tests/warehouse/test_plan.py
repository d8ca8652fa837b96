"""What `s2p plan` promises: it says what loading would do, and leaves nothing behind."""

import datetime as dt
import hashlib
import os
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import psycopg
import pyarrow
import pytest
from typer.testing import CliRunner

from s2p_assets.cli import app
from s2p_assets.contracts import columns as c
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.services.plan import PlannedFile, plan_file
from s2p_assets.services.plan_sentences import plan_lines
from s2p_assets.settings import Settings
from s2p_assets.warehouse.files import ledger
from s2p_assets.warehouse.files.ledger import LedgerEntry
from s2p_assets.warehouse.files.load import RowsRejected, load_file
from s2p_assets.warehouse.files.load_plan import ExampleRow, LoadPlan
from s2p_assets.warehouse.files.plan import dry_run, plan_load
from s2p_assets.warehouse.server.connection import connect
from s2p_assets.warehouse.tables.contract_versions import contract_version
from s2p_assets.workbooks.retail_price_list import price_list

MARCH, APRIL = dt.date(2026, 3, 1), dt.date(2026, 4, 1)


class Prices(c.Row):
    """The price of one product in one shop from a day on."""

    __module__ = "shelf.acme_prices"

    sku: c.Code = c.column(description="Which product")
    shop: c.Code = c.column(description="Which shop; none: every shop", nullable=True)
    since: c.Date = c.column(description="First day of the price")
    price: c.Money = c.column(description="Price of one", unit="EUR", nullable=True)
    note: c.Text = c.column(description="A remark", nullable=True)


class Remarks(c.Row):
    """Something that somebody said."""

    __module__ = "shelf.acme_remarks"

    said: c.Text = c.column(description="The words", nullable=True)
    times: c.Integer = c.column(description="How often", nullable=True)


PRICES = Workbook(rows=Prices, path="prices/*", owner="Ann", key=("sku", "shop", "since"))
REMARKS = Workbook(rows=Remarks, path="remarks/*", owner="Ann")


def rows_of(workbook: Workbook, rows: list[tuple[Any, ...]]) -> pyarrow.Table:
    """Rows as a reader hands them on, the last columns empty where a tuple is short."""
    columns = workbook.columns
    full = [(*row, *(None,) * (len(columns) - len(row))) for row in rows]
    arrays = [pyarrow.array([row[place] for row in full], column.arrow_type) for place, column in enumerate(columns)]
    arrays += [pyarrow.array(["March"] * len(full), pyarrow.string())]
    arrays += [pyarrow.array(range(2, len(full) + 2), pyarrow.int64())]
    return pyarrow.table(arrays, names=[*(column.name for column in columns), "_sheet", "_row"])


def entry(workbook: Workbook, path: str, rows: list[tuple[Any, ...]], at: int) -> LedgerEntry:
    sha256 = hashlib.sha256(repr(rows).encode()).hexdigest()
    return LedgerEntry(path, sha256, 1, at, contract_version(workbook), "accepted", "Ann", rows_accepted=len(rows))


def load(conn: psycopg.Connection, path: str, *rows: tuple[Any, ...], at: int = 1, book: Workbook = PRICES) -> None:
    load_file(conn, book, entry(book, path, list(rows), at), rows_of(book, list(rows)))


def plan(
    conn: psycopg.Connection,
    path: str,
    *rows: tuple[Any, ...],
    at: int = 9,
    book: Workbook = PRICES,
    on_share: bool = True,
) -> LoadPlan:
    with dry_run(conn):
        return plan_load(conn, book, entry(book, path, list(rows), at), rows_of(book, list(rows)), on_share=on_share)


def shown(conn: psycopg.Connection) -> set[tuple[Any, ...]]:
    return set(conn.execute("select sku, shop, since, price, note from acme.prices").fetchall())


def counts(told: LoadPlan) -> tuple[int, int, int, int]:
    return told.new, told.changed, told.unchanged, told.withdrawn


def everything(conn: psycopg.Connection) -> list[Any]:
    """Every relation, every ledger line, every stored row, the ledger's next id."""
    found: list[Any] = conn.execute(
        "select n.nspname, c.relname, c.reltuples from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        " where n.nspname !~ '^pg_' order by 1, 2"
    ).fetchall()
    found += conn.execute("select * from s2p.files order by id").fetchall()
    found += conn.execute("select * from acme.prices__rows order by _file, _row").fetchall()
    return found + conn.execute("select last_value from s2p.files_id_seq").fetchall()


def test_a_plan_counts_what_is_new_changed_unchanged_and_withdrawn_with_examples(conn: psycopg.Connection) -> None:
    load(conn, "a.xlsx", ("1", None, MARCH, 10.0), ("2", "", MARCH, 20.0), ("2", None, MARCH, 21.0), ("3", "n", MARCH))
    told = plan(
        conn, "a.xlsx", ("1", None, MARCH, 11.0, "dearer"), ("2", "", MARCH, 20.0), ("3", "n", MARCH), ("4", "n", MARCH)
    )
    assert counts(told) == (1, 1, 2, 1)
    assert told.columns == {"price": 1, "note": 1}
    assert told.replaces is not None
    assert told.replaces.path == "a.xlsx"
    key = {"sku": "1", "shop": None, "since": MARCH}
    changes = {"price": (Decimal(10), Decimal(11)), "note": (None, "dearer")}
    assert told.examples["changed"] == [ExampleRow(key, changes, "a.xlsx")]
    assert told.examples["new"] == [ExampleRow({"sku": "4", "shop": "n", "since": MARCH})]
    assert told.examples["withdrawn"] == [ExampleRow({"sku": "2", "shop": None, "since": MARCH})]
    assert told.supersedes == {}


def test_a_plan_leaves_no_trace(conn: psycopg.Connection) -> None:
    load(conn, "a.xlsx", ("1", None, MARCH, 10.0))
    before = everything(conn)
    plan(conn, "a.xlsx", ("1", None, MARCH, 11.0), ("2", None, MARCH))
    plan(conn, "b.xlsx", ("said",), book=REMARKS)
    assert everything(conn) == before


@pytest.mark.parametrize("once_before", [False, True])
def test_a_plan_needs_no_table_and_makes_none_of_the_company_s(empty_database_url: str, once_before: bool) -> None:
    with connect(empty_database_url) as conn:
        if once_before:
            plan(conn, "a.xlsx", ("1", None, MARCH, 10.0))
        assert counts(plan(conn, "a.xlsx", ("1", None, MARCH, 10.0))) == (1, 0, 0, 0)
        assert conn.execute("select to_regclass('acme.prices')").fetchone() == (None,)
        assert conn.execute("select count(*) from s2p.files").fetchone() == (0,)


def test_a_plan_names_the_files_whose_rows_give_way_to_it(conn: psycopg.Connection) -> None:
    load(conn, "old.xlsx", ("1", None, MARCH, 10.0), ("2", None, MARCH, 20.0), ("9", None, MARCH))
    load(conn, "older.xlsx", ("3", None, MARCH, 30.0))
    told = plan(
        conn, "new.xlsx", ("1", None, MARCH, 12.0), ("2", None, MARCH, 20.0), ("3", None, MARCH), ("4", None, MARCH)
    )
    assert counts(told) == (1, 2, 1, 0)
    assert told.supersedes == {"old.xlsx": 2, "older.xlsx": 1}
    assert [example.file for example in told.examples["superseding"]] == ["old.xlsx", "old.xlsx", "older.xlsx"]
    assert told.replaces is None


def test_rows_of_an_older_file_give_way_to_a_newer_one_and_are_not_called_changed(conn: psycopg.Connection) -> None:
    load(conn, "newer.xlsx", ("1", None, MARCH, 10.0), at=5)
    told = plan(conn, "late.xlsx", ("1", None, MARCH, 9.0), ("2", None, MARCH), at=4)
    assert (counts(told), told.giving_way, told.gives_way_to) == ((1, 0, 0, 0), 1, {"newer.xlsx": 1})
    assert told.examples["giving_way"][0].file == "newer.xlsx"
    assert told.moves == ()
    assert counts(plan(conn, "same time.xlsx", ("1", None, MARCH, 9.0), at=5)) == (0, 1, 0, 0)


def test_a_withdrawn_row_for_which_an_older_files_row_shows_again_is_told_apart(conn: psycopg.Connection) -> None:
    load(conn, "old.xlsx", ("1", None, MARCH, 10.0), at=1)
    load(conn, "new.xlsx", ("1", None, MARCH, 12.0), ("2", None, MARCH), ("3", None, MARCH), at=2)
    told = plan(conn, "new.xlsx", ("3", None, MARCH), at=3)
    assert (counts(told), told.shown_again) == ((0, 0, 1, 2), 1)


@pytest.mark.parametrize("at", [2, 9])
def test_what_a_plan_says_is_what_loading_then_does(conn: psycopg.Connection, at: int) -> None:
    load(conn, "one.xlsx", *[(str(n), None, MARCH, float(n)) for n in range(40)], at=1)
    load(conn, "two.xlsx", *[(str(n), None, MARCH, float(n + n % 2)) for n in range(20, 60)], at=3)
    load(conn, "two.xlsx", *[(str(n), None, MARCH, float(n + n % 3)) for n in range(25, 60)], at=4)
    before = shown(conn)
    rows = [(str(n), None, MARCH, float(n + n % 5)) for n in range(10, 80, 2)]
    told = plan(conn, "one.xlsx", *rows, at=at)
    load(conn, "one.xlsx", *rows, at=at)
    after = shown(conn)
    old, new = ({row[:3]: row for row in rows} for rows in (before, after))
    assert told.new == len(new.keys() - old.keys())
    assert told.withdrawn - told.shown_again == len(old.keys() - new.keys())
    assert told.changed == sum(old[key] != new[key] for key in old.keys() & new.keys())
    loaded = ledger.latest_versions(conn, PRICES)["one.xlsx"].rows_accepted
    assert told.new + told.changed + told.unchanged + told.giving_way == loaded


def test_known_bytes_are_not_loaded_twice(conn: psycopg.Connection) -> None:
    rows = [("1", None, MARCH, 10.0), ("2", None, MARCH)]
    load(conn, "a.xlsx", *rows)
    load(conn, "b.xlsx", ("7", None, MARCH))
    same = plan(conn, "a.xlsx", *rows)
    copy = plan(conn, "copy of a.xlsx", *rows)
    over = plan(conn, "b.xlsx", *rows)
    assert [told.known for told in (same, copy, over)] == ["unchanged", "duplicate", "duplicate"]
    assert [counts(told) for told in (same, copy, over)] == [(0, 0, 2, 0), (0, 0, 2, 0), (0, 0, 2, 1)]
    assert copy.known_as is not None
    assert copy.known_as.path == "a.xlsx"


def test_rows_that_a_copy_takes_over_are_not_withdrawn(conn: psycopg.Connection) -> None:
    load(conn, "a.xlsx", ("1", None, MARCH, 10.0), ("2", None, MARCH))
    load(conn, "copy.xlsx", ("1", None, MARCH, 10.0), ("2", None, MARCH))
    told = plan(conn, "a.xlsx", ("1", None, MARCH, 11.0))
    assert (counts(told), told.supersedes) == ((0, 1, 0, 0), {"copy.xlsx": 1})


def test_a_file_from_elsewhere_takes_the_place_of_the_loaded_file_of_its_name(conn: psycopg.Connection) -> None:
    load(conn, "prices/2025/March.xlsx", ("1", None, MARCH, 10.0), at=1)
    load(conn, "prices/2026/March.xlsx", ("2", None, MARCH, 10.0), at=2)
    told = plan(conn, "march.xlsx", ("3", None, MARCH), on_share=False)
    assert (told.path, told.namesakes) == ("prices/2026/March.xlsx", ("prices/2025/March.xlsx",))
    assert counts(told) == (1, 0, 0, 1)
    assert plan(conn, "April.xlsx", ("3", None, MARCH), on_share=False).replaces is None


def test_prices_move_against_the_same_key_or_else_the_last_day_before(conn: psycopg.Connection) -> None:
    load(conn, "january.xlsx", *[(sku, None, dt.date(2026, 1, 1), 1.0) for sku in "12345"])
    load(conn, "march.xlsx", ("1", None, MARCH, 10.0), ("2", None, MARCH, 20.0), ("3", None, MARCH, 40.0), at=2)
    load(conn, "may.xlsx", ("1", None, dt.date(2026, 5, 1), 99.0), at=2)
    april = [("1", None, APRIL, 11.0), ("2", None, APRIL, 26.0), ("3", None, APRIL, 30.0), ("6", None, APRIL, 5.0)]
    (move,) = plan(conn, "april.xlsx", *april, ("4", None, MARCH, 1.0)).moves
    assert (move.column, move.up, move.down) == ("price", 2, 1)
    assert [move.mean_up, move.mean_down] == pytest.approx([0.2, -0.25])
    assert move.biggest == ExampleRow({"sku": "2", "shop": None, "since": APRIL}, {"price": (Decimal(20), Decimal(26))})
    (corrected,) = plan(conn, "march.xlsx", ("1", None, MARCH, 12.0)).moves
    assert [corrected.up, corrected.down, corrected.mean_up] == pytest.approx([1, 0, 0.2])


def test_a_price_of_nothing_moves_without_a_percentage(conn: psycopg.Connection) -> None:
    load(conn, "a.xlsx", ("1", None, MARCH, 0.0), ("2", None, MARCH, None))
    (move,) = plan(conn, "a.xlsx", ("1", None, MARCH, 5.0), ("2", None, MARCH, 7.0)).moves
    assert (move.up, move.down, move.mean_up, move.mean_down) == (1, 0, None, None)
    assert move.biggest.changes == {"price": (Decimal(0), Decimal(5))}


@pytest.mark.parametrize("order", [1, -1])
def test_of_changes_equally_large_the_first_by_its_key_is_told_however_the_rows_lie(
    conn: psycopg.Connection, order: int
) -> None:
    """Else the same delivery is told in other words by a run after a kill."""
    before = [(sku, None, MARCH, 2.0) for sku in "13579"][::order]
    load(conn, "a.xlsx", *before, ("2", None, MARCH, 20.0), ("0", None, MARCH, 0.0), ("4", None, MARCH, 0.0))
    after = [(sku, None, MARCH, 7.0) for sku in "97531"][::order]
    (largest,) = plan(conn, "a.xlsx", *after, ("2", None, MARCH, 20.0)).largest
    assert largest == ExampleRow(
        {"sku": "1", "shop": None, "since": MARCH}, {"price": (Decimal(2), Decimal(7))}, "a.xlsx"
    )
    (from_nothing,) = plan(conn, "a.xlsx", ("0", None, MARCH, 1.0), ("4", None, MARCH, 3.0), *after).largest
    assert from_nothing.key["sku"] == "4"


def test_without_a_key_rows_come_stay_and_go_by_their_content(conn: psycopg.Connection) -> None:
    load(conn, "a.xlsx", ("yes", 1), ("yes", 1), ("no",), (None, 3), book=REMARKS)
    load(conn, "b.xlsx", ("maybe",), book=REMARKS)
    told = plan(conn, "a.xlsx", ("yes", 1), ("maybe",), (None, 3), ("no", 2), book=REMARKS)
    assert counts(told) == (2, 0, 2, 2)
    assert {row.key["said"] for row in told.examples["withdrawn"]} == {"yes", "no"}


def test_rows_that_the_database_would_refuse_are_told(conn: psycopg.Connection) -> None:
    with pytest.raises(RowsRejected, match=r"a\.xlsx: its rows cannot be stored"):
        plan(conn, "a.xlsx", ("1\x00", None, MARCH))
    assert conn.execute("select 1").fetchone() == (1,)


@pytest.fixture
def company(tmp_path: Path, empty_database_url: str) -> Settings:
    settings = Settings(home=tmp_path / "home", share=tmp_path / "share", database_url=empty_database_url)
    (settings.share / "prices").mkdir(parents=True)
    return settings


def workbook(file: Path, *rows: tuple[Any, ...]) -> Path:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for row in [("SKU", "Description", "MSRP", "T2 cost", "Item cost", "Effective date"), *rows]:
        sheet.append(row)
    book.save(file)
    return file


def loaded(settings: Settings, file: Path) -> PlannedFile:
    """Plan a file on the share, then load what was planned, as a run would."""
    planned = plan_file(settings, file, None)
    path, rows = file.relative_to(settings.share).as_posix(), planned.reading.rows
    assert rows is not None
    line = entry(price_list, path, [], file.stat().st_mtime_ns)
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    with connect(str(settings.database_url)) as conn:
        load_file(conn, price_list, replace(line, sha256=sha256, headers=planned.reading.headers), rows)
    return planned


def test_a_person_reads_what_would_be_replaced_and_what_moves(company: Settings, tmp_path: Path) -> None:
    lamp, chair = ("A-1", "Lamp", 20, 12, 8, "2026-01-01"), ("A-2", "Chair", 50, 30, 20, "2026-01-01")
    loaded(company, workbook(company.share / "prices/Prices.xlsx", lamp, chair))
    dropped = workbook(
        tmp_path / "Prices.xlsx", ("A-1", "Lamp", 25, 12, 8, "2026-01-01"), ("A-3", "Sofa", 9, 8, 7, "2026-01-01")
    )
    lines = "\n".join(plan_lines(plan_file(company, dropped, None)))
    assert "It would replace prices/Prices.xlsx, which has the same name" in lines
    assert "1 row  new\n      A-3, 2026-01-01" in lines
    assert "1 row  changed: MSRP in 1\n      A-1, 2026-01-01: MSRP 20 → 25" in lines
    assert "1 row  withdrawn\n      A-2, 2026-01-01" in lines
    assert "MSRP: 1 up by 25.0 %; the biggest is A-1, 2026-01-01: 20 → 25" in lines
    assert lines.endswith("Nothing was changed: this was only a look.")


def test_a_file_on_the_share_is_planned_for_its_own_place(company: Settings) -> None:
    file = workbook(company.share / "prices/Prices.xlsx", ("A-1", "Lamp", 20, 12, 8, "2026-01-01"))
    first = loaded(company, file)
    assert first.plan is not None
    assert (first.plan.path, first.plan.new, first.plan.replaces) == ("prices/Prices.xlsx", 1, None)
    again = plan_file(company, file, None)
    assert again.plan is not None
    assert again.plan.known == "unchanged"
    assert not company.archive.exists()


def test_a_layout_that_changed_is_told_by_a_plan(company: Settings, tmp_path: Path) -> None:
    file = workbook(company.share / "prices/Prices.xlsx", ("A-1", "Lamp", 20, 12, 8, "2026-01-01"))
    loaded(company, file)
    book = openpyxl.load_workbook(file)
    book.worksheets[0]["C1"] = "Retail price"
    book.save(tmp_path / "April.xlsx")
    found = plan_file(company, tmp_path / "April.xlsx", None).reading.findings
    assert [finding.message for finding in found if finding.rule == "layout"] == ["'MSRP' is now called 'Retail price'"]


@pytest.mark.parametrize(
    ("price", "code", "description"),
    [(20, 0, "1 row  new"), ("n/a", 1, "C2: 'n/a' is not an MSRP"), (None, 2, "It could not be read")],
)
def test_the_exit_code_says_how_it_went(
    company: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, price: Any, code: int, description: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in (("HOME", company.home), ("SHARE", company.share), ("DATABASE_URL", company.database_url)):
        monkeypatch.setenv(f"S2P_{name}", str(value))
    file = workbook(tmp_path / "Prices.xlsx", ("A-1", "Lamp", price, 12, 8, "2026-01-01"))
    if price is None:
        file.write_bytes(os.urandom(100))
    answer = CliRunner().invoke(app, ["plan", str(file)])
    assert (answer.exit_code, description in answer.output) == (code, True), answer.output


def test_before_anything_is_loaded_every_row_is_new_and_no_database_is_made(tmp_path: Path) -> None:
    file = workbook(tmp_path / "Prices.xlsx", ("A-1", "Lamp", 20, 12, 8, "2026-01-01"))
    planned = plan_file(Settings(home=tmp_path / "home", database_url=None), file, "retail_price_list")
    assert planned.as_json()["plan"]["new"] == 1
    assert planned.as_json()["plan"]["examples"]["new"][0]["key"]["sku"] == "A-1"
    assert not (tmp_path / "home").exists()
