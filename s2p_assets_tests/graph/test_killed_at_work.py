"""What s2p promises when it is killed, started twice or refused its database: it ends as if nothing had happened."""

import random
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from s2p_assets.publishing.editions.publish import clear_drafts
from s2p_assets.warehouse.server.connection import connect
from s2p_assets_tests import small_company
from s2p_assets_tests.small_company import (
    SmallCompany,
    answer,
    archived,
    kill,
    one_line,
    order_rows,
    paths,
    save,
    wait_until,
)

pytestmark = pytest.mark.long

KILLS = 3
SEED = 20260105
PASSWORD = "open-sesame"


@dataclass(frozen=True)
class Undisturbed:
    """A company processed in one go: what stands then, and how long that took."""

    company: SmallCompany
    state: dict[str, Any]
    seconds: float


@pytest.fixture(scope="module")
def undisturbed(folder: Path, database_url: str) -> Undisturbed:
    """Processed with everything on its share that the company of the kills is given by and by."""
    company = small_company.build(folder / "undisturbed", small_company.new_database(database_url, "faults"))
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


def test_after_kills_at_random_moments_everything_is_as_in_an_undisturbed_run(
    battered: SmallCompany, undisturbed: Undisturbed
) -> None:
    state = battered.state()
    for table, rows in undisturbed.state["tables"].items():
        found, expected = Counter(state["tables"].pop(table)), Counter(rows)
        assert (found - expected, expected - found) == (Counter(), Counter()), table
    assert not state["tables"]
    for what in ("ledger", "files"):
        assert state[what] == undisturbed.state[what], what


def test_kills_leave_no_unfinished_files(battered: SmallCompany) -> None:
    assert battered.left_over() == []


def test_an_edition_that_a_killed_publisher_had_set_aside_stands_again(battered: SmallCompany) -> None:
    shelf = battered.share / "s2p-reports/acme-takings"
    (shelf / ".draft-killed/edition").mkdir(parents=True)
    (shelf / "2026-01-31").rename(shelf / ".draft-killed/old")
    clear_drafts(battered.share / "s2p-reports")
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
    rows = company.state()["tables"]["orders__rows"]
    ours = [row for row in rows if any("At once" in str(value) for value in row)]
    assert len(ours) == len(set(ours)) == 24


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
        return f"postgresql://stranger:{password}@/{database}?{database_url.partition('?')[2]}"

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
        assert ended.code == (1 if said == "empty.xlsx" else 2), ended.text
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
        ("new", "empty.xlsx", "--name", "acme_orders", "--to", "workbook.py"): "empty.xlsx",
        ("check", "orders.csv", "--marked", "orders.csv"): "another place",
    }
    own = {"S2P_HOME": str(place / "home")}
    started = [company.start(*words, cwd=place, env=own) for words in cases]
    for said, ended in zip(cases.values(), map(answer, started), strict=True):
        assert ended.code == (1 if said == "empty.xlsx" else 2), ended.text
        assert said in ended.lines[-1]
        assert "Traceback" not in ended.err
    assert sorted(file.name for file in place.iterdir()) == ["empty.xlsx", "home", "orders.csv"]
