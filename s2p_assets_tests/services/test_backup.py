"""A backup made while everything ran is brought back bit for bit; whatever kills one, the last good one stays."""

import datetime as dt
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from s2p_assets.services.backup import Backup, back_up, backups, drill, find_backup, restore
from s2p_assets.services.backup_schedule import FIRST_BEGUN, LOG, backup_matters, begin_due_backup
from s2p_assets.services.errors import NotFound
from s2p_assets.settings import Settings
from s2p_assets.warehouse.server import embedded
from s2p_assets.warehouse.server.connection import connect, database_url
from s2p_assets.warehouse.server.database_backup import BackupFailed, TableDigests, table_digests
from s2p_assets.warehouse.tables.own_tables import ensure_own_tables
from s2p_assets_tests.older_home import new_database

FILE = """
insert into s2p.files
    (workbook, path, sha256, size, mtime_ns, as_of_ns, contract_version, verdict, owner, archived)
values ('acme_orders', 'a.xlsx', %s, 1, 1, 1, '', 'accepted', 'x', %s)
"""
HOLD = """
import fcntl, sys, time
with open(sys.argv[1], "w") as held:
    fcntl.flock(held, fcntl.LOCK_EX)
    print("held", flush=True)
    time.sleep(60)
"""
BYTES = b"the bytes of a workbook"


def quiet(_: str) -> None:
    """Nobody watches."""


def fill(conn: psycopg.Connection, settings: Settings, rows: int = 2000) -> None:
    """A ledger that names a file of the archive, and a table of values of every kind."""
    ensure_own_tables(conn)
    sha = hashlib.sha256(BYTES).hexdigest()
    stored = settings.archive / sha[:2] / f"{sha}.xlsx"
    stored.parent.mkdir(parents=True, exist_ok=True)
    stored.write_bytes(BYTES)
    conn.execute(FILE, (sha, f"{sha[:2]}/{stored.name}"))
    conn.execute("create schema acme")
    conn.execute(
        "create table acme.orders (id bigint, name text, price numeric, day timestamptz, odd double precision)"
    )
    conn.execute(
        "insert into acme.orders select n, 'żółw ' || n, n / 7.0, now(), 'nan' from generate_series(1, %s) n", (rows,)
    )
    (settings.home / "models/acme").mkdir(parents=True)
    (settings.home / "models/acme/model.bin").write_bytes(os.urandom(1000))
    edition = settings.reports / "acme-takings/2026-01-31"
    edition.mkdir(parents=True)
    (edition / "Takings.html").write_text("<p>42</p>")


def digests(settings: Settings) -> TableDigests:
    with connect(database_url(settings)) as conn:
        return table_digests(conn)


@pytest.fixture(scope="module")
def settings(folder: Path) -> Iterator[Settings]:
    """An installation on an embedded PostgreSQL that keeps its log."""
    known = Settings(home=folder / "home", share=folder / "share", wal_archive=folder / "wal", backup_keep=3)
    known.share.mkdir()
    with connect(database_url(known)) as conn:
        fill(conn, known)
    yield known
    embedded.release_server(known.home / "postgres")


@pytest.fixture(scope="module")
def made(settings: Settings, folder: Path) -> Backup:
    return back_up(settings, folder / "backups", quiet)


def other_home(settings: Settings, folder: Path) -> Settings:
    changed = {"home": folder / "home", "share": folder / "share", "results": folder / "share"}
    (folder / "share").mkdir(parents=True)
    return settings.model_copy(update=changed)


@pytest.fixture
def elsewhere(settings: Settings, folder: Path, request: pytest.FixtureRequest) -> Iterator[Settings]:
    """A home beside, with nothing in it."""
    other = other_home(settings, folder / request.node.name.replace("[", "-").replace("]", ""))
    yield other
    embedded.release_server(other.home / "postgres")


