"""The share sensor: reports to Dagster which kinds of workbook changed on the share drive.

Looking itself is done in `spreadsheet/`; what is new is known to the ledger.
"""

import datetime as dt
import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

import dagster as dg

from s2p_assets.catalog.catalog import Catalog, key_of
from s2p_assets.contracts.schedule import periods_due
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.graph.asset_keys import EXPECTED, UNCLAIMED, asset_key, share_key
from s2p_assets.graph.assets.stream_assets import followed, stream_event, stream_says, stream_versions
from s2p_assets.graph.running.instance import version_of
from s2p_assets.services.context import Context
from s2p_assets.services.ingest import is_to_be_gone_over
from s2p_assets.services.share import look_at_share
from s2p_assets.spreadsheet.settling import settled_files
from s2p_assets.spreadsheet.share import ShareScan
from s2p_assets.warehouse.server.unreachable import DatabaseUnreachable
from s2p_assets.warehouse.warehouse import Warehouse

SHARE_DRIVE = "share_drive"
UNCLAIMED_KEPT = 100
UNCLAIMED_FILES = "nobody's"
PERIODS_DUE = "expected"
STREAMS_LOOKED = "streams looked at"
FIRST_RETRY_SECONDS = 60.0
LONGEST_RETRY_SECONDS = 3600.0
LOOKS = 3
"""So many looks a tick, as long as something moves; of what goes on moving the daemon tells again."""


@dataclass
class Reported:
    """What Dagster was last told of one workbook's files, and how often the same was told."""

    digest: str = ""
    at: float = 0.0
    times: int = 0


@dataclass
class SensorCursor:
    """What the sensor keeps in its cursor: a few bytes per workbook, however many files there are."""

    reported: dict[str, Reported] = field(default_factory=dict)
    unclaimed: list[str] = field(default_factory=list)

    @classmethod
    def from_cursor(cls, cursor: str | None) -> "SensorCursor":
        """Nothing is remembered of what another version of s2p wrote in other words: it is reported once more."""
        try:
            stored = json.loads(cursor or "")
            return cls({name: Reported(**value) for name, value in stored["reported"].items()}, stored["unclaimed"])
        except (ValueError, KeyError, TypeError, AttributeError):
            return cls()

    def to_cursor(self) -> str:
        return json.dumps(asdict(self))


class _LastLook:
    """The look before and what stood still then, held by the process: with every file, too much for a cursor."""

    def __init__(self) -> None:
        self._before: ShareScan | None = None
        self._rested = ShareScan({}, ())

    def at_rest(self, now: ShareScan, memory: SensorCursor) -> ShareScan | None:
        """The files that stand still, each by its own size and date; None at the first look of a process."""
        before, self._before = self._before, now
        if before is None:
            same = [
                name
                for name, reported in memory.reported.items()
                if name in now.files and reported.digest == now.digest(name)
            ]
            self._rested = ShareScan({name: now.files[name] for name in same}, ())
            return None
        self._rested = settled_files(now, before, self._rested)
        return self._rested


