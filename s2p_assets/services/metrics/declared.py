"""Every figure that s2p exports, declared once: the door's `/metrics`, its health page, dashboards and alerts follow.

How each is measured is in `measured.py`; in what form it is written, the door's.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class ExportedMetric:
    """A figure by its Prometheus name, with its unit at the end. `section`: under which heading people find it."""

    name: str
    kind: Literal["gauge", "counter", "histogram"]
    section: str
    help: str
    labels: tuple[str, ...] = ()


FILES, ELSEWHERE, STREAMS, TABLES, RUNS, MODELS, REPORTS, MESSAGES, ROOM, ANSWERS = (
    *(
        "Files",
        "Files elsewhere",
        "Streams",
        "Tables",
        "Runs",
        "Models",
        "Reports",
        "Messages",
        "Room and backups",
        "Answers",
    ),
)

EXPORTED = (
    ExportedMetric(
        "s2p_files", "gauge", FILES, "Files on the share by their verdict, as last read", ("workbook", "verdict")
    ),
    ExportedMetric(
        "s2p_files_waiting", "gauge", FILES, "Files on the share that are not read as they are", ("workbook",)
    ),
    ExportedMetric("s2p_files_late", "gauge", FILES, "Files that should have come by now", ("workbook",)),
    ExportedMetric("s2p_files_gone", "gauge", FILES, "Files gone from the share that nobody decided on", ("workbook",)),
    ExportedMetric("s2p_files_unclaimed", "gauge", FILES, "Files on the share that no kind of workbook claims"),
    ExportedMetric("s2p_files_read_total", "counter", FILES, "Versions of files that were read", ("workbook",)),
    ExportedMetric(
        "s2p_findings", "gauge", FILES, "Cells to mend in files on the share, by kind", ("workbook", "rule")
    ),
    ExportedMetric("s2p_remote_files", "gauge", ELSEWHERE, "Files of a remote folder that were fetched", ("remote",)),
    ExportedMetric(
        "s2p_remote_away", "gauge", ELSEWHERE, "1 while a remote folder is away or listed in part", ("remote",)
    ),
    ExportedMetric(
        "s2p_remote_looked_timestamp_seconds", "gauge", ELSEWHERE, "When it was last looked at", ("remote",)
    ),
    ExportedMetric("s2p_remote_wanted_seconds", "gauge", ELSEWHERE, "How long ago that may be", ("remote",)),
    ExportedMetric("s2p_mailbox_away", "gauge", ELSEWHERE, "1 while the mailbox cannot be read"),
    ExportedMetric("s2p_mailbox_looked_timestamp_seconds", "gauge", ELSEWHERE, "When it was last looked at"),
    ExportedMetric("s2p_mailbox_wanted_seconds", "gauge", ELSEWHERE, "How long ago that may be"),
    ExportedMetric("s2p_mails", "gauge", ELSEWHERE, "Mails that were read, by what became of them", ("state",)),
    ExportedMetric("s2p_stream_events_total", "counter", STREAMS, "Events that were taken", ("stream",)),
    ExportedMetric("s2p_stream_returned", "gauge", STREAMS, "Events that came back and wait", ("stream",)),
    ExportedMetric("s2p_stream_lag_events", "gauge", STREAMS, "Events of a topic that are not stored yet", ("stream",)),
    ExportedMetric(
        "s2p_stream_late_seconds",
        "gauge",
        STREAMS,
        "For how long a stream has not kept up; 0 while it does",
        ("stream",),
    ),
    ExportedMetric(
        "s2p_stream_waiting", "gauge", STREAMS, "1 while what a stream is read from is away or refused", ("stream",)
    ),
    ExportedMetric(
        "s2p_stream_slot_bytes", "gauge", STREAMS, "Log that another database keeps for a slot of s2p", ("stream",)
    ),
    ExportedMetric("s2p_stream_slot_wanted_bytes", "gauge", STREAMS, "The most that it is to keep", ("stream",)),
    ExportedMetric(
        "s2p_live_table_failing", "gauge", STREAMS, "1 while a table cannot be made from its streams", ("table",)
    ),
    ExportedMetric("s2p_rows_loaded", "gauge", TABLES, "Rows of the files that are loaded", ("workbook",)),
    ExportedMetric("s2p_last_loaded_timestamp_seconds", "gauge", TABLES, "When a file was last loaded", ("workbook",)),
    ExportedMetric("s2p_database_bytes", "gauge", TABLES, "What the database holds on disk"),
    ExportedMetric("s2p_database_connections", "gauge", TABLES, "Connections to the database"),
    ExportedMetric("s2p_runs", "gauge", RUNS, "Runs that Dagster knows, by status", ("status",)),
    ExportedMetric("s2p_checks_failed", "gauge", RUNS, "Checks that last failed, by name", ("check",)),
    ExportedMetric(
        "s2p_daemon_heartbeat_timestamp_seconds", "gauge", RUNS, "When a daemon last said that it lives", ("daemon",)
    ),
    ExportedMetric(
        "s2p_model_error", "gauge", MODELS, "Error of the model in service on what came since", ("contest",)
    ),
    ExportedMetric("s2p_model_error_bound", "gauge", MODELS, "The most that its backtests let expect", ("contest",)),
    ExportedMetric(
        "s2p_model_trained_timestamp_seconds", "gauge", MODELS, "When the model in service was trained", ("contest",)
    ),
    ExportedMetric("s2p_report_timestamp_seconds", "gauge", REPORTS, "When its newest edition was made", ("report",)),
    ExportedMetric("s2p_report_held_back", "gauge", REPORTS, "1 while a report cannot be renewed", ("report",)),
    ExportedMetric("s2p_messages", "gauge", MESSAGES, "Messages to people, by state", ("state",)),
    ExportedMetric("s2p_matters_open", "gauge", MESSAGES, "What is so, and somebody is told of, by kind", ("kind",)),
    ExportedMetric("s2p_disk_free_bytes", "gauge", ROOM, "Room left on the disk of a folder", ("place",)),
    ExportedMetric("s2p_disk_wanted_bytes", "gauge", ROOM, "Room that is to be left on it", ("place",)),
    ExportedMetric("s2p_disk_bytes", "gauge", ROOM, "Size of the disk of a folder", ("place",)),
    ExportedMetric("s2p_backup_timestamp_seconds", "gauge", ROOM, "When the newest whole backup was begun"),
    ExportedMetric("s2p_backup_wanted_seconds", "gauge", ROOM, "How old the newest backup may be"),
    ExportedMetric("s2p_drill_timestamp_seconds", "gauge", ROOM, "When a backup was last brought back and found right"),
    ExportedMetric("s2p_drill_wanted_seconds", "gauge", ROOM, "How long ago the last good drill may be"),
    ExportedMetric(
        "s2p_measured", "gauge", ROOM, "1 where a group of figures could be measured, 0 where not", ("group",)
    ),
    ExportedMetric("s2p_info", "gauge", ROOM, "1, with the version that runs", ("version",)),
    ExportedMetric(
        *("s2p_http_request_seconds", "histogram", ANSWERS),
        "How long the door took to begin its answers",
        ("route", "method", "status"),
    ),
)
"""`workbook`, `stream`, `contest` and `report` hold names of things, which may be kept to groups."""

OF_THINGS = ("workbook", "stream", "contest", "report")
"""The labels that name a thing; who may not see the thing sees no figure of it."""


def names_unseen(metric: ExportedMetric, labels: tuple[str, ...], sees: Callable[[str], bool]) -> bool:
    """Whether a figure is of a thing that is kept to others."""
    return any(name in OF_THINGS and not sees(value) for name, value in zip(metric.labels, labels, strict=True))
