"""Partitioned tables of another PostgreSQL: as one table, whatever becomes of its partitions."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from s2p_assets.warehouse.changes.progress import followed_table
from s2p_assets_tests.streams.acme import Acme, until
from s2p_assets_tests.streams.erp import (
    STOCK,
    TABLE,
    Erp,
    company_with_erp,
    following,
    insert,
    problem_of,
    running_erp,
    status_of,
    stock_rows,
    until_equal,
)

pytestmark = pytest.mark.long
PART = "create table public.stock_{0} partition of public.stock for values in ('{0}')"
LOOSE = "create table public.stock_{0} (like public.stock including all)"
ATTACH = "alter table public.stock attach partition public.stock_{0} for values in ('{0}')"


@pytest.fixture(scope="module")
def erp(folder: Path) -> Iterator[Erp]:
    with running_erp(folder / "erp") as server:
        server.do("drop table public.stock", f"{TABLE} partition by list (warehouse)", PART.format("w1"))
        yield server


@pytest.fixture(scope="module")
def acme(folder: Path, erp: Erp) -> Iterator[Acme]:
    with (
        pytest.MonkeyPatch.context() as patch,
        company_with_erp(folder, erp) as home,
    ):
        patch.setattr("s2p_assets.services.streams.capturing.LOOK_SECONDS", 0.5)
        yield home


def said(acme: Acme, words: str) -> bool:
    return any(words in one for one in status_of(acme)["notices"])


def test_rows_of_all_partitions_are_followed_and_a_new_bare_one_needs_no_reading_anew(acme: Acme, erp: Erp) -> None:
    erp.do(insert(range(50), "w1"))
    with following(acme):
        until_equal(acme, erp, "the snapshot")
        erp.do(PART.format("w2"), PART.format("w3"))
        until(lambda: len(known_parts(acme)) == 3, "they are seen while they are bare")
        erp.do(
            insert(range(40), "w2"),
            "update public.stock set qty = qty + 1 where warehouse = 'w1' and article < '00020'",
            "delete from public.stock where article = '00030'",
            "update public.stock set warehouse = 'w3' where article = '00031' and warehouse = 'w1'",
        )
        until_equal(acme, erp, "changes in both, and a row that moves into a third")
        assert not status_of(acme)["notices"]
        erp.do("truncate public.stock", insert(range(9), "w2"))
        until_equal(acme, erp, "all emptied, and one filled")


def known_parts(acme: Acme) -> dict[str, str]:
    with acme.ctx.warehouse.connect() as connection:
        known = followed_table(connection, STOCK)
    return known.parts if known else {}


@pytest.mark.parametrize(
    ("commands", "says"),
    [
        (
            (LOOSE.format("w5"), "insert into public.stock_w5 values ('x', 'w5', 1)", ATTACH.format("w5")),
            "w5 with rows",
        ),
        (("truncate public.stock_w5", insert(range(70, 75), "w5")), "w5 was emptied"),
        (("alter table public.stock detach partition public.stock_w5",), "w5 was taken away"),
        (
            ("drop publication {publication}", "create publication {publication} for table public.stock"),
            "taken out of its publication",
        ),
    ],
)
def test_what_the_log_does_not_tell_of_partitions_is_seen(
    acme: Acme, erp: Erp, commands: tuple[str, ...], says: str
) -> None:
    publication = erp.do("select coalesce(max(pubname), 'none') from pg_publication")[0][0]
    with following(acme):
        until_equal(acme, erp, "before")
        erp.do(*(one.format(publication=publication) for one in commands))
        until(lambda: said(acme, says), says)
        until_equal(acme, erp, says)
        erp.do("update public.stock set qty = qty + 1")
        until_equal(acme, erp, "and followed")


def test_a_partition_alone_is_a_table_as_any_other(acme: Acme, erp: Erp) -> None:
    erp.do("alter table public.stock rename to stocks", "alter table public.stock_w2 rename to stock")
    with following(acme):
        until_equal(acme, erp, "the rows of one partition")
        erp.do("insert into public.stocks values ('n', 'w2', 3), ('n', 'w1', 3)", "delete from stocks where qty = 4")
        until_equal(acme, erp, "what changes by way of the whole")
        erp.do("truncate public.stocks", "insert into public.stocks values ('m', 'w2', 3)")
        until_equal(acme, erp, "the whole emptied")
    assert [row[0] for row in stock_rows(acme)] == ["m"]


def test_tables_that_inherit_and_partitions_elsewhere_are_refused_in_words(acme: Acme, erp: Erp) -> None:
    erp.do("drop table public.stocks", TABLE, "create table public.heir () inherits (public.stock)")
    with following(acme):
        until(lambda: "heir inherits from public.stock" in problem_of(acme), "it is said")