def test_what_is_brought_back_is_the_same_bit_for_bit(settings: Settings, made: Backup, elsewhere: Settings) -> None:
    assert restore(elsewhere, made, quiet) is None
    assert digests(elsewhere) == digests(settings)
    for place in ("archive", "models"):
        for file in (settings.home / place).rglob("*"):
            back = elsewhere.home / place / file.relative_to(settings.home / place)
            assert back.is_dir() if file.is_dir() else back.read_bytes() == file.read_bytes()
    assert (elsewhere.reports / "acme-takings/2026-01-31/Takings.html").read_text() == "<p>42</p>"


def test_what_did_not_change_takes_no_room_twice_and_the_oldest_goes(settings: Settings, made: Backup) -> None:
    to = made.folder.parent
    for day in (1, 2):
        (to / f"{day}").mkdir()
        (to / f"{day}/backup.json").write_text(json.dumps({"made_at": f"2026-01-0{day}T12:00:00+00:00"}))
    last = back_up(settings, to, quiet)
    assert [one.folder.name for one in backups(to)] == [last.folder.name, made.folder.name, "2"]
    links = [file.stat().st_nlink for file in (last.folder / "home").rglob("*") if file.is_file()]
    assert set(links) == {2}
    database = [file for file in (last.folder / "database").rglob("*") if file.is_file()]
    assert sum(file.stat().st_nlink > 1 for file in database) > 0.9 * len(database)


def test_a_drill_compares_what_it_brings_back_and_names_what_is_wrong(
    settings: Settings, made: Backup, folder: Path
) -> None:
    found = drill(settings, made, quiet)
    assert (found.faults, found.files, found.reports) == ([], 1, 1)
    assert found.tables > 5
    damaged = shutil.copytree(made.folder, folder / "damaged/one")
    (archived,) = (damaged / "home/archive").rglob("*.xlsx")
    archived.write_bytes(b"others")
    manifest = json.loads((damaged / "backup.json").read_text())
    manifest["tables"]["acme.orders"][1] = "1"
    (damaged / "backup.json").write_text(json.dumps(manifest))
    (damaged / "results/s2p-reports/acme-takings/2026-01-31/Takings.html").unlink()
    faults = drill(settings, find_backup(damaged), quiet).faults
    assert [fault.partition(" ")[0] for fault in faults][1:] == ["acme.orders", "the"]
    assert "is not what the ledger says it is" in faults[0]


def test_a_backup_that_is_killed_leaves_the_last_good_one_and_the_next_is_whole(
    settings: Settings, made: Backup
) -> None:
    to = made.folder.parent
    good = backups(to)[0]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("S2P_")}
    own = {"S2P_HOME": str(settings.home), "S2P_SHARE": str(settings.share), "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(
        [sys.executable, "-m", "s2p_assets.cli", "backup", str(to)], env=environment | own, start_new_session=True
    )
    deadline = time.monotonic() + 60
    while not any(to.glob(".draft-*/database*")) and time.monotonic() < deadline:
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert find_backup(to).folder == good.folder
    assert any(to.glob(".draft-*"))
    next_one = back_up(settings, to, quiet)
    assert not any(to.glob(".draft-*"))
    assert drill(settings, next_one, quiet).faults == []


def test_a_home_is_brought_back_over_another_only_when_nobody_uses_it_and_nothing_is_deleted(
    settings: Settings, made: Backup, elsewhere: Settings
) -> None:
    elsewhere.home.mkdir()
    (elsewhere.home / "models").mkdir()
    (elsewhere.home / "models/mine.bin").write_text("mine")
    database_url(elsewhere)
    command = [sys.executable, "-c", HOLD, str(elsewhere.home / "up.lock")]
    holder = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert holder.stdout
    holder.stdout.readline()
    with pytest.raises(BackupFailed, match="stop it, then try again"):
        restore(elsewhere, made, quiet)
    holder.kill()
    holder.communicate()
    embedded.release_server(elsewhere.home / "postgres")
    aside = restore(elsewhere, made, quiet)
    assert aside
    assert (aside / "models/mine.bin").read_text() == "mine"
    assert (aside / "postgres/data/PG_VERSION").exists()
    assert digests(elsewhere) == digests(settings)


