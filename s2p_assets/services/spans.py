"""Traces for OpenTelemetry, from a file to the reports: one trace a run, a span a step, a span a file.

Only where an endpoint is set; without one nothing of OpenTelemetry is imported and a span costs a comparison. A trace
of values down to their cells is another thing: see `trace.py`.
"""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from s2p_assets.contracts.errors import MendableError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

    from s2p_assets.settings import Settings


class SpansNotInstalled(MendableError):
    """An endpoint is set and the libraries are not there."""


class _Spans:
    """What this process sends its spans by; None for nothing."""

    provider: TracerProvider | None = None


@contextlib.contextmanager
def run_span(settings: Settings, run_id: str) -> Iterator[None]:
    """Trace a run for as long as the block lasts, where an endpoint is set; its spans are sent when it ends.

    The id of the trace is that of the run, so that each is found by the other. Raises SpansNotInstalled.
    """
    if not settings.otlp_endpoint:
        yield
        return
    provider = _provider(settings.otlp_endpoint, run_id)
    _Spans.provider = provider
    try:
        with span("run", run=run_id):
            yield
    finally:
        _Spans.provider = None
        provider.shutdown()


@contextlib.contextmanager
def span(name: str, **facts: str | int | float | bool) -> Iterator[None]:
    """One step of the trace of this process, as long as the block; nothing where none is traced."""
    if _Spans.provider is None:
        yield
        return
    with _Spans.provider.get_tracer("s2p").start_as_current_span(name, attributes=_named(facts)):
        yield


def past_span(name: str, begun_ns: int, **facts: Any) -> None:
    """A step that is over, from `begun_ns` (Unix time) until now."""
    if _Spans.provider is not None:
        tracer = _Spans.provider.get_tracer("s2p")
        one = tracer.start_span(name, start_time=begun_ns, attributes=_named(facts))
        one.end(time.time_ns())


def _named(facts: dict[str, Any]) -> dict[str, Any]:
    return {f"s2p.{name}": value for name, value in facts.items() if value is not None}


def _provider(endpoint: str, run_id: str) -> TracerProvider:
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
    except ImportError as missing:
        raise SpansNotInstalled(
            f"S2P_OTLP_ENDPOINT is set and {missing.name} is not installed; pip install 's2p-assets[traces]'"
        ) from None

    class _IdOfRun(RandomIdGenerator):
        def generate_trace_id(self) -> int:
            try:
                return uuid.UUID(run_id).int
            except ValueError:
                return super().generate_trace_id()

    provider = TracerProvider(
        resource=Resource.create({"service.name": "s2p"}), id_generator=_IdOfRun(), shutdown_on_exit=False
    )
    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=5)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider
