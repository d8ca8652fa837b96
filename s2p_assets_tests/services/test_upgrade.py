"""A home that s2p 0.1.0 wrote on an older PostgreSQL is brought up to date, with a way back, or left as it was."""

import gzip
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from s2p_assets.graph.running.dagster_upgrade import upgrade_dagster
from s2p_assets.services.backup import backups
from s2p_assets.services.upgrade import upgrade_home
from s2p_assets.settings import Settings
from s2p_assets.warehouse.migrations.revisions import HEAD, HomeTooNew
from s2p_assets.warehouse.server.cluster_upgrade import ClusterNotUpgraded, data_version, upgrade_cluster
from s2p_assets.warehouse.server.connection import connect, database_url
from s2p_assets.warehouse.server.database_backup import BackupFailed, table_digests
from s2p_assets.warehouse.server.embedded import (
    SUPERUSER,
    give_to_server,
    postgres_versions,
    release_server,
    server_account,
)
from s2p_assets_tests.older_home import KEPT
from s2p_assets_tests.retail_home import nothing_set

OLD = 16


def quiet(_: str) -> None:
    """Nobody watches."""


def as_server(folder: Path, *words: str, given: bytes | None = None) -> str:
    account = server_account(folder)
    done = subprocess.run(
        words,
        check=True,
        input=given,
        capture_output=True,
        cwd=folder,
        env={"PATH": os.defpath, "LC_ALL": "C"},
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )
    return done.stdout.decode()


@pytest.fixture(scope="module")
def settings(folder: Path) -> Iterator[Settings]:
    """A home of 0.1.0 on PostgreSQL 16, whose server was killed."""
    home = folder / "home"
    place = home / "postgres"
    place.mkdir(parents=True)
    if account := server_account(place):
        give_to_server(place, account)
        folder.chmod(0o755)
    programs = postgres_versions()[0][OLD]
    data, log = str(place / "data"), str(place / "old.log")
    as_server(
        place, str(programs / "initdb"), "-D", data, "-U", SUPERUSER, "--auth=trust", "--encoding=UTF8", "--locale=C"
    )
    options = f"-k {place} -c listen_addresses="
    as_server(place, str(programs / "pg_ctl"), "start", "-w", "-D", data, "-l", log, "-o", options)
    written = gzip.decompress((KEPT / "database.sql.gz").read_bytes())
    psql = (str(programs / "psql"), "-h", str(place), "-U", SUPERUSER, "-v", "ON_ERROR_STOP=1", "-q")
    plain = b"\n".join(line for line in written.splitlines() if b"transaction_timeout" not in line)
    as_server(place, *psql, given=plain)
    as_server(place, str(programs / "pg_ctl"), "stop", "-D", data, "-m", "immediate")
    (home / "share" / "something").mkdir(parents=True)
    with nothing_set():  # Dagster's instance is opened in this process, and sets the environment of its home
        yield Settings(home=home)


def test_a_home_on_an_older_postgresql_is_brought_up_to_date_and_nothing_is_lost(settings: Settings) -> None:
    place = settings.home / "postgres"
    assert data_version(place) == OLD
    found = upgrade_home(settings, settings.home / "before-upgrade", upgrade_dagster, quiet)
    try:
        assert data_version(place) == postgres_versions()[1]
        assert found.old_database
        assert (Path(found.old_database) / "PG_VERSION").read_text().strip() == str(OLD)
        (made,) = backups(settings.home / "before-upgrade")
        assert found.backup == str(made.folder)
        with connect(database_url(settings)) as connection:
            after = table_digests(connection)
            revision = connection.execute("select version_num from s2p.alembic_version").fetchone()
            dagster = connection.execute("select to_regclass('dagster.runs')").fetchone()
        assert revision == (HEAD,)
        assert dagster
        kept = {
            name: digest for name, digest in made.manifest["tables"].items() if not name.startswith(("s2p.", "mlflow."))
        }
        assert len(kept) > 5
        assert set(map(tuple, kept.values())) <= set(after.values()), "rows, whatever their table is called now"
        assert after["s2p.files"][0] == made.manifest["tables"]["s2p.files"][0] > 0
        assert [line.partition(":")[0] for line in found.done][:2] == ["PostgreSQL", "s2p's tables"]
        release_server(place)
        again = upgrade_home(settings, settings.home / "before-upgrade", lambda _: None, quiet)
        assert again.done == []
        with connect(database_url(settings)) as connection:
            connection.execute("update s2p.alembic_version set version_num = '9999'")
        release_server(place)
        with pytest.raises(HomeTooNew, match="9999"):
            upgrade_home(settings, settings.home / "before-upgrade", lambda _: None, quiet)
        assert len(backups(settings.home / "before-upgrade")) == 2
    finally:
        release_server(place)


def test_what_cannot_be_upgraded_is_left_as_it_was(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "PG_VERSION").write_text("12\n")
    with pytest.raises(ClusterNotUpgraded, match="PostgreSQL 12"):
        upgrade_cluster(tmp_path)
    (data / "PG_VERSION").write_text(f"{postgres_versions()[1]}\n")
    assert upgrade_cluster(tmp_path) is None
    assert [file.name for file in tmp_path.iterdir()] == ["data"]


def test_a_home_in_use_is_refused(tmp_path: Path) -> None:
    code = (
        "import fcntl,sys,time; f=open(sys.argv[1],'w'); fcntl.flock(f, fcntl.LOCK_EX); "
        "print(1, flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen(
        [shutil.which("python3") or "python3", "-c", code, str(tmp_path / "up.lock")], stdout=subprocess.PIPE
    )
    try:
        assert holder.stdout
        holder.stdout.readline()
        with pytest.raises(BackupFailed, match="stop it"):
            upgrade_home(Settings(home=tmp_path), tmp_path / "to", lambda _: None, quiet)
    finally:
        holder.kill()
        holder.communicate()
