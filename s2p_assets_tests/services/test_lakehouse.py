"""Tables as Delta tables: the same rows to every reader, only what changed is written, every moment can be read."""

import datetime as dt
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars
import pytest
from deltalake import DeltaTable, write_deltalake

from s2p_assets.catalog.catalog import Stored
from s2p_assets.messaging.matters import KINDS
from s2p_assets.services.errors import NotFound
from s2p_assets.services.lakehouse import ExportUnderWay, export_tables
from s2p_assets.services.lakehouse_buckets import map_buckets
from s2p_assets.services.lakehouse_schedule import begin_due_export, bring_up_to_date, export_and_note
from s2p_assets.services.lakehouse_standing import export_target, lakehouse_at, lakehouse_matters, lakehouse_status
from s2p_assets.services.past_tables import show_rows
from s2p_assets.services.tables import TableQuestion
from s2p_assets.settings import Settings
from s2p_assets.warehouse.lakehouse import buckets
from s2p_assets.warehouse.lakehouse.delta_tables import Lakehouse, LakehouseUnwritable
from s2p_assets_tests.retail_home import emptied
from s2p_assets_tests.services.lake_company import LakeCompany, commands_of, lake_company, lake_shelves
from s2p_assets_tests.small_company import mounted

TABLES = ("desk_articles", "desk_lines", "desk_sold", "desk_days")
KNOWN = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
OURS = {"s2p_path", "s2p_sheet", "s2p_row", "s2p_bucket"}


@pytest.fixture(scope="module", autouse=True)
def shelves(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with lake_shelves(tmp_path_factory.mktemp("shelves"), "lake_shelves") as package:
        yield package


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, database_url: str) -> Iterator[LakeCompany]:
    with lake_company(tmp_path_factory.mktemp("company"), emptied(database_url), "lake_shelves") as made:
        made.articles(("0001", "Lamp", 5.0), ("0002", "Bulb", 2.5))
        for month in ("May", "June", "July", "August"):
            made.lines(f"{month}.xlsx", ("0001", 2), ("0001", 2), ("0002", 3))
        yield made


@pytest.fixture
def company(desk: LakeCompany, tmp_path: Path) -> LakeCompany:
    """The same company with a lakehouse of this test's own."""
    (tmp_path / "disk").mkdir()
    return desk.with_lake(tmp_path / "disk/lake")


def place(company: LakeCompany, name: str) -> str:
    domain, _, rest = name.partition("_")
    return company.lake.place(domain, rest)


