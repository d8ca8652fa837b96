"""What s2p promises when disks and drives fail: cut off, filled up, sealed or still being written, nothing is lost."""

import json
import os
import threading
from pathlib import Path

import pytest

from s2p_assets_tests import small_company
from s2p_assets_tests.small_company import (
    SmallCompany,
    answer,
    archived,
    mounted,
    one_line,
    order_rows,
    paths,
    read_only,
    save,
    unreadable,
    wait_until,
)

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def company(folder: Path, database_url: str) -> SmallCompany:
    """A company that has been processed once; each test drops files of its own."""
    built = small_company.build(folder / "company", small_company.new_database(database_url, "drives"))
    assert built.run().code == 1
    return built


def test_a_share_that_vanishes_in_mid_run_is_one_line_and_nothing_is_lost(company: SmallCompany) -> None:
    for number in range(12):
        save(company.share / f"orders/Away {number}.xlsx", order_rows(400 + number), 400)
    before = archived(company)
    process = company.start("run", "--json")
    wait_until(lambda: archived(company) > before + 2, process)
    company.share.rename(company.folder / "away")
    ended = answer(process)
    assert ended.code == 2
    assert str(company.share) in one_line(ended)
    assert not company.share.exists()
    company.share.mkdir()
    bare = company.run("run", "--json")
    assert bare.code == 2
    assert "connect the drive" in one_line(bare)
    assert list(company.share.iterdir()) == []
    company.share.rmdir()
    (company.folder / "away").rename(company.share)
    assert company.run().code == 1
    assert len(paths(company, "Away")) == 12


def test_files_that_vanish_or_grow_or_cannot_be_read_hold_back_no_other(company: SmallCompany) -> None:
    orders = company.share / "orders"
    for number in range(8):
        save(orders / f"Kept {number}.xlsx", order_rows(500 + number), 500)
    locked = save(orders / "Locked.xlsx", order_rows(520), 500)
    growing = save(orders / "Growing.xlsx", order_rows(521), 500)
    whole = growing.read_bytes()
    ended = threading.Event()

    def grow() -> None:
        with growing.open("wb") as file:
            while not ended.wait(0.2):
                file.write(whole[:1])
                file.flush()

    grower = threading.Thread(target=grow)
    grower.start()
    with unreadable(locked):
        before = archived(company)
        process = company.start()
        wait_until(lambda: archived(company) > before, process)
        vanished = [file for file in orders.glob("Kept *.xlsx") if file.name >= "Kept 5"]
        for file in vanished:
            file.unlink()
        first = answer(process)
    ended.set()
    grower.join()
    assert first.code == 1, first.text
    assert "Locked.xlsx" in first.out
    assert "Growing.xlsx" in first.out
    loaded = paths(company, "Kept")
    assert {path for path in loaded if path <= "orders/Kept 4.xlsx"} == {f"orders/Kept {n}.xlsx" for n in range(5)}
    assert paths(company, "Growing") == paths(company, "Locked") == []
    growing.write_bytes(whole)
    for file in (growing, locked):
        os.utime(file, (small_company.DROPPED, small_company.DROPPED))
    assert company.run().code == 1
    assert paths(company, "Growing") + paths(company, "Locked") == ["orders/Growing.xlsx", "orders/Locked.xlsx"]


def test_a_full_disk_is_one_line_and_the_next_run_completes(company: SmallCompany) -> None:
    for number in range(3):
        rows = [[f"F{number}-{place}", "L-1", place % 9 + 1, 0.37 * place, "2026-01-03"] for place in range(480)]
        save(company.share / f"orders/Full {number}.xlsx", [order_rows(0)[0], *rows], 600)
    with mounted(company.home / "sheets", "-t", "tmpfs", "-o", "size=32k", "tmpfs"):
        full = company.run("run", "--json")
        assert full.code == 2, full.text
        assert "make room" in one_line(full)
        assert company.left_over() == []
    assert paths(company, "Full") == []
    lake = company.folder / "drive/lake"
    again = company.run("run", "--json", env={"S2P_LAKEHOUSE": str(lake)})
    assert (again.code, json.loads(again.out)["failures"]) == (1, []), again.text
    assert len(paths(company, "Full")) == 3
    told = json.loads(again.out)["lakehouse"]
    assert "there is no folder" in told["problem"]
    lake.parent.mkdir()
    assert company.run("export", env={"S2P_LAKEHOUSE": str(lake)}).code == 0
    assert list(lake.glob("*/*/_delta_log"))


def test_a_read_only_share_is_named_and_good_files_are_loaded(company: SmallCompany) -> None:
    bad = order_rows(701)
    bad[1][4] = "soon"
    good = save(company.share / "orders/Read only good.xlsx", order_rows(700), 700)
    save(company.share / "orders/Read only bad.xlsx", [bad[0], bad[1]], 700)
    with read_only(company.share):
        ended = company.run("run", "--json")
    assert ended.code == 2, ended.text
    assert "s2p-reports" in one_line(ended)
    assert paths(company, "Read only") == [f"orders/{good.name}"]
    assert company.run().code == 1
    assert (company.share / "s2p-returned/orders/Read only bad.xlsx").exists()


def test_a_home_that_cannot_be_written_is_one_line(company: SmallCompany, folder: Path) -> None:
    sealed, file = folder / "read-only home", company.share / "orders/Again.xlsx"
    with read_only(sealed):
        started = [company.start("run", "--json", env={"S2P_HOME": str(home)}) for home in (sealed, file)]
        for home, ended in zip((sealed, file), map(answer, started), strict=True):
            assert ended.code == 2, ended.text
            assert str(home) in one_line(ended)
