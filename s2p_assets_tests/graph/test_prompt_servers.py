"""What makes servers answer at once and runs begin cheaply, part by part; the whole is started in `test_daemon.py`."""

import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from s2p_assets.graph.running.daemons import Rest
from s2p_assets.graph.running.instance import asked_once
from s2p_assets.graph.running.run_logs import RunLogs
from s2p_assets.publishing.renderers import html

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

    known = asked_once(has)
    assert [known(None, name) for name in ("there", "not there", "there", "not there")] == [True, False, True, False]
    assert asked == ["there", "not there"]


def test_every_page_of_reports_is_compiled_before_runs_are_forked() -> None:
    html.prepare_templates()
    names = {template.name for template in html.TEMPLATES.glob("*.html.j2")}
    compiled = {name for _, name in html._environment().cache}
    assert "report.html.j2" in names
    assert names <= compiled
