"""The promises of the ledger and of the tables of workbooks. Derived tables are tested in test_store."""

import datetime as dt
import hashlib
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pyarrow
import pytest

from s2p_assets.contracts import columns as c
from s2p_assets.contracts.findings import Finding, ReadResult
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.warehouse.files import ledger, recognition, share_changes, summaries, versions, withdrawal
from s2p_assets.warehouse.files.archive import ArchivedFile, archive_file
from s2p_assets.warehouse.files.ledger import LedgerEntry
from s2p_assets.warehouse.files.load import LoadResult, RowsRejected, load_file, load_files
from s2p_assets.warehouse.files.share_changes import FileStat
from s2p_assets.warehouse.server.connection import connect
from s2p_assets.warehouse.tables import store
from s2p_assets.warehouse.tables.contract_versions import contract_version
from s2p_assets.warehouse.tables.ddl import ContractChanged
from s2p_assets.warehouse.tables.workbook_tables import ensure_workbook_table, needs_reload
from s2p_assets.warehouse.trace.file_rows import FileRow
from s2p_assets.warehouse.trace.traced_rows import NotTraceable
from s2p_assets.warehouse.trace.tracer import Tracer


class Prices(c.Row):
    """One price of one product in one shop."""

    __module__ = "shelf.acme_prices"

    sku: c.Code = c.column(description="Which product")
    shop: c.Code = c.column(description="Which shop; none: every shop", nullable=True)
    price: c.Money = c.column(description="Price of one", unit="EUR", nullable=True)
    note: c.Text = c.column(description="A remark", nullable=True)


PRICES = Workbook(rows=Prices, path="prices/*", owner="Ann", key=("sku", "shop"))


def _rows(*rows: tuple[Any, ...]) -> pyarrow.Table:
    """Rows of PRICES from (sku, shop, price, note) or a part of it, as a reader hands them on."""
    full = [(*row, *(None,) * (4 - len(row))) for row in rows]
    values = [list(column) for column in zip(*full, strict=True)] or [[], [], [], []]
    types = [pyarrow.string(), pyarrow.string(), pyarrow.float64(), pyarrow.string()]
    arrays = [pyarrow.array(column, type_) for column, type_ in zip(values, types, strict=True)]
    arrays += [
        pyarrow.array(["March"] * len(full), pyarrow.string()),
        pyarrow.array(range(2, len(full) + 2), pyarrow.int64()),
    ]
    return pyarrow.table(arrays, names=["sku", "shop", "price", "note", "_sheet", "_row"])


def _entry(path: str, content: str, at: int = 1, **more: Any) -> LedgerEntry:
    sha256 = hashlib.sha256(content.encode()).hexdigest()
    return LedgerEntry(
        path, sha256, len(content), at, contract_version(PRICES), more.pop("verdict", "accepted"), "Ann", **more
    )


def _kept(content: str, at: int = 1) -> ArchivedFile:
    sha256 = hashlib.sha256(content.encode()).hexdigest()
    return ArchivedFile(sha256, len(content), at, Path("archive") / sha256[:2] / f"{sha256}.xlsx")


def _load(conn: psycopg.Connection, path: str, content: str, *rows: tuple[Any, ...], at: int = 1) -> LoadResult:
    return load_file(conn, PRICES, _entry(path, content, at), _rows(*rows))


def _shown(conn: psycopg.Connection) -> list[tuple[Any, ...]]:
    return conn.execute("select sku, shop, price from acme.prices order by sku, shop nulls first, price").fetchall()


SOURCES = {("acme", "prices"): PRICES}


def _files_of(conn: psycopg.Connection, sku: str) -> list[FileRow]:
    """Where the rows of a SKU were read from, those that stand first."""
    found = Tracer(conn, SOURCES).trace(("acme", "prices"), {"sku": sku}, ("sku",))
    return [row.file for row in found.rows if row.file]


