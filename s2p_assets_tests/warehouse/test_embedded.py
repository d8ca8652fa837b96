"""The promises of the embedded server and of connections. What is stored belongs to the other warehouse tests."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg2
import pytest
import sqlalchemy

from s2p_assets.settings import Settings
from s2p_assets.warehouse.server import embedded
from s2p_assets.warehouse.server.connection import connect, database_url
from s2p_assets.warehouse.server.unreachable import DatabaseUnreachable
from s2p_assets.warehouse.tables.own_tables import ensure_own_tables

USE_AND_WAIT = """
import sys, time
from pathlib import Path
from s2p_assets.warehouse.server.embedded import start_server
print(start_server(Path(sys.argv[1])), flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def folder(servers_folder: Path) -> Iterator[Path]:
    """The folder of a server that does not run yet, and does not run any more after the test."""
    place = servers_folder / 'with "quotes" and $HOME & blanks'
    yield place
    embedded.release_server(place)
    _until(lambda: not _server(place))


@pytest.fixture
def users() -> Iterator[Callable[[Path], "subprocess.Popen[str]"]]:
    started: list[subprocess.Popen[str]] = []

    def use(folder: Path) -> "subprocess.Popen[str]":
        command = [sys.executable, "-c", USE_AND_WAIT, str(folder)]
        started.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        return started[-1]

    yield use
    for process in started:
        process.communicate()


def _server(folder: Path) -> int | None:
    """The process id of the server whose data lie in `folder`."""
    try:
        pid = int((folder / "data" / "postmaster.pid").read_text().splitlines()[0])
    except (FileNotFoundError, IndexError):
        return None
    return pid if psutil.pid_exists(pid) else None


def _until(it_is_so: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not it_is_so():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def _line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def test_a_server_starts_in_a_folder_that_does_not_exist_and_has_blanks_and_quotes(folder: Path) -> None:
    url = embedded.start_server(folder)
    with connect(url) as conn:
        assert conn.execute("show fsync").fetchone() == ("on",)
        assert conn.execute("show listen_addresses").fetchone() == ("",)


def test_its_url_suits_psycopg2_and_sqlalchemy(folder: Path) -> None:
    url = embedded.start_server(folder)
    other = psycopg2.connect(url)
    assert other.server_version >= 150000
    other.close()
    for driver in ("postgresql", "postgresql+psycopg2", "postgresql+psycopg"):
        engine = sqlalchemy.create_engine(url.replace("postgresql", driver, 1))
        with engine.connect() as conn:
            assert conn.exec_driver_sql("select 1").scalar() == 1
        engine.dispose()


def test_several_processes_and_threads_may_start_at_once_and_share_one_server(
    folder: Path, users: Callable[[Path], "subprocess.Popen[str]"]
) -> None:
    processes = [users(folder), users(folder)]
    urls: list[str] = []
    threads = [threading.Thread(target=lambda: urls.append(embedded.start_server(folder))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    urls += [_line(process) for process in processes]
    assert len(urls) == 5
    assert len(set(urls)) == 1


def test_the_server_stops_when_the_last_user_is_gone_even_one_that_was_killed(
    folder: Path, users: Callable[[Path], "subprocess.Popen[str]"]
) -> None:
    first, second = users(folder), users(folder)
    assert _line(first)
    assert _line(second)
    first.communicate("\n")
    time.sleep(0.3)
    assert _server(folder)
    second.send_signal(signal.SIGKILL)
    _until(lambda: _server(folder) is None)


def test_a_server_that_was_killed_starts_again_with_its_data(folder: Path) -> None:
    with connect(embedded.start_server(folder)) as conn:
        conn.execute("create table kept as select 42 as answer")
    server = _server(folder)
    assert server
    os.kill(server, signal.SIGKILL)
    _until(lambda: not psutil.pid_exists(server))
    with connect(embedded.start_server(folder)) as conn:
        assert conn.execute("select answer from kept").fetchone() == (42,)


def test_a_process_id_left_by_a_crash_and_reused_by_another_program_does_not_matter(folder: Path) -> None:
    embedded.start_server(folder)
    pid_file = folder / "data" / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    embedded.release_server(folder)
    _until(lambda: not pid_file.exists())
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]))
    with connect(embedded.start_server(folder)) as conn:
        assert conn.execute("select 1").fetchone() == (1,)


def test_a_half_made_folder_with_a_path_that_suits_no_socket_is_made_anew(servers_folder: Path) -> None:
    place = servers_folder / ("a, b: " + "long " * 20)
    (place / "data.new").mkdir(parents=True)
    (place / "data.new" / "PG_VERSION").write_text("18")
    with connect(embedded.start_server(place)) as conn:
        assert conn.execute("select 1").fetchone() == (1,)
    embedded.release_server(place)


def test_a_server_that_cannot_run_is_told_in_one_line_with_its_own_words(folder: Path) -> None:
    embedded.start_server(folder)
    embedded.release_server(folder)
    _until(lambda: _server(folder) is None)
    (folder / "data" / "global" / "pg_control").unlink()
    with pytest.raises(DatabaseUnreachable) as raised:
        embedded.start_server(folder)
    message = str(raised.value)
    assert "pg_control" in message
    assert str(folder) in message
    assert "S2P_DATABASE_URL" in message
    assert "\n" not in message


def test_a_place_that_is_no_folder_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DatabaseUnreachable, match="Not a directory"):
        embedded.start_server(tmp_path / "file" / "postgres")


def test_nothing_is_started_when_the_company_names_its_own_server(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, database_url="postgresql+psycopg2://db.example/company")
    assert database_url(settings) == "postgresql://db.example/company"
    assert not (tmp_path / "postgres").exists()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://bob:s3cret@127.0.0.1:5/company",
        "postgres://bob:s3cret@127.0.0.1:5/company",
        "postgresql+psycopg2://bob:s3cret@127.0.0.1:5/company",
        "postgresql://bob:at@s3cret@127.0.0.1:5/company",
        "postgresql://bob@127.0.0.1:5/company?password=s3cret",
        "postgresql://bob:s3cret@127.0.0.1:5/company?sslmode=s3cret",
        "mysql://bob:s3cret@127.0.0.1:5/company",
        "bob:s3cret",
        "",
    ],
)
def test_a_wrong_url_is_told_in_one_line_without_the_password(url: str) -> None:
    with pytest.raises(DatabaseUnreachable) as raised:
        connect(url)
    message = str(raised.value)
    assert "s3cret" not in message
    assert "\n" not in message
    assert "S2P_DATABASE_URL" in message
    assert raised.value.__cause__ is None


def test_a_server_that_refuses_names_host_database_and_reason(database_url: str) -> None:
    server, _, place = database_url.partition("?")
    with pytest.raises(DatabaseUnreachable, match=r"no_such_place, cannot be reached: .* does not exist"):
        connect(f"{server.rpartition('/')[0]}/no_such_place?{place}")


def test_several_processes_may_prepare_the_same_database_at_once(empty_database_url: str) -> None:
    faults: list[Exception] = []

    def prepare_one() -> None:
        try:
            with connect(empty_database_url) as conn:
                ensure_own_tables(conn)
        except Exception as error:
            faults.append(error)

    threads = [threading.Thread(target=prepare_one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
