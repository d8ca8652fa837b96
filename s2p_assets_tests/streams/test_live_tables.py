"""Tables that follow their streams: by batch and by stream they are the same rows, seconds behind the event."""

import datetime as dt
import random
import threading
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import psycopg
import pytest

from s2p_assets.api.caller import Caller
from s2p_assets.screen.needs import needs_of
from s2p_assets.services.attention import what_needs_a_person
from s2p_assets.services.feature_store import FeatureQuery, features_named
from s2p_assets.services.metrics.alerts import raised
from s2p_assets.services.metrics.measured import measure_installation
from s2p_assets.services.status import read_status
from s2p_assets.services.streams import live_tables
from s2p_assets.services.streams.live_tables import LiveTables
from s2p_assets.services.streams.live_telling import live_table_matters, live_tables_status
from s2p_assets.services.streams.pushing import push_events
from s2p_assets.services.streams.telling import require_streams
from s2p_assets.services.trace import trace_table
from s2p_assets.warehouse.sql_tables.making import make_sql_table
from s2p_assets_tests.streams.acme import TILL, Acme, acme_home, lines, sale, until, web_sales_tables

DAYS, FEATURES = "acme_web_sales_by_day", "acme_web_sales_features"
FIRST = dt.date(2026, 8, 3)
AGO = range(8)
CUT_OFF = (
    "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and granted and pid <> pg_backend_pid()"
)
Sale = dict[str, Any]


@pytest.fixture(scope="module")
def acme(folder: Path) -> Iterator[Acme]:
    with (
        pytest.MonkeyPatch.context() as patch,
        acme_home(folder, patch, tables=web_sales_tables(TILL.removeprefix("acme_"))) as home,
    ):
        yield home


def test_a_stream_in_any_order_with_duplicates_and_lateness_makes_the_rows_of_the_full_recompute(acme: Acme) -> None:
    chance = random.Random(19)
    sent = _sent(chance, 900)
    standing: dict[tuple[str, int], Sale] = {}
    remade = []
    with acme.ctx.warehouse.connect() as connection:
        live = LiveTables(acme.ctx, threading.Event())
        tables = acme.ctx.catalog.live_tables
        assert [one.full_name for one in tables] == [DAYS, FEATURES]
        for table in tables:
            live.make(connection, table)
        while sent:
            batch, sent = sent[:100], sent[100:]
            push_events(acme.ctx, TILL, lines(batch), f"batch {len(sent)}", "till 7")
            standing |= {(one["order"], one["line"]): one for one in batch}
            if chance.random() < 0.7:
                remade += [make_sql_table(connection, table).remade for table in tables]
        for table in tables:
            live.make(connection, table)
        by_stream = [_rows(connection, table.name) for table in tables]
        assert by_stream == _by_hand(standing.values())
        whole = [make_sql_table(connection, table, whole=True) for table in tables]
        assert by_stream == [_rows(connection, table.name) for table in tables]
    assert [one.changed for one in whole] == [False, False]
    assert len([one for one in remade if " changed sku and day" in one]) > 6


def _sent(chance: random.Random, count: int) -> list[Sale]:
    """Sales of 60 days mixed up within some days, one of twenty up to 20 days late; a quarter is sent again, and one of
    fifty corrected.
    """
    found = []
    for number in range(count):
        day = FIRST + dt.timedelta(days=chance.randrange(60))
        at = f"{day}T{chance.randrange(24):02d}:{chance.randrange(60):02d}:00"
        made = sale(number, item={"sku": f"{chance.randrange(12):04d}"}, qty=chance.choice([-1, 1, 2, 3]), at=at)
        late = chance.randrange(20) if chance.random() < 0.05 else chance.random() * 2
        come = day.toordinal() + late
        found.append((come, made))
        if chance.random() < 0.25:
            found.append((come + chance.random() * 20, made))
        elif chance.random() < 0.02:
            found.append((come + 10, made | {"qty": 7}))
    return [one for _, one in sorted(found, key=lambda one: one[0])]


def _rows(connection: psycopg.Connection, name: str) -> list[tuple[Any, ...]]:
    query: Any = f"select * from acme.{name} order by sku, day"
    return connection.execute(query).fetchall()


