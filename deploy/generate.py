"""Writes Prometheus' rules and Grafana's dashboards from what s2p declares: `uv run python deploy/generate.py`.

Which figures and alerts there are is declared in `s2p_assets/services/metrics/`; a test compares the files.
"""

import json
from pathlib import Path
from typing import Any

import yaml

from s2p_assets.services.metrics.alerts import ALERTS, Alert
from s2p_assets.services.metrics.declared import EXPORTED, ExportedMetric

HERE = Path(__file__).parent
RUNBOOKS = "docs/runbooks"
WIDTH, HEIGHT = 8, 7
SOURCE = {"type": "prometheus", "uid": "${source}"}
HEAD = "# Written by deploy/generate.py; change s2p_assets/services/metrics/alerts.py instead.\n"


def rules() -> str:
    """The rules file for Prometheus: every alert, and one for a door that does not answer."""
    gone = {
        "alert": "S2pGone",
        "expr": 'up{job="s2p"} == 0 or absent(up{job="s2p"})',
        "for": "5m",
        "labels": {"severity": "page"},
        "annotations": {
            "summary": "s2p does not answer",
            "description": "Look at the log of s2p up, and start it again.",
            "runbook": f"{RUNBOOKS}/run-failed.md",
        },
    }
    groups = [{"name": "s2p", "rules": [gone, *map(_rule, ALERTS)]}]
    return HEAD + yaml.safe_dump({"groups": groups}, sort_keys=False, width=120, allow_unicode=True)


def _rule(alert: Alert) -> dict[str, Any]:
    summary = alert.says.replace("{", "{{ $labels.").replace("}", " }}")
    return {
        "alert": f"S2p{alert.name}",
        "expr": alert.expression,
        "for": f"{alert.minutes}m",
        "labels": {"severity": alert.severity},
        "annotations": {
            "summary": summary,
            "description": alert.what_to_do,
            "runbook": f"{RUNBOOKS}/{alert.runbook}.md",
        },
    }


def dashboard() -> dict[str, Any]:
    """Grafana's dashboard: a row a section, a panel a figure; who answers how fast at the end."""
    panels: list[dict[str, Any]] = []
    y = 0
    for section in dict.fromkeys(metric.section for metric in EXPORTED):
        shown = [metric for metric in EXPORTED if metric.section == section and metric.name not in IN_OTHERS]
        panels.append(_row(len(panels) + 1, section, y))
        y += 1
        for at, metric in enumerate(shown):
            x = at % 3 * WIDTH
            panels.append(_panel(len(panels) + 1, metric, x, y + at // 3 * HEIGHT))
        y += -(-len(shown) // 3) * HEIGHT
    return {
        "uid": "s2p",
        "title": "s2p",
        "tags": ["s2p"],
        "schemaVersion": 41,
        "version": 1,
        "editable": True,
        "refresh": "1m",
        "time": {"from": "now-7d", "to": "now"},
        "templating": {"list": [{"name": "source", "label": "Source", "type": "datasource", "query": "prometheus"}]},
        "annotations": {"list": []},
        "panels": panels,
    }


IN_OTHERS = {"s2p_model_error_bound", "s2p_disk_wanted_bytes", "s2p_backup_wanted_seconds"}
IN_OTHERS |= {"s2p_drill_wanted_seconds", "s2p_info", "s2p_stream_slot_wanted_bytes"}
IN_OTHERS |= {"s2p_remote_wanted_seconds", "s2p_mailbox_wanted_seconds"}
"""Limits, which are drawn beside what they bound, and what says no more than a version."""
LIMITS = {alert.metric: alert.limit for alert in ALERTS if isinstance(alert.limit, str)}


def _row(number: int, title: str, y: int) -> dict[str, Any]:
    place = {"x": 0, "y": y, "w": 24, "h": 1}
    return {"id": number, "type": "row", "title": title, "collapsed": False, "gridPos": place, "panels": []}


def _panel(number: int, metric: ExportedMetric, x: int, y: int) -> dict[str, Any]:
    queries = list(_queries(metric))
    return {
        "id": number,
        "type": "timeseries",
        "title": metric.help,
        "datasource": SOURCE,
        "gridPos": {"x": x, "y": y, "w": WIDTH, "h": HEIGHT},
        "fieldConfig": {"defaults": {"unit": _unit(metric), "min": 0}, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}},
        "targets": [
            {"refId": chr(ord("A") + at), "datasource": SOURCE, "expr": expression, "legendFormat": legend}
            for at, (expression, legend) in enumerate(queries)
        ],
    }


def _queries(metric: ExportedMetric) -> list[tuple[str, str]]:
    """What a panel asks, each with its legend."""
    legend = " ".join(f"{{{{{label}}}}}" for label in metric.labels) or metric.name.removeprefix("s2p_")
    limit = LIMITS.get(metric.name)
    if metric.kind == "histogram":
        rate = f"sum by (le, route) (rate({metric.name}_bucket[5m]))"
        return [(f"histogram_quantile({share}, {rate})", f"{{{{route}}}} p{share * 100:.0f}") for share in (0.5, 0.99)]
    if metric.kind == "counter":
        return [(f"increase({metric.name}[1h])", f"{legend} an hour")]
    figure = f"time() - {metric.name}" if metric.name.endswith("_timestamp_seconds") else metric.name
    return [(figure, legend), *([(str(limit), f"{legend} limit")] if limit else [])]


def _unit(metric: ExportedMetric) -> str:
    endings = {"_bytes": "bytes", "_seconds": "s"}
    return next((unit for ending, unit in endings.items() if metric.name.endswith(ending)), "short")


def files() -> dict[Path, str]:
    """Every file that is generated, with its content."""
    drawn = json.dumps(dashboard(), indent=1, ensure_ascii=False) + "\n"
    return {HERE / "prometheus/rules.yml": rules(), HERE / "grafana/dashboards/s2p.json": drawn}


if __name__ == "__main__":
    for file, content in files().items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
