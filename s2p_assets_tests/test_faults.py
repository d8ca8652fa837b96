"""What s2p promises when things break: killed, cut off, filled up or started twice, it ends as if nothing happened."""

import os
import random
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from s2p_assets.warehouse.connection import connect
from s2p_assets_tests import small_company
from s2p_assets_tests.small_company import Answer, SmallCompany, answer, kill, order_rows, save

KILLS = 4
SEED = 20260105
PASSWORD = "open-sesame"


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Not below pytest's own folder, which is closed to the user that PostgreSQL runs as when we are root."""
    with tempfile.TemporaryDirectory(prefix="s2p-faults-", ignore_cleanup_errors=True) as place:
        yield Path(place)


@dataclass(frozen=True)
class Undisturbed:
    """A company processed in one go: what stands then, and how long that took."""

    company: SmallCompany
    state: dict[str, Any]
    seconds: float


@pytest.fixture(scope="module")
def undisturbed(folder: Path, database_url: str) -> Undisturbed:
    """Processed with everything on its share that the company of the kills is given by and by."""
    with connect(database_url) as conn:
        conn.execute("create database faults")
    place = folder / "undisturbed"
    company = small_company.build(place, database_url.partition("/tests_")[0] + "/faults?" + _options(database_url))
    for number in range(KILLS):
        _extra(company, number)
    begun = time.monotonic()
    assert company.run().code == 1
    return Undisturbed(company, company.state(), time.monotonic() - begun)


@pytest.fixture(scope="module")
def company(undisturbed: Undisturbed) -> SmallCompany:
    """A company that has been processed once; each test drops files of its own."""
    return undisturbed.company


@pytest.fixture(scope="module")
def battered(folder: Path, undisturbed: Undisturbed) -> SmallCompany:
    """A company with the same share, killed at random moments from its first second on, then left in peace."""
    company = small_company.build(folder / "battered")
    shutil.rmtree(company.share)
    hidden = shutil.ignore_patterns("s2p-*", "Extra *")
    shutil.copytree(undisturbed.company.share, company.share, ignore=hidden)
    chance, told = random.Random(SEED), []
    for number in range(KILLS):
        extra = undisturbed.company.share / f"orders/Extra {number}.xlsx"
        shutil.copy2(extra, company.share / "orders")
        moment = chance.uniform(0.15, 0.7) * undisturbed.seconds
        what = ("s2p", "everything", "PostgreSQL")[number % 3]
        told.append(_kill_at(company, moment, what))
    print(f"seed {SEED}: " + "; ".join(told))
    last = company.run()
    assert last.code == 1, last.text
    return company


def _options(url: str) -> str:
    return url.partition("?")[2]


def _extra(company: SmallCompany, number: int) -> None:
    save(company.share / f"orders/Extra {number}.xlsx", order_rows(100 + number), 100 + number)


def _kill_at(company: SmallCompany, moment: float, what: str) -> str:
    """Start a run and kill `what` of it after `moment` seconds; a sentence for whoever reads a failure."""
    process = company.start("run", "--json")
    try:
        process.wait(moment)
        said = f"ended before {moment:.2f} s"
    except subprocess.TimeoutExpired:
        said = f"{what} killed after {moment:.2f} s"
    if what != "PostgreSQL":
        kill(process)
    if what != "s2p":
        _kill_servers(company)
        ended = answer(process) if what == "PostgreSQL" else None
        assert ended is None or "Traceback" not in ended.err, ended.text
    return said


def _kill_servers(company: SmallCompany) -> None:
    for server in company.servers():
        try:
            server.kill()
        except psutil.NoSuchProcess:
            continue


def one_line(ended: Answer) -> str:
    """The only line on stderr."""
    assert len(ended.lines) == 1, ended.text
    return ended.lines[0]


def paths(company: SmallCompany, part: str) -> list[str]:
    """The paths of files with `part` in their names whose rows stand."""
    ledger = company.state()["ledger"]
    return [path for _, path, _, _, _, holds, *_ in ledger if part in path and holds]


def wait_until(happens: Callable[[], bool], process: "subprocess.Popen[str]") -> None:
    """Return at once when it happens; a process that ended before is a failed test."""
    while not happens():
        assert process.poll() is None, answer(process).text
        time.sleep(0.002)


def archived(company: SmallCompany) -> int:
    return sum(1 for _ in (company.home / "archive").glob("??/*"))


