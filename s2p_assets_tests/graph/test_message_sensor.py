"""The sensor tells engineers of what failed, until it could be made, and gives a sign of life while all is well."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg

from s2p_assets.graph.message_sensor import message_sensor
from s2p_assets.graph.run_matters import failed_matters, last_said, late_starts, run_matters
from s2p_assets.services.context import open_context
from s2p_assets.settings import Settings
from s2p_assets_tests.messaging.servers import mail_server, webhook


def attempt(instance: dg.DagsterInstance, *, broken: bool) -> None:
    @dg.asset(key=["acme", "revenue"])
    def revenue() -> None:
        if broken:
            raise ValueError("division\nby zero")

    dg.materialize([revenue], instance=instance, raise_on_error=False)


def test_what_failed_is_told_once_however_often_it_fails_and_is_over_when_it_could_be_made() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        assert failed_matters(instance) == []
        attempt(instance, broken=True)
        attempt(instance, broken=True)
        (matter,) = failed_matters(instance)
        assert matter.title == "acme/revenue could not be made"
        assert "division by zero" in matter.details[0]
        attempt(instance, broken=False)
        assert failed_matters(instance) == []


def test_the_sensor_sends_and_gives_a_sign_of_life_only_while_the_share_is_there(
    tmp_path: Path, empty_database_url: str
) -> None:
    (tmp_path / "share").mkdir()
    (tmp_path / "home").mkdir()
    (tmp_path / "home/addresses.yaml").write_text("engineers: [it@example.com]\n")
    with mail_server() as box, webhook() as (host, received), dg.DagsterInstance.ephemeral() as instance:
        known: dict[str, Any] = {"home": tmp_path / "home", "share": tmp_path / "share", "message_minutes": 0}
        smtp: dict[str, Any] = {"smtp_host": "127.0.0.1", "smtp_port": box.port, "smtp_security": "none"}
        url = f"http://{host}/alive"
        ctx = open_context(Settings(database_url=empty_database_url, heartbeat_url=url, **known, **smtp))
        sensor, cursor = message_sensor(ctx), None

        def tick() -> str:
            nonlocal cursor
            result = sensor(dg.build_sensor_context(instance=instance, cursor=cursor))
            assert isinstance(result, dg.SensorResult)
            cursor = result.cursor
            return str(getattr(result.skip_reason, "skip_message", result.skip_reason))

        attempt(instance, broken=True)
        assert tick() == "1 sent", [(mail["To"], mail["Subject"]) for mail in box.mails]
        assert tick() == "nothing to send"
        (tmp_path / "share").rmdir()
        cursor = "0"
        assert tick() == "1 sent"
    assert [where for where, _ in received] == ["GET /alive"]
    assert [mail["Subject"] for mail in box.mails] == ["acme/revenue could not be made", "The share drive is not there"]


def test_nothing_drifted_where_nothing_was_measured(tmp_path: Path) -> None:
    ctx = open_context(Settings(home=tmp_path))
    with dg.DagsterInstance.ephemeral() as instance:
        assert run_matters(ctx, instance) == {"failed": [], "drift": []}


def test_runs_that_wait_to_start_for_long_are_told() -> None:
    now = dt.datetime.now(dt.UTC)
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_run(dg.DagsterRun("job", status=dg.DagsterRunStatus.STARTING))
        assert late_starts(instance, now) == []
        (matter,) = late_starts(instance, now + dt.timedelta(hours=1))
        assert matter.title == "1 run waits to start"


def test_while_a_run_is_to_check_again_what_the_check_said_before_still_holds() -> None:
    spec = dg.AssetCheckSpec("drift", asset="revenue")
    seen: list[bool] = []

    @dg.asset(check_specs=[spec])
    def revenue() -> Iterator[Any]:
        seen.extend(said.passed for said in last_said(instance, [spec.key]).values())
        yield dg.MaterializeResult(check_results=[dg.AssetCheckResult(passed=False)])

    with dg.DagsterInstance.ephemeral() as instance:
        dg.materialize([revenue], instance=instance)
        dg.materialize([revenue], instance=instance)
    assert seen == [False]