def share_sensor(ctx: Context, rest: Callable[[float], None] = time.sleep) -> dg.SensorDefinition:
    """Looks at the share and reports, for each kind of workbook, a version of what stands still there.

    `rest`: what is done between two looks.
    """
    watch = _LastLook()

    @dg.sensor(
        name=SHARE_DRIVE,
        description="Looks at the share drive; a file that stands still over two looks is reported to the graph.",
        minimum_interval_seconds=ctx.settings.look_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        asset_selection=dg.AssetSelection.assets(
            *(UNCLAIMED, EXPECTED),
            *map(share_key, ctx.catalog.workbooks.values()),
            *map(asset_key, ctx.catalog.streams.values()),
        ),
    )
    def share_drive(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        memory = SensorCursor.from_cursor(context.cursor)
        now, still = _look_until_it_rests(ctx, watch, memory, rest)
        events = _events(ctx, still, memory) if still else []
        unclaimed = [file.relative for file in now.unclaimed[:UNCLAIMED_KEPT]]
        if unclaimed and unclaimed != memory.unclaimed:
            context.log.warning(f"no workbook contract claims: {', '.join(unclaimed)} ({len(now.unclaimed)} in all)")
        memory.unclaimed = unclaimed
        reported = memory.reported.setdefault(UNCLAIMED_FILES, Reported())
        if reported.digest != now.unclaimed_digest:
            reported.digest = now.unclaimed_digest
            events.append(_unclaimed_event(now))
        due, reported = _periods_due(ctx.catalog), memory.reported.setdefault(PERIODS_DUE, Reported())
        if reported.digest != due:
            reported.digest = due
            events.append(_due_event(due))
        if still:
            events += _stream_events(ctx, still, memory)
        return dg.SensorResult(asset_events=events, cursor=memory.to_cursor())

    return share_drive


def _look_until_it_rests(
    ctx: Context, watch: _LastLook, memory: SensorCursor, rest: Callable[[float], None]
) -> tuple[ShareScan, ShareScan | None]:
    """What lies there and what of it stands still, after as many looks as that takes, but for what goes on changing."""
    for look in range(LOOKS):
        if look:
            rest(ctx.settings.look_seconds)
        now = look_at_share(ctx)
        still = watch.at_rest(now, memory)
        if still is not None and (still.files, still.unclaimed) == (now.files, now.unclaimed):
            break
    return now, still


def _in_use(catalog: Catalog, now: ShareScan, was_used: Callable[[Workbook], object]) -> list[Workbook]:
    """The workbooks of domains of which a file is there, or ever was: a domain that nobody uses is left asleep."""
    awake = {book.domain for book in catalog.workbooks.values() if now.of(book.full_name) or was_used(book)}
    return [workbook for workbook in catalog.workbooks.values() if workbook.domain in awake]


@dataclass(frozen=True)
class UsedDomains:
    """The domains in use, by name; `woken`: those of which a file lies on the share for the first time."""

    domains: frozenset[str]
    woken: frozenset[str]


def used_domains(ctx: Context, instance: dg.DagsterInstance, now: ShareScan) -> UsedDomains:
    """Which domains a headless pass is about, by what lies on the share `now` and what streams have brought."""
    catalog, brought = ctx.catalog, set[str]()
    if catalog.streams:
        with ctx.warehouse.connect() as connection:
            brought = {catalog.streams[name].domain for name in stream_versions(ctx, connection, set())}
    books = catalog.workbooks.values()
    seen_before = {book.domain for book in books if version_of(instance, share_key(book))}
    seen_before |= {one.domain for one in catalog.streams.values() if version_of(instance, asset_key(one))}
    domains = {book.domain for book in _in_use(catalog, now, lambda book: book.domain in seen_before)} | brought
    return UsedDomains(frozenset(domains | _dbt_schemas(catalog, domains)), frozenset(domains - seen_before))


def _dbt_schemas(catalog: Catalog, domains: set[str]) -> set[str]:
    """Where dbt makes what is made from these domains."""
    return {
        one.domain
        for one in catalog.dbt_models.values()
        if any(book.domain in domains for book in catalog.workbooks_behind(key_of(one)))
    }


def _events(ctx: Context, still: ShareScan, memory: SensorCursor) -> list[dg.AssetMaterialization]:
    return [
        _event(workbook, still, version)
        for workbook in _in_use(ctx.catalog, still, lambda book: book.full_name in memory.reported)
        if (version := _worth_reporting(workbook, still, memory, ctx.warehouse, time.time()))
    ]


def _worth_reporting(
    workbook: Workbook, still: ShareScan, memory: SensorCursor, warehouse: Warehouse, clock: float
) -> str | None:
    """The version to report: a change, or the same again when files that stand still wait after a while."""
    digest = still.digest(workbook.full_name)
    reported = memory.reported.setdefault(workbook.full_name, Reported())
    if digest == reported.digest:
        pause = min(FIRST_RETRY_SECONDS * 2 ** (reported.times - 1), LONGEST_RETRY_SECONDS)
        if clock - reported.at < pause or not _has_waiting_files(workbook, still, warehouse):
            return None
        reported.times += 1
    else:
        reported.digest, reported.times = digest, 1
    reported.at = clock
    return digest if reported.times == 1 else f"{digest}-{reported.times}"


def _stream_events(ctx: Context, still: ShareScan, memory: SensorCursor) -> list[dg.AssetMaterialization]:
    """What streams brought, looked at every `S2P_STREAM_SECONDS`; what is made of one follows at its own pace."""
    looked = memory.reported.setdefault(STREAMS_LOOKED, Reported())
    if not ctx.catalog.streams or time.time() - looked.at < ctx.settings.stream_seconds:
        return []
    looked.at = time.time()
    try:
        return _brought(ctx, still, memory, looked.at)
    except DatabaseUnreachable:  # files are looked at all the same, and streams again
        return []


def _brought(ctx: Context, still: ShareScan, memory: SensorCursor, at: float) -> list[dg.AssetMaterialization]:
    awake = {book.domain for book in _in_use(ctx.catalog, still, lambda book: book.full_name in memory.reported)}
    with ctx.warehouse.connect() as connection:
        versions = stream_versions(ctx, connection, awake)
        last = {name: memory.reported.setdefault(f"{name} last", Reported()) for name in versions}
        changed = [name for name, now in versions.items() if now != memory.reported.setdefault(name, Reported()).digest]
        says = stream_says(ctx, connection) if changed else {}
    events = []
    for name in changed:
        stream, told, now = ctx.catalog.streams[name], memory.reported[name], versions[name]
        follows = followed(told.digest, told.at, now, stream)
        if follows:
            told.digest, told.at = now, at
        if follows or last[name].digest != now:
            events.append(stream_event(stream, told.digest, says[name]))
        last[name].digest = now
    return events


def _has_waiting_files(workbook: Workbook, now: ShareScan, warehouse: Warehouse) -> bool:
    with warehouse.connect() as connection:
        return is_to_be_gone_over(connection, workbook, now)


def _event(workbook: Workbook, now: ShareScan, version: str) -> dg.AssetMaterialization:
    return dg.AssetMaterialization(
        share_key(workbook),
        tags={"dagster/data_version": version},
        metadata={"files": len(now.files[workbook.full_name])},
    )


def _unclaimed_event(now: ShareScan) -> dg.AssetMaterialization:
    return dg.AssetMaterialization(
        UNCLAIMED,
        tags={"dagster/data_version": now.unclaimed_digest},
        metadata={"files": len(now.unclaimed)},
    )


def _periods_due(catalog: Catalog) -> str:
    """The periods that are due today, on the company's own clock."""
    schedules = {name: book.schedule for name, book in catalog.workbooks.items() if book.schedule}
    return periods_due(schedules, dt.datetime.now().astimezone().date())


def _due_event(due: str) -> dg.AssetMaterialization:
    return dg.AssetMaterialization(EXPECTED, tags={"dagster/data_version": _due_version(due)}, metadata={"due": due})


def _due_version(due: str) -> str:
    """A version of Dagster's for these periods."""
    return hashlib.sha256(due.encode()).hexdigest()[:16]


def report_look(ctx: Context, instance: dg.DagsterInstance, now: ShareScan) -> None:
    """For a headless pass: report every workbook whose files changed or wait, by what lies on the share `now`."""
    known = {book.full_name: version_of(instance, share_key(book)) or "" for book in ctx.catalog.workbooks.values()}
    for workbook in _in_use(ctx.catalog, now, lambda book: known[book.full_name]):
        version = known[workbook.full_name]
        digest = now.digest(workbook.full_name)
        if version.partition("-")[0] != digest:
            instance.report_runless_asset_event(_event(workbook, now, digest))
        elif _has_waiting_files(workbook, now, ctx.warehouse):
            instance.report_runless_asset_event(_event(workbook, now, f"{digest}-{time.time():.0f}"))
    if version_of(instance, UNCLAIMED) != now.unclaimed_digest:
        instance.report_runless_asset_event(_unclaimed_event(now))
    _report_streams(
        ctx, instance, {book.domain for book in _in_use(ctx.catalog, now, lambda book: known[book.full_name])}
    )
    due = _periods_due(ctx.catalog)
    if due and version_of(instance, EXPECTED) != _due_version(due):
        instance.report_runless_asset_event(_due_event(due))


def _report_streams(ctx: Context, instance: dg.DagsterInstance, domains: set[str]) -> None:
    """What streams brought, whatever their pace: a pass makes all that can be made."""
    if not ctx.catalog.streams:
        return
    with ctx.warehouse.connect() as connection:
        versions = stream_versions(ctx, connection, domains)
        changed = {
            name: now
            for name, now in versions.items()
            if version_of(instance, asset_key(ctx.catalog.streams[name])) != now
        }
        says = stream_says(ctx, connection) if changed else {}
    for name, now in changed.items():
        instance.report_runless_asset_event(stream_event(ctx.catalog.streams[name], now, says[name]))
