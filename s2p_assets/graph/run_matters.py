"""What there is to tell of runs and checks: assets that failed and were not made since, and data that drifted.

How people are told is in `services/messages`; files and models are found there.
"""

import datetime as dt
import time
from collections.abc import Mapping

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluation
from dagster._core.event_api import EventLogRecord
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus

from s2p_assets.graph.asset_keys import asset_key
from s2p_assets.graph.checks.drift import DRIFT
from s2p_assets.graph.report_hooks import error_line
from s2p_assets.graph.running.instance import materialized_at
from s2p_assets.messaging.matters import Matter
from s2p_assets.services.context import Context

RUNS_LOOKED_AT = 100
DAYS_LOOKED_AT = 7
ASSETS_NAMED = 5
EVALUATIONS_LOOKED_AT = 10
LATE_START_MINUTES = 30
NOT_BEGUN = [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.STARTING]


def run_matters(ctx: Context, instance: dg.DagsterInstance) -> dict[str, list[Matter]]:
    """Kind → what Dagster knows of it: what failed, what drifted."""
    failed = [*failed_matters(instance), *late_starts(instance, dt.datetime.now(dt.UTC))]
    return {"failed": failed, "drift": drift_matters(ctx, instance)}


def failed_matters(instance: dg.DagsterInstance) -> list[Matter]:
    """The assets whose last attempt failed within the last days, each once."""
    since = time.time() - DAYS_LOOKED_AT * 86_400
    failed = dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE])
    found: dict[str, Matter] = {}
    for record in instance.get_run_records(failed, limit=RUNS_LOOKED_AT):
        if (record.end_time or time.time()) >= since:
            for matter in _of_run(instance, record):
                found.setdefault(matter.key, matter)
    return list(found.values())


def _of_run(instance: dg.DagsterInstance, record: dg.RunRecord) -> list[Matter]:
    run = record.dagster_run
    steps = instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE).records
    planned = instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED)
    made_by = {str(one.event_log_entry.step_key): one.asset_key for one in planned.records if one.asset_key}
    if steps:
        return [one for event in steps if (one := _of_step(instance, run.run_id, event, made_by))]
    names = sorted(made_by.values())
    if not names or any(_made_since(instance, key, record.end_time or 0.0) for key in names):
        return []
    shown = ", ".join(key.to_user_string() for key in names[:ASSETS_NAMED])
    ends = instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.RUN_FAILURE).records
    said = [event.event_log_entry.user_message or event.event_log_entry.message for event in ends]
    return [_matter(shown, " ".join((said or ["it ended without a word"])[-1].split()), run.run_id)]


def _of_step(
    instance: dg.DagsterInstance, run_id: str, event: EventLogRecord, made_by: Mapping[str, dg.AssetKey]
) -> Matter | None:
    entry = event.event_log_entry
    step = str(entry.step_key)
    key = made_by.get(step)
    if key is not None and _made_since(instance, key, event.timestamp):
        return None
    failure = entry.dagster_event.step_failure_data.error if entry.dagster_event else None
    cause = (failure.cause or failure) if failure else None
    line = " ".join(cause.message.split()) if cause else error_line(None)
    own = line.partition(": ")[2] if line.startswith("s2p_assets.") else line
    return _matter(key.to_user_string() if key else step, own, run_id)


def _matter(what: str, why: str, run_id: str) -> Matter:
    return Matter(
        "failed",
        what,
        f"{what} could not be made",
        "What was made before stands. It is tried again once, and whenever something below it changes; "
        "if the reason below is not mended by itself, see the run in the Dagster UI.",
        (why, f"run {run_id}"),
    )


def late_starts(instance: dg.DagsterInstance, now: dt.datetime) -> list[Matter]:
    """That runs wait to start for longer than any start takes, until they have."""
    asked_before = now - dt.timedelta(minutes=LATE_START_MINUTES)
    late = instance.get_run_records(dg.RunsFilter(statuses=NOT_BEGUN, created_before=asked_before))
    if not late:
        return []
    first = min(record.create_timestamp for record in late)
    return [
        Matter(
            "failed",
            "runs that wait",
            f"{len(late)} {'run waits' if len(late) == 1 else 'runs wait'} to start",
            "It is tried again and again, and comes by itself when the computer has less to do. Where it has little to "
            "do, begin s2p up anew; s2p status says what is under way.",
            (f"the first was asked for at {first.astimezone():%H:%M}",),
        )
    ]


def _made_since(instance: dg.DagsterInstance, key: dg.AssetKey, timestamp: float) -> bool:
    made = materialized_at(instance, key)
    return made is not None and made.timestamp() > timestamp


def drift_matters(ctx: Context, instance: dg.DagsterInstance) -> list[Matter]:
    """The tables and feature sets whose newest rows lie far from what the model in service learned from."""
    declared = [*ctx.catalog.features.values(), *ctx.catalog.tables.values()]
    keys = {dg.AssetCheckKey(asset_key(one), DRIFT): one for one in declared}
    found = []
    for key, evaluation in last_said(instance, list(keys)).items():
        if evaluation.passed:
            continue
        name = keys[key].full_name
        found.append(
            Matter(
                "drift",
                name,
                f"{name} moved away from what its model learned from",
                "Its models learn again by themselves, as far as its features ask for it. See which columns moved in "
                f"the check {DRIFT} in the Dagster UI, and whether the data are right.",
                (evaluation.description,) if evaluation.description else (),
            )
        )
    return found


def last_said(
    instance: dg.DagsterInstance, checks: list[dg.AssetCheckKey]
) -> dict[dg.AssetCheckKey, AssetCheckEvaluation]:
    """What each check said when it was last evaluated; while a run has only planned to, what it said before."""
    log = instance.event_log_storage
    found = {}
    for key, newest in log.get_latest_asset_check_execution_by_key(checks).items():
        is_planned = newest.status == AssetCheckExecutionRecordStatus.PLANNED
        records = log.get_asset_check_execution_history(key, limit=EVALUATIONS_LOOKED_AT) if is_planned else [newest]
        said = [record.evaluation for record in records if isinstance(record.evaluation, AssetCheckEvaluation)]
        if said:
            found[key] = said[0]
    return found