def sorted_rows(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    plain = [{name: value for name, value in row.items() if name not in OURS} for row in rows]
    return sorted(plain, key=lambda row: str(list(row.values())))


def by_pyarrow(place: str) -> list[dict[str, Any]]:
    return DeltaTable(place).to_pyarrow_dataset().to_table().to_pylist()


def by_polars(place: str) -> list[dict[str, Any]]:
    return polars.read_delta(place).to_dicts()


def by_duckdb(place: str) -> list[dict[str, Any]]:
    found = duckdb.execute("select * from read_parquet(?, hive_partitioning = true)", [DeltaTable(place).file_uris()])
    names = [column[0] for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


@pytest.mark.parametrize("read", [by_pyarrow, by_polars, by_duckdb])
def test_every_reader_finds_the_rows_of_postgresql(company: LakeCompany, read: Callable[[str], Any]) -> None:
    export_tables(company.ctx, company.lake)
    for name in TABLES:
        declared = next(one for one in company.ctx.catalog.stored() if one.full_name == name)
        assert sorted_rows(read(place(company, name))) == in_postgresql(company, declared), name
    (row,) = (row for row in read(place(company, "desk_articles")) if row["article"] == "0002")
    assert (row["s2p_path"], row["s2p_sheet"], row["s2p_row"]) == ("articles/All.xlsx", "Sheet", 3)


def in_postgresql(company: LakeCompany, declared: Stored) -> list[dict[str, Any]]:
    names = [column.name for column in declared.columns]
    with company.ctx.warehouse.connect() as connection:
        found = connection.execute(f"select {', '.join(names)} from {declared.domain}.{declared.name}").fetchall()
    kinds = {column.name: column.kind for column in declared.columns}
    exact = [
        {
            name: float(value) if value is not None and kinds[name] in ("money", "percent") else value
            for name, value in zip(names, row, strict=True)
        }
        for row in found
    ]
    return sorted_rows(exact)


def test_only_the_buckets_of_what_changed_are_written(company: LakeCompany, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buckets, "ROWS_A_BUCKET", 1)
    first = export_tables(company.ctx, company.lake)
    assert first.tables["desk_lines"]["of"] == 16
    again = export_tables(company.ctx, company.lake)
    assert (again.tables, set(again.unchanged) >= set(TABLES)) == ({}, True)
    before = set(DeltaTable(place(company, "desk_lines")).file_uris())
    company.lines("July.xlsx", ("0001", 2), ("0001", 2), ("0002", company.next_pieces()))
    changed = export_tables(company.ctx, company.lake)
    after = set(DeltaTable(place(company, "desk_lines")).file_uris())
    assert changed.tables["desk_lines"] == {"version": 1, "buckets": 1, "of": 16}
    assert len(before - after) == len(after - before) == 1
    assert len(before & after) == len(before) - 1
    assert "desk_articles" in changed.unchanged
    assert len(by_pyarrow(place(company, "desk_lines"))) == 12


def test_a_table_that_grew_gets_more_buckets_and_keeps_its_rows(
    company: LakeCompany, monkeypatch: pytest.MonkeyPatch
) -> None:
    export_tables(company.ctx, company.lake)
    monkeypatch.setattr(buckets, "ROWS_A_BUCKET", 1)
    company.change()
    grown = export_tables(company.ctx, company.lake)
    assert (grown.tables["desk_lines"]["of"], grown.tables["desk_sold"]["of"]) == (16, 2)
    assert sorted_rows(by_polars(place(company, "desk_lines"))) == in_postgresql(
        company, company.ctx.catalog.workbooks["desk_lines"]
    )


def test_every_moment_is_read_as_s2p_itself_knows_it(company: LakeCompany) -> None:
    moments = []
    for price in (5.0, 6.0, 7.0):
        company.articles(("0001", "Lamp", price), ("0002", "Bulb", 2.5))
        moments.append(export_tables(company.ctx, company.lake).moment)
    noted = [row for row in by_polars(company.lake.place("s2p", "moments")) if row["table"] == "articles"]
    for moment in moments:
        version = max(row["version"] for row in noted if row["moment"] <= moment)
        then = polars.read_delta(place(company, "desk_articles"), version=version)
        declared = company.ctx.catalog.workbooks["desk_articles"]
        known = show_rows(company.ctx, declared, TableQuestion(limit=9), moment.isoformat(), print)
        assert {row["article"]: row["price"] for row in then.to_dicts()} == {
            row["article"]: row["price"] for row in known.rows
        }


def test_past_states_are_written_one_after_the_other_and_never_behind_a_later_one(
    company: LakeCompany, tmp_path: Path
) -> None:
    company.articles(("0001", "Lamp", 7.0), ("0002", "Bulb", 2.5))
    first = dt.datetime.now().astimezone().isoformat()
    company.articles(("0001", "Lamp", 8.0), ("0002", "Bulb", 2.5))
    second, there = dt.datetime.now().astimezone().isoformat(), Lakehouse(str(tmp_path / "past"))
    for moment in (first, second):
        export_tables(company.ctx, there, as_of=moment)
    prices = [
        {
            row["article"]: row["price"]
            for row in polars.read_delta(f"{there.root}/desk/articles", version=at).to_dicts()
        }
        for at in (0, 1)
    ]
    assert prices == [{"0001": 7, "0002": 2.5}, {"0001": 8, "0002": 2.5}]
    now = export_tables(company.ctx, there)
    assert now.tables == {}  # nothing has changed since the second moment
    with pytest.raises(NotFound, match=r"holds states up to .*; export an earlier moment to a place of its own"):
        export_tables(company.ctx, there, as_of=first)


def test_a_target_that_others_wrote_to_is_written_anew_and_named(company: LakeCompany) -> None:
    export_tables(company.ctx, company.lake)
    theirs = DeltaTable(place(company, "desk_sold")).to_pyarrow_table()
    write_deltalake(place(company, "desk_sold"), theirs, mode="append")
    done = export_tables(company.ctx, company.lake)
    assert [notice.rpartition(": ")[2] for notice in done.notices] == ["others wrote to it; written anew as a whole"]
    assert sold_there(company) == company.sold()


def test_a_target_that_is_full_holds_nothing_up_and_is_caught_up_with(company: LakeCompany) -> None:
    ctx, disk = company.ctx, Path(company.lake.root).parent
    with mounted(disk, "-t", "tmpfs", "-o", "size=16k", "tmpfs"):
        with pytest.raises(
            LakehouseUnwritable, match=r"the disk is full; make room there, and the next export goes on"
        ):
            bring_up_to_date(ctx)
        problem, matters = told(company)
        assert problem
        assert "the disk is full" in problem
        assert matters == ["The lakehouse is not brought up to date"]
        company.change()
        os.system(f"mount -o remount,size=10m '{disk}'")
        done = bring_up_to_date(ctx)
        assert done
        assert told(company) == (None, [])
        assert sold_there(company) == company.sold()


def test_a_target_that_is_gone_is_told_and_never_begun_anew_unasked(company: LakeCompany) -> None:
    ctx, disk = company.ctx, Path(company.lake.root).parent
    assert bring_up_to_date(ctx)
    assert bring_up_to_date(ctx) is None
    shutil.rmtree(disk)
    company.change()
    with pytest.raises(LakehouseUnwritable, match=r"there is no folder .*; make it, or connect its disk"):
        bring_up_to_date(ctx)
    assert KINDS["export"].concerns == ("engineers",)
    assert not begin_due_export(ctx, dt.datetime.now(dt.UTC))  # it has just failed
    disk.mkdir()
    with pytest.raises(LakehouseUnwritable, match="is empty, and s2p had written to it; connect its disk again"):
        bring_up_to_date(ctx)
    assert export_and_note(ctx, company.lake, None).tables
    assert told(company) == (None, [])


def sold_there(company: LakeCompany) -> dict[str, int]:
    return {row["article"]: row["pieces"] for row in by_polars(place(company, "desk_sold"))}


def told(company: LakeCompany) -> tuple[str | None, list[str]]:
    with company.ctx.warehouse.connect() as connection:
        status = lakehouse_status(company.ctx, connection)
        assert status
        return status["problem"], [one.title for one in lakehouse_matters(company.ctx, connection)]


def test_two_exports_to_one_place_do_not_mix(company: LakeCompany) -> None:
    def while_at_work(_: str) -> None:
        with pytest.raises(ExportUnderWay, match=r"another export to .* is at work; wait until it has ended"):
            export_tables(company.ctx, company.lake)

    assert export_tables(company.ctx, company.lake, progress=while_at_work).tables


@pytest.fixture
def object_storage(tmp_path: Path) -> Iterator[str]:
    """The address of a server that speaks S3; it ends with the test."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", port]
    with (tmp_path / "moto.log").open("w") as log, subprocess.Popen(command, stdout=log, stderr=log) as server:
        try:
            make_bucket(int(port))
            yield f"http://127.0.0.1:{port}"
        finally:
            server.kill()


def test_it_goes_to_object_storage_by_its_address(company: LakeCompany, object_storage: str) -> None:
    options = {"aws_endpoint_url": object_storage, "aws_allow_http": "true", "aws_region": "us-east-1"} | KNOWN
    given = Settings(lakehouse_options=",".join(f"{key}={value}" for key, value in options.items()))
    there = lakehouse_at(given, "s3://lake/s2p/")
    assert (there.root, dict(there.options)) == ("s3://lake/s2p", options)
    assert export_tables(company.ctx, there).tables.keys() >= set(TABLES)
    assert export_tables(company.ctx, there).tables == {}
    company.change()
    export_tables(company.ctx, there)
    sold = DeltaTable("s3://lake/s2p/desk/sold", storage_options=options).to_pyarrow_table().to_pylist()
    assert {row["article"]: row["pieces"] for row in sold} == company.sold()
    with pytest.raises(LakehouseUnwritable, match=r"s3://lack/s2p/.*: cannot be reached or written"):
        export_tables(company.ctx, Lakehouse("s3://lack/s2p", options | {"max_retries": "0"}))


def make_bucket(port: int) -> None:
    import boto3

    for _ in range(600):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            break
        time.sleep(0.1)
    storage = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{port}", region_name="us-east-1", **KNOWN)
    storage.create_bucket(Bucket="lake")


@pytest.fixture
def asked(company: LakeCompany) -> Callable[..., Any]:
    return commands_of(company)


def test_a_person_exports_at_a_terminal_and_a_slip_is_one_line(asked: Callable[..., Any], tmp_path: Path) -> None:
    code, printed, _ = asked("export", "--to", "delta", str(tmp_path / "mine"))
    assert code == 0
    assert "desk_sold: version 0, written" in printed
    assert f"tables written to {tmp_path / 'mine'}" in " ".join(printed.split())
    for words, says in (
        (["export"], "say where to, as in `s2p export --to delta /srv/lake`, or set S2P_LAKEHOUSE"),
        (["export", "--to", "iceberg", "x"], "'iceberg' is no format that tables are exported in; there is delta"),
        (["export", "--to", "delta", "no/where/x"], "no/where; make it, or connect its disk"),
        (["export", "--to", "delta", "mine", "--as-of", "2020-01-01"], "nothing was known on 2020-01-01"),
    ):
        code, printed, said = asked(*words)
        lines = [line for line in said.splitlines() if line.startswith("s2p: ")]
        assert (code, printed, len(lines)) == (2, "", 1), said
        assert says in " ".join(said.split())


def test_options_that_are_no_pairs_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "options").write_text("aws_region=eu\n\naws_secret_access_key=a=b\n")
    assert Settings(lakehouse_options_file=tmp_path / "options").lakehouse_terms() == {
        "aws_region": "eu",
        "aws_secret_access_key": "a=b",
    }
    with pytest.raises(
        NotFound, match="S2P_LAKEHOUSE_OPTIONS cannot be read: options of the lakehouse are written name=value"
    ):
        export_target(Settings(lakehouse_options="secret"), "delta", "s3://lake")


def test_work_is_done_bucket_by_bucket_with_all_rows_of_an_entity_together(
    company: LakeCompany, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buckets, "ROWS_A_BUCKET", 1)
    with pytest.raises(NotFound, match=r"desk/days has no rows; s2p export --to delta .* writes them"):
        map_buckets(company.lake, ("desk", "days"), pieces)
    export_tables(company.ctx, company.lake)
    found = map_buckets(company.lake, ("desk", "days"), pieces, columns=["article", "pieces"])
    assert {article: pieces for one in found for article, pieces in one.items()} == company.sold()
    assert sum(len(one) for one in found) == 2


def pieces(rows: pd.DataFrame) -> dict[str, int]:
    assert list(rows.columns) == ["article", "pieces"]
    return {str(article): int(some["pieces"].sum()) for article, some in rows.groupby("article")}
