"""A table of another PostgreSQL followed row for row, whatever is killed, dropped or changed there."""

import datetime as dt
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from s2p_assets.catalog.catalog import key_of
from s2p_assets.services.as_of import open_as_of
from s2p_assets.services.messages.stream_matters import stream_matters
from s2p_assets.services.metrics.alerts import raised
from s2p_assets.services.metrics.measured import measure_installation
from s2p_assets.services.status import forget_file
from s2p_assets.services.streams.replaying import lines_to_correct, read_corrections, replay
from s2p_assets.services.streams.telling import returned_of
from s2p_assets.services.trace import trace_table
from s2p_assets.warehouse.streams.offsets import TopicBounds, begin_partition, late_streams, note_ends
from s2p_assets_tests.streams.acme import Acme, kill_in_turn, stop, until
from s2p_assets_tests.streams.erp import (
    STOCK,
    TABLE,
    Erp,
    change_at_random,
    company_with_erp,
    following,
    insert,
    never_doubled,
    problem_of,
    running_erp,
    status_of,
    stock_rows,
    until_equal,
)

pytestmark = pytest.mark.long
KILLS = 3
"""Of the reader, of PostgreSQL and of the ERP in turn; `benchmarks.capturing --kills 200` does it for longer."""


@pytest.fixture(scope="module")
def erp(folder: Path) -> Iterator[Erp]:
    with running_erp(folder / "erp") as server:
        yield server


@pytest.fixture(scope="module")
def acme(folder: Path, erp: Erp) -> Iterator[Acme]:
    with company_with_erp(folder, erp) as home:
        yield home


def test_first_what_is_there_then_every_change_and_deletion(acme: Acme, erp: Erp) -> None:
    erp.do(insert(range(200)), "update public.stock set note = 'per piece, 1.234' where article = '00007'")
    with following(acme):
        until_equal(acme, erp, "the snapshot")
        erp.do(
            insert(range(200, 260)),
            "update public.stock set qty = qty + 5 where article < '00020'",
            "delete from public.stock where article between '00050' and '00059'",
            "update public.stock set article = 'X' || article where article = '00100'",
            "begin; delete from public.stock where article = '00101'; "
            + insert([101])
            + "; update public.stock set qty = 77 where article = '00101'; commit",
        )
        until_equal(acme, erp, "changes of every kind")
        status = status_of(acme)
        assert (status["returned"], status["lag"], status["slot"]["status"]) == (0, None, "reserved")
    traced = trace_table(acme.ctx, STOCK, {"sku": "00101", "warehouse": "W1"}, ["quantity"], most=5)
    (file,) = (row.file for row in traced.rows if row.file and row.file.superseded_by is None)
    assert file.event is not None
    event = orjson.loads(file.event)
    assert (event["op"], event["table"], event["row"]["qty"]) == ("update", "public.stock", 77)
    assert "/" in event["lsn"]
    assert file.cells == {"quantity": "qty"}


def test_killed_at_random_moments_nothing_is_lost_or_doubled(acme: Acme, erp: Erp) -> None:
    chance, process = random.Random(3), acme.command("stream")
    for turn in range(KILLS):
        change_at_random(erp, chance, 40)
        process = kill_in_turn(acme, process, turn, chance.uniform(0.5, 4.0), erp)
    change_at_random(erp, chance, 5)
    until_equal(acme, erp, "after the kills")
    stop(process)
    assert never_doubled(acme)


def test_an_idle_table_lets_a_busy_server_forget_its_log(acme: Acme, erp: Erp) -> None:
    with following(acme):
        until_equal(acme, erp, "it follows")
        before = erp.do("select pg_current_wal_lsn()")[0][0]
        erp.do("create table other as select repeat('x', 500) from generate_series(1, 2000)")
        until(lambda: erp.do(f"select confirmed_flush_lsn > '{before}' from pg_replication_slots")[0][0], "moved on")
    assert not problem_of(acme)


