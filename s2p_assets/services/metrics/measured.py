"""The exported figures of an installation as they are now, from the ledger, Dagster's books, the shelves and the disks.

What each means is in `declared.py`. A group that cannot be measured is named, and the others are told.
"""

import datetime as dt
import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import psycopg

from s2p_assets.contracts.errors import MendableError
from s2p_assets.publishing.editions.published import editions, folder_name
from s2p_assets.publishing.editions.renewal_faults import read_faults
from s2p_assets.services.backup import backups
from s2p_assets.services.backup_schedule import OLD_AFTER
from s2p_assets.services.context import Context
from s2p_assets.services.drill_record import last_good_drill
from s2p_assets.services.mailbox.telling import mailbox_status
from s2p_assets.services.remotes.telling import longest_silence, remotes_status
from s2p_assets.services.share import look_at_share, share_changes_of
from s2p_assets.services.streams.live_telling import live_tables_status
from s2p_assets.services.streams.slots import looked_at_slots
from s2p_assets.warehouse.files import summaries
from s2p_assets.warehouse.files.expected import missing_files
from s2p_assets.warehouse.tables.own_tables import ensure_own_tables

ERROR_CHECK = "error_within_its_band"
"""Dagster's check that holds the figures of models in service."""


class Measurement(NamedTuple):
    """One figure: the metric, the values of its labels in their order, and how much."""

    metric: str
    labels: tuple[str, ...]
    value: float


Measurements = Iterator[Measurement]


@dataclass(frozen=True)
class _Desk:
    ctx: Context
    connection: psycopg.Connection

    def counted(self, metric: str, query: str) -> Measurements:
        """A figure for each row of a query: its labels, and its value last."""
        for *labels, value in self.connection.execute(query).fetchall():
            if value is not None:
                yield Measurement(metric, tuple(map(str, labels)), float(value))


def measure_installation(ctx: Context, today: dt.date | None = None) -> list[Measurement]:
    """Everything that `declared.EXPORTED` names but the door's own figures. Raises DatabaseUnreachable."""
    found = [Measurement("s2p_info", (version("s2p-assets"),), 1.0)]
    with ctx.warehouse.connect() as connection:
        ensure_own_tables(connection)
        desk = _Desk(ctx, connection)
        groups: dict[str, Callable[[], Measurements]] = {
            "ledger": lambda: _ledger(desk),
            "share": lambda: _share(desk, today or dt.datetime.now().astimezone().date()),
            "elsewhere": lambda: _elsewhere(desk),
            "streams": lambda: _streams(desk),
            "database": lambda: _database(desk),
            "dagster": lambda: _dagster(desk),
            "models": lambda: _models(desk),
            "reports": lambda: _reports(ctx),
            "messages": lambda: _messages(desk),
            "disks": lambda: _disks(ctx),
            "backups": lambda: _backups(ctx),
        }
        for name, group in groups.items():
            measured = 1.0
            try:
                found += list(group())
            except (MendableError, OSError, psycopg.DatabaseError):
                measured = 0.0
            found.append(Measurement("s2p_measured", (name,), measured))
    return found


def _ledger(desk: _Desk) -> Measurements:
    current = "select workbook, verdict, count(*) from s2p.files where status = 'current' group by 1, 2"
    yield from desk.counted("s2p_files", current)
    yield from desk.counted("s2p_files_read_total", "select workbook, count(*) from s2p.files group by 1")
    loaded = "select workbook, sum(rows_accepted) from s2p.files where is_loaded group by 1"
    yield from desk.counted("s2p_rows_loaded", loaded)
    last = "select workbook, extract(epoch from max(loaded_at)) from s2p.files group by 1"
    yield from desk.counted("s2p_last_loaded_timestamp_seconds", last)
    to_mend = (
        "select workbook, finding ->> 'rule', count(*) from s2p.files, jsonb_array_elements(findings) finding"
        " where status = 'current' and verdict in ('returned', 'partly') and finding ->> 'severity' = 'reject'"
        " group by 1, 2 order by 3 desc limit 50"
    )
    yield from desk.counted("s2p_findings", to_mend)


