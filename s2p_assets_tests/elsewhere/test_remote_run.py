"""`s2p run` where lists lie on a web server: one command fetches, judges and stores, and keeps them when it is away."""

import os
import sys
from pathlib import Path

import psycopg
import pytest

from s2p_assets_tests.elsewhere.acme import acme_at, lay, price_list
from s2p_assets_tests.elsewhere.servers import running
from s2p_assets_tests.free_ports import free_port
from s2p_assets_tests.small_company import PATIENCE_SECONDS
from s2p_assets_tests.warm_commands import warm_commands


def test_one_command_brings_a_list_on_a_web_server_into_its_table_and_keeps_it_while_that_is_away(
    folder: Path, empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay(folder / "there/prices/March.xlsx", price_list({"A1": 1.5, "A2": 2}))
    (folder / "share").mkdir()
    port = free_port()
    share = f"{folder}/share,lists=http://127.0.0.1:{port}/"
    with acme_at(folder, monkeypatch, empty_database_url, share, {}) as acme:
        plain = {name: value for name, value in os.environ.items() if not name.startswith(("S2P_", "DAGSTER_"))}
        environ = plain | {
            "S2P_HOME": str(folder / "home"),
            "S2P_SHARE": share,
            "S2P_SHELVES": acme.ctx.settings.shelves[0],
            "S2P_DATABASE_URL": empty_database_url,
            "S2P_DISK_FREE_MB": "0",
            "PYTHONPATH": os.pathsep.join([str(folder), *sys.path]),
        }

        def run() -> tuple[int, str]:
            code, said, wrong = warm_commands().run(("run",), environ, folder, PATIENCE_SECONDS)
            return code, said + wrong

        server = (sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1")
        with running(port, *server, cwd=folder / "there"):
            code, said = run()
        assert (code, acme.prices()) == (0, {"A1": 1.5, "A2": 2.0}), said
        with psycopg.connect(empty_database_url) as connection:
            paths = connection.execute("select path from s2p.files where status = 'current'").fetchall()
        assert paths == [("s2p-remote/lists/prices/March.xlsx",)]
        code, said = run()
        assert (code, acme.prices()) == (1, {"A1": 1.5, "A2": 2.0}), said
        assert "1 folder elsewhere is away" in said
        assert f"127.0.0.1:{port}" in said