@contextmanager
def mounted(place: Path, *options: str) -> Iterator[None]:
    """Something mounted at `place`; the test is skipped where that is not allowed."""
    place.mkdir(exist_ok=True) if not place.exists() else None
    done = subprocess.run(["mount", *options, str(place)], check=False, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"needs the right to mount: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


@contextmanager
def read_only(place: Path) -> Iterator[None]:
    """`place` cannot be written, not even by root."""
    with mounted(place, "--bind", str(place)):
        subprocess.run(["mount", "-o", "remount,bind,ro", str(place)], check=True)
        yield


@contextmanager
def unreadable(file: Path) -> Iterator[None]:
    """`file` cannot be read, not even by root: reading the start of a process's memory is an I/O error."""
    if os.geteuid():
        file.chmod(0)
        yield
        file.chmod(0o644)
    else:
        with mounted(file, "--bind", "/proc/1/mem"):
            yield


def test_after_kills_at_random_moments_everything_is_as_in_an_undisturbed_run(
    battered: SmallCompany, undisturbed: Undisturbed
) -> None:
    state = battered.state()
    for what in ("tables", "ledger", "files"):
        assert state[what] == undisturbed.state[what], what


def test_kills_leave_no_unfinished_files(battered: SmallCompany) -> None:
    assert battered.left_over() == []


def test_a_set_aside_edition_stands_again_after_a_kill(battered: SmallCompany) -> None:
    shelf = battered.share / "s2p-reports/acme-takings"
    (shelf / ".draft-killed/edition").mkdir(parents=True)
    (shelf / "2026-01-31").rename(shelf / ".draft-killed/old")
    assert battered.run().code == 1
    assert (shelf / "2026-01-31/edition.json").exists()
    assert battered.left_over() == []


def test_postgresql_killed_in_mid_run_is_one_line_and_the_next_run_completes(battered: SmallCompany) -> None:
    for number in range(3):
        save(battered.share / f"orders/Cut off {number}.xlsx", order_rows(200 + number), 200)
    before = archived(battered)
    process = battered.start("run", "--json")
    wait_until(lambda: archived(battered) > before, process)
    _kill_servers(battered)
    ended = answer(process)
    assert ended.code == 2, ended.text
    assert "PostgreSQL" in one_line(ended)
    assert battered.run().code == 1
    assert len(paths(battered, "Cut off")) == 3


def test_runs_started_at_once_load_every_row_once(company: SmallCompany, folder: Path) -> None:
    for number in range(3):
        save(company.share / f"orders/At once {number}.xlsx", order_rows(300 + number), 300 + number)
    other = {"S2P_HOME": str(folder / "another home")}
    processes = [company.start("run", "--json"), company.start("run", "--json"), company.start(env=other)]
    for process in processes:
        ended = answer(process)
        assert ended.code == 1, ended.text
        assert "Traceback" not in ended.err
    assert company.run().code == 1
    rows = company.state()["tables"]["orders__rows"]
    ours = [row for row in rows if any("At once" in str(value) for value in row)]
    assert len(ours) == len(set(ours)) == 24


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
    for part in ("archive", "sheets"):
        with mounted(company.home / part, "-t", "tmpfs", "-o", "size=32k", "tmpfs"):
            full = company.run("run", "--json")
            assert full.code == 2, full.text
            assert "make room" in one_line(full)
            assert company.left_over() == []
        assert paths(company, "Full") == []
    assert company.run().code == 1
    assert len(paths(company, "Full")) == 3


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


@pytest.fixture(scope="module")
def strict_server(servers_folder: Path, database_url: str) -> Iterator[Callable[..., str]]:
    """Addresses of the session's server as a user who needs a password and may create nothing."""
    data = servers_folder / "shared/data"
    rules = data / "pg_hba.conf"
    before = rules.read_text()
    with connect(database_url) as conn:
        conn.execute(f"create role stranger login password '{PASSWORD}'")
        rules.write_text(f"local all stranger scram-sha-256\n{before}")
        conn.execute("select pg_reload_conf()")

    def url(password: str, database: str = "faults") -> str:
        return f"postgresql://stranger:{password}@/{database}?{_options(database_url)}"

    yield url
    rules.write_text(before)
    with connect(database_url) as conn:
        conn.execute("select pg_reload_conf()")
        conn.execute("drop role stranger")


def test_a_database_that_refuses_is_one_line_without_the_password(
    company: SmallCompany, strict_server: Callable[..., str]
) -> None:
    cases = [("a-guess", "faults", "password"), (PASSWORD, "nowhere", "nowhere"), (PASSWORD, "faults", "does not let")]
    started = [company.start(env={"S2P_DATABASE_URL": strict_server(*case[:2])}) for case in cases]
    for (password, _, said), ended in zip(cases, map(answer, started), strict=True):
        assert ended.code == 2, ended.text
        assert said in ended.lines[-1]
        assert "Traceback" not in ended.err
        assert password not in ended.err


def test_what_a_person_mistypes_is_one_line(company: SmallCompany, folder: Path) -> None:
    place = folder / "mistyped"
    (place / "home/dagster").mkdir(parents=True)
    (place / "home/dagster/dagster.yaml").write_text("telemetrie: [")
    (place / "orders.csv").write_text("a,b\n1,2\n")
    (place / "empty.xlsx").touch()
    cases = {
        ("run", "--json"): "dagster.yaml",
        ("new", "orders.csv", "--name", "orders"): "acme_orders",
        ("new", "empty.xlsx", "--name", "acme_orders", "--to", "contract.py"): "empty.xlsx",
        ("check", "orders.csv", "--marked", "orders.csv"): "another place",
        ("forget", "nothing.xlsx"): "nothing.xlsx",
    }
    own = {"S2P_HOME": str(place / "home")}
    started = [company.start(*words, cwd=place, env=own) for words in cases]
    for said, ended in zip(cases.values(), map(answer, started), strict=True):
        assert ended.code == 2, ended.text
        assert said in ended.lines[-1]
        assert "Traceback" not in ended.err
    assert sorted(file.name for file in place.iterdir()) == ["empty.xlsx", "home", "orders.csv"]