def test_a_file_dropped_twice_is_loaded_once(conn: psycopg.Connection) -> None:
    first = _load(conn, "a.xlsx", "v1", ("1",), ("2",))
    again = _load(conn, "a.xlsx", "v1", ("1",), ("2",))
    renamed = _load(conn, "copy of a.xlsx", "v1", ("1",), ("2",))
    assert (first.outcome, again.outcome, renamed.outcome) == ("loaded", "unchanged", "duplicate")
    assert again.file_id == first.file_id
    assert len(_shown(conn)) == 2
    assert ledger.latest_versions(conn, PRICES)["copy of a.xlsx"].duplicate_of == first.file_id


def test_new_bytes_replace_exactly_that_files_rows(conn: psycopg.Connection) -> None:
    _load(conn, "a.xlsx", "a1", ("1",), ("2",))
    _load(conn, "b.xlsx", "b1", ("3",), ("4",))
    _load(conn, "a.xlsx", "a2", ("2",), ("5",), at=2)
    assert [row[0] for row in _shown(conn)] == ["2", "3", "4", "5"]
    now, before = ledger.ledger_files(conn, "where f.path = %s order by f.id desc", ("a.xlsx",))
    assert (now.status, now.is_loaded, before.status, before.is_loaded) == ("current", True, "replaced", False)
    assert before.replaced_by == now.id


@pytest.mark.parametrize("newer_first", [False, True])
def test_of_two_files_with_the_same_key_the_newer_wins_and_the_older_row_stays(
    conn: psycopg.Connection, newer_first: bool
) -> None:
    files = [("old.xlsx", 10.0, 1), ("new.xlsx", 12.0, 2)]
    told = {}
    for path, price, at in reversed(files) if newer_first else files:
        told[path] = _load(conn, path, path, ("1", "north", price), (path,), at=at)
    assert ("1", "north", Decimal("12")) in _shown(conn)
    assert len(_shown(conn)) == 3
    if newer_first:
        assert told["old.xlsx"].superseded_by == {"new.xlsx": 1}
    else:
        assert told["new.xlsx"].superseded == {"old.xlsx": 1}
    both = _files_of(conn, "1")
    assert [(file.path, file.superseded_by) for file in both] == [("new.xlsx", None), ("old.xlsx", "new.xlsx")]


def test_a_key_with_a_missing_part_is_the_same_key_only_where_the_same_part_is_missing(
    conn: psycopg.Connection,
) -> None:
    _load(conn, "a.xlsx", "a", ("1", None, 1.0), ("1", "", 2.0))
    told = _load(conn, "b.xlsx", "b", ("1", None, 3.0), at=2)
    assert told.superseded == {"a.xlsx": 1}
    assert _shown(conn) == [("1", None, Decimal("3")), ("1", "", Decimal("2"))]


def test_of_three_files_with_a_key_the_next_newest_stands_again_when_the_newest_lets_go(
    conn: psycopg.Connection,
) -> None:
    for at, path in enumerate(["a.xlsx", "b.xlsx", "c.xlsx"], start=1):
        _load(conn, path, path, ("1", None, float(at)), at=at)
    _load(conn, "c.xlsx", "without the key", ("9",), at=4)
    assert _shown(conn) == [("1", None, Decimal("2")), ("9", None, None)]
    withdrawal.withdraw_file(conn, "b.xlsx")
    assert _shown(conn) == [("1", None, Decimal("1")), ("9", None, None)]


def test_forgetting_a_file_withdraws_its_rows_and_restores_what_it_had_superseded(conn: psycopg.Connection) -> None:
    _load(conn, "old.xlsx", "old", ("1", None, 10.0))
    _load(conn, "new.xlsx", "new", ("1", None, 12.0), ("2",), at=2)
    (forgotten,) = withdrawal.withdraw_file(conn, "new.xlsx")
    assert (forgotten.rows, forgotten.restored, forgotten.kept_as) == (2, 1, None)
    assert _shown(conn) == [("1", None, Decimal("10"))]
    assert withdrawal.withdraw_file(conn, "never seen.xlsx") == []


