"""On a machine that has much more to do than it can, what is asked of it waits, and is not lost."""

from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.launcher import LaunchRunContext
from dagster._core.run_coordinator import QueuedRunCoordinator

from s2p_assets.graph.running.dagster_home import START_SECONDS, STARTS_TRIED, patience, prepare_home
from s2p_assets.graph.running.forked import servers_ref
from s2p_assets.graph.running.run_launcher import ForkingRunLauncher
from s2p_assets.settings import Settings

BEFORE: dict[str, Any] = {
    "run_monitoring": {"enabled": True},
    "run_coordinator": {
        "module": "dagster.core.run_coordinator",
        "class": "QueuedRunCoordinator",
        "config": {"max_concurrent_runs": 2, "dequeue_interval_seconds": 1},
    },
}
"""What an older s2p wrote into `dagster.yaml`."""


def test_a_start_that_nobody_answers_is_one_that_the_queue_makes_again(tmp_path: Path) -> None:
    launcher = ForkingRunLauncher(str(tmp_path / "nobody.sock"))
    with pytest.raises(DagsterUserCodeUnreachableError):
        launcher.launch_run(LaunchRunContext(dagster_run=dg.DagsterRun("job"), workspace=None))


@pytest.mark.parametrize("written_before", [False, True])
def test_starts_are_waited_for_and_made_again_also_in_a_home_that_is_there_already(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch, *, written_before: bool
) -> None:
    settings = Settings(home=tmp_path, database_url=database_url)
    monkeypatch.setenv("S2P_DATABASE_URL", database_url)
    file = prepare_home(settings) / "dagster.yaml"
    if written_before:
        file.write_text(yaml.safe_dump(yaml.safe_load(file.read_text()) | BEFORE))
    with dg.DagsterInstance.from_ref(servers_ref(settings)) as instance:
        coordinator = instance.run_coordinator
        assert isinstance(coordinator, QueuedRunCoordinator)
        queue = coordinator.get_run_queue_config()
        assert (queue.max_user_code_failure_retries, queue.max_concurrent_runs) == (STARTS_TRIED, 2)
        assert instance.run_monitoring_start_timeout_seconds == START_SECONDS


def test_what_an_engineer_set_stands() -> None:
    own = {"module": "company", "class": "Own"}
    found = patience({"run_monitoring": {"start_timeout_seconds": 5}, "run_coordinator": own})
    assert found == {"run_monitoring": {"start_timeout_seconds": 5}}
    queue = BEFORE["run_coordinator"]
    found = patience({"run_coordinator": queue | {"config": {"max_user_code_failure_retries": 3}}})
    assert found["run_coordinator"]["config"]["max_user_code_failure_retries"] == 3
