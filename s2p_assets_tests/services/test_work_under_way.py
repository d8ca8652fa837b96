"""What is under way or waits is said in one plain line, with why it takes long."""

import datetime as dt

import psycopg
import pytest

from s2p_assets.services.work_under_way import line_of_work, work_under_way

NOW = dt.datetime(2026, 11, 29, 14, 0, tzinfo=dt.UTC)


def ago(minutes: float) -> dt.datetime:
    return NOW - dt.timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("running", "queued", "heard", "load", "said"),
    [
        ([3], [], 0, 0.5, "1 run is under way, asked for 3 minutes ago"),
        ([], [1, 9], 0, 0.5, "2 runs wait to start, asked for 9 minutes ago"),
        ([0.1], [200], 1, 0.5, "1 run is under way, asked for just now; 1 run waits to start, asked for 3 hours ago"),
        ([], [9], 30, 0.5, "1 run waits to start, asked for 9 minutes ago; s2p up was last heard of 30 minutes ago: "),
        ([], [9], 0, 4000, "1 run waits to start, asked for 9 minutes ago; this computer is busy (load 4000 on "),
    ],
)
def test_it_is_said_what_waits_since_when_and_why(
    running: list[float], queued: list[float], heard: float, load: float, said: str
) -> None:
    found = line_of_work([ago(each) for each in running], [ago(each) for each in queued], ago(heard), load, NOW)
    assert found.startswith(said) if said.endswith(" ") else found == said


def test_where_nothing_is_to_be_made_nothing_is_said(conn: psycopg.Connection) -> None:
    assert work_under_way(conn, NOW) == {"running": 0, "queued": 0, "since": None, "says": None}


def test_it_is_read_from_the_books_of_dagster(conn: psycopg.Connection) -> None:
    conn.execute("create schema dagster")
    conn.execute("create table dagster.runs (status text, create_timestamp timestamp)")
    conn.execute("create table dagster.daemon_heartbeats (timestamp timestamp)")
    conn.execute("insert into dagster.runs values ('SUCCESS', '2026-11-29 11:00'), ('QUEUED', '2026-11-29 13:50')")
    found = work_under_way(conn, NOW)
    assert (found["running"], found["queued"], found["since"]) == (0, 1, "2026-11-29T13:50:00+00:00")
    assert found["says"].startswith("1 run waits to start, asked for 10 minutes ago")