def _share(desk: _Desk, today: dt.date) -> Measurements:
    books = list(desk.ctx.catalog.workbooks.values())
    now = look_at_share(desk.ctx)
    for book in books:
        waiting = share_changes_of(desk.connection, book, now).to_read if now.files[book.full_name] else ()
        yield Measurement("s2p_files_waiting", (book.full_name,), float(len(waiting)))
    late = Counter(file.workbook for file in missing_files(desk.connection, books, today) if file.expected.is_late)
    gone = Counter(file.workbook for file in summaries.find_gone_files(desk.connection))
    for book in books:
        if book.schedule is not None:
            yield Measurement("s2p_files_late", (book.full_name,), float(late[book.full_name]))
        yield Measurement("s2p_files_gone", (book.full_name,), float(gone[book.full_name]))
    yield Measurement("s2p_files_unclaimed", (), float(len(now.unclaimed)))


def _elsewhere(desk: _Desk) -> Measurements:
    """Of remote folders and the mailbox that are declared: whether they can be read, and when they last were."""
    wanted = longest_silence(desk.ctx.settings).total_seconds()
    for one in remotes_status(desk.ctx, desk.connection):
        yield Measurement("s2p_remote_files", (one["name"],), float(one["files"]))
        yield Measurement("s2p_remote_away", (one["name"],), float(one["state"] in ("away", "partly")))
        yield from _looked("s2p_remote", (one["name"],), one["looked_at"], wanted)
    mailbox = mailbox_status(desk.ctx, desk.connection)
    if mailbox is None:
        return
    yield Measurement("s2p_mailbox_away", (), float(mailbox["problem"] is not None))
    yield from _looked("s2p_mailbox", (), mailbox["looked_at"], wanted)
    yield from desk.counted("s2p_mails", "select state, count(*) from s2p.mails group by 1")


def _looked(metric: str, labels: tuple[str, ...], looked_at: str | None, wanted: float) -> Measurements:
    if looked_at:
        moment = dt.datetime.fromisoformat(looked_at).timestamp()
        yield Measurement(f"{metric}_looked_timestamp_seconds", labels, moment)
        yield Measurement(f"{metric}_wanted_seconds", labels, wanted)


def _streams(desk: _Desk) -> Measurements:
    """Of the streams that were ever read; of Kafka's how many events wait, of followed tables what their slots keep."""
    yield from desk.counted(
        "s2p_stream_events_total", "select stream, sum(next_offset) from s2p.stream_offsets group by 1"
    )
    yield from desk.counted(
        "s2p_stream_returned",
        "select stream, count(r.id) filter (where r.settled_at is null) from (select distinct stream"
        " from s2p.stream_offsets) s left join s2p.returned_events r using (stream) group by 1",
    )
    yield from desk.counted(
        "s2p_stream_lag_events",
        "select stream, sum(greatest(end_offset - next_offset, 0)) from s2p.stream_offsets"
        " where end_offset is not null and stream not in (select stream from s2p.source_slots) group by 1",
    )
    yield from desk.counted(
        "s2p_stream_late_seconds",
        "select stream, coalesce(max(extract(epoch from now() - late_since)), 0) from s2p.stream_offsets"
        " where looked_at is not null group by 1",
    )
    yield from desk.counted(
        "s2p_stream_waiting",
        "select stream, max((state = 'waiting')::int) from s2p.stream_readers"
        " where seen_at > now() - interval '1 minute' group by 1",
    )
    slots = [one for one in looked_at_slots(desk.ctx, desk.connection, dt.datetime.now(dt.UTC)) if one.kept_bytes]
    for table in live_tables_status(desk.ctx, desk.connection):
        yield Measurement("s2p_live_table_failing", (table["name"],), float(bool(table["problem"])))
    for one in slots:
        yield Measurement("s2p_stream_slot_bytes", (one.stream,), float(one.kept_bytes or 0))
        yield Measurement("s2p_stream_slot_wanted_bytes", (one.stream,), float(desk.ctx.settings.slot_mb << 20))


def _database(desk: _Desk) -> Measurements:
    yield from desk.counted("s2p_database_bytes", "select pg_database_size(current_database())")
    yield from desk.counted(
        "s2p_database_connections", "select count(*) from pg_stat_activity where datname = current_database()"
    )


def _dagster(desk: _Desk) -> Measurements:
    """What Dagster keeps in the same database; nothing before its first start."""
    there = desk.connection.execute("select to_regclass('dagster.runs')").fetchone()
    if not there or there[0] is None:
        return
    yield from desk.counted("s2p_runs", "select lower(status), count(*) from dagster.runs group by 1")
    beats = "select lower(daemon_type), extract(epoch from timestamp at time zone 'utc') from dagster.daemon_heartbeats"
    yield from desk.counted("s2p_daemon_heartbeat_timestamp_seconds", beats)
    failed = Counter[str]()
    for name, passed, _ in _last_checks(desk.connection):
        failed[name] += not passed
    for name, count in failed.items():
        yield Measurement("s2p_checks_failed", (name,), float(count))


