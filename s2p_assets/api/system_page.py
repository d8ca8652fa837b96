"""`/metrics` for Prometheus, and the health page, which shows an engineer the same without Prometheus.

What is measured is in `services/metrics/`; how it is written for Prometheus, in `exposition.py`.
"""

import datetime as dt
import time
from collections import defaultdict
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from s2p_assets.api.caller import caller_of
from s2p_assets.api.exposition import CONTENT_TYPE, Exposition
from s2p_assets.api.guard import state_of
from s2p_assets.api.pages import page
from s2p_assets.services.metrics.alerts import raised
from s2p_assets.services.metrics.declared import EXPORTED, ExportedMetric
from s2p_assets.services.metrics.measured import Measurement

router = APIRouter(include_in_schema=False)
UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
MANY = 12
ALWAYS_ONE = ("s2p_info", "s2p_measured")
"""Of which the page says something only when they are not."""


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """Every figure for Prometheus: for whoever runs on this computer, or has a token."""
    exposition: Exposition = state_of(request.scope).exposition
    text = await run_in_threadpool(exposition.text, caller_of(request).sees)
    return Response(text, headers={"Content-Type": CONTENT_TYPE})


@router.get("/system")
async def system(request: Request) -> HTMLResponse:
    """How the installation is: what is beyond its limits first, then every figure by what it is about."""
    exposition: Exposition = state_of(request.scope).exposition
    measured = await run_in_threadpool(exposition.measurements)
    beyond = sorted(raised(measured), key=lambda one: one.alert.severity)
    return page("system.html.j2", beyond=beyond, sections=_sections(measured), version=version("s2p-assets"))


def _sections(measured: list[Measurement]) -> dict[str, list[dict[str, Any]]]:
    """Section → its figures that there are: what each is, and a line for each of its labels."""
    values = defaultdict[str, list[Measurement]](list)
    for one in measured:
        values[one.metric].append(one)
    shown = defaultdict[str, list[dict[str, Any]]](list)
    for metric in EXPORTED:
        told = [one for one in values[metric.name] if one.value or not metric.labels]
        lines = [_line(metric, one) for one in told if metric.name not in ALWAYS_ONE]
        if lines:
            lines.sort(key=lambda line: line["of"])
            shown[metric.section].append({"help": metric.help, "lines": lines[:MANY], "more": len(lines[MANY:])})
    return dict(shown)


def _line(metric: ExportedMetric, one: Measurement) -> dict[str, str]:
    return {"of": ", ".join(one.labels).replace("_", " "), "value": _in_words(metric.name, one.value)}


def _in_words(name: str, value: float) -> str:
    """A figure with its unit as people read it; a moment by how long ago it was."""
    if name.endswith("_timestamp_seconds"):
        return _ago(time.time() - value)
    if name.endswith("_bytes"):
        at = 0
        while value >= 1024 and at < len(UNITS) - 1:
            value, at = value / 1024, at + 1
        return f"{value:,.0f} {UNITS[at]}" if at < 3 else f"{value:,.1f} {UNITS[at]}"
    if name.startswith("s2p_model_error"):
        return f"{value:.3f}"
    if name.endswith("_seconds"):
        return f"{dt.timedelta(seconds=round(value)).total_seconds() / 3600:,.0f} hours"
    return f"{value:,.0f}"


def _ago(seconds: float) -> str:
    for size, word in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {word}{'s' * (count > 1)} ago"
    return "a moment ago"
