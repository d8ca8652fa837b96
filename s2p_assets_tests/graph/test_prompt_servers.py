"""What makes servers answer at once and runs begin cheaply, part by part; the whole is started in `test_daemon.py`."""

import gc
import os
import sys
import threading
import time
import weakref
from pathlib import Path
from typing import Any

import psutil
import pytest
from sqlalchemy import Dialect

from s2p_assets.graph.running.daemons import Rest
from s2p_assets.graph.running.instance import asked_once, open_instance
from s2p_assets.graph.running.run_logs import RunLogs
from s2p_assets.publishing.renderers import html
from s2p_assets.settings import Settings

LONG_SECONDS = 30.0


def test_what_a_step_prints_is_kept_for_the_ui_without_a_process_that_follows_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs, key = RunLogs(str(tmp_path / "storage")), ["run", "compute_logs", "steps"]
    beside = len(psutil.Process().children())
    with (tmp_path / "out").open("w") as out, (tmp_path / "err").open("w") as err:
        monkeypatch.setattr(sys, "stdout", out)
        monkeypatch.setattr(sys, "stderr", err)
        with logs.capture_logs(key):
            print("of the step", flush=True)
            assert not logs.is_capture_complete(key)
            assert len(psutil.Process().children()) == beside
        print("after it", flush=True)
    kept = logs.get_log_data(key)
    assert logs.is_capture_complete(key)
    assert (kept.stdout, kept.stderr) == (b"of the step\n", b"")
    assert (tmp_path / "out").read_text() == "after it\n"


def test_a_rest_ends_when_there_is_something_to_look_at_also_when_that_came_before_it() -> None:
    rest, begun = Rest(), time.monotonic()
    threading.Timer(0.05, rest.end).start()
    rest.rest(LONG_SECONDS)
    rest.end()
    rest.rest(LONG_SECONDS)
    rest.rest(0.05)
    assert 0.1 <= time.monotonic() - begun < LONG_SECONDS


def test_a_table_is_asked_once_whether_it_has_a_column() -> None:
    asked: list[str] = []

    def has(_: object, column: str) -> bool:
        asked.append(column)
        return column == "there"

    known = asked_once("a database", has)
    assert [known(None, name) for name in ("there", "not there", "there", "not there")] == [True, False, True, False]
    assert asked == ["there", "not there"]
    assert [asked_once(of, has)(None, "there") for of in ("a database", "another")] == [True, True]
    assert asked == ["there", "not there", "there"], "the instance of the next tick asked again, or was told of another"


def test_every_page_of_reports_is_compiled_before_runs_are_forked() -> None:
    html.prepare_templates()
    names = {template.name for template in html.TEMPLATES.glob("*.html.j2")}
    compiled = {name for _, name in html._environment().cache}
    assert "report.html.j2" in names
    assert names <= compiled


def test_nothing_stays_of_the_instance_that_a_tick_had(
    tmp_path: Path, empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of each that looked for tables or columns, SQLAlchemy kept 0.2 MB, and a server grew by 20 MB in a morning."""
    monkeypatch.setattr(os, "environ", os.environ.copy())
    settings = Settings(home=tmp_path, database_url=empty_database_url)

    def dialect_of_a_tick() -> "weakref.ref[Dialect]":
        with open_instance(settings) as instance:
            instance.get_run_records(limit=1)
            log: Any = instance.event_log_storage
            assert log.has_asset_key_col("last_run_id")
            return weakref.ref(log._engine.dialect)

    dialect_of_a_tick()
    later = dialect_of_a_tick()
    gc.collect()
    assert later() is None
