"""The look at the share: what Dagster is told of it, and when a look is worth a run.

Looking itself is done in `spreadsheet/`; what is new is known to the ledger.
"""

import json
import time
from dataclasses import asdict, dataclass, field

import dagster as dg

from s2p_assets.graph.drive import look_at_share
from s2p_assets.graph.house import House, share_key
from s2p_assets.graph.instance import version_of
from s2p_assets.graph.intake import waiting_files
from s2p_assets.graph.resources import Warehouse
from s2p_assets.settings import Settings
from s2p_assets.spreadsheet.contract import Workbook
from s2p_assets.spreadsheet.share import Look

UNCLAIMED_KEPT = 100
FIRST_RETRY_SECONDS = 60.0
LONGEST_RETRY_SECONDS = 3600.0


@dataclass
class Reported:
    """What Dagster was last told of one workbook's files, and how often the same was told."""

    digest: str = ""
    at: float = 0.0
    times: int = 0


@dataclass
class Memory:
    """What the sensor remembers between two looks: a few bytes per workbook, however many files there are."""

    seen: dict[str, str] = field(default_factory=dict)
    reported: dict[str, Reported] = field(default_factory=dict)
    unclaimed: list[str] = field(default_factory=list)

    @classmethod
    def from_cursor(cls, cursor: str | None) -> "Memory":
        if not cursor:
            return cls()
        stored = json.loads(cursor)
        return cls(
            stored["seen"], {name: Reported(**value) for name, value in stored["reported"].items()}, stored["unclaimed"]
        )

    def to_cursor(self) -> str:
        return json.dumps(asdict(self))


def share_sensor(house: House, settings: Settings, warehouse: Warehouse) -> dg.SensorDefinition:
    """Looks at the share and reports, for each kind of workbook, a version of what lies there."""

    @dg.sensor(
        name="share_drive",
        description="Looks at the share drive; a change that stands still over two looks is reported to the graph.",
        minimum_interval_seconds=settings.look_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        asset_selection=dg.AssetSelection.assets(*(share_key(workbook) for workbook in house.workbooks.values()))
        if house.workbooks
        else dg.AssetSelection.all(),
    )
    def share_drive(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        memory = Memory.from_cursor(context.cursor)
        now = look_at_share(settings, house, warehouse)
        events = [
            _event(workbook, now, version)
            for workbook in house.workbooks.values()
            if (version := _worth_reporting(workbook, now, memory, warehouse, time.time()))
        ]
        unclaimed = [file.relative for file in now.unclaimed[:UNCLAIMED_KEPT]]
        if unclaimed and unclaimed != memory.unclaimed:
            context.log.warning(f"{len(now.unclaimed)} files that no workbook contract claims: {', '.join(unclaimed)}")
        memory.unclaimed = unclaimed
        memory.seen = {name: now.digest(name) for name in house.workbooks}
        return dg.SensorResult(asset_events=events, cursor=memory.to_cursor())

    return share_drive


def _worth_reporting(workbook: Workbook, now: Look, memory: Memory, warehouse: Warehouse, clock: float) -> str | None:
    """The version to report: a change that stood still, or the same again when its files still wait after a while."""
    digest = now.digest(workbook.name)
    reported = memory.reported.setdefault(workbook.name, Reported())
    if memory.seen.get(workbook.name) != digest:
        return None
    if digest == reported.digest:
        pause = min(FIRST_RETRY_SECONDS * 2 ** (reported.times - 1), LONGEST_RETRY_SECONDS)
        if clock - reported.at < pause or not _waits(workbook, now, warehouse):
            return None
        reported.times += 1
    else:
        reported.digest, reported.times = digest, 1
    reported.at = clock
    return digest if reported.times == 1 else f"{digest}-{reported.times}"


def _waits(workbook: Workbook, now: Look, warehouse: Warehouse) -> bool:
    with warehouse.connect() as connection:
        return bool(waiting_files(connection, workbook, now))


def _event(workbook: Workbook, now: Look, version: str) -> dg.AssetMaterialization:
    return dg.AssetMaterialization(
        share_key(workbook),
        tags={"dagster/data_version": version},
        metadata={"files": len(now.files[workbook.name])},
    )


def look_and_report(settings: Settings, house: House, warehouse: Warehouse, instance: dg.DagsterInstance) -> None:
    """One look for a headless pass: report every workbook whose files changed or wait. Raises ShareMissing."""
    now = look_at_share(settings, house, warehouse)
    for workbook in house.workbooks.values():
        told = version_of(instance, share_key(workbook)) or ""
        digest = now.digest(workbook.name)
        if told.partition("-")[0] != digest:
            instance.report_runless_asset_event(_event(workbook, now, digest))
        elif _waits(workbook, now, warehouse):
            instance.report_runless_asset_event(_event(workbook, now, f"{digest}-{time.time():.0f}"))