def test_a_moment_between_two_backups_is_come_back_to(settings: Settings, made: Backup, elsewhere: Settings) -> None:
    with connect(database_url(settings)) as conn:
        conn.execute("create table acme.moments (what text)")
        conn.execute("insert into acme.moments values ('before')")
        (moment,) = conn.execute("select clock_timestamp()").fetchone() or (None,)
        assert isinstance(moment, dt.datetime)
        time.sleep(0.01)
        conn.execute("insert into acme.moments values ('after')")
        (segment,) = conn.execute("select pg_walfile_name(pg_switch_wal())").fetchone() or ("",)
    assert settings.wal_archive
    deadline = time.monotonic() + 60
    while not (settings.wal_archive / segment).exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert find_backup(made.folder.parent, moment).made_at <= moment
    restore(elsewhere, made, quiet, moment)
    with connect(database_url(elsewhere)) as conn:
        assert conn.execute("select what from acme.moments").fetchall() == [("before",)]
        conn.execute("insert into acme.moments values ('now')")
    with pytest.raises(BackupFailed, match="only with S2P_WAL_ARCHIVE"):
        restore(settings.model_copy(update={"wal_archive": None}), made, quiet, moment)


def test_the_company_s_own_database_is_dumped_and_brought_back_into_an_empty_one(
    empty_database_url: str, folder: Path
) -> None:
    own = Settings(home=folder / "dumped", share=folder / "dumped/share", database_url=empty_database_url)
    own.share.mkdir(parents=True)
    with connect(empty_database_url) as conn:
        fill(conn, own, 100)
    made = back_up(own, folder / "dumps", quiet)
    assert made.manifest["database"] == "dump"
    assert drill(own, made, quiet).faults == []
    with pytest.raises(BackupFailed, match="is not empty"):
        restore(own, made, quiet)
    other = other_home(own.model_copy(update={"database_url": new_database(empty_database_url)}), folder / "from-dump")
    restore(other, made, quiet)
    assert digests(other) == digests(own)


def test_there_is_no_backup_where_none_is_whole(tmp_path: Path) -> None:
    (tmp_path / ".draft-1").mkdir()
    (tmp_path / ".draft-1/backup.json").write_text("{}")
    with pytest.raises(NotFound, match="no whole backup lies there"):
        find_backup(tmp_path)


def test_engineers_hear_of_a_backup_that_is_old_and_one_is_begun_when_it_is_due(tmp_path: Path) -> None:
    now = dt.datetime(2026, 5, 1, 12, tzinfo=dt.UTC)
    settings = Settings(home=tmp_path, backup_to=tmp_path / "backups", backup_hours=24)
    assert backup_matters(settings.model_copy(update={"backup_to": None}), now) == []
    assert backup_matters(settings, now) == []
    (tmp_path / FIRST_BEGUN).touch()
    for hours, told in ((47, []), (49, ["There is no backup yet"])):  # each try was killed, and said nothing
        os.utime(tmp_path / FIRST_BEGUN, (now.timestamp() - hours * 3600,) * 2)
        assert [matter.title for matter in backup_matters(settings, now)] == told

    def newest(hours: float) -> None:
        card = tmp_path / "backups/one/backup.json"
        card.parent.mkdir(parents=True, exist_ok=True)
        card.write_text(json.dumps({"made_at": (now - dt.timedelta(hours=hours)).isoformat()}))

    newest(47)
    assert backup_matters(settings, now) == []
    newest(49)
    (tmp_path / LOG).write_text("s2p: the disk is full\n")
    os.utime(tmp_path / LOG, (now.timestamp() - 60, now.timestamp() - 60))
    (matter,) = backup_matters(settings, now)
    assert matter.title == "The newest backup is of 29 April 2026, 11:00 UTC"
    assert matter.details == ("s2p: the disk is full",)
    assert not begin_due_backup(settings, now)
    newest(23)
    assert not begin_due_backup(settings, now + dt.timedelta(minutes=59))