def test_a_forgotten_file_is_read_again_only_when_its_bytes_change_or_it_is_dropped_anew(
    conn: psycopg.Connection,
) -> None:
    _load(conn, "a.xlsx", "a1", ("1",))
    withdrawal.withdraw_file(conn, "a.xlsx")
    version = contract_version(PRICES)
    known = ledger.latest_versions(conn, PRICES)
    assert share_changes.find_share_changes(known, [FileStat("a.xlsx", 2, 1)], version).to_read == []
    assert recognition.recognise_file(conn, PRICES, "a.xlsx", _kept("a1", at=5)) == "unchanged"
    assert recognition.recognise_file(conn, PRICES, "a.xlsx", _kept("a2", at=6)) is None
    versions.mark_gone(conn, PRICES, ["a.xlsx"])
    assert recognition.recognise_file(conn, PRICES, "a.xlsx", _kept("a1", at=5)) is None


def test_forgetting_a_file_keeps_the_rows_for_another_file_with_the_same_bytes(conn: psycopg.Connection) -> None:
    _load(conn, "a.xlsx", "v1", ("1",))
    _load(conn, "b.xlsx", "v1", ("1",))
    (forgotten,) = withdrawal.withdraw_file(conn, "a.xlsx")
    assert forgotten.kept_as == "b.xlsx"
    assert len(_shown(conn)) == 1
    (forgotten,) = withdrawal.withdraw_file(conn, "b.xlsx")
    assert forgotten.rows == 1
    assert _shown(conn) == []


def test_a_copy_keeps_its_rows_when_the_original_is_edited(conn: psycopg.Connection) -> None:
    _load(conn, "a.xlsx", "v1", ("1",))
    _load(conn, "b.xlsx", "v1", ("1",))
    _load(conn, "a.xlsx", "v2", ("2",), at=2)
    assert [row[0] for row in _shown(conn)] == ["1", "2"]
    assert [file.path for file in _files_of(conn, "1")] == ["b.xlsx"]


def test_a_renamed_file_takes_its_rows_with_it(conn: psycopg.Connection) -> None:
    _load(conn, "a.xlsx", "v1", ("1",))
    versions.mark_gone(conn, PRICES, ["a.xlsx"])
    assert len(_shown(conn)) == 1
    assert recognition.recognise_file(conn, PRICES, "b.xlsx", _kept("v1", at=1)) == "renamed"
    (file,) = ledger.latest_versions(conn, PRICES).values()
    assert (file.path, file.status, file.is_loaded) == ("b.xlsx", "current", True)


def test_a_file_that_comes_back_unchanged_is_not_read(conn: psycopg.Connection) -> None:
    _load(conn, "a.xlsx", "v1", ("1",))
    versions.mark_gone(conn, PRICES, ["a.xlsx"])
    assert ledger.latest_versions(conn, PRICES)["a.xlsx"].status == "gone"
    assert recognition.recognise_file(conn, PRICES, "a.xlsx", _kept("v1", at=7)) == "unchanged"
    assert ledger.latest_versions(conn, PRICES)["a.xlsx"].status == "current"


def test_a_path_that_takes_on_the_bytes_of_another_gives_up_its_own_rows(conn: psycopg.Connection) -> None:
    _load(conn, "a.xlsx", "v1", ("1",))
    _load(conn, "b.xlsx", "v2", ("2",))
    assert recognition.recognise_file(conn, PRICES, "b.xlsx", _kept("v1", at=3)) == "duplicate"
    assert [row[0] for row in _shown(conn)] == ["1"]


def test_a_returned_version_leaves_the_rows_of_the_one_before(conn: psycopg.Connection) -> None:
    _load(conn, "a.xlsx", "v1", ("1",))
    bad = _entry("a.xlsx", "v2", 2, verdict="returned", rows_read=1, rows_returned=1)
    assert load_file(conn, PRICES, bad, None).outcome == "returned"
    assert [row[0] for row in _shown(conn)] == ["1"]
    assert [(file.path, file.verdict) for file in summaries.returned_files(conn)] == [("a.xlsx", "returned")]
    _load(conn, "a.xlsx", "v3", ("3",), at=3)
    assert [row[0] for row in _shown(conn)] == ["3"]
    assert summaries.returned_files(conn) == []