def test_a_long_value_that_did_not_change_is_kept(acme: Acme, erp: Erp) -> None:
    note = "select string_agg(md5(n::text), '') from generate_series(1, 400) n"
    with following(acme):
        erp.do(insert([600]), f"update public.stock set note = ({note}) where article = '00600'")
        erp.do("update public.stock set qty = 1 where article = '00600'")
        until_equal(acme, erp, "the long note stands")
    assert len({row[0]: row[4] for row in stock_rows(acme)}["00600"]) == 12_800


def test_a_table_emptied_and_what_a_forgotten_day_gives_back(acme: Acme, erp: Erp) -> None:
    with following(acme):
        erp.do("truncate public.stock", insert(range(5), "W2"))
        until_equal(acme, erp, "emptied and filled")
    with acme.ctx.warehouse.connect() as connection:
        connection.execute("update s2p.files set as_of_ns = as_of_ns - 86400000000000, path = path || ' (0)'")
        connection.execute("update s2p.files set path = replace(path, ' (0)', '-before')")
    with following(acme):
        erp.do("update public.stock set qty = 9", "delete from public.stock where article = '00003'")
        until_equal(acme, erp, "another day")
    today = f"s2p-streams/{STOCK}/{dt.datetime.now(dt.UTC).date()}"
    assert forget_file(acme.ctx, today) >= 5
    assert [row[:3] for row in stock_rows(acme)] == [(f"{n:05d}", "W2", n) for n in range(5)]


def test_a_row_that_breaks_the_contract_comes_back_and_does_not_undo_what_came_since(acme: Acme, erp: Erp) -> None:
    with following(acme):
        erp.do(insert([3], "W2"), "update public.stock set qty = -1 where article = '00000'")
        until(lambda: status_of(acme)["returned"] == 1, "it came back")
        erp.do("update public.stock set qty = 3")
        until_equal(acme, erp, "a good one follows")
    assert replay(acme.ctx, STOCK).returned == 1, "as it is, it is still no quantity"
    waiting = returned_of(acme.ctx, STOCK)
    (line,) = lines_to_correct(acme.ctx, STOCK)
    assert orjson.loads(line) | {"qty": 1} == orjson.loads(line) | {
        "_id": waiting[0]["id"],
        "article": "00000",
        "qty": 1,
    }
    corrected = orjson.dumps({"_id": waiting[0]["id"], "article": "00000", "warehouse": "W2", "qty": 1})
    assert replay(acme.ctx, STOCK, corrected=read_corrections(corrected)).repeated == 1
    assert stock_rows(acme) == erp.rows()


def test_a_past_moment_has_the_rows_that_stood_then(acme: Acme, erp: Erp) -> None:
    with following(acme):
        erp.do(insert(range(900, 903), "W7"))
        until_equal(acme, erp, "three more")
        moments = [(dt.datetime.now().astimezone(), stock_rows(acme))]
        erp.do("delete from public.stock where article = '00901'", "update public.stock set qty = 8 where qty < 8")
        until_equal(acme, erp, "some changed, one gone")
        moments += [(dt.datetime.now().astimezone(), stock_rows(acme))]
    for moment, wanted in moments:
        with open_as_of(acme.ctx, moment, lambda _: None) as known:
            shown = known.of(key_of(acme.ctx.catalog.streams[STOCK]))
        assert sorted(zip(shown["sku"], shown["quantity"], strict=True)) == sorted((row[0], row[2]) for row in wanted)


@pytest.mark.parametrize(
    ("commands", "says"),
    [
        (("select pg_drop_replication_slot(slot_name) from pg_replication_slots",), "its replication slot was dropped"),
        (("drop table public.stock", TABLE, insert(range(3))), "the table was dropped and made anew"),
        (("alter table public.stock alter qty type numeric using qty * 2",), "its column qty changed its type"),
        (("drop publication {publication}",), "the table was taken out of its publication"),
    ],
)
def test_what_cannot_be_read_on_is_read_anew_and_told(
    acme: Acme, erp: Erp, commands: tuple[str, ...], says: str
) -> None:
    publication = erp.do("select coalesce(max(pubname), 'none') from pg_publication")[0][0]
    erp.do(
        *(one.format(publication=publication) for one in commands),
        insert([800 + len(says)]),
        "delete from public.stock where article = '00001'",
    )
    with following(acme):
        until_equal(acme, erp, says)
        erp.do("update public.stock set qty = 4")
        until_equal(acme, erp, "and followed")
    assert any(says in one for one in status_of(acme)["notices"])
    assert never_doubled(acme)