def _by_hand(sales: Any) -> list[list[tuple[Any, ...]]]:
    """Both tables, made from the sales without SQL."""
    days: dict[tuple[str, dt.date], list[Any]] = defaultdict(
        lambda: [0, Decimal(0), 0, dt.datetime.combine(FIRST, dt.time())]
    )
    for one in sales:
        at = dt.datetime.fromisoformat(one["at"])
        state = days[one["item"]["sku"], at.date()]
        state[0] += one["qty"]
        state[1] += one["qty"] * Decimal(str(one["price"]))
        state[2] += 1
        state[3] = max(state[3], at)
    wanted = sorted({(sku, day + dt.timedelta(days=ago)) for sku, day in days for ago in AGO})
    return [[(*key, *state) for key, state in sorted(days.items())], [_features(days, *key) for key in wanted]]


def _features(days: Any, sku: str, day: dt.date) -> tuple[Any, ...]:
    there = {ago: days[sku, before] for ago in AGO if (sku, before := day - dt.timedelta(days=ago)) in days}
    units = [sum(state[0] for ago, state in there.items() if ago < most) for most in (1, 3, 7)]
    week = [state for ago, state in there.items() if ago < 7]
    known_at = there[0][3] if 0 in there else dt.datetime.combine(day, dt.time())
    turnover = sum((state[1] for state in week), Decimal(0))
    return (sku, day, known_at, *units, turnover, sum(state[2] for state in week), len(week))


def test_an_event_is_in_the_features_seconds_later_and_in_no_moment_before_it(
    acme: Acme, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_tables, "AGAIN_SECONDS", 0.1)
    assert require_streams(acme.ctx) == []  # events that are pushed need no reader, but what follows them does
    ended = threading.Event()
    thread = threading.Thread(target=LiveTables(acme.ctx, ended).run)
    thread.start()
    query = FeatureQuery(features_named(acme.ctx.catalog, FEATURES))
    try:
        for at, qty in (("09:00", 2), ("17:30", 5)):
            event = sale(9_000_000 + qty, item={"sku": "live"}, qty=qty, at=f"2026-11-20T{at}:00")
            push_events(acme.ctx, TILL, lines([event]), f"live {qty}", "till 7")
            until(lambda: _known(acme, query, "2026-11-20 18:00:00"), "it is counted")
            with acme.ctx.warehouse.connect() as connection:
                connection.execute(CUT_OFF)
        until(lambda: _known(acme, query, "2026-11-20 18:00:00") == ("2026-11-20", 7), "both are counted")
    finally:
        ended.set()
        thread.join(30)
    assert not thread.is_alive()
    assert _known(acme, query, "2026-11-20 12:00:00") is None
    assert _known(acme, query, "2026-11-27 12:00:00") == ("2026-11-27", 0)
    assert _known(acme, query, "2026-12-31 12:00:00") == ("2026-11-27", 0)
    traced = trace_table(acme.ctx, FEATURES, {"sku": "live", "day": "2026-11-22"}, ["units_7"], most=5)
    assert "table='acme.till', columns=('quantity',), count=2, total=7.0" in str(traced)
    assert '"at":"2026-11-20T17:30:00"' in str(traced)


def test_a_table_that_cannot_be_made_live_is_told_where_people_look(acme: Acme) -> None:
    live, table = LiveTables(acme.ctx, threading.Event()), acme.ctx.catalog.live_tables[0]
    faulty = replace(table, text=table.text.replace("sum(quantity)", "sum(quantity) / 0"))
    with acme.ctx.warehouse.connect() as connection:
        live.make(connection, faulty)
        now = dt.datetime.now(dt.UTC)
        assert not live_table_matters(acme.ctx, connection, now), "a file that is being written is broken for a moment"
        (told,) = live_table_matters(acme.ctx, connection, now + dt.timedelta(minutes=3))
    status = read_status(acme.ctx)
    says = status["live_tables"][0]["problem"]
    assert "the select returns numeric; cast it" in says
    assert told.details == (says,)
    assert "1 table does not follow its streams" in what_needs_a_person(status)
    (need,) = (one for one in needs_of(status, Caller("eve", "engineer", "user")) if one.kind == "not made")
    assert need.lines[0] == says
    alerts = [one.says for one in raised(measure_installation(acme.ctx)) if one.alert.name == "TableNotLive"]
    assert alerts == [f"{DAYS} does not follow its streams"]
    with acme.ctx.warehouse.connect() as connection:
        live.make(connection, table)
        assert [one["problem"] for one in live_tables_status(acme.ctx, connection)] == [None, None]


def _known(acme: Acme, query: FeatureQuery, moment: str) -> tuple[str, int] | None:
    with acme.ctx.warehouse.connect() as connection:
        text: Any = query.newest_sql().replace("$1", "%s").replace("$2", "%s::timestamp")
        _, row = connection.execute(text, ("live", moment)).fetchone() or (None, None)
    found = orjson.loads(row) if row else None
    return (found["day"], found["units_7"]) if found else None