def test_only_files_that_differ_from_the_ledger_need_a_look(conn: psycopg.Connection) -> None:
    for name in ("same", "touched", "longer", "gone"):
        _load(conn, f"{name}.xlsx", name, (name,))
    _load(conn, "cafe\N{COMBINING ACUTE ACCENT}.xlsx".replace("e\u0301", "é"), "é", ("é",))
    found = [
        FileStat("same.xlsx", 4, 1),
        FileStat("touched.xlsx", 7, 5),
        FileStat("longer.xlsx", 70, 1),
        FileStat("new.xlsx", 3, 2),
        FileStat("cafe\N{COMBINING ACUTE ACCENT}.xlsx", 2 - 1, 1),
    ]
    version = contract_version(PRICES)
    decision = share_changes.find_share_changes(ledger.latest_versions(conn, PRICES), found, version)
    assert [file.path for file in decision.to_read] == ["longer.xlsx", "new.xlsx", "touched.xlsx"]
    assert decision.gone == ["gone.xlsx"]
    assert decision.unchanged == 2
    assert (
        len(share_changes.find_share_changes(ledger.latest_versions(conn, PRICES), found, "another contract").to_read)
        == 5
    )


def test_a_copy_whose_original_no_longer_stands_needs_a_look(conn: psycopg.Connection) -> None:
    first = _load(conn, "a.xlsx", "v1", ("1",))
    _load(conn, "b.xlsx", "v1", ("1",))
    conn.execute("update s2p.files set is_loaded = false where id = %s", (first.file_id,))
    known = ledger.latest_versions(conn, PRICES)
    changes = share_changes.find_share_changes(known, [FileStat("b.xlsx", 2, 1)], contract_version(PRICES))
    assert [file.path for file in changes.to_read] == ["b.xlsx"]


TORTURE = [
    'say "hi"',
    "a,b;c\td",
    "two\nlines",
    "dos\r\nlines\r",
    "back\\slash \\n \\",
    "\\N",
    "\\.",
    "x\n\\.\ny",
    "",
    " ",
    "NULL",
    "null",
    "NaN",
    "🧾 €",
    "שלום, עולם",
    "\N{RIGHT-TO-LEFT OVERRIDE}abc",
    "'; drop table s2p.files; --",
    "=cmd()",
    "e\N{COMBINING ACUTE ACCENT}",
    '"',
    '""',
    "x" * 40_000,
]


def test_every_text_arrives_as_it_was_written_and_empty_is_not_missing(conn: psycopg.Connection) -> None:
    _load(conn, "a.xlsx", "a", *((str(n), None, None, text) for n, text in enumerate(TORTURE)), ("missing",))
    found: dict[str, Any] = dict(conn.execute("select sku, note from acme.prices").fetchall())
    assert found.pop("missing") is None
    assert [found[str(number)] for number in range(len(TORTURE))] == TORTURE
    frame = store.read_rows(conn, "acme", "prices", PRICES.columns).set_index("sku")["note"]
    assert frame.isna().sum() == 1
    assert [frame[str(number)] for number in range(len(TORTURE))] == TORTURE


def test_money_is_stored_to_the_cent_and_sums_exactly(conn: psycopg.Connection) -> None:
    prices = [0.1, 0.2, 19.99, 1234567890.12, -0.01, 1e15, 0.30000000000000004]
    _load(conn, "a.xlsx", "a", *((str(n), None, price) for n, price in enumerate(prices)))
    stored: dict[str, Any] = dict(conn.execute("select sku, price from acme.prices").fetchall())
    assert [stored[str(n)] for n in range(len(prices))] == [Decimal(repr(price)) for price in prices]
    assert conn.execute("select sum(price) from acme.prices where sku in ('0', '1')").fetchone() == (Decimal("0.3"),)
    assert store.read_rows(conn, "acme", "prices", PRICES.columns, order=["sku"])["price"].tolist() == prices


