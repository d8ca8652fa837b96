"""What is wrong when a figure is beyond a limit, and what to do: on the health page, and in the rules for Prometheus.

The figures are declared in `declared.py`. Whom s2p itself tells is in `services/messages`.
"""

import re
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from s2p_assets.services.metrics.declared import EXPORTED
from s2p_assets.services.metrics.measured import Measurement

LABELS = {metric.name: metric.labels for metric in EXPORTED}


@dataclass(frozen=True, slots=True)
class Alert:
    """`limit`: a number, or a metric with the same labels. `older`: the figure is a moment, and the limit seconds.

    `only`: values of labels. `says` may name labels: `{workbook}`. `runbook`: a page of docs/runbooks.
    """

    name: str
    metric: str
    comparison: Literal["above", "below", "older"]
    limit: float | str
    says: str
    what_to_do: str
    runbook: str
    severity: Literal["page", "ticket"] = "ticket"
    minutes: int = 5
    only: Mapping[str, str] = field(default_factory=dict)

    @property
    def expression(self) -> str:
        """The same for Prometheus."""
        chosen = ",".join(f'{name}="{value}"' for name, value in self.only.items())
        figure = f"{self.metric}{{{chosen}}}" if chosen else self.metric
        left = f"time() - {figure}" if self.comparison == "older" else figure
        sign = "<" if self.comparison == "below" else ">"
        limit = self.limit if isinstance(self.limit, str) else f"{self.limit:g}"
        return f"{left} {sign} {limit}"


