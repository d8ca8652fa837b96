"""A table of another PostgreSQL followed row for row, whatever is killed, dropped or changed there."""

import random
import signal
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from s2p_assets.services.trace import trace_table
from s2p_assets_tests.streams.acme import Acme
from s2p_assets_tests.streams.erp import (
    STOCK,
    Erp,
    company_with_erp,
    following,
    insert,
    problem_of,
    running_erp,
    status_of,
    stock_rows,
    until,
    until_equal,
)


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
    (row,) = traced.rows
    assert row.file is not None
    assert row.file.event is not None
    event = orjson.loads(row.file.event)
    assert (event["op"], event["table"], event["row"]["qty"]) == ("update", "public.stock", 77)
    assert "/" in event["lsn"]
    assert row.file.cells == {"quantity": "qty"}