def test_many_files_load_as_one_and_one_that_the_database_refuses_holds_back_no_other(
    conn: psycopg.Connection,
) -> None:
    files = [(_entry(f"{n}.xlsx", f"v{n}", n), _rows((str(n),), ("shared",))) for n in range(20)]
    files[7] = (_entry("7.xlsx", "v7", 7, rows_read=1), _rows(("7", None, None, "a \x00 byte")))
    loaded = load_files(conn, PRICES, files)
    assert [one.path for one in loaded] == [entry.path for entry, _ in files]
    assert [one.outcome for one in loaded].count("loaded") == 19
    assert loaded[7].outcome == "refused"
    assert loaded[7].error
    assert "7.xlsx" in loaded[7].error
    assert "\n" not in loaded[7].error
    assert len(_shown(conn)) == 20
    assert ledger.latest_versions(conn, PRICES)["7.xlsx"].verdict == "returned"
    with pytest.raises(RowsRejected, match=r"8\.xlsx"):
        _load(conn, "8.xlsx", "bad", ("x", None, None, "\x00"), at=99)
    assert len(_shown(conn)) == 20


def test_copies_within_one_load_are_loaded_once(conn: psycopg.Connection) -> None:
    files = [(_entry(path, "same"), _rows(("1",))) for path in ("a.xlsx", "b.xlsx", "c.xlsx")]
    assert [one.outcome for one in load_files(conn, PRICES, files)] == ["loaded", "duplicate", "duplicate"]
    assert len(_shown(conn)) == 1


LOAD_MUCH = """
import sys, pyarrow
from s2p_assets.warehouse.server.connection import connect
from s2p_assets.warehouse.files.load import load_file
from s2p_assets_tests.warehouse.test_load import PRICES, _entry, _rows
rows = pyarrow.concat_tables([_rows(*((str(n), None, 1.0, "x" * 200) for n in range(10_000)))] * 60)
load_file(connect(sys.argv[1]), PRICES, _entry("a.xlsx", "v2", 2), rows)
"""


def test_a_loader_killed_in_the_middle_leaves_the_table_as_it_was(
    conn: psycopg.Connection, empty_database_url: str
) -> None:
    _load(conn, "a.xlsx", "v1", ("1",), ("2",))
    before = _shown(conn), ledger.latest_versions(conn, PRICES)
    loader = subprocess.Popen([sys.executable, "-c", LOAD_MUCH, empty_database_url])
    under_way = "select 1 from pg_stat_progress_copy where datname = current_database() and tuples_processed > 1000"
    while conn.execute(under_way).fetchone() is None:
        assert loader.poll() is None, "the loader ended before it could be killed"
        time.sleep(0.01)
    loader.kill()
    loader.wait()
    assert (_shown(conn), ledger.latest_versions(conn, PRICES)) == before
    assert _load(conn, "a.xlsx", "v2", ("3",), at=2).outcome == "loaded"
    assert [row[0] for row in _shown(conn)] == ["3"]


def test_two_loaders_at_once_settle_the_same_key_once(conn: psycopg.Connection, empty_database_url: str) -> None:
    ensure_workbook_table(conn, PRICES)

    def load_ten(prefix: str) -> None:
        with connect(empty_database_url) as own:
            for number in range(10):
                _load(own, f"{prefix}{number}", f"{prefix}{number}", ("1", None, 1.0), at=number)

    with ThreadPoolExecutor() as loaders:
        list(loaders.map(load_ten, "ab"))
    assert len(_shown(conn)) == 1
    assert conn.execute("select count(*), count(distinct _superseded_by) from acme.prices__rows").fetchone() == (20, 1)


