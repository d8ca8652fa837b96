"""Promises of reading a topic on: only what is sure is taken for a topic made anew, whoever else reads it."""

import datetime as dt
from dataclasses import replace

import psycopg
import pytest

from s2p_assets.warehouse.server.connection import connect
from s2p_assets.warehouse.streams.notices import notices_since
from s2p_assets.warehouse.streams.offsets import UNBOUNDED, Partition, TopicBounds, begin_partition, read_on

SEEN = Partition("orders", 0, 2, "A", 500)


@pytest.mark.parametrize(
    ("known", "bounds", "begun", "kind"),
    [
        (SEEN, TopicBounds(0, 900, "A"), SEEN, ""),
        (replace(SEEN, next_offset=800), TopicBounds(0, 600, "A"), replace(SEEN, next_offset=800), ""),
        (replace(SEEN, generation=3, topic_id="B"), TopicBounds(0, 9, "A"), None, ""),
        (SEEN, UNBOUNDED, SEEN, ""),
        (SEEN, TopicBounds(0, 499, "A"), Partition("orders", 0, 3, "A", 0), "made_anew"),
        (SEEN, TopicBounds(7, 900, "B"), Partition("orders", 0, 3, "B", 7), "made_anew"),
        (SEEN, TopicBounds(600, 900, "A"), replace(SEEN, next_offset=600), "events_lost"),
        (replace(SEEN, next_offset=700), TopicBounds(600, 900, "A"), replace(SEEN, next_offset=700), ""),
    ],
    ids=[
        "as it was",
        "read on by another",
        "begun by another",
        "not asked",
        "shorter",
        "other",
        "deleted",
        "overtaken",
    ],
)
def test_what_is_read_on(known: Partition, bounds: TopicBounds, begun: Partition | None, kind: str) -> None:
    found = read_on(SEEN, known, bounds)
    assert (found[0], found[1]) == (begun or known, kind)


def test_a_partition_that_another_process_stores_into_meanwhile_is_read_on(
    conn: psycopg.Connection, empty_database_url: str
) -> None:
    begin_partition(conn, "acme_shop", "orders", 0)

    def stored_since(_: Partition) -> TopicBounds:
        with connect(empty_database_url) as other:
            other.execute("update s2p.stream_offsets set next_offset = 1000")
        return TopicBounds(0, 700)

    conn.execute("update s2p.stream_offsets set next_offset = 600")
    conn.commit()
    begun = begin_partition(conn, "acme_shop", "orders", 0, stored_since)
    assert (begun.generation, begun.next_offset) == (0, 1000)
    assert not notices_since(conn, dt.datetime(2000, 1, 1, tzinfo=dt.UTC))