def test_a_dropped_column_is_told_and_its_rows_come_back(acme: Acme, erp: Erp) -> None:
    with following(acme):
        until_equal(acme, erp, "it follows")
        before = stock_rows(acme)
        erp.do("alter table public.stock rename note to remark", "update public.stock set qty = 5")
        until(lambda: status_of(acme)["returned"] == len(before), "all came back")
        status = status_of(acme)
        assert any("has no column for note any more" in one for one in status["notices"])
        assert any("has a column 'remark' that is not read" in one for one in status["notices"])
        assert stock_rows(acme) == before
        erp.do("alter table public.stock rename remark to note", "update public.stock set qty = 6")
        until_equal(acme, erp, "as before")
    replay(acme.ctx, STOCK, drop=True)


def test_what_somebody_has_to_do_at_the_other_database_is_said(acme: Acme, erp: Erp) -> None:
    erp.do("alter table public.stock drop constraint stock_pkey", "alter table public.stock replica identity nothing")
    with following(acme):
        until(lambda: "replica identity full" in problem_of(acme), "the key is asked for")
        erp.do("alter table public.stock add primary key (article, warehouse)")
        erp.do("alter table public.stock replica identity default")
        until(lambda: not problem_of(acme), "it follows again")
        erp.do("alter table public.stock rename to old_stock")
        until(lambda: "has no table public.stock" in problem_of(acme), "the table is gone")
        assert len(stock_rows(acme)) > 0
        erp.do("alter table public.old_stock rename to stock")
        until_equal(acme, erp, "there again")


def test_long_before_the_other_disk_fills_somebody_is_told_even_where_nobody_follows(acme: Acme, erp: Erp) -> None:
    erp.do("create table filler as select repeat('y', 900) from generate_series(1, 3000)")
    now, settings = dt.datetime.now(dt.UTC), acme.ctx.settings
    careful = replace(acme.ctx, settings=settings.model_copy(update={"slot_mb": 1}))
    with acme.ctx.warehouse.connect() as connection:
        assert not [one for one in stream_matters(acme.ctx, connection, now) if ":slot:" in one.key]
        (told,) = (
            one for one in stream_matters(careful, connection, now + dt.timedelta(minutes=3)) if ":slot:" in one.key
        )
    assert "erp keeps" in told.title
    assert "has no bound, so its disk fills" in told.next_step
    figures = {one.metric: one for one in measure_installation(careful) if one.labels == (STOCK,)}
    assert figures["s2p_stream_slot_bytes"].value > figures["s2p_stream_slot_wanted_bytes"].value == 1 << 20
    assert any(one.alert.name == "SlotKeepsLog" for one in raised(figures.values()))
    with following(acme):
        until(lambda: status_of(acme)["slot"]["over_since"] is None, "read on, it is forgotten there")


def test_a_stream_that_does_not_keep_up_is_told_and_measured(acme: Acme) -> None:
    with acme.ctx.warehouse.connect() as connection:
        begin_partition(connection, "acme_shop", "orders", 0, lambda _: TopicBounds(0, 10))
        connection.execute(
            "update s2p.stream_offsets set event_at = now() - interval '9 minutes' where topic = 'orders'"
        )
        note_ends(connection, "acme_shop", [("orders", 0, 70)])
        now = dt.datetime.now(dt.UTC)
        assert not any("lags" in one.title for one in stream_matters(acme.ctx, connection, now))
        later = stream_matters(acme.ctx, connection, now + dt.timedelta(minutes=6))
        assert "acme shop lags: 70 events wait" in [one.title for one in later]
        figures = [one for one in measure_installation(acme.ctx) if one.labels == ("acme_shop",)]
        assert next(one.value for one in figures if one.metric == "s2p_stream_lag_events") == 70
        connection.execute("update s2p.stream_offsets set next_offset = 70, event_at = now() where topic = 'orders'")
        note_ends(connection, "acme_shop", [("orders", 0, 70)])
        assert not late_streams(connection, now + dt.timedelta(hours=1))