def test_a_stored_value_is_traced_to_file_sheet_row_and_original_bytes(
    conn: psycopg.Connection, tmp_path: Path
) -> None:
    workbook = tmp_path / "share" / "prices" / "March.xlsx"
    workbook.parent.mkdir(parents=True)
    workbook.write_bytes(b"the original")
    kept = archive_file(workbook, tmp_path / "archive")
    path = ledger.share_path(workbook, tmp_path / "share")
    reading = ReadResult(
        workbook, "acme_prices", "March", "accepted", 2, 2, rows=_rows(("1", None, 1.0), ("2", None, 2.5))
    )
    reading.column_letters = {"March": {"sku": "B", "price": "D"}}
    reading.findings = [Finding("March", "C3", "price", "2,5", "notice", "a comma \x00", "notice")]
    load_file(conn, PRICES, ledger.ledger_entry(reading, kept, path, PRICES, run_id="run-1"), reading.rows)
    found = Tracer(conn, SOURCES, tmp_path / "archive").trace(("acme", "prices"), {"sku": "2"}, ("price", "note"))
    (row,) = found.rows
    assert row.values == {"price": Decimal("2.5"), "note": None}
    assert row.file
    assert (row.file.path, row.file.sheet, row.file.row) == ("prices/March.xlsx", "March", 3)
    assert (row.file.cells, row.file.run_id, row.file.superseded_by) == ({"price": "D3"}, "run-1", None)
    assert row.file.archived
    assert row.file.archived.read_bytes() == b"the original"


def test_what_cannot_be_traced_is_refused_with_what_there_is(conn: psycopg.Connection) -> None:
    with pytest.raises(NotTraceable, match="no table acme_colours; did you mean acme_prices"):
        Tracer(conn, SOURCES).trace(("acme", "colours"), {})
    with pytest.raises(NotTraceable, match="has no column colour; there are note, price, shop, sku"):
        Tracer(conn, SOURCES).trace(("acme", "prices"), {"colour": "red"})
    with pytest.raises(NotTraceable, match="has not been stored yet"):
        Tracer(conn, SOURCES).trace(("acme", "prices"), {"sku": "1"})
    _load(conn, "a.xlsx", "v1", ("1",))
    with pytest.raises(NotTraceable, match="no row has sku=9"):
        Tracer(conn, SOURCES).trace(("acme", "prices"), {"sku": "9"})


def test_status_counts_what_the_table_shows(conn: psycopg.Connection) -> None:
    _load(conn, "old.xlsx", "old", ("1", None, 1.0), ("2",))
    _load(conn, "new.xlsx", "new", ("1", None, 2.0), at=2)
    versions.record_unloaded(conn, PRICES, _entry("bad.xlsx", "bad", verdict="returned"))
    (summary,) = summaries.workbook_summaries(conn, waiting={"acme_prices": 3})
    assert (summary.name, summary.table) == ("acme_prices", "acme.prices")
    assert (summary.files, summary.rows, summary.returned, summary.waiting) == (2, 2, 1, 3)
    assert isinstance(summary.last_loaded, dt.datetime)


def test_the_version_of_a_table_changes_with_its_files_and_not_with_their_names(conn: psycopg.Connection) -> None:
    ensure_workbook_table(conn, PRICES)
    empty = store.workbook_version(conn, PRICES)
    _load(conn, "a.xlsx", "v1", ("1",))
    first = store.workbook_version(conn, PRICES)
    _load(conn, "a.xlsx", "v1", ("1",), at=9)
    _load(conn, "copy.xlsx", "v1", ("1",))
    versions.mark_gone(conn, PRICES, ["a.xlsx"])
    assert store.workbook_version(conn, PRICES) == first
    _load(conn, "b.xlsx", "v2", ("2",))
    assert len({empty, first, store.workbook_version(conn, PRICES)}) == 3
    withdrawal.withdraw_file(conn, "b.xlsx")
    assert store.workbook_version(conn, PRICES) == first


def _changed(**fields: Any) -> Workbook:
    """PRICES with other columns."""
    declared = dict(Prices.__annotations__)
    values = {
        "sku": c.column(description="Which product"),
        "shop": c.column(description="Which shop; none: every shop", nullable=True),
        "price": c.column(description="Price of one", unit="EUR", nullable=True),
        "note": c.column(description="A remark", nullable=True),
    }
    for name, field in fields.items():
        if field is None:
            del declared[name], values[name]
        else:
            declared[name], values[name] = field
    body = {"__module__": Prices.__module__, "__doc__": Prices.__doc__, "__annotations__": declared, **values}
    return Workbook(rows=type("Prices", (c.Row,), body), path="prices/*", owner="Ann", key=PRICES.key)


