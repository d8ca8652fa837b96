"""What `s2p up` logs, in both forms, and the spans of a run as a collector of OpenTelemetry receives them."""

import http.server
import io
import json
import logging
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from s2p_assets.services.logs import LOG, log_event, start_log
from s2p_assets.services.spans import past_span, run_span, span
from s2p_assets.settings import Settings


@pytest.fixture
def quiet_again() -> Iterator[None]:
    yield
    logging.getLogger(LOG).handlers[:] = []
    logging.getLogger(LOG).setLevel(logging.NOTSET)


@pytest.mark.usefixtures("quiet_again")
def test_people_read_one_line_and_programs_read_json() -> None:
    told = {}
    for form in ("text", "json"):
        stream = io.StringIO()
        start_log(form, stream)
        log_event("file", "accepted a.xlsx:\n106 rows", path="a.xlsx", rows=106, at="never")
        log_event("file", "b.xlsx: gone", level=logging.WARNING, path=Path("b.xlsx"))
        logging.getLogger("sqlalchemy").debug("noise")
        told[form] = stream.getvalue().splitlines()
    first, second = told["text"]
    assert first.endswith(" accepted a.xlsx: 106 rows")
    assert second.endswith(" warning: b.xlsx: gone")
    lines = [json.loads(line) for line in told["json"]]
    assert [line["level"] for line in lines] == ["info", "warning"]
    assert (lines[0]["event"], lines[0]["rows"], lines[1]["path"]) == ("file", 106, "b.xlsx")
    assert lines[0]["at"].startswith("20")


def test_nothing_is_written_where_no_log_was_started(capfd: pytest.CaptureFixture[str]) -> None:
    log_event("file", "accepted a.xlsx", path="a.xlsx")
    assert capfd.readouterr() == ("", "")


@pytest.fixture
def collector() -> Iterator[tuple[str, list[ExportTraceServiceRequest]]]:
    received: list[ExportTraceServiceRequest] = []

    class Receiver(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            assert self.path == "/v1/traces"
            received.append(ExportTraceServiceRequest.FromString(body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", received
        server.shutdown()


def test_a_run_is_one_trace_with_its_id_from_the_file_to_the_report(
    tmp_path: Path, collector: tuple[str, list[ExportTraceServiceRequest]]
) -> None:
    endpoint, received = collector
    run = str(uuid.uuid4())
    with run_span(Settings(home=tmp_path, otlp_endpoint=endpoint), run):
        past_span("file", 1_700_000_000_000_000_000, path="a.xlsx", rows=3)
        with span("step", step="report"):
            pass
    spans = [one for got in received for of in got.resource_spans for kept in of.scope_spans for one in kept.spans]
    assert {one.name for one in spans} == {"run", "file", "step"}
    assert {one.trace_id.hex() for one in spans} == {run.replace("-", "")}
    (root,) = [one for one in spans if one.name == "run"]
    assert {one.parent_span_id for one in spans if one is not root} == {root.span_id}
    (file,) = [one for one in spans if one.name == "file"]
    assert file.start_time_unix_nano == 1_700_000_000_000_000_000
    assert {one.key for one in file.attributes} == {"s2p.path", "s2p.rows"}


def test_without_an_endpoint_nothing_of_opentelemetry_is_imported() -> None:
    code = (
        "import sys; from s2p_assets.settings import Settings; from s2p_assets.services.spans import run_span, span\n"
        "with run_span(Settings(), 'x'), span('a'): pass\n"
        "sys.exit(any(name.startswith('opentelemetry') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