ALERTS = (
    Alert(
        *("DaemonSilent", "s2p_daemon_heartbeat_timestamp_seconds", "older", 600.0),
        *(
            "The daemon {daemon} has not said for ten minutes that it lives",
            "Look at the log of s2p up; start it again.",
        ),
        *("run-failed", "page"),
        only={"daemon": "sensor"},
    ),
    Alert(
        *("NotMeasured", "s2p_measured", "below", 1.0, "Figures of {group} cannot be measured"),
        *("See whether PostgreSQL, the share and the disks answer.", "share-gone"),
        minutes=15,
    ),
    Alert(
        *("RunsFailed", "s2p_matters_open", "above", 0.0, "An asset failed and was not made since"),
        *("Open its run in Dagster; s2p tries again by itself when its inputs change.", "run-failed"),
        only={"kind": "failed"},
    ),
    Alert(
        *("FilesWait", "s2p_files_waiting", "above", 0.0, "Files of {workbook} lie on the share unread"),
        *("See whether runs are queued or fail.", "run-failed"),
        minutes=60,
    ),
    Alert(
        *("FilesLate", "s2p_files_late", "above", 0.0, "Files of {workbook} are late"),
        *("Ask their owner; s2p status names them.", "file-came-back"),
    ),
    Alert(
        *("FileCameBack", "s2p_files", "above", 0.0, "Files of {workbook} wait to be corrected"),
        *("Ask their owner; the marked copy says what to mend.", "file-came-back"),
        minutes=1440,
        only={"verdict": "returned"},
    ),
    Alert(
        *("FileHeld", "s2p_files", "above", 0.0, "Files of {workbook} wait for a decision"),
        *("s2p accept or a correction decides.", "file-came-back"),
        minutes=1440,
        only={"verdict": "held"},
    ),
    Alert(
        *("RemoteAway", "s2p_remote_away", "above", 0.0, "The remote folder {remote} is away or listed in part"),
        *("s2p status says why; what was fetched stands.", "remote-away"),
    ),
    Alert(
        *("RemoteUnseen", "s2p_remote_looked_timestamp_seconds", "older", "s2p_remote_wanted_seconds"),
        *("Nobody looks at the remote folder {remote}", "Let s2p up run, or s2p fetch --watch.", "remote-away"),
    ),
    Alert(
        *("MailboxAway", "s2p_mailbox_away", "above", 0.0, "The mailbox cannot be read"),
        *("s2p status says why; mails wait there.", "remote-away"),
    ),
    Alert(
        *("MailboxUnseen", "s2p_mailbox_looked_timestamp_seconds", "older", "s2p_mailbox_wanted_seconds"),
        *("Nobody looks at the mailbox", "Let s2p up run, or s2p fetch --watch.", "remote-away"),
    ),
    Alert(
        *("MailHeld", "s2p_mails", "above", 0.0, "Mails wait for a decision"),
        *("s2p status says whose and why.", "remote-away"),
        minutes=60,
        only={"state": "held"},
    ),
    Alert(
        *("TableNotLive", "s2p_live_table_failing", "above", 0.0, "{table} does not follow its streams"),
        *("s2p status says why; its rows stand as they were.", "stream-lags"),
    ),
    Alert(
        *("StreamLags", "s2p_stream_late_seconds", "above", 300.0, "{stream} does not keep up with what comes in"),
        *("Let more processes read it: s2p stream, here or on another computer.", "stream-lags"),
    ),
    Alert(
        *("StreamWaits", "s2p_stream_waiting", "above", 0.0, "{stream} is not read"),
        *("s2p status says what it waits for.", "stream-lags"),
    ),
    Alert(
        *("SlotKeepsLog", "s2p_stream_slot_bytes", "above", "s2p_stream_slot_wanted_bytes"),
        *("The database of {stream} keeps much of its log for s2p", "See why it is not read, before its disk fills."),
        *("stream-lags", "page"),
    ),
    Alert(
        *("ReportHeldBack", "s2p_report_held_back", "above", 0.0, "{report} cannot be renewed"),
        *("Its page says since when and why.", "run-failed"),
        minutes=60,
    ),
    Alert(
        *("ModelErrsMore", "s2p_model_error", "above", "s2p_model_error_bound"),
        *("The model in service for {contest} errs more than its backtests let expect", "s2p why says more."),
        "run-failed",
        minutes=60,
    ),
    Alert(
        *("DiskFills", "s2p_disk_free_bytes", "below", "s2p_disk_wanted_bytes", "The disk of {place} fills"),
        *("Make room, or give it a larger disk.", "disk-full", "page"),
    ),
    Alert(
        *("BackupOld", "s2p_backup_timestamp_seconds", "older", "s2p_backup_wanted_seconds"),
        *("The newest backup is old", "Try s2p backup by hand and do what it says.", "restore", "page"),
    ),
    Alert(
        *("DrillOld", "s2p_drill_timestamp_seconds", "older", "s2p_drill_wanted_seconds"),
        *("No backup was found right for long", "Try s2p drill by hand.", "restore"),
    ),
    Alert(
        *("MessagesRefused", "s2p_matters_open", "above", 0.0, "Messages to somebody are refused"),
        *("Correct the address, then s2p messages --again.", "file-came-back"),
        only={"kind": "undelivered"},
    ),
)


@dataclass(frozen=True, slots=True)
class Raised:
    """An alert whose limit a figure is beyond."""

    alert: Alert
    says: str


def raised(measurements: Iterable[Measurement], now: float | None = None) -> Iterator[Raised]:
    """The alerts that hold now, without waiting as Prometheus does."""
    figures = {(one.metric, one.labels): one.value for one in measurements}
    moment = time.time() if now is None else now
    for alert in ALERTS:
        for (metric, labels), value in figures.items():
            named: dict[str, Any] = dict(zip(LABELS.get(metric, ()), labels, strict=False))
            if metric != alert.metric or not alert.only.items() <= named.items():
                continue
            limit = figures.get((alert.limit, labels)) if isinstance(alert.limit, str) else alert.limit
            if limit is None:
                continue
            figure = moment - value if alert.comparison == "older" else value
            if figure < limit if alert.comparison == "below" else figure > limit:
                yield Raised(alert, alert.says.format(**named))


def metrics_in(expression: str) -> set[str]:
    """The names of s2p's metrics in an expression for Prometheus."""
    names = re.findall(r"\bs2p_\w+", expression)
    return {re.sub(r"_(bucket|count|sum)$", "", name) if name.startswith("s2p_http") else name for name in names}