def _stored_columns(conn: psycopg.Connection) -> dict[str, tuple[str, bool]]:
    rows = conn.execute(
        "select column_name, data_type, is_nullable = 'YES' from information_schema.columns"
        " where table_schema = 'acme' and table_name = 'prices__rows'"
    )
    return {name: (type_, optional) for name, type_, optional in rows}


def test_a_new_column_is_added_and_a_dropped_one_is_kept(conn: psycopg.Connection) -> None:
    _load(conn, "a.xlsx", "v1", ("1", None, 2.5, "kept"))
    changed = _changed(
        note=None,
        sku=(c.Code, c.column(description="Which product", nullable=True)),
        stock=(c.Integer, c.column(description="Stock")),
    )
    ensure_workbook_table(conn, changed)
    columns = _stored_columns(conn)
    assert columns["stock"] == ("bigint", True)
    assert columns["sku"] == ("text", True)
    assert conn.execute("select note from acme.prices__rows").fetchone() == ("kept",)
    shown = conn.execute("select * from acme.prices")
    assert [column.name for column in shown.description or ()] == [
        *("sku", "shop", "price", "stock", "_file", "_sheet", "_row")
    ]
    assert contract_version(changed) != contract_version(PRICES)


def test_a_changed_type_is_cast_where_no_value_changes_and_else_asks_for_a_reload(conn: psycopg.Connection) -> None:
    _load(conn, "a.xlsx", "v1", ("12", None, 2.5))
    as_number = _changed(
        sku=(c.Integer, c.column(description="Which product")),
        price=(c.Number, c.column(description="Price", nullable=True)),
    )
    ensure_workbook_table(conn, as_number)
    assert conn.execute("select sku, price from acme.prices").fetchone() == (12, 2.5)
    whole = _changed(price=(c.Integer, c.column(description="Price", nullable=True)))
    assert needs_reload(conn, whole) == ("price",)
    with pytest.raises(ContractChanged, match=r"acme\.prices: stored values of price"):
        ensure_workbook_table(conn, whole)
    assert conn.execute("select price from acme.prices").fetchone() == (2.5,)
    ensure_workbook_table(conn, whole, reload=True)
    known = ledger.latest_versions(conn, whole)
    assert (
        len(share_changes.find_share_changes(known, [FileStat("a.xlsx", 2, 1)], contract_version(whole)).to_read) == 1
    )
    assert conn.execute("select count(*) from acme.prices").fetchone() == (0,)


def test_descriptions_of_columns_stand_in_the_database_and_do_not_make_a_new_contract(
    conn: psycopg.Connection,
) -> None:
    ensure_workbook_table(conn, PRICES)
    reworded = _changed(note=(c.Text, c.column(description="Another remark", nullable=True)))
    said = "select col_description('acme.prices'::regclass, 3), obj_description('acme.prices'::regclass)"
    assert conn.execute(said).fetchone() == ("Price of one [EUR]", "One price of one product in one shop.")
    assert contract_version(reworded) == contract_version(_changed())
    ensure_workbook_table(conn, reworded)
    assert conn.execute("select col_description('acme.prices'::regclass, 4)").fetchone() == ("Another remark",)


def test_a_view_that_somebody_built_on_a_table_may_stay_or_is_named_when_it_stands_in_the_way(
    conn: psycopg.Connection,
) -> None:
    ensure_workbook_table(conn, PRICES)
    conn.execute("create view public.cheap as select * from acme.prices")
    ensure_workbook_table(conn, _changed(stock=(c.Integer, c.column(description="Stock", nullable=True))))
    with pytest.raises(ContractChanged, match="view cheap depends on"):
        ensure_workbook_table(conn, _changed(note=None))


def test_readers_see_the_rows_before_until_a_load_is_whole(conn: psycopg.Connection, empty_database_url: str) -> None:
    _load(conn, "a.xlsx", "v1", ("1",))
    with connect(empty_database_url) as other, conn.transaction():
        _load(conn, "a.xlsx", "v2", ("2",), at=2)
        assert [row[0] for row in _shown(other)] == ["1"]
    assert [row[0] for row in _shown(conn)] == ["2"]
