"""The door's `/metrics`: how long its answers took, and what is measured of the installation when somebody scrapes.

Which figures there are is declared in `services/metrics/declared.py`. prometheus-client writes them; it is imported
with the first request that is timed or scraped, not before.
"""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from starlette.types import Scope

from s2p_assets.services.context import Context
from s2p_assets.services.metrics.declared import EXPORTED, ExportedMetric, names_unseen
from s2p_assets.services.metrics.measured import Measurement, measure_installation

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry, Histogram

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
KEPT_SECONDS = 10.0
"""Whoever asks more often gets the same figures: a scrape must not be a load."""
API = "/api/v1"
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
DECLARED = {metric.name: metric for metric in EXPORTED}
HTTP = DECLARED["s2p_http_request_seconds"]


@dataclass
class Exposition:
    """The figures of one door. Safe for several threads."""

    ctx: Context
    _known: tuple[float, list[Measurement]] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _counts: dict[tuple[str, str, int], Callable[[float], None]] = field(default_factory=dict)

    @cached_property
    def _registry(self) -> "CollectorRegistry":
        from prometheus_client import CollectorRegistry, ProcessCollector

        registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        return registry

    @cached_property
    def _answers(self) -> "Histogram":
        from prometheus_client import Histogram, disable_created_metrics

        disable_created_metrics()  # type: ignore[no-untyped-call]
        return Histogram(HTTP.name, HTTP.help, HTTP.labels, buckets=BUCKETS, registry=self._registry)

    def observe(self, scope: Scope, status: int, seconds: float) -> None:
        """Count an answer by its route, so that whatever paths strangers ask for makes no new series."""
        what = (route_of(scope), str(scope.get("method", "")), status)
        count = self._counts.get(what)
        if count is None:
            count = self._counts[what] = self._answers.labels(what[0], what[1], str(status)).observe
        count(seconds)

    def measurements(self) -> list[Measurement]:
        """What is measured of the installation, at most some seconds old. Raises DatabaseUnreachable."""
        with self._lock:
            now = time.monotonic()
            if self._known is None or now - self._known[0] > KEPT_SECONDS:
                self._known = (now, measure_installation(self.ctx))
            return self._known[1]

    def text(self, sees: Callable[[str], bool]) -> bytes:
        """All figures as Prometheus reads them, without those of things that the one who asks may not see."""
        from prometheus_client import CollectorRegistry, generate_latest

        measured = CollectorRegistry()
        measured.register(_Collected(self.measurements(), sees))
        _ = self._answers  # declared, though nothing was answered yet
        return generate_latest(measured) + generate_latest(self._registry)


@dataclass(frozen=True, eq=False)
class _Collected:
    """Measurements in the form in which prometheus-client collects them."""

    measurements: list[Measurement]
    sees: Callable[[str], bool]

    def collect(self) -> Iterator[Any]:
        families = {metric.name: _family(metric) for metric in EXPORTED if metric is not HTTP}
        for one in self.measurements:
            if not names_unseen(DECLARED[one.metric], one.labels, self.sees):
                families[one.metric].add_metric(one.labels, one.value)
        yield from families.values()


def _family(metric: ExportedMetric) -> Any:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    return kind(metric.name, metric.help, labels=metric.labels)


def route_of(scope: Scope) -> str:
    """The route of a request by its pattern; of what has none, the area."""
    route = scope.get("route")
    pattern = getattr(route, "path_format", None) or getattr(route, "path", None)
    if isinstance(pattern, str):
        if pattern.startswith(API):
            return pattern
        prefix = API if str(scope.get("path", "")).startswith(f"{API}/") else ""
        return f"{prefix}{pattern}"
    area = str(scope.get("path", "")).partition("/")[2].partition("/")[0]
    return f"/{area}" if area in ("dagster", "reports", "static") else "other"