def _last_checks(connection: psycopg.Connection) -> list[tuple[str, bool, str]]:
    """(check, whether it passed, what was said as Dagster keeps it) of the last evaluation of every check."""
    rows = connection.execute(
        "select distinct on (asset_key, check_name) check_name, execution_status, evaluation_event"
        " from dagster.asset_check_executions where execution_status <> 'PLANNED'"
        " order by asset_key, check_name, id desc"
    ).fetchall()
    return [(name, status == "SUCCEEDED", said or "") for name, status, said in rows]


def _models(desk: _Desk) -> Measurements:
    for contest in desk.ctx.catalog.contests.values():
        champion = desk.ctx.registry.state(contest.domain, contest.name).champion
        if champion:
            trained = dt.datetime.fromisoformat(champion.trained_at).timestamp()
            yield Measurement("s2p_model_trained_timestamp_seconds", (contest.full_name,), trained)
    there = desk.connection.execute("select to_regclass('dagster.asset_check_executions')").fetchone()
    if there and there[0]:
        for name, _, said in _last_checks(desk.connection):
            if name == ERROR_CHECK:
                yield from errors_in(said)


def errors_in(said: str) -> Measurements:
    """The figures in what Dagster keeps of a check: `<contest>: error` and `<contest>: highest error`."""
    figures: dict[str, Any] = {}
    with suppress(ValueError, KeyError, TypeError):
        evaluation = json.loads(said)["dagster_event"]["event_specific_data"]
        figures = evaluation.get("metadata") or {}
    for name, metric in (("error", "s2p_model_error"), ("highest error", "s2p_model_error_bound")):
        for label, value in figures.items():
            contest, _, what = label.partition(": ")
            if what == name and isinstance(value, dict) and isinstance(value.get("value"), int | float):
                yield Measurement(metric, (contest,), float(value["value"]))


def _reports(ctx: Context) -> Measurements:
    made: dict[str, float] = {}
    for edition in editions(ctx.settings.reports):
        made.setdefault(edition.folder.parent.name, edition.made_at.timestamp())
    for name in ctx.catalog.reports:
        shelf = folder_name(name)
        if shelf in made:
            yield Measurement("s2p_report_timestamp_seconds", (name,), made[shelf])
            held_back = float(bool(read_faults(ctx.settings.reports / shelf)))
            yield Measurement("s2p_report_held_back", (name,), held_back)


def _messages(desk: _Desk) -> Measurements:
    yield from desk.counted("s2p_messages", "select state, count(*) from s2p.messages group by 1")
    open_ones = "select kind, count(*) from s2p.matters where cleared_at is null and not is_event group by 1"
    yield from desk.counted("s2p_matters_open", open_ones)


def _disks(ctx: Context) -> Measurements:
    settings = ctx.settings
    places: dict[str, Path | None] = {"home": settings.home, "share": settings.share, "results": settings.results}
    places |= {"backups": settings.backup_to, "log archive": settings.wal_archive}
    for place, folder in places.items():
        if folder and folder.is_dir():
            room = shutil.disk_usage(folder)
            yield Measurement("s2p_disk_free_bytes", (place,), float(room.free))
            yield Measurement("s2p_disk_bytes", (place,), float(room.total))
            yield Measurement("s2p_disk_wanted_bytes", (place,), float(settings.disk_free_mb << 20))


def _backups(ctx: Context) -> Measurements:
    settings = ctx.settings
    newest = next(iter(backups(settings.backup_to)), None) if settings.backup_to else None
    if newest:
        yield Measurement("s2p_backup_timestamp_seconds", (), newest.made_at.timestamp())
        yield Measurement("s2p_backup_wanted_seconds", (), settings.backup_hours * OLD_AFTER * 3600)
    if settings.drill_hours:
        yield Measurement("s2p_drill_wanted_seconds", (), settings.drill_hours * OLD_AFTER * 3600)
    drilled = last_good_drill(ctx.settings)
    if drilled:
        yield Measurement("s2p_drill_timestamp_seconds", (), drilled.timestamp())
